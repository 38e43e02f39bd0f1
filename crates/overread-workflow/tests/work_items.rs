//! The work items of reads, as the steps of a case move them.

use overread_model::access::Actor;
use overread_store::access::reach;
use overread_store::work_items::{self, WorkItem, WorkItemFilter};
use overread_workflow::cases;

use crate::house::{House, NOW};

async fn items(house: &House, actor: &Actor) -> Vec<WorkItem> {
    let mut tx = house.ctx.store.read().await.unwrap();
    let reach = reach(&mut tx, actor, NOW).await.unwrap();
    let filter = WorkItemFilter::default();
    work_items::list(&mut tx, actor, &reach, &filter)
        .await
        .unwrap()
}

/// Returns the states that subscribers are told, with whether the read may go on.
async fn told(house: &House) -> Vec<(String, bool)> {
    let mut tx = house.ctx.store.read().await.unwrap();
    let events = work_items::events_after(&mut tx, 0).await.unwrap();
    let states = events.iter().filter(|event| event.event_type == 1);
    states
        .map(|event| {
            let report: serde_json::Value = serde_json::from_str(&event.information).unwrap();
            let text = |tag: &str| report[tag]["Value"][0].as_str().unwrap().to_owned();
            (text("00741000"), text("00404041") == "READY")
        })
        .collect()
}

fn is(state: &str, is_ready: bool) -> (String, bool) {
    (state.to_owned(), is_ready)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_work_from_the_offer_to_the_signature() {
    let house = House::sqlite().await;
    let case_id = house.signed().await;
    let items = items(&house, &house.reviewer).await;
    assert_eq!(items.len(), 1);
    let item = &items[0];
    assert_eq!(item.state, "COMPLETED");
    assert_eq!(item.case_id.as_deref(), Some(case_id.as_str()));
    assert!(item.is_read_by(&house.reviewer) && !item.is_read_by(&house.coordinator));
    let told = told(&house).await;
    let expect = [
        is("SCHEDULED", false),
        is("SCHEDULED", true),
        is("IN PROGRESS", true),
        is("COMPLETED", true),
    ];
    assert_eq!(told, expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_waits_and_goes_with_its_case() {
    let house = House::sqlite().await;
    let case_id = house.in_review().await;
    let coordinator = &house.coordinator;
    let item = &items(&house, &house.reviewer).await[0];
    assert!(item.is_ready());
    let version = house.version(coordinator, &case_id).await;
    let why = "The patient is away.";
    cases::hold(&house.ctx, coordinator, &case_id, version, why, NOW)
        .await
        .unwrap();
    assert!(!items(&house, &house.reviewer).await[0].is_ready());
    let version = house.version(coordinator, &case_id).await;
    cases::resume(&house.ctx, coordinator, &case_id, version, NOW)
        .await
        .unwrap();
    assert!(items(&house, &house.reviewer).await[0].is_ready());
    let version = house.version(coordinator, &case_id).await;
    cases::withdraw(&house.ctx, coordinator, &case_id, version, why, NOW)
        .await
        .unwrap();
    let over = &items(&house, &house.reviewer).await[0];
    assert_eq!(over.state, "CANCELED");
    let told = told(&house).await;
    let expect = [
        is("SCHEDULED", false),
        is("SCHEDULED", true),
        is("SCHEDULED", false),
        is("SCHEDULED", true),
        is("IN PROGRESS", true),
        is("CANCELED", true),
    ];
    assert_eq!(told, expect);
}
