//! What changes while it is asked for: an answer is of one state of the index, and what is kept ready shows nobody more than
//! that one may see.

use axum::http::StatusCode;
use overread_model::access::{Actor, Right, Role};
use overread_model::time::Timestamp;
use overread_store::{Tx, review_tasks};
use serde_json::Value;

use crate::blinding::{telling, tells};
use crate::house::{Got, House, NOW, archive_token, person};
use crate::made::Made;
use crate::reads::Reads;

const PATHS: [&str; 2] = [
    "/studies/1.2.3/metadata",
    "/studies/1.2.3/series/1.2.3.2/metadata",
];

const LOCK_WHEN_READ: &str = "create trigger lock_when_read after insert on audit \
    when new.event = 'study.metadata_read' begin \
    update review_task set first_impression = 'Text', first_impression_at = 1 where id = 't1'; end";

fn report() -> Made {
    Made {
        series: "1.2.3.2",
        instance: "1.2.3.2.1".to_owned(),
        modality: "SR",
        sop_class: "1.2.840.10008.5.1.4.1.1.88.11",
        ..Made::default()
    }
}

/// A house with a study and its report, which one reviewer is about to lock and another one has not locked.
async fn offered() -> (House, Actor, Actor) {
    let house = House::with(&[telling(), report()]).await;
    let reads = Reads::offered(&house).await;
    reads.accept(&house).await;
    let other = person(9, Role::Reviewer);
    let right = [Right::ViewImages];
    house.grant(1, "1.2.3", &other, &right, None).await;
    (house, reads.reviewer, other)
}

async fn lock(tx: &mut Tx) {
    let now = Timestamp::from_micros(NOW);
    let locked = review_tasks::lock_first_impression(tx, "t1", "Text", now).await;
    assert!(locked.unwrap());
}

/// Says whether an answer shows what is hidden before the lock; it shows all of that or nothing.
fn is_open(got: &Got) -> bool {
    if got.status == StatusCode::NOT_FOUND {
        return false;
    }
    assert_eq!(got.status, StatusCode::OK);
    let shown = got.json();
    let is_report = |one: &Value| one["00080060"]["Value"][0] == "SR";
    let has_report = shown.as_array().unwrap().iter().any(is_report);
    assert!(has_report || !tells(&got.body));
    has_report
}

#[tokio::test]
async fn a_lock_in_between_shows_nobody_else_the_report() {
    for path in PATHS {
        let (house, reader, other) = offered().await;
        // That it is read is noted once it is known what is hidden, and before it is read. The series of the report is not even
        // there until the lock, which comes first for it, and on PostgreSQL.
        let is_between = path == PATHS[0] && house.on_sqlite(LOCK_WHEN_READ);
        if !is_between {
            let mut tx = house.store.begin().await.unwrap();
            lock(&mut tx).await;
            tx.commit().await.unwrap();
        }
        let got = house.get_as(Some(reader.clone()), path, &[]).await;
        assert!(is_open(&got), "{path}");
        // Who has not locked gets nothing of what that one was given.
        let blind = house.get_as(Some(other.clone()), path, &[]).await;
        assert!(!is_open(&blind), "{path}");
        let open = house.get_as(Some(reader), path, &[]).await;
        assert!(is_open(&open), "{path}");
        assert_eq!(got.header("etag"), open.header("etag"), "{path}");
        assert_ne!(open.header("etag"), blind.header("etag"), "{path}");
        // And once more, out of what is kept ready by now; nor does the tag of the whole open anything.
        let held = [("if-none-match", open.header("etag"))];
        let again = house.get_as(Some(other), path, &held).await;
        assert!(!is_open(&again), "{path}");
        assert_eq!(again.body, blind.body, "{path}");
        let all = house.get_as(Some(archive_token()), path, &[]).await;
        assert!(is_open(&all), "{path}");
    }
}

#[tokio::test]
async fn what_lies_ready_for_the_blind_is_not_shown_as_the_whole() {
    let (house, reader, other) = offered().await;
    for path in PATHS {
        for actor in [&reader, &other, &reader] {
            assert!(!is_open(
                &house.get_as(Some(actor.clone()), path, &[]).await
            ));
        }
        assert!(is_open(
            &house.get_as(Some(archive_token()), path, &[]).await
        ));
    }
    let mut tx = house.store.begin().await.unwrap();
    lock(&mut tx).await;
    tx.commit().await.unwrap();
    for path in PATHS {
        assert!(!is_open(
            &house.get_as(Some(other.clone()), path, &[]).await
        ));
        assert!(is_open(
            &house.get_as(Some(reader.clone()), path, &[]).await
        ));
    }
}
