//! Here the marked words of a sentence become mentions, each with its own stretch of the sentence.

use crate::hits::{Marked, NodeAt};
use crate::lexicon::{CueKind, FindingId, Lexicon};
use crate::text::{Kind, Token};

/// What a mention is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Core {
    Finding(FindingId),
    Normal,
    Category(String, String),
    Measured,
}

/// A mention: its own words (inclusive) and its stretch of the sentence (end exclusive).
#[derive(Debug, Clone)]
pub(crate) struct Mention {
    pub(crate) core: Core,
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Findings that, right before another finding, only describe it.
const ADJECTIVES: [&str; 17] = [
    "enlargement",
    "dilatation",
    "thickening",
    "degeneration",
    "calcification",
    "cyst",
    "hemorrhage",
    "stenosis",
    "inflammation",
    "atherosclerosis",
    "sclerosis",
    "abnormal_signal",
    "enhancement",
    "spine_degenerative_change",
    "edema",
    "malignancy",
    "fluid",
];

/// Lists the mentions of a sentence from left to right, each with its stretch.
pub(crate) fn mentions(lex: &Lexicon, tokens: &[Token], marked: &Marked<'_>) -> Vec<Mention> {
    let mut list = Vec::new();
    for f in &marked.findings {
        list.push(Mention {
            core: Core::Finding(f.id),
            first: f.first,
            last: f.last,
            from: 0,
            to: 0,
        });
    }
    for cue in marked.cues.iter().filter(|c| c.cue.kind == CueKind::Normal) {
        let taken = list
            .iter()
            .any(|m| m.first <= cue.last && cue.first <= m.last);
        if !taken {
            list.push(Mention {
                core: Core::Normal,
                first: cue.first,
                last: cue.last,
                from: 0,
                to: 0,
            });
        }
    }
    for r in &marked.rads {
        list.retain(|m| m.last < r.first || m.first > r.last);
        list.push(Mention {
            core: Core::Category(r.scheme.clone(), r.value.clone()),
            first: r.first,
            last: r.last,
            from: 0,
            to: 0,
        });
    }
    list.sort_by_key(|m| m.first);
    drop_unfit(lex, tokens, marked, &mut list);
    shared_heads(lex, tokens, marked, &mut list);
    plain_places(lex, tokens, marked, &mut list);
    list.sort_by_key(|m| m.first);
    stretch(tokens, marked, &mut list);
    list
}

/// "Pleural or pericardial effusion" is two findings.
fn shared_heads(lex: &Lexicon, tokens: &[Token], marked: &Marked<'_>, list: &mut Vec<Mention>) {
    let mut added = Vec::new();
    for f in marked
        .findings
        .iter()
        .filter(|f| f.last > f.first && f.first >= 2)
    {
        let joined = tokens
            .get(f.first - 1)
            .is_some_and(|t| t.is("or") || t.is("and") || t.kind == Kind::Slash);
        let node = marked.nodes.iter().find(|n| {
            n.last + 2 == f.first && !list.iter().any(|m| m.first <= n.last && n.first <= m.last)
        });
        let head = tokens.get(f.last..=f.last).and_then(|t| {
            lex.finding_terms
                .find(t)
                .first()
                .and_then(|h| h.ids.first().copied())
        });
        if let (true, Some(node), Some(head)) = (joined, node, head) {
            added.push(Mention {
                core: Core::Finding(head),
                first: node.first,
                last: node.last,
                from: 0,
                to: 0,
            });
        }
    }
    list.extend(added);
    list.sort_by_key(|m| m.first);
}

/// Adds places that are only measured ("CBD 7 mm") or only located ("conus at L1").
fn plain_places(lex: &Lexicon, tokens: &[Token], marked: &Marked<'_>, list: &mut Vec<Mention>) {
    for node in &marked.nodes {
        let taken = list
            .iter()
            .any(|m| m.first <= node.last && node.first <= m.last);
        let found = if taken {
            None
        } else {
            measured_place(lex, tokens, marked, list, node)
                .or_else(|| located_conus(lex, marked, list, node))
        };
        list.extend(found);
    }
    let Some(age) = lex.finding_named("gestational_age") else {
        return;
    };
    for amount in marked
        .amounts
        .iter()
        .filter(|a| a.unit == crate::marks::Unit::Days)
    {
        let known = list.iter().any(|m| m.core == Core::Finding(age));
        let inside = list
            .iter()
            .any(|m| m.first <= amount.last && amount.first <= m.last);
        if !known && !inside {
            list.push(Mention {
                core: Core::Finding(age),
                first: amount.first,
                last: amount.last,
                from: 0,
                to: 0,
            });
        }
    }
}

/// A place followed by a size with no finding in the same part of the sentence.
fn measured_place(
    lex: &Lexicon,
    tokens: &[Token],
    marked: &Marked<'_>,
    list: &[Mention],
    node: &NodeAt,
) -> Option<Mention> {
    let reach = |from: usize| {
        let nearer = marked
            .nodes
            .iter()
            .any(|n| n.first > node.last && n.last < from);
        let taken = list.iter().any(|m| m.first <= from && node.first <= m.last);
        let gap = tokens.get(node.last + 1..from).unwrap_or_default();
        let plain = |t: &Token| {
            t.is_word() && !matches!(t.norm.as_str(), "and" | "with" | "or" | "from")
                || matches!(t.kind, Kind::Colon | Kind::Open | Kind::Hyphen)
        };
        !nearer && !taken && gap.len() <= 5 && gap.iter().all(plain)
    };
    let border = |t: &Token| {
        matches!(t.kind, Kind::Comma | Kind::Open | Kind::Close)
            || matches!(t.norm.as_str(), "with" | "without" | "and" | "containing")
    };
    let alone = |last: usize| {
        let from = tokens
            .iter()
            .take(node.first)
            .rposition(border)
            .map_or(0, |i| i + 1);
        let to = tokens
            .iter()
            .skip(last)
            .position(border)
            .map_or(tokens.len(), |i| last + i);
        !list
            .iter()
            .any(|m| m.core != Core::Normal && m.first >= from && m.last < to)
    };
    let size = marked
        .sizes
        .iter()
        .find(|s| s.first > node.last && !s.aside && reach(s.first) && alone(s.last));
    let amount = marked
        .amounts
        .iter()
        .find(|a| a.unit != crate::marks::Unit::Percent && a.first > node.last && reach(a.first));
    let last = size.map(|s| s.last).or_else(|| amount.map(|a| a.last))?;
    let nodal = lex.node(node.id).is_some_and(|n| n.id.ends_with("nodes"));
    let core = lex
        .finding_named("lymphadenopathy")
        .filter(|_| nodal)
        .or_else(|| said_again(tokens, list, node))
        .map_or(Core::Measured, Core::Finding);
    Some(Mention {
        core,
        first: node.first,
        last,
        from: 0,
        to: 0,
    })
}

/// "A stone in the left ureter of 5 mm and in the right ureter of 9 mm" names two stones.
fn said_again(tokens: &[Token], list: &[Mention], node: &NodeAt) -> Option<FindingId> {
    let small = |t: &&Token| !["the", "left", "right"].iter().any(|w| t.is(w));
    let mut before = tokens.get(..node.first)?.iter().rev().filter(small);
    let within = before.next().is_some_and(|t| t.is("in") || t.is("at"));
    let joined = before
        .next()
        .is_some_and(|t| t.is("and") || t.kind == Kind::Comma);
    let named = list.iter().rev().find(|m| m.last < node.first)?;
    match named.core {
        Core::Finding(id) if within && joined => Some(id),
        _ => None,
    }
}

/// "Conus at L1" says that it ends where it should.
fn located_conus(
    lex: &Lexicon,
    marked: &Marked<'_>,
    list: &[Mention],
    node: &NodeAt,
) -> Option<Mention> {
    let level = marked
        .levels
        .iter()
        .find(|l| l.first > node.last && l.first - node.last <= 4)?;
    let conus = lex.node_named("conus") == Some(node.id);
    let clean = !list
        .iter()
        .any(|m| m.first >= node.first && m.first <= level.last + 4);
    (conus && clean).then_some(Mention {
        core: Core::Normal,
        first: node.first,
        last: level.last,
        from: 0,
        to: 0,
    })
}

fn drop_unfit(lex: &Lexicon, tokens: &[Token], marked: &Marked<'_>, list: &mut Vec<Mention>) {
    let adjectives: Vec<FindingId> = ADJECTIVES
        .iter()
        .filter_map(|a| lex.finding_named(a))
        .collect();
    let mut keep = vec![true; list.len()];
    for (i, m) in list.iter().enumerate() {
        let Core::Finding(id) = m.core else { continue };
        let Some(f) = lex.finding(id) else { continue };
        let place_near = |m: &Mention| {
            marked.nodes.iter().any(|n| {
                let close = n.first.abs_diff(m.last) <= 9 || m.first.abs_diff(n.last) <= 9;
                close && f.needs.iter().any(|w| lex.is_part(n.id, *w))
            })
        };
        let mut fits = f.needs.is_empty() || place_near(m);
        if let Some(next) = list.get(i + 1) {
            let gap = tokens.get(m.last + 1..next.first).unwrap_or_default();
            let adjoining =
                gap.iter().all(|t| t.kind == Kind::Hyphen) && matches!(next.core, Core::Finding(_));
            let close = gap.len() <= 2
                && gap.iter().all(Token::is_word)
                && !gap.iter().any(|t| {
                    matches!(
                        t.norm.as_str(),
                        "and"
                            | "or"
                            | "with"
                            | "of"
                            | "in"
                            | "at"
                            | "without"
                            | "is"
                            | "are"
                            | "vs"
                            | "than"
                            | "for"
                            | "from"
                            | "to"
                            | "by"
                            | "on"
                            | "but"
                            | "causing"
                            | "due"
                    )
                });
            if (adjoining || close)
                && adjectives.contains(&id)
                && matches!(next.core, Core::Finding(_))
            {
                fits = false;
            }
        }
        if let Some(flag) = keep.get_mut(i) {
            *flag = fits;
        }
    }
    let mut at = 0;
    list.retain(|_| {
        at += 1;
        keep.get(at - 1).copied().unwrap_or(true)
    });
}

fn stretch(tokens: &[Token], marked: &Marked<'_>, list: &mut [Mention]) {
    let mut from = 0;
    for i in 0..list.len() {
        let next = list.get(i + 1).map(|n| (n.first, n.core == Core::Normal));
        let Some(m) = list.get_mut(i) else { break };
        m.from = from;
        m.to = match next {
            Some((first, normal)) => split(tokens, marked, m.last, first, normal),
            None => tokens.len(),
        };
        from = m.to;
    }
}

/// Returns where the stretch of the next mention begins.
fn split(
    tokens: &[Token],
    marked: &Marked<'_>,
    last: usize,
    next: usize,
    next_normal: bool,
) -> usize {
    let mut best: Option<(u8, usize)> = None;
    for at in last + 1..next {
        let Some(token) = tokens.get(at) else { break };
        let told = next_normal && token.kind == Kind::Comma && has_verb(tokens, at + 1, next);
        let strength = if told {
            CLAUSE
        } else {
            strength(tokens, marked, at, next, token)
        };
        if strength == 0 {
            continue;
        }
        let better = match best {
            None => true,
            Some((s, _)) => strength > s || (strength == s && !next_normal),
        };
        if better {
            best = Some((strength, at));
        }
    }
    match best {
        Some((_, at)) => at,
        None => before_modifiers(tokens, marked, last, next),
    }
}

/// How strongly a comma parts two clauses.
const CLAUSE: u8 = 6;

/// "Tear of the medial meniscus, lateral meniscus is normal": a verb makes the second place the one of a new clause.
fn has_verb(tokens: &[Token], from: usize, to: usize) -> bool {
    tokens.get(from..to).is_some_and(|clause| {
        clause.iter().any(|t| {
            matches!(
                t.norm.as_str(),
                "is" | "are" | "was" | "were" | "appear" | "remain"
            )
        })
    })
}

fn strength(tokens: &[Token], marked: &Marked<'_>, at: usize, next: usize, token: &Token) -> u8 {
    let joins_places = || {
        let left = placed(marked, at.wrapping_sub(1));
        let article = usize::from(
            tokens
                .get(at + 1)
                .is_some_and(|t| t.is("the") || t.is("and")),
        );
        let alike = token.kind != Kind::Comma
            || levelled(marked, at.wrapping_sub(1)) == levelled(marked, at + 1 + article);
        let right = placed(marked, at + 1 + article) && alike;
        let direct = (at + 1..next).all(|i| placed(marked, i) || modifies(tokens, marked, i));
        left && right && !direct
    };
    if let Some(cue) = marked.cues.iter().find(|c| {
        c.first <= at
            && at <= c.last
            && c.last > c.first
            && matches!(
                c.cue.kind,
                CueKind::Firm | CueKind::Likely | CueKind::Possible
            )
    }) {
        // "consistent with" is one word for us: what follows is the explanation.
        return if cue.first == at { 4 } else { 0 };
    }
    match token.kind {
        Kind::Comma if joins_places() => 0,
        Kind::Comma => CLAUSE,
        Kind::Open | Kind::Close => 4,
        Kind::Colon | Kind::Dash => 5,
        Kind::Word => match token.norm.as_str() {
            "which" | "but" | "while" | "however" | "although" | "whereas" => 5,
            "with" | "without" | "causing" | "resulting" | "that" | "producing" | "due"
            | "secondary" | "versu" | "vs" | "versus" | "plus" | "contacting" | "compressing" => 3,
            "and" | "or" | "nor" if joins_places() => 0,
            "and" | "or" | "nor" => 2,
            _ => 0,
        },
        _ => 0,
    }
}

fn levelled(marked: &Marked<'_>, at: usize) -> bool {
    marked.levels.iter().any(|l| l.first <= at && at <= l.last)
}

fn placed(marked: &Marked<'_>, at: usize) -> bool {
    marked.levels.iter().any(|l| l.first <= at && at <= l.last)
        || marked.nodes.iter().any(|n| n.first <= at && at <= n.last)
        || marked.cues.iter().any(|c| {
            c.first <= at
                && at <= c.last
                && matches!(c.cue.kind, CueKind::Left | CueKind::Right | CueKind::Both)
        })
}

fn modifies(tokens: &[Token], marked: &Marked<'_>, at: usize) -> bool {
    let article = tokens
        .get(at)
        .is_some_and(|t| t.kind == Kind::Hyphen || matches!(t.norm.as_str(), "a" | "an" | "the"));
    article
        || marked.cues.iter().any(|c| {
            c.first <= at
                && at <= c.last
                && matches!(
                    c.cue.kind,
                    CueKind::Sev
                        | CueKind::Type
                        | CueKind::Acute
                        | CueKind::Chronic
                        | CueKind::Neg
                        | CueKind::Likely
                        | CueKind::Possible
                        | CueKind::Firm
                        | CueKind::Many
                        | CueKind::Qual
                )
        })
        || marked.sizes.iter().any(|s| s.first <= at && at <= s.last)
}

/// "Extrusion on the right compressing the root": the side belongs to what stands before.
fn side_said_before(tokens: &[Token], marked: &Marked<'_>, last: usize, next: usize) -> bool {
    let Some(side) = marked.cues.iter().find(|c| {
        c.last + 1 == next
            && c.first > last
            && matches!(c.cue.kind, CueKind::Left | CueKind::Right | CueKind::Both)
    }) else {
        return false;
    };
    let words = tokens.get(last + 1..side.first).unwrap_or_default();
    let before = match words.split_last() {
        Some((article, rest)) if article.is("the") => rest.last(),
        other => other.map(|(word, _)| word),
    };
    before.is_some_and(|t| t.is("on") || t.is("to"))
}

fn before_modifiers(tokens: &[Token], marked: &Marked<'_>, last: usize, next: usize) -> usize {
    let mut at = next;
    if side_said_before(tokens, marked, last, next) {
        return next;
    }
    let mut judged = false;
    while at > last + 1 && (modifies(tokens, marked, at - 1) || placed(marked, at - 1)) {
        let here = at - 1;
        // "... measuring 3 cm suspicious for cancer": the size belongs to what stands before.
        if judged
            && (placed(marked, here)
                || marked
                    .sizes
                    .iter()
                    .any(|s| s.first <= here && here <= s.last))
        {
            break;
        }
        judged |= marked.cues.iter().any(|c| {
            c.first <= here
                && here <= c.last
                && matches!(
                    c.cue.kind,
                    CueKind::Likely | CueKind::Possible | CueKind::Firm
                )
        });
        at -= 1;
    }
    at
}
