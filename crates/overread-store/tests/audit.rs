//! The audit chain shows whatever is done to it.

use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_store::Tx;
use overread_store::audit::{self, AuditEvent, ReadingLog};

use crate::house::{House, NOW, both, person};

both!(chain, super::rules);

/// Does something to the table that no function of ours does.
async fn harm(house: &House, sql: &'static str) -> Option<i64> {
    let mut tx = house.store.begin().await.unwrap();
    let changed = match &mut tx {
        Tx::Sqlite(transaction) => sqlx::query(sql)
            .execute(&mut **transaction)
            .await
            .unwrap()
            .rows_affected(),
        Tx::Pg(transaction) => sqlx::query(sql)
            .execute(&mut **transaction)
            .await
            .unwrap()
            .rows_affected(),
        Tx::Quick(_) => 0,
    };
    assert!(changed > 0);
    let proof = audit::prove(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    proof.broken_at
}

async fn rules(house: House) {
    let (actor, case_id) = (person(1, Role::Reviewer), CaseId::from_random([3; 16]));
    for step in 0..5 {
        let mut tx = house.store.begin().await.unwrap();
        let event = AuditEvent::new("study.read")
            .in_case(&case_id)
            .on("study", step)
            .with(serde_json::json!({"n": step}));
        audit::record(&mut tx, &actor, &event, NOW).await.unwrap();
        tx.commit().await.unwrap();
    }
    let log = ReadingLog::default();
    let event = AuditEvent::new("study.read").on("study", 1);
    for seconds in [0, 10, 299, 301] {
        log.note(&house.store, &actor, &event, NOW.plus_seconds(seconds))
            .await
            .unwrap();
    }
    let mut tx = house.store.read().await.unwrap();
    let proof = audit::prove(&mut tx).await.unwrap();
    assert_eq!((proof.rows, proof.broken_at), (7, None));
    let rows = audit::list_of_case(&mut tx, &case_id).await.unwrap();
    assert_eq!(
        (rows.len(), &*rows[4].event, rows[4].detail.as_deref()),
        (5, "study.read", Some(r#"{"n":4}"#))
    );
    drop(tx);

    assert_eq!(
        harm(&house, "update audit set actor_id = 'x' where seq = 3").await,
        Some(3)
    );
    assert_eq!(
        harm(&house, "update audit set detail = null where seq = 2").await,
        Some(2)
    );
    assert_eq!(
        harm(&house, "delete from audit where seq = 4").await,
        Some(4)
    );
    assert_eq!(
        harm(&house, "delete from audit where seq >= 6").await,
        Some(6)
    );
    assert_eq!(
        harm(&house, "update audit set seq = seq + 100 where seq = 7").await,
        Some(7)
    );
}
