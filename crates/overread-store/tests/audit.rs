//! The audit chain shows whatever is done to it.

use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::Tx;
use overread_store::audit::{self, AuditEvent, ReadingLog, Wanted};

use crate::house::{House, NOW, Spec, both, enter, machine, person, scope};
use crate::keeping::mark;

both!(chain, super::rules);
both!(audit_listed, super::listed);
both!(audit_of_images, super::of_images);

/// Who opened the images of a case is found by the case, though the row says which study alone.
async fn of_images(house: House) {
    let (case_id, other) = (CaseId::from_random([4; 16]), CaseId::from_random([5; 16]));
    let ours = scope(machine(), Some(case_id.clone()));
    enter(&house, &ours, &[Spec::default()]).await;
    let theirs = Spec {
        study: 2,
        ..Spec::default()
    };
    enter(&house, &scope(machine(), None), &[theirs]).await;
    let mut tx = house.store.begin().await.unwrap();
    let first = audit::next_seq(&mut tx).await.unwrap();
    let pat = person(2, Role::Patient);
    for event in [
        AuditEvent::new("study.images_read").on("study", "1.2.1"),
        AuditEvent::new("study.images_read").on("study", "1.2.2"),
        AuditEvent::new("study.restored").on("study", 1),
        AuditEvent::new("report.read").on("instance", 1),
        AuditEvent::new("report.read").on("instance", 2),
        AuditEvent::new("study.filed")
            .on("study", 1)
            .in_case(&other),
    ] {
        audit::record(&mut tx, &pat, &event, NOW).await.unwrap();
    }
    let end = audit::next_seq(&mut tx).await.unwrap();
    let wanted = Wanted {
        case_id: case_id.as_str().to_owned(),
        ..Wanted::default()
    };
    let expect = [first + 3, first + 2, first];
    let rows = audit::list(&mut tx, &wanted, end, 3).await.unwrap().rows;
    let found: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(found, expect);
    // Deleted images are out of the case, and who read them before is still found.
    tx.commit().await.unwrap();
    assert!(mark(&house, 1, 1).await);
    let mut tx = house.store.read().await.unwrap();
    let rows = audit::list(&mut tx, &wanted, end, 3).await.unwrap().rows;
    let found: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(found, expect);
}

async fn listed(house: House) {
    let case_id = CaseId::from_random([4; 16]);
    let (ada, pat) = (person(1, Role::Administrator), person(2, Role::Patient));
    let mut tx = house.store.begin().await.unwrap();
    let events = [
        (&pat, AuditEvent::new("case.started").in_case(&case_id), NOW),
        (&ada, AuditEvent::new("cases.other"), NOW.plus_days(1)),
        (
            &ada,
            AuditEvent::new("case.read").in_case(&case_id),
            NOW.plus_days(2),
        ),
    ];
    let before = audit::next_seq(&mut tx).await.unwrap();
    for (actor, event, at) in &events {
        audit::record(&mut tx, actor, event, *at).await.unwrap();
    }
    let end = audit::next_seq(&mut tx).await.unwrap();
    assert_eq!(end, before + 3);
    let mut check = async |wanted: Wanted, expect: &[&str]| {
        let rows = audit::list(&mut tx, &wanted, end, 3).await.unwrap().rows;
        let events: Vec<&str> = rows.iter().map(|row| row.event.as_str()).collect();
        assert_eq!(events, expect, "{wanted:?}");
    };
    let all = Wanted::default;
    check(all(), &["case.read", "cases.other", "case.started"]).await;
    let case_id = case_id.as_str().to_owned();
    check(Wanted { case_id, ..all() }, &["case.read", "case.started"]).await;
    let actor_id = pat.id().to_owned();
    check(Wanted { actor_id, ..all() }, &["case.started"]).await;
    let kind = "case".to_owned();
    check(Wanted { kind, ..all() }, &["case.read", "case.started"]).await;
    let from = Some(NOW.plus_days(1).as_micros());
    let until = Some(NOW.plus_days(2).as_micros());
    let of_day = Wanted {
        from,
        until,
        ..all()
    };
    check(of_day.clone(), &["cases.other"]).await;
    // Another page is offered where there are rows for it, and nowhere else.
    let page = audit::list(&mut tx, &of_day, end, 1).await.unwrap();
    assert_eq!(page.next, None);
    let mut before = end;
    let mut found = Vec::new();
    let since = Wanted {
        from: Some(NOW.as_micros()),
        kind: "case".to_owned(),
        ..all()
    };
    loop {
        let page = audit::list(&mut tx, &since, before, 1).await.unwrap();
        found.extend(page.rows.into_iter().map(|row| row.event));
        match page.next {
            Some(next) => before = next,
            None => break,
        }
    }
    assert_eq!(found, ["case.read", "case.started"]);
}

both!(audit_out_of_order, super::out_of_order);

/// A row that was written later and says an earlier time is of the day it says.
async fn out_of_order(house: House) {
    let pat = person(2, Role::Patient);
    let mut tx = house.store.begin().await.unwrap();
    let (day, later) = (NOW.plus_days(3), NOW.plus_days(4));
    for (event, at) in [
        ("case.opened", day),
        ("case.read", later),
        ("case.moved", day),
        ("case.started", later),
    ] {
        let event = AuditEvent::new(event);
        audit::record(&mut tx, &pat, &event, at).await.unwrap();
    }
    let end = audit::next_seq(&mut tx).await.unwrap();
    let mut check = async |from, until, expect: [&str; 2]| {
        let wanted = Wanted {
            from: Some(Timestamp::as_micros(from)),
            until: Some(Timestamp::as_micros(until)),
            ..Wanted::default()
        };
        let mut before = end;
        for event in expect {
            let page = audit::list(&mut tx, &wanted, before, 1).await.unwrap();
            assert_eq!(page.rows[0].event, event);
            before = page.next.unwrap_or_default();
        }
        assert_eq!(before, 0);
    };
    check(day, later, ["case.moved", "case.opened"]).await;
    check(later, later.plus_days(1), ["case.started", "case.read"]).await;
}

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
