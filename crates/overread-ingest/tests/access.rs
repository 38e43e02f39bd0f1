//! A UID in a file opens nothing: who may add to a study, and who sees it.

use overread_ingest::DeliverySource;
use overread_model::ids::CaseId;
use overread_model::problem::ProblemKind;
use overread_store::access::Reach;
use overread_testkit::disc::{DiscFile, zip_of};

use crate::house::{House, kinds, machine, mr, of_case, part10, patient};

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
    house
        .ingest
        .zip_stream(zip, of_case(DeliverySource::Zip, actor, case_id))
        .await
        .unwrap()
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
        (0, 1),
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
