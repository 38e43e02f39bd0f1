//! Here a concordance is put into a patient's words.

use crate::overall;
use crate::types::{Class, Concordance, Item, ItemKind, Overall, PlainView, Polarity};

/// Questions offered, at most.
const QUESTIONS_MAX: usize = 6;

/// Who reads the plain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The patient, or who acts for the patient.
    Patient,
    /// Who treats the patient: is asked, and is not sent to a doctor.
    Physician,
    /// Who works on the case, and whoever else may read it.
    Staff,
}

/// Puts a concordance into a patient's words, for the patient or for who wants to know what the patient reads.
///
/// Never says that a report was wrong, and never reassures about what was not compared.
#[must_use]
pub fn view(concordance: &Concordance, reader: Reader) -> PlainView {
    if !concordance.comparable {
        return not_comparable(concordance, reader);
    }
    let rows: Vec<&Item> = concordance
        .items
        .iter()
        .filter(|i| i.kind != ItemKind::Recommendation || i.critical)
        .collect();
    let same = rows.iter().filter(|i| i.class == Class::Agree).count();
    let more = rows.iter().filter(|i| i.class == Class::MoreDetail).count();
    let different: Vec<&&Item> = rows.iter().filter(|i| differs(i)).collect();
    let differences: Vec<String> = different.iter().map(|i| difference(i)).collect();
    PlainView {
        counts: [
            count(
                same,
                "The reports say the same about",
                "No statement was found that both reports make in the same way.",
            ),
            count(
                more,
                "One report says more than the other about",
                "Neither report adds detail to what the other says.",
            ),
            count(
                different.len(),
                "The reports differ about",
                no_difference(concordance),
            ),
        ],
        differences,
        questions: questions(concordance, &different),
        not_compared: left_out(concordance, reader),
        meaning_of_words: meanings(&rows),
    }
}

/// What is said when the reports could not be compared: no count, nothing called the same.
fn not_comparable(concordance: &Concordance, reader: Reader) -> PlainView {
    let language = concordance
        .guard
        .problems
        .iter()
        .any(|p| p.kind == "language");
    // What stands in a text that was not understood is no difference to tell a patient of.
    let different: Vec<&Item> = concordance
        .items
        .iter()
        .filter(|i| i.kind != ItemKind::Recommendation && !language && differs(i))
        .collect();
    let mut asked = questions(concordance, &different.iter().collect::<Vec<_>>());
    asked.insert(
        0,
        "Can you read both reports and tell me whether they say the same?".to_string(),
    );
    asked.truncate(QUESTIONS_MAX);
    PlainView {
        counts: [
            "These reports could not be compared. Read both.".to_string(),
            String::new(),
            String::new(),
        ],
        differences: different.iter().map(|i| difference(i)).collect(),
        questions: asked,
        not_compared: left_out(concordance, reader),
        meaning_of_words: Vec::new(),
    }
}

/// A difference a patient should hear of: not a normal statement that stands in one report only.
fn differs(item: &Item) -> bool {
    let calm = matches!(item.class, Class::Agree | Class::MoreDetail);
    let silent = matches!(item.class, Class::OnlyOriginal | Class::OnlySecond)
        && item.polarity == Polarity::Absent;
    !calm && !silent
}

fn no_difference(concordance: &Concordance) -> &'static str {
    if concordance.items.iter().any(overall::is_other_advice) {
        "No difference was found in the findings that were compared. The advice on next steps is not the same."
    } else if concordance.overall == Some(Overall::Confirms) {
        "No difference was found in the parts that were compared."
    } else {
        "No difference was found in the parts that were compared. Some parts were not compared."
    }
}

fn count(n: usize, start: &str, none: &str) -> String {
    match n {
        0 => none.to_string(),
        1 => format!("{start} one finding."),
        _ => format!("{start} {} findings.", in_words(n)),
    }
}

fn in_words(n: usize) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    WORDS
        .get(n)
        .map_or_else(|| n.to_string(), |w| (*w).to_string())
}

/// Names a finding as running text.
fn thing(item: &Item) -> String {
    let name = crate::words_of(&item.finding);
    let name = name.trim_end_matches(" absent").trim_end_matches(" normal");
    let site = item.site.as_deref().filter(|site| !name.contains(site));
    // Two sides are the difference itself, which its own sentence tells.
    let side = match item.side.as_deref() {
        Some("bilateral") => Some("both sides".to_string()),
        Some(side) if !side.contains('/') && !name.contains(side) => Some(format!("{side} side")),
        _ => None,
    };
    let place: Vec<&str> = site.into_iter().chain(side.as_deref()).collect();
    if place.is_empty() {
        name.to_string()
    } else {
        format!("{name} ({})", place.join(", "))
    }
}

/// What the report that is silent of a finding says of the other side.
fn denied(item: &Item, who: &str) -> String {
    item.denied_on.as_deref().map_or_else(String::new, |side| {
        format!(" The {who} report says that there is none on the {side} side.")
    })
}

pub(crate) fn difference(item: &Item) -> String {
    if item.kind == ItemKind::Recommendation {
        return advised(item);
    }
    let what = thing(item);
    let sides = item.side.as_deref().and_then(|s| s.split_once('/'));
    let places = item.site.as_deref().and_then(|s| s.split_once(" / "));
    match item.class {
        Class::Contradicted => {
            let (who, other) = match item.rule_id.as_str() {
                "denied-by-second" => ("The first", "second"),
                "denied-by-original" => ("The second", "first"),
                _ => ("One", "other"),
            };
            format!("{who} report describes {what}. The {other} report says it is not there.")
        }
        Class::Laterality => match sides {
            Some((a, b)) if item.rule_id == "other-side-and-kind" => format!(
                "Both reports describe the same kind of change ({what}). The first says {a}, the second says {b}, and they give it different names."
            ),
            Some((a, b)) => format!(
                "Both reports describe {}. The first says {a}, the second says {b}.",
                plain_name(item)
            ),
            None => format!("The reports name different sides for {what}."),
        },
        Class::Location => match places {
            Some((a, b)) => format!(
                "Both reports describe {}. The first places it at {a}, the second at {b}.",
                plain_name(item)
            ),
            None => format!("The reports name different places for {what}."),
        },
        Class::Interpretation if item.rule_id == "class-step" => {
            format!("The reports give a different {what}.")
        }
        Class::Interpretation => format!(
            "Both reports describe the same area ({what}) but explain it in different ways."
        ),
        Class::Severity => format!("The reports grade {what} differently."),
        Class::Size => format!("The reports give different sizes for {what}."),
        Class::Certainty => format!("One report is sure about {what}, the other is less sure."),
        Class::OnlyOriginal => {
            format!(
                "Only the first report mentions {what}.{}",
                denied(item, "second")
            )
        }
        Class::OnlySecond => {
            format!(
                "Only the second report mentions {what}.{}",
                denied(item, "first")
            )
        }
        Class::Agree | Class::MoreDetail => format!("Both reports describe {what}."),
    }
}

/// What the reports say of the next step, which a patient must not overlook. The class decides; the rule that found the
/// class may know more.
fn advised(item: &Item) -> String {
    let text = match (item.class, item.rule_id.as_str()) {
        (_, "only-second-urgent") => {
            "Only the second report says that something must be done soon."
        }
        (_, "only-original-urgent") => {
            "Only the first report says that something must be done soon."
        }
        (_, "advice-urgency") => "Only one of the reports says that the next step is urgent.",
        (_, "only-second-invasive") => {
            "Only the second report advises taking a tissue sample, a treatment or an operation."
        }
        (_, "only-original-invasive") => {
            "Only the first report advises taking a tissue sample, a treatment or an operation."
        }
        (_, "advice-when") => "The reports name different times for the next step.",
        (Class::OnlyOriginal, _) => "Only the first report gives this advice on the next step.",
        (Class::OnlySecond, _) => "Only the second report gives this advice on the next step.",
        (Class::Contradicted, _) => "One report advises a next step, the other advises against it.",
        (Class::Laterality, _) => "The reports name different sides for the next step.",
        (Class::Location, _) => "The reports name different places for the next step.",
        (Class::Severity, _) => {
            "The reports differ in how soon or how firmly they advise the next step."
        }
        (Class::Certainty, _) => "One report is sure about the next step, the other is less sure.",
        (Class::MoreDetail, _) => "One report says more about the next step than the other.",
        (Class::Agree, _) => "Both reports advise the same next step.",
        (Class::Interpretation | Class::Size, _) => "The reports advise different next steps.",
    };
    text.to_string()
}

fn plain_name(item: &Item) -> String {
    crate::words_of(&item.finding)
}

fn questions(concordance: &Concordance, different: &[&&Item]) -> Vec<String> {
    let mut out = Vec::new();
    if different
        .iter()
        .any(|i| i.rule_id.ends_with("-urgent") || i.rule_id == "advice-urgency")
    {
        out.push("Must something be done today?".to_string());
    }
    let found = |i: &&&&Item| i.critical && i.kind != ItemKind::Recommendation;
    for item in different.iter().filter(found) {
        let what = thing(item);
        let question = match item.class {
            Class::Laterality => {
                format!("Which side is right for {what}, and how can that be checked?")
            }
            Class::Location => format!("Where exactly is {what}, and how can that be checked?"),
            Class::Interpretation => format!(
                "The reports explain {what} in different ways. Which explanation fits me, and is another test needed?"
            ),
            _ => {
                format!("The reports do not agree on {what}. What does that mean for my treatment?")
            }
        };
        if out.len() < QUESTIONS_MAX.saturating_sub(1) && !out.contains(&question) {
            out.push(question);
        }
    }
    for item in different.iter().filter(|i| !i.critical && !i.variation) {
        let question = format!(
            "Does the difference about {} change anything for me?",
            thing(item)
        );
        if out.len() < QUESTIONS_MAX.saturating_sub(1) && !out.contains(&question) {
            out.push(question);
        }
    }
    if concordance
        .items
        .iter()
        .any(|i| i.kind == ItemKind::Recommendation)
    {
        out.push("What is the next step, and by when?".to_string());
    } else if out.is_empty() {
        out.push("What do these reports mean for my treatment?".to_string());
    }
    out.truncate(QUESTIONS_MAX);
    out
}

fn left_out(concordance: &Concordance, reader: Reader) -> Option<String> {
    let n = concordance.not_compared.len();
    let what = match n {
        0 => return None,
        1 => "One sentence was not compared.".to_string(),
        _ => format!("{} sentences were not compared.", capital(&in_words(n))),
    };
    let them = if n == 1 { "it" } else { "them" };
    Some(match reader {
        Reader::Patient => {
            format!("{what} Please read {them} yourself or ask your doctor about {them}.")
        }
        Reader::Physician | Reader::Staff => format!("{what} Please read {them} in the reports."),
    })
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn meanings(rows: &[&Item]) -> Vec<String> {
    let says = |words: &[&str]| {
        rows.iter()
            .flat_map(|i| i.original.iter().chain(&i.second).flatten())
            .any(|s| {
                let text = s.text.to_lowercase();
                words.iter().any(|w| text.contains(w))
            })
    };
    let mut out = Vec::new();
    if says(&["exclude", "ruled out", "rule out"]) {
        out.push("\u{201c}Cannot be excluded\u{201d} means: the pictures alone do not prove it is absent. It does not mean that you have it.".to_string());
    }
    if says(&["possibl", "may represent", "could", "might", "question"]) {
        out.push("\u{201c}Possible\u{201d} means: it is one of several explanations, and the doctor is not sure.".to_string());
    }
    if says(&["likely", "probabl", "suspicious", "concerning", "suspected"]) {
        out.push("\u{201c}Likely\u{201d} or \u{201c}suspicious\u{201d} means: the doctor thinks it fits best, but it is not proven.".to_string());
    }
    out
}
