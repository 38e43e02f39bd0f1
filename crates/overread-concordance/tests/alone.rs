//! What one report alone says, asks for, or grades and measures far apart: never a small matter when it is none.

use overread_concordance::{Class, Item, ItemKind, Overall, compare, plain};

/// Compares a calm report with the same report and one more sentence.
fn added(exam: &str, calm: &str, more: &str) -> overread_concordance::Concordance {
    compare(exam, calm, &format!("{calm} {more}"))
}

#[test]
fn an_important_detection_of_the_second_report_alone_is_critical() {
    for (exam, calm, more, finding) in [
        (
            "MRI lumbar spine",
            "L4-L5: disc bulge.",
            "Cauda equina compression at L4-L5.",
            "cauda_equina_compression",
        ),
        (
            "CT abdomen",
            "The liver is normal.",
            "Enhancing renal mass on the left.",
            "renal_mass",
        ),
        (
            "CT abdomen",
            "The liver is normal.",
            "22 mm lesion of the right kidney.",
            "renal_mass",
        ),
        (
            "Chest radiograph",
            "The heart is normal in size.",
            "Tension pneumothorax on the right.",
            "pneumothorax",
        ),
        (
            "MRI right knee",
            "Small joint effusion.",
            "Complete tear of the anterior cruciate ligament.",
            "acl_tear",
        ),
        (
            "MRI brain",
            "The ventricles are normal.",
            "3 cm meningioma of the left convexity.",
            "meningioma",
        ),
        (
            "CT chest",
            "The heart is normal.",
            "9 mm nodule in the right upper lobe.",
            "pulmonary_nodule",
        ),
        (
            "MRI lumbar spine",
            "L4-L5: disc bulge.",
            "L3-L4: severe central canal stenosis.",
            "central_canal_stenosis",
        ),
    ] {
        let found = added(exam, calm, more);
        let row = found.items.iter().find(|i| i.finding == finding);
        let row = row.unwrap_or_else(|| panic!("{more}: {found:?}"));
        assert_eq!(row.class, Class::OnlySecond, "{more}");
        assert!(row.critical && !row.variation, "{more} {found:?}");
        assert_eq!(found.overall, Some(Overall::ChangesManagement), "{more}");
    }
}

#[test]
fn a_small_or_old_detection_of_one_report_alone_is_no_alarm() {
    for (exam, calm, more) in [
        (
            "CT abdomen",
            "The liver is normal.",
            "Simple cyst of the left kidney.",
        ),
        (
            "CT abdomen",
            "The liver is normal.",
            "Old healed rib fracture.",
        ),
        (
            "MRI lumbar spine",
            "L4-L5: disc bulge.",
            "Small disc protrusion at L5-S1.",
        ),
        (
            "CT chest",
            "The heart is normal.",
            "3 mm nodule in the right upper lobe.",
        ),
        (
            "CT chest",
            "The heart is normal.",
            "History of breast cancer.",
        ),
        ("CT chest", "The heart is normal.", "Breast cancer in 2015."),
    ] {
        let found = added(exam, calm, more);
        assert!(found.items.iter().all(|i| !i.critical), "{more} {found:?}");
        assert_ne!(found.overall, Some(Overall::ChangesManagement), "{more}");
    }
}

#[test]
fn an_emergency_of_the_first_report_of_which_the_second_is_silent_is_critical() {
    let calm = "The heart is normal in size.";
    let found = compare(
        "CT chest",
        &format!("{calm} Acute pulmonary embolism in the left lower lobe."),
        calm,
    );
    assert!(
        found
            .items
            .iter()
            .any(|i| i.critical && i.class == Class::OnlyOriginal)
    );
    assert_eq!(found.overall, Some(Overall::ChangesManagement));
}

fn advice(found: &overread_concordance::Concordance) -> Vec<&Item> {
    let rows = found.items.iter();
    rows.filter(|i| i.kind == ItemKind::Recommendation)
        .collect()
}

#[test]
fn urgent_advice_is_never_folded_and_counts() {
    for more in [
        "Urgent decompression today.",
        "Immediate neurosurgical consultation is recommended.",
        "The patient should go to the emergency department immediately.",
        "MRI within 24 hours is recommended.",
        "Emergency surgery is needed.",
        "Recommend biopsy of the lesion.",
        "Consider surgical decompression.",
    ] {
        let found = added("MRI lumbar spine", "L4-L5: disc bulge.", more);
        let rows = advice(&found);
        assert_eq!(rows.len(), 1, "{more} {found:?}");
        assert!(rows[0].critical && !rows[0].variation, "{more} {found:?}");
        assert_eq!(found.overall, Some(Overall::ChangesManagement), "{more}");
        let view = plain::view(&found, plain::Reader::Patient);
        assert!(!view.differences.is_empty(), "{more}");
    }
    for more in [
        "Clinical correlation is recommended.",
        "No urgent follow-up is needed.",
        "Non-urgent follow-up is recommended.",
    ] {
        let found = added("MRI lumbar spine", "L4-L5: disc bulge.", more);
        assert!(
            advice(&found).iter().all(|i| i.variation && !i.critical),
            "{more}"
        );
        assert_eq!(found.overall, Some(Overall::Confirms), "{more}");
    }
}

#[test]
fn other_advice_is_no_agreement() {
    let both = |o: &str, s: &str| {
        let text = |advice: &str| format!("5 mm nodule in the right upper lobe. {advice}");
        compare("CT chest", &text(o), &text(s))
    };
    for (o, s) in [
        ("Recommend follow-up CT in 12 months.", "Recommend biopsy."),
        ("Follow-up CT is recommended.", "No follow-up is needed."),
        ("CT is recommended.", "Urgent CT is recommended."),
    ] {
        let found = both(o, s);
        assert!(
            advice(&found).iter().any(|i| i.critical),
            "{o} {s} {found:?}"
        );
        assert_eq!(found.overall, Some(Overall::ChangesManagement), "{o} {s}");
    }
    let later = both("Follow-up CT in 12 months.", "Follow-up CT in 3 months.");
    assert_eq!(advice(&later)[0].class, Class::Severity);
    assert_eq!(later.overall, Some(Overall::Refines));
    let same = both(
        "Follow-up CT in 6 months is recommended.",
        "Recommend follow-up CT in 6 months.",
    );
    assert_eq!(advice(&same)[0].class, Class::Agree);
    assert_eq!(same.overall, Some(Overall::Confirms));
}

#[test]
fn another_means_or_another_time_is_other_advice() {
    let row = |o: &str, s: &str| {
        let text = |advice: &str| format!("8 mm lesion of the liver. {advice}");
        let found = compare("CT abdomen", &text(o), &text(s));
        let rows = advice(&found);
        assert_eq!(rows.len(), 1, "{o} {s} {found:?}");
        (rows[0].class, rows[0].critical)
    };
    for (o, s) in [
        ("Ultrasound is recommended.", "MRI is recommended."),
        ("Follow-up CT in 6 months.", "Follow-up MRI in 6 months."),
        ("Recommend colonoscopy.", "Recommend PET/CT."),
        (
            "CT-guided biopsy is recommended.",
            "Follow-up CT is recommended.",
        ),
    ] {
        assert_eq!(row(o, s), (Class::Interpretation, true), "{o} {s}");
        assert_eq!(row(s, o), (Class::Interpretation, true), "{s} {o}");
    }
    for (o, s) in [
        ("MRI is recommended.", "MRI or ultrasound is recommended."),
        (
            "Clinical correlation is recommended.",
            "MRI is recommended.",
        ),
    ] {
        assert_eq!(row(o, s), (Class::Interpretation, false), "{o} {s}");
    }
    let when = (
        "Annual follow-up CT is recommended.",
        "Follow-up CT in 3 months.",
    );
    assert_eq!(row(when.0, when.1).0, Class::Severity);
    let soon = ("Follow-up CT in 6 weeks.", "Follow-up CT in 3 months.");
    assert_eq!(row(soon.0, soon.1).0, Class::Severity);
    let twice = ("Follow-up CT in 3 months.", "Follow-up CT in 6 months.");
    assert_eq!(row(twice.0, twice.1), (Class::Severity, false));
    for (o, s) in [
        ("Further imaging is recommended.", "MRI is recommended."),
        (
            "Follow-up CT is recommended.",
            "Follow-up CT in 6 months is recommended.",
        ),
    ] {
        assert_eq!(row(o, s), (Class::MoreDetail, false), "{o} {s}");
    }
    for (o, s) in [
        ("Ultrasound is recommended.", "Sonography is advised."),
        (
            "MRI is recommended.",
            "Magnetic resonance imaging is suggested.",
        ),
        (
            "Follow-up CT in 12 months.",
            "Follow-up CT in one year is advised.",
        ),
        // An end of the interval the other names.
        (
            "Follow-up CT in 6 to 12 months.",
            "Follow-up CT in 12 months.",
        ),
        ("Follow-up CT in 18 months.", "Follow-up CT in 24 months."),
    ] {
        assert_eq!(row(o, s), (Class::Agree, false), "{o} {s}");
    }
}

#[test]
fn a_step_over_a_grade_and_a_wide_step_in_size_are_critical() {
    for (exam, original, second, class, critical) in [
        (
            "MRI lumbar spine",
            "L4-L5: mild central canal stenosis.",
            "L4-L5: severe central canal stenosis.",
            Class::Severity,
            true,
        ),
        (
            "MRI lumbar spine",
            "L4-L5: moderate central canal stenosis.",
            "L4-L5: severe central canal stenosis.",
            Class::Severity,
            false,
        ),
        (
            "MRI lumbar spine",
            "L4-L5: mild facet arthropathy.",
            "L4-L5: severe facet arthropathy.",
            Class::Severity,
            false,
        ),
        (
            "Carotid ultrasound",
            "50% stenosis of the right internal carotid artery.",
            "80% stenosis of the right internal carotid artery.",
            Class::Severity,
            true,
        ),
        (
            "CT chest",
            "4 mm nodule in the right upper lobe.",
            "14 mm nodule in the right upper lobe.",
            Class::Size,
            true,
        ),
        (
            "CT chest",
            "4 mm nodule in the right upper lobe.",
            "7 mm nodule in the right upper lobe.",
            Class::Size,
            true,
        ),
        (
            "CT head",
            "Left subdural hematoma of 5 mm.",
            "Left subdural hematoma of 12 mm.",
            Class::Size,
            true,
        ),
        (
            "CT abdomen",
            "Left renal cyst of 20 mm.",
            "Left renal cyst of 25 mm.",
            Class::Size,
            false,
        ),
    ] {
        let found = compare(exam, original, second);
        let row = found.items.iter().find(|i| i.class == class);
        let row = row.unwrap_or_else(|| panic!("{second}: {found:?}"));
        assert_eq!(row.critical, critical, "{second} {found:?}");
        let changes = found.overall == Some(Overall::ChangesManagement);
        assert_eq!(changes, critical, "{second} {found:?}");
    }
}

#[test]
fn a_size_that_differs_inside_another_difference_has_its_own_row() {
    let found = compare(
        "MRI brain",
        "14 mm left frontal meningioma.",
        "25 mm right frontal meningioma.",
    );
    for class in [Class::Laterality, Class::Size] {
        let rows = found.items.iter().filter(|i| i.class == class);
        assert_eq!(rows.count(), 1, "{class:?} {found:?}");
    }
    let same = compare(
        "MRI brain",
        "24 mm left frontal meningioma.",
        "25 mm right frontal meningioma.",
    );
    assert!(same.items.iter().all(|i| i.class != Class::Size));
}

#[test]
fn a_step_that_is_called_unneeded_is_not_asked_for() {
    for second in [
        "Surgery is not clearly needed on these images.",
        "Surgery is not strictly necessary.",
        "Surgery is never required here.",
    ] {
        let found = compare(
            "MRI left wrist",
            "Impression: Tear of the scapholunate ligament. Surgical consultation is recommended.",
            &format!("Impression: Tear of the scapholunate ligament. {second}"),
        );
        let reasons = found.reasons.join(" ");
        assert!(
            reasons.contains("second asks for no further step"),
            "{second}: {reasons}"
        );
    }
    let found = compare(
        "MRI left wrist",
        "Impression: Tear. Surgical consultation is recommended.",
        "Impression: Tear. Surgery is recommended, and no cast is worn.",
    );
    assert!(
        !found.reasons.join(" ").contains("no further step"),
        "{found:?}"
    );
}
