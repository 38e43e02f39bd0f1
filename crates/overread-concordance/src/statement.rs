//! Here a report becomes frames: every statement with its place, side, size, grade and certainty.

use crate::exam::{Exam, side_of};
use crate::frame::{Frame, Side, What};
use crate::hits::{self, Marked};
use crate::lexicon::{CueKind, FindingId, Lexicon, NodeId};
use crate::limits::{EVIDENCE_CHARS_MAX, FRAMES_MAX};
use crate::marks::Level;
use crate::mention::{self, Core, Mention};
use crate::reading::{self, Section, Sentence};
use crate::text::{Kind, Text, Token};

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
        let advice = marked.has(CueKind::Recommend);
        let start = self.frames.len();
        for (i, m) in list.iter().enumerate() {
            self.mention(number, sentence, tokens, &marked, &list, i, m);
        }
        if advice || sentence.section == Section::Recommendation {
            self.advice(number, sentence, tokens.len());
        }
        self.own(start);
        let understood = self.frames.len() > start;
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
        } else if !administrative && content >= 3 {
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
                list.retain(|m| !explained && !(m.first > said && m.last < report));
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
        if !self.locate(&mut frame, sentence, marked, list, i, m) {
            return;
        }
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

    fn describe(&self, frame: &mut Frame, tokens: &[Token], marked: &Marked<'_>, m: &Mention) {
        let (from, to) = (m.from, m.to);
        let near = |s: &&crate::marks::SizeAt| {
            if s.first > m.last {
                s.first - m.last
            } else {
                m.first.saturating_sub(s.last)
            }
        };
        let own = |s: &&crate::marks::SizeAt| s.first >= from && s.last < to && !s.aside;
        frame.sizes_mm = marked
            .sizes
            .iter()
            .filter(own)
            .min_by_key(near)
            .map(|s| s.mm)
            .into_iter()
            .collect();
        frame.amount = marked
            .amounts
            .iter()
            .find(|a| a.first >= from && a.last < to)
            .map(|a| (a.value, a.unit));
        frame.severity = nearest(marked, CueKind::Sev, m);
        let near_grade = |g: &&(usize, usize, u8)| g.0 >= from && g.1 < to;
        frame.grade = marked.grades.iter().find(near_grade).map(|g| g.2);
        let acute = marked.cue_in(CueKind::Acute, from, to).is_some();
        let chronic = marked.cue_in(CueKind::Chronic, from, to).is_some();
        frame.acute = match (acute, chronic) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        };
        frame.qualified = marked
            .cues
            .iter()
            .any(|c| c.cue.kind == CueKind::Qual && c.first >= from && c.first <= m.last);
        let doubtful =
            |k: CueKind| matches!(k, CueKind::Firm | CueKind::Likely | CueKind::Possible);
        frame.explains = marked.cues.iter().any(|c| {
            doubtful(c.cue.kind) && c.first >= from && c.first <= m.last + 3 && c.last < to
        });
        frame.additional = marked
            .cues
            .iter()
            .any(|c| c.cue.kind == CueKind::Additional && c.first >= from && c.first <= m.last);
        frame.many = marked.cue_in(CueKind::Many, from, to).is_some() || self.plural(tokens, m);
        for cue in marked.cues.iter().filter(|c| {
            c.cue.kind == CueKind::Type
                && c.first >= from
                && c.last < to
                && !marked.is_contrast(c.first)
        }) {
            if let Some((key, value)) = cue.cue.value.split_once('=')
                && frame.type_of(key).is_none()
            {
                frame.types.push((key.to_string(), value.to_string()));
            }
        }
    }

    fn plural(&self, tokens: &[Token], m: &Mention) -> bool {
        tokens.get(m.last).is_some_and(|t| {
            let raw = self.text.slice(t.start, t.end).to_lowercase();
            raw.ends_with('s') && !t.norm.ends_with('s')
        })
    }

    /// Gives the frame its place; returns false when the mention has none and needs one.
    fn locate(
        &self,
        frame: &mut Frame,
        sentence: &Sentence,
        marked: &Marked<'_>,
        list: &[Mention],
        i: usize,
        m: &Mention,
    ) -> bool {
        let own = self.around(marked, m.from, m.to);
        frame.nodes.clone_from(&own.nodes);
        frame.levels.clone_from(&own.levels);
        frame.side = own.side;
        frame.placed = !own.levels.is_empty()
            || marked.nodes.iter().any(|n| {
                let outside = n.last < m.first || n.first > m.last;
                let inside = n.first >= m.from && n.last < m.to && !marked.is_contrast(n.first);
                inside && outside && self.lex.node(n.id).is_some_and(|n| !n.generic)
            });
        let earlier = list
            .get(..i)
            .unwrap_or_default()
            .iter()
            .rev()
            .map(|p| self.around(marked, p.from, p.to));
        let later: Vec<Around> = list
            .get(i + 1..)
            .unwrap_or_default()
            .iter()
            .take(4)
            .map(|n| self.around(marked, n.from, n.to))
            .collect();
        let anaphor = marked.cue_in(CueKind::Anaphor, 0, m.to).is_some();
        let default = frame
            .finding()
            .and_then(|id| self.lex.finding(id))
            .and_then(|f| f.site);
        let label = &self.label;
        if frame.what == What::Normal {
            let placed = self.locate_normal(frame, &own, sentence, marked, list, m);
            self.fill_exam_side(frame);
            return placed;
        }
        if frame.nodes.is_empty() && default.is_none() {
            let found = earlier.clone().find(|a| !a.nodes.is_empty());
            let borrowed = if !label.nodes.is_empty()
                && (sentence.label_inside || self.heading(sentence) || sentence.label_line)
            {
                label.nodes.clone()
            } else if let Some(a) = found {
                let disc = self.lex.node_named("disc");
                a.nodes.into_iter().filter(|n| Some(*n) != disc).collect()
            } else if let Some(a) = later
                .iter()
                .find(|a| !a.nodes.is_empty())
                .filter(|_| !frame.denied)
            {
                a.nodes.clone()
            } else {
                Vec::new()
            };
            frame.site_inferred = true;
            frame.nodes = borrowed;
        } else if (sentence.label_inside || self.heading(sentence))
            && frame
                .nodes
                .iter()
                .all(|n| self.lex.node(*n).is_some_and(|n| n.generic))
        {
            frame
                .nodes
                .extend(label.nodes.iter().filter(|n| !own.nodes.contains(n)));
        }
        if let Some(site) = default {
            self.add_default(frame, site);
        }
        let spoken_for = sentence.label_inside || sentence.label_line || self.heading(sentence);
        if frame.nodes.is_empty() && frame.side.is_none() && label.side.is_some() && spoken_for {
            frame.side = label.side;
            frame.side_inferred = true;
        }
        self.inherit_levels(frame, marked, list, i, &later, anaphor, sentence);
        self.inherit_side(frame, list, i, marked, sentence);
        self.fill_exam_side(frame);
        self.narrow_places(frame);
        true
    }

    /// Whether the sentence stands below a heading line rather than after a label in running text.
    fn heading(&self, sentence: &Sentence) -> bool {
        sentence.label.is_some_and(|(_, end)| {
            self.text
                .tokens
                .get(end..sentence.first)
                .unwrap_or_default()
                .iter()
                .any(|t| t.kind == Kind::Newline)
        })
    }

    /// Beside "medial meniscus" the word "meniscus" tells nothing more.
    fn narrow_places(&self, frame: &mut Frame) {
        let all = frame.nodes.clone();
        let axis = |n: NodeId| self.lex.node(n).map(|n| n.axis.as_str());
        frame.nodes.retain(|n| {
            !all.iter()
                .any(|m| m != n && axis(*m) == axis(*n) && self.lex.is_part(*m, *n))
        });
    }

    /// In "MRI right knee" everything without a side is on the right.
    fn fill_exam_side(&self, frame: &mut Frame) {
        if frame.side.is_none() && self.exam.side.is_some() {
            frame.side = self.exam.side;
            frame.side_inferred = true;
        }
    }

    fn add_default(&self, frame: &mut Frame, site: NodeId) {
        let generic = self.lex.node(site).is_some_and(|n| n.generic);
        let relative = frame.nodes.iter().any(|n| self.lex.is_part(*n, site));
        if relative || (generic && !frame.nodes.is_empty()) {
            return;
        }
        // The named organ is what counts; other words nearby are where it reaches.
        let wider = frame.nodes.iter().all(|n| {
            self.lex.is_part(site, *n)
                || self
                    .lex
                    .node(*n)
                    .is_some_and(|n| n.generic || n.axis != "organ")
        });
        if wider || frame.nodes.is_empty() {
            frame
                .nodes
                .retain(|n| self.lex.node(*n).is_some_and(|n| n.axis != "organ"));
            frame.nodes.insert(0, site);
        }
    }

    fn locate_normal(
        &self,
        frame: &mut Frame,
        own: &Around,
        sentence: &Sentence,
        marked: &Marked<'_>,
        list: &[Mention],
        m: &Mention,
    ) -> bool {
        let attr = marked
            .cues
            .iter()
            .filter(|c| {
                c.cue.kind == CueKind::Attr
                    && c.first >= m.from
                    && c.last < m.to
                    && c.cue.value != "acute"
            })
            .map(|c| c.cue.value.clone())
            .next();
        frame.attr = attr;
        if frame.nodes.is_empty() && frame.levels.is_empty() {
            let alone = list.len() == 1;
            let labelled = sentence.label_inside || self.heading(sentence);
            if !alone || !labelled {
                let summary = marked.has(CueKind::Admin) && alone;
                frame.qualified = true;
                return summary && self.exam_wide(frame);
            }
            frame.nodes.clone_from(&self.label.nodes);
            frame.levels.clone_from(&self.label.levels);
            frame.side = frame.side.or(self.label.side);
            if frame.nodes.is_empty() && self.label.side.is_some() {
                frame.nodes.clone_from(&self.exam.region);
            }
        } else if frame.side.is_none() && own.side.is_none() && self.shares_label(frame) {
            frame.side = self.label.side;
        }
        !frame.nodes.is_empty() || !frame.levels.is_empty()
    }

    fn exam_wide(&self, frame: &mut Frame) -> bool {
        frame.nodes.clone_from(&self.exam.region);
        frame.attr = Some("acute".to_string());
        !frame.nodes.is_empty()
    }

    fn shares_label(&self, frame: &Frame) -> bool {
        !self.label.nodes.is_empty()
            && frame.nodes.iter().any(|n| {
                self.label.nodes.iter().any(|l| {
                    self.lex.is_part(*n, *l)
                        || self.lex.is_part(*l, *n)
                        || crate::site::same_organ(self.lex, *n, *l)
                })
            })
    }

    fn spinal(&self, frame: &Frame) -> bool {
        let spine = self.lex.node_named("spine");
        let cord = self.lex.node_named("vertebra");
        frame.nodes.iter().any(|n| {
            [spine, cord]
                .iter()
                .flatten()
                .any(|s| self.lex.is_part(*n, *s))
        })
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one mention is read in the light of its whole sentence"
    )]
    fn inherit_levels(
        &self,
        frame: &mut Frame,
        marked: &Marked<'_>,
        list: &[Mention],
        i: usize,
        later: &[Around],
        anaphor: bool,
        sentence: &Sentence,
    ) {
        let in_spine = self
            .exam
            .region
            .iter()
            .any(|r| self.lex.node(*r).is_some_and(|n| n.id.ends_with("spine")));
        if !(self.spinal(frame) || in_spine && frame.nodes.is_empty()) {
            return;
        }
        let root = self
            .lex
            .node_named("nerve_root")
            .is_some_and(|r| frame.nodes.contains(&r));
        let kind = |list: &[Level]| -> Vec<Level> {
            let wanted: Vec<Level> = list
                .iter()
                .copied()
                .filter(|l| l.is_multiple_of(2) == root)
                .collect();
            if wanted.is_empty() && !root {
                list.to_vec()
            } else {
                wanted
            }
        };
        if !frame.levels.is_empty() {
            let better = kind(&frame.levels);
            if !better.is_empty() {
                frame.levels = better;
            }
            return;
        }
        if root {
            return;
        }
        let denied = frame.denied;
        let earlier = list
            .get(..i)
            .unwrap_or_default()
            .iter()
            .rev()
            .map(|p| kind(&self.around(marked, p.from, p.to).levels))
            .find(|l| !l.is_empty());
        let label = kind(&self.label.levels);
        let later = later
            .iter()
            .map(|a| kind(&a.levels))
            .find(|l| !l.is_empty());
        let previous = (anaphor && self.before.paragraph == sentence.paragraph)
            .then(|| kind(&self.before.levels))
            .filter(|l| !l.is_empty());
        let shifted = self.shifted(marked);
        let found = if let Some(s) = shifted {
            vec![s]
        } else if !label.is_empty() {
            label
        } else if let Some(l) = earlier {
            l
        } else if let Some(l) = later.filter(|_| !denied) {
            l
        } else {
            previous.unwrap_or_default()
        };
        frame.site_inferred |= !found.is_empty();
        frame.levels = found;
    }

    /// "The level below" is counted from the level before.
    fn shifted(&self, marked: &Marked<'_>) -> Option<Level> {
        let last = *self.before.levels.last()?;
        if marked.has(CueKind::Below) {
            Some(last.saturating_add(2))
        } else if marked.has(CueKind::Above) {
            Some(last.saturating_sub(2))
        } else {
            None
        }
    }

    fn inherit_side(
        &self,
        frame: &mut Frame,
        list: &[Mention],
        i: usize,
        marked: &Marked<'_>,
        sentence: &Sentence,
    ) {
        let midline = ["cord", "spinal_canal"]
            .iter()
            .filter_map(|n| self.lex.node_named(n))
            .any(|w| frame.nodes.iter().any(|n| self.lex.is_part(*n, w)));
        if frame.side.is_some() || frame.denied || midline {
            return;
        }
        if self.label.side.is_some() && (self.shares_label(frame) || self.label.nodes.is_empty()) {
            frame.side = self.label.side;
            frame.side_inferred = true;
            return;
        }
        let Some(before) = i.checked_sub(1).and_then(|p| list.get(p)) else {
            return;
        };
        let near = self.around(marked, before.from, before.to);
        let lateral = |id: FindingId| {
            let name = self
                .lex
                .finding(id)
                .map(|f| f.id.clone())
                .unwrap_or_default();
            name.starts_with("nerve_root")
                || matches!(
                    name.as_str(),
                    "compression"
                        | "contact"
                        | "displacement_root"
                        | "lateral_recess_stenosis"
                        | "metastasis"
                        | "malignancy"
                        | "hydronephrosis"
                        | "atelectasis"
                )
        };
        let follows = frame.finding().is_some_and(lateral) || !frame.placed;
        let diagnosis = frame
            .finding()
            .and_then(|f| self.lex.finding(f))
            .is_some_and(|f| f.dx);
        if (follows || diagnosis) && near.side.is_some_and(|s| s != Side::Both) && sentence.end > 0
        {
            frame.side = near.side;
            frame.side_inferred = true;
        }
    }

    /// Names the finding by its place; returns false when nothing comparable is left.
    fn settle(
        &self,
        frame: &mut Frame,
        tokens: &[Token],
        marked: &Marked<'_>,
        m: &Mention,
        count: usize,
    ) -> bool {
        let Some(id) = frame.finding() else {
            return frame.what != What::Normal || !frame.denied;
        };
        let mut places = frame.nodes.clone();
        let unplaced = places
            .iter()
            .all(|p| self.lex.node(*p).is_some_and(|n| n.generic));
        // "No fracture" stays wide: it denies every fracture of the region.
        let wide = frame.denied && self.lex.finding_named("effusion") != Some(id);
        if unplaced && !wide {
            places.extend(self.exam.region.iter().copied());
        }
        let resolved = self.lex.resolved(id, &places);
        let Some(f) = self.lex.finding(resolved) else {
            return false;
        };
        frame.what = What::Finding(resolved);
        if resolved != id
            && let Some(site) = f.site
        {
            self.add_default(frame, site);
        }
        let unresolved_relation =
            !self.lex.finding(id).is_none_or(|f| f.needs.is_empty()) && resolved == id;
        if unresolved_relation {
            return false;
        }
        frame.descriptor = f.descriptor && count > 1 || self.explained(marked, m, id);
        let general = matches!(f.id.as_str(), "abnormality" | "fetal_anomaly");
        if general {
            if !frame.denied {
                return f.id != "abnormality";
            }
            frame.what = What::Normal;
            frame.denied = false;
            if frame.nodes.is_empty() && frame.levels.is_empty() {
                frame.nodes.clone_from(&self.exam.region);
                frame.attr = Some("acute".to_string());
            }
            let acute = marked.cue_in(CueKind::Acute, m.from, m.to).is_some();
            if acute || tokens.get(m.first).is_some_and(|t| t.is("acute")) {
                frame.attr = Some("acute".to_string());
            }
        }
        true
    }

    /// "Hypodensity ... consistent with infarct": the first word only describes the second.
    fn explained(&self, marked: &Marked<'_>, m: &Mention, id: FindingId) -> bool {
        let vague = self.lex.finding(id).is_some_and(|f| {
            matches!(
                f.id.as_str(),
                "focal_lesion" | "abnormal_signal" | "thickening" | "enlargement" | "edema"
            )
        });
        let focal = self.lex.finding_named("focal_lesion");
        vague
            && marked.findings.iter().any(|f| {
                let between = |c: &&crate::scope::CueAt<'_>| {
                    matches!(c.cue.kind, CueKind::Firm | CueKind::Likely)
                        && c.first > m.last
                        && c.last < f.first
                };
                f.first > m.last
                    && !focal.is_some_and(|l| self.lex.is_kind(f.id, l))
                    && marked.cues.iter().any(|c| between(&c))
            })
    }

    /// "Pancreas and spleen normal" speaks about each of them.
    fn one_frame_a_place(&mut self, frame: Frame) {
        let solid: Vec<NodeId> = frame
            .nodes
            .iter()
            .copied()
            .filter(|n| {
                self.lex
                    .node(*n)
                    .is_some_and(|n| n.axis == "organ" && !n.generic)
            })
            .collect();
        if solid.len() < 2 {
            self.frames.push(frame);
            return;
        }
        for node in solid {
            let mut one = frame.clone();
            one.nodes = vec![node];
            self.frames.push(one);
        }
    }

    /// "Mild left and moderate right stenosis" is two statements.
    fn sides_apart(
        &self,
        frame: &Frame,
        marked: &Marked<'_>,
        m: &Mention,
    ) -> Vec<(Side, Option<(u8, u8)>, usize, usize)> {
        let mut sides: Vec<(Side, usize)> = Vec::new();
        for c in marked
            .cues
            .iter()
            .filter(|c| c.first >= m.from && c.last < m.to && !marked.is_contrast(c.first))
        {
            if let Some(side) = side_of(c.cue.kind).filter(|s| *s != Side::Both)
                && !sides.iter().any(|(s, _)| *s == side)
            {
                sides.push((side, c.first));
            }
        }
        let grades: Vec<(usize, (u8, u8))> = marked
            .cues
            .iter()
            .filter(|c| c.cue.kind == CueKind::Sev && c.first >= m.from && c.last < m.to)
            .map(|c| (c.first, c.cue.range))
            .collect();
        if sides.len() != 2 || grades.len() < 2 || !frame.present() {
            return Vec::new();
        }
        let second_start = sides.get(1).map_or(m.to, |s| s.1);
        let cut = grades
            .iter()
            .map(|g| g.0)
            .filter(|g| *g < second_start)
            .max()
            .unwrap_or(second_start);
        let mut out = Vec::new();
        for (k, (side, at)) in sides.iter().enumerate() {
            let nearest = grades
                .iter()
                .min_by_key(|g| g.0.abs_diff(*at) * 2 + usize::from(g.0 > *at))
                .map(|g| g.1);
            let after = m.last < cut;
            let (from, to) = match (k, after) {
                (0, true) => (m.from, cut),
                (_, true) => (cut, m.to),
                (0, false) => (m.from, m.to),
                _ => (cut, m.to),
            };
            out.push((*side, nearest, from, to));
        }
        out
    }

    fn advice(&mut self, number: usize, sentence: &Sentence, length: usize) {
        let mut frame = Frame::new(What::Advice, Section::Recommendation, number);
        frame.spans.extend(
            self.range(sentence, 0, length)
                .map(|(a, b)| (a, b.min(a + EVIDENCE_CHARS_MAX))),
        );
        self.frames.push(frame);
    }

    /// Ties diagnoses and categories to the lesion they speak about.
    fn own(&mut self, start: usize) {
        for at in start..self.frames.len() {
            let Some(frame) = self.frames.get(at) else {
                break;
            };
            let category = matches!(frame.what, What::Category(_));
            let diagnosis = frame
                .finding()
                .and_then(|f| self.lex.finding(f))
                .is_some_and(|f| f.dx);
            if !category && !diagnosis || frame.denied && !diagnosis {
                continue;
            }
            let after = |o: &usize| {
                self.frames
                    .get(*o)
                    .is_some_and(|o| o.sentence == frame.sentence)
                    && self.may_own(*o, at)
            };
            let owner = (0..at)
                .rev()
                .take(8)
                .find(|o| self.may_own(*o, at))
                .or_else(|| (at + 1..self.frames.len()).find(after));
            let same = owner
                .and_then(|o| self.frames.get(o))
                .is_some_and(|o| o.sentence == frame.sentence);
            let borrowed = owner.and_then(|o| self.frames.get(o)).cloned();
            if let (Some(frame), Some(lesion)) = (self.frames.get_mut(at), borrowed) {
                frame.owner = owner;
                frame.owner_same_sentence = same;
                if frame.side.is_none() {
                    frame.side = lesion.side;
                }
                if frame.site_inferred || frame.nodes.is_empty() || category || !frame.placed {
                    frame.nodes.clone_from(&lesion.nodes);
                    frame.levels.clone_from(&lesion.levels);
                }
            }
        }
    }

    fn may_own(&self, owner: usize, at: usize) -> bool {
        let (Some(o), Some(f)) = (self.frames.get(owner), self.frames.get(at)) else {
            return false;
        };
        let Some(id) = o.finding() else { return false };
        let close = f.sentence.saturating_sub(o.sentence) <= 2;
        let root = self.lex.root(id);
        let focal = self.lex.finding_named("focal_lesion");
        let both_focal = |dx: FindingId| {
            focal.is_some_and(|l| self.lex.is_kind(dx, l) && self.lex.is_kind(id, l))
        };
        let kin = match f.finding() {
            Some(dx) => {
                (self.lex.root(dx) == root || both_focal(dx))
                    && self.lex.finding(id).is_some_and(|x| !x.dx)
            }
            None => {
                self.lex.finding_named("focal_lesion") == Some(root)
                    || self.lex.finding(id).is_some_and(|x| {
                        x.id.contains("calcification")
                            || x.id.contains("asymmetry")
                            || x.id.contains("distortion")
                    })
            }
        };
        let place = f.nodes.is_empty()
            || f.site_inferred
            || !f.placed
            || f.finding().is_none()
            || crate::site::relate(self.lex, o, f) != crate::site::Relation::Unrelated
                && crate::site::relate(self.lex, o, f) != crate::site::Relation::OtherPlace;
        let fresh_size = !f.sizes_mm.is_empty() && !o.sizes_mm.is_empty() && f.finding().is_some();
        close && kin && place && !o.denied && !fresh_size && crate::site::sides_meet(o.side, f.side)
    }

    fn remember(&mut self, sentence: &Sentence, marked: &Marked<'_>, start: usize) {
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

fn nearest(marked: &Marked<'_>, kind: CueKind, m: &Mention) -> Option<(u8, u8)> {
    marked
        .cues
        .iter()
        .filter(|c| {
            c.cue.kind == kind && c.first >= m.from && c.last < m.to && !marked.is_contrast(c.first)
        })
        .min_by_key(|c| {
            if c.first <= m.last {
                m.last - c.first
            } else {
                (c.first - m.last) * 2
            }
        })
        .map(|c| c.cue.range)
}
