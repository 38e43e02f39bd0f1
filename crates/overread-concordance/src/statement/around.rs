//! Here the places, levels and sides around a statement are kept: of its sentence, its label, the sentence before.

use super::Builder;
use crate::exam::side_of;
use crate::frame::Side;
use crate::hits::{self, Marked};
use crate::lexicon::{CueKind, NodeId};
use crate::marks::Level;
use crate::reading::Sentence;

/// Places known before a sentence is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    pub(super) nodes: Vec<NodeId>,
    pub(super) levels: Vec<Level>,
    pub(super) side: Option<Side>,
    pub(super) paragraph: usize,
}

impl Builder<'_> {
    pub(super) fn refresh_label(&mut self, sentence: &Sentence) {
        if sentence.label == self.label_range {
            return;
        }
        self.label_range = sentence.label;
        self.label = Around::default();
        let Some((first, end)) = sentence.label else {
            return;
        };
        let tokens = self.text.tokens.get(first..end).unwrap_or_default();
        let marked = hits::mark(self.lex, self.exam, tokens);
        self.label = self.around(&marked, 0, tokens.len());
        if self
            .label
            .nodes
            .iter()
            .any(|n| self.exam.region.contains(n))
        {
            self.label.nodes.clear();
        }
        if marked.has(CueKind::Modality) || marked.has(CueKind::Admin) {
            self.label.nodes.clear();
        }
    }

    pub(super) fn around(&self, marked: &Marked<'_>, from: usize, to: usize) -> Around {
        let mut out = Around::default();
        for n in marked
            .nodes
            .iter()
            .filter(|n| n.first >= from && n.last < to && !marked.is_contrast(n.first))
        {
            if !out.nodes.contains(&n.id) {
                out.nodes.push(n.id);
            }
            if out.side.is_none() {
                out.side = self
                    .lex
                    .node(n.id)
                    .and_then(|n| n.side)
                    .map(|right| if right { Side::Right } else { Side::Left });
            }
        }
        for l in marked
            .levels
            .iter()
            .filter(|l| l.first >= from && l.last < to && !marked.is_contrast(l.first))
        {
            for level in &l.levels {
                if !out.levels.contains(level) {
                    out.levels.push(*level);
                }
            }
        }
        let sides: Vec<Side> = marked
            .cues
            .iter()
            .filter(|c| c.first >= from && c.last < to && !marked.is_contrast(c.first))
            .filter_map(|c| side_of(c.cue.kind))
            .collect();
        if sides.contains(&Side::Both)
            || (sides.contains(&Side::Left) && sides.contains(&Side::Right))
        {
            out.side = Some(Side::Both);
        } else if let Some(side) = sides.first() {
            out.side = Some(*side);
        }
        out
    }

    pub(super) fn remember(&mut self, sentence: &Sentence, marked: &Marked<'_>, start: usize) {
        self.topic = self.frames.len() == start
            && !marked.has(CueKind::Modality)
            && marked.nodes.iter().any(|n| !self.is_the_exam(n.id));
        let around = self.around(marked, 0, usize::MAX);
        let disc: Vec<Level> = self
            .frames
            .get(start..)
            .unwrap_or_default()
            .iter()
            .flat_map(|f| f.levels.clone())
            .collect();
        let levels = if around.levels.is_empty() {
            disc
        } else {
            around.levels
        };
        if !levels.is_empty() || self.before.paragraph != sentence.paragraph {
            self.before = Around {
                levels,
                paragraph: sentence.paragraph,
                nodes: around.nodes,
                side: around.side,
            };
        }
    }
}
