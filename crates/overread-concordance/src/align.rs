//! Here the statements of two reports find their partners.

use crate::frame::{Frame, WHOLE, What};
use crate::lexicon::{FindingId, Lexicon};
use crate::limits::CANDIDATES_MAX;
use crate::site::{self, Relation};

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
    /// Another kind of the same family on the opposite side of one spinal level.
    OtherSideAndKind,
    /// One states, the other denies.
    Denial,
    /// Both deny or both are normal.
    Calm,
}

/// Two statements set side by side, or one alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) original: Option<usize>,
    pub(crate) second: Option<usize>,
    pub(crate) pass: Pass,
}

/// Whose statement is looked for in the other report.
#[derive(Debug, Clone, Copy)]
enum Covering {
    Original,
    Second,
}

struct Aligner<'a> {
    lex: &'a Lexicon,
    o: &'a [Frame],
    s: &'a [Frame],
    used_o: Vec<bool>,
    used_s: Vec<bool>,
    pairs: Vec<Pair>,
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
    };
    aligner.pass(Pass::Strict);
    aligner.pass(Pass::OtherSide);
    aligner.pass(Pass::OtherPlace);
    aligner.pass(Pass::OtherKind);
    aligner.pass(Pass::OtherSideAndKind);
    aligner.pass(Pass::OtherPlaceAlone);
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

    /// A statement without partner may be part of one that has one: "L4-5 and L5-S1" against two lines.
    fn covered(&mut self) {
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

    /// Two serious explanations of one organ's change exclude each other: diverticulitis, carcinoma.
    fn other_diagnoses(&mut self) {
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

    fn denials(&mut self) {
        let located: Vec<usize> = self
            .pairs
            .iter()
            .filter(|p| matches!(p.pass, Pass::OtherPlace | Pass::OtherPlaceAlone))
            .filter_map(|p| p.second)
            .collect();
        let mut found = Vec::new();
        for (j, b) in self.s.iter().enumerate() {
            let free = !self.used_s.get(j).copied().unwrap_or(true);
            if b.present()
                && (free || located.contains(&j))
                && let Some(i) = self.denial(self.o, b)
            {
                let special = self
                    .o
                    .get(i)
                    .is_some_and(|d| !d.nodes.is_empty() && d.finding().is_none());
                if free || special {
                    found.push(Pair {
                        original: Some(i),
                        second: Some(j),
                        pass: Pass::Denial,
                    });
                }
            }
        }
        found.extend(self.denied_exactly());
        for (i, a) in self.o.iter().enumerate() {
            if a.present()
                && !self.used_o.get(i).copied().unwrap_or(true)
                && let Some(j) = self.denial(self.s, a)
            {
                found.push(Pair {
                    original: Some(i),
                    second: Some(j),
                    pass: Pass::Denial,
                });
            }
        }
        for pair in &found {
            let (i, j) = (
                pair.original.unwrap_or(usize::MAX),
                pair.second.unwrap_or(usize::MAX),
            );
            for (list, at) in [(&mut self.used_o, i), (&mut self.used_s, j)] {
                if let Some(u) = list.get_mut(at) {
                    *u = true;
                }
            }
        }
        self.pairs.extend(found);
    }

    /// "Sulci effaced, cisterns patent" against "cisterns effaced": aligned, and still denied.
    fn denied_exactly(&self) -> Vec<Pair> {
        let loose = |p: &&Pair| p.pass == Pass::Strict && p.original.is_some();
        let mut out = Vec::new();
        for pair in self.pairs.iter().filter(loose) {
            let (Some(i), Some(j)) = (pair.original, pair.second) else {
                continue;
            };
            let (Some(a), Some(b)) = (self.o.get(i), self.s.get(j)) else {
                continue;
            };
            if site::relate(self.lex, a, b) == Relation::Same || self.weight(b) < 2 || !b.placed {
                continue;
            }
            let denial = self.denial(self.o, b).filter(|d| {
                self.o.get(*d).is_some_and(|d| {
                    d.what == What::Normal && d.nodes.iter().any(|n| b.nodes.contains(n))
                })
            });
            out.extend(denial.map(|d| Pair {
                original: Some(d),
                second: Some(j),
                pass: Pass::Denial,
            }));
        }
        out
    }

    /// Finds the most exact statement that denies a finding.
    fn denial(&self, list: &[Frame], stated: &Frame) -> Option<usize> {
        let id = stated.finding()?;
        let finding = self.lex.finding(id)?;
        if stated.descriptor && finding.id != "enhancement" && finding.id != "solid_component"
            || finding.measure
        {
            return None;
        }
        list.iter()
            .enumerate()
            .take(CANDIDATES_MAX)
            .filter_map(|(at, d)| self.denies(d, stated, id).map(|exactness| (exactness, at)))
            .max_by_key(|(exactness, at)| (*exactness, std::cmp::Reverse(*at)))
            .map(|(_, at)| at)
    }

    fn denies(&self, d: &Frame, stated: &Frame, id: FindingId) -> Option<i32> {
        if !site::covers(self.lex, d, stated) || d.certainty == 3 {
            return None;
        }
        let finding = self.lex.finding(id)?;
        match &d.what {
            What::Finding(denied) if d.denied => {
                let exact = *denied == id;
                let focal = self.lex.finding_named("focal_lesion");
                let lesion = |x: FindingId| focal.is_some_and(|f| self.lex.is_kind(x, f));
                let any_lesion = lesion(*denied)
                    && self.lex.finding(*denied).is_some_and(|f| !f.dx)
                    && lesion(id);
                let kind =
                    self.lex.is_kind(id, *denied) || self.lex.names(*denied, id) || any_lesion;
                if !exact && finding.benign && finding.weight == 0 {
                    return None;
                }
                if !kind || d.additional && finding.weight < 3 {
                    return None;
                }
                let minor = stated
                    .severity
                    .map_or(finding.weight < 2, |(_, high)| high <= 1);
                if d.qualified && (minor || finding.weight == 0 || finding.benign) {
                    return None;
                }
                if d.acute == Some(true) && (stated.acute == Some(false) || stated.historical) {
                    return None;
                }
                if narrower(d, stated) {
                    return None;
                }
                Some(if exact { 300 } else { 200 } + i32::from(!d.nodes.is_empty()) * 20)
            }
            What::Normal => self.normal_denies(d, stated, id),
            _ => None,
        }
    }

    fn normal_denies(&self, d: &Frame, stated: &Frame, id: FindingId) -> Option<i32> {
        let finding = self.lex.finding(id)?;
        if finding.device || d.nodes.is_empty() && d.levels.is_empty() {
            return None;
        }
        // "L5-S1 normal" speaks of the disc; the L5 root may be touched one level higher.
        if d.nodes.is_empty()
            && self.lex.finding_named("nerve_root_compromise") == Some(self.lex.root(id))
        {
            return None;
        }
        let has = |cat: &str| finding.cats.iter().any(|c| c == cat);
        let region_wide = d.nodes.iter().any(|n| self.wide(*n));
        let fits = match d.attr.as_deref() {
            Some(WHOLE) => finding.weight >= 1 || has("acute"),
            None => !region_wide || finding.weight >= 2 || has("acute"),
            Some("size" | "contour") => has("size"),
            Some("acute") => {
                has("acute")
                    && finding.weight >= 2
                    && stated.acute != Some(false)
                    && !stated.historical
            }
            Some("align") => has("align"),
            Some("thickness") => has("thick"),
            Some(attr) => has(attr),
        };
        let trivial = finding.weight == 0
            && d.levels.is_empty()
            && !d.nodes.iter().any(|n| stated.nodes.contains(n));
        let qualified = d.qualified && finding.weight < 2;
        let old = stated.historical && finding.weight < 2;
        (fits && !trivial && !qualified && !old).then(|| {
            let depth = d
                .nodes
                .iter()
                .map(|n| if self.wide(*n) { 0 } else { 20 })
                .max()
                .unwrap_or(10);
            100 + depth + i32::from(d.attr.is_none()) * 5
        })
    }

    fn wide(&self, node: usize) -> bool {
        self.lex.node(node).is_some_and(|n| {
            !n.organ
                && matches!(
                    n.id.as_str(),
                    "head"
                        | "chest"
                        | "abdomen"
                        | "pelvis"
                        | "upper_abdomen"
                        | "neck"
                        | "spine"
                        | "body"
                        | "lumbar_spine"
                        | "cervical_spine"
                        | "thoracic_spine"
                )
                || n.id == "spine"
        })
    }

    fn calm_score(&self, a: &Frame, b: &Frame) -> Option<i32> {
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
    fn calm_again(&mut self) {
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

/// Whether a statement says that something is normal or not there.
fn calm(f: &Frame) -> bool {
    f.what == What::Normal || f.denied && f.finding().is_some()
}

/// Whether the levels of one statement are some of the levels of another.
fn within_row(row: &Frame, one: &Frame) -> bool {
    !one.levels.is_empty()
        && one.levels.len() < row.levels.len()
        && one.levels.iter().all(|l| row.levels.contains(l))
}

/// "No full-thickness tear" does not deny a partial one.
fn narrower(d: &Frame, stated: &Frame) -> bool {
    d.types.iter().any(|(key, value)| {
        matches!(key.as_str(), "depth" | "pattern" | "displaced")
            && stated.type_of(key) != Some(value.as_str())
    })
}
