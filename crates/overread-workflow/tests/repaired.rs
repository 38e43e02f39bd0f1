//! Deliveries that broke off, and what came after them.

use std::io::Cursor;

use overread_model::ids::CaseId;
use overread_testkit::disc::{DiscFile, zip_of};
use overread_workflow::records::{self, Incoming};
use overread_workflow::{checking, filing};

use crate::house::{House, NOW, assert_not_found, assert_stale, disc};

async fn send(house: &House, case_id: &CaseId, files: &[DiscFile], cut: bool, second: i64) {
    let mut zip = zip_of(files, true).unwrap();
    if cut {
        zip.truncate(zip.len() / 2);
    }
    let now = NOW.plus_seconds(second);
    let incoming = Incoming::Zip(Cursor::new(zip));
    records::receive(&house.ctx, &house.patient, Some(case_id), incoming, now)
        .await
        .unwrap();
}

async fn f06(house: &House, case_id: &CaseId) -> Vec<(String, bool)> {
    let check = checking::run(&house.ctx, &house.coordinator, case_id, NOW)
        .await
        .unwrap();
    let found = check.findings.into_iter().filter(|one| one.rule == "F06");
    found
        .map(|one| (one.severity, one.overridden.is_some()))
        .collect()
}

fn blocker() -> Vec<(String, bool)> {
    vec![("blocker".to_owned(), false)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_copy_repairs_a_broken_one() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    let files = disc("Sample^Alex", 1);
    send(&house, &case_id, &files, true, 1).await;
    assert_eq!(f06(&house, &case_id).await, blocker());
    // Another exam repairs nothing.
    send(&house, &case_id, &disc("Sample^Alex", 3), false, 2).await;
    assert_eq!(f06(&house, &case_id).await, blocker());
    send(&house, &case_id, &files, false, 3).await;
    assert_eq!(f06(&house, &case_id).await, []);
    let view = records::view(&house.ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    let first = view.deliveries.last().unwrap();
    assert!(!first.problems.is_empty(), "it is still on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_ends_with_what_it_was_given_for() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let case_id = house.consented().await;
    let files = disc("Sample^Alex", 1);
    send(&house, &case_id, &files, true, 1).await;
    f06(&house, &case_id).await;
    let version = house.version(coordinator, &case_id).await;
    let rules = ["F06".to_owned()];
    checking::override_rules(
        ctx,
        coordinator,
        &case_id,
        version,
        &rules,
        "It will do.",
        NOW,
    )
    .await
    .unwrap();
    let waved = vec![("blocker".to_owned(), true)];
    assert_eq!(f06(&house, &case_id).await, waved);
    send(&house, &case_id, &files, false, 2).await;
    assert_eq!(f06(&house, &case_id).await, []);
    // What breaks off afterwards is a new matter.
    send(&house, &case_id, &disc("Sample^Alex", 4), true, 3).await;
    assert_eq!(f06(&house, &case_id).await, blocker());
}

#[tokio::test(flavor = "multi_thread")]
async fn images_kept_outside_the_case_are_told_and_taken_in() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let files = disc("Sample^Alex", 1);
    // An archive sent them before, for no case.
    let zip = Cursor::new(zip_of(&files, true).unwrap());
    records::receive(ctx, coordinator, None, Incoming::Zip(zip), NOW)
        .await
        .unwrap();
    let case_id = house.consented().await;
    // The patient's copy was exported anew: the same identifiers, other bytes.
    send(&house, &case_id, &disc("Sample^Alex Maria", 1), false, 2).await;
    let check = checking::run(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    let rules: Vec<&str> = check.findings.iter().map(|one| one.rule.as_str()).collect();
    assert!(
        rules.contains(&"F12") && !rules.contains(&"F02"),
        "{rules:?}"
    );
    let view = records::view(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert!(
        view.studies.is_empty() && view.outside.is_empty(),
        "staff alone decide"
    );
    let view = records::view(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    let uid = view.outside[0].study_instance_uid.clone();
    assert_not_found(filing::take_in(ctx, &house.patient, &case_id, &uid, NOW).await);
    assert_stale(filing::take_in(ctx, coordinator, &case_id, "1.2.3", NOW).await);
    filing::take_in(ctx, coordinator, &case_id, &uid, NOW)
        .await
        .unwrap();
    let view = records::view(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!((view.studies.len(), view.outside.len()), (1, 0));
    let found = view.check.unwrap().findings;
    assert!(!found.iter().any(|one| one.rule == "F12"));
    assert!(house.state(&case_id).await.starts_with("records_"));
}
