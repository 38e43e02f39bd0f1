//! A request that names the wrong side, and a first report of another part of the body.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use overread_model::ids::CaseId;
use overread_store::original_reports::{self, OriginalRow};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::DiscFile;
use overread_workflow::asking::{self, AskStep};
use overread_workflow::comparing::{self, DecideComparison};
use overread_workflow::consenting;
use overread_workflow::reading::{self, OriginalFacts, OriginalInput};
use overread_workflow::{cases, checking, choosing, delivering, letters, reporting};

use crate::house::{House, NOW, assert_invalid, consent, disc, sections, signing, steps};

/// The wrist that is asked about, as it lies beside a lumbar spine on one disc.
fn left_wrist() -> Vec<DiscFile> {
    wrist(2, "MRI LEFT WRIST", 1)
}

/// Five images of a left wrist, from this number on.
fn wrist(study: u64, name: &str, first: u64) -> Vec<DiscFile> {
    (first..first + 5)
        .map(|instance| {
            let spec = InstanceSpec::mr(study, 1, instance)
                .at_z_mm(instance as f64 * 4.0)
                .with(tags::STUDY_DESCRIPTION, VR::LO, name)
                .with(tags::BODY_PART_EXAMINED, VR::CS, "WRIST")
                .with(tags::LATERALITY, VR::CS, "L");
            DiscFile::new(format!("WRIST/IM{instance:04}"), spec.part10().unwrap())
        })
        .collect()
}

/// The steps of the wizard for an exam of this name.
fn asking_about(name: &str) -> Vec<AskStep> {
    let mut all = steps();
    for step in &mut all {
        if let AskStep::Exam(exam) = step {
            (exam.name, exam.body_part) = (name.to_owned(), String::new());
        }
    }
    all
}

/// A case about the right wrist, whose disc holds the left one.
async fn mistyped(house: &House) -> CaseId {
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = asking::start(ctx, patient, NOW).await.unwrap();
    for (version, step) in (1..).zip(asking_about("MRI right wrist")) {
        asking::save(ctx, patient, &case_id, version, step, NOW)
            .await
            .unwrap();
    }
    let told = asking::other_side(ctx, patient, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(told, None, "no images yet");
    let version = house.version(patient, &case_id).await;
    asking::submit(ctx, patient, &case_id, version, NOW)
        .await
        .unwrap();
    consenting::sign(ctx, patient, &case_id, &consent(), NOW)
        .await
        .unwrap();
    let mut files = disc("Sample^Alex", 1);
    files.append(&mut left_wrist());
    house.deliver(&case_id, &files).await;
    case_id
}

const WRONG: &str = "The request is about the right wrist, the images say left";

/// Whether the side keeps the records from being accepted, with what is told.
async fn open_side(house: &House, case_id: &CaseId) -> Option<String> {
    let check = checking::run(&house.ctx, &house.coordinator, case_id, NOW)
        .await
        .unwrap();
    let found = check
        .findings
        .into_iter()
        .find(|found| found.rule == "D11")?;
    assert_eq!(found.severity, "blocker");
    found.overridden.is_none().then_some(found.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_side_waits_until_the_request_is_corrected() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = mistyped(&house).await;
    let message = open_side(&house, &case_id).await.unwrap();
    assert!(message.contains(WRONG), "{message}");
    assert_eq!(house.state(&case_id).await, "records_deficient");
    let told = asking::other_side(ctx, patient, &case_id, NOW)
        .await
        .unwrap();
    assert!(told.unwrap().contains(WRONG));
    let case = cases::journey(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert!(case.warnings.iter().any(|line| line.contains(WRONG)));

    let Some(right) = asking_about("MRI left wrist").into_iter().nth(1) else {
        panic!("the second step is the exam");
    };
    let version = house.version(patient, &case_id).await;
    asking::correct(
        ctx,
        patient,
        &case_id,
        version,
        right,
        "It was the left one.",
        NOW,
    )
    .await
    .unwrap();
    assert_eq!(open_side(&house, &case_id).await, None);
    let told = asking::other_side(ctx, patient, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(told, None);
}

/// Confirms the side of the request against what the images say.
async fn confirm_side(house: &House, case_id: &CaseId) {
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    assert!(open_side(house, case_id).await.is_some());
    let version = house.version(coordinator, case_id).await;
    let rules = ["D11".to_owned()];
    let reason = "The facility says its marks are wrong.";
    checking::override_rules(ctx, coordinator, case_id, version, &rules, reason, NOW)
        .await
        .unwrap();
    assert_eq!(open_side(house, case_id).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_may_confirm_the_side_with_a_reason() {
    let house = House::sqlite().await;
    let case_id = mistyped(&house).await;
    confirm_side(&house, &case_id).await;
    let told = asking::other_side(&house.ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(told, None, "it was confirmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_side_is_asked_for_again_when_the_request_is_about_another_exam() {
    let house = House::sqlite().await;
    let case_id = mistyped(&house).await;
    confirm_side(&house, &case_id).await;
    let other = asking_about("MRI of the right wrist")
        .into_iter()
        .nth(1)
        .unwrap();
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let version = house.version(coordinator, &case_id).await;
    let reason = "The name was wrong.";
    asking::correct(ctx, coordinator, &case_id, version, other, reason, NOW)
        .await
        .unwrap();
    // The finding has the words it had.
    let message = open_side(&house, &case_id).await.unwrap();
    assert!(message.contains(WRONG), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_side_is_asked_for_again_when_other_images_speak_against_it() {
    let house = House::sqlite().await;
    let case_id = mistyped(&house).await;
    confirm_side(&house, &case_id).await;
    house
        .deliver(&case_id, &wrist(2, "MRI LEFT WRIST", 6))
        .await;
    assert_eq!(open_side(&house, &case_id).await, None, "nothing new");
    house.deliver(&case_id, &wrist(3, "MR WRIST LT", 1)).await;
    let message = open_side(&house, &case_id).await.unwrap();
    assert!(message.contains("MR WRIST LT"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_side_leads_to_no_other_exam() {
    let house = House::sqlite().await;
    let case_id = mistyped(&house).await;
    let viewer = reading::viewer(&house.ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(viewer.studies[0].description, "MRI LEFT WRIST");
    let choice = choosing::view(&house.ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(choice.subspecialty, "Musculoskeletal radiology");
    let because = choice.subspecialty_because.join("; ");
    assert!(
        because.contains(WRONG) && !because.contains("LUMBAR"),
        "{because}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_report_of_another_part_of_the_body_holds_the_comparison() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.signed().await;
    let replace = async |body: &str, version: i64| {
        let mut tx = ctx.store.begin().await.unwrap();
        let newest = original_reports::newest(&mut tx, &case_id).await.unwrap();
        let row = OriginalRow {
            version,
            body: body.to_owned(),
            ..newest.unwrap()
        };
        original_reports::insert(&mut tx, &case_id, &row)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let later = NOW.plus_seconds(60 * version);
        comparing::compare(ctx, reviewer, &case_id, later)
            .await
            .unwrap();
        comparing::view(ctx, reviewer, &case_id, later)
            .await
            .unwrap()
    };
    for (version, body) in (2..).zip([
        "MRI LEFT WRIST WITHOUT CONTRAST\nFINDINGS: Ganglion cyst of 9 mm at the dorsal wrist. No fracture.",
        "FINDINGS: Ganglion cyst at the dorsal wrist. Tear of the scapholunate ligament. Fluid in the distal radioulnar joint. No scaphoid fracture.",
    ]) {
        let view = replace(body, version).await;
        let found = &view.concordance;
        assert!(!found.comparable && found.overall.is_none(), "{found:?}");
        let kinds: Vec<&str> = found.guard.problems.iter().map(|p| p.kind.as_str()).collect();
        assert_eq!(kinds, ["body_part"], "{body}");
        assert!(view.concordance.reasons[0].contains("another body part"));
        let form = DecideComparison {
            concordance_id: view.concordance_id.as_str().to_owned(),
            overall: "refines".to_owned(),
            ..DecideComparison::default()
        };
        assert_invalid(
            comparing::decide(ctx, reviewer, &case_id, &form, NOW).await,
            "note",
        );
        let act = delivering::view(ctx, &house.coordinator, &case_id, NOW)
            .await
            .unwrap();
        assert!(!act.release_problems.is_empty());
    }
    let view = replace(crate::house::ORIGINAL, 9).await;
    assert!(view.concordance.comparable, "{:?}", view.concordance);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lumbar_report_given_with_a_wrist_is_told_before_anybody_reads() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = mistyped(&house).await;
    let text = "MRI LUMBAR SPINE WITHOUT CONTRAST\nFINDINGS: L4-L5: disc bulge. L5-S1: No herniation.\nIMPRESSION: Disc bulge at L4-L5.";
    let input = OriginalInput::Pasted(text.to_owned());
    let facts = OriginalFacts::default();
    reading::enter_original(ctx, patient, &case_id, input, &facts, NOW)
        .await
        .unwrap();
    let view = reading::original(ctx, patient, &case_id, NOW)
        .await
        .unwrap();
    assert!(view.other_exam.unwrap().contains("LUMBAR"));
    let case = cases::journey(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert!(case.warnings.iter().any(|line| line.contains("LUMBAR")));
}

/// Corrects the request to a left wrist; the diagnosis as told and the reason say what was typed before.
async fn corrected_to_left(house: &House, case_id: &CaseId, diagnosis: &str) {
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let view = asking::view(ctx, coordinator, case_id, NOW).await.unwrap();
    let mut exam = view.exam;
    (exam.name, exam.body_part) = ("MRI left wrist".to_owned(), String::new());
    let mut why = view.why;
    (why.diagnosis, why.question) = (diagnosis.to_owned(), "Is surgery needed?".to_owned());
    why.symptoms = "Pain in the left wrist.".to_owned();
    why.reason = "They advise surgery on my right wrist. I am in no hurry.".to_owned();
    let steps = vec![AskStep::Exam(exam), AskStep::Why(why)];
    asking::correct_together(
        ctx,
        coordinator,
        case_id,
        view.version,
        steps,
        "It was the left one.",
        NOW,
    )
    .await
    .unwrap();
}

const REASON: &str = "Reason in own words: “They advise surgery on my right wrist” names the right side, and the scan is of the left wrist";

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_keep_the_other_side_after_a_correction_are_told() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let case_id = house.consented().await;
    corrected_to_left(&house, &case_id, "Ligament tear, right wrist").await;
    let view = asking::view(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    let told = &view.differing_answers;
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], REASON);
    assert!(told[1].starts_with("Diagnosis as told: “Ligament tear, right wrist”"));
    assert_eq!(view.sided_answers, ["symptoms", "reason", "diagnosis"]);
    let case = cases::journey(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(case.differing_answers, *told);
    let case = cases::journey(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert!(case.differing_answers.is_empty());
    let kind = "second_opinion_request";
    let letter = letters::form(ctx, coordinator, &case_id, kind, "en", NOW)
        .await
        .unwrap();
    let lines = letter.other_side.join(" ");
    assert!(lines.contains("surgery on my right wrist"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_names_the_other_side_is_not_signed_unseen() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.in_review().await;
    corrected_to_left(&house, &case_id, "Ligament tear, right wrist").await;
    reading::lock_first_impression(ctx, reviewer, &case_id, "Torn ligament.", NOW)
        .await
        .unwrap();
    let mut sections = sections();
    sections.insert("clinical".to_owned(), String::new());
    let desk = reporting::desk(ctx, reviewer, &case_id, NOW).await.unwrap();
    reporting::save_draft(ctx, reviewer, &case_id, desk.version, &sections, NOW)
        .await
        .unwrap();
    let desk = reporting::desk(ctx, reviewer, &case_id, NOW).await.unwrap();
    assert!(desk.may_sign, "{:?}", desk.problems);
    let refused = reporting::sign(ctx, reviewer, &case_id, signing(desk.version), NOW).await;
    let Err(overread_workflow::StepError::Invalid(problems)) = refused else {
        panic!("it was signed, or refused for another reason");
    };
    assert_eq!(problems[0].field, "seen_doubts");
    let told = &problems[0].message;
    assert!(
        told.contains(
            "“Ligament tear, right wrist” names the right side, and the scan is of the left wrist."
        ),
        "{told}"
    );
    let seen = reporting::Signing {
        seen_doubts: true,
        ..signing(desk.version)
    };
    reporting::sign(ctx, reviewer, &case_id, seen, NOW)
        .await
        .unwrap();
}
