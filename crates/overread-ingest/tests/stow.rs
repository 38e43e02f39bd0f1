//! STOW: one answer a part, in order, durable.

use futures_util::StreamExt;
use overread_ingest::{DeliverySource, IngestError, Stowed, limits};
use overread_model::problem::ProblemKind;
use overread_store::studies;

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::house::{House, NOW, mr, options, part10, place_with_new_database, postgres, received};

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_answered_in_order() {
    rules(House::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_answered_in_order_on_postgresql() {
    if let Some(house) = postgres("stow").await {
        rules(house).await;
    }
}

async fn rules(house: House) {
    let mut parts: Vec<Vec<u8>> = (1..=30)
        .map(|instance| part10(&mr(1, 1 + instance % 2, instance)))
        .collect();
    parts.push(b"nothing".to_vec());
    parts.push(part10(&mr(1, 2, 1)));
    let mut conflict = mr(1, 2, 1);
    conflict.pixels[3] = 77;
    parts.push(part10(&conflict));
    let outcomes = house.stow(parts).await;
    assert_eq!(outcomes.len(), 33);
    for (index, outcome) in outcomes[..30].iter().enumerate() {
        let spec = mr(1, 1 + (index as u64 + 1) % 2, index as u64 + 1);
        assert_eq!(
            outcome.sop_instance_uid.as_deref(),
            Some(&*spec.sop_instance_uid)
        );
        assert_eq!(outcome.result, Ok(Stowed::Stored));
        assert_eq!(house.bytes_of(&spec).await, part10(&spec));
    }
    assert_eq!(
        outcomes[30].result.as_ref().unwrap_err().kind,
        ProblemKind::NotDicom
    );
    assert_eq!(outcomes[31].result, Ok(Stowed::Duplicate));
    assert_eq!(
        outcomes[32].result.as_ref().unwrap_err().kind,
        ProblemKind::Conflict
    );
    let report = house.prove().await;
    assert_eq!((report.instances, report.others), (30, 1));

    let mut tx = house.ingest.store().read().await.unwrap();
    let reach = overread_store::access::Reach::Everything;
    let study = mr(1, 1, 1).study_instance_uid;
    let found = studies::search_studies(
        &mut tx,
        &reach,
        &studies::StudyFilter::default(),
        &studies::Page::default(),
    )
    .await
    .unwrap();
    assert_eq!(
        (found.len(), found[0].series_count, found[0].instance_count),
        (1, 2, 30)
    );
    assert_eq!(
        (&*found[0].modalities, &*found[0].study_date),
        ("MR", "20260302")
    );
    let places = studies::metadata_places(&mut tx, &reach, &study, None, None)
        .await
        .unwrap();
    let pieces = studies::read_metadata(&mut tx, &places, 0..30).await;
    let listed = studies::instances_of(&mut tx, &reach, &study, None).await;
    let (pieces, listed) = (pieces.unwrap().unwrap(), listed.unwrap());
    assert_eq!((places.len(), listed.len()), (30, 30));
    for (piece, instance) in pieces.iter().zip(listed) {
        let json: serde_json::Value = serde_json::from_slice(&piece.dicom_json).unwrap();
        assert_eq!(json["00080018"]["Value"][0], instance.sop_instance_uid);
        assert_eq!(*piece.series_instance_uid, *instance.series_instance_uid);
    }
    let facts = studies::facts_of_study(&mut tx, studies::StudyKey(found[0].id))
        .await
        .unwrap();
    assert_eq!(facts.len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_another_study_is_refused() {
    let house = House::new().await;
    let spec = mr(1, 1, 1);
    let parts = futures_util::stream::iter([Ok(received(&house.ingest, &part10(&spec)).await)]);
    let outcomes = house
        .ingest
        .stow(parts, Some("1.2.3"), options(DeliverySource::Stow))
        .await
        .unwrap();
    assert!(outcomes[0].result.is_err());
    assert!(house.find(&spec).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_larger_than_the_memory_goes_through() {
    let house = House::new().await;
    // 80 parts of a little more than 1 MB: more than the budget, in one request.
    let parts: Vec<Vec<u8>> = (1..=80)
        .map(|instance| {
            let mut spec = mr(1, 1, instance);
            (spec.rows, spec.columns) = (724, 724);
            spec.pixels = vec![instance as u16; 724 * 724];
            part10(&spec)
        })
        .collect();
    let bytes: usize = parts.iter().map(Vec::len).sum();
    assert!(bytes as u64 > overread_ingest::limits::BUDGET_BYTES * 3 / 2);
    let outcomes = house.stow(parts).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.result == Ok(Stowed::Stored))
    );
    assert_eq!(house.prove().await.bytes, bytes as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_full_of_nothing_is_left_early() {
    let house = House::new().await;
    let nothing = |count| vec![Vec::new(); count];
    let mut parts = nothing(limits::STOW_UNUSABLE_PARTS);
    parts.push(part10(&mr(1, 1, 1)));
    let outcomes = house.stow(parts).await;
    assert_eq!(outcomes.len(), limits::STOW_UNUSABLE_PARTS + 1);
    assert_eq!(
        outcomes[limits::STOW_UNUSABLE_PARTS].result,
        Ok(Stowed::Stored)
    );
    let got = house
        .try_stow(nothing(limits::STOW_UNUSABLE_PARTS + 1))
        .await;
    assert!(matches!(got, Err(IngestError::TooManyUnusable)), "{got:?}");
    let part = part10(&mr(1, 1, 1));
    let many = futures_util::stream::iter(0..=limits::STOW_PARTS)
        .then(|_| async { Ok(received(&house.ingest, &part).await) });
    let options = options(DeliverySource::Stow);
    let got = house.ingest.stow(many, None, options).await;
    assert!(
        matches!(got, Err(IngestError::TooManyParts)),
        "{:?}",
        got.err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn four_connections_share_a_commit_and_lose_nothing() {
    let house = std::sync::Arc::new(House::new().await);
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..4_u64 {
        let house = std::sync::Arc::clone(&house);
        tasks.spawn(async move {
            for request in 0..10_u64 {
                let parts = (0..5)
                    .map(|part| part10(&mr(connection, 1, request * 5 + part)))
                    .collect();
                let outcomes = house.stow(parts).await;
                assert!(
                    outcomes
                        .iter()
                        .all(|outcome| outcome.result == Ok(Stowed::Stored))
                );
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(house.prove().await.instances, 200);
    let _ = NOW;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_instance_at_the_same_time_is_stored_once() {
    let house = std::sync::Arc::new(House::new().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let house = std::sync::Arc::clone(&house);
        tasks.spawn(async move {
            house.stow(vec![part10(&mr(1, 1, 1))]).await[0]
                .result
                .clone()
                .unwrap()
        });
    }
    let mut stored = 0;
    while let Some(done) = tasks.join_next().await {
        stored += usize::from(done.unwrap() == Stowed::Stored);
    }
    assert_eq!(stored, 1);
    assert_eq!(house.prove().await.instances, 1);
}

/// The same instance as it comes from another writer: another meta group before the same data set.
fn written_by_another(bytes: &[u8], transfer_syntax_uid: &[u8]) -> Vec<u8> {
    let (start, _) = overread_dicom::data_set_start(bytes).unwrap();
    let meta = overread_dicom::FileMeta {
        sop_class_uid: b"1.2.840.10008.5.1.4.1.1.4",
        sop_instance_uid: b"1.2.3",
        transfer_syntax_uid,
        source_application_entity_title: Some(b"ELSEWHERE"),
    };
    [meta.head(), bytes[start as usize..].to_vec()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_data_set_behind_another_meta_group_is_a_duplicate() {
    let house = House::new().await;
    let (explicit, implicit) = (b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2");
    let mut spec = mr(1, 1, 1);
    let first = part10(&spec);
    house.stow(vec![first.clone()]).await;
    let again = written_by_another(&first, explicit);
    assert_ne!(again, first);
    let outcome = house.stow(vec![again]).await;
    assert_eq!(outcome[0].result, Ok(Stowed::Duplicate));
    let report = house.prove().await;
    assert_eq!((report.instances, report.others), (1, 0));
    // One pixel, one byte more, or the same bytes said to be written in another way: a person decides.
    spec.pixels[0] = 999;
    let longer = [written_by_another(&first, explicit), vec![0; 2]].concat();
    for other in [
        written_by_another(&part10(&spec), explicit),
        written_by_another(&first, implicit),
        longer,
    ] {
        let outcome = house.stow(vec![other]).await;
        let problem = outcome[0].result.as_ref().unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Conflict);
    }
    assert_eq!(house.bytes_of(&mr(1, 1, 1)).await, first);
    assert_eq!(house.prove().await.others, 3);
}

/// The same instance as a sender writes it who knows nothing but Implicit VR Little Endian.
fn implicit(bytes: &[u8]) -> Vec<u8> {
    let limits = overread_dicom::ParseLimits::default();
    overread_dicom::to_implicit_little_endian_without(bytes, &limits, &|_, _, _| false).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_instance_in_another_transfer_syntax_is_a_duplicate() {
    let house = House::new().await;
    let first = part10(&mr(1, 1, 1));
    house.stow(vec![first.clone()]).await;
    let outcome = house.stow(vec![implicit(&first)]).await;
    assert_eq!(outcome[0].result, Ok(Stowed::Duplicate));
    // The other way round, and through a temporary file, window after window.
    let mut large = mr(1, 1, 2);
    (large.rows, large.columns) = (1024, 1024);
    large.pixels = (0..1024 * 1024)
        .map(|value| (value % 1021) as u16)
        .collect();
    let written = part10(&large);
    assert!(written.len() as u64 > limits::PART_IN_MEMORY_BYTES);
    house.stow(vec![implicit(&written)]).await;
    let outcome = house.stow(vec![written.clone()]).await;
    assert_eq!(outcome[0].result, Ok(Stowed::Duplicate));
    assert_eq!(house.bytes_of(&large).await, implicit(&written));
    let report = house.prove().await;
    assert_eq!((report.instances, report.others), (2, 0));
    // One pixel at the end of it, another patient, one side: a person decides.
    *large.pixels.last_mut().unwrap() ^= 1;
    let mut others = vec![part10(&large)];
    for (tag, vr, value) in [
        (tags::PATIENT_NAME, VR::PN, "Sample^Alix"),
        (tags::LATERALITY, VR::CS, "L"),
    ] {
        let mut spec = mr(1, 1, 1);
        spec.attributes.retain(|(known, ..)| *known != tag);
        spec.attributes.push((tag, vr, value.to_owned()));
        others.push(implicit(&part10(&spec)));
    }
    let count = others.len() as u64;
    for other in others {
        let outcome = house.stow(vec![other]).await;
        let problem = outcome[0].result.as_ref().unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Conflict);
    }
    assert_eq!(house.bytes_of(&mr(1, 1, 1)).await, first);
    assert_eq!(house.prove().await.others, count);
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_that_come_together_are_one_instance() {
    let house = House::new().await;
    let mut changed = mr(1, 1, 1);
    changed.pixels[0] = 999;
    let first = part10(&mr(1, 1, 1));
    let parts = vec![
        first.clone(),
        implicit(&first),
        implicit(&part10(&changed)),
        written_by_another(&first, b"1.2.840.10008.1.2.1"),
    ];
    let outcomes = house.stow(parts).await;
    assert_eq!(outcomes[0].result, Ok(Stowed::Stored));
    assert_eq!(outcomes[1].result, Ok(Stowed::Duplicate));
    let problem = outcomes[2].result.as_ref().unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    assert_eq!(outcomes[3].result, Ok(Stowed::Duplicate));
    assert_eq!(house.bytes_of(&mr(1, 1, 1)).await, first);
    let report = house.prove().await;
    assert_eq!((report.instances, report.others), (1, 1));
    // An index made anew from the packs says the same.
    let dir = house.end().await;
    let (store, archive) = place_with_new_database(dir.path()).await;
    let rebuilt = overread_ingest::rebuild(&store, &archive, NOW, |_| {});
    let rebuilt = rebuilt.await.unwrap();
    assert_eq!((rebuilt.instances, rebuilt.aside), (1, 1), "{rebuilt:?}");
}
