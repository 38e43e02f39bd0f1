//! Here the exam is known: which region, which side, which modality.

use crate::frame::Side;
use crate::lexicon::{CueKind, Lexicon, NodeId, joined};
use crate::scope;
use crate::text::{self, Kind, Text, Token};

/// What both reports are about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exam {
    pub(crate) region: Vec<NodeId>,
    pub(crate) side: Option<Side>,
    /// Kinds of examination named; several when images of both kinds were made.
    pub(crate) modalities: Vec<String>,
    pub(crate) fetal: bool,
    /// One of the texts tells that the patient is an infant.
    pub(crate) infant: bool,
}

/// Steps from a place up to the region it is part of, at most.
const PARENTS_MAX: usize = 16;
/// Words of a report's start in which a title may stand.
const TITLE_TOKENS: usize = 24;
/// Reads the name of the exam.
pub(crate) fn of_name(lex: &Lexicon, name: &str) -> Exam {
    let mut text = text::read(name, 2_000, &lex.spelling);
    lex.spanish.translate_name(lex, &mut text);
    of_tokens(lex, &text.tokens)
}

/// Reads the title at the start of a report.
pub(crate) fn of_report(lex: &Lexicon, text: &Text) -> Exam {
    let end = text.tokens.len().min(TITLE_TOKENS);
    let head = text.tokens.get(..end).unwrap_or_default();
    // "MRI is recommended" names another examination than the one reported.
    let told: Vec<Token> = of_this_exam(lex, head)
        .into_iter()
        .filter(|line| {
            let hits = lex.cue_terms.find(line);
            !scope::cues(&hits, lex)
                .iter()
                .any(|c| c.cue.kind == CueKind::Recommend)
        })
        .flatten()
        .cloned()
        .collect();
    let mut exam = of_tokens(lex, &told);
    // A long head of names and numbers stands before the title.
    if exam.side.is_none() {
        exam.side = of_tokens(lex, title(lex, text)).side;
    }
    exam
}

/// Returns the side a report gives what it tells without one: as it is titled, else as its body calls the region;
/// `Err` when the body names both.
pub(crate) fn side_told(
    lex: &Lexicon,
    titled: Option<Side>,
    text: &Text,
    region: &[NodeId],
) -> Result<Option<Side>, BothSides> {
    if titled.is_some() {
        return Ok(titled);
    }
    match sides_named(lex, text, region).as_slice() {
        [] => Ok(None),
        [side] => Ok(Some(*side)),
        _ => Err(BothSides),
    }
}

/// A body that names the left and the right: what it tells without a side may lie on either.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BothSides;

/// Says whether a place is the region or a part of it.
fn is_part_of(lex: &Lexicon, place: NodeId, region: &[NodeId]) -> bool {
    let up = |id: &NodeId| lex.node(*id).and_then(|node| node.parent);
    std::iter::successors(Some(place), up)
        .take(PARENTS_MAX)
        .any(|id| region.contains(&id))
}

/// Lists the sides on which a report names the region or a part of it, what it tells of earlier examinations left out.
fn sides_named(lex: &Lexicon, text: &Text, region: &[NodeId]) -> Vec<Side> {
    let mut named = Vec::new();
    for line in of_this_exam(lex, &text.tokens) {
        let cue_hits = lex.cue_terms.find(line);
        let cues = scope::cues(&cue_hits, lex);
        if cues.iter().any(|c| c.cue.kind == CueKind::Prior) {
            continue;
        }
        let parts = lex.node_terms.find(line);
        let parts = parts
            .iter()
            .filter(|hit| hit.ids.iter().any(|id| is_part_of(lex, *id, region)));
        let regions = lex.region_terms.find(line);
        let regions = regions
            .iter()
            .filter(|hit| hit.ids.iter().any(|id| region.contains(id)));
        for hit in regions.chain(parts) {
            let side = beside(&cues, hit.first, hit.last);
            named.extend(side.filter(|side| !named.contains(side)));
        }
    }
    named
}

/// Cuts a text into lines and sentences, and leaves out those below "Comparison:", which name earlier examinations.
fn of_this_exam<'a>(lex: &Lexicon, tokens: &'a [Token]) -> Vec<&'a [Token]> {
    let ends = |t: &Token| matches!(t.kind, Kind::Newline | Kind::Period | Kind::Semicolon);
    let mut is_earlier = false;
    let mut lines: Vec<&[Token]> = tokens.split_inclusive(ends).collect();
    lines.retain(|line| {
        let words = line.split(|t| t.kind == Kind::Colon || ends(t)).next();
        if let Some(name) = words.and_then(|words| lex.sections.get(&joined(words))) {
            is_earlier = name == "comparison";
        }
        !is_earlier
    });
    lines
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
            let paired = lex.differences.paired_regions.contains(&id);
            if paired && exam.side.is_none() {
                exam.side = beside(&cues, hit.first, hit.last);
            }
            exam.fetal |= lex.node(id).is_some_and(|n| n.id == "fetus");
        }
    }
    let other_word = |at: usize| {
        let is = |at: usize, word: &str| tokens.get(at).is_some_and(|t| t.is(word));
        let small = tokens.get(at).is_some_and(|t| !t.capitals);
        // "Mr. Smith" is no magnetic resonance, and "thank you for sending us" no ultrasound.
        let mister = is(at, "mr") && (small || is(at + 1, "."));
        mister || is(at, "us") && small
    };
    let named = |c: &&scope::CueAt<'_>| c.cue.kind == CueKind::Modality && !other_word(c.first);
    for cue in cues.iter().filter(named) {
        if !exam.modalities.contains(&cue.cue.value) {
            exam.modalities.push(cue.cue.value.clone());
        }
    }
    exam
}

fn beside(cues: &[scope::CueAt<'_>], first: usize, last: usize) -> Option<Side> {
    cues.iter()
        .filter(|c| {
            (c.last < first && first - c.last <= 2) || (c.first > last && c.first - last <= 2)
        })
        .find_map(|c| side_of(c.cue.kind))
}

/// Reads the name of an exam as tokens.
pub(crate) fn name_tokens(lex: &Lexicon, name: &str) -> Vec<Token> {
    text::read(name, 2_000, &lex.spelling).tokens
}

/// Whether the name of the exam or one of the texts tells that the patient is an infant.
pub(crate) fn infant(lex: &Lexicon, name: &str, texts: [&Text; 2]) -> bool {
    lex.weighing.is_infant(&name_tokens(lex, name))
        || texts
            .iter()
            .any(|text| lex.weighing.is_infant(&text.tokens))
}

/// Returns the title of a report: its first line or sentence that names a kind of examination and states nothing.
pub(crate) fn title<'a>(lex: &Lexicon, text: &'a Text) -> &'a [Token] {
    let all = text
        .tokens
        .get(..text.tokens.len().min(3 * TITLE_TOKENS))
        .unwrap_or_default();
    of_this_exam(lex, all)
        .into_iter()
        .find(|line| {
            let hits = lex.cue_terms.find(line);
            let cues = scope::cues(&hits, lex);
            let names = cues.iter().any(|c| c.cue.kind == CueKind::Modality);
            let states = cues.iter().any(|c| {
                matches!(
                    c.cue.kind,
                    CueKind::Normal | CueKind::Neg | CueKind::Recommend
                )
            });
            names
                && !states
                && line.len() <= TITLE_TOKENS
                && lex.finding_terms.find(line).is_empty()
        })
        .unwrap_or_default()
}

/// Returns the paired organ a title names with one side.
pub(crate) fn organ_side(lex: &Lexicon, tokens: &[Token]) -> Option<(NodeId, Side)> {
    let hits = lex.cue_terms.find(tokens);
    let cues = scope::cues(&hits, lex);
    let mut sides = cues.iter().filter_map(|c| side_of(c.cue.kind));
    let side = sides.next()?;
    if side == Side::Both || sides.any(|other| other != side) {
        return None;
    }
    let paired = |id: &usize| {
        let organ = lex.organ_of(*id)?;
        let two = lex.differences.paired_organs.contains(&organ);
        two.then_some(organ)
    };
    let mammogram = || {
        let named = cues.iter().any(|c| c.cue.value == "MG");
        lex.node_named("breast").filter(|_| named)
    };
    let organ = lex
        .node_terms
        .find(tokens)
        .iter()
        .flat_map(|hit| hit.ids.iter())
        .find_map(paired)
        .or_else(mammogram)?;
    Some((organ, side))
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
    let two = &lex.differences.paired_regions;
    region.iter().any(|r| two.contains(r))
}
