//! Here a statement learns where it is and on which side: from its own words, its label, its neighbours.

use super::{Around, Builder, View};
use crate::frame::{Frame, Side, What};
use crate::hits::Marked;
use crate::lexicon::{CueKind, FindingId, NodeId};
use crate::marks::Level;
use crate::mention::Mention;
use crate::reading::Sentence;
use crate::text::{Kind, Token};

impl Builder<'_> {
    /// Gives the frame its place; returns false when the mention has none and needs one.
    pub(super) fn locate(&self, frame: &mut Frame, view: &View<'_>, i: usize, m: &Mention) -> bool {
        let own = self.around(view.marked, m.from, m.to);
        frame.nodes.clone_from(&own.nodes);
        frame.levels.clone_from(&own.levels);
        frame.side = own.side;
        frame.placed = !own.levels.is_empty() || self.names_a_place(view.marked, m);
        if frame.what == What::Normal {
            let placed = self.locate_normal(frame, &own, view, m);
            if frame.levels.is_empty() && self.level_bound(frame) {
                frame.levels = self.levels_of_line(view.sentence);
            }
            self.fill_exam_side(frame);
            return placed;
        }
        let default = frame
            .finding()
            .and_then(|id| self.lex.finding(id))
            .and_then(|f| f.site);
        let later: Vec<Around> = view
            .list
            .get(i + 1..)
            .unwrap_or_default()
            .iter()
            .take(4)
            .map(|n| self.around(view.marked, n.from, n.to))
            .collect();
        let under_label = view.sentence.label_inside || self.heading(view.sentence);
        let spoken_for = under_label || view.sentence.label_line;
        let general = |n: &NodeId| self.lex.node(*n).is_some_and(|n| n.generic);
        if frame.nodes.is_empty() && default.is_none() {
            frame.site_inferred = true;
            frame.nodes = self.borrowed(frame.denied, view, i, &later, spoken_for);
        } else if under_label && frame.nodes.iter().all(general) {
            frame
                .nodes
                .extend(self.label.nodes.iter().filter(|n| !own.nodes.contains(n)));
        }
        if let Some(site) = default {
            self.add_default(frame, site);
        }
        if frame.nodes.is_empty() && frame.side.is_none() && self.label.side.is_some() && spoken_for
        {
            frame.side = self.label.side;
            frame.side_inferred = true;
        }
        self.inherit_levels(frame, view, i, &later, m);
        self.inherit_side(frame, view, i);
        self.fill_exam_side(frame);
        self.limb_veins(frame);
        self.narrow_places(frame);
        true
    }

    /// A line "ends in the right atrium, 4 cm below the cavoatrial junction": where it lies counts, not what it is named or
    /// measured after.
    pub(super) fn where_it_ends(
        &self,
        frame: &mut Frame,
        tokens: &[Token],
        marked: &Marked<'_>,
        m: &Mention,
    ) {
        let known = frame.finding().and_then(|id| self.lex.finding(id));
        if !known.is_some_and(|f| f.device) {
            return;
        }
        let behind = marked.nodes.iter();
        let behind = behind.filter(|n| n.first > m.last && n.first < m.to);
        let ends: Vec<NodeId> = behind
            .filter(|n| self.lies_in(tokens, m, n.first))
            .map(|n| n.id)
            .collect();
        if !ends.is_empty() {
            frame.nodes = ends;
        }
    }

    /// A clot "in the left leg" lies in its veins, not in its bone.
    fn limb_veins(&self, frame: &mut Frame) {
        let clot = frame
            .finding()
            .zip(self.lex.finding_named("thrombosis"))
            .is_some_and(|(x, t)| self.lex.is_kind(x, t));
        for node in frame.nodes.iter_mut().filter(|_| clot) {
            if let Some(veins) = self.lex.limb_veins.get(node) {
                *node = *veins;
            }
        }
    }

    /// Whether a place stands in the mention's stretch outside its own name.
    fn names_a_place(&self, marked: &Marked<'_>, m: &Mention) -> bool {
        marked.nodes.iter().any(|n| {
            let outside = n.last < m.first || n.first > m.last;
            let inside = n.first >= m.from && n.last < m.to && !marked.is_contrast(n.first);
            inside && outside && self.lex.node(n.id).is_some_and(|n| !n.generic)
        })
    }

    /// A general finding takes its place from the label, from before, or from what follows.
    fn borrowed(
        &self,
        denied: bool,
        view: &View<'_>,
        i: usize,
        later: &[Around],
        spoken_for: bool,
    ) -> Vec<NodeId> {
        if spoken_for && !self.label.nodes.is_empty() {
            return self.label.nodes.clone();
        }
        let earlier = view.list.get(..i).unwrap_or_default().iter().rev();
        if let Some(a) = earlier
            .map(|p| self.around(view.marked, p.from, p.to))
            .find(|a| !a.nodes.is_empty())
        {
            let disc = self.lex.node_named("disc");
            return a.nodes.into_iter().filter(|n| Some(*n) != disc).collect();
        }
        later
            .iter()
            .find(|a| !a.nodes.is_empty() && !denied)
            .map(|a| a.nodes.clone())
            .unwrap_or_default()
    }

    /// Whether the sentence stands below a heading line rather than after a label in running text.
    pub(super) fn heading(&self, sentence: &Sentence) -> bool {
        sentence.label.is_some_and(|(_, end)| {
            self.text
                .tokens
                .get(end..sentence.first)
                .unwrap_or_default()
                .iter()
                .any(|t| t.kind == Kind::Newline)
        })
    }

    /// Beside "medial meniscus" the word "meniscus" tells nothing more.
    pub(super) fn narrow_places(&self, frame: &mut Frame) {
        let all = frame.nodes.clone();
        let axis = |n: NodeId| self.lex.node(n).map(|n| n.axis.as_str());
        frame.nodes.retain(|n| {
            !all.iter()
                .any(|m| m != n && axis(*m) == axis(*n) && self.lex.is_part(*m, *n))
        });
    }

    /// In "MRI right knee" everything without a side is on the right.
    pub(super) fn fill_exam_side(&self, frame: &mut Frame) {
        if frame.side.is_none() && self.exam.side.is_some() {
            frame.side = self.exam.side;
            frame.side_inferred = true;
        }
    }

    pub(super) fn add_default(&self, frame: &mut Frame, site: NodeId) {
        let generic = self.lex.node(site).is_some_and(|n| n.generic);
        let relative = frame.nodes.iter().any(|n| self.lex.is_part(*n, site));
        if relative || (generic && !frame.nodes.is_empty()) {
            return;
        }
        // The named organ is what counts; other words nearby are where it reaches.
        let wider = frame.nodes.iter().all(|n| {
            self.lex.is_part(site, *n)
                || self
                    .lex
                    .node(*n)
                    .is_some_and(|n| n.generic || n.axis != "organ")
        });
        if wider || frame.nodes.is_empty() {
            frame
                .nodes
                .retain(|n| self.lex.node(*n).is_some_and(|n| n.axis != "organ"));
            frame.nodes.insert(0, site);
        }
    }

    pub(super) fn locate_normal(
        &self,
        frame: &mut Frame,
        own: &Around,
        view: &View<'_>,
        m: &Mention,
    ) -> bool {
        let (marked, list, sentence) = (view.marked, view.list, view.sentence);
        let attr = marked
            .cues
            .iter()
            .filter(|c| {
                c.cue.kind == CueKind::Attr
                    && c.first >= m.from
                    && c.last < m.to
                    && c.cue.value != "acute"
            })
            .map(|c| c.cue.value.clone())
            .next();
        frame.attr = attr;
        let alone = list.len() == 1;
        let tokens = self.text.tokens.get(sentence.first..sentence.end);
        if alone && !frame.denied && self.call_whole(frame, tokens.unwrap_or_default(), marked) {
            return true;
        }
        if frame.nodes.is_empty() && frame.levels.is_empty() {
            let labelled = sentence.label_inside || self.heading(sentence);
            if !alone || !labelled {
                let summary = marked.has(CueKind::Admin) && alone;
                frame.qualified = true;
                return summary && self.exam_wide(frame);
            }
            frame.nodes.clone_from(&self.label.nodes);
            frame.levels.clone_from(&self.label.levels);
            frame.side = frame.side.or(self.label.side);
            if frame.nodes.is_empty() && self.label.side.is_some() {
                frame.nodes.clone_from(&self.exam.region);
            }
        } else if frame.side.is_none() && own.side.is_none() && self.shares_label(frame) {
            frame.side = self.label.side;
        }
        !frame.nodes.is_empty() || !frame.levels.is_empty()
    }

    pub(super) fn exam_wide(&self, frame: &mut Frame) -> bool {
        frame.nodes.clone_from(&self.exam.region);
        frame.attr = Some("acute".to_string());
        !frame.nodes.is_empty()
    }

    pub(super) fn shares_label(&self, frame: &Frame) -> bool {
        !self.label.nodes.is_empty()
            && frame.nodes.iter().any(|n| {
                self.label.nodes.iter().any(|l| {
                    self.lex.is_part(*n, *l)
                        || self.lex.is_part(*l, *n)
                        || crate::site::same_organ(self.lex, *n, *l)
                })
            })
    }

    pub(super) fn spinal(&self, frame: &Frame) -> bool {
        let spine = self.lex.node_named("spine");
        let cord = self.lex.node_named("vertebra");
        frame.nodes.iter().any(|n| {
            [spine, cord]
                .iter()
                .flatten()
                .any(|s| self.lex.is_part(*n, *s))
        })
    }

    pub(super) fn inherit_levels(
        &self,
        frame: &mut Frame,
        view: &View<'_>,
        i: usize,
        later: &[Around],
        m: &Mention,
    ) {
        let (marked, list, sentence) = (view.marked, view.list, view.sentence);
        let anaphor = marked.cue_in(CueKind::Anaphor, 0, m.to).is_some();
        let in_spine = self
            .exam
            .region
            .iter()
            .any(|r| self.lex.node(*r).is_some_and(|n| n.id.ends_with("spine")));
        if !(self.spinal(frame) || in_spine && frame.nodes.is_empty()) {
            return;
        }
        let root = self
            .lex
            .node_named("nerve_root")
            .is_some_and(|r| frame.nodes.contains(&r));
        let kind = |list: &[Level]| -> Vec<Level> {
            let wanted: Vec<Level> = list
                .iter()
                .copied()
                .filter(|l| l.is_multiple_of(2) == root)
                .collect();
            if wanted.is_empty() && !root {
                list.to_vec()
            } else {
                wanted
            }
        };
        if !frame.levels.is_empty() {
            let better = kind(&frame.levels);
            if !better.is_empty() {
                frame.levels = better;
            }
            return;
        }
        if root {
            return;
        }
        let denied = frame.denied;
        let earlier = list
            .get(..i)
            .unwrap_or_default()
            .iter()
            .rev()
            .map(|p| kind(&self.around(marked, p.from, p.to).levels))
            .find(|l| !l.is_empty());
        let label = kind(&self.label.levels);
        let later = later
            .iter()
            .map(|a| kind(&a.levels))
            .find(|l| !l.is_empty());
        let goes_on = self.level_bound(frame) && self.goes_on_with_level(sentence, denied, marked);
        let previous = (anaphor && self.before.paragraph == sentence.paragraph || goes_on)
            .then(|| kind(&self.before.levels))
            .filter(|l| !l.is_empty());
        let shifted = self.shifted(marked);
        // "C5-C6 is worst: a protrusion. At C6-C7 a bulge, slight canal narrowing": the nearer disc is meant.
        let disc = |l: &Vec<Level>| l.iter().all(|l| !l.is_multiple_of(2));
        let found = if let Some(s) = shifted {
            vec![s]
        } else if let Some(l) = earlier.clone().filter(disc) {
            l
        } else if !label.is_empty() {
            label
        } else if let Some(l) = earlier {
            l
        } else if let Some(l) = later.filter(|_| !denied) {
            l
        } else {
            previous.unwrap_or_default()
        };
        frame.site_inferred |= !found.is_empty();
        frame.levels = found;
    }

    /// Whether all that is named is a part of one level: "foramina patent".
    fn level_bound(&self, frame: &Frame) -> bool {
        let parts = ["foramen", "spinal_canal", "lateral_recess", "facet", "disc"];
        let bound = |n: &NodeId| {
            self.lex
                .node(*n)
                .is_some_and(|n| parts.contains(&n.id.as_str()))
        };
        !frame.nodes.is_empty() && frame.nodes.iter().all(bound)
    }

    /// Returns the discs a line is about: "L2-L3: Mild stenosis. Foramina are patent."
    fn levels_of_line(&self, sentence: &Sentence) -> Vec<Level> {
        let goes_on =
            self.follows_semicolon(sentence) && self.before.paragraph == sentence.paragraph;
        let levels = if !self.label.levels.is_empty() {
            &self.label.levels
        } else if goes_on {
            &self.before.levels
        } else {
            return Vec::new();
        };
        let discs = levels.iter().copied();
        discs.filter(|l| !l.is_multiple_of(2)).collect()
    }

    /// "L4-L5 bulge; the right foramen is narrowed" goes on with the level, and so does what is found in the next sentence.
    fn goes_on_with_level(&self, sentence: &Sentence, denied: bool, marked: &Marked<'_>) -> bool {
        let here = self.before.paragraph == sentence.paragraph;
        let one = self
            .before
            .levels
            .iter()
            .filter(|l| !l.is_multiple_of(2))
            .count()
            == 1;
        let clause = self.follows_semicolon(sentence);
        here && one && (clause || !denied && !marked.has(CueKind::Many))
    }

    fn follows_semicolon(&self, sentence: &Sentence) -> bool {
        let before = sentence.first.checked_sub(1);
        before
            .and_then(|i| self.text.tokens.get(i))
            .is_some_and(|t| t.kind == Kind::Semicolon)
    }

    /// "The level below" is counted from the level before.
    pub(super) fn shifted(&self, marked: &Marked<'_>) -> Option<Level> {
        let last = *self.before.levels.last()?;
        if marked.has(CueKind::Below) {
            Some(last.saturating_add(2))
        } else if marked.has(CueKind::Above) {
            Some(last.saturating_sub(2))
        } else {
            None
        }
    }

    pub(super) fn inherit_side(&self, frame: &mut Frame, view: &View<'_>, i: usize) {
        let (marked, list, sentence) = (view.marked, view.list, view.sentence);
        let midline = ["cord", "spinal_canal"]
            .iter()
            .filter_map(|n| self.lex.node_named(n))
            .any(|w| frame.nodes.iter().any(|n| self.lex.is_part(*n, w)));
        if frame.side.is_some() || frame.denied || midline {
            return;
        }
        if self.label.side.is_some() && (self.shares_label(frame) || self.label.nodes.is_empty()) {
            frame.side = self.label.side;
            return;
        }
        let Some(before) = i.checked_sub(1).and_then(|p| list.get(p)) else {
            return;
        };
        let near = self.around(marked, before.from, before.to);
        let lateral = |id: FindingId| {
            let name = self
                .lex
                .finding(id)
                .map(|f| f.id.clone())
                .unwrap_or_default();
            name.starts_with("nerve_root")
                || matches!(
                    name.as_str(),
                    "compression"
                        | "contact"
                        | "displacement_root"
                        | "lateral_recess_stenosis"
                        | "metastasis"
                        | "malignancy"
                        | "hydronephrosis"
                        | "atelectasis"
                )
        };
        let follows = frame.finding().is_some_and(lateral) || !frame.placed;
        let diagnosis = frame
            .finding()
            .and_then(|f| self.lex.finding(f))
            .is_some_and(|f| f.dx);
        if (follows || diagnosis) && near.side.is_some_and(|s| s != Side::Both) && sentence.end > 0
        {
            frame.side = near.side;
            frame.side_inferred = true;
        }
    }
}
