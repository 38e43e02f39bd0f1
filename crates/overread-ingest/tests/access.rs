//! A UID in a file opens nothing: who may add to a study, and who sees it.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use overread_ingest::{
    DeliveryOptions, DeliverySource, IngestError, Receipt, StowOutcome, Wanted, limits,
};
use overread_model::ids::{CaseId, DeletionId};
use overread_model::problem::ProblemKind;
use overread_store::access::Reach;
use overread_store::deletions::{self, NewDeletion};
use overread_store::studies::{self, StudyKey};
use overread_store::{checks, deliveries};
use overread_testkit::disc::{DiscFile, zip_of};

use crate::house::{House, NOW, kinds, machine, mr, of_case, part10, patient, received};

async fn bring(
    house: &House,
    actor: overread_model::access::Actor,
    case_id: &CaseId,
    images: &[(u64, u64, u64)],
) -> overread_ingest::Receipt {
    let files: Vec<DiscFile> = images
        .iter()
        .map(|(study, series, instance)| {
            DiscFile::new(
                format!("IM{study}{series}{instance}"),
                part10(&mr(*study, *series, *instance)),
            )
        })
        .collect();
    let zip = std::io::Cursor::new(zip_of(&files, false).unwrap());
    let receipt = house
        .ingest
        .zip_stream(zip, of_case(DeliverySource::Zip, actor, case_id))
        .await
        .unwrap();
    judged(house, case_id).await;
    receipt
}

/// Shows what arrived, as the workflow does once it knows whose images they are.
async fn judged(house: &House, case_id: &CaseId) {
    let mut tx = house.ingest.store().begin().await.unwrap();
    for study in checks::studies_to_judge(&mut tx, case_id).await.unwrap() {
        checks::show_judged(&mut tx, case_id, study.id)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_off_body_shows_nothing_before_it_is_judged() {
    let house = House::new().await;
    let case_id = CaseId::from_random([1; 16]);
    let parts = [
        Ok(received(&house.ingest, &part10(&mr(1, 1, 1))).await),
        Err(IngestError::Body(std::io::Error::other("broke off"))),
    ];
    let options = of_case(DeliverySource::Stow, patient(1), &case_id);
    let parts = futures_util::stream::iter(parts);
    assert!(house.ingest.stow(parts, None, options).await.is_err());
    // The part before may be on its way still; the committer takes one after the other.
    let receipt = house.zip(zip_of(&[DiscFile::new("IM2", part10(&mr(2, 1, 1)))], false).unwrap());
    assert_eq!(receipt.await.instances_stored, 1);
    let reach = Reach::Case(case_id.clone());
    assert!(house.find(&mr(1, 1, 1)).await.is_some());
    assert!(house.find_as(&reach, &mr(1, 1, 1)).await.is_none());
    judged(&house, &case_id).await;
    assert!(house.find_as(&reach, &mr(1, 1, 1)).await.is_some());
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_another_person_does_not_join_a_study() {
    let house = House::new().await;
    let person = |instance, id: &str, name: &str| {
        mr(1, 1, instance)
            .with(tags::PATIENT_ID, VR::LO, id)
            .with(tags::PATIENT_NAME, VR::PN, name)
    };
    let specs = [
        person(1, "A1", "Sample^Alex"),
        person(2, "B2", "Other^Person"),
        // Another number alone is another archive, another name alone a typing error: a person is told, no more.
        person(3, "C3", "Sample^Alex"),
        person(4, "A1", "Sampel^Alex"),
        // Another number and no name: nothing says that it is the same person.
        person(6, "B2", ""),
    ];
    for spec in &specs[..1] {
        house.stow(vec![part10(spec)]).await;
    }
    let files: Vec<DiscFile> = (1..)
        .zip(&specs[1..])
        .map(|(number, spec)| DiscFile::new(format!("IM{number}"), part10(spec)))
        .collect();
    let receipt = house.zip(zip_of(&files, false).unwrap()).await;
    assert_eq!((receipt.instances_stored, receipt.kept_aside), (2, 2));
    assert!(kinds(&receipt).contains(&ProblemKind::OtherPatient));
    assert!(house.find(&specs[1]).await.is_none());
    assert!(house.find(&specs[3]).await.is_some());
    assert!(house.find(&specs[4]).await.is_none());
    let refused = house
        .stow(vec![part10(&person(5, "B2", "Other^Person"))])
        .await;
    assert_eq!(
        refused[0].result.as_ref().unwrap_err().kind,
        ProblemKind::OtherPatient
    );
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_join_a_study_by_writing_its_uid() {
    let house = House::new().await;
    let (first, second) = (CaseId::from_random([1; 16]), CaseId::from_random([2; 16]));
    let receipt = bring(&house, patient(1), &first, &[(1, 1, 1), (1, 1, 2)]).await;
    assert_eq!(
        (receipt.instances_stored, receipt.problems.len()),
        (2, 0),
        "{receipt:?}"
    );
    assert!(
        house
            .find_as(&Reach::Case(first.clone()), &mr(1, 1, 1))
            .await
            .is_some()
    );

    // Another patient brings a made-up image of the same study, and one real one.
    let receipt = bring(&house, patient(2), &second, &[(1, 1, 9), (1, 1, 1)]).await;
    assert_eq!(
        (receipt.instances_stored, receipt.kept_aside),
        (0, 2),
        "{receipt:?}"
    );
    assert_eq!(kinds(&receipt), [ProblemKind::HeldAside; 2]);
    assert!(
        house
            .find_as(&Reach::Case(second.clone()), &mr(1, 1, 1))
            .await
            .is_none()
    );
    assert!(house.find(&mr(1, 1, 9)).await.is_none());
    house.prove().await;

    // Whoever brings every byte of the study has nothing to learn: it joins the case.
    let receipt = bring(&house, patient(2), &second, &[(1, 1, 1), (1, 1, 2)]).await;
    assert_eq!(
        (receipt.duplicates, receipt.problems.len()),
        (2, 0),
        "{receipt:?}"
    );
    assert!(
        house
            .find_as(&Reach::Case(second.clone()), &mr(1, 1, 2))
            .await
            .is_some()
    );
}

/// Stores these images by STOW-RS, and returns why each was refused.
async fn stowed(
    house: &House,
    (actor, case_id): (overread_model::access::Actor, Option<&CaseId>),
    images: &[(u64, u64, u64)],
) -> Vec<Option<ProblemKind>> {
    let mut parts = Vec::new();
    for (study, series, instance) in images {
        let part = part10(&mr(*study, *series, *instance));
        parts.push(Ok(received(&house.ingest, &part).await));
    }
    let options = DeliveryOptions {
        case_id: case_id.cloned(),
        ..of_case(DeliverySource::Stow, actor, &CaseId::from_random([9; 16]))
    };
    let parts = futures_util::stream::iter(parts);
    let outcomes = house.ingest.stow(parts, None, options).await.unwrap();
    if let Some(case_id) = case_id {
        judged(house, case_id).await;
    }
    let why = |one: StowOutcome| one.result.err().map(|problem| problem.kind);
    outcomes.into_iter().map(why).collect()
}

/// Stores these images by C-STORE, one after the other.
async fn stored(
    house: &House,
    case_id: &CaseId,
    images: &[(u64, u64, u64)],
) -> Vec<Option<ProblemKind>> {
    let peer = of_case(DeliverySource::Dimse, machine(), case_id);
    let mut peer = house.ingest.one_by_one(&peer).unwrap();
    let mut why = Vec::new();
    for (study, series, instance) in images {
        let part = part10(&mr(*study, *series, *instance));
        let part = received(&house.ingest, &part).await;
        let one = peer.store(part, &Wanted::default(), NOW).await.unwrap();
        why.push(one.result.err().map(|problem| problem.kind));
    }
    judged(house, case_id).await;
    why
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_without_a_case_joins_it_when_it_is_sent_again_by_whichever_door() {
    let images = [(1, 1, 1), (1, 1, 2)];
    for door in ["zip", "stow", "dimse"] {
        let house = House::new().await;
        let case_id = CaseId::from_random([1; 16]);
        assert_eq!(stowed(&house, (machine(), None), &images).await, [None; 2]);
        let sees = async || {
            let reach = Reach::Case(case_id.clone());
            house.find_as(&reach, &mr(1, 1, 2)).await.is_some()
        };
        assert!(!sees().await);
        match door {
            "zip" => {
                let receipt = bring(&house, machine(), &case_id, &images).await;
                assert_eq!((receipt.duplicates, receipt.problems.len()), (2, 0));
            }
            "stow" => {
                let told = stowed(&house, (machine(), Some(&case_id)), &images).await;
                assert_eq!(told, [None; 2]);
            }
            _ => assert_eq!(stored(&house, &case_id, &images).await, [None; 2]),
        }
        assert!(sees().await, "{door}");
        house.prove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_repeats_an_image_of_another_case_is_told_that_it_did_not_join() {
    let house = House::new().await;
    let (first, second) = (CaseId::from_random([1; 16]), CaseId::from_random([2; 16]));
    let images = [(1, 1, 1), (1, 1, 2)];
    bring(&house, patient(1), &first, &images).await;
    let sees = async || {
        let reach = Reach::Case(second.clone());
        house.find_as(&reach, &mr(1, 1, 1)).await.is_some()
    };
    let scope = || (patient(2), Some(&second));
    // A member of another case holds one image of two, and brings one that is its own.
    let told = stowed(&house, scope(), &[(1, 1, 1), (2, 1, 1)]).await;
    assert_eq!(told, [Some(ProblemKind::HeldAside), None]);
    assert!(!sees().await);
    let mut tx = house.ingest.store().read().await.unwrap();
    let rows = deliveries::list_of_case(&mut tx, &second).await.unwrap();
    drop(tx);
    let receipt = rows[0].receipt.as_deref().unwrap();
    assert!(
        receipt.contains(&mr(1, 1, 1).study_instance_uid),
        "a coordinator is told"
    );
    assert_eq!((rows.len(), rows[0].problem_count), (1, 1));
    // The same image twice, or one after the other, is not the whole exam.
    let told = stowed(&house, scope(), &[(1, 1, 1), (1, 1, 1)]).await;
    assert_eq!(told, [Some(ProblemKind::HeldAside); 2]);
    let told = stowed(&house, scope(), &[(1, 1, 2)]).await;
    assert_eq!(told, [Some(ProblemKind::HeldAside)]);
    assert!(!sees().await);
    // Whoever brings the whole of it has nothing to learn.
    assert_eq!(stowed(&house, scope(), &images).await, [None; 2]);
    assert!(sees().await);
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exam_that_stays_outside_is_noted_when_images_come_one_by_one() {
    let house = House::new().await;
    let (first, second) = (CaseId::from_random([1; 16]), CaseId::from_random([2; 16]));
    let studies = [1, 2, 3];
    for study in studies {
        bring(&house, patient(1), &first, &[(study, 1, 1), (study, 1, 2)]).await;
    }
    let options = of_case(DeliverySource::Dimse, patient(2), &second);
    let mut peer = house.ingest.one_by_one(&options).unwrap();
    for study in studies {
        let part = received(&house.ingest, &part10(&mr(study, 1, 1))).await;
        let one = peer.store(part, &Wanted::default(), NOW).await.unwrap();
        assert_eq!(one.result.unwrap_err().kind, ProblemKind::HeldAside);
    }
    let mut tx = house.ingest.store().read().await.unwrap();
    let rows = deliveries::list_of_case(&mut tx, &second).await.unwrap();
    let receipt = rows[0].receipt.as_deref().unwrap();
    for study in studies {
        assert!(
            receipt.contains(&mr(study, 1, 1).study_instance_uid),
            "{study}"
        );
    }
    assert_eq!((rows.len(), rows[0].problem_count), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_noted_of_exams_outside_follows_what_becomes_of_them() {
    let house = House::new().await;
    let (first, second) = (CaseId::from_random([1; 16]), CaseId::from_random([2; 16]));
    let count = limits::OUTSIDE_STUDIES_COUNTED as u64 + 1;
    for study in 1..=count {
        let images = [(study, 1, 1), (study, 1, 2), (study, 1, 3)];
        bring(&house, patient(1), &first, &images).await;
    }
    let options = of_case(DeliverySource::Dimse, patient(2), &second);
    let mut peer = house.ingest.one_by_one(&options).unwrap();
    let mut send = async |study, instance| {
        let part = received(&house.ingest, &part10(&mr(study, 1, instance))).await;
        let one = peer.store(part, &Wanted::default(), NOW).await.unwrap();
        one.result.map_err(|problem| problem.kind)
    };
    // The UIDs that are listed, and how many images of them came.
    let noted = async || {
        let mut tx = house.ingest.store().read().await.unwrap();
        let rows = deliveries::list_of_case(&mut tx, &second).await.unwrap();
        let receipt: Receipt = serde_json::from_str(rows[0].receipt.as_deref().unwrap()).unwrap();
        assert_eq!(receipt.studies.len(), receipt.problems.len());
        let uids = receipt.studies.into_iter();
        let uids: Vec<String> = uids.map(|study| study.study_instance_uid).collect();
        (uids, receipt.duplicates, rows[0].problem_count)
    };
    let file = async |study| {
        let mut tx = house.ingest.store().begin().await.unwrap();
        let uid = mr(study, 1, 1).study_instance_uid;
        let row = checks::study_by_uid(&mut tx, &uid).await.unwrap().unwrap();
        let linked = studies::link_to_case(&mut tx, StudyKey(row.id), &second, NOW).await;
        linked.unwrap();
        tx.commit().await.unwrap();
        uid
    };
    let outside = Err(ProblemKind::HeldAside);
    // Two images of one exam are one exam, and both are counted.
    assert_eq!(send(1, 1).await.unwrap_err(), ProblemKind::HeldAside);
    assert_eq!(send(1, 2).await.unwrap_err(), ProblemKind::HeldAside);
    let (uids, images, problems) = noted().await;
    assert_eq!((uids.len(), images, problems), (1, 2, 1));
    for study in 2..=count {
        assert_eq!(send(study, 1).await.map(drop), outside);
    }
    assert_eq!(noted().await.0.len() as u64, count);
    // With so many, one more image of one that is listed is not worth writing all of them anew.
    assert_eq!(send(count, 2).await.map(drop), outside);
    let (_, images, problems) = noted().await;
    assert_eq!((images, problems as u64), (count + 1, count));
    // Filed meanwhile: neither the exam that comes again nor another is listed any more.
    let filed = [file(1).await, file(2).await];
    send(1, 3).await.unwrap();
    let (uids, ..) = noted().await;
    assert_eq!(uids.len() as u64, count - 2);
    assert!(filed.iter().all(|uid| !uids.contains(uid)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_changes_nothing() {
    let house = House::new().await;
    let (first, second) = (CaseId::from_random([1; 16]), CaseId::from_random([2; 16]));
    let bare = mr(1, 1, 1)
        .with(tags::PATIENT_NAME, VR::PN, "")
        .with(tags::PATIENT_ID, VR::LO, "")
        .with(tags::STUDY_DESCRIPTION, VR::LO, "")
        .with(tags::STUDY_DATE, VR::DA, "");
    let bring = async |actor, case_id: &CaseId, spec: &overread_testkit::dicom::InstanceSpec| {
        let parts = [Ok(received(&house.ingest, &part10(spec)).await)];
        let options = of_case(DeliverySource::Stow, actor, case_id);
        let parts = futures_util::stream::iter(parts);
        let outcomes = house.ingest.stow(parts, None, options).await.unwrap();
        outcomes[0].result.clone().map_err(|problem| problem.kind)
    };
    let row = async || {
        let mut tx = house.ingest.store().read().await.unwrap();
        let uid = mr(1, 1, 1).study_instance_uid;
        checks::study_by_uid(&mut tx, &uid).await.unwrap().unwrap()
    };
    bring(patient(1), &first, &bare).await.unwrap();
    judged(&house, &first).await;
    let before = row().await;
    let said = mr(1, 2, 2)
        .with(tags::PATIENT_NAME, VR::PN, "Other^Person")
        .with(tags::STUDY_DESCRIPTION, VR::LO, "WRITTEN BY A STRANGER");
    let refused = bring(patient(2), &second, &said).await;
    assert_eq!(refused, Err(ProblemKind::HeldAside));
    assert!(row().await == before);
    // Nor is the study hidden in its own case until somebody judges it anew.
    let reach = Reach::Case(first.clone());
    assert!(house.find_as(&reach, &bare).await.is_some());

    // Whose it is comes with an image that is taken; after that, another person's image ties the study to no case.
    let named = mr(1, 1, 3)
        .with(tags::PATIENT_NAME, VR::PN, "Sample^Alex")
        .with(tags::PATIENT_ID, VR::LO, "A1");
    bring(patient(1), &first, &named).await.unwrap();
    assert!(row().await.patient_name.is_some());
    let other = mr(1, 1, 4)
        .with(tags::PATIENT_NAME, VR::PN, "Other^Person")
        .with(tags::PATIENT_ID, VR::LO, "B2");
    let refused = bring(machine(), &second, &other).await;
    assert_eq!(refused, Err(ProblemKind::OtherPatient));
    let mut tx = house.ingest.store().read().await.unwrap();
    let judged = checks::studies_to_judge(&mut tx, &second).await.unwrap();
    assert!(judged.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_may_add_to_any_study_and_case() {
    let house = House::new().await;
    let (first, second) = (CaseId::from_random([1; 16]), CaseId::from_random([2; 16]));
    bring(&house, patient(1), &first, &[(1, 1, 1), (1, 1, 2)]).await;
    let receipt = bring(&house, machine(), &second, &[(1, 1, 1)]).await;
    assert_eq!((receipt.duplicates, receipt.problems.len()), (1, 0));
    assert!(
        house
            .find_as(&Reach::Case(second), &mr(1, 1, 2))
            .await
            .is_some()
    );
    assert!(house.find_as(&Reach::Nothing, &mr(1, 1, 2)).await.is_none());
    assert!(
        house
            .find_as(&Reach::Case(CaseId::from_random([3; 16])), &mr(1, 1, 2))
            .await
            .is_none()
    );
}

/// A copy of what another case holds, other content under its identifier, a new image of its exam, an image of an exam that was
/// deleted: a stranger gets one answer for all, by each door.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_told_why_an_image_is_not_put_into_the_case() {
    let house = House::new().await;
    let (first, second) = (CaseId::from_random([1; 16]), CaseId::from_random([2; 16]));
    bring(
        &house,
        patient(1),
        &first,
        &[(1, 1, 1), (1, 1, 2), (2, 1, 1)],
    )
    .await;
    let mut tx = house.ingest.store().begin().await.unwrap();
    let uid = mr(2, 1, 1).study_instance_uid;
    let row = checks::study_by_uid(&mut tx, &uid).await.unwrap().unwrap();
    let deletion = DeletionId::from_random([3; 16]);
    let new = NewDeletion {
        id: &deletion,
        study: StudyKey(row.id),
        reason: "a test",
        erase_at: NOW.plus_days(30),
    };
    let marked = deletions::mark(&mut tx, &new, &machine(), NOW).await;
    assert!(marked.unwrap());
    tx.commit().await.unwrap();
    let mut changed = mr(1, 1, 1);
    changed.pixels[3] = 77;
    let images = [mr(1, 1, 1), changed, mr(1, 1, 9), mr(2, 1, 1), mr(2, 1, 2)];
    let (mut by_stow, mut by_peer, mut by_zip) = (Vec::new(), Vec::new(), Vec::new());
    for image in &images {
        let part = || part10(image);
        let options = of_case(DeliverySource::Stow, patient(2), &second);
        let parts = [Ok(received(&house.ingest, &part()).await)];
        let parts = futures_util::stream::iter(parts);
        let mut told = house.ingest.stow(parts, None, options).await.unwrap();
        by_stow.push(told.remove(0).result);

        let files = [DiscFile::new("IM1", part())];
        let zip = std::io::Cursor::new(zip_of(&files, false).unwrap());
        let options = of_case(DeliverySource::Zip, patient(2), &second);
        let mut receipt = house.ingest.zip_stream(zip, options).await.unwrap();
        receipt.delivery.clear();
        receipt.seconds = 0.0;
        by_zip.push(receipt);
    }
    // A copy that a peer sends joins the case; the others do not.
    for image in &images[1..] {
        let options = of_case(DeliverySource::Dimse, machine(), &second);
        let mut peer = house.ingest.one_by_one(&options).unwrap();
        let part = received(&house.ingest, &part10(image)).await;
        let wanted = Wanted::default();
        let told = peer.store(part, &wanted, NOW).await.unwrap();
        by_peer.push(told.result);
    }
    for told in by_stow {
        let problem = told.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::HeldAside);
        assert!(problem.message.contains("a coordinator must look"));
        assert!(!problem.message.contains("held"), "{}", problem.message);
    }
    for receipt in &by_zip {
        assert_eq!(receipt, &by_zip[0]);
        assert_eq!((receipt.duplicates, receipt.kept_aside), (0, 1));
    }
    // A peer that stores for a case adds to whatever exam it names, and is told alike of all that is not added.
    let of_peer = |told: &Result<_, overread_dicom::DicomProblem>| told.as_ref().err().cloned();
    let refused: Vec<_> = by_peer.iter().filter_map(of_peer).collect();
    assert!(refused.len() >= 3, "{by_peer:?}");
    for problem in &refused {
        assert_eq!(problem, &refused[0]);
        assert_eq!(problem.kind, ProblemKind::HeldAside);
    }
}
