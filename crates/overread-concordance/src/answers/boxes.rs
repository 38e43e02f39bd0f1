//! Here the boxes of a template are read: "\[x\] Pneumonia", "Embolism: \[ \] yes \[x\] no".

use super::{Answer, Answered, Asked};
use crate::lexicon::CueKind;
use crate::text::{Kind, Token};

/// Reads a box at a token: where it ends, and whether it is ticked.
pub(crate) fn ticked(tokens: &[Token], at: usize) -> Option<(usize, bool)> {
    let token = tokens.get(at)?;
    match token.kind {
        Kind::Other => match token.norm.as_str() {
            "\u{2611}" | "\u{2612}" | "\u{2713}" | "\u{2714}" | "\u{25a0}" => Some((at + 1, true)),
            "\u{2610}" | "\u{25a1}" => Some((at + 1, false)),
            _ => None,
        },
        Kind::Open => {
            let close =
                (at + 1..at + 4).find(|i| tokens.get(*i).is_some_and(|t| t.kind == Kind::Close))?;
            let inside = tokens.get(at + 1..close)?;
            let tick = |t: &Token| {
                t.is("x") || matches!(t.norm.as_str(), "+" | "\u{2713}" | "\u{2714}" | "\u{25a0}")
            };
            match inside {
                [one] if tick(one) => Some((close + 1, true)),
                _ if inside.iter().all(|t| t.kind == Kind::Dash || t.is("_")) => {
                    Some((close + 1, false))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

impl Asked<'_> {
    /// "\[x\] Pneumonia \[ \] Effusion": each box speaks of the words after it.
    pub(super) fn lists(&self, boxes: &[(usize, usize, bool)]) -> Vec<Answered> {
        let next = |k: usize| boxes.get(k + 1).map_or(self.tokens.len(), |b| b.0);
        boxes
            .iter()
            .enumerate()
            .map(|(k, &(first, end, filled))| Answered {
                question: (end, next(k)),
                words: (first, end),
                answer: match filled {
                    // "[x] No fracture": the tick confirms the denial.
                    true if self.denies_itself(end, next(k)) => Answer::Told,
                    true => Answer::Yes,
                    false if self.denies_itself(end, next(k)) => Answer::Open,
                    false => Answer::Unticked,
                },
            })
            .collect()
    }

    /// Whether words call something normal or not there themselves: "\[ \] No fracture".
    fn denies_itself(&self, from: usize, to: usize) -> bool {
        [CueKind::Neg, CueKind::NegPost, CueKind::Normal]
            .iter()
            .any(|kind| self.has_cue(*kind, from, to))
    }

    /// "Embolism: \[x\] no \[ \] yes", "Embolism \[ \] Pneumonia \[x\]": boxes speak of the finding before them.
    pub(super) fn options(&self, boxes: &[(usize, usize, bool)]) -> Vec<Answered> {
        let mut out: Vec<Answered> = Vec::new();
        let mut from = 0;
        let mut k = 0;
        while let Some(&(first, ..)) = boxes.get(k) {
            let last = (k + 1..boxes.len())
                .take_while(|n| {
                    let (before, here) = (boxes.get(n - 1), boxes.get(*n));
                    before
                        .zip(here)
                        .is_some_and(|(b, h)| !self.has_finding(b.1, h.0))
                })
                .last()
                .unwrap_or(k);
            let group = boxes.get(k..=last).unwrap_or_default();
            let end = self.group(from, group, &mut out);
            k = last + 1;
            from = end.max(first + 1);
        }
        out
    }

    /// Reads the boxes of one question; returns where they end.
    fn group(&self, from: usize, group: &[(usize, usize, bool)], out: &mut Vec<Answered>) -> usize {
        let Some(&(first, end, filled)) = group.first() else {
            return from;
        };
        let mut stop = group.last().map_or(end, |b| b.1);
        if !self.has_finding(from, first) {
            return stop;
        }
        // "yes [ ] no [x]": the words stand before their boxes.
        let named = (from..first).find_map(|i| self.phrase(i).filter(|(to, _)| *to == first));
        let mut chosen = Vec::new();
        for (k, &(begin, after, ticked)) in group.iter().enumerate() {
            let word = if named.is_some() {
                let low = k
                    .checked_sub(1)
                    .and_then(|p| group.get(p))
                    .map_or(from, |b| b.1);
                (low..begin).find_map(|i| self.phrase(i).filter(|(to, _)| *to == begin))
            } else {
                self.phrase(after)
            };
            if let (Some((to, _)), None) = (word, named) {
                stop = stop.max(to);
            }
            if ticked {
                chosen.push(word.map_or(Answer::Yes, |(_, answer)| answer));
            }
        }
        let answer = match (chosen.as_slice(), group) {
            ([one], _) => *one,
            ([], [_]) if !filled && self.phrase(end).is_none() && named.is_none() => Answer::No,
            _ => Answer::Open,
        };
        let begin = match named {
            Some(_) => (from..first).rev().find(|i| self.phrase(*i).is_some()),
            None => None,
        };
        out.push(Answered {
            question: (from, begin.unwrap_or(first)),
            words: (begin.unwrap_or(first), stop),
            answer,
        });
        stop
    }
}
