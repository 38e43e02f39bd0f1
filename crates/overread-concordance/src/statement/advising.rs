//! Here a sentence of advice becomes a statement.

use super::Builder;
use crate::advice;
use crate::frame::{Frame, What};
use crate::hits::Marked;
use crate::lexicon::CueKind;
use crate::limits::EVIDENCE_CHARS_MAX;
use crate::reading::{Section, Sentence};
use crate::text::Token;
use crate::weighing::Action;

impl Builder<'_> {
    /// Advice without a word of recommending: "emergency surgery today", "consider repair", "no follow-up is needed".
    pub(super) fn urges(&self, tokens: &[Token], marked: &Marked<'_>, alone: bool) -> bool {
        let actions = self.lex.weighing.actions(tokens);
        let urgent = !self.lex.weighing.urgent(tokens).is_empty();
        let past = marked.has(CueKind::Hist) || marked.has(CueKind::Prior);
        let invasive = |a: Action| matches!(a, Action::Tissue | Action::Operate);
        actions.iter().any(|(_, action, _)| {
            urgent || *action == Action::Nothing || alone && !past && invasive(*action)
        })
    }

    pub(super) fn advice(
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
}
