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
    let leans = (
        leaning(lex, both.o, pair.original?, &x),
        leaning(lex, both.s, pair.second?, &y),
    );
    if let (Some(p), Some(q)) = leans
        && p != q
    {
        return Some(verdict(
            Class::Interpretation,
            "benign-suspicious",
            said(p.name(), q.name()),
        ));
    }
    let (Some((_, dx)), Some((_, dy))) = (x.first(), y.first()) else {
        return explained(both, pair);
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
        return explained(both, pair);
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

/// Characters between a finding and its cause, at most.
const CAUSE_CHARS: usize = 1;

/// Whether two statements stand beside each other somewhere in their report.
fn beside(a: &Frame, b: &Frame) -> bool {
    let gap = |x: &(usize, usize), y: &(usize, usize)| {
        y.0.saturating_sub(x.1).max(x.0.saturating_sub(y.1)) <= CAUSE_CHARS
    };
    a.spans.iter().any(|x| b.spans.iter().any(|y| gap(x, y)))
}

/// Weight of a cause from which it matters that the other report names another one.
const GRAVE: u8 = 3;

/// "Fracture due to osteoporosis" against "fracture due to metastasis": one finding, two causes, neither in both reports.
fn explained(both: &Both<'_>, pair: &Pair) -> Option<Verdict> {
    let lex = both.lex;
    let causes = |own: &'_ [Frame], at: usize, other: &[Frame]| -> Vec<FindingId> {
        let Some(lesion) = own.get(at) else {
            return Vec::new();
        };
        let told = own.iter().enumerate().filter(|(n, f)| {
            let near = f.sentence == lesion.sentence || f.owner == Some(at) || beside(f, lesion);
            *n != at && near && f.explains && f.present() && !f.descriptor && !kin(lex, f, lesion)
        });
        let alone = told.filter(|(_, f)| !other.iter().any(|g| g.present() && kin(lex, f, g)));
        alone.filter_map(|(_, f)| f.finding()).collect()
    };
    let x = causes(both.o, pair.original?, both.s);
    let y = causes(both.s, pair.second?, both.o);
    // Diagnoses of one family stand in a row of their own.
    let focal = lex.finding_named("focal_lesion");
    let lesion = |id: FindingId| focal.is_some_and(|f| lex.is_kind(id, f));
    let family = |p: FindingId, q: FindingId| lex.root(p) == lex.root(q) || lesion(p) && lesion(q);
    if x.iter().any(|p| y.iter().any(|q| family(*p, *q))) {
        return None;
    }
    let (p, q) = (lex.finding(*x.first()?)?, lex.finding(*y.first()?)?);
    let graves = x.iter().chain(&y).filter_map(|id| lex.finding(*id));
    let grave = graves.clone().any(|f| f.weight >= GRAVE || f.malignant);
    let name = |f: &Finding| lex.weighing.words_of(&f.id);
    grave.then(|| {
        let what = format!("original explains it by {}, second by {}", name(p), name(q));
        verdict(Class::Interpretation, "explained", what)
    })
}

/// What a lesion is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaning {
    Benign,
    Malignant,
}

impl Leaning {
    fn name(self) -> &'static str {
        match self {
            Self::Benign => "benign",
            Self::Malignant => "malignant",
        }
    }
}

/// "Likely benign", "likely malignant", "malignancy is unlikely": said by a word of type or by the diagnosis itself.
fn leaning(
    lex: &Lexicon,
    frames: &[Frame],
    at: usize,
    named: &[(usize, &Frame)],
) -> Option<Leaning> {
    let lesion = frames.get(at)?;
    if lesion.type_of("malignancy") == Some("benign") {
        return Some(Leaning::Benign);
    }
    let malignant = |f: &Frame| {
        f.finding()
            .and_then(|id| lex.finding(id))
            .is_some_and(|x| x.malignant)
    };
    let told = named.iter().map(|(_, f)| *f).filter(|f| malignant(f));
    told.clone()
        .map(|f| f.certainty)
        .max()
        .and_then(|certainty| match certainty {
            4.. => Some(Leaning::Malignant),
            3 => None,
            _ => Some(Leaning::Benign),
        })
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
        (Some(x), Some(y)) => {
            x == y || lex.is_kind(x, y) || lex.is_kind(y, x) || lex.differences.alike(x, y)
        }
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
    if let (Some(p), Some(q)) = (solidity(lex, a), solidity(lex, b))
        && p != q
    {
        return Some(verdict(Class::Interpretation, "cyst-solid", said(p, q)));
    }
    if let Some(verdict) = complexity(lex, a, b) {
        return Some(verdict);
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

/// "Simple cyst" against "complex cyst", and "cyst" against it, which says less.
fn complexity(lex: &Lexicon, a: &Frame, b: &Frame) -> Option<Verdict> {
    let complex = |f: &Frame| f.type_of("solid") == Some("complex");
    let plain = if complex(a) { b } else { a };
    if complex(a) == complex(b) || solidity(lex, plain) != Some("cyst") {
        return None;
    }
    let simple = plain.type_of("solid").is_some()
        || plain
            .finding()
            .zip(lex.finding_named("simple_cyst"))
            .is_some_and(|(x, s)| lex.is_kind(x, s));
    let name = |f: &Frame| match (complex(f), simple) {
        (true, _) => "complex",
        (false, true) => "a simple cyst",
        (false, false) => "a cyst",
    };
    let what = said(name(a), name(b));
    Some(if simple {
        verdict(Class::Interpretation, "cyst-complex", what)
    } else {
        verdict(Class::Severity, "cyst-open", what)
    })
}

/// Whether a lesion is told to be a cyst of the plain kind or to be solid; a complex cyst is neither.
fn solidity(lex: &Lexicon, f: &Frame) -> Option<&'static str> {
    let cyst = f
        .finding()
        .zip(lex.finding_named("cyst"))
        .is_some_and(|(x, c)| lex.is_kind(x, c));
    match (cyst, f.type_of("solid")) {
        (true, None) | (_, Some("simple")) => Some("cyst"),
        (false, Some("solid")) => Some("solid"),
        _ => None,
    }
}

/// "Enlarged nodes" against "necrotic nodes": one report names a kind that changes what is done.
pub(super) fn graver(lex: &Lexicon, a: &Frame, b: &Frame) -> Option<Verdict> {
    let grave = |f: &Frame| f.finding().filter(|id| lex.weighing.graver.contains(id));
    let name = |f: &Frame| lex.weighing.words_of(&f.name(lex));
    (grave(a) != grave(b))
        .then(|| verdict(Class::Interpretation, "graver", said(&name(a), &name(b))))
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
