//! Classes, stages, densities, states and further sites that differ are rows with both quotes.

use overread_concordance::{Class, Item, Overall, compare};

fn row(exam: &str, original: &str, second: &str, finding: &str) -> Item {
    let found = compare(exam, original, second);
    let row = found.items.iter().find(|i| i.finding == finding);
    row.unwrap_or_else(|| panic!("{finding}: {original} / {second}"))
        .clone()
}

fn quote(spans: &Option<Vec<overread_concordance::Span>>) -> &str {
    spans.as_ref().map_or("", |s| s[0].text.as_str())
}

#[test]
fn a_class_that_changes_the_next_step_is_critical_and_quotes_both() {
    for (exam, a, b, finding) in [
        (
            "X-ray pelvis",
            "Garden II fracture of the left femoral neck.",
            "Garden IV fracture of the left femoral neck.",
            "garden_class",
        ),
        (
            "CT knee",
            "Schatzker II tibial plateau fracture.",
            "Tibial plateau fracture, Schatzker type 6.",
            "schatzker_class",
        ),
        (
            "CT chest",
            "Lung cancer, stage IIA.",
            "Lung cancer. Stage IIIB.",
            "cancer_stage",
        ),
        (
            "MRI pelvis",
            "Cervical cancer FIGO IB1.",
            "Cervical cancer FIGO IIB.",
            "figo_stage",
        ),
        (
            "MRI rectum",
            "T2 rectal tumour.",
            "Rectal tumour, mrT4a.",
            "tumor_stage",
        ),
        (
            "CT abdomen",
            "Adrenal nodule left 2 cm, 5 HU.",
            "Adrenal nodule left 2 cm. Density 35 HU.",
            "density",
        ),
        (
            "CT abdomen",
            "Left adrenal nodule 2 cm, -10 HU.",
            "Left adrenal nodule 2 cm, 12 HU.",
            "density",
        ),
    ] {
        for (a, b) in [(a, b), (b, a)] {
            let row = row(exam, a, b, finding);
            assert!(row.critical && row.class == Class::Interpretation, "{a}");
            assert!(a.contains(quote(&row.original)) && !quote(&row.original).is_empty());
            assert!(b.contains(quote(&row.second)) && !quote(&row.second).is_empty());
            let overall = compare(exam, a, b).overall;
            assert_eq!(overall, Some(Overall::ChangesManagement), "{a} / {b}");
            assert_eq!(compare(exam, a, a).overall, Some(Overall::Confirms), "{a}");
        }
    }
}

#[test]
fn a_class_on_the_same_side_of_every_step_is_a_difference_and_no_alarm() {
    for (exam, a, b, finding) in [
        (
            "X-ray pelvis",
            "Fracture of the left femoral neck, Garden 1.",
            "Fracture of the left femoral neck, Garden 2.",
            "garden_class",
        ),
        (
            "CT head",
            "Subarachnoid hemorrhage, Fisher 1.",
            "Subarachnoid hemorrhage, Fisher 4.",
            "fisher_grade",
        ),
        (
            "MRI rectum",
            "Rectal cancer, T3b.",
            "Rectal cancer, T3c.",
            "tumor_stage",
        ),
    ] {
        let row = row(exam, a, b, finding);
        assert!(!row.critical && row.class == Class::Severity, "{a}");
        assert_eq!(compare(exam, a, b).overall, Some(Overall::Refines), "{a}");
    }
}

#[test]
fn what_is_told_there_and_not_there_contradicts() {
    let emvi = "extramural_vascular_invasion";
    let margin = "threatened_resection_margin";
    for (a, b, finding) in [
        ("EMVI negative.", "EMVI: positive.", emvi),
        ("No EMVI.", "Extramural venous invasion is seen.", emvi),
        ("CRM clear.", "CRM threatened.", margin),
        (
            "The tumour does not reach the mesorectal fascia.",
            "The tumour abuts the mesorectal fascia.",
            margin,
        ),
    ] {
        let report = |state: &str| format!("Rectal cancer T3. {state}");
        let row = row("MRI rectum", &report(a), &report(b), finding);
        assert!(row.critical && row.class == Class::Contradicted, "{a}");
        assert_eq!(row.rule_id, "denied-by-original");
        assert!(
            report(b).contains(quote(&row.second)),
            "{}",
            quote(&row.second)
        );
    }
}

#[test]
fn what_is_written_otherwise_or_left_open_is_no_difference() {
    for (exam, a, b) in [
        (
            "MRI rectum",
            "Rectal cancer T3a N1. EMVI negative, CRM clear.",
            "Rectal cancer T3 N1b. No EMVI. Mesorectal fascia not involved.",
        ),
        (
            "MRI rectum",
            "Rectal cancer T3. CRM 5 mm.",
            "Rectal cancer T3. CRM is free.",
        ),
        (
            "CT abdomen",
            "Left adrenal nodule 2 cm, 7 HU.",
            "Left adrenal nodule 2 cm, 9 HU.",
        ),
        (
            "X-ray elbow",
            "Radial head fracture, Mason 1.",
            "Radial head fracture (Mason type I).",
        ),
        (
            "CT abdomen",
            "Diverticulitis, Hinchey Ia.",
            "Diverticulitis, Hinchey stage 1a.",
        ),
        ("US liver", "Simple cyst in the liver.", "Liver cyst."),
        (
            "CT chest",
            "Nodules in the right upper lobe and left lower lobe.",
            "Nodules in the RUL and LLL.",
        ),
        (
            "CT abdomen",
            "Stone in the left ureter 5 mm and in the right ureter 9 mm.",
            "Stone in the left ureter 5 mm. Stone in the right ureter 9 mm.",
        ),
    ] {
        for (a, b) in [(a, b), (b, a)] {
            let found = compare(exam, a, b);
            assert_eq!(found.overall, Some(Overall::Confirms), "{a} / {b}");
        }
    }
}

#[test]
fn the_parts_of_an_artery_are_no_stage() {
    let found = compare(
        "CTA",
        "Occlusion of the left M1.",
        "Occlusion of the left M2.",
    );
    assert!(found.items.iter().all(|i| !i.finding.ends_with("_stage")));
    assert_ne!(found.overall, Some(Overall::Confirms));
}

#[test]
fn a_cyst_that_is_complex_is_no_simple_one() {
    let simple = "Simple cyst of the left kidney, 3 cm.";
    let open = "Cyst of the left kidney, 3 cm.";
    let complex = "Complex cyst of the left kidney with septations, 3 cm.";
    let told = row("US kidney", simple, complex, "kidney_cyst");
    assert!(told.critical && told.rule_id == "cyst-complex");
    let told = row("US kidney", open, complex, "kidney_cyst");
    assert!(!told.critical && told.class == Class::Severity);
}

#[test]
fn a_further_site_has_a_row_of_its_own() {
    for (exam, one, two, finding, site) in [
        (
            "X-ray spine",
            "Fracture of L1.",
            "Fracture of L1 and L3.",
            "vertebral_fracture",
            "L3",
        ),
        (
            "X-ray forearm",
            "Fracture of the left radius.",
            "Fracture of the left radius and ulna.",
            "ulna_fracture",
            "ulna",
        ),
        (
            "MRI brain",
            "Metastasis in the left frontal lobe.",
            "Metastases in the left frontal lobe and in the right cerebellum.",
            "cerebellum_metastasis",
            "cerebellum",
        ),
        (
            "PET-CT",
            "Bone metastasis in T8.",
            "Bone metastases in T8 and the left femur.",
            "bone_metastasis",
            "femur",
        ),
    ] {
        for (a, b, class) in [
            (one, two, Class::OnlySecond),
            (two, one, Class::OnlyOriginal),
        ] {
            let found = compare(exam, a, b);
            let further = |i: &&Item| i.class == class && i.site.as_deref() == Some(site);
            let row = found.items.iter().find(further);
            let row = row.unwrap_or_else(|| panic!("{a} / {b}: {:?}", found.items));
            assert!(row.critical && row.finding == finding, "{row:?}");
        }
        let overall = compare(exam, two, two).overall;
        assert_eq!(overall, Some(Overall::Confirms), "{two}");
    }
}

#[test]
fn a_perforation_is_free_air_of_the_bowel_alone() {
    let told = |text: &str| -> Vec<String> {
        let found = overread_concordance::statements(text);
        found.into_iter().map(|s| s.finding).collect()
    };
    assert_eq!(told("Perforation of the sigmoid colon."), ["free_air"]);
    for (text, finding) in [
        ("Perforation of the TFCC.", "tfcc_tear"),
        (
            "Perforation of the left tympanic membrane.",
            "tympanic_perforation",
        ),
        ("Perforation of the medial meniscus.", "meniscal_tear"),
        ("Perforation of the nasal septum.", "septal_perforation"),
        ("Perforation of the gallbladder.", "gallbladder_perforation"),
    ] {
        assert_eq!(told(text), [finding], "{text}");
    }
    let same = compare("MRI wrist", "Perforation of the TFCC.", "Tear of the TFCC.");
    assert_eq!(same.overall, Some(Overall::Confirms));
    for (a, b) in [
        (
            "Diverticulitis. No perforation.",
            "Diverticulitis. Free air.",
        ),
        ("Appendicitis.", "Perforated appendicitis."),
        ("Perforation.", "No perforation."),
    ] {
        let found = compare("CT abdomen", a, b);
        assert_eq!(found.overall, Some(Overall::ChangesManagement), "{a} / {b}");
    }
}
