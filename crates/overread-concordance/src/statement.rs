//! Here a report becomes frames: every statement with its place, side, size, grade and certainty.

use crate::discern;
use crate::exam::Exam;
use crate::frame::{Frame, What};
use crate::hits::{self, Marked};
use crate::lexicon::{CueKind, Lexicon};
use crate::limits::FRAMES_MAX;
use crate::mention::{self, Core, Mention};
use crate::reading::{self, Section, Sentence};
use crate::text::{Text, Token};

mod advising;
mod around;
mod aside;
mod ending;
mod lying;
mod meaning;
mod passage;
mod place;
mod weight;
mod whole;

use around::Around;

/// What one report says.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) text: Text,
    pub(crate) frames: Vec<Frame>,
    /// Sentences that were not understood, as code point ranges.
    pub(crate) unread: Vec<(usize, usize)>,
    /// Those of them that tell of a finding all the same.
    pub(crate) telling: Vec<(usize, usize)>,
    /// Sentences that carry findings, understood or not.
    pub(crate) bearing: usize,
    pub(crate) agrees: bool,
    pub(crate) disagrees: bool,
    /// Passages that limit the examination.
    pub(crate) limited: Vec<(usize, usize)>,
    /// What its abnormal statements say that another report may not say.
    pub(crate) marks: Vec<discern::Mark>,
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
    telling: Vec<(usize, usize)>,
    bearing: usize,
    /// The sentence before named a place and stated nothing of it: "LIVER", "Normal."
    topic: bool,
    /// The report began again on the line of an indication or technique: "Indication: cough. Lungs are clear."
    again: bool,
    /// How many passages were unread when the report was signed off; none while it goes on.
    signed_off: Option<usize>,
    agrees: bool,
    disagrees: bool,
    limited: Vec<(usize, usize)>,
    marks: Vec<discern::Mark>,
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
        telling: Vec::new(),
        bearing: 0,
        topic: false,
        again: false,
        signed_off: None,
        agrees: false,
        disagrees: false,
        limited: Vec::new(),
        marks: Vec::new(),
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
        telling,
        bearing,
        agrees,
        disagrees,
        limited,
        marks,
        ..
    } = builder;
    Report {
        text,
        frames,
        unread,
        telling,
        bearing,
        agrees,
        disagrees,
        limited,
        marks,
    }
}

impl Builder<'_> {
    fn sentence(&mut self, number: usize, sentence: &Sentence) {
        let tokens = self
            .text
            .tokens
            .get(sentence.first..sentence.end)
            .unwrap_or_default();
        if sentence.section != Section::Aside {
            self.again = false;
        } else if !self.is_over(sentence, tokens) {
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
        if self.frames.len() == start {
            self.lies(number, tokens, &marked);
        }
        self.own(start);
        let own = self.frames.get(start..).unwrap_or_default();
        let mut understood = self.frames.len() > start;
        if sentence.section != Section::Recommendation {
            let said = discern::gather(self.lex, tokens, &marked, own);
            understood |= said.iter().any(discern::Mark::understood);
            self.marks.extend(said);
            self.marks.truncate(discern::MARKS_MAX);
        }
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
        let telling = !understood && !end_line && self.tells(tokens, &marked);
        self.count(sentence, understood, telling, administrative || end_line);
        self.remember(sentence, &marked, start);
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
        self.where_it_ends(&mut frame, tokens, marked, m);
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
}
