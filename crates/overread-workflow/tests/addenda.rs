//! An addendum after the signature: who had read before is asked again, and nothing pretends to cover it.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::outbox;
use overread_workflow::comparing::{self, DecideComparison};
use overread_workflow::delivering::{self, LinkProgress, MadeLink, NewLink};
use overread_workflow::treating::{self, Decide, LinkDoor, LinkView};
use overread_workflow::{cases, following, limits, reporting};

use crate::house::{
    House, NOW, PASSWORD, assert_forbidden, assert_invalid, assert_not_found, client,
};

const TEXT: &str = "The disc extrusion at L5-S1 is on the RIGHT and compresses the right S1 root.";

async fn add(house: &House, case_id: &CaseId, at: Timestamp) {
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let why = "The side was mistyped.";
    reporting::addendum(ctx, reviewer, case_id, why, TEXT, PASSWORD, at)
        .await
        .unwrap();
}

async fn share(house: &House, case_id: &CaseId, expires_on: &str, at: Timestamp) -> MadeLink {
    let form = NewLink {
        recipient_name: "Dr. Tom Treating".to_owned(),
        recipient_email: "tom@example.org".to_owned(),
        expires_on: expires_on.to_owned(),
        ..NewLink::default()
    };
    delivering::share(&house.ctx, &house.coordinator, case_id, &form, at)
        .await
        .unwrap()
}

async fn open(house: &House, link: &MadeLink, at: Timestamp) -> LinkView {
    let secret = link.secret.reveal();
    match treating::open(&house.ctx, secret, None, None, &client(), at).await {
        Ok(LinkDoor::Open(open)) => open.view,
        _ => panic!("the link does not open"),
    }
}

async fn confirm(house: &House, link: &MadeLink, shown: usize, at: Timestamp) {
    treating::acknowledge(&house.ctx, link.secret.reveal(), None, None, shown, at)
        .await
        .unwrap();
}

async fn sign_again(house: &House, case_id: &CaseId, at: Timestamp) {
    let view = comparing::view(&house.ctx, &house.reviewer, case_id, at)
        .await
        .unwrap();
    assert!(view.may_decide && view.decision.is_none());
    let form = DecideComparison {
        concordance_id: view.concordance_id.as_str().to_owned(),
        overall: "refines".to_owned(),
        note: "With the addendum the side is the same.".to_owned(),
        ..DecideComparison::default()
    };
    comparing::decide(&house.ctx, &house.reviewer, case_id, &form, at)
        .await
        .unwrap();
}

async fn next_of(house: &House, actor: &Actor, case_id: &CaseId, at: Timestamp) -> String {
    let view = cases::journey(&house.ctx, actor, case_id, at)
        .await
        .unwrap();
    let next = view.next.unwrap();
    assert_eq!(next.yours, actor != &house.patient, "{}", next.action);
    format!("{} {}", next.action, view.sentence)
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_release_the_comparison_is_made_and_signed_again() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.signed().await;
    let first = comparing::view(ctx, reviewer, &case_id, NOW).await.unwrap();
    let form = DecideComparison {
        concordance_id: first.concordance_id.as_str().to_owned(),
        overall: "changes_management".to_owned(),
        note: "The side differs.".to_owned(),
        ..DecideComparison::default()
    };
    comparing::decide(ctx, reviewer, &case_id, &form, NOW)
        .await
        .unwrap();
    let later = NOW.plus_seconds(60);
    add(&house, &case_id, later).await;

    let act = delivering::view(ctx, &house.coordinator, &case_id, later)
        .await
        .unwrap();
    assert_eq!(act.release_problems.len(), 1);
    assert!(
        act.release_problems[0]
            .message
            .contains("An addendum was signed")
    );
    assert_invalid(
        delivering::release(ctx, &house.coordinator, &case_id, act.version, later).await,
        "",
    );
    let view = comparing::view(ctx, reviewer, &case_id, later)
        .await
        .unwrap();
    assert_ne!(view.concordance_id, first.concordance_id);
    assert!(view.second_text.contains(TEXT) && view.addendum_missing.is_none());
    assert!(
        serde_json::to_string(&view.concordance.items)
            .unwrap()
            .contains("compresses the right S1 root"),
        "the addendum is compared as a finding"
    );
    sign_again(&house, &case_id, later).await;
    delivering::release(
        ctx,
        &house.coordinator,
        &case_id,
        house.version(&house.coordinator, &case_id).await,
        later,
    )
    .await
    .unwrap();
    let shown = comparing::view(ctx, &house.patient, &case_id, later)
        .await
        .unwrap();
    assert_eq!(shown.decision.unwrap().overall, "refines");
    assert_eq!(shown.addenda.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_release_the_signed_comparison_stands_until_the_new_one_is_signed() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.delivered().await;
    let link = share(&house, &case_id, "", NOW).await;
    let delivered = comparing::view(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    // Nothing to sign again before there is an addendum.
    let idle = comparing::view(ctx, reviewer, &case_id, NOW).await.unwrap();
    assert!(!idle.may_decide && !idle.may_compare_again);
    assert_forbidden(
        comparing::decide(
            ctx,
            reviewer,
            &case_id,
            &DecideComparison {
                concordance_id: idle.concordance_id.as_str().to_owned(),
                overall: "refines".to_owned(),
                ..DecideComparison::default()
            },
            NOW,
        )
        .await,
    );
    let later = NOW.plus_days(1);
    add(&house, &case_id, later).await;
    for reader in [&house.patient, &house.coordinator] {
        let view = comparing::view(ctx, reader, &case_id, later).await.unwrap();
        assert_eq!(view.concordance_id, delivered.concordance_id);
        assert!(view.decision.is_some() && !view.second_text.contains(TEXT));
        assert_eq!(view.addendum_missing, Some(later));
        assert_eq!(view.addenda[0].text, TEXT);
        let paper = comparing::pdf(ctx, reader, &case_id, later).await.unwrap();
        assert!(paper.starts_with(b"%PDF"));
    }
    let behind = open(&house, &link, later).await;
    assert_eq!(behind.addendum_missing, Some(later));
    assert_eq!(behind.overall.as_deref(), Some("changes_management"));
    let to_do = next_of(&house, reviewer, &case_id, later).await;
    assert!(
        to_do.starts_with("Sign the comparison with the addendum"),
        "{to_do}"
    );
    assert!(
        reporting::desk(ctx, reviewer, &case_id, later)
            .await
            .unwrap()
            .comparison_to_sign
    );
    let proposal = comparing::view(ctx, reviewer, &case_id, later)
        .await
        .unwrap();
    assert!(proposal.replaces_delivered && proposal.second_text.contains(TEXT));
    sign_again(&house, &case_id, later.plus_seconds(60)).await;
    for reader in [&house.patient, &house.coordinator, reviewer] {
        let view = comparing::view(ctx, reader, &case_id, later).await.unwrap();
        assert_eq!(view.concordance_id, proposal.concordance_id);
        assert!(view.addendum_missing.is_none() && !view.may_decide);
    }
    assert_eq!(
        open(&house, &link, later).await.overall.as_deref(),
        Some("refines")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_counts_for_what_was_there() {
    counts_for_what_was_there(House::sqlite().await).await;
    if let Some(house) = House::postgres("addenda").await {
        counts_for_what_was_there(house).await;
    }
}

async fn counts_for_what_was_there(house: House) {
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let link = share(&house, &case_id, "2026-06-30", NOW).await;
    let secret = link.secret.reveal();
    open(&house, &link, NOW).await;
    confirm(&house, &link, 0, NOW).await;
    let plan = Decide {
        decision: "plan_unchanged".to_owned(),
        ..Decide::default()
    };
    treating::decide(ctx, secret, None, None, &plan, NOW)
        .await
        .unwrap();
    let later = NOW.plus_days(10);
    add(&house, &case_id, later).await;

    let view = open(&house, &link, later).await;
    assert_eq!(view.unread_change, Some(later));
    assert!(view.acknowledged_at.is_some() && view.decided_before_change());
    let to_do = next_of(&house, &house.coordinator, &case_id, later).await;
    assert!(
        to_do.starts_with("Make sure the addendum was read"),
        "{to_do}"
    );
    assert!(to_do.contains("as it is now not yet confirmed"), "{to_do}");
    let news = next_of(&house, &house.patient, &case_id, later).await;
    assert!(news.contains("Please read the addendum"), "{news}");
    let case = cases::journey(ctx, &house.coordinator, &case_id, later)
        .await
        .unwrap();
    assert_eq!(case.decision.unwrap().changed_at, Some(later));

    // A page that was opened before the addendum confirms and decides nothing.
    assert_invalid(
        treating::acknowledge(ctx, secret, None, None, 0, later).await,
        "",
    );
    assert_invalid(
        treating::decide(ctx, secret, None, None, &plan, later).await,
        "",
    );
    let house = &house;
    let case_id = &case_id;
    let row = |at| async move {
        let act = delivering::view(&house.ctx, &house.coordinator, case_id, at).await;
        act.unwrap().links.remove(0)
    };
    let due = later.plus_days(limits::LINK_UNREAD_DAYS);
    assert_eq!(row(later).await.progress, LinkProgress::BeforeChange);
    assert!(!row(due.plus_seconds(-1)).await.overdue && row(due).await.overdue);
    let late = |at| async move {
        let list = following::overdue(&house.ctx, &house.coordinator, at).await;
        let list = list.unwrap().into_iter();
        list.filter(|row| row.what == "Changed result not confirmed by Dr. Tom Treating")
            .count()
    };
    assert_eq!(late(due.plus_seconds(-1)).await, 0);
    assert_eq!(late(due).await, 1);

    confirm(house, &link, 1, due).await;
    assert_eq!(late(due).await, 0);
    assert_eq!(row(due).await.acknowledged_at, Some(due));
    assert_eq!(row(due).await.progress, LinkProgress::Decided);
    assert_eq!(open(house, &link, due).await.unread_change, None);
    let case = cases::journey(ctx, &house.coordinator, case_id, due)
        .await
        .unwrap();
    let confirmed = case
        .timeline
        .iter()
        .filter(|line| line.what.contains("to confirm"));
    assert_eq!(confirmed.count(), 2, "the first one stays in the history");
    assert!(
        !case.sentence.contains("as it is now not yet confirmed"),
        "{}",
        case.sentence
    );
    assert_ne!(case.next.unwrap().action, "Make sure the addendum was read");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_confirmed_before_the_comparison_was_signed_again_is_asked_again() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let link = share(&house, &case_id, "2026-06-30", NOW).await;
    open(&house, &link, NOW).await;
    add(&house, &case_id, NOW.plus_days(1)).await;
    let confirmed_at = NOW.plus_days(2);
    confirm(&house, &link, 1, confirmed_at).await;
    assert_eq!(open(&house, &link, confirmed_at).await.unread_change, None);

    let signed_at = NOW.plus_days(3);
    sign_again(&house, &case_id, signed_at).await;
    let view = open(&house, &link, signed_at).await;
    assert_eq!(view.unread_change, Some(signed_at));
    assert_eq!(view.changes, [NOW.plus_days(1), signed_at]);
    let to_do = next_of(&house, &house.coordinator, &case_id, signed_at).await;
    assert!(
        to_do.contains("as it is now not yet confirmed since"),
        "{to_do}"
    );
    let secret = link.secret.reveal();
    assert_invalid(
        treating::acknowledge(ctx, secret, None, None, 1, signed_at).await,
        "",
    );
    let due = signed_at.plus_days(limits::LINK_UNREAD_DAYS);
    for (at, late_count) in [(due.plus_seconds(-1), 0), (due, 1)] {
        let list = following::overdue(ctx, &house.coordinator, at).await;
        let late = list.unwrap().into_iter();
        let late = late.filter(|row| row.what.starts_with("Changed result not confirmed"));
        assert_eq!(late.count(), late_count);
    }
    confirm(&house, &link, 2, due).await;
    assert_eq!(open(&house, &link, due).await.unread_change, None);

    let mut tx = ctx.store.begin().await.unwrap();
    let mails = outbox::claim(&mut tx, due, due.plus_days(1), 1000)
        .await
        .unwrap();
    let told = mails.iter().filter(|mail| {
        mail.to_address == "tom@example.org" && mail.created_at == signed_at.as_micros()
    });
    assert_eq!(told.count(), 1, "behind the link too");
}

/// The time of a step is taken before it begins: what is done in between is done without what the step signs.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_while_a_change_was_being_signed_was_done_before_it() {
    let house = House::sqlite().await;
    let case_id = house.delivered().await;
    let begun = NOW.plus_days(1);
    let confirmed_at = begun.plus_seconds(1);
    let link = share(&house, &case_id, "2026-06-30", NOW).await;
    confirm(&house, &link, 0, confirmed_at).await;
    add(&house, &case_id, begun).await;
    let after = |at: Timestamp| Timestamp::from_micros(at.as_micros() + 1);
    let missed = open(&house, &link, confirmed_at).await.unread_change;
    assert_eq!(missed, Some(after(confirmed_at)));

    let confirmed_at = begun.plus_seconds(2);
    confirm(&house, &link, 1, confirmed_at).await;
    sign_again(&house, &case_id, begun).await;
    let missed = open(&house, &link, confirmed_at).await.unread_change;
    assert_eq!(missed, Some(after(confirmed_at)));

    // A release in between: the addendum is one after it.
    let house = House::sqlite().await;
    let case_id = house.delivered().await;
    add(&house, &case_id, NOW).await;
    let to_do = next_of(&house, &house.coordinator, &case_id, NOW).await;
    assert!(to_do.contains("as it is now not yet confirmed"), "{to_do}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_whose_receiver_confirmed_behind_another_waits_no_more() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let ended = share(&house, &case_id, "2026-03-05", NOW).await;
    open(&house, &ended, NOW).await;
    let form = NewLink {
        recipient_name: "Dr. Bea Beside".to_owned(),
        expires_on: "2026-06-30".to_owned(),
        ..NewLink::default()
    };
    let beside = delivering::share(ctx, &house.coordinator, &case_id, &form, NOW)
        .await
        .unwrap();
    open(&house, &beside, NOW).await;
    let later = NOW.plus_days(10);
    add(&house, &case_id, later).await;
    let new = share(&house, &case_id, "2026-06-30", later).await;
    confirm(&house, &new, 1, later.plus_seconds(1)).await;

    let due = later.plus_days(limits::LINK_UNREAD_DAYS);
    let list = following::overdue(ctx, &house.coordinator, due)
        .await
        .unwrap();
    let late: Vec<_> = list
        .iter()
        .filter(|row| row.what.starts_with("Changed result"))
        .map(|row| row.what.as_str())
        .collect();
    assert_eq!(late, ["Changed result not confirmed by Dr. Bea Beside"]);
    let act = delivering::view(ctx, &house.coordinator, &case_id, due)
        .await
        .unwrap();
    for row in act.links {
        let waits = row.link_id == beside.link_id;
        assert_eq!(row.unread_change.is_some(), waits);
        assert_eq!(row.overdue, waits);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_read_before_the_addendum_is_told_apart() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    comparing::view(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    let later = NOW.plus_days(1);
    add(&house, &case_id, later).await;
    let missed = || async {
        let act = delivering::view(ctx, &house.coordinator, &case_id, later).await;
        let reads = act.unwrap().reads.into_iter();
        reads
            .filter(|row| row.missed_addendum == Some(later))
            .count()
    };
    assert_eq!(missed().await, 1, "the patient, and not who wrote it");
    reporting::desk(ctx, &house.patient, &case_id, later)
        .await
        .unwrap();
    assert_eq!(missed().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_link_asks_for_a_new_one_and_mails_say_nothing_clinical() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let link = share(&house, &case_id, "2026-03-05", NOW).await;
    let in_force = share(&house, &case_id, "2026-06-30", NOW).await;
    open(&house, &link, NOW).await;
    confirm(&house, &link, 0, NOW).await;
    delivering::revoke(ctx, &house.coordinator, &case_id, &in_force.link_id, NOW)
        .await
        .unwrap();
    let later = NOW.plus_days(10);
    assert_not_found(treating::open(ctx, link.secret.reveal(), None, None, &client(), later).await);
    add(&house, &case_id, later).await;
    let to_do = next_of(&house, &house.coordinator, &case_id, later).await;
    assert!(
        to_do.starts_with("Make a new link for the doctor"),
        "{to_do}"
    );
    assert!(to_do.contains("a new link is needed"), "{to_do}");

    let new = share(&house, &case_id, "2026-06-30", later).await;
    let to_do = next_of(&house, &house.coordinator, &case_id, later).await;
    assert!(
        to_do.starts_with("Make sure the addendum was read"),
        "{to_do}"
    );
    open(&house, &new, later).await;
    confirm(&house, &new, 1, later).await;
    add(&house, &case_id, later.plus_days(1)).await;

    let mut tx = ctx.store.begin().await.unwrap();
    let after = later.plus_days(2);
    let mails = outbox::claim(&mut tx, after, after.plus_days(1), 1000)
        .await
        .unwrap();
    let told: Vec<_> = mails
        .iter()
        .filter(|mail| mail.body_text.contains("signed an addendum"))
        .collect();
    assert_eq!(told.len(), 1, "only behind the link in force");
    assert_eq!(told[0].to_address, "tom@example.org");
    assert!(told[0].body_text.contains(&new.address));
    for who in ["cora@harbour.example", "alex@home.example"] {
        let news = mails.iter().filter(|mail| mail.to_address == who);
        let since = news.filter(|mail| mail.created_at >= later.as_micros());
        assert_eq!(since.count(), 2, "{who}");
    }
    for mail in &mails {
        let whole = format!("{} {}", mail.subject, mail.body_text);
        for clinical in ["extrusion", "RIGHT", "mistyped", "Alex Sample"] {
            let greets = clinical == "Alex Sample" && mail.to_name == clinical;
            assert!(greets || !whole.contains(clinical), "{whole}");
        }
    }
}
