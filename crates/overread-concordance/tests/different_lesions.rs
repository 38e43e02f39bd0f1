//! Two lesions that are not one: counted bones, the clock face, other ligaments, categories, counts, change, sides.

use overread_concordance::{Class, Overall, compare};

/// Both ways round the pair is critical, of this class, and never a confirmation.
fn differ(class: Class, pairs: &[(&str, &str, &str)]) {
    for (exam, one, other) in pairs {
        for (original, second) in [(one, other), (other, one)] {
            let found = compare(exam, original, second);
            let row = found.items.iter().find(|i| i.class == class);
            assert!(
                row.is_some_and(|i| i.critical),
                "{original} | {second} {found:?}"
            );
            assert_eq!(
                found.overall,
                Some(Overall::ChangesManagement),
                "{original} | {second}"
            );
        }
    }
}

fn agree(pairs: &[(&str, &str, &str)]) {
    for (exam, one, other) in pairs {
        for (original, second) in [(one, other), (other, one)] {
            let found = compare(exam, original, second);
            assert!(
                found.items.iter().all(|i| !i.critical),
                "{original} | {second} {found:?}"
            );
            assert_eq!(
                found.overall,
                Some(Overall::Confirms),
                "{original} | {second}"
            );
        }
    }
}

#[test]
fn a_counted_part_is_a_place() {
    differ(
        Class::Location,
        &[
            (
                "XR hand",
                "Fracture of the fifth metacarpal.",
                "Fracture of the second metacarpal.",
            ),
            (
                "XR hand",
                "Fracture of the index finger.",
                "Fracture of the ring finger.",
            ),
            (
                "XR foot",
                "Fracture of the great toe.",
                "Fracture of the 4th toe.",
            ),
            (
                "XR foot",
                "Fracture of the 2nd metatarsal.",
                "Fracture of the 5th metatarsal.",
            ),
            (
                "XR chest",
                "Fracture of the left fourth rib.",
                "Fracture of the left ninth rib.",
            ),
            (
                "Breast ultrasound",
                "Mass at 3 o'clock in the left breast.",
                "Mass at 9 o'clock in the left breast.",
            ),
            (
                "Breast ultrasound",
                "Left breast: 8 mm mass at 3:00.",
                "Left breast: 8 mm mass at 9:00.",
            ),
            (
                "XR hand",
                "Fracture of the proximal phalanx of the thumb.",
                "Fracture of the distal phalanx of the thumb.",
            ),
        ],
    );
    agree(&[
        (
            "XR hand",
            "Fracture of the base of the thumb metacarpal.",
            "Fracture of the first metacarpal base.",
        ),
        (
            "XR chest",
            "Fractures of the left 4th to 6th ribs.",
            "Fractures of the left ribs 4, 5 and 6.",
        ),
        (
            "Breast ultrasound",
            "Mass at 12 o'clock in the left breast.",
            "Mass at 12:30 in the left breast.",
        ),
        (
            "Breast ultrasound",
            "Mass at 12 o'clock in the left breast.",
            "Mass at 1 o'clock in the left breast.",
        ),
    ]);
}

#[test]
fn parts_that_shared_a_name_are_told_apart() {
    differ(
        Class::Location,
        &[
            (
                "MRI left ankle",
                "Complete tear of the ATFL.",
                "Complete tear of the CFL.",
            ),
            (
                "XR wrist",
                "Fracture of the hamate.",
                "Fracture of the capitate.",
            ),
            (
                "XR elbow",
                "Fracture of the olecranon.",
                "Fracture of the lateral epicondyle.",
            ),
            (
                "XR ankle",
                "Fracture of the medial malleolus.",
                "Fracture of the posterior malleolus.",
            ),
            (
                "Venous doppler",
                "Thrombus in the left popliteal vein.",
                "Thrombus in the left common femoral vein.",
            ),
        ],
    );
}

#[test]
fn another_category_is_another_reading() {
    differ(
        Class::Interpretation,
        &[
            (
                "CT abdomen",
                "Bosniak IIF cyst of the left kidney.",
                "Bosniak IV cyst of the left kidney.",
            ),
            (
                "CT abdomen",
                "Left renal cyst, Bosniak II.",
                "Left renal cyst, Bosniak IIF.",
            ),
            (
                "CT abdomen",
                "Left renal cyst, Bosniak 2.",
                "Left renal cyst, Bosniak 2F.",
            ),
            (
                "MRI liver",
                "LR-M lesion in segment 8.",
                "LR-5 lesion in segment 8.",
            ),
            (
                "Mammogram",
                "Mass in the left breast, BI-RADS 3.",
                "Mass in the left breast, BI-RADS 4A.",
            ),
        ],
    );
    agree(&[
        (
            "CT abdomen",
            "Left renal cyst, Bosniak 3.",
            "Left renal cyst, Bosniak III.",
        ),
        (
            "Mammogram",
            "Mass in the left breast, BI-RADS 4.",
            "Mass in the left breast, BI-RADS 4A.",
        ),
    ]);
}

#[test]
fn another_count_is_a_difference() {
    differ(
        Class::Severity,
        &[
            (
                "CT liver",
                "One liver metastasis.",
                "Five liver metastases.",
            ),
            (
                "CT liver",
                "Solitary metastasis in the liver.",
                "Multiple metastases in the liver.",
            ),
            (
                "XR chest",
                "Fractures of the left ribs 4 and 5.",
                "Fractures of the left ribs 4 through 9.",
            ),
        ],
    );
    agree(&[
        (
            "CT chest",
            "A 5 mm nodule in the right upper lobe.",
            "Single 5 mm nodule in the right upper lobe.",
        ),
        (
            "CT chest",
            "Multiple pulmonary nodules.",
            "Several pulmonary nodules.",
        ),
    ]);
}

#[test]
fn stable_and_growing_displaced_and_not_are_opposites() {
    differ(
        Class::Interpretation,
        &[
            (
                "CT chest",
                "Stable 8 mm nodule in the right upper lobe.",
                "8 mm nodule in the right upper lobe, increased in size.",
            ),
            (
                "CT chest",
                "Unchanged 8 mm nodule in the right upper lobe.",
                "Enlarging 8 mm nodule in the right upper lobe.",
            ),
            (
                "XR ankle",
                "Nondisplaced fracture of the distal fibula.",
                "Displaced fracture of the distal fibula.",
            ),
        ],
    );
    agree(&[
        (
            "CT chest",
            "Stable 8 mm nodule in the right upper lobe.",
            "8 mm nodule in the right upper lobe, unchanged.",
        ),
        (
            "XR ankle",
            "Nondisplaced fracture of the distal fibula.",
            "Fracture of the distal fibula without displacement.",
        ),
    ]);
    // A little displacement is no alarm, and not quite the same either.
    let found = overread_concordance::compare(
        "XR ankle",
        "Minimally displaced fracture of the distal fibula.",
        "Nondisplaced fracture of the distal fibula.",
    );
    assert_eq!(found.overall, Some(overread_concordance::Overall::Refines));
    assert!(found.items.iter().all(|item| !item.critical));
}

#[test]
fn the_opposite_side_is_a_side() {
    differ(
        Class::Laterality,
        &[
            (
                "MRI lumbar spine",
                "L4-L5 disc extrusion on the right.",
                "L4-L5 disc extrusion on the opposite side.",
            ),
            (
                "CT abdomen",
                "2 cm mass in the right kidney.",
                "2 cm mass in the contralateral kidney.",
            ),
        ],
    );
    agree(&[(
        "CT abdomen",
        "Right kidney stone 5 mm. The contralateral kidney is normal.",
        "Right kidney stone 5 mm. The left kidney is normal.",
    )]);
}

#[test]
fn what_is_only_named_in_a_denial_is_not_denied() {
    for (exam, original, second) in [
        (
            "CT abdomen",
            "No rupture of the aneurysm.",
            "4 cm aortic aneurysm.",
        ),
        (
            "MRI lumbar spine",
            "No compression of the nerve root by the herniation.",
            "L4-L5 disc herniation.",
        ),
        (
            "CT chest",
            "No growth of the known nodule.",
            "8 mm nodule in the left lower lobe.",
        ),
    ] {
        let found = compare(exam, original, second);
        let denied = found.items.iter().any(|i| i.class == Class::Contradicted);
        assert!(!denied, "{original} {found:?}");
    }
    let found = compare(
        "CT chest",
        "No evidence of the previously described nodule.",
        "8 mm nodule in the left lower lobe.",
    );
    assert!(
        found.items.iter().any(|i| i.class == Class::Contradicted),
        "{found:?}"
    );
}

#[test]
fn a_cancer_of_the_past_is_not_the_one_seen_now() {
    let found = compare(
        "Mammogram",
        "History of left breast cancer.",
        "Left breast cancer of 2 cm.",
    );
    assert!(
        found.items.iter().all(|i| i.class != Class::Agree),
        "{found:?}"
    );
    assert_eq!(found.overall, Some(Overall::ChangesManagement));
}

#[test]
fn short_names_are_written_out() {
    let found = compare(
        "MRI left knee",
        "ACL tear. Nodule in the rul.",
        "The ACL is intact.",
    );
    let text: String = found
        .items
        .iter()
        .map(|i| format!("{} ", i.sentence))
        .collect();
    assert!(
        text.contains("nterior cruciate ligament") && text.contains("right upper lobe"),
        "{text}"
    );
    assert!(
        !text.to_lowercase().contains("acl") && !text.contains("rul "),
        "{text}"
    );
}

#[test]
fn the_clock_face_and_the_quadrant_are_one_place_or_two() {
    let class = |exam: &str, o: &str, s: &str| {
        let found = compare(exam, o, s);
        let rows: Vec<_> = found
            .items
            .iter()
            .filter(|i| i.finding.contains("mass"))
            .collect();
        assert_eq!(rows.len(), 1, "{o} {s} {found:?}");
        rows[0].class
    };
    let exam = "Ultrasound breast";
    for (o, s, expect) in [
        (
            "Right breast: irregular mass at 9 o'clock.",
            "Irregular mass in the outer right breast.",
            Class::Agree,
        ),
        (
            "Right breast: irregular mass at 10 o'clock.",
            "Irregular mass in the upper outer quadrant of the right breast.",
            Class::Agree,
        ),
        (
            "Right breast: irregular mass at 9 o'clock.",
            "Irregular mass in the inner right breast.",
            Class::Location,
        ),
        (
            "Left breast: irregular mass at 10 o'clock.",
            "Irregular mass in the upper outer quadrant of the left breast.",
            Class::Location,
        ),
        (
            "RIGHT BREAST\nIrregular mass at 3:30.",
            "Irregular mass in the right breast at 9 o'clock.",
            Class::Location,
        ),
        (
            "Irregular mass of the right breast at 3:30.",
            "Right breast. Irregular mass at 4:00.",
            Class::Agree,
        ),
    ] {
        assert_eq!(class(exam, o, s), expect, "{o} {s}");
        assert_eq!(class(exam, s, o), expect, "{s} {o}");
    }
}

#[test]
fn a_disc_named_in_the_sentence_goes_before_that_of_the_heading() {
    let found = compare(
        "MRI cervical spine",
        "C5-C6 is the worst level: a protrusion. At C6-C7 there is a bulge and slight canal narrowing.",
        "C5-C6: protrusion.\nC6-C7: bulge. Mild canal stenosis.",
    );
    let agree = |i: &&overread_concordance::Item| i.class == Class::Agree;
    assert_eq!(found.items.iter().filter(agree).count(), 3, "{found:?}");
    assert_eq!(found.items.len(), 3, "{found:?}");
}

#[test]
fn a_row_of_levels_speaks_of_every_level_in_it() {
    let classes = |o: &str, s: &str| {
        let found = compare("MRI lumbar spine", o, s);
        let rows = found.items.iter();
        let mut classes: Vec<_> = rows.map(|i| (i.class, i.critical)).collect();
        classes.sort_by_key(|(class, _)| class.name());
        classes
    };
    let agree = (Class::Agree, false);
    for (row, single) in [
        (
            "L1-L2 to L3-L4: No disc herniation.",
            "L1-L2: No disc herniation.\nL2-L3: No disc herniation.\nL3-L4: No disc herniation.",
        ),
        (
            "Mild disc degeneration L1-L2 to L3-L4.",
            "L1-L2: mild disc degeneration.\nL2-L3: mild disc degeneration.\nL3-L4: mild disc degeneration.",
        ),
    ] {
        assert_eq!(classes(row, single), [agree; 3], "{row}");
        assert_eq!(classes(single, row), [agree; 3], "{row}");
    }
    // The level is compared, not swallowed; the one between that the other report leaves out is told once.
    let row = "Mild central canal stenosis L2-L3 to L4-L5.";
    let single = "L2-L3: mild central canal stenosis.\nL4-L5: severe central canal stenosis.";
    let worse = (Class::Severity, true);
    let only = |class| (class, false);
    let expected = [agree, only(Class::OnlyOriginal), worse];
    assert_eq!(classes(row, single), expected);
    let expected = [agree, only(Class::OnlySecond), worse];
    assert_eq!(classes(single, row), expected);
    // A level outside the row is another one.
    let outside = classes(
        row,
        "L2-L3: mild central canal stenosis.\nL5-S1: mild central canal stenosis.",
    );
    assert!(
        outside.iter().any(|(class, _)| *class != Class::Agree),
        "{outside:?}"
    );
}
