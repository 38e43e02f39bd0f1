//! Here the exam is known: which region, which side, which modality.

use crate::frame::Side;
use crate::lexicon::{CueKind, Lexicon, NodeId};
use crate::scope;
use crate::text::{self, Text, Token};

/// What both reports are about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exam {
    pub(crate) region: Vec<NodeId>,
    pub(crate) side: Option<Side>,
    pub(crate) modality: Option<String>,
    pub(crate) fetal: bool,
}

/// Words of a report's start in which a title may stand.
const TITLE_TOKENS: usize = 24;
/// Regions of which the body has two.
const PAIRED: [&str; 12] = [
    "knee",
    "shoulder",
    "hip",
    "ankle",
    "foot",
    "elbow",
    "wrist",
    "hand",
    "femur",
    "tibia",
    "humerus",
    "leg_veins",
];

/// Reads the name of the exam.
pub(crate) fn of_name(lex: &Lexicon, name: &str) -> Exam {
    let text = text::read(name, 2_000, &lex.spelling);
    of_tokens(lex, &text.tokens)
}

/// Reads the title at the start of a report.
pub(crate) fn of_report(lex: &Lexicon, text: &Text) -> Exam {
    let end = text.tokens.len().min(TITLE_TOKENS);
    of_tokens(lex, text.tokens.get(..end).unwrap_or_default())
}

fn of_tokens(lex: &Lexicon, tokens: &[Token]) -> Exam {
    let mut exam = Exam::default();
    let hits = lex.region_terms.find(tokens);
    let cue_hits = lex.cue_terms.find(tokens);
    let cues = scope::cues(&cue_hits, lex);
    for hit in &hits {
        for &id in &hit.ids {
            if !exam.region.contains(&id) {
                exam.region.push(id);
            }
            let paired = lex
                .node(id)
                .is_some_and(|n| PAIRED.contains(&n.id.as_str()));
            if paired && exam.side.is_none() {
                exam.side = beside(&cues, hit.first, hit.last);
            }
            exam.fetal |= lex.node(id).is_some_and(|n| n.id == "fetus");
        }
    }
    exam.modality = cues
        .iter()
        .find(|c| c.cue.kind == CueKind::Modality)
        .map(|c| c.cue.value.clone());
    exam
}

fn beside(cues: &[scope::CueAt<'_>], first: usize, last: usize) -> Option<Side> {
    cues.iter()
        .filter(|c| {
            (c.last < first && first - c.last <= 2) || (c.first > last && c.first - last <= 2)
        })
        .find_map(|c| side_of(c.cue.kind))
}

/// Returns the side a cue names.
pub(crate) fn side_of(kind: CueKind) -> Option<Side> {
    match kind {
        CueKind::Left => Some(Side::Left),
        CueKind::Right => Some(Side::Right),
        CueKind::Both => Some(Side::Both),
        _ => None,
    }
}

/// Whether a region has a left and a right one.
pub(crate) fn paired(lex: &Lexicon, region: &[NodeId]) -> bool {
    region.iter().any(|r| {
        lex.node(*r)
            .is_some_and(|n| PAIRED.contains(&n.id.as_str()))
    })
}
