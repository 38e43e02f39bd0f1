//! Here a report becomes frames: every statement with its place, side, size, grade and certainty.

use crate::advice;
use crate::exam::{Exam, side_of};
use crate::frame::{Frame, Side, What};
use crate::hits::{self, Marked};
use crate::lexicon::{CueKind, Lexicon, NodeId};
use crate::limits::{EVIDENCE_CHARS_MAX, FRAMES_MAX};
use crate::marks::Level;
use crate::mention::{self, Core, Mention};
use crate::reading::{self, Section, Sentence};
use crate::text::{Kind, Text, Token};
use crate::weighing::Action;

mod ending;
mod meaning;
mod place;
mod weight;
mod whole;

/// What one report says.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) text: Text,
    pub(crate) frames: Vec<Frame>,
    /// Sentences that were not understood, as code point ranges.
    pub(crate) unread: Vec<(usize, usize)>,
    /// Sentences that carry findings, understood or not.
    pub(crate) bearing: usize,
    pub(crate) agrees: bool,
    pub(crate) disagrees: bool,
    /// Passages that limit the examination.
    pub(crate) limited: Vec<(usize, usize)>,
}

/// Places known before a sentence is read.
#[derive(Debug, Clone, Default)]
struct Around {
    nodes: Vec<NodeId>,
    levels: Vec<Level>,
    side: Option<Side>,
    paragraph: usize,
}

/// A sentence with everything marked in it.
struct View<'a> {
    sentence: &'a Sentence,
    marked: &'a Marked<'a>,
    list: &'a [Mention],
}

struct Builder<'a> {
    lex: &'a Lexicon,
    exam: &'a Exam,
    text: &'a Text,
    frames: Vec<Frame>,
    before: Around,
    label: Around,
    label_range: Option<(usize, usize)>,
    unread: Vec<(usize, usize)>,
    bearing: usize,
    /// The sentence before named a place and stated nothing of it: "LIVER", "Normal."
    topic: bool,
    /// How many passages were unread when the report was signed off; none while it goes on.
    signed_off: Option<usize>,
    agrees: bool,
    disagrees: bool,
    limited: Vec<(usize, usize)>,
}

/// Reads a report.
pub(crate) fn read(lex: &Lexicon, exam: &Exam, text: Text) -> Report {
    let sentences = reading::sentences(&text, lex);
    let mut builder = Builder {
        lex,
        exam,
        text: &text,
        frames: Vec::new(),
        before: Around::default(),
        label: Around::default(),
        label_range: None,
        unread: Vec::new(),
        bearing: 0,
        topic: false,
        signed_off: None,
        agrees: false,
        disagrees: false,
        limited: Vec::new(),
    };
    for (number, sentence) in sentences.iter().enumerate() {
        if builder.frames.len() >= FRAMES_MAX {
            builder.note_unread(sentence);
            continue;
        }
        builder.sentence(number, sentence);
    }
    builder.drop_end_matter();
    let Builder {
        frames,
        unread,
        bearing,
        agrees,
        disagrees,
        limited,
        ..
    } = builder;
    Report {
        text,
        frames,
        unread,
        bearing,
        agrees,
        disagrees,
        limited,
    }
}

impl Builder<'_> {
    fn sentence(&mut self, number: usize, sentence: &Sentence) {
        let tokens = self
            .text
            .tokens
            .get(sentence.first..sentence.end)
            .unwrap_or_default();
        if sentence.section == Section::Aside && (!sentence.soft || !self.begins_again(tokens)) {
            return;
        }
        self.refresh_label(sentence);
        let marked = hits::mark(self.lex, self.exam, tokens);
        self.agrees |= marked.has(CueKind::Agree) && !marked.has(CueKind::Disagree);
        self.disagrees |= marked.has(CueKind::Disagree);
        if marked.has(CueKind::Limited) {
            self.limited.extend(self.range(sentence, 0, tokens.len()));
        }
        let mut list = mention::mentions(self.lex, tokens, &marked);
        if sentence.section == Section::Recommendation {
            list.clear();
        }
        self.set_aside(tokens, &marked, &mut list);
        let advice = marked.has(CueKind::Recommend) || self.urges(tokens, &marked, list.is_empty());
        let start = self.frames.len();
        for (i, m) in list.iter().enumerate() {
            if self.only_a_trend(tokens, &list, i) {
                continue;
            }
            self.mention(number, sentence, tokens, &marked, &list, i, m);
        }
        if advice || sentence.section == Section::Recommendation {
            self.advice(number, sentence, tokens, &marked);
        }
        self.own(start);
        let understood = self.frames.len() > start;
        let medical = understood || !marked.findings.is_empty();
        if medical {
            self.goes_on();
        }
        let end_line = !medical && self.end_matter(tokens, marked.nodes.is_empty());
        let administrative = marked.has(CueKind::Agree)
            || marked.has(CueKind::Admin)
            || marked.has(CueKind::Report)
            || marked.has(CueKind::Limited)
            || marked.has(CueKind::Modality);
        let content = tokens
            .iter()
            .filter(|t| t.is_word() && t.norm.len() > 3)
            .count();
        if understood {
            self.bearing += 1;
        } else if !administrative && !end_line && content >= 3 {
            self.bearing += 1;
            self.note_unread(sentence);
        }
        self.remember(sentence, &marked, start);
    }

    /// "Indication: cough, r/o pneumonia. Lungs are clear.": the second sentence is the report.
    fn begins_again(&self, tokens: &[Token]) -> bool {
        let marked = hits::mark(self.lex, self.exam, tokens);
        let asked = [CueKind::Hypo, CueKind::Other]
            .iter()
            .any(|k| marked.has(*k));
        let denied = marked
            .findings
            .iter()
            .any(|f| marked.states.get(f.first).is_some_and(|s| s.denied));
        let described =
            !marked.findings.is_empty() && (!marked.nodes.is_empty() || !marked.levels.is_empty());
        !asked && (marked.has(CueKind::Normal) || denied || described)
    }

    fn note_unread(&mut self, sentence: &Sentence) {
        let length = sentence.end - sentence.first;
        self.unread.extend(self.range(sentence, 0, length));
    }

    /// Returns the code point range of sentence tokens, trimmed of joining words.
    fn range(&self, sentence: &Sentence, from: usize, to: usize) -> Option<(usize, usize)> {
        let tokens = self.text.tokens.get(sentence.first..sentence.end)?;
        let loose = |t: &Token| {
            matches!(
                t.kind,
                Kind::Comma
                    | Kind::Dash
                    | Kind::Close
                    | Kind::Newline
                    | Kind::Other
                    | Kind::Period
                    | Kind::Open
                    | Kind::Hyphen
                    | Kind::Slash
                    | Kind::Colon
            ) || matches!(
                t.norm.as_str(),
                "and"
                    | "or"
                    | "but"
                    | "which"
                    | "of"
                    | "at"
                    | "in"
                    | "the"
                    | "a"
                    | "is"
                    | "are"
                    | "also"
                    | "there"
                    | "that"
                    | "with"
            )
        };
        let with = |i: usize| tokens.get(i).is_some_and(|t| t.is("with"));
        let (mut from, mut to) = (from, to.min(tokens.len()));
        while from < to && tokens.get(from).is_some_and(loose) {
            from += 1;
        }
        if from > 0 && with(from - 1) {
            from -= 1;
        }
        while to > from
            && tokens
                .get(to - 1)
                .is_some_and(|t| loose(t) && t.kind != Kind::Close)
        {
            to -= 1;
        }
        let first = tokens.get(from)?;
        let last = tokens.get(to.checked_sub(1)?)?;
        (last.end > first.start).then_some((first.start, last.end))
    }

    fn refresh_label(&mut self, sentence: &Sentence) {
        if sentence.label == self.label_range {
            return;
        }
        self.label_range = sentence.label;
        self.label = Around::default();
        let Some((first, end)) = sentence.label else {
            return;
        };
        let tokens = self.text.tokens.get(first..end).unwrap_or_default();
        let marked = hits::mark(self.lex, self.exam, tokens);
        self.label = self.around(&marked, 0, tokens.len());
        if self
            .label
            .nodes
            .iter()
            .any(|n| self.exam.region.contains(n))
        {
            self.label.nodes.clear();
        }
        if marked.has(CueKind::Modality) || marked.has(CueKind::Admin) {
            self.label.nodes.clear();
        }
    }

    fn around(&self, marked: &Marked<'_>, from: usize, to: usize) -> Around {
        let mut out = Around::default();
        for n in marked
            .nodes
            .iter()
            .filter(|n| n.first >= from && n.last < to && !marked.is_contrast(n.first))
        {
            if !out.nodes.contains(&n.id) {
                out.nodes.push(n.id);
            }
            if out.side.is_none() {
                out.side = self
                    .lex
                    .node(n.id)
                    .and_then(|n| n.side)
                    .map(|right| if right { Side::Right } else { Side::Left });
            }
        }
        for l in marked
            .levels
            .iter()
            .filter(|l| l.first >= from && l.last < to && !marked.is_contrast(l.first))
        {
            for level in &l.levels {
                if !out.levels.contains(level) {
                    out.levels.push(*level);
                }
            }
        }
        let sides: Vec<Side> = marked
            .cues
            .iter()
            .filter(|c| c.first >= from && c.last < to && !marked.is_contrast(c.first))
            .filter_map(|c| side_of(c.cue.kind))
            .collect();
        if sides.contains(&Side::Both)
            || (sides.contains(&Side::Left) && sides.contains(&Side::Right))
        {
            out.side = Some(Side::Both);
        } else if let Some(side) = sides.first() {
            out.side = Some(*side);
        }
        out
    }

    /// Drops what is quoted from the other report, asked for, or advised.
    fn set_aside(&self, tokens: &[Token], marked: &Marked<'_>, list: &mut Vec<Mention>) {
        let first_of = |kind: CueKind| {
            marked
                .cues
                .iter()
                .filter(|c| c.cue.kind == kind)
                .map(|c| c.first)
                .min()
        };
        let report = first_of(CueKind::Report);
        let said = first_of(CueKind::Said);
        let not_said = marked.has(CueKind::Pseudo);
        if let (Some(report), Some(said), false) = (report, said, not_said) {
            let turn = marked
                .cues
                .iter()
                .filter(|c| {
                    matches!(c.cue.kind, CueKind::End | CueKind::Firm | CueKind::NegPost)
                        && c.first > said
                })
                .map(|c| c.first)
                .min()
                .unwrap_or(tokens.len());
            if report < said {
                list.retain(|m| m.first < report || m.first > turn);
            } else {
                let explained = marked
                    .cues
                    .iter()
                    .any(|c| c.cue.kind == CueKind::Firm && c.first > said)
                    || tokens
                        .iter()
                        .skip(said)
                        .any(|t| t.is("represent") || t.is("correspond") || t.is("reflect"));
                list.retain(|m| !(explained || m.first > said && m.last < report));
            }
        }
        if let Some(advice) = first_of(CueKind::Recommend) {
            let reached = |m: &Mention| m.first > advice;
            list.retain(|m| !reached(m) || m.core == Core::Normal);
            list.retain(|m| m.core != Core::Normal || m.first < advice);
        }
        list.retain(|m| {
            let state = marked.states.get(m.first).copied().unwrap_or_default();
            let contrast = marked.is_contrast(m.first);
            let limited = marked.cues.iter().any(|c| {
                c.cue.kind == CueKind::Limited && c.first <= m.last + 1 && m.first <= c.last + 1
            });
            !contrast && !state.hypothetical && !state.other && !limited
        });
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one mention is read in the light of its whole sentence"
    )]
    fn mention(
        &mut self,
        number: usize,
        sentence: &Sentence,
        tokens: &[Token],
        marked: &Marked<'_>,
        list: &[Mention],
        i: usize,
        m: &Mention,
    ) {
        let state = marked.states.get(m.first).copied().unwrap_or_default();
        let what = match &m.core {
            Core::Finding(id) => What::Finding(*id),
            Core::Normal => What::Normal,
            Core::Category(scheme, _) => What::Category(scheme.clone()),
            Core::Measured => What::Measured,
        };
        let mut frame = Frame::new(what, sentence.section, number);
        frame.denied = state.denied;
        frame.certainty = state.certainty;
        frame.historical = state.historical;
        if let Core::Category(_, value) = &m.core {
            frame.value.clone_from(value);
        }
        self.describe(&mut frame, tokens, marked, m);
        let view = View {
            sentence,
            marked,
            list,
        };
        self.weigh(&mut frame, tokens, &view, m);
        if !self.locate(&mut frame, &view, i, m) {
            return;
        }
        self.other_side(&mut frame, tokens, m);
        self.loosen(&mut frame, tokens);
        if !self.settle(&mut frame, tokens, marked, m, list.len()) {
            return;
        }
        let from = if i == 0 { 0 } else { m.from };
        let whole = self
            .range(sentence, from, m.to)
            .map(|r| self.shorten(r, sentence, m));
        if frame.what == What::Normal {
            frame.spans.extend(whole);
            self.one_frame_a_place(frame);
            return;
        }
        let parts = self.sides_apart(&frame, marked, m);
        if parts.is_empty() {
            frame.spans.extend(whole);
            self.frames.push(frame);
            return;
        }
        for (side, severity, from, to) in parts {
            let mut part = frame.clone();
            part.side = Some(side);
            part.severity = severity;
            part.spans.extend(
                self.range(sentence, from, to)
                    .map(|r| self.shorten(r, sentence, m)),
            );
            self.frames.push(part);
        }
    }

    /// "This is consistent with a metastasis": the place of the diagnosis is the one of what was said before.
    fn loosen(&self, frame: &mut Frame, tokens: &[Token]) {
        let pronoun = tokens.first().is_some_and(|t| {
            matches!(
                t.norm.as_str(),
                "it" | "this" | "these" | "they" | "appearance" | "feature" | "finding"
            )
        });
        if pronoun
            && frame
                .finding()
                .and_then(|id| self.lex.finding(id))
                .is_some_and(|f| f.dx)
        {
            frame.placed = false;
            frame.site_inferred = true;
        }
    }

    /// Keeps long evidence near the words that carry it.
    fn shorten(&self, range: (usize, usize), sentence: &Sentence, m: &Mention) -> (usize, usize) {
        let (start, end) = range;
        if end - start <= EVIDENCE_CHARS_MAX {
            return range;
        }
        let core = self
            .text
            .tokens
            .get(sentence.first + m.first)
            .map_or(start, |t| t.start);
        let core_end = self
            .text
            .tokens
            .get(sentence.first + m.last)
            .map_or(end, |t| t.end);
        let half = EVIDENCE_CHARS_MAX / 3;
        let low = start.max(core.saturating_sub(half));
        (
            low,
            end.min((core_end + half).min(low + EVIDENCE_CHARS_MAX)),
        )
    }

    /// Advice without a word of recommending: "emergency surgery today", "consider repair", "no follow-up is needed".
    fn urges(&self, tokens: &[Token], marked: &Marked<'_>, alone: bool) -> bool {
        let actions = self.lex.weighing.actions(tokens);
        let urgent = !self.lex.weighing.urgent(tokens).is_empty();
        let past = marked.has(CueKind::Hist) || marked.has(CueKind::Prior);
        let invasive = |a: Action| matches!(a, Action::Tissue | Action::Operate);
        actions.iter().any(|(_, action, _)| {
            urgent || *action == Action::Nothing || alone && !past && invasive(*action)
        })
    }

    fn advice(
        &mut self,
        number: usize,
        sentence: &Sentence,
        tokens: &[Token],
        marked: &Marked<'_>,
    ) {
        let length = tokens.len();
        let mut frame = Frame::new(What::Advice, Section::Recommendation, number);
        frame.advice = Some(advice::read(self.lex, tokens, &marked.states));
        frame.spans.extend(
            self.range(sentence, 0, length)
                .map(|(a, b)| (a, b.min(a + EVIDENCE_CHARS_MAX))),
        );
        self.frames.push(frame);
    }

    fn remember(&mut self, sentence: &Sentence, marked: &Marked<'_>, start: usize) {
        self.topic = self.frames.len() == start
            && !marked.has(CueKind::Modality)
            && marked.nodes.iter().any(|n| !self.is_the_exam(n.id));
        let around = self.around(marked, 0, usize::MAX);
        let disc: Vec<Level> = self
            .frames
            .get(start..)
            .unwrap_or_default()
            .iter()
            .flat_map(|f| f.levels.clone())
            .collect();
        let levels = if around.levels.is_empty() {
            disc
        } else {
            around.levels
        };
        if !levels.is_empty() || self.before.paragraph != sentence.paragraph {
            self.before = Around {
                levels,
                paragraph: sentence.paragraph,
                nodes: around.nodes,
                side: around.side,
            };
        }
    }
}
