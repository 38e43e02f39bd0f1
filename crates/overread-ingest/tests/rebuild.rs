//! The index made anew from the packs says what it said before, and nothing that was deleted.

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};

use dicom_core::VR;
use dicom_dictionary_std::tags;
use overread_ingest::{DeliverySource, Ingest, RebuildReport, Stowed, rebuild};
use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_store::access::Reach;
use overread_store::audit::{self, AuditEvent};
use overread_store::erasures::study_name;
use overread_store::studies::{
    self, InstanceFilter, InstanceRow, Page, SeriesFilter, SeriesRow, StudyFilter, StudyRow,
};
use overread_store::{deletions, deliveries, documents};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, zip_of};

use crate::house::{House, NOW, mr, of_case, options, part10, patient, place_with_new_database};

/// Everything that an index answers of its images and papers.
#[derive(PartialEq)]
struct Answers {
    studies: Vec<StudyRow>,
    series: Vec<SeriesRow>,
    instances: Vec<InstanceRow>,
    /// By SOP Instance UID.
    kept: BTreeMap<String, Vec<u8>>,
    asides: Vec<(String, String, String)>,
    papers: Vec<(String, String, String, Vec<u8>)>,
}

async fn answers(ingest: &Ingest, case_id: &CaseId) -> Answers {
    let mut tx = ingest.store().read().await.unwrap();
    let (all, page) = (&Reach::Everything, &Page::default());
    let studies = studies::search_studies(&mut tx, all, &StudyFilter::default(), page).await;
    let series = studies::search_series(&mut tx, all, &SeriesFilter::default(), page).await;
    let instances = studies::search_instances(&mut tx, all, &InstanceFilter::default(), page).await;
    let instances = instances.unwrap();
    let mut kept = BTreeMap::new();
    for row in &instances {
        let (study, series) = (&row.study_instance_uid, &row.series_instance_uid);
        let found = studies::find_instance(&mut tx, all, study, series, &row.sop_instance_uid);
        let found = found.await.unwrap().unwrap();
        let bytes = ingest
            .archive()
            .read(found.extent, 0..found.extent.length_bytes);
        kept.insert(row.sop_instance_uid.clone(), bytes.await.unwrap().to_vec());
    }
    let asides = deliveries::list_aside(&mut tx, None, 100).await.unwrap();
    let mut asides: Vec<_> = asides
        .into_iter()
        .map(|aside| {
            (
                aside.sop_instance_uid,
                aside.reason,
                aside.digest.to_string(),
            )
        })
        .collect();
    asides.sort();
    let mut papers = Vec::new();
    for row in documents::list_of_case(&mut tx, case_id).await.unwrap() {
        let bytes = ingest
            .archive()
            .read(row.extent, 0..row.extent.length_bytes);
        papers.push((
            row.id.to_string(),
            row.name,
            row.media_type,
            bytes.await.unwrap().to_vec(),
        ));
    }
    Answers {
        studies: studies.unwrap(),
        series: series.unwrap(),
        instances,
        kept,
        asides,
        papers,
    }
}

/// Opens the same packs with a new database and makes the index anew.
async fn rebuilt(house: House) -> (House, RebuildReport) {
    let dir = house.end().await;
    let (store, archive) = place_with_new_database(dir.path()).await;
    let ingest = Ingest::open(store, archive).await.unwrap();
    let report = rebuild(ingest.store(), ingest.archive(), NOW, |_| {}).await;
    (House { dir, ingest }, report.unwrap())
}

fn case() -> CaseId {
    CaseId::from_random([9; 16])
}

/// Images of several studies and series, other bytes under a known UID, and a paper of a case.
async fn filled() -> House {
    let house = House::new().await;
    house
        .stow(
            (1..=4)
                .map(|number| part10(&mr(1, 1 + number % 2, number)))
                .collect(),
        )
        .await;
    let mut other = part10(&mr(1, 1, 2));
    let last = other.len() - 1;
    other[last] ^= 1;
    let outcomes = house.stow(vec![other]).await;
    assert_ne!(outcomes[0].result, Ok(Stowed::Stored));
    let mut files: Vec<DiscFile> = (1..=30)
        .map(|number| {
            DiscFile::new(
                format!("IM{number}"),
                part10(&mr(2, 1 + number % 3, number)),
            )
        })
        .collect();
    files.push(DiscFile::new(
        "Befund Muster.txt",
        "FINDINGS: Normal.\r\nIMPRESSION: Normal.\r\n",
    ));
    let zip = std::io::Cursor::new(zip_of(&files, true).unwrap());
    let receipt = house
        .ingest
        .zip_stream(zip, of_case(DeliverySource::Zip, patient(1), &case()))
        .await
        .unwrap();
    assert_eq!((receipt.instances_stored, receipt.documents.len()), (30, 1));
    // The same person adds to it later, which the link of the case allows.
    let late = std::io::Cursor::new(part10(&mr(2, 1, 99)));
    house
        .ingest
        .one_file(
            "late",
            late,
            of_case(DeliverySource::File, patient(1), &case()),
        )
        .await
        .unwrap();
    house.prove().await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_index_answers_as_the_lost_one_did() {
    let house = filled().await;
    let before = answers(&house.ingest, &case()).await;
    assert_eq!((before.studies.len(), before.instances.len()), (2, 35));
    assert_eq!((before.asides.len(), before.papers.len()), (1, 1));
    let (house, report) = rebuilt(house).await;
    assert!(report.damaged.is_empty(), "{:?}", report.damaged);
    assert_eq!(
        (report.instances, report.documents, report.aside),
        (35, 1, 1)
    );
    let after = answers(&house.ingest, &case()).await;
    assert!(before.studies == after.studies);
    assert!(before.series == after.series);
    assert!(before.instances == after.instances);
    assert!(before == after);
    house.prove().await;
    let again = rebuild(house.ingest.store(), house.ingest.archive(), NOW, |_| {}).await;
    assert_eq!(again.unwrap().batches, 0, "nothing is taken in twice");
    // What is stored further is known as before.
    let outcomes = house
        .stow(vec![part10(&mr(1, 1, 2)), part10(&mr(3, 1, 1))])
        .await;
    assert_eq!(outcomes[0].result, Ok(Stowed::Duplicate));
    assert_eq!(outcomes[1].result, Ok(Stowed::Stored));
    house.prove().await;
}

/// Puts a deletion on record, as whoever deletes does first: it is later than what was stored.
async fn note_deletion(tx: &mut overread_store::Tx) {
    let event = AuditEvent::new("study.deleted");
    let later = NOW.plus_seconds(60);
    audit::record(tx, &Actor::System, &event, later)
        .await
        .unwrap();
}

async fn delete(house: &House, number: u64) {
    let found = house.find(&mr(number, 1, 2)).await.unwrap();
    let deletion = house.delete(found.study).await;
    let mut tx = house.ingest.store().begin().await.unwrap();
    let event = AuditEvent::new("study.deleted");
    let later = NOW.plus_seconds(60);
    audit::record(&mut tx, &Actor::System, &event, later)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(house.erase(&deletion).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_does_not_come_back_and_what_came_later_does() {
    let house = filled().await;
    delete(&house, 1).await;
    let (house, report) = rebuilt(house).await;
    assert!(report.damaged.is_empty(), "{:?}", report.damaged);
    assert!(house.find(&mr(1, 1, 2)).await.is_none());
    assert!(house.find(&mr(2, 2, 1)).await.is_some());
    let mut later = options(DeliverySource::File);
    later.now = NOW.plus_seconds(120);
    let again = std::io::Cursor::new(part10(&mr(1, 1, 2)));
    house.ingest.one_file("again", again, later).await.unwrap();
    let (house, _) = rebuilt(house).await;
    assert!(
        house.find(&mr(1, 1, 2)).await.is_some(),
        "it came after the deletion"
    );
    assert!(house.find(&mr(1, 2, 1)).await.is_none());
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_no_row_knew_does_not_bring_a_deleted_study_back() {
    let house = filled().await;
    // As when a batch was synced, its commit failed, it was sent again, and then the study was deleted: what was there before
    // the deletion is there after it.
    if house.ingest.archive().kind() != "disc" {
        return;
    }
    let found = house.find(&mr(1, 1, 2)).await.unwrap();
    let pack = house.pack_of(found.extent);
    let copies = house.packs().into_iter().map(|pack| {
        let copy = std::fs::read(&pack).unwrap();
        (pack, copy)
    });
    let copies: Vec<_> = copies.collect();
    delete(&house, 1).await;
    for (pack, copy) in copies {
        std::fs::write(pack, copy).unwrap();
    }
    let (house, report) = rebuilt(house).await;
    // What was set aside as other bytes of it went, too.
    assert!(report.deleted == 5 && report.unseen == 0, "{report:?}");
    assert!(house.find(&mr(1, 1, 2)).await.is_none());
    house.prove().await;
    let bytes = std::fs::read(&pack).unwrap();
    let (start, length) = (found.extent.offset_bytes, found.extent.length_bytes);
    let there = &bytes[start as usize..(start + length) as usize];
    assert!(there.iter().all(|byte| *byte == 0), "it is overwritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_told_and_not_taken_in() {
    let house = filled().await;
    if house.ingest.archive().kind() != "disc" {
        return;
    }
    let found = house.find(&mr(2, 2, 1)).await.unwrap();
    let pack = house.pack_of(found.extent);
    let mut file = std::fs::OpenOptions::new().write(true).open(pack).unwrap();
    file.seek(SeekFrom::Start(found.extent.offset_bytes + 500))
        .unwrap();
    file.write_all(b"x").unwrap();
    let (house, report) = rebuilt(house).await;
    assert_eq!(report.damaged.len(), 1, "{:?}", report.damaged);
    assert_eq!(report.instances, 34);
    assert!(house.find(&mr(2, 2, 1)).await.is_none());
    let verified = overread_ingest::verify(house.ingest.store(), house.ingest.archive()).await;
    assert!(
        !verified.unwrap().ok,
        "a record that is damaged is never passed over"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_row_is_made_anew() {
    let house = filled().await;
    if house.ingest.archive().kind() != "disc" {
        return;
    }
    let before = answers(&house.ingest, &case()).await;
    let dir = house.end().await;
    let database = rusqlite::Connection::open(dir.path().join("overread.sqlite")).unwrap();
    assert_eq!(database.execute("delete from document", []).unwrap(), 1);
    drop(database);
    let house = House {
        ingest: crate::house::open(dir.path()).await,
        dir,
    };
    let verified = overread_ingest::verify(house.ingest.store(), house.ingest.archive()).await;
    assert!(!verified.unwrap().ok);
    let report = rebuild(house.ingest.store(), house.ingest.archive(), NOW, |_| {}).await;
    assert_eq!(report.unwrap().documents, 1);
    assert!(answers(&house.ingest, &case()).await == before);
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_was_interrupted_is_ended_at_the_next_start() {
    let house = filled().await;
    let found = house.find(&mr(1, 1, 2)).await.unwrap();
    let deletion = house.delete(found.study).await;
    let mut tx = house.ingest.store().begin().await.unwrap();
    note_deletion(&mut tx).await;
    let begun = deletions::begin_erasure(&mut tx, &deletion, NOW).await;
    assert!(begun.unwrap().is_some());
    tx.commit().await.unwrap();
    // The program is stopped here: the bytes are all there still.
    let extent = found.extent;
    let archive = house.ingest.archive();
    assert_eq!(archive.digest_of(extent).await.unwrap(), found.digest);
    let dir = house.end().await;
    let ingest = crate::house::open(dir.path()).await;
    // In a bucket this is done beside everything else.
    overread_ingest::overwrite_erased(ingest.store(), ingest.archive(), NOW)
        .await
        .unwrap();
    let bytes = ingest
        .archive()
        .past_cache()
        .read(extent, 0..extent.length_bytes)
        .await;
    assert!(bytes.map_or(true, |bytes| bytes.iter().all(|byte| *byte == 0)));
    let (name, other) = (
        study_name(&mr(1, 1, 2).study_instance_uid),
        study_name("1.2"),
    );
    let remembered = ingest.archive().deletion(&name).await.unwrap().unwrap();
    // Four instances, and the other bytes under the UID of one.
    assert!(remembered.digests.contains(&found.digest) && remembered.digests.len() == 5);
    assert_eq!(ingest.archive().deletion(&other).await.unwrap(), None);
    let second = tempfile::tempdir().unwrap();
    let moved = overread_archive::Archive::open(second.path())
        .await
        .unwrap();
    moved.take_over_deletions(ingest.archive()).await.unwrap();
    assert_eq!(moved.deletion(&name).await.unwrap(), Some(remembered));
    let house = House { dir, ingest };
    house.prove().await;
    let (house, report) = rebuilt(house).await;
    assert!(report.damaged.is_empty(), "{:?}", report.damaged);
    assert!(house.find(&mr(1, 1, 2)).await.is_none());
}

/// An instance that is too long to be kept in memory while it arrives.
fn long() -> InstanceSpec {
    InstanceSpec {
        rows: 3_000,
        columns: 3_000,
        pixels: (0..9_000_000).map(|value| (value % 4_096) as u16).collect(),
        ..mr(7, 1, 1)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_becomes_a_pack_by_itself_and_the_index_finds_it_again() {
    let house = filled().await;
    let bytes = part10(&long());
    assert!(bytes.len() as u64 > overread_ingest::limits::IN_MEMORY_BYTES);
    for outcome in house.stow(vec![bytes.clone(), part10(&mr(7, 1, 2))]).await {
        assert_eq!(outcome.result, Ok(Stowed::Stored));
    }
    let (mut other, last) = (bytes.clone(), bytes.len() - 1);
    other[last] ^= 1;
    let files = [
        DiscFile::new("US1", bytes.clone()),
        DiscFile::new("US2", other),
    ];
    let receipt = house.zip(zip_of(&files, true).unwrap()).await;
    assert_eq!((receipt.duplicates, receipt.instances_stored), (1, 0));
    house.prove().await;
    let before = answers(&house.ingest, &case()).await;
    assert_eq!(before.kept[&long().sop_instance_uid], bytes);
    let found = house.find(&long()).await.unwrap();
    if house.ingest.archive().kind() == "disc" {
        let pack = house.pack_of(found.extent);
        let length = std::fs::metadata(pack).unwrap().len();
        // Nothing but its header, the file and a directory.
        assert!(length < found.extent.length_bytes + 1_000, "{length}");
    }
    let (house, report) = rebuilt(house).await;
    assert!(report.damaged.is_empty(), "{:?}", report.damaged);
    assert!(answers(&house.ingest, &case()).await == before);
    delete(&house, 7).await;
    assert!(house.find(&long()).await.is_none());
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_version_that_knew_less_are_completed() {
    let house = filled().await;
    if house.ingest.archive().kind() != "disc" {
        return;
    }
    let spec = mr(5, 1, 1)
        .with(tags::STATION_NAME, VR::SH, "MR ONE")
        .with(tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH, "+0100")
        .with(tags::REFERRING_PHYSICIAN_NAME, VR::PN, "Careful^Ann");
    house.stow(vec![part10(&spec)]).await;
    let before = answers(&house.ingest, &case()).await;
    assert!(before.series.iter().any(|row| row.station_name.is_some()));
    let dir = house.end().await;
    let database = rusqlite::Connection::open(dir.path().join("overread.sqlite")).unwrap();
    // As an installation looks that was older than migration 8 when it came.
    let early = "update _sqlx_migrations set installed_on = '2026-01-01 00:00:00' where version < 8; \
        update _sqlx_migrations set installed_on = '2026-06-01 00:00:00' where version >= 8; \
        update study set timezone_offset_from_utc = null, referring_physician_folded = null; \
        update series set station_name = null, performed_procedure_step_start_date = null, \
        performed_procedure_step_start_time = null, request_attributes = null;";
    database.execute_batch(early).unwrap();
    drop(database);
    let house = House {
        ingest: crate::house::open(dir.path()).await,
        dir,
    };
    assert!(answers(&house.ingest, &case()).await != before);
    let rebuilt = async || {
        let report = rebuild(house.ingest.store(), house.ingest.archive(), NOW, |_| {}).await;
        report.unwrap().completed
    };
    assert_eq!(rebuilt().await, 1);
    assert!(answers(&house.ingest, &case()).await == before);
    assert_eq!(rebuilt().await, 0, "once");
}
