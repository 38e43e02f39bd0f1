//! Here diagnoses, kinds and types of one finding are told apart.

use super::{Both, Verdict, said, verdict};
use crate::align::Pair;
use crate::frame::Frame;
use crate::lexicon::{Finding, FindingId, Lexicon};
use crate::types::Class;

/// Diagnoses tied to a lesion, the firmest first.
pub(super) fn diagnoses<'a>(
    lex: &Lexicon,
    frames: &'a [Frame],
    at: usize,
) -> Vec<(usize, &'a Frame)> {
    let own = |f: &Frame| {
        f.finding()
            .and_then(|id| lex.finding(id))
            .is_some_and(|x| x.dx)
    };
    let mut out: Vec<(usize, &Frame)> = frames
        .iter()
        .enumerate()
        .filter(|(i, f)| {
            own(f) && !f.denied && (*i == at || f.owner == Some(at) && f.owner_same_sentence)
        })
        .collect();
    out.sort_by_key(|(i, f)| (std::cmp::Reverse(f.certainty), *i));
    out
}

pub(super) fn diagnosis(both: &Both<'_>, pair: &Pair) -> Option<Verdict> {
    let lex = both.lex;
    let x = diagnoses(lex, both.o, pair.original?);
    let y = diagnoses(lex, both.s, pair.second?);
    let refused = |stated: &[(usize, &Frame)], other: &[Frame], at: usize| {
        stated
            .iter()
            .any(|(_, f)| other.iter().any(|g| refuses(lex, g, f, other.get(at), at)))
    };
    if refused(&x, both.s, pair.second?) || refused(&y, both.o, pair.original?) {
        return Some(verdict(
            Class::Interpretation,
            "diagnosis-denied",
            "one report names a diagnosis that the other denies",
        ));
    }
    let (Some((_, dx)), Some((_, dy))) = (x.first(), y.first()) else {
        return None;
    };
    let same = x
        .iter()
        .filter(|(_, f)| f.certainty == dx.certainty || f.certainty >= 4)
        .any(|(_, f)| {
            y.iter()
                .filter(|(_, g)| g.certainty == dy.certainty || g.certainty >= 4)
                .any(|(_, g)| kin(lex, f, g))
        });
    if same {
        return None;
    }
    let name = |f: &Frame| {
        f.finding()
            .and_then(|id| lex.finding(id))
            .map(|f| both.lex.weighing.words_of(&f.id))
            .unwrap_or_default()
    };
    Some(verdict(
        Class::Interpretation,
        "diagnosis",
        format!("original says {}, second says {}", name(dx), name(dy)),
    ))
}

/// "Bosniak III, not a simple cyst": the lesion is there, the diagnosis is denied.
fn refuses(
    lex: &Lexicon,
    denied: &Frame,
    stated: &Frame,
    lesion: Option<&Frame>,
    at: usize,
) -> bool {
    let diagnosis = denied
        .finding()
        .and_then(|id| lex.finding(id))
        .is_some_and(|x| x.dx && x.id != "malignancy");
    let tied = denied.owner == Some(at) || lesion.is_some_and(|l| l.sentence == denied.sentence);
    denied.denied && diagnosis && tied && denied.finding() == stated.finding()
}

fn kin(lex: &Lexicon, a: &Frame, b: &Frame) -> bool {
    match (a.finding(), b.finding()) {
        (Some(x), Some(y)) => x == y || lex.is_kind(x, y) || lex.is_kind(y, x),
        _ => false,
    }
}

pub(super) fn kind(
    lex: &Lexicon,
    a: &Frame,
    b: &Frame,
    fx: &Finding,
    fy: &Finding,
) -> Option<Verdict> {
    let focal = lex.finding_named("focal_lesion");
    let is_focal = |f: &Frame| {
        f.finding()
            .zip(focal)
            .is_some_and(|(x, l)| lex.is_kind(x, l))
    };
    let one_lesion = is_focal(a) && is_focal(b) && !(fx.dx && fy.dx);
    if !kin(lex, a, b) && !one_lesion {
        let what = said(
            &lex.weighing.words_of(&fx.id),
            &lex.weighing.words_of(&fy.id),
        );
        let ranked = fx.rank > 0 && fy.rank > 0;
        return Some(if ranked {
            verdict(Class::Severity, "rank", what)
        } else {
            verdict(Class::Interpretation, "kind", what)
        });
    }
    if let Some(verdict) = types(lex, a, b, fx) {
        return Some(verdict);
    }
    let among = |list: &[FindingId]| a.finding().is_some_and(|id| list.contains(&id));
    if let (Some(p), Some(q)) = (a.acute, b.acute)
        && p != q
        && among(&lex.differences.aging)
    {
        return Some(verdict(
            Class::Interpretation,
            "age",
            "one report calls it acute, the other old",
        ));
    }
    if let (Some(p), Some(q)) = (a.grade, b.grade)
        && p != q
        && among(&lex.differences.typed)
    {
        return Some(verdict(
            Class::Interpretation,
            "type-number",
            said(&format!("type {p}"), &format!("type {q}")),
        ));
    }
    None
}

/// "Partial tear" against "complete tear", "not displaced" against "displaced".
fn types(lex: &Lexicon, a: &Frame, b: &Frame, finding: &Finding) -> Option<Verdict> {
    lex.differences.types.iter().find_map(|rule| {
        let (p, q) = (a.type_of(&rule.key)?, b.type_of(&rule.key)?);
        if p == q || !finding.id.contains(&rule.only) {
            return None;
        }
        Some(match rule.key.as_str() {
            "displaced" if p == "yes" => {
                verdict(rule.class, "displaced", said("displaced", "not displaced"))
            }
            "displaced" => verdict(rule.class, "displaced", said("not displaced", "displaced")),
            "malignancy" => verdict(rule.class, "benign-suspicious", said(p, q)),
            _ => verdict(rule.class, "type", said(p, q)),
        })
    })
}
