//! Images held back that give another birth date than the request: which one is true, and what follows from it.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use overread_model::access::{Actor, Role};
use overread_model::ids::CaseId;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::DiscFile;
use overread_workflow::records::{self, HeldBackDecision, QuarantineDecision, QuarantineRow};
use overread_workflow::{StepError, StepResult, asking, cases, reading};

use crate::blind::also;
use crate::house::{House, NOW};

const OF_REQUEST: &str = "1970-03-02";
const OF_IMAGES: &str = "1987-06-11";

/// Images of one study, each with a birth date.
fn images(birth_dates: &[&str]) -> Vec<DiscFile> {
    let numbered = (1..).zip(birth_dates);
    numbered
        .map(|(instance, birth_date): (u64, _)| {
            let spec = InstanceSpec::mr(7, 1, instance)
                .at_z_mm(instance as f64 * 4.0)
                .with(tags::SERIES_DESCRIPTION, VR::LO, "AX T2")
                .with(
                    tags::PATIENT_BIRTH_DATE,
                    VR::DA,
                    birth_date.replace('-', ""),
                );
            DiscFile::new(format!("B/IM{instance:04}"), spec.part10().unwrap())
        })
        .collect()
}

async fn held(house: &House, case_id: &CaseId) -> QuarantineRow {
    let view = records::view(&house.ctx, &house.coordinator, case_id, NOW)
        .await
        .unwrap();
    let mut held = view.quarantine.into_iter();
    held.next().unwrap()
}

/// Calls the images that wait the right patient's.
async fn release(
    house: &House,
    actor: &Actor,
    case_id: &CaseId,
    birth_date: Option<&str>,
) -> StepResult<()> {
    let row = held(house, case_id).await;
    let decision = HeldBackDecision {
        study: Some((
            &row.study.study_instance_uid,
            QuarantineDecision::RightPatient,
        )),
        birth_date: birth_date.map(|date| date.parse().unwrap()),
        papers: &[],
        reason: "The passport was read.",
    };
    records::decide_quarantine(&house.ctx, actor, case_id, &decision, NOW).await
}

async fn birth_date_of_request(house: &House, case_id: &CaseId) -> String {
    let view = asking::view(&house.ctx, &house.coordinator, case_id, NOW)
        .await
        .unwrap();
    view.who.patient_birth_date
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_result_the_true_date_is_put_on_record() {
    let house = House::sqlite().await;
    let case_id = house.signed().await;
    house.deliver(&case_id, &images(&[OF_IMAGES; 5])).await;
    let dates = held(&house, &case_id).await.birth_dates.unwrap();
    assert!(dates.is_correctable);
    house.release(&case_id).await;
    let dates = held(&house, &case_id).await.birth_dates.unwrap();
    assert!(!dates.is_correctable);
    release(&house, &house.coordinator, &case_id, Some(OF_IMAGES))
        .await
        .unwrap();
    let view = records::view(&house.ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!((view.studies.len(), view.quarantine_count), (2, 0));
    assert_eq!(birth_date_of_request(&house, &case_id).await, OF_REQUEST);
    let case = cases::journey(&house.ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    let told = "The birth date in the images is true: 1987-06-11. The request gives 1970-03-02 and could not be corrected any more.";
    assert!(case.timeline.iter().any(|line| line.note.contains(told)));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_birth_date_of_mixed_images_is_taken_for_the_patient_s() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    let mixed = images(&[OF_IMAGES, OF_REQUEST, OF_REQUEST]);
    house.deliver(&case_id, &mixed).await;
    let row = held(&house, &case_id).await;
    assert_eq!(row.study.patient_birth_date, OF_IMAGES);
    assert!(row.birth_dates.is_none());
    let corrected = release(&house, &house.coordinator, &case_id, Some(OF_IMAGES)).await;
    assert!(matches!(corrected, Err(StepError::Stale)));
    release(&house, &house.coordinator, &case_id, None)
        .await
        .unwrap();
    assert_eq!(birth_date_of_request(&house, &case_id).await, OF_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_the_case_corrects_the_date_after_the_lock() {
    let house = House::sqlite().await;
    let case_id = house.in_review().await;
    house.deliver(&case_id, &images(&[OF_IMAGES; 5])).await;
    let second_hat = also(&house.reviewer, Role::Coordinator);
    let refused = release(&house, &second_hat, &case_id, Some(OF_IMAGES)).await;
    let Err(StepError::Invalid(problems)) = refused else {
        panic!("the request may not be corrected");
    };
    assert_eq!(problems[0].field, "decision");
    assert!(problems[0].message.contains("first impression"));
    reading::lock_first_impression(&house.ctx, &house.reviewer, &case_id, "Torn disc.", NOW)
        .await
        .unwrap();
    release(&house, &second_hat, &case_id, Some(OF_IMAGES))
        .await
        .unwrap();
    assert_eq!(birth_date_of_request(&house, &case_id).await, OF_IMAGES);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_case_moves_once_by_one_decision() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    house
        .deliver(&case_id, &crate::house::disc("Sample^Alex", 1))
        .await;
    house.wave_through(&case_id).await;
    house.deliver(&case_id, &images(&[OF_IMAGES; 5])).await;
    assert_eq!(house.state(&case_id).await, "records_check");
    let timeline = async || {
        let case = cases::journey(&house.ctx, &house.coordinator, &case_id, NOW).await;
        case.unwrap().timeline
    };
    let before = timeline().await.len();
    release(&house, &house.coordinator, &case_id, Some(OF_IMAGES))
        .await
        .unwrap();
    // The exam that was there contradicts the request now, and waits in its turn.
    assert_eq!(house.state(&case_id).await, "records_check");
    assert!(held(&house, &case_id).await.birth_dates.is_some());
    let after = timeline().await;
    let new: Vec<&str> = after.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(
        new.len(),
        before + 3,
        "corrected, held back, released: {new:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_a_birth_date_waits_for_a_coordinator() {
    let house = House::sqlite().await;
    let case_id = house.signed().await;
    house.deliver(&case_id, &images(&[""; 5])).await;
    let held = held(&house, &case_id).await;
    assert!(
        held.reason.contains("no birth date and no number we know"),
        "{}",
        held.reason
    );
    let refused = release(&house, &house.patient, &case_id, None).await;
    assert!(matches!(refused, Err(StepError::Forbidden)), "{refused:?}");
    release(&house, &house.coordinator, &case_id, None)
        .await
        .unwrap();
    let view = records::view(&house.ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!((view.studies.len(), view.quarantine_count), (2, 0));
}
