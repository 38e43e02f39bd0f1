//! What must be there before a letter is written, and what follows from what is there.

use overread_model::letter::{Language, LetterCatalog, LetterKind, Requester};
use overread_model::name::NameWords;
use overread_model::time::CalendarDate;

use super::placeholders::fill;
use super::{FactProblem, FactProblemKind, LetterFacts, exam};
use crate::dates;

// 45 CFR 164.524(b)(2): thirty calendar days after the request.
const ACCESS_DAYS: i64 = 30;

/// Returns the facts without which this requester's letter is not written.
pub(super) fn required_keys(kind: &LetterKind, requester: Requester) -> Vec<&str> {
    let mut keys: Vec<&str> = kind.required.iter().map(String::as_str).collect();
    let mut also = |key: &'static str| {
        if kind.optional.iter().any(|optional| optional == key) && !keys.contains(&key) {
            keys.push(key);
        }
    };
    match requester {
        Requester::ParentGuardian => also("relation"),
        // 45 CFR 164.502(g): who acts for an adult says by what authority.
        Requester::PersonalRepresentative => also("authority"),
        Requester::Patient | Requester::ReferringPhysician | Requester::Insurer => {}
    }
    if requester != Requester::Patient {
        also("sender.name");
    }
    keys
}

/// Says whether a fact means anything for this requester.
pub fn concerns(key: &str, requester: Requester) -> bool {
    !matches!(key, "relation" | "authority")
        || matches!(
            requester,
            Requester::ParentGuardian | Requester::PersonalRepresentative
        )
}

/// Adds what follows from the facts: the date, the thirtieth day, the exam in few words, the way to the images.
pub(super) fn complete(
    catalog: &LetterCatalog,
    kind: &LetterKind,
    facts: &LetterFacts,
    language: Language,
    today: CalendarDate,
) -> LetterFacts {
    let mut facts = facts.clone();
    if facts.date("today").is_none() {
        facts.set_date("today", today);
    }
    if facts.date("due.date").is_none() {
        let asked = facts
            .date("sent.date")
            .or(facts.date("today"))
            .unwrap_or(today);
        facts.set_date("due.date", asked.plus_days(ACCESS_DAYS));
    }
    if facts.text("recipient.kind").is_none() {
        let inferred = if facts.text("recipient.last_name").is_some() {
            "doctor"
        } else {
            &kind.recipient_kind
        };
        set(&mut facts, catalog, "recipient.kind", inferred);
    }
    if facts.text("access.text").is_none()
        && let Some(way) = facts.text("access.kind")
    {
        let words = &catalog.templates.of(language).common.words;
        let template = words.get(&format!("access_{way}"));
        let filled =
            template.map(|template| fill(template, &|key| facts.text(key).map(str::to_owned)));
        if let Some(filled) = filled.filter(|filled| filled.missing.is_empty()) {
            set(&mut facts, catalog, "access.text", &filled.text);
        }
    }
    for (key, lists) in &kind.default_lists {
        if facts.list(key).is_none() {
            let items = lists.of(language).iter().map(String::as_str);
            let _refused = facts.set_list(catalog, key, items);
        }
    }
    if facts.list("enclosures").is_none() && !kind.required.iter().any(|key| key == "enclosures") {
        let items = kind.enclosures_of(facts.requester);
        let _refused = facts.set_list(catalog, "enclosures", items);
    }
    facts
}

// What we set ourselves is in the catalog; were it not, the letter would say that the fact is missing.
fn set(facts: &mut LetterFacts, catalog: &LetterCatalog, key: &str, text: &str) {
    let text = text.to_owned();
    let _refused = facts.set(catalog, key, &text);
}

/// Returns everything that stands against writing the letter.
pub(super) fn check(
    catalog: &LetterCatalog,
    kind: &LetterKind,
    facts: &LetterFacts,
    language: Language,
) -> Vec<FactProblem> {
    let problem = |key: &str, kind| FactProblem::new(catalog, key, kind);
    if !kind.requesters.contains(&facts.requester) {
        let titles = kind
            .requesters
            .iter()
            .map(|who| who.title(language).to_owned());
        let allowed = titles.collect();
        return vec![problem(
            "requester",
            FactProblemKind::WrongRequester { allowed },
        )];
    }
    let unnamed = facts.text("recipient.kind") == Some("unknown");
    let mut problems: Vec<FactProblem> = required_keys(kind, facts.requester)
        .into_iter()
        .filter(|key| facts.get(key).is_none() && !(unnamed && *key == "recipient.name"))
        .map(|key| problem(key, FactProblemKind::Missing))
        .collect();
    let list_is_empty = |key: &str| facts.list(key).is_some_and(<[String]>::is_empty);
    for key in &kind.required {
        // Two reports that agree differ in nothing; every other list needs an item.
        if list_is_empty(key) && key != "differences" {
            problems.push(problem(key, FactProblemKind::Missing));
        }
    }
    if facts.text("third_party.name").is_some() && facts.text("third_party.address").is_none() {
        // 45 CFR 164.524(c)(3)(ii): the request names the person and where to send the copy.
        problems.push(problem("third_party.address", FactProblemKind::Missing));
    }
    problems.extend(check_writer(catalog, facts));
    problems.extend(check_dates(catalog, kind, facts));
    problems.extend(check_enclosures(catalog, kind, facts));
    problems
}

/// Whoever writes and what is said of him must fit: a letter that speaks as the wrong person is void, or worse.
fn check_writer(catalog: &LetterCatalog, facts: &LetterFacts) -> Vec<FactProblem> {
    let problem = |key: &str, kind| FactProblem::new(catalog, key, kind);
    let mut problems: Vec<FactProblem> = ["relation", "authority"]
        .into_iter()
        .filter(|key| facts.get(key).is_some() && !concerns(key, facts.requester))
        .map(|key| problem(key, FactProblemKind::NotThisWriter(facts.requester)))
        .collect();
    if let (Some(writer), Some(patient)) = (facts.text("sender.name"), facts.text("patient.name")) {
        let (writer, patient) = (NameWords::of(writer), NameWords::of(patient));
        match facts.requester {
            Requester::Patient if !writer.is_same(&patient) => {
                problems.push(problem("sender.name", FactProblemKind::NotThePatient));
            }
            Requester::ParentGuardian | Requester::PersonalRepresentative
                if writer.is_equal(&patient) =>
            {
                problems.push(problem("sender.name", FactProblemKind::ThePatient));
            }
            _ => {}
        }
    }
    problems
}

fn check_dates(
    catalog: &LetterCatalog,
    kind: &LetterKind,
    facts: &LetterFacts,
) -> Vec<FactProblem> {
    let mut problems = Vec::new();
    let uses = |key: &str| {
        kind.required
            .iter()
            .chain(&kind.optional)
            .any(|used| used == key)
    };
    for (earlier, later) in [
        ("patient.dob", "exam.date"),
        ("patient.dob", "today"),
        ("exam.date", "today"),
        ("exam.date", "sent.date"),
        ("scope.from", "scope.to"),
        ("today", "wanted_by"),
        ("sent.date", "today"),
        ("denial.date", "today"),
        ("exam.date", "opinion1.date"),
        ("exam.date", "opinion2.date"),
        ("opinion1.date", "today"),
        ("opinion2.date", "today"),
    ] {
        let named = (uses(earlier) || earlier == "today") && (uses(later) || later == "today");
        if let (true, Some(first), Some(second)) = (named, facts.date(earlier), facts.date(later))
            && second < first
        {
            let shown = if later == "today" { earlier } else { later };
            let what = if later == "today" {
                FactProblemKind::InFuture
            } else {
                FactProblemKind::BeforeOther
            };
            problems.push(FactProblem::new(catalog, shown, what));
        }
    }
    if kind.id == "records_reminder"
        && facts.date("sent.date").is_some()
        && let (Some(today), Some(due)) = (facts.date("today"), facts.date("due.date"))
        && today <= due
    {
        problems.push(FactProblem::new(
            catalog,
            "due.date",
            FactProblemKind::NotYetDue { due },
        ));
    }
    problems
}

fn check_enclosures(
    catalog: &LetterCatalog,
    kind: &LetterKind,
    facts: &LetterFacts,
) -> Vec<FactProblem> {
    let mut problems = Vec::new();
    let uses = |key: &str| kind.required.iter().any(|used| used == key);
    if !(uses("access.text") && uses("enclosures")) {
        return problems;
    }
    let (Some(enclosures), Some(access)) = (facts.list("enclosures"), facts.text("access.text"))
    else {
        return problems;
    };
    let has = |code: &str, words: &[&str]| {
        enclosures.iter().any(|item| {
            let item = item.to_lowercase();
            item == code || words.iter().any(|word| item.contains(word))
        })
    };
    let images = has(
        "images",
        &[
            "image",
            "imagen",
            "imágenes",
            "cd",
            "dvd",
            "disc",
            "disk",
            "usb",
            "dicom",
        ],
    );
    let elsewhere = matches!(facts.text("access.kind"), Some("portal" | "link"))
        || [
            "portal",
            "link",
            "enlace",
            "http",
            "www.",
            "exchange",
            "plataforma",
        ]
        .iter()
        .any(|word| access.to_lowercase().contains(word));
    if !images && !elsewhere {
        problems.push(FactProblem::new(
            catalog,
            "enclosures",
            FactProblemKind::NoImages,
        ));
    }
    let report = match facts.text("report.missing_reason") {
        Some(_) if has("original_report", &[]) => Some(FactProblemKind::ReportIsEnclosed),
        None if !has("original_report", &["report", "informe"]) => {
            Some(FactProblemKind::NoReportReason)
        }
        _ => None,
    };
    problems.extend(report.map(|kind| FactProblem::new(catalog, "report.missing_reason", kind)));
    if holds_password(access) {
        problems.push(FactProblem::new(
            catalog,
            "access.text",
            FactProblemKind::PasswordInside,
        ));
    }
    problems
}

/// Says whether a text reads as "password: something".
fn holds_password(text: &str) -> bool {
    let folded = text.to_lowercase();
    [
        "password",
        "passcode",
        "contraseña",
        "clave",
        "pin",
        "access code",
        "código de acceso",
    ]
    .iter()
    .any(|word| {
        folded.match_indices(word).any(|(at, found)| {
            let whole = folded
                .get(..at)
                .and_then(|before| before.chars().next_back())
                .is_none_or(|before| !before.is_alphanumeric());
            let after = folded
                .get(at + found.len()..)
                .unwrap_or_default()
                .trim_start();
            whole && after.starts_with([':', '='])
        })
    })
}

/// Returns a fact in words of the letter's language.
pub(super) fn words(
    catalog: &LetterCatalog,
    facts: &LetterFacts,
    language: Language,
    key: &str,
) -> Option<String> {
    match key {
        "exam.title" => return exam::title(catalog, facts, language),
        "exam.name" => return exam::name(catalog, facts, language),
        "exam.body_part_label" => return exam::body_part(catalog, facts, language),
        _ => {}
    }
    if let Some(date) = facts.date(key) {
        return Some(dates::long(date, language));
    }
    let one = |text: &str| {
        let list = catalog
            .fields
            .get(key)
            .and_then(|field| field.choices.as_deref());
        let choice = list.and_then(|list| catalog.choice(list, text));
        choice.map_or_else(|| text.to_owned(), |choice| choice.of(language).to_owned())
    };
    if let Some(items) = facts.list(key) {
        let items: Vec<String> = items.iter().map(|item| one(item)).collect();
        return (!items.is_empty()).then(|| items.join(", "));
    }
    facts.text(key).map(one)
}

/// Returns the items of a list in words of the letter's language.
pub(super) fn items(
    catalog: &LetterCatalog,
    facts: &LetterFacts,
    language: Language,
    key: &str,
) -> Vec<String> {
    let list = catalog
        .fields
        .get(key)
        .and_then(|field| field.choices.as_deref());
    let word = |item: &String| {
        let choice = list.and_then(|list| catalog.choice(list, item));
        choice.map_or_else(|| item.clone(), |choice| choice.of(language).to_owned())
    };
    facts
        .list(key)
        .unwrap_or_default()
        .iter()
        .map(word)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::holds_password;

    #[test]
    fn a_password_is_seen_and_its_mention_is_not() {
        assert!(holds_password("Portal: x.example, Password: hunter2"));
        assert!(holds_password("contraseña = abc"));
        assert!(!holds_password("The password will come by telephone."));
        assert!(!holds_password("Shopping: none. Spin: 3"));
    }
}
