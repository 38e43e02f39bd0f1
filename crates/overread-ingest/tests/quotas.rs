//! A case holds no more than it may, by whichever door images come.

use overread_archive::Archive;
use overread_ingest::{
    DeliveryOptions, DeliverySource, Ingest, OneByOne, Receipt, StowOutcome, Wanted,
};
use overread_model::ids::CaseId;
use overread_model::keeping::Quota;
use overread_model::problem::ProblemKind;
use overread_model::refusal::{RefusalReason, RefusedSort};
use overread_store::{Store, deliveries, quotas, refused_files};
use overread_testkit::disc::{DiscFile, write_folder, zip_of};

use crate::house::{House, NOW, kinds, machine, mr, of_case, part10, received};

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
async fn an_image_that_is_refused_twice_in_one_request_is_not_written() {
    let house = house(ROOM).await;
    stow(&house, 1..=3).await;
    let before = packs_bytes(&house);
    let outcomes = stow(&house, [4, 4, 5, 5]).await;
    assert!(outcomes.iter().all(|one| one.result.is_err()));
    assert_eq!(packs_bytes(&house), before, "nothing of it was written");
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

/// What the case lacks since it was refused: sort, reason and how many.
async fn lacking(house: &House) -> Vec<(RefusedSort, RefusalReason, i64)> {
    let mut tx = house.ingest.store().read().await.unwrap();
    let lacking = refused_files::lacking(&mut tx, &case_id()).await.unwrap();
    let line = |one: refused_files::Lacking| (one.sort, one.reason, one.count);
    lacking.into_iter().map(line).collect()
}

async fn store_one(house: &House, one_by_one: &mut OneByOne, instance: u64) -> StowOutcome {
    let part = received(&house.ingest, &part10(&mr(1, 1, instance))).await;
    let wanted = Wanted::default();
    one_by_one.store(part, &wanted, NOW).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_known_by_whichever_door_it_came() {
    check_doors(house(ROOM).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_known_by_whichever_door_it_came_on_postgresql() {
    let Some(mut house) = crate::house::postgres("refused").await else {
        return;
    };
    let store = house.ingest.store().clone();
    let archive = Archive::open(house.dir.path()).await.unwrap();
    house.ingest = Ingest::open_with(store, archive, ROOM).await.unwrap();
    check_doors(house).await;
}

async fn check_doors(house: House) {
    let images = |count| (RefusedSort::Instance, RefusalReason::NoRoom, count);
    let paper = (RefusedSort::Paper, RefusalReason::NoRoom, 1);
    stow(&house, 1..=3).await;
    assert!(lacking(&house).await.is_empty());
    stow(&house, 4..=5).await;
    assert_eq!(lacking(&house).await, [images(2)]);
    stow(&house, 4..=6).await;
    assert_eq!(lacking(&house).await, [images(3)], "again is no more");
    let mut tx = house.ingest.store().read().await.unwrap();
    let deliveries = deliveries::list_of_case(&mut tx, &case_id()).await.unwrap();
    drop(tx);
    let problems: Vec<i64> = deliveries.iter().map(|row| row.problem_count).collect();
    assert_eq!(problems.iter().sum::<i64>(), 5, "{problems:?}");
    let peer = options(DeliverySource::Dimse);
    let mut one_by_one = house.ingest.one_by_one(&peer).unwrap();
    assert!(store_one(&house, &mut one_by_one, 7).await.result.is_err());
    assert_eq!(lacking(&house).await, [images(4)]);
    let pdf = overread_testkit::pdf::page("BT /F1 12 Tf 72 700 Td (No fracture.) Tj ET");
    set_room(&house, Quota { bytes: 1, ..ROOM }).await;
    zip(
        &house,
        &[("8.dcm", part10(&mr(1, 1, 8))), ("NOTES.PDF", pdf.clone())],
    )
    .await;
    assert_eq!(lacking(&house).await, [images(5), paper]);
    let file = house.dir.path().join("9.dcm");
    std::fs::write(&file, part10(&mr(1, 1, 9))).unwrap();
    let paths = options(DeliverySource::Paths);
    house.ingest.paths(&[file], paths, ()).await.unwrap();
    assert_eq!(lacking(&house).await, [images(6), paper]);
    // What comes once there is room is not lacking any more.
    let more = Quota {
        instances: 7,
        ..ROOM
    };
    set_room(&house, more).await;
    stow(&house, 4..=7).await;
    assert_eq!(lacking(&house).await, [images(2), paper]);
    zip(&house, &[("OTHERWISE.PDF", pdf)]).await;
    assert_eq!(lacking(&house).await, [images(2)]);
    house.prove().await;
}

async fn set_room(house: &House, quota: Quota) {
    let mut tx = house.ingest.store().begin().await.unwrap();
    let of = case_id();
    let set = quotas::set(&mut tx, &of, quota, "a test", "p", NOW);
    set.await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_whole_instance_is_known_until_it_comes_whole() {
    let house = house(ROOM).await;
    let whole = part10(&mr(1, 1, 1));
    let unusable = |sort| (sort, RefusalReason::Unusable, 1);
    let named = mr(1, 1, 1).sop_instance_uid;
    let wanted = Wanted {
        sop_instance_uid: Some(&named),
        whole: true,
        ..Wanted::default()
    };
    let peer = options(DeliverySource::Dimse);
    let mut one_by_one = house.ingest.one_by_one(&peer).unwrap();
    for cut in [40, whole.len() - 9] {
        let part = received(&house.ingest, &whole[..cut]).await;
        let outcome = one_by_one.store(part, &wanted, NOW).await.unwrap();
        assert!(outcome.result.is_err(), "{cut}");
    }
    assert_eq!(lacking(&house).await, [unusable(RefusedSort::Instance)]);
    let part = received(&house.ingest, &whole).await;
    let outcome = one_by_one.store(part, &wanted, NOW).await.unwrap();
    assert!(outcome.result.is_ok());
    assert!(lacking(&house).await.is_empty());
    let no_image = received(&house.ingest, b"%PDF-1.4 is no image").await;
    let parts = futures_util::stream::iter([Ok(no_image)]);
    let stowed = house
        .ingest
        .stow(parts, None, options(DeliverySource::Stow));
    assert!(stowed.await.unwrap()[0].result.is_err());
    assert_eq!(lacking(&house).await, [unusable(RefusedSort::Unnamed)]);
}

fn packs_bytes(house: &House) -> u64 {
    let length = |pack| std::fs::metadata(pack).unwrap().len();
    house.packs().into_iter().map(length).sum()
}

/// Stores an exam of these images in no case.
async fn stored_elsewhere(house: &House, images: std::ops::RangeInclusive<u64>) {
    let options = DeliveryOptions {
        case_id: None,
        ..options(DeliverySource::Stow)
    };
    for image in images {
        let part = received(&house.ingest, &part10(&mr(1, 1, image))).await;
        let parts = futures_util::stream::iter([Ok(part)]);
        let stowed = house.ingest.stow(parts, None, options.clone()).await;
        assert!(stowed.unwrap()[0].result.is_ok());
    }
}

/// Returns of the deliveries to the case whether each is finished, and how much of it is new, known and refused.
async fn told(house: &House) -> Vec<(bool, i64, i64, i64)> {
    let mut tx = house.ingest.store().read().await.unwrap();
    let rows = deliveries::list_of_case(&mut tx, &case_id()).await.unwrap();
    let told = |row: &deliveries::DeliveryRow| {
        let finished = row.finished_at.is_some();
        let (new, known) = (row.instances_stored, row.duplicates);
        (finished, new, known, row.problem_count)
    };
    let mut told: Vec<_> = rows.iter().map(told).collect();
    told.sort_unstable();
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_again_is_told_as_known_and_not_as_refused() {
    let house = house(ROOM).await;
    stow(&house, 1..=3).await;
    assert_eq!(told(&house).await, [(true, 3, 0, 0)]);
    // Three are known, and for the fourth there is no room.
    stow(&house, 1..=4).await;
    assert_eq!(told(&house).await, [(true, 0, 3, 1), (true, 3, 0, 0)]);
    stow(&house, 1..=1).await;
    let again = [(true, 0, 1, 0), (true, 0, 3, 1), (true, 3, 0, 0)];
    assert_eq!(told(&house).await, again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_breaks_off_tells_what_came_of_it() {
    let house = house(ROOM).await;
    let file = |number: u64| DiscFile::new(number.to_string(), part10(&mr(1, 1, number)));
    let whole = zip_of(&[file(1), file(2), file(3)], false).unwrap();
    let middle = bytes::Bytes::copy_from_slice(&whole[..whole.len() / 2]);
    let broken = [Ok(middle), Err(std::io::Error::other("broke off"))];
    let body = tokio_util::io::StreamReader::new(futures_util::stream::iter(broken));
    let taken = house.ingest.zip_stream(body, options(DeliverySource::Zip));
    taken.await.unwrap_err();
    // What came may be on its way still; the committer takes one after the other.
    let after = house.zip(zip_of(&[DiscFile::new("IM", part10(&mr(2, 1, 1)))], false).unwrap());
    assert_eq!(after.await.instances_stored, 1);
    let told = told(&house).await;
    assert_eq!(told.len(), 1);
    let (is_finished, new, ..) = told[0];
    assert!(!is_finished && new == 1, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_noted_once_however_often_it_comes_into_a_full_case() {
    let house = house(ROOM).await;
    stored_elsewhere(&house, 1..=20).await;
    let peer = options(DeliverySource::Dimse);
    let mut one_by_one = house.ingest.one_by_one(&peer).unwrap();
    for image in (1..=20).chain(1..=20) {
        let outcome = store_one(&house, &mut one_by_one, image).await;
        let problem = outcome.result.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::LimitExceeded);
    }
    let database = rusqlite::Connection::open(house.dir.path().join("overread.sqlite")).unwrap();
    let noted = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0));
    let rows = noted("select count(*) from refused_file").unwrap();
    let times = noted("select sum(refused_count) from refused_file").unwrap();
    assert_eq!((rows, times), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_already_needs_room_in_its_case_too() {
    check_stored_already(house(ROOM).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_already_needs_room_in_its_case_too_on_postgresql() {
    let Some(mut one) = crate::house::postgres("stored_already").await else {
        return;
    };
    let store = one.ingest.store().clone();
    let archive = Archive::open(one.dir.path()).await.unwrap();
    one.ingest = Ingest::open_with(store, archive, ROOM).await.unwrap();
    check_stored_already(one).await;
}

async fn check_stored_already(house: House) {
    stored_elsewhere(&house, 1..=4).await;
    let disc = house.dir.path().join("disc");
    let files = (1..=4).map(|number| DiscFile::new(number.to_string(), part10(&mr(1, 1, number))));
    write_folder(&disc, &files.collect::<Vec<_>>()).unwrap();
    let deliver = || async {
        let paths = options(DeliverySource::Paths);
        house
            .ingest
            .paths(std::slice::from_ref(&disc), paths, ())
            .await
            .unwrap()
    };
    // The exam has four images, and the case has room for three.
    let receipt = deliver().await;
    // They are kept, only not in this case.
    assert_eq!(
        (receipt.duplicates, receipt.not_kept, receipt.left_outside),
        (4, 0, 4)
    );
    assert_eq!(kinds(&receipt), [ProblemKind::LimitExceeded]);
    assert!(receipt.studies.is_empty(), "nothing of it is in the case");
    assert_eq!(used(&house).await, (0, 0));
    let lacks = |count| (RefusedSort::Instance, RefusalReason::NoRoom, count);
    assert_eq!(lacking(&house).await, [lacks(4)]);
    // One more image does not pull the whole exam in, by whichever door.
    let outcomes = stow(&house, 5..=5).await;
    assert_eq!(
        outcomes[0].result.as_ref().unwrap_err().kind,
        ProblemKind::LimitExceeded
    );
    assert_eq!(used(&house).await, (0, 0));
    assert_eq!(lacking(&house).await, [lacks(5)]);
    // An exam that fits is put into it, and counts once.
    set_room(
        &house,
        Quota {
            instances: 5,
            ..ROOM
        },
    )
    .await;
    assert_eq!(stow(&house, 5..=5).await[0].result.as_ref().err(), None);
    assert_eq!(used(&house).await.1, 5);
    let receipt = deliver().await;
    assert_eq!((receipt.not_kept, receipt.left_outside), (0, 0));
    assert_eq!(used(&house).await.1, 5);
    assert!(lacking(&house).await.is_empty());
    house.prove().await;
}
