//! Here a finding that has a place of its own finds its like, although one report was read as naming another place.

use super::{Aligner, Pass};
use crate::frame::{Frame, What};
use crate::site::{self, Relation};

/// Weight of a finding from which its place has to fit.
const GRAVE: u8 = 3;

impl Aligner<'_> {
    /// "Basilar emphysema" is that of the lung bases: what has one place in the body, and stands alone in both reports, is
    /// one finding whatever word beside it was taken for its place.
    pub(super) fn at_home(&mut self) {
        let alone = |used: &[bool], list: &[Frame], at: usize, id: usize| {
            let like = |(n, f): (usize, &Frame)| {
                n != at && f.finding() == Some(id) && !used.get(n).copied().unwrap_or(true)
            };
            !used.get(at).copied().unwrap_or(true) && !list.iter().enumerate().any(like)
        };
        let mut found = Vec::new();
        for (i, a) in self.o.iter().enumerate() {
            let Some(id) = a.finding().filter(|_| self.has_home(a)) else {
                continue;
            };
            if !alone(&self.used_o, self.o, i, id) {
                continue;
            }
            let like = |(j, b): &(usize, &Frame)| {
                b.finding() == Some(id) && b.present() && alone(&self.used_s, self.s, *j, id)
            };
            let partner = self.s.iter().enumerate().find(like);
            let fits = |b: &Frame| {
                site::relate(self.lex, a, b) == Relation::Unrelated
                    && site::sides_meet(a.side, b.side)
            };
            if let Some((j, _)) = partner.filter(|(_, b)| fits(b)) {
                found.push((i, j));
            }
        }
        for (i, j) in found {
            self.take(i, j, Pass::Strict);
        }
    }

    /// "Ascending aorta ectatic, 41 mm" against "ascending aorta 42 mm": one size, named by one report.
    pub(super) fn measured(&mut self) {
        let fits = |named: &Frame, bare: &Frame| {
            let near = match (named.size(), bare.size()) {
                (Some(x), Some(y)) => !self.lex.differences.apart.sizes(x, y),
                _ => false,
            };
            let here = named.nodes.iter().any(|n| bare.nodes.contains(n));
            let told = named.present() && bare.what == What::Measured;
            told && near && here && site::sides_meet(named.side, bare.side)
        };
        let free = |used: &[bool], at: usize| !used.get(at).copied().unwrap_or(true);
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (i, a) in self.o.iter().enumerate() {
            let like = |(j, b): &(usize, &Frame)| {
                let open = free(&self.used_s, *j) && !found.iter().any(|(_, used)| used == j);
                open && (fits(a, b) || fits(b, a))
            };
            if free(&self.used_o, i)
                && let Some((j, _)) = self.s.iter().enumerate().find(like)
            {
                found.push((i, j));
            }
        }
        for (i, j) in found {
            self.take(i, j, Pass::Strict);
        }
    }

    fn has_home(&self, frame: &Frame) -> bool {
        let known = frame.finding().and_then(|id| self.lex.finding(id));
        frame.present() && known.is_some_and(|f| f.site.is_some() && f.weight < GRAVE)
    }
}
