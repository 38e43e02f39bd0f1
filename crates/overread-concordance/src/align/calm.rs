//! Here two statements that nothing is wrong find each other.

use super::covering::within_row;
use super::{Aligner, Pass};
use crate::frame::{Frame, What};
use crate::lexicon::FindingId;
use crate::limits::CANDIDATES_MAX;
use crate::site::{self, Relation};

impl Aligner<'_> {
    pub(super) fn calm_score(&self, a: &Frame, b: &Frame) -> Option<i32> {
        let fits = |f: &Frame| calm(f) || f.what == What::Measured;
        if !fits(a) || !fits(b) || !site::sides_meet(a.side, b.side) {
            return None;
        }
        let relation = site::relate(self.lex, a, b);
        if matches!(relation, Relation::Unrelated | Relation::OtherPlace) {
            return None;
        }
        let place = if relation == Relation::Same { 30 } else { 0 };
        let part = |x: usize, y: usize| self.lex.is_part(x, y) || self.lex.is_part(y, x);
        let touching = a.nodes.iter().any(|x| b.nodes.iter().any(|y| part(*x, *y)));
        match (&a.what, &b.what) {
            (What::Finding(x), What::Finding(y)) => {
                let kin = if x == y {
                    100
                } else if self.lex.is_kind(*x, *y) || self.lex.is_kind(*y, *x) {
                    80
                } else if relation == Relation::Same && self.lex.differences.alike(*x, *y) {
                    60
                } else {
                    return None;
                };
                Some(kin + place)
            }
            (What::Normal, What::Normal) => {
                let attr = if a.attr == b.attr { 10 } else { 0 };
                let bare = a.nodes.is_empty() || b.nodes.is_empty();
                let levelled = bare && !a.levels.is_empty() && !b.levels.is_empty();
                (touching || levelled && relation == Relation::Same).then_some(70 + place + attr)
            }
            (What::Normal, What::Finding(y)) => self.normal_means(a, b, *y).map(|s| s + place),
            (What::Finding(x), What::Normal) => self.normal_means(b, a, *x).map(|s| s + place),
            (What::Measured, What::Normal) | (What::Normal, What::Measured) => {
                (relation == Relation::Same).then_some(60)
            }
            _ => None,
        }
    }

    /// "Marrow signal is normal" says the same as "no marrow lesion".
    fn normal_means(&self, normal: &Frame, denied: &Frame, id: FindingId) -> Option<i32> {
        let resolved = self.lex.resolved(id, &normal.nodes);
        if denied.nodes.is_empty() && denied.levels.is_empty() && resolved != id {
            return Some(60);
        }
        let mut stated = denied.clone();
        stated.denied = false;
        stated.qualified = false;
        stated.historical = false;
        stated.acute = None;
        let covers = site::covers(self.lex, normal, &stated)
            || site::relate(self.lex, normal, &stated) == Relation::Same;
        let fits = self.normal_denies(normal, &stated, id).is_some();
        (covers && fits).then_some(60)
    }

    /// One normal statement may answer several denials: "negative" against "no mass, no distortion". So may what is
    /// said of a row of levels at once.
    pub(super) fn calm_again(&mut self) {
        let free = |used: &[bool], at: usize| !used.get(at).copied().unwrap_or(true);
        let mut found = Vec::new();
        for (i, a) in self.o.iter().enumerate().filter(|(_, f)| calm(f)) {
            let answer = |b: &Frame| self.answers(b, a);
            if free(&self.used_o, i)
                && let Some(j) = self.s.iter().take(CANDIDATES_MAX).position(answer)
            {
                found.push((i, j));
            }
        }
        for (j, b) in self.s.iter().enumerate().filter(|(_, f)| calm(f)) {
            let answer = |a: &Frame| self.answers(a, b);
            if free(&self.used_s, j)
                && let Some(i) = self.o.iter().take(CANDIDATES_MAX).position(answer)
            {
                found.push((i, j));
            }
        }
        for (i, j) in found {
            self.take(i, j, Pass::Calm);
        }
    }

    fn answers(&self, answer: &Frame, open: &Frame) -> bool {
        let normal = open.denied && answer.what == What::Normal;
        (normal || within_row(answer, open)) && self.calm_score(answer, open).is_some()
    }
}

/// Whether a statement says that something is normal or not there.
fn calm(f: &Frame) -> bool {
    f.what == What::Normal || f.denied && f.finding().is_some()
}
