//! Here advice is read and compared: what is to be done, how soon, and whether anything is.

use crate::classify::{Verdict, verdict};
use crate::frame::Frame;
use crate::lexicon::Lexicon;
use crate::scope::State;
use crate::text::{Kind, Token};
use crate::types::Class;
use crate::weighing::{Action, Means};

/// What a sentence of advice asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Advice {
    pub(crate) urgent: bool,
    /// Sorted, each once.
    pub(crate) actions: Vec<Action>,
    /// By which means, sorted, each once; empty when the words name none.
    means: Vec<Means>,
    /// When, in days from now: the shortest and the longest span named.
    days: Option<(f64, f64)>,
    /// The words as they are compared when their kind is not known.
    words: Vec<String>,
}

impl Advice {
    /// Whether something is done to the patient: tissue is taken, an operation made.
    pub(crate) fn invasive(&self) -> bool {
        self.actions
            .iter()
            .any(|a| matches!(a, Action::Tissue | Action::Operate))
    }

    fn nothing(&self) -> bool {
        self.actions == [Action::Nothing]
    }
}

/// Reads the advice of a sentence; `states` tell what is denied.
pub(crate) fn read(lex: &Lexicon, tokens: &[Token], states: &[State]) -> Advice {
    let denied = |at: usize| {
        states.get(at).is_some_and(|s| s.denied || s.hypothetical)
            || at
                .checked_sub(1)
                .and_then(|i| tokens.get(i))
                .is_some_and(|t| matches!(t.norm.as_str(), "no" | "not" | "without"))
    };
    let hits = lex.weighing.actions(tokens);
    let none = hits.iter().any(|(_, action, _)| *action == Action::Nothing)
        || !hits.is_empty() && lex.weighing.unneeded(tokens);
    let asked = hits
        .iter()
        .filter(|(hit, action, _)| *action == Action::Nothing || !none && !denied(hit.first));
    let mut actions: Vec<Action> = asked.clone().map(|(_, action, _)| *action).collect();
    let mut means: Vec<Means> = asked.filter_map(|(_, _, means)| *means).collect();
    if actions.is_empty() && !hits.is_empty() {
        actions.push(Action::Nothing);
    }
    actions.sort();
    actions.dedup();
    means.sort_unstable();
    means.dedup();
    let urgent = lex
        .weighing
        .urgent(tokens)
        .iter()
        .any(|hit| !denied(hit.first));
    Advice {
        urgent,
        actions,
        means,
        days: days(tokens),
        words: tokens
            .iter()
            .filter(|t| t.is_word() || t.kind == Kind::Number)
            .map(|t| t.norm.clone())
            .collect(),
    }
}

/// "in 3 months", "6 to 12 months", "12-month", "annual": the first span named.
fn days(tokens: &[Token]) -> Option<(f64, f64)> {
    let count = |at: usize| {
        tokens
            .get(at)
            .and_then(crate::spots::plain_number)
            .map(f64::from)
    };
    let between = |at: usize| {
        tokens.get(at).is_some_and(|t| {
            matches!(t.kind, Kind::Hyphen | Kind::Dash) || t.is("to") || t.is("or")
        })
    };
    tokens.iter().enumerate().find_map(|(at, token)| {
        if matches!(token.norm.as_str(), "annual" | "annually" | "yearly") {
            return Some((365.0, 365.0));
        }
        let low = count(at)?;
        let (high, last) = match count(at + 2).filter(|_| between(at + 1)) {
            Some(high) => (high, at + 2),
            None => (low, at),
        };
        let hyphen = usize::from(tokens.get(last + 1).is_some_and(|t| t.kind == Kind::Hyphen));
        let days = match tokens.get(last + 1 + hyphen)?.norm.as_str() {
            "day" => 1.0,
            "week" => 7.0,
            "month" => 30.0,
            "year" => 365.0,
            _ => return None,
        };
        Some((low.min(high) * days, low.max(high) * days))
    })
}

/// Share of the longer span by which two spans are apart; those that meet are not.
fn apart(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (first, later) = if a.0 <= b.0 { (a, b) } else { (b, a) };
    ((later.0 - first.1) / later.0.max(1.0)).max(0.0)
}

/// How well two pieces of advice fit each other.
pub(crate) fn fit(a: &Frame, b: &Frame) -> i32 {
    let (Some(a), Some(b)) = (&a.advice, &b.advice) else {
        return 100;
    };
    let (shared, means) = (meet(&a.actions, &b.actions), meet(&a.means, &b.means));
    100 + i32::from(shared) * 40
        + i32::from(means) * 40
        + i32::from(a.urgent == b.urgent) * 20
        + i32::from(a.words == b.words) * 60
}

/// Compares two pieces of advice.
pub(crate) fn compare(lex: &Lexicon, a: &Frame, b: &Frame) -> Verdict {
    let (Some(a), Some(b)) = (&a.advice, &b.advice) else {
        return unread();
    };
    if a.words == b.words {
        return verdict(Class::Agree, "same-advice", "both reports say so");
    }
    if a.urgent != b.urgent {
        let who = if a.urgent {
            "only the original report calls it urgent"
        } else {
            "only the second report calls it urgent"
        };
        return verdict(Class::Severity, "advice-urgency", who);
    }
    if a.invasive() != b.invasive() || a.nothing() != b.nothing() {
        return verdict(Class::Interpretation, "advice-other", asked(lex, a, b));
    }
    if a.actions.is_empty() || b.actions.is_empty() {
        return unread();
    }
    if !meet(&a.actions, &b.actions) {
        return verdict(Class::Interpretation, "advice-minor", asked(lex, a, b));
    }
    if !a.means.is_empty() && !b.means.is_empty() && a.means != b.means {
        // By which means a sample is taken is a smaller matter than that it is taken.
        let rule = if a.invasive() || meet(&a.means, &b.means) {
            "advice-minor"
        } else {
            "advice-means"
        };
        return verdict(Class::Interpretation, rule, asked(lex, a, b));
    }
    if let (Some(x), Some(y)) = (a.days, b.days)
        && apart(x, y) >= lex.weighing.timing_apart
    {
        return verdict(
            Class::Severity,
            "advice-when",
            format!("original says in {}, second says in {}", span(x), span(y)),
        );
    }
    if a.means != b.means || a.days.is_some() != b.days.is_some() {
        return verdict(
            Class::MoreDetail,
            "advice-detail",
            "one report says more exactly what is to be done, or when",
        );
    }
    verdict(
        Class::Agree,
        "same-advice",
        "both reports ask for the same kind of step",
    )
}

fn meet<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    a.iter().any(|x| b.contains(x))
}

fn unread() -> Verdict {
    verdict(
        Class::Interpretation,
        "advice-minor",
        "both reports advise something; whether it is the same was not understood",
    )
}

/// "3 months", "6 to 12 months".
fn span((low, high): (f64, f64)) -> String {
    let (days, unit) = match low {
        365.0.. => (365.0, "year"),
        30.0.. => (30.0, "month"),
        7.0.. => (7.0, "week"),
        _ => (1.0, "day"),
    };
    let (low, high) = ((low / days).round(), (high / days).round());
    let many = if high > 1.0 { "s" } else { "" };
    if low == high {
        format!("{low:.0} {unit}{many}")
    } else {
        format!("{low:.0} to {high:.0} {unit}{many}")
    }
}

fn asked(lex: &Lexicon, a: &Advice, b: &Advice) -> String {
    format!(
        "original asks for {}, second asks for {}",
        list(lex, a),
        list(lex, b)
    )
}

fn list(lex: &Lexicon, advice: &Advice) -> String {
    let means: Vec<&str> = advice
        .means
        .iter()
        .map(|m| lex.weighing.means_name(*m))
        .collect();
    let means = means.join(" and ");
    let words: Vec<&str> = advice
        .actions
        .iter()
        .map(|action| match action {
            Action::Observe => "follow-up",
            Action::Test if !means.is_empty() => means.as_str(),
            Action::Test => "a further test",
            Action::Correlate => "a look at the other facts of the case",
            Action::Tissue => "a tissue sample",
            Action::Operate => "treatment or an operation",
            Action::Refer => "a specialist",
            Action::Tell => "a call",
            Action::Nothing => "no further step",
        })
        .collect();
    if words.is_empty() {
        "something else".to_string()
    } else {
        words.join(" and ")
    }
}
