//! Here what one report states meets what the other denies.

use super::{Aligner, Denied, Pair, Pass};
use crate::frame::{Frame, WHOLE, What};
use crate::lexicon::FindingId;
use crate::limits::CANDIDATES_MAX;
use crate::site::{self, Relation};

/// Weight of a finding that meets its denial before anything elsewhere.
const GRAVE: u8 = 3;

impl Aligner<'_> {
    pub(super) fn denials(&mut self) {
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

    /// Tells how a report denies a grave finding just where it is stated.
    pub(super) fn denied_in(&self, list: &[Frame], stated: &Frame) -> Denied {
        if !stated.present() || self.weight(stated) < GRAVE {
            return Denied::Not;
        }
        let denial = self.denial(list, stated).and_then(|at| list.get(at));
        match denial.filter(|d| !d.additional) {
            None => Denied::Not,
            Some(d) if d.finding() == stated.finding() => Denied::ByName,
            Some(_) => Denied::Widely,
        }
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
        let finding = self.lex.finding(id)?;
        // "No free air" denies free air wherever it is said to lie: it has one place in the body.
        let level = d.levels.is_empty() && stated.levels.is_empty();
        let grave = finding.site.is_some() && finding.weight >= 3;
        let at_home = level && grave && d.denied && !d.placed && d.finding() == Some(id);
        let sided = site::sides_meet(d.side, stated.side);
        let covers = site::covers(self.lex, d, stated) || at_home && sided;
        if !covers || d.certainty == 3 {
            return None;
        }
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
                if !kind || d.additional {
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
                if narrower(d, stated) || d.narrow {
                    return None;
                }
                Some(if exact { 300 } else { 200 } + i32::from(!d.nodes.is_empty()) * 20)
            }
            What::Normal => self.normal_denies(d, stated, id),
            _ => None,
        }
    }

    pub(super) fn normal_denies(&self, d: &Frame, stated: &Frame, id: FindingId) -> Option<i32> {
        let finding = self.lex.finding(id)?;
        let sound = self.lex.differences.sound.contains(&id);
        if finding.device || sound || d.nodes.is_empty() && d.levels.is_empty() {
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
            // An open vessel may still have plaque or be wide.
            Some("patency") => {
                let kept = &self.lex.differences.in_open_vessels;
                !kept.iter().any(|open| self.lex.is_kind(id, *open))
            }
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
                || matches!(n.id.as_str(), "spine" | "fetus")
        })
    }
}

/// "No full-thickness tear" does not deny a partial one.
fn narrower(d: &Frame, stated: &Frame) -> bool {
    d.types.iter().any(|(key, value)| {
        matches!(key.as_str(), "depth" | "pattern" | "displaced" | "activity")
            && stated.type_of(key) != Some(value.as_str())
    })
}
