//! What an addendum has overtaken: links that were read before it, comparisons, and the mail of a link.

use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, LinkId};
use overread_model::time::Timestamp;
use overread_store::concordances::{self, ConcordanceRow};
use overread_store::links::{self, LinkRow};
use overread_store::{Tx, cases, outbox, reports, review_tasks};

use crate::cases::{add_reviewer, case, row};
use crate::house::{House, NOW, both, person};

pub(super) fn link(number: u8) -> LinkRow {
    LinkRow {
        id: LinkId::from_random([number; 16]).as_str().to_owned(),
        case_id: case(1).as_str().to_owned(),
        recipient_name: "Dr. Tom".to_owned(),
        recipient_email: String::new(),
        created_by: "me".to_owned(),
        created_at: NOW.as_micros(),
        not_before: NOW.as_micros(),
        expires_at: NOW.plus_days(30).as_micros(),
        passcode_hash: None,
        wrong_passcode_count: 0,
        with_images: 0,
        opened_at: None,
        last_used_at: None,
        acknowledged_at: None,
        decided_at: None,
        decision: None,
        decision_note: None,
        revoked_at: None,
    }
}

async fn furnish(tx: &mut Tx) {
    let (rosa, entry) = add_reviewer(tx, 1).await;
    cases::insert(tx, &row(1)).await.unwrap();
    review_tasks::insert(tx, "t1", &case(1), &entry, "me", NOW)
        .await
        .unwrap();
    let report = reports::ReportRow {
        id: "r1".to_owned(),
        case_id: row(1).id,
        task_id: "t1".to_owned(),
        person_id: rosa.id().to_owned(),
        version: 1,
        draft: "{}".to_owned(),
        created_at: 0,
        saved_at: 0,
        signed: Some("{}".to_owned()),
        signed_at: Some(NOW.as_micros()),
        limitations: "[]".to_owned(),
    };
    reports::insert(tx, &report).await.unwrap();
    assert!(reports::sign(tx, &report).await.unwrap());
}

/// Returns how many cases wait, for a change that was signed three days before `at`.
async fn waiting(tx: &mut Tx, actor: &Actor, at: Timestamp) -> usize {
    let found = links::unread_changes(tx, actor, at.plus_days(-3), at, 9).await;
    found.unwrap().len()
}

async fn links_before_an_addendum(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    furnish(&mut tx).await;
    let coordinator = person(9, Role::Coordinator);
    for number in [1, 2, 3] {
        links::insert(&mut tx, &link(number), &[number; 32])
            .await
            .unwrap();
    }
    let mut first = link(1);
    first.opened_at = Some(NOW.as_micros());
    first.acknowledged_at = Some(NOW.as_micros());
    links::update(&mut tx, &first).await.unwrap();
    let mut taken_back = link(2);
    taken_back.opened_at = Some(NOW.as_micros());
    taken_back.revoked_at = Some(NOW.as_micros());
    links::update(&mut tx, &taken_back).await.unwrap();
    let signed_at = NOW.plus_days(1);
    let addendum = reports::AddendumRow {
        number: 1,
        content: "{}".to_owned(),
        signed_at: signed_at.as_micros(),
    };
    reports::add_addendum(&mut tx, "r1", &addendum)
        .await
        .unwrap();
    let due = signed_at.plus_days(3);
    assert_eq!(
        waiting(&mut tx, &coordinator, due.plus_seconds(-1)).await,
        0
    );
    assert_eq!(waiting(&mut tx, &coordinator, due).await, 1);
    assert_eq!(waiting(&mut tx, &person(8, Role::Patient), due).await, 0);

    // What another request read before is not written over what came since.
    first.acknowledged_at = Some(due.as_micros());
    links::update(&mut tx, &first).await.unwrap();
    for older in [None, Some(NOW.as_micros())] {
        first.acknowledged_at = older;
        links::update(&mut tx, &first).await.unwrap();
    }
    let kept = links::find(&mut tx, &[1; 32]).await.unwrap().unwrap();
    assert_eq!(kept.acknowledged_at, Some(due.as_micros()));
    assert_eq!(waiting(&mut tx, &coordinator, due).await, 0);

    // A comparison that is signed again counts as the addendum does, once the result is out.
    let again = due.plus_days(1);
    let signed = comparison("k", again.as_micros());
    concordances::insert(&mut tx, &signed).await.unwrap();
    assert!(concordances::decide(&mut tx, &signed).await.unwrap());
    let due = again.plus_days(3);
    assert_eq!(waiting(&mut tx, &coordinator, due).await, 0);
    let mut delivered = row(1);
    delivered.delivered_at = Some(NOW.as_micros());
    assert!(cases::update(&mut tx, &delivered).await.unwrap());
    for (at, count) in [(due.plus_seconds(-1), 0), (due, 1)] {
        assert_eq!(waiting(&mut tx, &coordinator, at).await, count);
    }
}

async fn mail_of_a_link(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    furnish(&mut tx).await;
    links::insert(&mut tx, &link(1), &[1; 32]).await.unwrap();
    let link_id: LinkId = link(1).id.parse().unwrap();
    assert_eq!(
        outbox::text_for_link(&mut tx, &link(1).id).await.unwrap(),
        None
    );
    for (at, text) in [(NOW, "first"), (NOW.plus_days(1), "second")] {
        let mail = outbox::NewMail {
            dedup_key: text.to_owned(),
            to_name: "Dr. Tom",
            to_address: "tom@x.example",
            subject: String::new(),
            body_text: text.to_owned(),
            body_html: String::new(),
            case_id: Some(&case(1)),
            link_id: Some(&link_id),
        };
        outbox::queue(&mut tx, &mail, at).await.unwrap();
    }
    let last = outbox::text_for_link(&mut tx, &link(1).id).await.unwrap();
    assert_eq!(last.as_deref(), Some("second"));
}

fn comparison(id: &str, made_at: i64) -> ConcordanceRow {
    ConcordanceRow {
        id: id.to_owned(),
        case_id: case(1).as_str().to_owned(),
        report_id: "r1".to_owned(),
        original_version: 1,
        inputs_digest: vec![1],
        engine_version: String::new(),
        result: "{}".to_owned(),
        original_text: String::new(),
        second_text: String::new(),
        made_at,
        version: 1,
        corrections: "[]".to_owned(),
        overall: Some("refines".to_owned()),
        note: String::new(),
        decided_by: None,
        decided_name: None,
        decided_at: Some(made_at),
    }
}

async fn signed_comparisons(house: House) {
    let mut tx = house.store.begin().await.unwrap();
    furnish(&mut tx).await;
    let of_case: CaseId = case(1);
    let made = comparison;
    for (id, made_at) in [("a", 1), ("b", 2), ("c", 3)] {
        concordances::insert(&mut tx, &made(id, made_at))
            .await
            .unwrap();
    }
    let signed = concordances::newest_signed(&mut tx, &of_case)
        .await
        .unwrap();
    assert!(signed.is_none(), "made is not signed");
    for id in ["a", "b"] {
        assert!(concordances::decide(&mut tx, &made(id, 2)).await.unwrap());
    }
    let signed = concordances::newest_signed(&mut tx, &of_case)
        .await
        .unwrap();
    let newest = concordances::newest(&mut tx, &of_case).await.unwrap();
    assert_eq!(
        (signed.unwrap().id, newest.unwrap().id),
        ("b".into(), "c".into())
    );
    for (after, times) in [(1, vec![2, 2]), (2, vec![])] {
        let found = concordances::signed_after(&mut tx, &of_case, after).await;
        assert_eq!(found.unwrap(), times);
    }
}

both!(addenda_links, super::links_before_an_addendum);
both!(addenda_mails, super::mail_of_a_link);
both!(addenda_comparisons, super::signed_comparisons);
