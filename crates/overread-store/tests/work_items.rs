//! Work items: they follow the task, their events stay in order, and whoever listens is kept.

use overread_model::access::{Actor, Role};
use overread_model::ids::{PersonId, TokenId};
use overread_store::access::reach;
use overread_store::work_items::{
    self, EventType, NewWorkItem, Subscriber, WorkItem, WorkItemFilter,
};
use overread_store::{Tx, audit, cases, people, review_tasks, reviewers};

use crate::cases::{case, row};
use crate::house::{House, NOW, both, person};

const WORKLIST: &str = "1.2.840.10008.5.1.4.34.5";

fn archive() -> Actor {
    Actor::Machine {
        token_id: TokenId::from_random([1; 16]),
        role: Role::Archive,
    }
}

async fn ask(tx: &mut Tx, task: &str, number: u8) {
    let email = format!("p{number}@x.example");
    people::insert(tx, &crate::people::row(number, &email))
        .await
        .unwrap();
    let entry = reviewers::ReviewerRow {
        id: PersonId::from_random([number + 100; 16])
            .as_str()
            .to_owned(),
        name: format!("Reader {number}"),
        email_folded: email,
        kind: "radiologist".to_owned(),
        profile: "{}".to_owned(),
        active: 1,
        version: 1,
        person_id: None,
        open_tasks: 0,
    };
    reviewers::insert(tx, &entry, NOW).await.unwrap();
    cases::insert(tx, &row(number)).await.unwrap();
    review_tasks::insert(tx, task, &case(number), &entry.id, "me", NOW)
        .await
        .unwrap();
}

async fn seen(tx: &mut Tx, actor: &Actor) -> Vec<WorkItem> {
    let reach = reach(tx, actor, NOW).await.unwrap();
    work_items::list(tx, actor, &reach, &WorkItemFilter::default())
        .await
        .unwrap()
}

async fn items_follow_the_task(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    ask(&mut tx, "t1", 1).await;
    ask(&mut tx, "t2", 2).await;
    let (mine, theirs) = (person(1, Role::Reviewer), person(2, Role::Reviewer));
    assert!(
        seen(&mut tx, &archive()).await.is_empty(),
        "chosen, not asked"
    );
    review_tasks::offer(&mut tx, "t1", None, NOW).await.unwrap();
    let item = &seen(&mut tx, &mine).await[0];
    assert_eq!((item.state.as_str(), item.is_ready()), ("SCHEDULED", false));
    assert!(item.is_read_by(&mine) && !item.is_read_by(&theirs) && !item.is_read_by(&archive()));
    assert!(seen(&mut tx, &theirs).await.is_empty());
    // The same person in another role has no work.
    assert!(seen(&mut tx, &person(1, Role::Patient)).await.is_empty());
    review_tasks::accept(&mut tx, "t1", true, "", NOW)
        .await
        .unwrap();
    assert_eq!(seen(&mut tx, &mine).await.len(), 1, "the same item");
    assert!(
        work_items::claim(&mut tx, &mine, &item.uid, "1.2", NOW)
            .await
            .unwrap()
    );
    assert!(
        !work_items::claim(&mut tx, &mine, &item.uid, "1.3", NOW)
            .await
            .unwrap()
    );
    review_tasks::end(&mut tx, "t1", "done", "", NOW)
        .await
        .unwrap();
    let over = &seen(&mut tx, &mine).await[0];
    assert_eq!(over.state, "COMPLETED");
    assert!(
        !work_items::end(&mut tx, &item.uid, "CANCELED", "{}", NOW)
            .await
            .unwrap()
    );
    assert!(
        !work_items::update(&mut tx, &item.uid, None, "{}", NOW)
            .await
            .unwrap()
    );
    let events = work_items::events_after(&mut tx, 0).await.unwrap();
    let kinds: Vec<i64> = events.iter().map(|event| event.event_type).collect();
    assert_eq!(kinds, [1, 5, 1, 1], "offered, assigned, ready, over");
    assert!(events.is_sorted_by_key(|event| event.id));
    let last = work_items::last_event(&mut tx).await.unwrap();
    assert_eq!(last, events.last().unwrap().id);
    // What is a week old goes, and the count goes on.
    let later = NOW.plus_days(8);
    let kind = EventType::Progress;
    let nothing = serde_json::json!({});
    work_items::add_event(&mut tx, &item.uid, kind, &nothing, later)
        .await
        .unwrap();
    let left = work_items::events_after(&mut tx, 0).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(left[0].id > last);
    tx.commit().await.unwrap();
}

async fn reads_of_before_are_taken_up(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    ask(&mut tx, "t1", 1).await;
    ask(&mut tx, "t2", 2).await;
    review_tasks::offer(&mut tx, "t1", None, NOW).await.unwrap();
    review_tasks::accept(&mut tx, "t2", true, "", NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    forget(&house).await;
    for expect in [2, 0] {
        let mut tx = house.store.begin().await.unwrap();
        assert_eq!(work_items::adopt(&mut tx, NOW).await.unwrap(), expect);
        tx.commit().await.unwrap();
    }
    let mut tx = house.store.begin().await.unwrap();
    // What is given up is replaced by another, and both go on.
    let mine = person(2, Role::Reviewer);
    let uid = seen(&mut tx, &mine).await[0].uid.clone();
    assert!(
        work_items::end(&mut tx, &uid, "CANCELED", "{}", NOW)
            .await
            .unwrap()
    );
    work_items::replace_read(&mut tx, "t2", &uid, true, NOW)
        .await
        .unwrap();
    let items = seen(&mut tx, &mine).await;
    let new = items.iter().find(|item| item.uid != uid).unwrap();
    assert_eq!(
        (new.state.as_str(), new.replaces_uid.as_deref()),
        ("SCHEDULED", Some(uid.as_str()))
    );
    review_tasks::end(&mut tx, "t2", "lapsed", "", NOW)
        .await
        .unwrap();
    let items = seen(&mut tx, &mine).await;
    assert!(items.iter().all(|item| item.state == "CANCELED"));
    assert_eq!(audit::prove(&mut tx).await.unwrap().broken_at, None);
}

/// As a version left it that had no work items.
async fn forget(house: &House) {
    let mut tx = house.store.begin().await.unwrap();
    for sql in ["delete from work_item_event", "delete from work_item"] {
        match &mut tx {
            Tx::Sqlite(held) => drop(sqlx::query(sql).execute(&mut **held).await.unwrap()),
            Tx::Pg(held) => drop(sqlx::query(sql).execute(&mut **held).await.unwrap()),
            Tx::Quick(_) => panic!("it writes"),
        }
    }
    tx.commit().await.unwrap();
}

async fn subscriptions_are_kept(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    let (archive, other) = (archive(), person(5, Role::Coordinator));
    let who = Subscriber {
        actor: &archive,
        ae_title: "A",
    };
    let stranger = Subscriber {
        actor: &other,
        ae_title: "A",
    };
    for uid in ["1.1", "1.2"] {
        let new = NewWorkItem {
            uid,
            study_instance_uid: None,
            attributes: "{}",
        };
        work_items::insert(&mut tx, &archive, &new, NOW)
            .await
            .unwrap();
    }
    assert!(
        !work_items::unsubscribe(&mut tx, who, "1.1", NOW)
            .await
            .unwrap()
    );
    assert!(
        !work_items::suspend(&mut tx, who, WORKLIST, NOW)
            .await
            .unwrap()
    );
    for _ in 0..2 {
        assert!(
            work_items::subscribe(&mut tx, who, (WORKLIST, ""), true, NOW)
                .await
                .unwrap()
        );
    }
    assert_eq!(
        work_items::subscriptions(&mut tx, who).await.unwrap().len(),
        1
    );
    assert!(
        work_items::subscriptions(&mut tx, stranger)
            .await
            .unwrap()
            .is_empty()
    );
    let listens = async |tx: &mut Tx, uid: &str| {
        work_items::is_listening(tx, archive.kind(), archive.id(), uid)
            .await
            .unwrap()
    };
    assert!(listens(&mut tx, "1.1").await);
    assert!(
        work_items::unsubscribe(&mut tx, who, "1.1", NOW)
            .await
            .unwrap()
    );
    assert!(!listens(&mut tx, "1.1").await && listens(&mut tx, "1.2").await);
    assert!(
        work_items::suspend(&mut tx, who, WORKLIST, NOW)
            .await
            .unwrap()
    );
    assert!(
        work_items::unsubscribe(&mut tx, who, WORKLIST, NOW)
            .await
            .unwrap()
    );
    assert!(
        work_items::subscriptions(&mut tx, who)
            .await
            .unwrap()
            .is_empty()
    );
}

both!(work_items_of_reads, super::items_follow_the_task);
both!(work_items_of_before, super::reads_of_before_are_taken_up);
both!(work_items_told, super::subscriptions_are_kept);
