//! What was refused is told until it has come, or a coordinator lets the case through without it.

use overread_model::extent::Digest;
use overread_model::ids::{CaseId, DeletionId, DeliveryId};
use overread_model::refusal::{RefusalReason, RefusedSort};
use overread_store::deletions::{self, NewDeletion};
use overread_store::limits::REFUSED_FILES;
use overread_store::refused_files::{self, Lacking, Refused};
use overread_store::{Tx, checks, studies};

use crate::cases::{case, row};
use crate::house::{House, NOW, Spec, both, enter, facts, machine, scope};

both!(refused, super::rules);
both!(refused_limit, super::limit);
both!(refused_deleted, super::deleted);
both!(refused_complete, super::complete);

fn spec(instance: u64) -> Spec {
    Spec {
        instance,
        ..Spec::default()
    }
}

fn refused(instance: u64) -> Refused {
    let facts = facts(&spec(instance));
    let uid = |uid: &str| Some(uid.to_owned());
    Refused {
        sort: RefusedSort::Instance,
        reason: RefusalReason::NoRoom,
        sop_instance_uid: uid(facts.sop_instance_uid.as_str()),
        series_instance_uid: uid(facts.series.series_instance_uid.as_str()),
        study_instance_uid: uid(facts.study.study_instance_uid.as_str()),
        digest: Some(Digest::new([instance as u8; 32])),
        delivery_id: DeliveryId::from_random([7; 16]),
    }
}

async fn note(house: &House, refused: &[Refused]) {
    note_of(house, &case(4), refused).await;
}

async fn note_of(house: &House, of: &CaseId, refused: &[Refused]) {
    let mut tx = house.store.begin_batch().await.unwrap();
    let noted = refused_files::note(&mut tx, of, refused, NOW);
    noted.await.unwrap();
    tx.commit().await.unwrap();
}

async fn lacking(house: &House) -> Vec<(RefusedSort, i64)> {
    lacking_of(house, &case(4)).await
}

async fn lacking_of(house: &House, of: &CaseId) -> Vec<(RefusedSort, i64)> {
    let mut tx = house.store.read().await.unwrap();
    let lacking = refused_files::lacking(&mut tx, of).await.unwrap();
    let line = |one: Lacking| (one.sort, one.count);
    lacking.into_iter().map(line).collect()
}

async fn is_undecided(house: &House) -> bool {
    let mut tx = house.store.read().await.unwrap();
    let undecided = refused_files::is_undecided(&mut tx, &case(4)).await;
    undecided.unwrap()
}

/// Tells of what is refused, and lets the case through without it.
async fn let_through(house: &House) {
    let mut tx = house.store.begin().await.unwrap();
    refused_files::let_through(&mut tx, &case(4)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn tell(house: &House) {
    let mut tx = house.store.begin().await.unwrap();
    refused_files::tell(&mut tx, &case(4)).await.unwrap();
    tx.commit().await.unwrap();
}

/// How many cases wait for a check.
async fn to_judge(house: &House) -> usize {
    let mut tx = house.store.read().await.unwrap();
    checks::cases_to_judge(&mut tx, 10).await.unwrap().len()
}

async fn rules(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    overread_store::cases::insert(&mut tx, &row(4))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let images = |count| vec![(RefusedSort::Instance, count)];
    note(&house, &[refused(1), refused(2), refused(1)]).await;
    assert_eq!(lacking(&house).await, images(2));
    assert_eq!(to_judge(&house).await, 1);
    let_through(&house).await;
    assert!(is_undecided(&house).await, "nobody was told of it yet");
    tell(&house).await;
    assert_eq!(to_judge(&house).await, 0);
    let_through(&house).await;
    assert!(!is_undecided(&house).await);
    note(&house, &[refused(2)]).await;
    assert!(!is_undecided(&house).await, "it was decided on already");
    note(&house, &[refused(3)]).await;
    assert!(is_undecided(&house).await);
    assert_eq!(lacking(&house).await, images(3));
    // It is of no use to this case that another one holds it.
    let elsewhere = Spec {
        study: 8,
        ..spec(1)
    };
    enter(&house, &scope(machine(), Some(case(5))), &[elsewhere]).await;
    assert_eq!(lacking(&house).await, images(3));
    let of_case = scope(machine(), Some(case(4)));
    enter(&house, &of_case, &[spec(1), spec(2)]).await;
    assert_eq!(lacking(&house).await, images(1));
    let other = Refused {
        digest: Some(Digest::new([99; 32])),
        ..refused(1)
    };
    note(&house, &[other]).await;
    let with_other = [(RefusedSort::Instance, 1), (RefusedSort::OtherContent, 1)];
    assert_eq!(lacking(&house).await, with_other, "its UID alone has come");
    tell(&house).await;
    let mut tx = house.store.read().await.unwrap();
    let series = refused_files::lacking_series(&mut tx, &case(4), 10).await;
    assert_eq!(series.unwrap()[0].instance_count, 2);
}

/// Cases that are complete by now do not hide one that is not.
async fn complete(house: House) {
    for number in [4, 5] {
        note_of(&house, &case(number), &[refused(1)]).await;
    }
    let full = async || {
        let mut tx = house.store.read().await.unwrap();
        refused_files::without_room(&mut tx, 1).await.unwrap()
    };
    assert_eq!(full().await, [case(4)]);
    enter(&house, &scope(machine(), Some(case(4))), &[spec(1)]).await;
    assert_eq!(full().await, [case(5)]);
}

/// Fills the list of the case, as notes one by one would.
async fn fill(house: &House, count: i64) {
    let sql = "insert into refused_file (case_id, name, sort, reason, digest, delivery_id, first_at, last_at, refused_count, \
        standing) with recursive many (number) as (select 1 union all select number + 1 from many where number < $1) \
        select $2, 'n' || cast(number as text), 'paper', 'no_room', $3, 'd', 1, 1, 1, 'new' from many";
    let (of, digest) = (case(4), vec![1_u8; 32]);
    let mut tx = house.store.begin().await.unwrap();
    match &mut tx {
        Tx::Sqlite(held) => drop(
            sqlx::query(sql)
                .bind(count)
                .bind(of.as_str())
                .bind(digest)
                .execute(&mut **held)
                .await
                .unwrap(),
        ),
        Tx::Pg(held) => drop(
            sqlx::query(sql)
                .bind(count)
                .bind(of.as_str())
                .bind(digest)
                .execute(&mut **held)
                .await
                .unwrap(),
        ),
        Tx::Quick(_) => panic!("this is a transaction"),
    }
    tx.commit().await.unwrap();
}

async fn limit(house: House) {
    fill(&house, REFUSED_FILES - 1).await;
    let many: Vec<Refused> = (1..=6).map(refused).collect();
    note(&house, &many).await;
    let full = [
        (RefusedSort::Further, 5),
        (RefusedSort::Instance, 1),
        (RefusedSort::Paper, REFUSED_FILES - 1),
    ];
    assert_eq!(lacking(&house).await, full);
    tell(&house).await;
    let_through(&house).await;
    assert!(!is_undecided(&house).await);
    note(&house, &[refused(7)]).await;
    assert_eq!(lacking(&house).await[0], (RefusedSort::Further, 6));
    assert!(is_undecided(&house).await, "who knows which it was");
}

async fn deleted(house: House) {
    let of_case = scope(machine(), Some(case(4)));
    enter(&house, &of_case, &[spec(1)]).await;
    let id = DeletionId::from_random([1; 16]);
    let mut tx = house.store.begin().await.unwrap();
    let study = studies::key_of(&mut tx, "1.2.1").await.unwrap().unwrap();
    let new = NewDeletion {
        id: &id,
        study,
        reason: "asked for",
        erase_at: NOW,
    };
    let marked = deletions::mark(&mut tx, &new, &machine(), NOW).await;
    assert!(marked.unwrap());
    tx.commit().await.unwrap();
    let gone = Refused {
        reason: RefusalReason::Deleted,
        ..refused(2)
    };
    note(&house, std::slice::from_ref(&gone)).await;
    assert!(lacking(&house).await.is_empty(), "it is deleted");
    // A case that does not hold the exam has not got what it refused, whatever becomes of the exam elsewhere.
    note_of(&house, &case(5), &[gone]).await;
    assert_eq!(lacking_of(&house, &case(5)).await.len(), 1);
    tell(&house).await;
    let mut tx = house.store.begin().await.unwrap();
    let restored = deletions::restore(&mut tx, &id, &machine(), NOW).await;
    assert!(restored.unwrap().is_some());
    tx.commit().await.unwrap();
    assert_eq!(lacking(&house).await, [(RefusedSort::Instance, 1)]);
    // Nothing tells its case of an exam that is erased.
    let mut tx = house.store.begin().await.unwrap();
    let again = DeletionId::from_random([2; 16]);
    let new = NewDeletion { id: &again, ..new };
    let marked = deletions::mark(&mut tx, &new, &machine(), NOW).await;
    assert!(marked.unwrap());
    let erased = deletions::begin_erasure(&mut tx, &again, NOW).await;
    assert!(erased.unwrap().is_some());
    tx.commit().await.unwrap();
    let (rows,): (i64,) = {
        let mut tx = house.store.read().await.unwrap();
        let counted = "select count(*) from refused_file";
        match &mut tx {
            Tx::Sqlite(held) => sqlx::query_as(counted).fetch_one(&mut **held).await,
            Tx::Pg(held) => sqlx::query_as(counted).fetch_one(&mut **held).await,
            Tx::Quick(_) => panic!("this is a transaction"),
        }
        .unwrap()
    };
    assert_eq!(rows, 1, "that of the other case");
    assert_eq!(lacking_of(&house, &case(5)).await.len(), 1);
}
