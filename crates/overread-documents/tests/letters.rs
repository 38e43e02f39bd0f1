//! Every kind, every requester, both languages, as plain text; what is missing; what does not fit.

use overread_documents::letters::{
    self, FactProblem, FactProblemKind, LetterFacts, compose, facts_from_pairs, parse_facts,
    preview,
};
use overread_model::letter::{Language, Requester};

use crate::snapshots;
use crate::worlds::{CATALOG, facts, facts_in, kind, today};

fn letter(id: &str, requester: Requester, language: Language) -> letters::Letter {
    let facts = facts_in(id, requester, language);
    compose(&CATALOG, kind(id), &facts, language, today())
        .unwrap_or_else(|problems| panic!("{id} {requester:?}: {problems:?}"))
}

fn problems(id: &str, facts: &LetterFacts) -> Vec<FactProblem> {
    compose(&CATALOG, kind(id), facts, Language::En, today()).unwrap_err()
}

#[test]
fn a_hundred_letters_leave_nothing_open() {
    let mut count = 0;
    for kind in letters::list(&CATALOG) {
        for requester in &kind.requesters {
            for language in Language::ALL {
                let letter = letter(&kind.id, *requester, language);
                let text = letter.to_text();
                for open in [
                    "{{", "}}", "[[", "]]", "[", "()", " ,", " .", "..", "  ", ": \n", "\u{A0}",
                ] {
                    let line = text
                        .lines()
                        .find(|line| line.contains(open) && !line.contains("____"));
                    assert_eq!(line, None, "{} {requester:?} {language}: {open:?}", kind.id);
                }
                let name = format!("letters/{}.{}.{language}.txt", kind.id, requester.as_str());
                snapshots::check(&name, &text);
                count += 1;
            }
        }
    }
    assert_eq!(count, 100);
}

#[test]
fn a_second_opinion_request_has_every_element() {
    let text = letter("second_opinion_request", Requester::Patient, Language::En).to_text();
    for element in [
        "Jordan Avery",
        "418 Sycamore Lane",
        "608 555 0142",
        "jordan.avery@example.org",
        "March 5, 2026",
        "Upland Musculoskeletal Radiology",
        "Subject: Request for second opinion – MRI lumbar spine – Jordan Avery – born March 2, 1970",
        "Dear Dr. Marsh,",
        "independent second opinion",
        "I am the patient",
        "February 11, 2026 at Riverside Imaging Center",
        "Low back pain",
        "does not seem to fit",
        "nerve root at L5-S1",
        "enclosed on a disc (CD/DVD)",
        "If further records would help",
        "Dr. Nadia Okafor (primary care physician), telephone 608 555 0177",
        "written report",
        "findings",
        "impression",
        "quality of the images",
        "other possible explanations",
        "next steps",
        "cost of this service",
        "April 10, 2026",
        "Thank you",
        "Sincerely,",
        "Enclosures:",
        "- Copy of the original radiology report",
        "- Complete exam images in DICOM format on disc (CD/DVD)",
        "- Relevant clinical notes",
        "- Physician referral",
    ] {
        assert!(text.contains(element), "{element:?} is not in\n{text}");
    }
    let body = text.split("Dear Dr.").nth(1).unwrap();
    assert!(
        body.split_whitespace().count() <= 350,
        "longer than one page"
    );
}

#[test]
fn an_unnamed_radiologist_and_a_portal_are_served() {
    let mut facts = facts("second_opinion_request", Requester::PersonalRepresentative);
    for (key, text) in [
        ("recipient.kind", "unknown"),
        ("recipient.name", ""),
        ("recipient.last_name", ""),
        ("access.kind", "portal"),
        ("access.portal", "Upland Image Exchange"),
        ("access.address", "https://images.upland.example"),
        ("enclosures", "original_report"),
    ] {
        facts.set(&CATALOG, key, text).unwrap();
    }
    let text = compose(
        &CATALOG,
        kind("second_opinion_request"),
        &facts,
        Language::En,
        today(),
    )
    .unwrap()
    .to_text();
    assert!(text.contains("To the reviewing radiologist:"), "{text}");
    assert!(
        text.contains("I am the daughter and personal representative of the patient, Morgan Avery"),
        "{text}"
    );
    assert!(text.contains("secure portal Upland Image Exchange at https://images.upland.example; the access details follow separately."));
}

#[test]
fn an_email_subject_names_nobody() {
    for kind in letters::list(&CATALOG) {
        for requester in &kind.requesters {
            for language in Language::ALL {
                let letter = letter(&kind.id, *requester, language);
                for secret in ["Avery", "Peña", "1970", "2012", "Lumbar", "M54"] {
                    assert!(!letter.email_subject.contains(secret), "{}", kind.id);
                    assert!(!letter.title.contains(secret), "{}", kind.id);
                }
            }
        }
    }
}

#[test]
fn each_missing_fact_is_named_in_both_languages() {
    for entry in letters::list(&CATALOG) {
        for key in &entry.required {
            if entry.default_lists.contains_key(key) {
                continue;
            }
            let mut facts = facts(&entry.id, entry.requesters[0]);
            facts.set(&CATALOG, key, "").unwrap();
            if key == "access.text" {
                facts.set(&CATALOG, "access.kind", "").unwrap();
            }
            let found = problems(&entry.id, &facts);
            let problem = found.iter().find(|problem| &problem.field == key);
            let problem =
                problem.unwrap_or_else(|| panic!("{} without {key}: {found:?}", entry.id));
            let label = &CATALOG.fields[key].label;
            assert!(problem.message(Language::En).contains(&label.en));
            assert!(problem.message(Language::Es).starts_with("Falta"));
        }
    }
    let empty = problems("second_opinion_request", &LetterFacts::default());
    assert!(empty.len() >= 14, "{empty:?}");
}

#[test]
fn whoever_writes_for_another_says_by_what_right() {
    let mut facts = facts("second_opinion_request", Requester::PersonalRepresentative);
    facts.set(&CATALOG, "authority", "").unwrap();
    assert_eq!(
        problems("second_opinion_request", &facts)[0].field,
        "authority"
    );
    facts.requester = Requester::ParentGuardian;
    facts.set(&CATALOG, "relation", "").unwrap();
    assert_eq!(
        problems("second_opinion_request", &facts)[0].field,
        "relation"
    );
    facts.requester = Requester::Insurer;
    let found = problems("records_request_access", &facts);
    assert!(matches!(
        found[0].kind,
        FactProblemKind::WrongRequester { .. }
    ));
}

fn check_kind(id: &str, key: &str, value: &str, expect: &str) {
    let mut facts = facts(id, kind(id).requesters[0]);
    facts.set(&CATALOG, key, value).unwrap();
    let found = problems(id, &facts);
    let kinds: Vec<String> = found
        .iter()
        .map(|problem| format!("{:?}", problem.kind))
        .collect();
    assert!(
        kinds.iter().any(|kind| kind.starts_with(expect)),
        "{key}: {kinds:?}"
    );
}

#[test]
fn facts_that_do_not_fit_each_other_are_refused() {
    let request = "second_opinion_request";
    check_kind(request, "enclosures", "original_report", "NoImages");
    check_kind(request, "enclosures", "images", "NoReportReason");
    check_kind(
        request,
        "access.text",
        "On the portal. Password: swordfish",
        "PasswordInside",
    );
    check_kind(request, "wanted_by", "2026-03-01", "BeforeOther");
    check_kind(request, "exam.date", "2027-03-01", "InFuture");
    let followup = "followup_treating_physician";
    check_kind(followup, "opinion2.date", "2026-03-18", "InFuture");
    check_kind(followup, "opinion1.date", "2026-02-10", "BeforeOther");
    check_kind(request, "exam.date", "1969-03-01", "BeforeOther");
    check_kind("records_reminder", "sent.date", "2026-02-20", "NotYetDue");
    check_kind(
        "records_request_access",
        "third_party.name",
        "Dr. Marsh",
        "Missing",
    );
}

#[test]
fn a_missing_report_is_explained() {
    let mut facts = facts("second_opinion_request", Requester::Patient);
    facts.set(&CATALOG, "enclosures", "images").unwrap();
    facts
        .set(
            &CATALOG,
            "report.missing_reason",
            "the facility has not sent it yet",
        )
        .unwrap();
    let letter = compose(
        &CATALOG,
        kind("second_opinion_request"),
        &facts,
        Language::En,
        today(),
    )
    .unwrap();
    assert!(
        letter
            .to_text()
            .contains("The original report is not enclosed: The facility has not sent it yet.")
    );
}

#[test]
fn the_thirtieth_day_is_counted() {
    let text = letter("records_request_access", Requester::Patient, Language::Es).to_text();
    assert!(
        text.contains("el día 30 es el 4 de abril de 2026"),
        "{text}"
    );
    let text = letter("records_reminder", Requester::Patient, Language::En).to_text();
    assert!(text.contains("Day 30 was February 19, 2026"), "{text}");
}

#[test]
fn a_list_without_differences_does_not_claim_that_the_reports_agree() {
    let mut facts = facts("followup_treating_physician", Requester::Patient);
    facts.set_list(&CATALOG, "differences", []).unwrap();
    let letter = compose(
        &CATALOG,
        kind("followup_treating_physician"),
        &facts,
        Language::En,
        today(),
    )
    .unwrap();
    let text = letter.to_text();
    assert!(text.contains("I have noted no difference"), "{text}");
    assert!(!text.contains("agree"), "{text}");
}

fn check_toml(toml: &str, expect: &[(&str, &str)]) {
    let found = parse_facts(&CATALOG, toml).err().unwrap_or_default();
    let found: Vec<(String, String)> = found
        .into_iter()
        .map(|problem| (problem.field.clone(), problem.message(Language::En)))
        .collect();
    let expect: Vec<(String, String)> = expect
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect();
    assert_eq!(found, expect, "{toml}");
}

#[test]
fn facts_files_are_read_or_answered_in_plain_words() {
    check_toml(
        "requester = \"patient\"\n[patient]\nname = \"A\"\ndob = \"19700302\"",
        &[],
    );
    check_toml("patient.name = \"A\"", &[]);
    check_toml(
        "[patient]\nnmae = \"A\"",
        &[(
            "patient.nmae",
            "“patient.nmae” is not a fact of any letter. Did you mean “patient.name”?",
        )],
    );
    check_toml(
        "color = \"red\"",
        &[(
            "color",
            "“color” is not a fact of any letter. Please remove it.",
        )],
    );
    check_toml(
        "[patient]\ndob = \"yesterday\"",
        &[(
            "patient.dob",
            "Date of birth is not a date. Write year-month-day, for example 2026-03-02.",
        )],
    );
    check_toml(
        "[patient]\nname = [\"a\"]",
        &[("patient.name", "Patient name should be one text.")],
    );
    check_toml(
        "a = 1\nb = = 2",
        &[(
            "",
            "The facts file cannot be read: line 2 is not valid TOML.",
        )],
    );
    check_toml(
        "[sender]\nemail = \"nobody\"",
        &[("sender.email", "Email is not an email address.")],
    );
    check_toml(
        "enclosures = [1]",
        &[("enclosures", "Enclosures should be a list of texts.")],
    );
    check_toml(
        "requester = \"nurse\"",
        &[(
            "requester",
            "requester should be one of: patient, parent_guardian, personal_representative, referring_physician, insurer.",
        )],
    );
    check_toml(
        "[access]\nkind = \"pigeon\"",
        &[(
            "access.kind",
            "How the images travel should be one of: disc, portal, link.",
        )],
    );
    check_toml(
        "[patient.name]\nfirst = \"A\"",
        &[("patient.name", "Patient name should be one text.")],
    );
}

#[test]
fn a_form_asks_required_facts_first() {
    let request = kind("second_opinion_request");
    let form = letters::form(&CATALOG, request, Requester::ParentGuardian);
    let first_optional = form.iter().position(|field| !field.required).unwrap();
    assert!(form[first_optional..].iter().all(|field| !field.required));
    assert!(
        form.iter()
            .any(|field| field.key == "relation" && field.required)
    );
    assert!(
        !letters::form(&CATALOG, request, Requester::Patient)
            .iter()
            .any(|field| field.key == "relation")
    );
}

#[test]
fn form_fields_make_the_same_letter() {
    let pairs = [
        ("csrf", "x"),
        ("requester", "patient"),
        ("sender.name", "Ana López"),
        ("recipient.name", "Dra. Íñigo Núñez, MD"),
        ("recipient.kind", "doctor"),
        ("thanks.for", "su paciencia."),
        ("wanted_by", ""),
    ];
    let facts = letters::facts_from_pairs(&CATALOG, pairs).unwrap();
    let text = compose(&CATALOG, kind("thank_you"), &facts, Language::Es, today())
        .unwrap()
        .to_text();
    assert!(
        text.contains("Estimado/a Dr./Dra. Íñigo Núñez:\n"),
        "{text}"
    );
    assert!(text.contains("Gracias por su paciencia."), "{text}");
    assert_eq!(
        letters::facts_from_pairs(&CATALOG, [("x.y", "z")])
            .unwrap_err()
            .len(),
        1
    );
}

#[test]
fn debug_shows_no_patient() {
    let facts = facts("second_opinion_request", Requester::Patient);
    let letter = letter("second_opinion_request", Requester::Patient, Language::En);
    let shown = format!("{facts:?} {letter:?}");
    assert!(
        !shown.contains("Avery") && !shown.contains("1970"),
        "{shown}"
    );
}

#[test]
fn every_kind_is_documented() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/letters");
    for entry in letters::list(&CATALOG) {
        let readme = std::fs::read_to_string(format!("{folder}/{}/README.md", entry.id)).unwrap();
        for key in entry.required.iter().chain(&entry.optional) {
            assert!(
                readme.contains(&format!("`{key}`")),
                "{} says nothing of {key}",
                entry.id
            );
        }
        assert!(letters::sample(&entry.id).is_some());
    }
}

#[test]
fn a_letter_with_gaps_is_shown_and_never_written() {
    let catalog = &*CATALOG;
    let kind = kind("second_opinion_request");
    let known = [
        ("patient.name", "Ana <b>López</b>"),
        ("question", "Is ⟦Facility⟧ the nerve?"),
    ];
    let facts = facts_from_pairs(catalog, known).unwrap();
    for (language, gap) in [(Language::En, "Facility"), (Language::Es, "Centro")] {
        let shown = preview(catalog, kind, &facts, language, today());
        let mark = format!("<mark class=\"letter-gap\">{gap}</mark>");
        assert!(shown.html.contains(&mark), "{}", shown.html);
        assert!(!shown.html.contains("<b>") && !shown.html.contains("{{"));
        assert_eq!(
            shown.html.matches("<mark").count(),
            shown.html.matches("</mark>").count()
        );
        let refused = compose(catalog, kind, &facts, language, today()).unwrap_err();
        for problem in refused {
            assert!(shown.problems.contains(&problem), "{}", problem.field);
        }
    }
    let whole = facts_in(&kind.id, Requester::Patient, Language::En);
    let shown = preview(catalog, kind, &whole, Language::En, today());
    assert!(shown.problems.is_empty() && !shown.html.contains("<mark"));
}

#[test]
fn a_spanish_letter_names_the_exam_in_spanish_or_quotes_it() {
    let catalog = &*CATALOG;
    let kind = kind("second_opinion_request");
    let check = |name: &str, modality: &str, part: &str, subject: &str, sentence: &str| {
        let mut facts = facts_in(&kind.id, Requester::Patient, Language::Es);
        for (key, text) in [
            ("exam.name", name),
            ("exam.modality_label", ""),
            ("exam.modality", modality),
            ("exam.body_part_label", part),
        ] {
            facts.set(catalog, key, text).unwrap();
        }
        let letter = compose(catalog, kind, &facts, Language::Es, today()).unwrap();
        assert!(letter.subject.contains(subject), "{}", letter.subject);
        let text = letter.to_text();
        assert!(text.contains(sentence), "{text}");
    };
    check(
        "MRI lumbar spine without contrast",
        "MR",
        "lumbar spine",
        "Resonancia magnética de columna lumbar",
        "resonancia magnética de columna lumbar («MRI lumbar spine without contrast»)",
    );
    check(
        "MRI left knee",
        "MR",
        "Left knee",
        "Resonancia magnética de rodilla izquierda",
        "resonancia magnética de rodilla izquierda («MRI left knee»)",
    );
    // A part that no table knows is never guessed.
    check(
        "CT left little toe",
        "CT",
        "left little toe",
        "«CT left little toe»",
        "«CT left little toe»",
    );
    check(
        "Resonancia magnética de columna lumbar sin contraste",
        "MR",
        "columna lumbar",
        "Resonancia magnética de columna lumbar",
        "Resonancia magnética de columna lumbar sin contraste",
    );
}

#[test]
fn what_a_letter_holds_is_never_printed_for_debugging() {
    let catalog = &*CATALOG;
    let kind = kind("second_opinion_request");
    let facts = facts_in(&kind.id, Requester::Patient, Language::En);
    let letter = compose(catalog, kind, &facts, Language::En, today()).unwrap();
    let name = facts.text("patient.name").unwrap();
    assert!(letter.to_text().contains(name));
    for block in &letter.blocks {
        assert_eq!(
            format!("{block:?}"),
            format!("Block {{ id: {:?}, .. }}", block.id)
        );
    }
}

#[test]
fn every_fact_a_letter_needs_is_explained() {
    let catalog = &*CATALOG;
    for kind in letters::list(catalog) {
        for key in &kind.required {
            assert!(catalog.fields[key].hint.is_some(), "{}: {key}", kind.id);
        }
    }
}

#[test]
fn facts_that_contradict_each_other_are_refused() {
    let check = |requester, changes: &[(&str, &str)], field: &str, expect: FactProblemKind| {
        let mut facts = facts("second_opinion_request", requester);
        for (key, text) in changes {
            facts.set(&CATALOG, key, text).unwrap();
        }
        let problems = problems("second_opinion_request", &facts);
        let found: Vec<_> = problems
            .iter()
            .map(|one| (one.field.as_str(), &one.kind))
            .collect();
        assert_eq!(found, [(field, &expect)], "{changes:?}");
        for language in Language::ALL {
            assert!(problems[0].message(language).contains(' '));
        }
    };
    use FactProblemKind::{InFuture, NotThePatient, NotThisWriter, ReportIsEnclosed, ThePatient};
    let (patient, other) = (Requester::Patient, Requester::PersonalRepresentative);
    let (of_patient, of_doctor) = (
        NotThisWriter(patient),
        NotThisWriter(Requester::ReferringPhysician),
    );
    check(
        patient,
        &[("authority", "court order")],
        "authority",
        of_patient.clone(),
    );
    check(patient, &[("relation", "daughter")], "relation", of_patient);
    check(
        Requester::ReferringPhysician,
        &[("relation", "mother")],
        "relation",
        of_doctor,
    );
    check(
        patient,
        &[("sender.name", "Morgan Avery")],
        "sender.name",
        NotThePatient,
    );
    check(
        other,
        &[("sender.name", "Avery, Morgan")],
        "sender.name",
        ThePatient,
    );
    check(
        patient,
        &[("report.missing_reason", "The clinic lost it")],
        "report.missing_reason",
        ReportIsEnclosed,
    );
    check(
        patient,
        &[("exam.date", "2026-03-06")],
        "exam.date",
        InFuture,
    );
}

#[test]
fn a_letter_knows_what_was_typed_and_is_not_translated() {
    let id = "second_opinion_request";
    let mut facts = facts(id, Requester::Patient);
    let own = |facts: &LetterFacts| letters::own_words(&CATALOG, kind(id), facts, Language::Es);
    let typed = own(&facts);
    for key in ["symptoms", "reason", "question"] {
        let label = CATALOG.fields[key].label.of(Language::Es);
        assert!(typed.contains(&label.as_str()), "{typed:?}");
    }
    for key in ["sender.name", "sender.address", "enclosures", "exam.date"] {
        let label = CATALOG.fields[key].label.of(Language::Es);
        assert!(!typed.contains(&label.as_str()), "{typed:?}");
    }
    facts
        .set(
            &CATALOG,
            "enclosures",
            "original_report\nimages\nmy own notes",
        )
        .unwrap();
    let enclosures = CATALOG.fields["enclosures"].label.of(Language::Es);
    assert!(own(&facts).contains(&enclosures.as_str()));
}
