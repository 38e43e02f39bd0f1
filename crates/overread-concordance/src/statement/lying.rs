//! Here a sentence that only tells where something lies gives its place to what was found before.

use super::Builder;
use crate::exam::side_of;
use crate::hits::Marked;
use crate::lexicon::NodeId;
use crate::text::Token;

/// Words at the start of a sentence among which the one that points back stands.
const START_TOKENS: usize = 12;
/// Sentences back to what is meant, at most.
const BACK_SENTENCES: usize = 2;

impl Builder<'_> {
    /// "On sagittal reformats it lies in the superior segment of the right lower lobe and not in the upper lobe."
    pub(super) fn lies(&mut self, number: usize, tokens: &[Token], marked: &Marked<'_>) {
        let words = &self.lex.differences.lying;
        let pronoun = tokens.iter().take(START_TOKENS).any(|t| t.is("it"));
        let verb = tokens.iter().position(|t| words.contains(&t.norm));
        let Some(verb) = verb.filter(|_| pronoun && marked.findings.is_empty()) else {
            return;
        };
        let within = |at: usize| tokens.get(at).is_some_and(|t| t.is("in") || t.is("within"));
        let Some(from) = (verb..tokens.len()).find(|at| within(*at)) else {
            return;
        };
        let meant = |first: usize| {
            let denied = marked.states.get(first).is_some_and(|s| s.denied);
            first > from && !denied && !marked.is_contrast(first)
        };
        let named = |id: NodeId| self.lex.node(id).is_some_and(|n| !n.generic);
        let places: Vec<NodeId> = marked
            .nodes
            .iter()
            .filter(|n| meant(n.first) && named(n.id))
            .map(|n| n.id)
            .collect();
        if places.is_empty() {
            return;
        }
        let side = marked
            .cues
            .iter()
            .filter(|c| meant(c.first))
            .find_map(|c| side_of(c.cue.kind));
        let lex = self.lex;
        let recent = self.frames.iter_mut().rev().find(|f| {
            let id = f.finding().and_then(|id| lex.finding(id));
            f.present() && id.is_some_and(|f| !f.descriptor && !f.measure)
        });
        let Some(frame) = recent.filter(|f| f.sentence + BACK_SENTENCES >= number) else {
            return;
        };
        frame.nodes = places;
        frame.placed = true;
        frame.site_inferred = false;
        if side.is_some() {
            frame.side = side;
            frame.side_inferred = false;
        }
        let narrowed = &mut frame.clone();
        self.narrow_places(narrowed);
        if let Some(frame) = self
            .frames
            .iter_mut()
            .rev()
            .find(|f| f.spans == narrowed.spans)
        {
            frame.nodes.clone_from(&narrowed.nodes);
        }
    }
}
