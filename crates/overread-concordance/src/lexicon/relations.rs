//! Here is told what is a part, a kind or a name of what.

use super::{FindingId, Lexicon, NodeId};

impl Lexicon {
    /// Whether `node` is `whole` or a part of it.
    pub(crate) fn is_part(&self, node: NodeId, whole: NodeId) -> bool {
        let mut at = Some(node);
        let mut steps = 0;
        while let Some(id) = at {
            if id == whole {
                return true;
            }
            let Some(n) = self.nodes.get(id) else {
                return false;
            };
            if n.also
                .is_some_and(|a| a == whole || (steps < 6 && a != id && self.is_part(a, whole)))
            {
                return true;
            }
            at = n.parent;
            steps += 1;
            if steps > 24 {
                return false;
            }
        }
        false
    }

    /// Returns the nearest organ around a place.
    pub(crate) fn organ_of(&self, node: NodeId) -> Option<NodeId> {
        let mut at = Some(node);
        for _ in 0..24 {
            let id = at?;
            let n = self.nodes.get(id)?;
            if n.organ {
                return Some(id);
            }
            at = n.parent;
        }
        None
    }

    /// Whether a finding, or a wider one it is a kind of, calls for something at once.
    pub(crate) fn is_emergency(&self, id: FindingId) -> bool {
        let mut urgent = self.weighing.emergencies.iter();
        urgent.any(|known| self.is_kind(id, *known))
    }

    /// Whether finding `narrow` is `wide` or a kind of it.
    pub(crate) fn is_kind(&self, narrow: FindingId, wide: FindingId) -> bool {
        let mut at = Some(narrow);
        for _ in 0..12 {
            let Some(id) = at else { return false };
            if id == wide {
                return true;
            }
            let Some(f) = self.findings.get(id) else {
                return false;
            };
            if f.also == Some(wide) {
                return true;
            }
            at = f.isa;
        }
        false
    }

    /// Whether a general finding takes this name at some place.
    pub(crate) fn names(&self, general: FindingId, name: FindingId) -> bool {
        self.resolve
            .iter()
            .any(|(g, _, n)| *g == general && *n == name)
    }

    /// Returns the widest finding a finding belongs to.
    pub(crate) fn root(&self, id: FindingId) -> FindingId {
        let mut at = id;
        for _ in 0..12 {
            match self.findings.get(at).and_then(|f| f.isa) {
                Some(up) => at = up,
                None => break,
            }
        }
        at
    }

    /// Gives a general finding at these places its own name; the most exact place decides.
    pub(crate) fn resolved(&self, id: FindingId, places: &[NodeId]) -> FindingId {
        let fits = |place: NodeId| places.iter().any(|&p| self.is_part(p, place));
        self.resolve
            .iter()
            .enumerate()
            .filter(|(_, (general, place, _))| *general == id && fits(*place))
            .max_by_key(|(at, (_, place, _))| {
                let nodal = self
                    .nodes
                    .get(*place)
                    .is_some_and(|n| n.id.ends_with("nodes"));
                (nodal, self.depth(*place), std::cmp::Reverse(*at))
            })
            .map_or(id, |(_, (_, _, name))| *name)
    }

    fn depth(&self, node: NodeId) -> usize {
        let mut at = Some(node);
        let mut steps = 0;
        while let Some(parent) = at.and_then(|id| self.nodes.get(id)).and_then(|n| n.parent) {
            at = Some(parent);
            steps += 1;
            if steps > 24 {
                break;
            }
        }
        steps
    }
}
