//! What stands before any comparison: the same patient, the same day, the same part of the body.

use overread_concordance::{Concordance, Subject, compare, compare_case};

fn stopped(found: &Concordance, kind: &str) {
    assert!(!found.comparable, "{found:?}");
    assert_eq!(found.overall, None);
    assert!(
        found.guard.problems.iter().any(|p| p.kind == kind),
        "{kind} {found:?}"
    );
}

const FINDINGS: &str = "FINDINGS: L4-L5: disc bulge.";

fn head(line: &str) -> String {
    format!("{line}\n\n{FINDINGS}")
}

#[test]
fn two_reports_of_two_people_or_days_are_not_compared() {
    for (one, other, kind) in [
        (
            "Patient: John Smith",
            "Patient Name: JONES, MARY",
            "patient",
        ),
        (
            "DOB: 01/02/1960",
            "Date of birth: 3 April 1980",
            "birth_date",
        ),
        (
            "Date of exam: 01/02/2025",
            "Exam date: 2026-05-06",
            "exam_date",
        ),
    ] {
        stopped(&compare("MRI lumbar spine", &head(one), &head(other)), kind);
        let same = compare("MRI lumbar spine", &head(one), &head(one));
        assert!(same.comparable, "{one} {same:?}");
    }
}

#[test]
fn a_report_of_another_person_or_day_than_the_case_is_not_compared() {
    let subject = Subject {
        exam: "MRI lumbar spine",
        patient_name: "Mary Ann Jones",
        birth_date: "1980-04-03",
        exam_dates: &["2026-05-06", "20260101"],
    };
    for (line, kind) in [
        ("Patient: John Smith", "patient"),
        ("DOB: 01/02/1960", "birth_date"),
        ("Date of exam: 01/02/2025", "exam_date"),
    ] {
        stopped(&compare_case(&subject, &head(line), FINDINGS), kind);
        stopped(&compare_case(&subject, FINDINGS, &head(line)), kind);
    }
    let right = head("Patient: Jones, Mary A.   DOB: 04/03/1980\nDate of exam: January 1, 2026");
    let found = compare_case(&subject, &right, FINDINGS);
    assert!(found.comparable, "{found:?}");
    assert_eq!(
        compare_case(&subject, FINDINGS, FINDINGS).overall,
        compare("MRI lumbar spine", FINDINGS, FINDINGS).overall
    );
}

#[test]
fn no_name_and_no_day_stands_in_a_message() {
    let found = compare(
        "MRI lumbar spine",
        &head("Patient: John Marigold\nDOB: 01/02/1960"),
        &head("Patient: Mary Jones\nDOB: 03/04/1980"),
    );
    let all = serde_json::to_string(&(&found.guard, &found.reasons)).unwrap();
    assert!(!all.contains("Marigold") && !all.contains("1960"), "{all}");
}

#[test]
fn the_side_of_a_breast_or_kidney_is_guarded() {
    for (exam, one, other) in [
        (
            "",
            "MAMMOGRAM LEFT BREAST. No mass.",
            "MAMMOGRAM RIGHT BREAST. No mass.",
        ),
        ("Mammogram left", "No mass.", "MAMMOGRAM RIGHT. No mass."),
        (
            "US left kidney",
            "No stone.",
            "ULTRASOUND RIGHT KIDNEY. No stone.",
        ),
        ("MRI right orbit", "MRI LEFT ORBIT. No mass.", "No mass."),
    ] {
        stopped(&compare(exam, one, other), "side");
    }
    for (exam, one, other) in [
        (
            "US kidneys",
            "Right kidney: 5 mm stone.",
            "Left kidney: normal. Right kidney: 5 mm stone.",
        ),
        (
            "Mammogram",
            "Left breast: no mass.",
            "Right breast: no mass. Left breast: no mass.",
        ),
        (
            "MRI left breast",
            "MRI BREAST LEFT. No mass.",
            "No mass in the right breast.",
        ),
    ] {
        let found = compare(exam, one, other);
        assert!(
            found.guard.problems.iter().all(|p| p.kind != "side"),
            "{found:?}"
        );
    }
}

#[test]
fn advice_of_another_kind_of_examination_is_no_other_examination() {
    let found = compare(
        "CT head",
        "No hemorrhage. MRI is recommended.",
        "No hemorrhage.",
    );
    assert!(found.comparable, "{found:?}");
}

#[test]
fn debug_shows_no_words_of_a_report_anywhere() {
    let text = "Marigold disc bulge at L4-L5, Marigold. IMPRESSION: L4-L5 disc bulge on the left.";
    let found = compare(
        "MRI lumbar spine",
        text,
        "L4-L5 left disc extrusion of 9 mm, Marigold.",
    );
    let view =
        overread_concordance::plain::view(&found, overread_concordance::plain::Reader::Patient);
    let statements = overread_concordance::statements(text);
    let subject = Subject {
        exam: "Marigold",
        ..Subject::default()
    };
    let shown = format!(
        "{found:?} {view:?} {statements:?} {subject:?} {:?}",
        found.internal_contradictions
    );
    for word in ["Marigold", "bulge", "extrusion", "disc", "L4"] {
        assert!(!shown.contains(word), "{word}: {shown}");
    }
}

#[test]
fn a_name_spelled_differently_is_told_and_compared() {
    let (one, other) = ("Patient: Margaret Jones", "Patient: Margaeret Jones");
    let found = compare("MRI lumbar spine", &head(one), &head(other));
    assert!(found.comparable, "{found:?}");
    let told = found.guard.problems.iter().find(|p| p.kind == "spelling");
    assert!(
        told.is_some_and(|p| p.message.contains("differently")),
        "{found:?}"
    );
    let same = compare("MRI lumbar spine", &head(one), &head(one));
    assert!(same.guard.problems.is_empty(), "{same:?}");
    for (one, other) in [
        ("Patient: Juan Perez", "Patient: Joan Perez"),
        ("Patient: Maria Rossi", "Patient: Mario Rossi"),
    ] {
        stopped(
            &compare("MRI lumbar spine", &head(one), &head(other)),
            "patient",
        );
    }
}

#[test]
fn other_numbers_of_the_patient_or_the_examination_stop_the_comparison() {
    let report = |head: &str| format!("{head}\nNo hemorrhage. Ventricles normal.");
    for (one, other, kind) in [
        ("MRN: 123456", "MRN: 654321", "patient_number"),
        (
            "Patient ID: 12-3456.",
            "Patient ID: 12-3457.",
            "patient_number",
        ),
        (
            "Accession number: A100",
            "Accession: A101",
            "accession_number",
        ),
    ] {
        let found = overread_concordance::compare("CT head", &report(one), &report(other));
        assert!(!found.comparable, "{one} {other}");
        assert!(
            found.guard.problems.iter().any(|p| p.kind == kind),
            "{found:?}"
        );
        let same = overread_concordance::compare("CT head", &report(one), &report(one));
        assert!(
            same.comparable && same.guard.problems.is_empty(),
            "{same:?}"
        );
        let named = |head: &str| report(&format!("Patient: John Smith\nDOB: 01/02/1960\n{head}"));
        let found = overread_concordance::compare("CT head", &named(one), &named(other));
        let elsewhere = format!("{kind}_elsewhere");
        assert!(
            found.comparable,
            "another facility has numbers of its own: {found:?}"
        );
        assert!(
            found.guard.problems.iter().any(|p| p.kind == elsewhere),
            "{found:?}"
        );
    }
}

#[test]
fn organs_of_both_sexes_stop_the_comparison() {
    for (one, other, stops) in [
        (
            "Uterus is normal. Bladder normal.",
            "Prostate is enlarged. Bladder normal.",
            true,
        ),
        (
            "No adnexal mass. Bladder normal.",
            "Testes normal. Bladder normal.",
            true,
        ),
        (
            "Uterus is normal. Bladder normal.",
            "Status post hysterectomy. Bladder normal.",
            false,
        ),
        (
            "Bladder normal.",
            "Prostate is enlarged. Bladder normal.",
            false,
        ),
    ] {
        let found = overread_concordance::compare("CT pelvis", one, other);
        let told = found.guard.problems.iter().any(|p| p.kind == "sex");
        assert_eq!(
            (told, !found.comparable),
            (stops, stops),
            "{one} {other}: {found:?}"
        );
    }
}

/// Rows of a finding, as side and class.
fn rows<'a>(found: &'a Concordance, finding: &str) -> Vec<(Option<&'a str>, &'static str)> {
    let named = found
        .items
        .iter()
        .filter(|row| row.finding.contains(finding));
    named
        .map(|row| (row.side.as_deref(), row.class.name()))
        .collect()
}

#[test]
fn a_report_keeps_its_own_side_when_the_case_names_another() {
    let second = "FINDINGS: No fracture. The tendons are intact.";
    for original in [
        "MRI LEFT WRIST WITHOUT CONTRAST\nFINDINGS: Ganglion cyst of 9 mm at the dorsal wrist. No fracture.",
        "Example Imaging, 12 Harbour Road, Springfield\nPatient: Alex Sample   DOB: 1970-01-31   MRN: 123456\nReferred by: Dr. Rosa Reader, Coast Clinic\nEXAM: MRI WRIST, LEFT\n\nFINDINGS: Ganglion cyst of 9 mm at the dorsal wrist. No fracture.",
    ] {
        let found = compare("MRI right wrist", original, second);
        stopped(&found, "side");
        let ganglion = rows(&found, "ganglion");
        assert_eq!(ganglion, [(Some("left"), "only_original")], "{found:?}");
        assert!(
            found.reasons.iter().any(|why| why.contains("left")),
            "{:?}",
            found.reasons
        );
    }
}

#[test]
fn the_side_of_the_case_stands_in_only_where_the_report_names_none() {
    let second = "FINDINGS: No fracture.";
    for (exam, original, side) in [
        (
            "MRI right wrist",
            "FINDINGS: Ganglion cyst. No fracture.",
            Some("right"),
        ),
        (
            "MRI right wrist",
            "History: fall on the left wrist. FINDINGS: Ganglion cyst. No fracture.",
            Some("left"),
        ),
        (
            "MRI right wrist",
            "COMPARISON: MRI of the left wrist of 2020. FINDINGS: Ganglion cyst. No fracture.",
            Some("right"),
        ),
        (
            "MRI wrist",
            "MRI LEFT WRIST. FINDINGS: Ganglion cyst. No fracture.",
            Some("left"),
        ),
        ("MRI wrist", "FINDINGS: Ganglion cyst. No fracture.", None),
    ] {
        let found = compare(exam, original, second);
        assert_eq!(
            rows(&found, "ganglion"),
            [(side, "only_original")],
            "{exam} {original} {found:?}"
        );
        let turned = compare(exam, second, original);
        assert_eq!(
            rows(&turned, "ganglion"),
            [(side, "only_second")],
            "{exam} {original} {turned:?}"
        );
    }
}

#[test]
fn a_body_that_speaks_only_of_the_other_side_stops_the_comparison() {
    let second = "FINDINGS: Ganglion cyst. No fracture.";
    for (original, stops) in [
        (
            "History: fall on the left wrist.\nFINDINGS: Ganglion cyst. No fracture.",
            true,
        ),
        (
            "FINDINGS: The left wrist shows a ganglion cyst. No fracture.",
            true,
        ),
        (
            "FINDINGS: The right wrist shows a ganglion cyst. The left wrist was not imaged. No fracture.",
            false,
        ),
        (
            "FINDINGS: Ganglion cyst on the left of the joint. No fracture.",
            false,
        ),
    ] {
        let found = compare("MRI right wrist", original, second);
        let told = found.guard.problems.iter().any(|p| p.kind == "side");
        assert_eq!(
            (told, !found.comparable),
            (stops, stops),
            "{original} {found:?}"
        );
    }
}

#[test]
fn a_part_named_on_the_other_side_alone_is_doubted() {
    let first = "MRI LEFT WRIST. FINDINGS: No fracture of the left scaphoid.";
    let second = "FINDINGS: Fracture of the right scaphoid waist. IMPRESSION: Fracture of the right scaphoid waist.";
    stopped(&compare("MRI left wrist", first, second), "side");
    let both = "FINDINGS: Fracture of the left scaphoid waist. The right scaphoid is intact.";
    assert!(compare("MRI left wrist", first, both).comparable);
}

#[test]
fn reports_of_two_sides_are_never_called_the_same() {
    let left = "MRI LEFT WRIST. FINDINGS: Ganglion cyst of 9 mm. No fracture.";
    let bare = "FINDINGS: Ganglion cyst of 9 mm. No fracture.";
    for (exam, one, other) in [
        ("MRI right wrist", left, bare),
        ("MRI right wrist", bare, left),
    ] {
        let found = compare(exam, one, other);
        stopped(&found, "side");
        let ganglion = rows(&found, "ganglion");
        assert!(!ganglion.is_empty());
        assert!(ganglion.iter().all(|row| row.1 != "agree"), "{ganglion:?}");
    }
}

#[test]
fn a_report_without_a_title_tells_its_part_of_the_body_by_its_places() {
    let lumbar = "FINDINGS: L4-L5: disc bulge. L5-S1: right paracentral disc protrusion.";
    let wrist = "FINDINGS: Tear of the scapholunate ligament. Ganglion cyst at the dorsal wrist. No scaphoid fracture.";
    for (exam, one, other) in [
        ("MRI left wrist", lumbar, wrist),
        ("MRI left wrist", wrist, lumbar),
        ("MRI lumbar spine", wrist, lumbar),
        (
            "CT chest",
            lumbar,
            "FINDINGS: 8 mm nodule in the right upper lobe. No pleural effusion.",
        ),
    ] {
        stopped(&compare(exam, one, other), "body_part");
    }
    for (exam, report) in [
        ("MRI left wrist", wrist),
        ("MRI lumbar spine", lumbar),
        (
            "CT cervical spine",
            "CT of the neck after trauma: fracture of the C6 facet. Calcification of the carotid bifurcations.",
        ),
        (
            "CTA neck",
            "FINDINGS: Right ICA stenosis 40%. Left ICA stenosis 30%.",
        ),
        (
            "CT abdomen",
            "FINDINGS: 2 cm cyst of the liver. Gallstones. Fracture of L1.",
        ),
        (
            "CT chest",
            "FINDINGS: Nodule in the right upper lobe. Cyst of the liver. Compression fracture of T8.",
        ),
    ] {
        let found = compare(exam, report, report);
        assert!(found.comparable, "{exam} {found:?}");
    }
}

#[test]
fn a_region_beside_the_one_examined_is_no_other_body_part_when_its_places_are_named() {
    let exam = "CT cervical spine";
    let original = "CT CERVICAL SPINE\nFINDINGS: Fracture of the C6 lamina. C5-C6: disc bulge.";
    let beside = "CT of the neck, second reading\nFracture of the C6 lamina. C5-C6: disc bulge.";
    let found = compare(exam, original, beside);
    assert!(found.comparable, "{:?}", found.guard);
    let elsewhere = "CT of the neck, second reading\nThyroid nodule of 2 cm on the right.";
    stopped(&compare(exam, original, elsewhere), "body_part");
    let farther = "CT of the abdomen\nFracture of the C6 lamina. C5-C6: disc bulge.";
    stopped(&compare(exam, original, farther), "body_part");
}
