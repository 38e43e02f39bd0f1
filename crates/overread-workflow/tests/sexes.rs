//! Exams of one case whose images give different sexes, where the request gives none.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use overread_model::ids::CaseId;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::DiscFile;
use overread_workflow::asking::{self, AskStep};
use overread_workflow::records::{self, HeldBackDecision, QuarantineDecision, RecordsView};

use crate::house::{House, NOW};

fn exam(study: u64, sex: &str) -> Vec<DiscFile> {
    (1..=3_u64)
        .map(|instance| {
            let spec = InstanceSpec::mr(study, 1, instance)
                .at_z_mm(instance as f64 * 4.0)
                .with(tags::STUDY_DATE, VR::DA, format!("2026030{study}"))
                .with(tags::PATIENT_SEX, VR::CS, sex);
            DiscFile::new(format!("S{study}/IM{instance:04}"), spec.part10().unwrap())
        })
        .collect()
}

/// Returns a case whose request gives this sex, and the patient's number.
async fn case_of(house: &House, sex: &str) -> CaseId {
    let case_id = house.consented().await;
    let view = asking::view(&house.ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    let mut who = view.who;
    who.patient_sex = sex.to_owned();
    who.patient_mrn = "SAMPLE-1".to_owned();
    let step = AskStep::Who(who);
    let (ctx, version) = (&house.ctx, view.version);
    asking::correct(
        ctx,
        &house.patient,
        &case_id,
        version,
        step,
        "Mistyped.",
        NOW,
    )
    .await
    .unwrap();
    case_id
}

async fn view_of(house: &House, case_id: &CaseId) -> RecordsView {
    records::view(&house.ctx, &house.coordinator, case_id, NOW)
        .await
        .unwrap()
}

/// Checks how many exams the case shows and how many wait.
async fn check(house: &House, case_id: &CaseId, expect: (usize, usize)) {
    let view = view_of(house, case_id).await;
    assert_eq!((view.studies.len(), view.quarantine.len()), expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_exam_of_another_sex_waits_for_a_coordinator() {
    let house = House::sqlite().await;
    let case_id = case_of(&house, "").await;
    house.deliver(&case_id, &exam(1, "F")).await;
    check(&house, &case_id, (1, 0)).await;
    for (study, none) in [(2, "O"), (3, "")] {
        house.deliver(&case_id, &exam(study, none)).await;
    }
    check(&house, &case_id, (3, 0)).await;
    let receipt = house.deliver(&case_id, &exam(4, "M")).await;
    let told = |problem: &overread_model::problem::Problem| {
        problem.message.contains("waits for a coordinator")
    };
    assert!(receipt.problems.iter().any(told), "{:?}", receipt.problems);
    check(&house, &case_id, (3, 1)).await;
    let held = view_of(&house, &case_id).await.quarantine.remove(0);
    assert!(held.reason.contains("another sex"), "{}", held.reason);

    // Once it is called the patient's, the check still says what stands against each other.
    let decision = HeldBackDecision {
        study: Some((
            &held.study.study_instance_uid,
            QuarantineDecision::RightPatient,
        )),
        birth_date: None,
        papers: &[],
        reason: "The hospital mistyped it.",
    };
    let coordinator = &house.coordinator;
    records::decide_quarantine(&house.ctx, coordinator, &case_id, &decision, NOW)
        .await
        .unwrap();
    check(&house, &case_id, (4, 0)).await;
    let found = view_of(&house, &case_id).await.check.unwrap().findings;
    let told = found.iter().find(|finding| finding.rule == "P07").unwrap();
    for words in ["another sex", "March 1, 2026", "March 4, 2026"] {
        assert!(told.message.contains(words), "{}", told.message);
    }
}

/// Nobody knows which of the two is the patient's.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_come_together_both_wait() {
    let house = House::sqlite().await;
    let case_id = case_of(&house, "").await;
    let mut both = exam(1, "F");
    both.append(&mut exam(2, "M"));
    house.deliver(&case_id, &both).await;
    check(&house, &case_id, (0, 2)).await;
}

/// Somebody else's images are held back for themselves, and say nothing of the patient's.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_s_sex_holds_nothing_back() {
    let house = House::sqlite().await;
    let case_id = case_of(&house, "").await;
    let mut both = exam(1, "M");
    both.append(&mut crate::house::disc("Other^Person", 2));
    house.deliver(&case_id, &both).await;
    check(&house, &case_id, (1, 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_says_which_sex_is_the_patient_s() {
    let house = House::sqlite().await;
    let case_id = case_of(&house, "F").await;
    let mut both = exam(1, "M");
    both.append(&mut exam(2, "F"));
    house.deliver(&case_id, &both).await;
    check(&house, &case_id, (1, 1)).await;
}
