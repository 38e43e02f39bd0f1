//! Here a row learns how much it matters: its weight, whether it may change what is done, whether it is folded.

use crate::classify::Verdict;
use crate::frame::{Frame, What};
use crate::lexicon::{Finding, Lexicon};
use crate::types::{Class, Importance};

/// What a row is ranked by.
pub(crate) struct Ranked<'a> {
    pub(crate) lex: &'a Lexicon,
    pub(crate) finding: Option<&'a Finding>,
    pub(crate) lead: &'a Frame,
    pub(crate) both: [Option<&'a Frame>; 2],
    /// The patient is an infant.
    pub(crate) infant: bool,
}

/// Rules that make a row critical though its class alone does not.
const WEIGHTY: [&str; 13] = [
    "only-second-serious",
    "only-original-serious",
    "only-second-category",
    "only-second-urgent",
    "only-second-invasive",
    "only-original-urgent",
    "only-original-invasive",
    "advice-urgency",
    "certainty-emergency",
    "certainty-opposed",
    "size-large",
    "grade-far",
    "count",
];

/// Whether a row may change what is done.
pub(crate) fn critical(verdict: &Verdict, ranked: &Ranked<'_>) -> bool {
    if WEIGHTY.contains(&verdict.rule) {
        return true;
    }
    verdict.class.is_critical() && verdict.rule != "advice-minor" && !minor(verdict, ranked)
}

/// Renames the rule of a row that matters more, or less, than its class says.
pub(crate) fn refine(verdict: &mut Verdict, ranked: &Ranked<'_>) {
    let weight = ranked.finding.map_or(0, |f| f.weight);
    match verdict.class {
        Class::OnlySecond | Class::OnlyOriginal => {
            if let Some(rule) = alone(verdict.class, ranked) {
                verdict.rule = rule;
                if let Some(what) = asked_alone(rule) {
                    verdict.what_differs = what.to_string();
                }
            }
        }
        Class::Size if large(ranked) => verdict.rule = "size-large",
        // A wide step on a slight change, or another count of what is harmless, is a difference and no alarm.
        Class::Severity if verdict.rule == "grade-far" && weight < 2 && !narrowing(ranked) => {
            verdict.rule = "grade";
        }
        Class::Certainty if verdict.rule == "certainty-opposed" && weight < 2 => {
            verdict.rule = "certainty";
        }
        Class::Severity if verdict.rule == "count" && weight < 2 => verdict.rule = "count-slight",
        _ => {}
    }
}

fn narrowing(ranked: &Ranked<'_>) -> bool {
    let id = ranked.lead.finding();
    id.zip(ranked.lex.finding_named("stenosis"))
        .is_some_and(|(x, s)| ranked.lex.is_kind(x, s))
}

/// What one report alone asks for, in words.
fn asked_alone(rule: &str) -> Option<&'static str> {
    Some(match rule {
        "only-second-urgent" => "only the second report asks for something urgent",
        "only-original-urgent" => "only the original report asks for something urgent",
        "only-second-invasive" => {
            "only the second report asks for a tissue sample, treatment or an operation"
        }
        "only-original-invasive" => {
            "only the original report asks for a tissue sample, treatment or an operation"
        }
        _ => return None,
    })
}

/// The rule of a row that one report alone makes important.
fn alone(class: Class, ranked: &Ranked<'_>) -> Option<&'static str> {
    let lead = ranked.lead;
    let second = class == Class::OnlySecond;
    if let Some(advice) = &lead.advice {
        return match (advice.urgent, advice.invasive(), second) {
            (true, _, true) => Some("only-second-urgent"),
            (true, _, false) => Some("only-original-urgent"),
            (_, true, true) => Some("only-second-invasive"),
            (_, true, false) => Some("only-original-invasive"),
            _ => None,
        };
    }
    if let What::Category(scheme) = &lead.what {
        let from = ranked.lex.weighing.categories.iter();
        let high = from
            .clone()
            .any(|(name, least)| name == scheme && digits(&lead.value) >= *least);
        return (high && second).then_some("only-second-category");
    }
    serious(ranked).then_some(if second {
        "only-second-serious"
    } else {
        "only-original-serious"
    })
}

fn digits(value: &str) -> u8 {
    let number: String = value.chars().take_while(char::is_ascii_digit).collect();
    number.parse().unwrap_or(0)
}

/// Whether a finding matters that one report alone states.
fn serious(ranked: &Ranked<'_>) -> bool {
    let (lead, lex) = (ranked.lead, ranked.lex);
    let (Some(finding), Some(id)) = (ranked.finding, lead.finding()) else {
        return false;
    };
    if ranked.infant && lead.present() && lex.weighing.infant_findings.contains(&id) {
        return true;
    }
    let now = lead.present() && !lead.historical && lead.acute != Some(false);
    if now && (lead.misplaced || lead.certainty == 3 && lex.is_emergency(id)) {
        return true;
    }
    if !now || lead.certainty < 4 || finding.device || finding.measure {
        return false;
    }
    if finding.weight >= 3 || finding.malignant {
        return true;
    }
    if finding.weight < 2 || finding.benign {
        return false;
    }
    let graded = lead.severity.is_some_and(|(least, _)| least >= 3);
    let lesion = lex
        .finding_named("focal_lesion")
        .is_some_and(|l| lex.is_kind(id, l));
    let from = steps(ranked).and_then(|s| s.first().copied());
    let big = lesion
        && lead
            .size()
            .is_some_and(|mm| mm >= from.unwrap_or(lex.weighing.lesion_mm));
    let torn = lex
        .finding_named("tear")
        .is_some_and(|t| lex.is_kind(id, t));
    graded || big || (lesion || torn) && lead.worrying
}

/// Sizes in mm at which something else is done about this finding.
fn steps<'a>(ranked: &Ranked<'a>) -> Option<&'a Vec<f64>> {
    if ranked.lead.what == What::Measured {
        let mut table = ranked.lex.weighing.place_steps_mm.iter();
        let here = |place: usize| {
            ranked
                .lead
                .nodes
                .iter()
                .any(|n| ranked.lex.is_part(*n, place))
        };
        return table.find(|(place, _)| here(*place)).map(|(_, mm)| mm);
    }
    let id = ranked.lead.finding()?;
    let table = &ranked.lex.weighing.steps_mm;
    table.iter().find(|(f, _)| *f == id).map(|(_, mm)| mm)
}

/// Whether a difference in size may change what is done.
fn large(ranked: &Ranked<'_>) -> bool {
    let [Some(a), Some(b)] = ranked.both else {
        return false;
    };
    let (Some(x), Some(y)) = (a.size(), b.size()) else {
        return false;
    };
    let differences = &ranked.lex.differences;
    if !differences.apart.sizes(x, y) {
        return false;
    }
    let (small, big) = (x.min(y), x.max(y));
    let crossed = steps(ranked).is_some_and(|mm| mm.iter().any(|s| small < *s && *s <= big));
    let weight = ranked.finding.map_or(0, |f| f.weight);
    let lesion = ranked.finding.is_some_and(|f| {
        f.dx || ["nodule", "lesion", "mass"]
            .iter()
            .any(|w| f.id.contains(w))
    });
    let grown = big >= differences.grown.times * small;
    let sizeable = big >= differences.grown.lesion_mm;
    crossed || grown && (weight >= 3 || weight >= 2 && lesion && sizeable)
}

pub(crate) fn importance(verdict: &Verdict, lead: &Frame, finding: Option<&Finding>) -> Importance {
    let alone = matches!(verdict.class, Class::OnlyOriginal | Class::OnlySecond);
    if alone && lead.historical {
        return Importance::UnimportantDetection;
    }
    let weight = match (&lead.what, finding) {
        (What::Category(_), _) => 3,
        (_, Some(f)) => f.weight,
        _ => 1,
    };
    if WEIGHTY.contains(&verdict.rule) {
        return if matches!(verdict.class, Class::OnlyOriginal | Class::OnlySecond) {
            Importance::ImportantDetection
        } else {
            Importance::ImportantInterpretation
        };
    }
    match verdict.class {
        Class::Agree | Class::MoreDetail => Importance::None,
        Class::Contradicted | Class::OnlyOriginal | Class::OnlySecond => {
            if weight >= 2 {
                Importance::ImportantDetection
            } else {
                Importance::UnimportantDetection
            }
        }
        Class::Laterality | Class::Location => {
            if weight >= 1 {
                Importance::ImportantInterpretation
            } else {
                Importance::UnimportantInterpretation
            }
        }
        Class::Interpretation => {
            if weight >= 1 {
                Importance::ImportantInterpretation
            } else {
                Importance::UnimportantInterpretation
            }
        }
        _ => {
            if weight >= 3 {
                Importance::ImportantInterpretation
            } else {
                Importance::UnimportantInterpretation
            }
        }
    }
}

/// A mild, common change that the other report only leaves out in a normal statement: "discs normal", "small annular
/// fissure". It differs, and nothing is done about it.
fn minor(verdict: &Verdict, ranked: &Ranked<'_>) -> bool {
    let (lex, finding, lead) = (ranked.lex, ranked.finding, ranked.lead);
    let common = finding.is_some_and(|f| f.weight <= 1 && !f.var.is_empty() && !f.malignant);
    let mild = lead.severity.is_none_or(|(_, most)| most <= 1) && lead.grade.is_none();
    let named = ranked.both.into_iter().flatten().any(|f| {
        f.denied
            && f.finding()
                .zip(lead.finding())
                .is_some_and(|(d, l)| d == l || lex.is_kind(l, d))
    });
    verdict.class == Class::Contradicted && common && mild && !named
}

/// Whether a narrowing is graded mild: the only one that is folded when one reader alone names it.
fn only_mild(lead: &Frame) -> bool {
    lead.severity.is_some_and(|(_, most)| most <= 1)
}

/// Whether a row is a common difference between readers, shown folded. What a report asks to be done soon, or done to
/// the patient, never is.
pub(crate) fn variation(verdict: &Verdict, finding: Option<&Finding>, lead: &Frame) -> bool {
    if WEIGHTY.contains(&verdict.rule) {
        return false;
    }
    if let Some(advice) = &lead.advice {
        let calm = matches!(verdict.class, Class::OnlyOriginal | Class::OnlySecond);
        return calm && !advice.urgent && !advice.invasive();
    }
    let common = finding.is_some_and(|f| !f.var.is_empty());
    let trivial = finding.is_some_and(|f| f.weight == 0);
    match verdict.class {
        Class::OnlyOriginal | Class::OnlySecond => {
            let narrowing = finding.is_some_and(|f| f.weight >= 2 && !f.var.is_empty());
            !lead.present()
                || lead.historical
                || trivial
                || common && (!narrowing || only_mild(lead))
        }
        Class::Severity => {
            common && verdict.rule == "grade" && !verdict.what_differs.contains("severe")
        }
        Class::MoreDetail => common,
        _ => false,
    }
}

/// What is known about how often readers agree on this kind of finding.
pub(crate) fn note(lex: &Lexicon, finding: Option<&Finding>) -> Option<String> {
    lex.differences.note(&finding?.var).map(str::to_string)
}
