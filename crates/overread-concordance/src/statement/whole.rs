//! Here a sentence is told that calls the whole examination normal: "Normal.", "Unremarkable study."

use super::Builder;
use crate::frame::{Frame, WHOLE};
use crate::hits::Marked;
use crate::lexicon::{CueKind, NodeId};
use crate::text::{Kind, Token};

impl Builder<'_> {
    /// Makes the statement one about the whole examination when its sentence says nothing else; returns whether it does.
    pub(super) fn call_whole(
        &self,
        frame: &mut Frame,
        tokens: &[Token],
        marked: &Marked<'_>,
    ) -> bool {
        // "Normal fetal anatomy" does not speak of the placenta.
        let fetus_alone = self.exam.fetal && !marked.nodes.is_empty();
        let spoken_for = fetus_alone || self.topic || !self.label_is_the_exam();
        if spoken_for || !self.says_only_normal(tokens, marked) {
            return false;
        }
        frame.nodes.clone_from(&self.exam.region);
        if frame.nodes.is_empty() {
            frame.nodes.extend(self.lex.node_named("body"));
        }
        frame.attr = Some(WHOLE.to_string());
        true
    }

    /// Whether every word belongs to the judgement, to the name of the examination, or between them.
    fn says_only_normal(&self, tokens: &[Token], marked: &Marked<'_>) -> bool {
        // A label inside the sentence has been looked at on its own.
        let label_end = self
            .label_range
            .and_then(|(_, end)| self.text.tokens.get(end))
            .map_or(0, |t| t.start);
        let from = tokens.iter().take_while(|t| t.start < label_end).count();
        let judged = |at: usize| {
            marked.cues.iter().any(|c| {
                let kind = matches!(
                    c.cue.kind,
                    CueKind::Normal
                        | CueKind::Neg
                        | CueKind::Modality
                        | CueKind::Admin
                        | CueKind::Qual
                        | CueKind::Left
                        | CueKind::Right
                        | CueKind::Both
                );
                kind && c.first <= at && at <= c.last
            }) || marked
                .findings
                .iter()
                .any(|f| f.first <= at && at <= f.last)
        };
        let exam = |at: usize| {
            let mut nodes = marked.nodes.iter();
            nodes.any(|n| n.first <= at && at <= n.last && self.is_the_exam(n.id))
        };
        marked.levels.is_empty()
            && marked.nodes.iter().all(|n| self.is_the_exam(n.id))
            && tokens.iter().enumerate().skip(from).all(|(at, t)| {
                !t.is_word() && t.kind != Kind::Number
                    || judged(at)
                    || exam(at)
                    || self.lex.whole_exam.contains(&t.norm)
            })
    }

    /// Whether a place holds everything that was examined.
    pub(super) fn is_the_exam(&self, node: NodeId) -> bool {
        let region = &self.exam.region;
        !region.is_empty() && region.iter().all(|r| self.lex.is_part(*r, node))
    }

    /// "KIDNEYS: Normal." speaks of the kidneys, and so does what stands below such a heading.
    fn label_is_the_exam(&self) -> bool {
        let Some((first, end)) = self.label_range else {
            return true;
        };
        let tokens = self.text.tokens.get(first..end).unwrap_or_default();
        let marked = crate::hits::mark(self.lex, self.exam, tokens);
        marked.findings.is_empty() && self.says_only_normal_label(tokens, &marked)
    }

    fn says_only_normal_label(&self, tokens: &[Token], marked: &Marked<'_>) -> bool {
        tokens.iter().enumerate().all(|(at, t)| {
            let cue = marked.cues.iter().any(|c| {
                let kind = matches!(c.cue.kind, CueKind::Modality | CueKind::Admin);
                kind && c.first <= at && at <= c.last
            });
            let exam = marked
                .nodes
                .iter()
                .any(|n| n.first <= at && at <= n.last && self.is_the_exam(n.id));
            !t.is_word() || cue || exam || self.lex.whole_exam.contains(&t.norm)
        })
    }
}
