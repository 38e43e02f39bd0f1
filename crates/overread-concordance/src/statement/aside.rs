//! Here is told what is no statement of the report: what it quotes, asks for, or stands in its indication.

use super::Builder;
use crate::hits::{self, Marked};
use crate::lexicon::CueKind;
use crate::mention::{Core, Mention};
use crate::reading::Sentence;
use crate::text::{Kind, Token};

impl Builder<'_> {
    /// Whether an indication is over before a sentence that stands on its line: "Indication: r/o embolism. Lungs are
    /// clear. Saddle embolus." What describes begins the report, and what stands below it goes on with it.
    pub(super) fn is_over(&mut self, sentence: &Sentence, tokens: &[Token]) -> bool {
        let may = sentence.soft && !sentence.above_findings;
        self.again = may && (self.again || self.begins_again(tokens));
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
            let behind = tokens.get(m.last + 1);
            !behind.is_some_and(|t| self.lex.purposes.contains(&t.norm))
        });
        let quoted = quoted(tokens, marked);
        list.retain(|m| {
            !quoted
                .iter()
                .any(|(from, to)| *from < m.first && m.last < *to)
        });
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

/// Words of a quotation, at least, that is more than a name in quotation marks.
const QUOTED_WORDS_MIN: usize = 3;

/// Finds what a sentence quotes from another report: "the letter quotes a report of 2022: “nodule of 9 mm”".
fn quoted(tokens: &[Token], marked: &Marked<'_>) -> Vec<(usize, usize)> {
    let is_mark = |t: &Token| {
        let mark = t.norm.chars().next();
        t.kind == Kind::Other
            && mark.is_some_and(|c| "\"\u{201c}\u{201d}\u{201e}\u{ab}\u{bb}".contains(c))
    };
    let at: Vec<usize> = (0..tokens.len())
        .filter(|i| tokens.get(*i).is_some_and(is_mark))
        .collect();
    let pairs = at.chunks(2).filter_map(|pair| match pair {
        [from, to] => Some((*from, *to)),
        // The end of the sentence stands before the closing mark.
        [from] => Some((*from, tokens.len())),
        _ => None,
    });
    let told = |from: usize| {
        let mut cues = marked.cues.iter().filter(|c| c.last < from);
        let names = |t: &Token| t.is("report") || t.is("letter");
        cues.any(|c| matches!(c.cue.kind, CueKind::Report)) || tokens.iter().take(from).any(names)
    };
    pairs
        .filter(|(from, to)| {
            let words = tokens.get(*from..*to).unwrap_or_default();
            words.iter().filter(|t| t.is_word()).count() >= QUOTED_WORDS_MIN && told(*from)
        })
        .collect()
}
