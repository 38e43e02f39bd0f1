//! Here one statement of one report is held in comparable form.

use crate::advice::Advice;
use crate::lexicon::{FindingId, Lexicon, NodeId};
use crate::marks::{Level, Unit, level_name};
use crate::reading::Section;
use crate::spots::Spot;
use crate::weighing::Trend;

/// Side of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
    Both,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Both => "bilateral",
        }
    }

    /// Returns the other one of left and right.
    pub(crate) fn other(self) -> Option<Self> {
        match self {
            Self::Left => Some(Self::Right),
            Self::Right => Some(Self::Left),
            Self::Both => None,
        }
    }

    pub(crate) fn opposite(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Left, Self::Right) | (Self::Right, Self::Left)
        )
    }
}

/// What is normal when everything examined is.
pub(crate) const WHOLE: &str = "whole";

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A finding, stated or denied.
    Finding(FindingId),
    /// A structure is normal.
    Normal,
    /// A reporting category of this scheme.
    Category(String),
    /// A structure was measured, nothing was said of it.
    Measured,
    /// Advice.
    Advice,
    /// Something the lexicon has no name for, in its own words.
    Worded,
}

/// One statement.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) what: What,
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) levels: Vec<Level>,
    pub(crate) site_inferred: bool,
    pub(crate) side: Option<Side>,
    pub(crate) side_inferred: bool,
    pub(crate) sizes_mm: Vec<f64>,
    pub(crate) amount: Option<(f64, Unit)>,
    pub(crate) severity: Option<(u8, u8)>,
    pub(crate) grade: Option<u8>,
    pub(crate) certainty: u8,
    pub(crate) denied: bool,
    pub(crate) historical: bool,
    pub(crate) acute: Option<bool>,
    /// The denial only covers the significant, the definite, the large.
    pub(crate) qualified: bool,
    pub(crate) additional: bool,
    /// A word nobody knows stands before what is denied: "no retrobulbar hematoma". It denies nothing else.
    pub(crate) narrow: bool,
    pub(crate) many: bool,
    pub(crate) types: Vec<(String, String)>,
    pub(crate) value: String,
    pub(crate) attr: Option<String>,
    pub(crate) spans: Vec<(usize, usize)>,
    pub(crate) section: Section,
    pub(crate) sentence: usize,
    /// Frame this diagnosis or category speaks about.
    pub(crate) owner: Option<usize>,
    pub(crate) owner_same_sentence: bool,
    /// Given as the explanation of something: "consistent with ...".
    pub(crate) explains: bool,
    /// The place stands in the statement's own words.
    pub(crate) placed: bool,
    /// Only describes another finding of its sentence.
    pub(crate) descriptor: bool,
    /// Counted places: ribs, rays, the clock face.
    pub(crate) spots: Vec<Spot>,
    /// How many there are, when a number says so.
    pub(crate) count: Option<u8>,
    /// No number tells how many: 1 is many, 2 is more than can be counted.
    pub(crate) crowd: u8,
    /// How it changed since an earlier examination.
    pub(crate) trend: Option<Trend>,
    /// Words that make a lesion worrying stand beside it.
    pub(crate) worrying: bool,
    /// A tube or line that lies where it does harm.
    pub(crate) misplaced: bool,
    /// "On the opposite side", and nothing in this report tells opposite of which.
    pub(crate) opposite: bool,
    /// What the advice asks for.
    pub(crate) advice: Option<Advice>,
}

impl Frame {
    pub(crate) fn new(what: What, section: Section, sentence: usize) -> Self {
        Self {
            what,
            nodes: Vec::new(),
            levels: Vec::new(),
            site_inferred: false,
            side: None,
            side_inferred: false,
            sizes_mm: Vec::new(),
            amount: None,
            severity: None,
            grade: None,
            certainty: 5,
            denied: false,
            historical: false,
            acute: None,
            qualified: false,
            additional: false,
            narrow: false,
            many: false,
            types: Vec::new(),
            value: String::new(),
            attr: None,
            spans: Vec::new(),
            section,
            sentence,
            owner: None,
            owner_same_sentence: false,
            explains: false,
            placed: false,
            descriptor: false,
            spots: Vec::new(),
            count: None,
            crowd: 0,
            trend: None,
            worrying: false,
            misplaced: false,
            opposite: false,
            advice: None,
        }
    }

    pub(crate) fn finding(&self) -> Option<FindingId> {
        match self.what {
            What::Finding(id) => Some(id),
            _ => None,
        }
    }

    /// Whether the statement says that something is there.
    pub(crate) fn present(&self) -> bool {
        matches!(self.what, What::Finding(_)) && !self.denied
    }

    pub(crate) fn size(&self) -> Option<f64> {
        self.sizes_mm.iter().copied().reduce(f64::max)
    }

    pub(crate) fn type_of(&self, key: &str) -> Option<&str> {
        self.types
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }

    /// Names the place in short words.
    pub(crate) fn site_name(&self, lex: &Lexicon) -> Option<String> {
        let mut words: Vec<String> = Vec::new();
        for level in &self.levels {
            words.push(level_name(*level));
        }
        if !words.is_empty() && self.spots.is_empty() {
            let place = self
                .nodes
                .iter()
                .filter_map(|n| lex.node(*n))
                .find(|n| n.id == "nerve_root");
            let joined = words.join("; ");
            return Some(if place.is_some() {
                format!("{joined} root")
            } else {
                joined
            });
        }
        for node in self.nodes.iter().filter_map(|n| lex.node(*n)) {
            let name = lex.weighing.words_of(&node.id);
            if !words.contains(&name) {
                words.push(name);
            }
        }
        words.truncate(3);
        let counted: Vec<String> = self.spots.iter().take(6).map(|s| s.name()).collect();
        let named = (!words.is_empty()).then(|| words.join(", "));
        match (named, counted.is_empty()) {
            (named, true) => named,
            (Some(named), _) => Some(format!("{named} ({})", counted.join(", "))),
            (None, _) => Some(counted.join(", ")),
        }
    }

    /// Names what the statement is about in snake case.
    pub(crate) fn name(&self, lex: &Lexicon) -> String {
        let place = || {
            let specific = self
                .nodes
                .iter()
                .find(|n| lex.node(**n).is_some_and(|n| !n.generic));
            specific
                .or_else(|| self.nodes.first())
                .and_then(|n| lex.node(*n))
                .map_or_else(
                    || {
                        self.levels
                            .first()
                            .map_or("examination".to_string(), |l| level_name(*l))
                    },
                    |n| n.id.clone(),
                )
        };
        match &self.what {
            What::Finding(id) => {
                let f = lex.finding(*id);
                let base = f.map_or("finding", |f| f.id.as_str());
                let general = f.is_some_and(|f| f.site.is_none());
                let name = if general && !self.nodes.is_empty() && self.levels.is_empty() {
                    format!("{}_{base}", place())
                } else {
                    base.to_string()
                };
                if self.denied {
                    format!("{name}_absent")
                } else {
                    name
                }
            }
            What::Normal if self.attr.as_deref() == Some(WHOLE) => "examination_normal".to_string(),
            What::Normal => format!("{}_normal", place()),
            What::Category(_) => "assessment_category".to_string(),
            What::Measured => format!("{}_size", place()),
            What::Advice => "recommendation".to_string(),
            What::Worded => self.value.clone(),
        }
    }
}
