//! Here is told what is no statement of the report: what it quotes, asks for, or stands in its indication.

use super::Builder;
use crate::hits::{self, Marked};
use crate::lexicon::CueKind;
use crate::mention::{Core, Mention};
use crate::reading::Sentence;
use crate::text::Token;

impl Builder<'_> {
    /// Whether an indication is over before a sentence that stands on its line: "Indication: r/o embolism. Lungs are
    /// clear. Saddle embolus." What describes begins the report, and what stands below it goes on with it.
    pub(super) fn is_over(&mut self, sentence: &Sentence, tokens: &[Token]) -> bool {
        self.again = sentence.soft && (self.again || self.begins_again(tokens));
        if sentence.soft && !self.again && self.may_describe(tokens) {
            self.bearing += 1;
            self.note_unread(sentence);
        }
        self.again
    }

    /// A weighty finding of which nothing tells whether it was asked or seen.
    fn may_describe(&self, tokens: &[Token]) -> bool {
        let marked = hits::mark(self.lex, self.exam, tokens);
        let asked = [
            CueKind::Hypo,
            CueKind::Other,
            CueKind::Hist,
            CueKind::Possible,
            CueKind::Likely,
        ]
        .iter()
        .any(|k| marked.has(*k));
        let weighty = |f: &hits::FindingAt| self.lex.finding(f.id).is_some_and(|x| x.weight >= 3);
        !asked && marked.findings.iter().any(weighty)
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

    /// Drops what is quoted from the other report, asked for, or advised.
    pub(super) fn set_aside(&self, tokens: &[Token], marked: &Marked<'_>, list: &mut Vec<Mention>) {
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
}
