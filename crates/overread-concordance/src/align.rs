//! Here the statements of two reports find their partners.

use crate::frame::{Frame, What};
use crate::lexicon::{FindingId, Lexicon};
use crate::limits::CANDIDATES_MAX;
use crate::site::{self, Relation};

mod calm;
mod covering;
mod denial;
mod home;

/// How a partner was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Finding, place and side fit.
    Strict,
    /// The side is opposite.
    OtherSide,
    /// The place is another one of the same organ.
    OtherPlace,
    /// The place is another one, and nothing else ties the two.
    OtherPlaceAlone,
    /// Another kind of the same family at the same place.
    OtherKind,
    /// Another name that readers give the same finding, at the same place.
    Alike,
    /// Another kind of the same family on the opposite side of one spinal level.
    OtherSideAndKind,
    /// One states, the other denies.
    Denial,
    /// Both deny or both are normal.
    Calm,
    /// The lexicon has no name for it, or not the same one, and both say it in nearly the same words.
    Worded,
}

/// Two statements set side by side, or one alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) original: Option<usize>,
    pub(crate) second: Option<usize>,
    pub(crate) pass: Pass,
}

/// How the other report denies what is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denied {
    Not,
    /// By something wider: "the lungs are clear".
    Widely,
    /// By its very name.
    ByName,
}

struct Aligner<'a> {
    lex: &'a Lexicon,
    o: &'a [Frame],
    s: &'a [Frame],
    used_o: Vec<bool>,
    used_s: Vec<bool>,
    pairs: Vec<Pair>,
    /// What the other report denies where it is stated.
    denied_o: Vec<Denied>,
    denied_s: Vec<Denied>,
}

/// Aligns two lists of statements.
pub(crate) fn align(lex: &Lexicon, o: &[Frame], s: &[Frame]) -> Vec<Pair> {
    let mut aligner = Aligner {
        lex,
        o,
        s,
        used_o: vec![false; o.len()],
        used_s: vec![false; s.len()],
        pairs: Vec::new(),
        denied_o: Vec::new(),
        denied_s: Vec::new(),
    };
    aligner.denied_o = o.iter().map(|f| aligner.denied_in(s, f)).collect();
    aligner.denied_s = s.iter().map(|f| aligner.denied_in(o, f)).collect();
    aligner.pass(Pass::Strict);
    aligner.pass(Pass::OtherSide);
    aligner.pass(Pass::OtherPlace);
    aligner.pass(Pass::Alike);
    aligner.pass(Pass::OtherKind);
    aligner.pass(Pass::OtherSideAndKind);
    aligner.pass(Pass::OtherPlaceAlone);
    aligner.categories_of_sides();
    aligner.at_home();
    aligner.measured();
    aligner.covered();
    aligner.other_diagnoses();
    aligner.denials();
    aligner.pass(Pass::Calm);
    aligner.calm_again();
    aligner.rest();
    aligner.pairs
}

/// "On the opposite side" alone is opposite of what the other report says of the same finding.
pub(crate) fn tell_opposite_sides(lex: &Lexicon, told: &[Frame], open: &mut [Frame]) {
    for frame in open.iter_mut().filter(|f| f.opposite && f.side.is_none()) {
        let meant = told.iter().find_map(|t| {
            let (x, y) = (t.finding()?, frame.finding()?);
            let kin = lex.is_kind(x, y) || lex.is_kind(y, x);
            let near = matches!(
                site::relate(lex, t, frame),
                Relation::Same | Relation::Compatible
            );
            t.side.filter(|_| kin && near && t.present())
        });
        frame.side = meant.and_then(crate::frame::Side::other);
    }
}

impl Aligner<'_> {
    fn pass(&mut self, pass: Pass) {
        let mut candidates: Vec<(i32, usize, usize)> = Vec::new();
        for (i, a) in self.o.iter().enumerate() {
            if self.used_o.get(i).copied().unwrap_or(true) {
                continue;
            }
            let mut found = 0;
            for (j, b) in self.s.iter().enumerate() {
                if found >= CANDIDATES_MAX {
                    break;
                }
                if self.used_s.get(j).copied().unwrap_or(true) {
                    continue;
                }
                // "The MCA is occluded" meets "no occlusion" before it meets a stenosis elsewhere.
                let elsewhere = matches!(pass, Pass::OtherPlace | Pass::OtherPlaceAlone);
                let denied = [(&self.denied_o, i), (&self.denied_s, j)]
                    .map(|(list, at)| list.get(at).copied().unwrap_or(Denied::Not));
                if elsewhere
                    && denied.iter().any(|d| *d != Denied::Not)
                    && (a.size().is_none() || b.size().is_none())
                {
                    continue;
                }
                if pass == Pass::OtherKind && denied.contains(&Denied::ByName) {
                    continue;
                }
                if let Some(score) = self.score(pass, a, b) {
                    candidates.push((score, i, j));
                    found += 1;
                }
            }
        }
        candidates.sort_by_key(|(score, i, j)| (std::cmp::Reverse(*score), *i, *j));
        for (_, i, j) in candidates {
            let free = |list: &[bool], at: usize| !list.get(at).copied().unwrap_or(true);
            if free(&self.used_o, i) && free(&self.used_s, j) {
                self.take(i, j, pass);
            }
        }
    }

    fn take(&mut self, i: usize, j: usize, pass: Pass) {
        if let Some(u) = self.used_o.get_mut(i) {
            *u = true;
        }
        if let Some(u) = self.used_s.get_mut(j) {
            *u = true;
        }
        self.pairs.push(Pair {
            original: Some(i),
            second: Some(j),
            pass,
        });
    }

    fn score(&self, pass: Pass, a: &Frame, b: &Frame) -> Option<i32> {
        if pass == Pass::Calm {
            return self.calm_score(a, b);
        }
        if pass == Pass::Alike {
            return self.alike_score(a, b);
        }
        let concept = self.concept_score(a, b)?;
        if self.past(a) != self.past(b) {
            return None;
        }
        let mut relation = site::relate(self.lex, a, b);
        if relation == Relation::Unrelated && self.device(a) && self.device(b) {
            relation = Relation::OtherPlace;
        }
        let opposite = matches!((a.side, b.side), (Some(x), Some(y)) if x.opposite(y));
        let sizes = match (a.size(), b.size()) {
            (Some(x), Some(y)) if self.lex.differences.apart.sizes(x, y) => -10,
            (Some(_), Some(_)) => 25,
            _ => 0,
        };
        let place = match relation {
            Relation::Same => 60,
            Relation::Compatible => 30,
            _ => 0,
        };
        let side = i32::from(a.side == b.side && a.side.is_some()) * 30;
        let equal_amounts = i32::from(a.amount.is_some() && a.amount == b.amount) * 20;
        let severity =
            equal_amounts + i32::from(a.severity.is_some() && a.severity == b.severity) * 8;
        let amount = i32::from(a.many == b.many) * 2 + i32::from(a.acute == b.acute) * 4;
        let total = concept + place + side + sizes + severity + amount;
        let meets = matches!(relation, Relation::Same | Relation::Compatible);
        match pass {
            Pass::Strict => (!opposite && concept >= 80 && meets).then_some(total),
            Pass::OtherKind => (!opposite && concept < 80 && meets).then_some(total),
            Pass::OtherSideAndKind => {
                let family = a
                    .finding()
                    .zip(b.finding())
                    .is_some_and(|(x, y)| self.lex.root(x) == self.lex.root(y));
                let one_level = relation == Relation::Same && !a.levels.is_empty();
                let told = !a.side_inferred && !b.side_inferred;
                (opposite && family && one_level && told).then_some(total)
            }
            Pass::OtherSide => {
                let same_lesion = relation == Relation::OtherPlace && sizes > 0;
                let ranked = a
                    .finding()
                    .and_then(|id| self.lex.finding(id))
                    .is_some_and(|f| f.rank > 0);
                if (a.side_inferred || b.side_inferred) && !ranked {
                    return None;
                }
                (opposite && (meets || same_lesion) && concept >= 80).then_some(total)
            }
            Pass::OtherPlace | Pass::OtherPlaceAlone => {
                let one_side = a.side != Some(crate::frame::Side::Both) && !a.side_inferred;
                let serious = self.weight(a) >= 3 && self.weight(b) >= 3 && concept >= 100;
                let tied = sizes > 0 || side > 0 && one_side || self.device(a) || serious;
                let supported = tied || pass == Pass::OtherPlaceAlone && self.weight(a) >= 2;
                let fits = relation == Relation::OtherPlace && concept >= 80 && supported;
                let told =
                    sizes > 0 || !a.site_inferred && !b.site_inferred || !a.levels.is_empty();
                (fits && told && !(opposite && sizes <= 0)).then_some(total)
            }
            _ => None,
        }
    }

    fn alike_score(&self, a: &Frame, b: &Frame) -> Option<i32> {
        let (x, y) = (a.finding()?, b.finding()?);
        let stated = a.present() && b.present() && self.past(a) == self.past(b);
        let sided = a.side == b.side || a.side.is_none() || b.side.is_none();
        let here = site::relate(self.lex, a, b) == Relation::Same;
        let fits = stated && sided && here && self.lex.differences.alike(x, y);
        fits.then(|| 50 + i32::from(a.side == b.side) * 10)
    }

    fn weight(&self, f: &Frame) -> u8 {
        f.finding()
            .and_then(|id| self.lex.finding(id))
            .map_or(1, |x| x.weight)
    }

    /// A cancer of the past is not the one seen now.
    fn past(&self, f: &Frame) -> bool {
        f.historical
            && f.finding()
                .and_then(|id| self.lex.finding(id))
                .is_some_and(|x| x.malignant)
    }

    fn device(&self, f: &Frame) -> bool {
        f.finding()
            .and_then(|id| self.lex.finding(id))
            .is_some_and(|x| x.device)
    }

    /// How well two stated findings fit, places apart.
    fn concept_score(&self, a: &Frame, b: &Frame) -> Option<i32> {
        if a.denied || b.denied {
            return None;
        }
        match (&a.what, &b.what) {
            (What::Finding(x), What::Finding(y)) => self.kin(*x, *y),
            (What::Category(x), What::Category(y)) if x == y => Some(100),
            (What::Measured, What::Measured) => {
                let part = |x: usize, y: usize| self.lex.is_part(x, y) || self.lex.is_part(y, x);
                a.nodes
                    .iter()
                    .any(|x| b.nodes.iter().any(|y| part(*x, *y)))
                    .then_some(100)
            }
            (What::Advice, What::Advice) => Some(crate::advice::fit(a, b)),
            _ => None,
        }
    }

    fn kin(&self, x: FindingId, y: FindingId) -> Option<i32> {
        if x == y {
            return Some(100);
        }
        if self.lex.is_kind(x, y) || self.lex.is_kind(y, x) {
            return Some(90);
        }
        let (fx, fy) = (self.lex.finding(x)?, self.lex.finding(y)?);
        if fx.rank > 0 && fy.rank > 0 && self.lex.root(x) == self.lex.root(y) {
            return Some(85);
        }
        let lesion = self
            .lex
            .finding_named("focal_lesion")
            .is_some_and(|l| self.lex.is_kind(x, l) && self.lex.is_kind(y, l));
        if self.lex.root(x) != self.lex.root(y) && !lesion {
            return None;
        }
        let both_named = fx.dx && fy.dx;
        let general = lesion && !(fx.dx && fy.dx);
        Some(if general {
            82
        } else if both_named || lesion {
            70
        } else {
            60
        })
    }

    fn rest(&mut self) {
        for (i, _) in self
            .o
            .iter()
            .enumerate()
            .filter(|(i, _)| !self.used_o.get(*i).copied().unwrap_or(true))
        {
            self.pairs.push(Pair {
                original: Some(i),
                second: None,
                pass: Pass::Strict,
            });
        }
        for (j, _) in self
            .s
            .iter()
            .enumerate()
            .filter(|(j, _)| !self.used_s.get(*j).copied().unwrap_or(true))
        {
            self.pairs.push(Pair {
                original: None,
                second: Some(j),
                pass: Pass::Strict,
            });
        }
    }
}
