//! Here a statement learns what it says: size, grade, kind, and whom it speaks about.

use super::Builder;
use crate::exam::side_of;
use crate::frame::{Frame, Side, What};
use crate::hits::Marked;
use crate::lexicon::{CueKind, FindingId, NodeId};
use crate::mention::Mention;
use crate::text::Token;

/// Tokens between "due to" and the cause, at most.
const CAUSE_TOKENS: usize = 4;

/// One side of a statement about both: side, grade, token range.
pub(super) type Part = (Side, Option<(u8, u8)>, usize, usize);

impl Builder<'_> {
    pub(super) fn describe(
        &self,
        frame: &mut Frame,
        tokens: &[Token],
        marked: &Marked<'_>,
        m: &Mention,
    ) {
        let (from, to) = (m.from, m.to);
        let near = |s: &&crate::marks::SizeAt| {
            if s.first > m.last {
                s.first - m.last
            } else {
                m.first.saturating_sub(s.last)
            }
        };
        let own = |s: &&crate::marks::SizeAt| s.first >= from && s.last < to && !s.aside;
        frame.sizes_mm = marked
            .sizes
            .iter()
            .filter(own)
            .min_by_key(near)
            .map(|s| s.mm)
            .into_iter()
            .collect();
        frame.amount = marked
            .amounts
            .iter()
            .find(|a| a.first >= from && a.last < to)
            .map(|a| (a.value, a.unit));
        frame.severity = nearest(marked, CueKind::Sev, m);
        let near_grade = |g: &&(usize, usize, u8)| g.0 >= from && g.1 < to;
        frame.grade = marked.grades.iter().find(near_grade).map(|g| g.2);
        let acute = marked.cue_in(CueKind::Acute, from, to).is_some();
        let chronic = marked.cue_in(CueKind::Chronic, from, to).is_some();
        frame.acute = match (acute, chronic) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        };
        frame.qualified = marked
            .cues
            .iter()
            .any(|c| c.cue.kind == CueKind::Qual && c.first >= from && c.first <= m.last);
        let doubtful =
            |k: CueKind| matches!(k, CueKind::Firm | CueKind::Likely | CueKind::Possible);
        frame.explains = marked.cues.iter().any(|c| {
            doubtful(c.cue.kind) && c.first >= from && c.first <= m.last + 3 && c.last < to
        });
        frame.additional = marked
            .cues
            .iter()
            .any(|c| c.cue.kind == CueKind::Additional && c.first >= from && c.first <= m.last);
        frame.narrow = frame.denied && self.narrowed(tokens, m);
        frame.explains |= self.causes(tokens, m);
        frame.many = marked.cue_in(CueKind::Many, from, to).is_some() || self.plural(tokens, m);
        for cue in marked.cues.iter().filter(|c| {
            c.cue.kind == CueKind::Type
                && c.first >= from
                && c.last < to
                && !marked.is_contrast(c.first)
        }) {
            if let Some((key, value)) = cue.cue.value.split_once('=')
                && frame.type_of(key).is_none()
            {
                frame.types.push((key.to_string(), value.to_string()));
            }
        }
    }

    /// Whether the word before a denied finding is not known, or ties it to something else: "no associated mass".
    fn narrowed(&self, tokens: &[Token], m: &Mention) -> bool {
        let vague = &self.lex.differences.vague;
        let told = tokens.get(m.first..=m.last).unwrap_or_default();
        if told.iter().all(|t| vague.contains(&t.norm)) {
            return true;
        }
        let before = m.first.checked_sub(1).and_then(|at| tokens.get(at));
        before.is_some_and(|t| {
            let tied = self.lex.differences.narrowing.contains(&t.norm);
            let plain = t.is_word() && t.norm.chars().count() > 3;
            tied || plain && !self.lex.spelling.knows(&t.norm)
        })
    }

    /// Whether a finding is told as the cause of another: "due to metastasis", "this is an infarct".
    fn causes(&self, tokens: &[Token], m: &Mention) -> bool {
        let from = m.first.saturating_sub(CAUSE_TOKENS);
        let before = tokens.get(from..m.first).unwrap_or_default();
        let told = before
            .iter()
            .rposition(|t| self.lex.differences.causing.contains(&t.norm));
        told.is_some_and(|at| {
            let there = (from + at).checked_sub(1).and_then(|at| tokens.get(at));
            !there.is_some_and(|t| t.is("there"))
        })
    }

    pub(super) fn plural(&self, tokens: &[Token], m: &Mention) -> bool {
        tokens.get(m.last).is_some_and(|t| {
            let raw = self.text.slice(t.start, t.end).to_lowercase();
            raw.ends_with('s') && !t.norm.ends_with('s')
        })
    }

    /// Names the finding by its place; returns false when nothing comparable is left.
    pub(super) fn settle(
        &self,
        frame: &mut Frame,
        tokens: &[Token],
        marked: &Marked<'_>,
        m: &Mention,
        count: usize,
    ) -> bool {
        let Some(id) = frame.finding() else {
            return frame.what != What::Normal || !frame.denied;
        };
        let mut places = frame.nodes.clone();
        let unplaced = places
            .iter()
            .all(|p| self.lex.node(*p).is_some_and(|n| n.generic));
        // "No fracture" stays wide: it denies every fracture of the region.
        let wide = frame.denied && self.lex.finding_named("effusion") != Some(id);
        if unplaced && !wide {
            places.extend(self.exam.region.iter().copied());
        }
        let resolved = self.lex.resolved(id, &places);
        let Some(f) = self.lex.finding(resolved) else {
            return false;
        };
        frame.what = What::Finding(resolved);
        if resolved != id
            && let Some(site) = f.site
        {
            self.add_default(frame, site);
        }
        let unresolved_relation =
            !self.lex.finding(id).is_none_or(|f| f.needs.is_empty()) && resolved == id;
        if unresolved_relation {
            return false;
        }
        frame.descriptor = f.descriptor && count > 1 || self.explained(marked, m, id);
        let general = matches!(f.id.as_str(), "abnormality" | "fetal_anomaly");
        if general {
            if !frame.denied {
                return f.id != "abnormality";
            }
            frame.what = What::Normal;
            frame.denied = false;
            let whole = count == 1 && self.call_whole(frame, tokens, marked);
            let acute = marked.cue_in(CueKind::Acute, m.from, m.to).is_some();
            if !whole && frame.nodes.is_empty() && frame.levels.is_empty() {
                frame.nodes.clone_from(&self.exam.region);
                frame.attr = Some("acute".to_string());
            }
            if acute || tokens.get(m.first).is_some_and(|t| t.is("acute")) {
                frame.attr = Some("acute".to_string());
            }
        }
        true
    }

    /// "Hypodensity ... consistent with infarct": the first word only describes the second.
    pub(super) fn explained(&self, marked: &Marked<'_>, m: &Mention, id: FindingId) -> bool {
        let vague = self.lex.finding(id).is_some_and(|f| {
            matches!(
                f.id.as_str(),
                "focal_lesion" | "abnormal_signal" | "thickening" | "enlargement" | "edema"
            )
        });
        let focal = self.lex.finding_named("focal_lesion");
        vague
            && marked.findings.iter().any(|f| {
                let between = |c: &&crate::scope::CueAt<'_>| {
                    matches!(c.cue.kind, CueKind::Firm | CueKind::Likely)
                        && c.first > m.last
                        && c.last < f.first
                };
                f.first > m.last
                    && !focal.is_some_and(|l| self.lex.is_kind(f.id, l))
                    && marked.cues.iter().any(|c| between(&c))
            })
    }

    /// "Pancreas and spleen normal" speaks about each of them.
    pub(super) fn one_frame_a_place(&mut self, frame: Frame) {
        let solid: Vec<NodeId> = frame
            .nodes
            .iter()
            .copied()
            .filter(|n| {
                self.lex
                    .node(*n)
                    .is_some_and(|n| n.axis == "organ" && !n.generic)
            })
            .collect();
        if solid.len() < 2 {
            self.frames.push(frame);
            return;
        }
        for node in solid {
            let mut one = frame.clone();
            one.nodes = vec![node];
            self.frames.push(one);
        }
    }

    /// "Mild left and moderate right stenosis" is two statements.
    pub(super) fn sides_apart(&self, frame: &Frame, marked: &Marked<'_>, m: &Mention) -> Vec<Part> {
        let mut sides: Vec<(Side, usize)> = Vec::new();
        for c in marked
            .cues
            .iter()
            .filter(|c| c.first >= m.from && c.last < m.to && !marked.is_contrast(c.first))
        {
            if let Some(side) = side_of(c.cue.kind).filter(|s| *s != Side::Both)
                && !sides.iter().any(|(s, _)| *s == side)
            {
                sides.push((side, c.first));
            }
        }
        let grades: Vec<(usize, (u8, u8))> = marked
            .cues
            .iter()
            .filter(|c| c.cue.kind == CueKind::Sev && c.first >= m.from && c.last < m.to)
            .map(|c| (c.first, c.cue.range))
            .collect();
        if sides.len() != 2 || grades.len() < 2 || !frame.present() {
            return Vec::new();
        }
        let second_start = sides.get(1).map_or(m.to, |s| s.1);
        let cut = grades
            .iter()
            .map(|g| g.0)
            .filter(|g| *g < second_start)
            .max()
            .unwrap_or(second_start);
        let mut out = Vec::new();
        for (k, (side, at)) in sides.iter().enumerate() {
            let in_order = grades.get(k).filter(|_| grades.len() == 2).map(|g| g.1);
            let close = grades
                .iter()
                .min_by_key(|g| g.0.abs_diff(*at) * 2 + usize::from(g.0 > *at))
                .map(|g| g.1);
            let nearest = in_order.or(close);
            let after = m.last < cut;
            let (from, to) = match (k, after) {
                (0, true) => (m.from, cut),
                (_, true) => (cut, m.to),
                (0, false) => (m.from, m.to),
                _ => (cut, m.to),
            };
            out.push((*side, nearest, from, to));
        }
        out
    }

    /// Ties diagnoses and categories to the lesion they speak about.
    pub(super) fn own(&mut self, start: usize) {
        for at in start..self.frames.len() {
            let Some(frame) = self.frames.get(at) else {
                break;
            };
            let category = matches!(frame.what, What::Category(_));
            let diagnosis = frame
                .finding()
                .and_then(|f| self.lex.finding(f))
                .is_some_and(|f| f.dx);
            if !diagnosis && (!category || frame.denied) {
                continue;
            }
            let after = |o: &usize| {
                self.frames
                    .get(*o)
                    .is_some_and(|o| o.sentence == frame.sentence)
                    && self.may_own(*o, at)
            };
            let owner = (0..at)
                .rev()
                .take(8)
                .find(|o| self.may_own(*o, at))
                .or_else(|| (at + 1..self.frames.len()).find(after));
            let same = owner
                .and_then(|o| self.frames.get(o))
                .is_some_and(|o| o.sentence == frame.sentence);
            let borrowed = owner.and_then(|o| self.frames.get(o)).cloned();
            if let (Some(frame), Some(lesion)) = (self.frames.get_mut(at), borrowed) {
                frame.owner = owner;
                frame.owner_same_sentence = same;
                if frame.side.is_none() {
                    frame.side = lesion.side;
                }
                if frame.site_inferred || frame.nodes.is_empty() || category || !frame.placed {
                    frame.nodes.clone_from(&lesion.nodes);
                    frame.levels.clone_from(&lesion.levels);
                }
            }
        }
    }

    pub(super) fn may_own(&self, owner: usize, at: usize) -> bool {
        let (Some(o), Some(f)) = (self.frames.get(owner), self.frames.get(at)) else {
            return false;
        };
        let Some(id) = o.finding() else { return false };
        let close = f.sentence.saturating_sub(o.sentence) <= 2;
        let root = self.lex.root(id);
        let focal = self.lex.finding_named("focal_lesion");
        let both_focal = |dx: FindingId| {
            focal.is_some_and(|l| self.lex.is_kind(dx, l) && self.lex.is_kind(id, l))
        };
        let kin = match f.finding() {
            Some(dx) => {
                (self.lex.root(dx) == root || both_focal(dx))
                    && self.lex.finding(id).is_some_and(|x| !x.dx)
            }
            None => {
                self.lex.finding_named("focal_lesion") == Some(root)
                    || self.lex.finding(id).is_some_and(|x| {
                        x.id.contains("calcification")
                            || x.id.contains("asymmetry")
                            || x.id.contains("distortion")
                    })
            }
        };
        let elsewhere = f.sentence != o.sentence
            && f.placed
            && f.finding().is_some()
            && crate::site::relate(self.lex, o, f) != crate::site::Relation::Same;
        if elsewhere {
            return false;
        }
        let place = f.nodes.is_empty()
            || f.site_inferred
            || !f.placed
            || f.finding().is_none()
            || crate::site::relate(self.lex, o, f) != crate::site::Relation::Unrelated
                && crate::site::relate(self.lex, o, f) != crate::site::Relation::OtherPlace;
        let fresh_size = !f.sizes_mm.is_empty() && !o.sizes_mm.is_empty() && f.finding().is_some();
        close && kin && place && !o.denied && !fresh_size && crate::site::sides_meet(o.side, f.side)
    }
}

fn nearest(marked: &Marked<'_>, kind: CueKind, m: &Mention) -> Option<(u8, u8)> {
    marked
        .cues
        .iter()
        .filter(|c| {
            c.cue.kind == kind && c.first >= m.from && c.last < m.to && !marked.is_contrast(c.first)
        })
        .min_by_key(|c| {
            if c.first <= m.last {
                m.last - c.first
            } else {
                (c.first - m.last) * 2
            }
        })
        .map(|c| c.cue.range)
}
