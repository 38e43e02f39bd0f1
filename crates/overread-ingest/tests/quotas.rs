//! A case holds no more than it may, by whichever door images come.

use overread_archive::Archive;
use overread_ingest::{DeliveryOptions, DeliverySource, Ingest, Receipt, StowOutcome};
use overread_model::ids::CaseId;
use overread_model::keeping::Quota;
use overread_model::problem::ProblemKind;
use overread_store::{Store, quotas};
use overread_testkit::disc::{DiscFile, zip_of};

use crate::house::{House, kinds, machine, mr, of_case, part10, received};

const ROOM: Quota = Quota {
    bytes: 1 << 30,
    instances: 3,
};

fn case_id() -> CaseId {
    CaseId::from_random([4; 16])
}

fn options(source: DeliverySource) -> DeliveryOptions {
    of_case(source, machine(), &case_id())
}

async fn house(quota: Quota) -> House {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&dir.path().join("overread.sqlite")).await;
    let archive = Archive::open(dir.path()).await.unwrap();
    let ingest = Ingest::open_with(store.unwrap(), archive, quota).await;
    House {
        dir,
        ingest: ingest.unwrap(),
    }
}

async fn stow(house: &House, instances: impl IntoIterator<Item = u64>) -> Vec<StowOutcome> {
    let mut parts = Vec::new();
    for instance in instances {
        let part = part10(&mr(1, 1, instance));
        parts.push(Ok(received(&house.ingest, &part).await));
    }
    let parts = futures_util::stream::iter(parts);
    let stowed = house
        .ingest
        .stow(parts, None, options(DeliverySource::Stow));
    stowed.await.unwrap()
}

async fn zip(house: &House, names: &[(&str, Vec<u8>)]) -> Receipt {
    let file = |(path, bytes): &(&str, Vec<u8>)| DiscFile {
        path: (*path).to_owned(),
        bytes: bytes.clone(),
    };
    let files: Vec<DiscFile> = names.iter().map(file).collect();
    let body = std::io::Cursor::new(zip_of(&files, true).unwrap());
    let taken = house.ingest.zip_stream(body, options(DeliverySource::Zip));
    taken.await.unwrap()
}

async fn used(house: &House) -> (u64, u64) {
    let mut tx = house.ingest.store().read().await.unwrap();
    let used = quotas::usage(&mut tx, &case_id()).await.unwrap();
    (used.bytes, used.instances)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let house = house(ROOM).await;
    let outcomes = stow(&house, 1..=5).await;
    let stored = outcomes.iter().filter(|one| one.result.is_ok()).count();
    assert_eq!(stored, 3);
    let refused = outcomes.iter().filter_map(|one| one.result.as_ref().err());
    for problem in refused {
        assert_eq!(problem.kind, ProblemKind::LimitExceeded);
        assert!(
            problem.message.contains("was not kept"),
            "{}",
            problem.message
        );
    }
    let full = used(&house).await;
    assert_eq!(full.1, 3);
    let again = stow(&house, 1..=3).await;
    let again = again.iter().filter(|one| one.result.is_ok()).count();
    assert_eq!(again, 3, "sending the same again needs no room");
    let before = packs_bytes(&house);
    let receipt = zip(&house, &[("a/1.dcm", part10(&mr(2, 1, 1)))]).await;
    assert_eq!((receipt.instances_stored, receipt.studies.len()), (0, 0));
    assert_eq!(kinds(&receipt), [ProblemKind::LimitExceeded]);
    assert_eq!(used(&house).await, full);
    assert_eq!(packs_bytes(&house), before, "nothing of it was written");
    assert!(house.find(&mr(2, 1, 1)).await.is_none());
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_take_room_too() {
    let small = Quota {
        bytes: 600,
        instances: 9,
    };
    let house = house(small).await;
    let pdf =
        overread_testkit::pdf::page("BT /F1 12 Tf 72 700 Td (Impression: no fracture.) Tj ET");
    assert!(pdf.len() > 600);
    let receipt = zip(&house, &[("report.pdf", pdf)]).await;
    assert!(receipt.documents.is_empty());
    assert_eq!(kinds(&receipt), [ProblemKind::LimitExceeded]);
    assert_eq!(used(&house).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_not_slip_past_it() {
    check_two_at_once(house(ROOM).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_not_slip_past_it_on_postgresql() {
    let Some(mut one) = crate::house::postgres("quotas").await else {
        return;
    };
    // Another committer on the same database, as a second node has.
    let store = one.ingest.store().clone();
    let archive = Archive::open(one.dir.path()).await.unwrap();
    one.ingest = Ingest::open_with(store.clone(), archive, ROOM)
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path()).await.unwrap();
    let two = House {
        dir,
        ingest: Ingest::open_with(store, archive, ROOM).await.unwrap(),
    };
    let (first, second) = tokio::join!(stow(&one, 1..=6), stow(&two, 11..=16));
    let stored = first.iter().chain(&second).filter(|one| one.result.is_ok());
    assert_eq!(stored.count(), 3);
    assert_eq!(used(&one).await.1, 3);
}

async fn check_two_at_once(house: House) {
    let (first, second) = tokio::join!(stow(&house, 1..=6), stow(&house, 11..=16));
    let stored = first.iter().chain(&second).filter(|one| one.result.is_ok());
    assert_eq!(stored.count(), 3);
    assert_eq!(used(&house).await.1, 3);
}

fn packs_bytes(house: &House) -> u64 {
    let length = |pack| std::fs::metadata(pack).unwrap().len();
    house.packs().into_iter().map(length).sum()
}
