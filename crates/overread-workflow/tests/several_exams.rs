//! Which exam is asked about: a disc with several, a first report of another one, and what of it is missing.

use std::io::Cursor;

use dicom_core::VR;
use dicom_dictionary_std::tags;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, zip_of};
use overread_workflow::asking::{self, AskStep, Who};
use overread_workflow::reading::{self, OriginalFacts, OriginalInput};
use overread_workflow::records::{self, Incoming};
use overread_workflow::{cases, choosing, letters};

use crate::house::{House, NOW, assert_invalid, disc, steps};

/// A newer CT of the chest, as it lies on the same disc.
fn chest() -> Vec<DiscFile> {
    (1..=5_u64)
        .map(|instance| {
            let spec = InstanceSpec::mr(2, 1, instance)
                .at_z_mm(instance as f64 * 4.0)
                .with(tags::MODALITY, VR::CS, "CT")
                .with(tags::STUDY_DATE, VR::DA, "20260305")
                .with(tags::STUDY_DESCRIPTION, VR::LO, "CT CHEST")
                .with(tags::BODY_PART_EXAMINED, VR::CS, "CHEST");
            DiscFile::new(format!("CT/IM{instance:04}"), spec.part10().unwrap())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exam_asked_about_leads() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.consented().await;
    let mut both = disc("Sample^Alex", 1);
    both.append(&mut chest());
    house.deliver(&case_id, &both).await;

    let viewer = reading::viewer(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    let shown: Vec<&str> = viewer
        .studies
        .iter()
        .map(|study| study.description.as_str())
        .collect();
    assert_eq!(shown, ["MRI LUMBAR SPINE", "CT CHEST"]);

    let choice = choosing::view(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(choice.subspecialty, "Neuroradiology");
    let because = choice.subspecialty_because.join(" ");
    assert!(!because.contains("CHEST"), "{because}");
    let doubts = choice.radiologists[0].doubts.join(" ");
    assert!(!doubts.contains("CT"), "{doubts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_report_of_another_exam_is_told() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.consented().await;
    house.deliver(&case_id, &disc("Sample^Alex", 1)).await;
    let enter = async |text: &str| {
        let input = OriginalInput::Pasted(text.to_owned());
        let facts = OriginalFacts::default();
        reading::enter_original(ctx, &house.patient, &case_id, input, &facts, NOW)
            .await
            .unwrap();
        let view = reading::original(ctx, &house.patient, &case_id, NOW)
            .await
            .unwrap();
        let case = cases::journey(ctx, &house.coordinator, &case_id, NOW)
            .await
            .unwrap();
        (view.other_exam, case.warnings)
    };
    let (own, told) = enter("EXAM: MRI LEFT KNEE\nFINDINGS:\nThe menisci are whole.").await;
    assert!(own.unwrap().contains("KNEE"));
    assert!(told.len() == 1 && told[0].contains("KNEE"), "{told:?}");
    let patient = cases::journey(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert!(patient.warnings.is_empty(), "staff alone is warned here");
    let (own, told) = enter("EXAM: MRI LUMBAR SPINE\nFINDINGS:\nNo disc herniation.").await;
    assert!(own.is_none() && told.is_empty(), "{told:?}");

    // Also once the check of the records is behind.
    house.accept_records(&case_id).await;
    let (_, told) = enter("CT OF THE CHEST\nFINDINGS:\nClear lungs.").await;
    assert!(told.len() == 1 && told[0].contains("CHEST"), "{told:?}");
    assert_eq!(house.state(&case_id).await, "matching");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_belongs_to_where_the_images_were_made_cannot_be_chosen() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let case_id = house.consented().await;
    let files: Vec<DiscFile> = (1..=5_u64)
        .map(|instance| {
            let spec = InstanceSpec::mr(1, 1, instance)
                .at_z_mm(instance as f64 * 4.0)
                .with(tags::INSTITUTION_NAME, VR::LO, "COAST RAD. LLC");
            DiscFile::new(format!("IM{instance:04}"), spec.part10().unwrap())
        })
        .collect();
    house.deliver(&case_id, &files).await;
    let input = OriginalInput::Pasted("FINDINGS: none.".to_owned());
    let facts = OriginalFacts::default();
    reading::enter_original(ctx, &house.patient, &case_id, input, &facts, NOW)
        .await
        .unwrap();
    house.accept_records(&case_id).await;
    let view = choosing::view(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    let why = view.radiologists[0].excluded_because.join(" ");
    assert!(
        why.contains("Coast Radiology") && why.contains("COAST RAD. LLC"),
        "{why}"
    );
    let version = house.version(coordinator, &case_id).await;
    let chosen =
        choosing::choose(ctx, coordinator, &case_id, version, &house.reviewer_id, NOW).await;
    assert_invalid(chosen, "reviewer");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_letter_names_what_is_missing() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    // The same slices in the middle of two series did not come.
    let series = |number: u64, name: &'static str| {
        let came = (1..=12_u64).filter(|instance| ![6, 7].contains(instance));
        came.map(move |instance| {
            let spec = InstanceSpec::mr(1, number, instance)
                .at_z_mm(instance as f64 * 4.0)
                .with(tags::SERIES_DESCRIPTION, VR::LO, name);
            DiscFile::new(format!("S{number}/IM{instance:04}"), spec.part10().unwrap())
        })
    };
    let mut files: Vec<DiscFile> = series(1, "AX T2").chain(series(2, "AX T1")).collect();
    house.deliver(&case_id, &files).await;
    // A broken ZIP is the patient's own matter.
    files.push(DiscFile::new("Sample private notes.txt", "x"));
    let mut zip = zip_of(&files, true).unwrap();
    zip.truncate(zip.len() / 2);
    let incoming = Incoming::Zip(Cursor::new(zip));
    records::receive(&house.ctx, &house.patient, Some(&case_id), incoming, NOW)
        .await
        .unwrap();
    let form = letters::form(
        &house.ctx,
        &house.patient,
        &case_id,
        "records_request_access",
        "en",
        NOW,
    )
    .await
    .unwrap();
    let items = form
        .fields
        .iter()
        .find(|field| field.key == "scope.items")
        .unwrap();
    let first = items.value.lines().next().unwrap();
    assert!(
        first.starts_with("Missing: ") && items.value.contains("AX T2"),
        "{}",
        items.value
    );
    for name in ["AX T2", "AX T1"] {
        let lines = items.value.lines();
        let count = lines
            .filter(|line| line.starts_with("Missing: ") && line.contains(name))
            .count();
        assert_eq!(count, 1, "{name}: {}", items.value);
    }
    for word in ["the upload", "ZIP", "cut short"] {
        assert!(!items.value.contains(word), "{}", items.value);
    }
    assert!(form.preview_html.contains("AX T2"));
    assert!(!items.value.contains("Ask the facility"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_is_asked_for_before_anybody_is_chosen() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = asking::start(ctx, patient, NOW).await.unwrap();
    let Some(AskStep::Who(who)) = steps().into_iter().next() else {
        panic!("the first step asks who");
    };
    let region = async |typed: &str, version| {
        let who = Who {
            patient_region: typed.to_owned(),
            ..who.clone()
        };
        asking::save(ctx, patient, &case_id, version, AskStep::Who(who), NOW)
            .await
            .unwrap();
        let view = asking::view(ctx, patient, &case_id, NOW).await.unwrap();
        let mut problems = view.problems.iter();
        let is_wrong = problems.any(|problem| problem.field == "who.patient_region");
        (view.who.patient_region, is_wrong)
    };
    assert_eq!(region("", 1).await, (String::new(), true));
    assert_eq!(region("Washington", 2).await, ("US-WA".to_owned(), false));
    assert_eq!(region("Atlantis", 3).await, ("Atlantis".to_owned(), true));
    assert_eq!(region("or", 4).await, ("US-OR".to_owned(), false));
    // A state and a country share these letters, or there is no such state: a licence could fit by accident.
    for (version, typed) in (5..).zip(["CA", "DE", "US", "US-ZZ"]) {
        assert_eq!(region(typed, version).await, (typed.to_owned(), true));
    }
    let sent = asking::submit(ctx, patient, &case_id, 9, NOW).await;
    assert_invalid(sent, "who.patient_region");
    assert_eq!(region("DE-BY", 9).await, ("DE-BY".to_owned(), false));

    // A case from before: the choice says what is missing instead of "no licence".
    let case_id = house.matching().await;
    let mut tx = ctx.store.begin().await.unwrap();
    let mut row = overread_store::cases::find(&mut tx, &case_id)
        .await
        .unwrap()
        .unwrap();
    row.intake = row.intake.replace("US-WA", "");
    assert!(overread_store::cases::update(&mut tx, &row).await.unwrap());
    tx.commit().await.unwrap();
    let view = choosing::view(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert!(view.region_missing);
    let why = view.radiologists[0].excluded_because.join(" ");
    assert!(
        why.contains("in which state") && !why.contains("no licence"),
        "{why}"
    );
}
