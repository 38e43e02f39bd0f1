//! Here a statement learns what weighs: counted places, how many, how it changed, and words that worry.

use super::{Builder, View};
use crate::answers::Answer;
use crate::frame::{Frame, Side, What};
use crate::mention::{Core, Mention};
use crate::reading::Sentence;
use crate::spots::{self, Spot};
use crate::text::{Kind, Token};
use crate::weighing::Trend;

/// Words between a number and the finding it counts, at most.
const COUNT_REACH: usize = 4;

/// Words between "in" and the place in which something lies, and "in" itself, at most.
const LEAD_REACH: usize = 4;

impl Builder<'_> {
    pub(super) fn weigh(&self, frame: &mut Frame, tokens: &[Token], view: &View<'_>, m: &Mention) {
        let (sentence, list) = (view.sentence, view.list);
        let within = |at: usize| at >= m.from && at < m.to;
        frame.spots = self.spots_of(sentence, tokens, list, m);
        let worrying = self.lex.weighing.worrying(tokens);
        frame.worrying = worrying.iter().any(|hit| within(hit.first));
        if matches!(frame.what, What::Finding(_)) {
            frame.trend = self
                .trend_of(tokens, list, m)
                .or_else(|| self.measured_trend(view, m));
            frame.count = answered_count(view, m).or_else(|| self.count_of(tokens, m));
            let crowd = self.lex.weighing.crowd(tokens).into_iter();
            let own =
                crowd.filter(|(hit, _)| within(hit.first) && !view.marked.is_contrast(hit.first));
            frame.crowd = own.map(|(_, crowd)| crowd).max().unwrap_or(0);
            frame.historical |= self.long_ago(frame, tokens, m);
            frame.misplaced = self.misplaced(frame, tokens, view, m);
        }
    }

    /// Whether a tube or line lies where it does harm: said so in words, or in a place where it never belongs.
    fn misplaced(&self, frame: &Frame, tokens: &[Token], view: &View<'_>, m: &Mention) -> bool {
        let weighing = &self.lex.weighing;
        let mut table = weighing.never.iter();
        let Some((_, never)) = table.find(|(device, _)| Some(*device) == frame.finding()) else {
            return false;
        };
        let marked = view.marked;
        // "The tube terminates in the bronchus": that it ends somewhere calls nothing normal.
        let next = view
            .list
            .iter()
            .find(|o| o.first > m.last && o.core != Core::Normal);
        let end = next.map_or(tokens.len(), |o| o.from);
        let stated = |at: usize| {
            let state = marked.states.get(at).copied().unwrap_or_default();
            at >= m.from && at < end && !state.denied && !state.hypothetical
        };
        let said = weighing.misplaced(tokens);
        let said = said.iter().any(|hit| stated(hit.last));
        let wrong = |node| never.iter().any(|n| self.lex.is_part(node, *n));
        said || marked.nodes.iter().any(|n| {
            stated(n.first) && n.first > m.last && wrong(n.id) && self.lies_in(tokens, m, n.first)
        })
    }

    /// Whether a place is led by "in" or its like, behind the start of a mention.
    pub(super) fn lies_in(&self, tokens: &[Token], m: &Mention, first: usize) -> bool {
        let before = tokens.get(m.from.max(first.saturating_sub(LEAD_REACH))..first);
        before
            .unwrap_or_default()
            .iter()
            .rev()
            .take_while(|t| t.is_word() || t.kind == Kind::Hyphen)
            .any(|t| self.lex.weighing.leading.contains(&t.norm))
    }

    /// From the mention's own words, else from its label, else from a sentence that is about it alone.
    fn spots_of(
        &self,
        sentence: &Sentence,
        tokens: &[Token],
        list: &[Mention],
        m: &Mention,
    ) -> Vec<Spot> {
        let in_breast = self.in_breast();
        let all = spots::spots(&self.lex.weighing, tokens, in_breast);
        let mut own: Vec<Spot> = all
            .iter()
            .filter(|s| s.at >= m.from && s.at < m.to)
            .map(|s| s.spot)
            .collect();
        if own.is_empty() && list.len() == 1 {
            own = all.iter().map(|s| s.spot).collect();
        }
        if own.is_empty()
            && let Some((first, end)) = sentence.label
        {
            let label = self.text.tokens.get(first..end).unwrap_or_default();
            let named = spots::spots(&self.lex.weighing, label, in_breast);
            own = named.iter().map(|s| s.spot).collect();
        }
        own.sort();
        own.dedup();
        own
    }

    /// Whether the examination or the label is about the breast, where an hour is a position on the clock face.
    fn in_breast(&self) -> bool {
        let places = self.exam.region.iter().chain(&self.label.nodes);
        let context = self.lex.weighing.clock_context;
        context.is_some_and(|c| places.clone().any(|n| self.lex.is_part(*n, c)))
    }

    /// The change told beside the mention, or the only one of a sentence that is about one finding.
    fn trend_of(&self, tokens: &[Token], list: &[Mention], m: &Mention) -> Option<Trend> {
        let all = self.lex.weighing.trends(tokens);
        let own = all
            .iter()
            .find(|(hit, _)| hit.first >= m.from && hit.first < m.to);
        let enlarged = self.lex.finding_named("enlargement");
        let others = list
            .iter()
            .filter(|o| matches!(&o.core, Core::Finding(id) if Some(*id) != enlarged))
            .count();
        let only = all.first().filter(|_| others <= 1);
        own.or(only).map(|(_, trend)| *trend)
    }

    /// "8 mm, previously 5 mm".
    fn measured_trend(&self, view: &View<'_>, m: &Mention) -> Option<Trend> {
        let mut sizes = view
            .marked
            .sizes
            .iter()
            .filter(|s| s.first >= m.from && s.first < m.to);
        let now = sizes.clone().find(|s| !s.aside)?.mm;
        let before = sizes.find(|s| s.earlier)?.mm;
        Some(match self.lex.differences.apart.sizes(now, before) {
            false => Trend::Unchanged,
            true if now > before => Trend::Larger,
            true => Trend::Smaller,
        })
    }

    /// "Five liver metastases", "a solitary nodule".
    fn count_of(&self, tokens: &[Token], m: &Mention) -> Option<u8> {
        let many = self.plural(tokens, m);
        for at in (m.from..m.last).rev().take(COUNT_REACH + m.last - m.first) {
            let token = tokens.get(at)?;
            if matches!(token.norm.as_str(), "single" | "solitary") {
                return Some(1);
            }
            if let Some(n) = spots::plain_number(token) {
                let alone = at
                    .checked_sub(1)
                    .and_then(|i| tokens.get(i))
                    .is_none_or(Token::is_word);
                let before_a_word = tokens
                    .get(at + 1)
                    .is_some_and(|t| t.is_word() && t.start > token.end && !is_unit(&t.norm));
                let fits = alone && before_a_word && !(n == 1 && many);
                return fits.then_some(n);
            }
            if !token.is_word() && token.kind != Kind::Hyphen {
                return None;
            }
        }
        None
    }

    /// "Breast cancer in 2015", "cancer history": a malignancy told as history.
    fn long_ago(&self, frame: &Frame, tokens: &[Token], m: &Mention) -> bool {
        let malignant = frame
            .finding()
            .and_then(|id| self.lex.finding(id))
            .is_some_and(|f| f.malignant);
        let history = tokens.get(m.last + 1).is_some_and(|t| t.is("history"));
        let since = |at: usize| tokens.get(at).is_some_and(|t| t.is("in") || t.is("since"));
        let year = tokens.get(m.last + 2).is_some_and(|t| {
            t.kind == Kind::Number && t.norm.len() == 4 && (1900.0..2100.0).contains(&t.value)
        });
        malignant && (history || since(m.last + 1) && year)
    }

    /// "On the opposite side": of what was said before, or of the side that is examined.
    pub(super) fn other_side(&self, frame: &mut Frame, tokens: &[Token], m: &Mention) {
        let hits = self.lex.weighing.opposite(tokens);
        if frame.side.is_some() && !frame.side_inferred
            || !hits
                .iter()
                .any(|hit| hit.first >= m.from && hit.first < m.to)
        {
            return;
        }
        let told = self.frames.iter().rev().take(8).find_map(|f| f.side);
        frame.side = told.or(self.exam.side).and_then(Side::other);
        frame.side_inferred = false;
        frame.opposite = frame.side.is_none();
    }

    /// "A nodule, increased in size": the change belongs to the nodule and is no finding of its own.
    pub(super) fn only_a_trend(&self, tokens: &[Token], list: &[Mention], i: usize) -> bool {
        let Some(m) = list.get(i) else { return false };
        let enlarged = self.lex.finding_named("enlargement");
        let before = list.get(..i).unwrap_or_default();
        matches!(&m.core, Core::Finding(id) if Some(*id) == enlarged)
            && before.iter().any(|o| matches!(o.core, Core::Finding(_)))
            && self
                .lex
                .weighing
                .trends(tokens)
                .iter()
                .any(|(hit, _)| hit.first <= m.last && m.first <= hit.last)
    }
}

/// "Fractures: 3".
fn answered_count(view: &View<'_>, m: &Mention) -> Option<u8> {
    let mut answers = view.marked.answered.iter();
    answers.find_map(|a| match a.answer {
        Answer::Count(n) if a.question.0 <= m.first && m.last < a.question.1 => Some(n),
        _ => None,
    })
}

fn is_unit(norm: &str) -> bool {
    matches!(
        norm,
        "mm" | "cm" | "x" | "by" | "week" | "month" | "day" | "year" | "hour" | "of" | "to" | "or"
    )
}
