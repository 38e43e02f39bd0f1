//! Deleting with grace, legal holds, requests to delete, rules of retention: who may, what follows, what is on record.

use std::sync::Arc;

use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, DeletionId};
use overread_model::keeping::{CountsFrom, RetentionRule};
use overread_model::time::Timestamp;
use overread_store::access::reach;
use overread_store::studies::{Page, StudyFilter, search_studies};
use overread_store::{audit, outbox};
use overread_workflow::keeping::{self, Amounts, Keeping, Marked};
use overread_workflow::{StepError, WorkflowConfig, cases, jobs, records};

use crate::house::{House, NOW, join};

/// Room for next to nothing.
const GIVEN: Amounts = Amounts {
    gb: Some(1),
    instances: Some(1),
};

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    check(House::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql() {
    if let Some(house) = House::postgres("keeping").await {
        check(house).await;
    }
}

/// Returns to whom it was mailed that a request was answered, and what.
async fn answers_mailed(house: &House) -> Vec<(String, String)> {
    let mut tx = house.ctx.store.begin().await.unwrap();
    let later = NOW.plus_seconds(1);
    let mails = outbox::claim(&mut tx, later, later.plus_days(1), 1000).await;
    let mails = mails.unwrap().into_iter();
    mails
        .filter(|mail| mail.body_text.contains("delete the images was answered"))
        .map(|mail| (mail.to_address, mail.body_text))
        .collect()
}

async fn reached(house: &House, actor: &Actor, now: Timestamp) -> usize {
    let mut tx = house.ctx.store.read().await.unwrap();
    let reach = reach(&mut tx, actor, now).await.unwrap();
    let (all, page) = (StudyFilter::default(), Page::default());
    search_studies(&mut tx, &reach, &all, &page)
        .await
        .unwrap()
        .len()
}

async fn number_of(house: &House, case_id: &CaseId) -> String {
    let view = cases::journey(&house.ctx, &house.coordinator, case_id, NOW).await;
    view.unwrap().row.number.unwrap()
}

async fn withdraw(house: &House, case_id: &CaseId) {
    let version = house.version(&house.patient, case_id).await;
    cases::withdraw(
        &house.ctx,
        &house.patient,
        case_id,
        version,
        "I changed my mind.",
        NOW,
    )
    .await
    .unwrap();
}

async fn only_deletion(house: &House, now: Timestamp) -> DeletionId {
    let view = keeping::view(&house.ctx, &house.administrator, now)
        .await
        .unwrap();
    assert_eq!(view.deletions.len(), 1);
    view.deletions[0].deletion_id.clone()
}

async fn events(house: &House, case_id: &CaseId) -> Vec<String> {
    let mut tx = house.ctx.store.read().await.unwrap();
    let proof = audit::prove(&mut tx).await.unwrap();
    assert_eq!(proof.broken_at, None);
    let rows = audit::list_of_case(&mut tx, case_id).await.unwrap();
    rows.into_iter().map(|row| row.event).collect()
}

async fn check(house: House) {
    let case_id = house.matching().await;
    refuse_everybody_else(&house, &case_id).await;
    let number = number_of(&house, &case_id).await;
    let ctx = &house.ctx;
    let early = keeping::delete(ctx, &house.administrator, &number, "asked", NOW).await;
    assert!(
        matches!(early, Err(StepError::Invalid(_))),
        "somebody works by the images"
    );
    keeping::ask(ctx, &house.patient, &case_id, "They are mine.", NOW)
        .await
        .unwrap();
    let twice = keeping::ask(ctx, &house.patient, &case_id, "Now!", NOW).await;
    assert!(matches!(twice, Err(StepError::Invalid(_))));
    withdraw(&house, &case_id).await;

    let view = keeping::view(ctx, &house.administrator, NOW).await.unwrap();
    assert_eq!(
        (view.requests.len(), view.requests[0].case.as_str()),
        (1, number.as_str())
    );
    let request = &view.requests[0].request_id;
    let marked = keeping::delete_as_asked(ctx, &house.administrator, request, NOW).await;
    let one = Marked {
        studies: 1,
        ..Marked::default()
    };
    assert_eq!(marked.unwrap(), one);
    let again = keeping::delete_as_asked(ctx, &house.administrator, request, NOW).await;
    assert!(matches!(again, Err(StepError::Stale)), "answered already");
    assert_eq!(answers_mailed(&house).await.len(), 1);
    for actor in [&house.patient, &house.coordinator] {
        assert_eq!(reached(&house, actor, NOW).await, 0);
        let page = records::view(ctx, actor, &case_id, NOW).await.unwrap();
        assert!(page.studies.is_empty() && page.outside.is_empty());
        let kept = keeping::of_case(ctx, actor, &case_id, NOW).await.unwrap();
        assert_eq!(kept.deleted.len(), 1);
        let answer = kept.request.unwrap().answer.unwrap();
        assert!(answer.1, "the patient reads that it was granted");
    }
    let deletion = only_deletion(&house, NOW).await;
    keeping::restore(ctx, &house.administrator, &deletion, NOW)
        .await
        .unwrap();
    let twice = keeping::restore(ctx, &house.administrator, &deletion, NOW).await;
    assert!(matches!(twice, Err(StepError::Stale)), "the second press");
    for actor in [&house.patient, &house.coordinator] {
        assert_eq!(reached(&house, actor, NOW).await, 1, "all of it is back");
    }
    erase(&house, &case_id, &number).await;
}

/// A deletion runs out: a hold stops it, and without one it is erased, while the case keeps its words.
async fn erase(house: &House, case_id: &CaseId, number: &str) {
    let ctx = &house.ctx;
    keeping::delete(ctx, &house.administrator, number, "asked", NOW)
        .await
        .unwrap();
    keeping::place_hold_on_case(ctx, &house.coordinator, case_id, "A claim.", NOW)
        .await
        .unwrap();
    let over = NOW.plus_days(30);
    assert_eq!(
        jobs::run_due(ctx, over).await.unwrap().erased,
        0,
        "a hold stands"
    );
    let view = keeping::view(ctx, &house.administrator, over)
        .await
        .unwrap();
    assert!(view.deletions[0].is_held);
    let hold = &view.holds[0].hold_id;
    keeping::lift_hold(ctx, &house.administrator, hold, "Settled.", over)
        .await
        .unwrap();
    assert_eq!(
        jobs::run_due(ctx, over).await.unwrap().erased,
        0,
        "it can be restored again"
    );
    let after = over.plus_days(30);
    assert_eq!(
        jobs::run_due(ctx, after.last_moment_before())
            .await
            .unwrap()
            .erased,
        0
    );
    assert_eq!(jobs::run_due(ctx, after).await.unwrap().erased, 1);
    assert_eq!(jobs::run_due(ctx, after).await.unwrap().erased, 0);
    let proof = overread_ingest::verify(&ctx.store, &ctx.archive)
        .await
        .unwrap();
    assert!(proof.ok, "{:?}", proof.damaged);
    assert_eq!(proof.instances, 0);
    let view = keeping::view(ctx, &house.administrator, after)
        .await
        .unwrap();
    assert!(view.deletions.is_empty());
    assert!(
        view.ended[0].ended.is_some_and(|(_, erased)| erased)
            && !view.ended[0].is_being_overwritten
    );
    cases::journey(ctx, &house.patient, case_id, after)
        .await
        .unwrap();
    let events = events(house, case_id).await;
    for event in [
        "erasure.requested",
        "erasure.answered",
        "case.study_deleted",
        "case.study_restored",
        "hold.placed",
        "hold.lifted",
    ] {
        assert!(
            events.iter().any(|known| known == event),
            "{event} is not on record"
        );
    }
}

async fn refuse_everybody_else(house: &House, case_id: &CaseId) {
    let ctx = &house.ctx;
    let number = number_of(house, case_id).await;
    let stranger = join(
        ctx,
        &house.coordinator,
        "Sam Stranger",
        "sam@x.example",
        Role::Patient,
        None,
    )
    .await;
    let insurer = join(
        ctx,
        &house.coordinator,
        "Ina Insurer",
        "ina@x.example",
        Role::Insurer,
        None,
    )
    .await;
    for actor in [
        &house.patient,
        &house.coordinator,
        &house.reviewer,
        &stranger,
        &insurer,
        &Actor::System,
    ] {
        assert!(matches!(
            keeping::view(ctx, actor, NOW).await,
            Err(StepError::Forbidden)
        ));
        assert!(matches!(
            keeping::conflicts(ctx, actor, 0).await,
            Err(StepError::Forbidden)
        ));
        let deleted = keeping::delete(ctx, actor, &number, "because", NOW).await;
        assert!(matches!(deleted, Err(StepError::Forbidden)));
        let held = keeping::place_hold(ctx, actor, &number, "because", NOW).await;
        assert!(matches!(held, Err(StepError::Forbidden)));
        let set = keeping::set_quota(ctx, actor, (&number, "because"), GIVEN, NOW).await;
        assert!(matches!(set, Err(StepError::Forbidden)));
    }
    for actor in [&house.reviewer, &stranger, &insurer, &house.administrator] {
        let asked = keeping::ask(ctx, actor, case_id, "because", NOW).await;
        assert!(matches!(asked, Err(StepError::NotFound)));
        let held = keeping::place_hold_on_case(ctx, actor, case_id, "because", NOW).await;
        assert!(matches!(held, Err(StepError::NotFound)));
    }
    let held = keeping::place_hold_on_case(ctx, &house.patient, case_id, "because", NOW).await;
    assert!(matches!(held, Err(StepError::Forbidden)));
    let nowhere = keeping::delete(ctx, &house.administrator, "1.2.3", "because", NOW).await;
    assert!(matches!(nowhere, Err(StepError::Invalid(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_request_says_why() {
    let house = House::sqlite().await;
    let case_id = house.matching().await;
    let ctx = &house.ctx;
    keeping::ask(ctx, &house.patient, &case_id, "Please.", NOW)
        .await
        .unwrap();
    let view = keeping::view(ctx, &house.administrator, NOW).await.unwrap();
    let request = &view.requests[0].request_id;
    let mute = keeping::decline(ctx, &house.administrator, request, " ", NOW).await;
    assert!(matches!(mute, Err(StepError::Invalid(_))));
    assert_eq!(answers_mailed(&house).await, []);
    keeping::decline(
        ctx,
        &house.administrator,
        request,
        "The law asks us to keep them.",
        NOW,
    )
    .await
    .unwrap();
    let kept = keeping::of_case(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    let (_, is_deleted, note) = kept.request.unwrap().answer.unwrap();
    assert!(!is_deleted && note == "The law asks us to keep them.");
    assert!(kept.may_ask, "one may ask again");
    assert_eq!(reached(&house, &house.patient, NOW).await, 1);
    // Who asked hears that there is an answer, and where; what it is stands behind the sign-in.
    let mailed = answers_mailed(&house).await;
    let [(to, text)] = mailed.as_slice() else {
        panic!("{mailed:?}");
    };
    assert!(text.contains(&format!("/cases/{case_id}")), "{text}");
    assert!(!text.contains("law"), "{text}");
    assert_eq!(to, "alex@home.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_of_a_case_is_shown_and_set() {
    let house = House::sqlite().await;
    let case_id = house.matching().await;
    let ctx = &house.ctx;
    let kept = keeping::of_case(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    let (used, usual) = kept.room.unwrap();
    assert!(used.instances > 0 && used.bytes > 0);
    assert_eq!(usual, ctx.ingest.quota());
    let patients = keeping::of_case(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert!(patients.room.is_none());
    let number = number_of(&house, &case_id).await;
    let set = async |gb, instances, reason| {
        let amounts = Amounts { gb, instances };
        keeping::set_quota(ctx, &house.administrator, (&number, reason), amounts, NOW).await
    };
    for (gb, images, reason) in [
        (Some(0), Some(1), "why"),
        (Some(1), Some(0), "why"),
        (Some(u64::MAX), None, "why"),
        (None, None, "why"),
        (Some(1), Some(1), ""),
    ] {
        assert!(matches!(
            set(gb, images, reason).await,
            Err(StepError::Invalid(_))
        ));
    }
    let quota = async || {
        let kept = keeping::of_case(ctx, &house.coordinator, &case_id, NOW).await;
        let quota = kept.unwrap().room.unwrap().1;
        (quota.bytes, quota.instances)
    };
    // One limit alone leaves the other as it is, whether it was the usual one or set.
    set(None, Some(8), "a whole body").await.unwrap();
    assert_eq!(quota().await, (usual.bytes, 8));
    set(Some(7), None, "a whole body").await.unwrap();
    assert_eq!(quota().await, (7_000_000_000, 8));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_sent_is_named_by_its_id() {
    let house = House::sqlite().await;
    let (ctx, administrator) = (&house.ctx, &house.administrator);
    let begun = overread_testkit::case::row(&CaseId::from_random([9; 16]), NOW);
    let mut tx = ctx.store.begin().await.unwrap();
    overread_store::cases::insert(&mut tx, &begun)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let names = (begun.id.as_str(), "a whole body");
    keeping::set_quota(ctx, administrator, names, GIVEN, NOW)
        .await
        .unwrap();
    let room = keeping::room(ctx, administrator, &begun.id).await.unwrap();
    assert_eq!(
        (room.number, room.quota.instances, room.is_its_own),
        (begun.id, 1, true)
    );
    let nowhere = keeping::room(ctx, administrator, "2026-99999").await;
    assert!(matches!(nowhere, Err(StepError::Invalid(_))));
}

fn with_rules(house: &mut House, unconfirmed: bool) {
    let rule = RetentionRule {
        name: "Everything".to_owned(),
        modalities: Vec::new(),
        years: 1,
        days: 0,
        counts_from: CountsFrom::CaseEnded,
        source: "a test".to_owned(),
        unconfirmed,
    };
    house.ctx.config = Arc::new(WorkflowConfig {
        keeping: Keeping {
            grace_days: 30,
            rules: vec![rule],
        },
        ..(*house.ctx.config).clone()
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_proposes_and_an_administrator_confirms() {
    let mut house = House::sqlite().await;
    with_rules(&mut house, false);
    let case_id = house.matching().await;
    let (ctx, administrator) = (&house.ctx, &house.administrator);
    let due = NOW.plus_days(367);
    let proposals = async |now| {
        keeping::view(ctx, administrator, now)
            .await
            .unwrap()
            .proposals
    };
    assert!(proposals(due).await.is_empty(), "the case is open");
    withdraw(&house, &case_id).await;
    assert!(
        proposals(NOW.plus_days(365)).await.is_empty(),
        "the last day is kept"
    );
    let proposed = proposals(due).await;
    assert_eq!(
        (proposed.len(), proposed[0].rule.as_str()),
        (1, "Everything")
    );
    assert_eq!(
        keeping::apply_rules(ctx, due).await.unwrap(),
        0,
        "never unasked"
    );
    let study = proposed[0].study;
    let other = keeping::confirm(ctx, &house.coordinator, study, due).await;
    assert!(matches!(other, Err(StepError::Forbidden)));
    let early = keeping::confirm(ctx, administrator, study, NOW).await;
    assert!(matches!(early, Err(StepError::Stale)));
    keeping::place_hold_on_case(ctx, &house.coordinator, &case_id, "A claim.", due)
        .await
        .unwrap();
    assert!(proposals(due).await.is_empty(), "a hold stands");
    let held = keeping::confirm(ctx, administrator, study, due).await;
    assert!(matches!(held, Err(StepError::Stale)));
    let hold = keeping::view(ctx, administrator, due)
        .await
        .unwrap()
        .holds
        .remove(0);
    keeping::lift_hold(ctx, administrator, &hold.hold_id, "Settled.", due)
        .await
        .unwrap();
    keeping::confirm(ctx, administrator, study, due)
        .await
        .unwrap();
    let view = keeping::view(ctx, administrator, due).await.unwrap();
    assert_eq!(view.deletions[0].reason, "Retention: Everything");
    assert_eq!(
        view.deletions[0].erase_at,
        due.plus_days(30),
        "grace counts here, too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_says_so_needs_no_confirmation() {
    let mut house = House::sqlite().await;
    with_rules(&mut house, true);
    let case_id = house.matching().await;
    withdraw(&house, &case_id).await;
    let due = NOW.plus_days(367);
    assert_eq!(keeping::apply_rules(&house.ctx, NOW).await.unwrap(), 0);
    assert_eq!(keeping::apply_rules(&house.ctx, due).await.unwrap(), 1);
    assert_eq!(
        keeping::apply_rules(&house.ctx, due).await.unwrap(),
        0,
        "once"
    );
    let view = keeping::view(&house.ctx, &house.administrator, due)
        .await
        .unwrap();
    assert_eq!(view.deletions[0].by, "Overread, by a rule");
}
