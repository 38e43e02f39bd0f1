//! Here a sentence is marked: findings, places, levels, sizes, cues, and what is set aside.

use crate::answers::{self, Answer, Answered, Asked};
use crate::exam::Exam;
use crate::lexicon::{CueKind, FindingId, Hit, Lexicon, NodeId};
use crate::marks::{self, AmountAt, LevelAt, RadsAt, SizeAt};
use crate::scope::{self, CueAt, State};
use crate::text::{Kind, Token};

/// A finding word in a sentence: token range (inclusive).
#[derive(Debug, Clone, Copy)]
pub(crate) struct FindingAt {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) id: FindingId,
}

/// A place word in a sentence: token range (inclusive).
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeAt {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) id: NodeId,
}

/// Everything marked in one sentence.
#[derive(Debug)]
pub(crate) struct Marked<'a> {
    pub(crate) findings: Vec<FindingAt>,
    pub(crate) nodes: Vec<NodeAt>,
    pub(crate) cues: Vec<CueAt<'a>>,
    pub(crate) levels: Vec<LevelAt>,
    pub(crate) sizes: Vec<SizeAt>,
    pub(crate) amounts: Vec<AmountAt>,
    pub(crate) grades: Vec<(usize, usize, u8)>,
    pub(crate) rads: Vec<RadsAt>,
    pub(crate) states: Vec<State>,
    /// Questions of a template and their answers.
    pub(crate) answered: Vec<Answered>,
    /// Words of a contrast: "not L3-4", "rather than on the left".
    pub(crate) contrast: Vec<bool>,
}

impl Marked<'_> {
    pub(crate) fn cue_in(&self, kind: CueKind, from: usize, to: usize) -> Option<&CueAt<'_>> {
        self.cues.iter().find(|c| {
            c.cue.kind == kind && c.first >= from && c.last < to && !self.is_contrast(c.first)
        })
    }

    pub(crate) fn has(&self, kind: CueKind) -> bool {
        self.cues.iter().any(|c| c.cue.kind == kind)
    }

    pub(crate) fn is_contrast(&self, at: usize) -> bool {
        self.contrast.get(at).copied().unwrap_or(false)
    }
}

/// Marks a sentence.
pub(crate) fn mark<'a>(lex: &'a Lexicon, exam: &Exam, tokens: &[Token]) -> Marked<'a> {
    let finding_hits = lex.finding_terms.find_across_sides(tokens);
    let mut findings: Vec<FindingAt> = finding_hits
        .iter()
        .filter_map(|h| finding(lex, exam, tokens, h))
        .collect();
    let node_hits = lex.node_terms.find(tokens);
    let nodes: Vec<NodeAt> = node_hits
        .iter()
        .filter_map(|h| node(lex, exam, tokens, h))
        .collect();
    let cue_hits = lex.cue_terms.find(tokens);
    let mut cues = scope::cues(&cue_hits, lex);
    findings.retain(|f| {
        let within = |n: &NodeAt| {
            n.first <= f.first && f.last <= n.last && n.last - n.first > f.last - f.first
        };
        !nodes.iter().any(within)
    });
    for cue in cues.iter_mut().filter(|c| c.cue.kind == CueKind::Neg) {
        // "no suspicious" before "suspicious lesion": the denial ends where the finding begins.
        if let Some(f) = findings
            .iter()
            .find(|f| cue.first < f.first && f.first <= cue.last)
        {
            cue.last = f.first.saturating_sub(1);
        }
    }
    cues.retain(|c| keep_cue(tokens, c, &findings, &nodes));
    findings.retain(|f| {
        !cues
            .iter()
            .any(|c| c.cue.kind == CueKind::Normal && c.first <= f.first && c.last >= f.last)
    });
    let answered = answers::read(&Asked {
        lex,
        tokens,
        findings: &findings,
        cues: &cues,
    });
    cues.retain(|c| {
        let own = |a: &Answered| a.words.0 <= c.first && c.last < a.words.1;
        !answered.iter().any(own)
    });
    let rads = marks::rads(tokens, &cues);
    let levels = levels(lex, tokens, &rads);
    let sizes = marks::sizes(tokens, &cues);
    let amounts = marks::amounts(tokens);
    let grades = marks::grades(tokens, &cues);
    let states = scope::states(tokens, &cues);
    let mut marked = Marked {
        findings,
        nodes,
        cues,
        levels,
        sizes,
        amounts,
        grades,
        rads,
        states,
        answered,
        contrast: vec![false; tokens.len()],
    };
    presupposed(lex, tokens, &mut marked);
    contrast(tokens, &mut marked);
    answer(&mut marked);
    marked
}

/// Finds levels of the spine; the "T2" of a stage is none.
fn levels(lex: &Lexicon, tokens: &[Token], rads: &[RadsAt]) -> Vec<LevelAt> {
    let stage = |l: &LevelAt| {
        let mut stages = rads.iter().filter(|r| r.scheme == marks::TNM);
        let single = || marks::stage_at(&lex.discerning.staging, tokens, l.first).is_some();
        stages.any(|r| r.first <= l.first && l.last <= r.last) || l.first == l.last && single()
    };
    let mut levels = marks::levels(tokens);
    levels.retain(|l| !stage(l));
    levels
}

/// What a template asks for is there, or is not, as the answer says.
fn answer(marked: &mut Marked<'_>) {
    for a in &marked.answered {
        let (from, to) = a.question;
        if a.answer == Answer::Told {
            continue;
        }
        for state in marked.states.iter_mut().take(to).skip(from) {
            match a.answer {
                Answer::Yes | Answer::Count(_) => state.denied = false,
                Answer::No | Answer::Unticked => (state.denied, state.certainty) = (true, 5),
                Answer::Doubt(certainty) => (state.denied, state.certainty) = (false, certainty),
                Answer::Open | Answer::Mixed | Answer::Told => {}
            }
            state.hypothetical = matches!(a.answer, Answer::Open | Answer::Mixed);
        }
    }
}

fn finding(lex: &Lexicon, exam: &Exam, tokens: &[Token], hit: &Hit) -> Option<FindingAt> {
    let words = crate::lexicon::joined(tokens.get(hit.first..=hit.last).unwrap_or_default());
    if !lex.finding_word_fits(&words, &exam.region) {
        return None;
    }
    let near = |id: &&usize| {
        let site = lex.finding(**id).and_then(|f| f.site);
        site.is_some_and(|s| exam.region.iter().any(|r| lex.is_part(s, *r)))
    };
    let id = *hit.ids.iter().find(near).or_else(|| hit.ids.first())?;
    Some(FindingAt {
        first: hit.first,
        last: hit.last,
        id,
    })
}

fn node(lex: &Lexicon, exam: &Exam, tokens: &[Token], hit: &Hit) -> Option<NodeAt> {
    let word = tokens.get(hit.first)?;
    if hit.first == hit.last && !lex.node_word_fits(&word.norm, &exam.region) {
        return None;
    }
    let near = |id: &&usize| {
        exam.region
            .iter()
            .any(|r| lex.is_part(**id, *r) || lex.is_part(*r, **id))
    };
    let id = *hit.ids.iter().find(near).or_else(|| hit.ids.first())?;
    let id = if exam.fetal { lex.fetal_place(id) } else { id };
    Some(NodeAt {
        first: hit.first,
        last: hit.last,
        id,
    })
}

fn keep_cue(tokens: &[Token], cue: &CueAt<'_>, findings: &[FindingAt], nodes: &[NodeAt]) -> bool {
    let inside_finding = findings
        .iter()
        .any(|f| f.first <= cue.last && cue.first <= f.last);
    let covers_finding = findings
        .iter()
        .any(|f| cue.first <= f.first && cue.last >= f.last);
    if inside_finding
        && !(covers_finding && cue.cue.kind == CueKind::Normal)
        && !cue.cue.kind.works_inside_a_finding()
    {
        return false;
    }
    let letter = cue.first == cue.last && tokens.get(cue.first).is_some_and(|t| t.norm.len() == 1);
    let in_node = nodes
        .iter()
        .any(|n| n.first <= cue.first && cue.last <= n.last && n.first != n.last);
    if letter {
        let next = tokens.get(cue.first + 1);
        let part_of_name = next.is_some_and(|t| matches!(t.kind, Kind::Hyphen | Kind::Number));
        return tokens.get(cue.first).is_some_and(|t| t.upper) && !in_node && !part_of_name;
    }
    true
}

/// "No rupture of the aneurysm" denies the rupture alone: the aneurysm is neither stated nor denied by it.
fn presupposed(lex: &Lexicon, tokens: &[Token], marked: &mut Marked<'_>) {
    let known = &lex.presupposed;
    let mut ranges = Vec::new();
    for cue in marked.cues.iter().filter(|c| c.cue.kind == CueKind::Neg) {
        let words = |at: usize| tokens.get(at).map_or("", |t| t.norm.as_str());
        let link = (cue.last + 2..tokens.len().min(cue.last + 9))
            .find(|at| known.link.contains(words(*at)) && known.definite.contains(words(at + 1)));
        let Some(link) = link else { continue };
        let between = tokens.get(cue.last + 1..link).unwrap_or_default();
        let plain = between
            .iter()
            .all(|t| t.is_word() && !known.gone.contains(&t.norm) || t.kind == Kind::Hyphen);
        let meant = marked
            .findings
            .iter()
            .find(|f| f.first > link && f.first - link <= 7)
            .filter(|f| {
                let gap = tokens.get(link + 1..f.first).unwrap_or_default();
                gap.iter()
                    .all(|t| t.is_word() && !t.is("or") && !t.is("and"))
            });
        if let (true, Some(meant)) = (plain, meant) {
            ranges.push((link, meant.last));
        }
    }
    for (from, to) in ranges {
        for state in marked.states.iter_mut().take(to + 1).skip(from) {
            state.hypothetical |= state.denied;
            state.denied = false;
        }
    }
}

fn contrast(tokens: &[Token], marked: &mut Marked<'_>) {
    let mut ranges = Vec::new();
    for cue in &marked.cues {
        let words: Vec<&str> = tokens
            .get(cue.first..=cue.last)
            .unwrap_or_default()
            .iter()
            .map(|t| t.norm.as_str())
            .collect();
        let phrase = words.join(" ");
        let before = cue.first.checked_sub(1).and_then(|i| tokens.get(i));
        let fenced = before.is_some_and(|t| {
            matches!(t.kind, Kind::Comma | Kind::Open) || t.is("and") || t.is("but")
        });
        let end = stop_of_contrast(tokens, cue.last + 1);
        let has_finding = marked
            .findings
            .iter()
            .any(|f| f.first > cue.last && f.last < end);
        let has_place = marked
            .levels
            .iter()
            .any(|l| l.first > cue.last && l.last < end)
            || marked
                .nodes
                .iter()
                .any(|n| n.first > cue.last && n.last < end)
            || marked.cues.iter().any(|c| {
                c.first > cue.last
                    && c.last < end
                    && matches!(c.cue.kind, CueKind::Left | CueKind::Right)
            });
        let verb = tokens
            .get(cue.last + 1..end)
            .unwrap_or_default()
            .iter()
            .any(|t| {
                matches!(
                    t.norm.as_str(),
                    "is" | "are" | "seen" | "identified" | "enlarged" | "dilated"
                )
            });
        let than = tokens.get(cue.first).is_some_and(|t| t.is("than"));
        if phrase == "rather than"
            || than
            || (phrase == "not" && fenced && !has_finding && has_place && !verb)
        {
            ranges.push((cue.first, end));
        }
    }
    for (at, token) in tokens.iter().enumerate() {
        let over = token.is("over")
            || token.is("than")
            || (token.is("instead") && tokens.get(at + 1).is_some_and(|t| t.is("of")));
        if over
            && marked
                .cues
                .iter()
                .any(|c| c.cue.kind == CueKind::Likely && c.first < at)
        {
            ranges.push((at, stop_of_contrast(tokens, at + 1)));
        }
    }
    for (from, to) in ranges {
        for i in from..to {
            if let Some(flag) = marked.contrast.get_mut(i) {
                *flag = true;
            }
        }
    }
}

fn stop_of_contrast(tokens: &[Token], from: usize) -> usize {
    let mut at = from;
    while let Some(t) = tokens.get(at) {
        if matches!(
            t.kind,
            Kind::Comma | Kind::Close | Kind::Period | Kind::Colon
        ) || t.is("and") && at > from
            || t.is("which")
        {
            break;
        }
        at += 1;
    }
    at
}
