//! What must never be called the same.

use overread_concordance::{Class, Concordance, Overall, compare, plain};

fn found(exam: &str, original: &str, second: &str) -> Concordance {
    compare(exam, original, second)
}

fn refused(found: &Concordance, kind: Option<&str>) {
    assert!(!found.comparable, "{found:?}");
    assert_eq!(found.overall, None);
    assert!(
        found
            .items
            .iter()
            .all(|i| !matches!(i.class, Class::Agree | Class::MoreDetail)),
        "{found:?}"
    );
    if let Some(kind) = kind {
        let problem = found.guard.problems.iter().find(|p| p.kind == kind);
        let message = &problem.expect("the guard names the kind").message;
        assert!(found.reasons.contains(message), "{found:?}");
    } else {
        let told = |r: &String| r.contains("not understood") || r.starts_with("Nothing in the");
        assert!(found.reasons.iter().any(told), "{found:?}");
    }
    let view = plain::view(found, plain::Reader::Patient);
    assert!(view.counts[0].contains("could not be compared"), "{view:?}");
    let all = serde_json::to_string(&view).unwrap();
    assert!(!all.contains("the same about"), "{all}");
    assert!(view.counts[1..].iter().all(String::is_empty), "{view:?}");
}

#[test]
fn another_language_is_not_compared() {
    for (exam, original, second) in [
        (
            "MRI brain",
            "IRM c\u{e9}r\u{e9}brale. Pas de l\u{e9}sion suspecte.",
            "There is a suspicious metastasis in the left frontal lobe.",
        ),
        (
            "MRI brain",
            "IRM c\u{e9}r\u{e9}brale. Pas de l\u{e9}sion suspecte.",
            "M\u{e9}tastase frontale gauche.",
        ),
        (
            "MRI spine",
            "Kein Anhalt f\u{fc}r einen Tumor",
            "Tumor im Wirbelk\u{f6}rper L3",
        ),
        ("CT chest", "Lungenembolie beidseits", "Keine Lungenembolie"),
        (
            "MRI lumbar spine",
            "Sem evid\u{ea}ncia de fratura. N\u{e3}o h\u{e1} h\u{e9}rnia discal.",
            "No fracture. No disc herniation.",
        ),
        (
            "CT head",
            "Nessuna lesione. Non si osserva emorragia nel cervello.",
            "Geen bloeding. Het beeld is normaal.",
        ),
    ] {
        refused(&found(exam, original, second), Some("language"));
    }
}

#[test]
fn short_english_is_understood() {
    for text in [
        "L4-L5 disc extrusion.",
        "NO PNEUMOTHORAX.",
        "Disc bulge L4-5, mild stenosis.",
        "No evidence of fracture. T1 SE and T2 TSE images. En bloc vertebrae.",
        "Sch\u{f6}nlein purpura. The liver is normal with mild steatosis of the left lobe.",
    ] {
        let found = found("", text, text);
        let problems = &found.guard.problems;
        assert!(problems.iter().all(|p| p.kind != "language"), "{found:?}");
    }
}

#[test]
fn nothing_understood_is_not_compared() {
    let text = "The patient enjoyed the visit and the weather was lovely today.";
    refused(
        &found("MRI lumbar spine", "Disc bulge at L4-5.", text),
        None,
    );
    refused(
        &found("MRI lumbar spine", "Disc bulge at L4-5.", ""),
        Some("empty"),
    );
}

#[test]
fn another_body_part_or_side_is_not_compared() {
    let knee = "MRI RIGHT KNEE. There is a tear of the medial meniscus.";
    let other = "MRI LEFT KNEE. There is a tear of the medial meniscus.";
    refused(&found("MRI knee", knee, other), Some("side"));
    let head = "CT HEAD. There is no hemorrhage.";
    refused(
        &found("CT head", head, "MRI LUMBAR SPINE. No fracture."),
        Some("body_part"),
    );
}

fn only_row(found: &Concordance, class: Class, finding: &str) {
    let rows: Vec<_> = found
        .items
        .iter()
        .filter(|i| i.finding.contains(finding))
        .collect();
    assert_eq!(rows.len(), 1, "{found:?}");
    assert_eq!(rows[0].class, class, "{found:?}");
    assert!(rows[0].critical);
    assert_eq!(found.overall, Some(Overall::ChangesManagement));
}

#[test]
fn a_denied_embolus_is_a_contradiction() {
    for denied in [
        "No evidence of pulmonary embolism.",
        "No pulmonary embolism.",
        "No evidence of PE.",
    ] {
        for stated in [
            "Saddle embolus in the main pulmonary artery.",
            "Large saddle pulmonary embolus extending into both main pulmonary arteries.",
            "Acute pulmonary embolism in the right lower lobe artery.",
        ] {
            let class = Class::Contradicted;
            only_row(&found("CT chest", denied, stated), class, "embolism");
            only_row(&found("CT chest", stated, denied), class, "embolism");
        }
    }
}

#[test]
fn the_side_of_a_disc_is_the_discs() {
    for tail in [
        "",
        " compressing the SIDE L5 root",
        " with compression of the SIDE L5 nerve root",
    ] {
        let text = |side: &str| {
            format!(
                "L4-L5 disc extrusion on the {side}{}.",
                tail.replace("SIDE", side)
            )
        };
        let found = found("MRI lumbar spine", &text("right"), &text("left"));
        only_row(&found, Class::Laterality, "disc");
        let row = found.items.iter().find(|i| i.finding.contains("disc"));
        assert_eq!(row.and_then(|r| r.side.as_deref()), Some("right/left"));
    }
}

#[test]
fn another_side_and_another_kind_of_one_disc_is_one_row() {
    let found = found(
        "MRI lumbar spine",
        "L4-L5: Disc desiccation. Right paracentral disc protrusion measuring 5 mm, contacting the right L5 nerve root.",
        "L4-L5: Disc desiccation. Left paracentral disc extrusion measuring 9 mm with caudal extension, compressing the traversing left L5 nerve root.",
    );
    let rows: Vec<_> = found
        .items
        .iter()
        .filter(|i| matches!(i.finding.as_str(), "disc_protrusion" | "disc_extrusion"))
        .filter(|i| i.class != Class::Size)
        .collect();
    assert_eq!(rows.len(), 1, "{found:?}");
    assert_eq!(rows[0].class, Class::Laterality);
    assert_eq!(rows[0].side.as_deref(), Some("right/left"));
    assert!(rows[0].original.is_some() && rows[0].second.is_some());
    assert!(
        rows[0].sentence.contains("right disc protrusion"),
        "{found:?}"
    );
    assert_eq!(found.overall, Some(Overall::ChangesManagement));
}

#[test]
fn a_report_titled_with_the_other_side_than_the_exam_is_not_compared() {
    let original =
        "EXAM: MRI RIGHT KNEE\nFINDINGS: Complete tear of the anterior cruciate ligament.";
    let second = "Complete tear of the anterior cruciate ligament.";
    let found = overread_concordance::compare("MRI left knee", original, second);
    assert!(!found.comparable, "{:?}", found.guard);
    let found = overread_concordance::compare("MRI right knee", original, second);
    assert!(found.comparable, "{:?}", found.guard);
}

#[test]
fn a_report_of_another_kind_of_examination_is_not_compared() {
    let original = "EXAM: CT HEAD\nFINDINGS: No hemorrhage. No mass.";
    let found = overread_concordance::compare("MRI head", original, "No hemorrhage. No mass.");
    assert!(!found.comparable, "{:?}", found.guard);
}

#[test]
fn a_study_called_normal_disagrees_with_what_the_other_report_found() {
    for normal in [
        "Normal.",
        "Normal study.",
        "Unremarkable examination.",
        "The examination is normal.",
        "IMPRESSION: Normal.",
        "FINDINGS: Normal study.",
        "Normal MRI of the lumbar spine.",
        "Negative.",
        "No abnormality.",
        "Within normal limits.",
        "No acute abnormality. Normal examination.",
    ] {
        let other = "L4-L5: large disc extrusion compressing the left L5 nerve root.";
        for (o, s) in [(normal, other), (other, normal)] {
            let found = compare("MRI lumbar spine", o, s);
            assert!(found.comparable, "{o} {s} {found:?}");
            let rows = found
                .items
                .iter()
                .filter(|i| i.class == Class::Contradicted);
            assert!(
                rows.filter(|i| i.critical).count() >= 1,
                "{o} {s} {found:?}"
            );
            assert_eq!(found.overall, Some(Overall::ChangesManagement), "{o} {s}");
        }
        // The name of the examination need not be known.
        let found = compare(
            "",
            normal,
            "Acute pulmonary embolism in the left lower lobe.",
        );
        let row = found.items.iter().find(|i| i.class == Class::Contradicted);
        let known = normal.contains("lumbar") || normal.contains("abnormality");
        assert!(
            known || row.is_some_and(|i| i.critical),
            "{normal} {found:?}"
        );
        let both = compare("MRI lumbar spine", normal, "Normal study.");
        assert_eq!(both.overall, Some(Overall::Confirms), "{normal} {both:?}");
    }
}

#[test]
fn a_normal_organ_is_no_normal_study() {
    let other = "Acute appendicitis. 30 mm mass of the left kidney.";
    for one in [
        "LIVER: Normal.",
        "LIVER\nNormal.",
        "Zyxwv: Normal.",
        "The liver is normal.",
        "Normal caliber.",
    ] {
        let found = compare("CT abdomen", one, other);
        let rows = found.items.iter();
        let denied = rows.filter(|i| i.class == Class::Contradicted).count();
        assert_eq!(denied, 0, "{one} {found:?}");
    }
}

#[test]
fn a_report_of_which_nothing_is_understood_is_said_to_be_so() {
    for nothing in ["Xyz.", "See above.", "Ditto"] {
        let found = compare("CT chest", nothing, "Acute pulmonary embolism.");
        assert!(!found.comparable && found.overall.is_none(), "{nothing}");
        assert!(
            found
                .reasons
                .iter()
                .any(|r| r.starts_with("Nothing in the original report")),
            "{nothing} {found:?}"
        );
        assert!(!found.not_compared.is_empty(), "{nothing}");
        let view = plain::view(&found, plain::Reader::Patient);
        assert!(
            view.counts[0].contains("could not be compared"),
            "{nothing}"
        );
        assert!(view.not_compared.is_some(), "{nothing}");
    }
}
