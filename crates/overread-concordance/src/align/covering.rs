//! Here a statement without a partner finds the one that says it too, or explains the same in another way.

use super::{Aligner, Pass};
use crate::frame::{Frame, What};
use crate::site::{self, Relation};

/// Whose statement is looked for in the other report.
#[derive(Debug, Clone, Copy)]
enum Covering {
    Original,
    Second,
}

impl Aligner<'_> {
    /// A statement without partner may be part of one that has one: "L4-5 and L5-S1" against two lines.
    pub(super) fn covered(&mut self) {
        let matched: Vec<(usize, usize)> = self
            .pairs
            .iter()
            .filter(|p| p.pass == Pass::Strict)
            .filter_map(|p| Some((p.original?, p.second?)))
            .collect();
        let open = |used: &[bool], list: &[Frame]| -> Vec<usize> {
            let free = |at: &usize| !used.get(*at).copied().unwrap_or(true);
            let stated = |at: &usize| list.get(*at).is_some_and(Frame::present);
            (0..list.len()).filter(free).filter(stated).collect()
        };
        for j in open(&self.used_s, self.s) {
            let told = matched.iter().map(|(i, _)| *i);
            self.cover(told.collect(), j, Covering::Second);
        }
        for i in open(&self.used_o, self.o) {
            let told = matched.iter().map(|(_, j)| *j);
            self.cover(told.collect(), i, Covering::Original);
        }
    }

    /// Finds which of the other report's statements says this one too. One level of a row named as a whole is compared
    /// with it, since its grade may differ; other repetitions tell nothing new.
    fn cover(&mut self, told: Vec<usize>, at: usize, whose: Covering) {
        let (own, other) = match whose {
            Covering::Original => (self.o, self.s),
            Covering::Second => (self.s, self.o),
        };
        let Some(again) = own.get(at) else { return };
        let frames = || told.iter().filter_map(|k| Some((*k, other.get(*k)?)));
        if let Some((k, _)) = frames().find(|(_, f)| self.one_of_a_row(f, again)) {
            match whose {
                Covering::Original => self.take(at, k, Pass::Strict),
                Covering::Second => self.take(k, at, Pass::Strict),
            }
        } else if frames().any(|(_, f)| self.tells_again(f, again)) {
            let used = match whose {
                Covering::Original => &mut self.used_o,
                Covering::Second => &mut self.used_s,
            };
            if let Some(used) = used.get_mut(at) {
                *used = true;
            }
        }
    }

    /// "Degeneration L1-L2 to L3-L4" speaks of L2-L3 too.
    fn one_of_a_row(&self, row: &Frame, one: &Frame) -> bool {
        let (Some(x), Some(y)) = (row.finding(), one.finding()) else {
            return false;
        };
        let kin = self.lex.is_kind(x, y) || self.lex.is_kind(y, x);
        kin && within_row(row, one)
            && row.present()
            && (row.side == one.side || one.side.is_none() || row.side.is_none())
            && site::relate(self.lex, row, one) != Relation::Unrelated
    }

    fn tells_again(&self, told: &Frame, again: &Frame) -> bool {
        let (Some(x), Some(y)) = (told.finding(), again.finding()) else {
            return false;
        };
        let kin = self.lex.is_kind(x, y);
        let sized = match (told.size(), again.size()) {
            (Some(a), Some(b)) => !self.lex.differences.apart.sizes(a, b),
            (None, Some(_)) => false,
            _ => true,
        };
        let sided = told.side == again.side
            || again.side.is_none()
            || told.side == Some(crate::frame::Side::Both);
        kin && sized
            && sided
            && matches!(
                site::relate(self.lex, told, again),
                Relation::Same | Relation::Compatible
            )
            && told.present()
    }

    /// One category for the whole against one for each side: "BI-RADS 2" speaks of the left breast as well.
    pub(super) fn categories_of_sides(&mut self) {
        let whole = |list: &[Frame], scheme: &What| {
            let mut own = list.iter().enumerate().filter(|(_, f)| f.what == *scheme);
            match (own.next(), own.next()) {
                (Some((at, f)), None) if f.side.is_none() => Some(at),
                _ => None,
            }
        };
        let open = |used: &[bool], list: &[Frame]| -> Vec<(usize, What)> {
            let sided = |f: &Frame| matches!(f.what, What::Category(_)) && f.side.is_some();
            let own = list.iter().enumerate().filter(|(_, f)| sided(f));
            own.filter(|(at, _)| !used.get(*at).copied().unwrap_or(true))
                .map(|(at, f)| (at, f.what.clone()))
                .collect()
        };
        for (j, scheme) in open(&self.used_s, self.s) {
            if let Some(i) = whole(self.o, &scheme) {
                self.take(i, j, Pass::Strict);
            }
        }
        for (i, scheme) in open(&self.used_o, self.o) {
            if let Some(j) = whole(self.s, &scheme) {
                self.take(i, j, Pass::Strict);
            }
        }
    }

    /// Two serious explanations of one organ's change exclude each other: diverticulitis, carcinoma.
    pub(super) fn other_diagnoses(&mut self) {
        let mut found = Vec::new();
        for (i, a) in
            self.o.iter().enumerate().filter(|(i, f)| {
                self.explanation(f) && !self.used_o.get(*i).copied().unwrap_or(true)
            })
        {
            for (j, b) in self.s.iter().enumerate().filter(|(j, f)| {
                self.explanation(f) && !self.used_s.get(*j).copied().unwrap_or(true)
            }) {
                let near = matches!(
                    site::relate(self.lex, a, b),
                    Relation::Same | Relation::Compatible
                ) && !a.nodes.is_empty()
                    && !b.nodes.is_empty();
                if near && site::sides_meet(a.side, b.side) {
                    found.push((i, j));
                }
            }
        }
        for (i, j) in found {
            let free = !self.used_o.get(i).copied().unwrap_or(true)
                && !self.used_s.get(j).copied().unwrap_or(true);
            if free {
                self.take(i, j, Pass::OtherKind);
            }
        }
    }

    fn explanation(&self, f: &Frame) -> bool {
        let serious = f
            .finding()
            .and_then(|id| self.lex.finding(id))
            .is_some_and(|x| {
                x.weight >= 2 && (x.dx || x.cats.iter().any(|c| c == "inflam" || c == "acute"))
            });
        f.present() && f.explains && serious && f.certainty >= 4
    }
}

/// Whether the levels of one statement are some of the levels of another.
pub(super) fn within_row(row: &Frame, one: &Frame) -> bool {
    !one.levels.is_empty()
        && one.levels.len() < row.levels.len()
        && one.levels.iter().all(|l| row.levels.contains(l))
}
