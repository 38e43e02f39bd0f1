//! Correcting a request that was sent: who may, until when, and what it leads to.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_workflow::asking::{self, AskStep, Urgency, Who};
use overread_workflow::records::{self, HeldBackDecision, QuarantineDecision};
use overread_workflow::{StepResult, cases, jobs};

use crate::house::{
    House, NOW, assert_forbidden, assert_invalid, assert_not_found, assert_stale, disc,
};

const REASON: &str = "A slip of the pen.";

/// Lets the patient write that an operation is planned on March 9, 2026.
async fn plan_operation(house: &House, case_id: &CaseId) {
    let operation = AskStep::Urgency(Urgency {
        answered: true,
        treatment_date: "2026-03-09".to_owned(),
        ..Urgency::default()
    });
    let patient = &house.patient;
    let version = house.version(patient, case_id).await;
    asking::correct(
        &house.ctx, patient, case_id, version, operation, REASON, NOW,
    )
    .await
    .unwrap();
}

async fn who(
    house: &House,
    actor: &Actor,
    case_id: &CaseId,
    change: fn(&mut Who),
) -> StepResult<()> {
    let view = asking::view(&house.ctx, actor, case_id, NOW).await?;
    let mut who = view.who;
    change(&mut who);
    let step = AskStep::Who(who);
    asking::correct(&house.ctx, actor, case_id, view.version, step, REASON, NOW).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_asker_corrects_until_the_records_are_accepted_and_the_coordinator_longer() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = house.asked().await;
    who(&house, patient, &case_id, |who| {
        who.sender_phone = "+1 206 555 0199".to_owned()
    })
    .await
    .unwrap();
    let view = asking::view(ctx, patient, &case_id, NOW).await.unwrap();
    assert!(view.sent && view.may_correct && !view.can_submit);
    assert_eq!(view.who.sender_phone, "+1 206 555 0199");
    let step = || AskStep::Who(view.who.clone());
    let (old, same) = (view.version - 1, view.version);
    assert_stale(asking::correct(ctx, patient, &case_id, old, step(), REASON, NOW).await);
    assert_invalid(
        asking::correct(ctx, patient, &case_id, same, step(), REASON, NOW).await,
        "",
    );
    assert_invalid(
        asking::correct(ctx, patient, &case_id, same, step(), " ", NOW).await,
        "reason",
    );
    assert_not_found(
        asking::correct(ctx, &house.reviewer, &case_id, same, step(), REASON, NOW).await,
    );
    let empty = who(&house, patient, &case_id, |who| who.patient_name.clear()).await;
    assert_invalid(empty, "who.patient_name");
    let line = cases::journey(ctx, patient, &case_id, NOW)
        .await
        .unwrap()
        .timeline
        .remove(0);
    assert_eq!(line.what, "The request was corrected");
    let told = "Telephone: before +1 206 555 0100, now +1 206 555 0199";
    assert!(
        line.note.contains(REASON) && line.note.contains(told),
        "{}",
        line.note
    );
    // Who asks is not corrected, whatever a form sends.
    who(&house, patient, &case_id, |who| {
        who.requester = "insurer".to_owned();
        who.patient_mrn = "4711".to_owned();
    })
    .await
    .unwrap();
    let view = asking::view(ctx, patient, &case_id, NOW).await.unwrap();
    assert_eq!(
        (view.who.requester.as_str(), view.who.patient_mrn.as_str()),
        ("patient", "4711")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_acceptance_only_the_coordinator_corrects_and_nobody_after_delivery() {
    let house = House::sqlite().await;
    let case_id = house.matching().await;
    let phone = |who: &mut Who| who.sender_phone = "+1 206 555 0199".to_owned();
    assert_forbidden(who(&house, &house.patient, &case_id, phone).await);
    who(&house, &house.coordinator, &case_id, phone)
        .await
        .unwrap();
    let case_id = house.delivered().await;
    assert_forbidden(who(&house, &house.coordinator, &case_id, phone).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_lets_the_identity_be_judged_anew() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let case_id = house.consented().await;
    house.deliver(&case_id, &disc("Sample^Alex", 1)).await;
    house.accept_records(&case_id).await;
    let shown_and_held = async || {
        let view = records::view(ctx, coordinator, &case_id, NOW).await;
        let view = view.unwrap();
        (view.studies.len(), view.quarantine_count)
    };
    assert_eq!(shown_and_held().await, (1, 0));
    let renamed = |who: &mut Who| {
        who.patient_name = "Robin Else".to_owned();
        who.patient_birth_date = "1951-07-07".to_owned();
    };
    who(&house, coordinator, &case_id, renamed).await.unwrap();
    assert_eq!(
        shown_and_held().await,
        (0, 1),
        "the images name somebody else now"
    );
    let released = async || {
        let view = records::view(ctx, coordinator, &case_id, NOW).await;
        let uid = view.unwrap().quarantine[0].study.study_instance_uid.clone();
        let decision = HeldBackDecision {
            study: Some((&uid, QuarantineDecision::RightPatient)),
            birth_date: Some("1951-07-07".parse().unwrap()),
            papers: &[],
            reason: "The name changed by marriage.",
        };
        records::decide_quarantine(ctx, coordinator, &case_id, &decision, NOW).await
    };
    released().await.unwrap();
    assert_eq!(shown_and_held().await, (1, 0));
    // What was decided for one name is not decided for the next.
    who(&house, coordinator, &case_id, |who| {
        who.patient_birth_date = "1952-07-07".to_owned()
    })
    .await
    .unwrap();
    assert_eq!(shown_and_held().await, (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_makes_a_case_more_urgent_and_never_less() {
    let house = House::sqlite().await;
    let (ctx, coordinator) = (&house.ctx, &house.coordinator);
    let case_id = house.matching().await;
    let urgent = |reason: &str| {
        AskStep::Urgency(Urgency {
            answered: true,
            urgent_reason: reason.to_owned(),
            ..Urgency::default()
        })
    };
    for reason in ["The treatment begins.", ""] {
        let version = house.version(coordinator, &case_id).await;
        asking::correct(
            ctx,
            coordinator,
            &case_id,
            version,
            urgent(reason),
            REASON,
            NOW,
        )
        .await
        .unwrap();
        let row = cases::journey(ctx, coordinator, &case_id, NOW)
            .await
            .unwrap()
            .row;
        assert_eq!(row.urgency, "urgent", "{reason:?}");
    }
    let flag = ctx.knowledge.intake.red_flags.items[0].id.clone();
    let emergency = AskStep::Urgency(Urgency {
        red_flags: vec![flag],
        ..Urgency::default()
    });
    let version = house.version(coordinator, &case_id).await;
    let refused =
        asking::correct(ctx, coordinator, &case_id, version, emergency, REASON, NOW).await;
    assert_invalid(refused, "red_flags");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_before_an_operation_leaves_time_for_the_steps_behind_it() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = house.asked().await;
    let due_on = async || {
        let case = cases::journey(ctx, patient, &case_id, NOW).await.unwrap();
        let day = case.row.due_at.map(|at| at.date().to_string());
        (day.unwrap_or_default(), case.sentence)
    };
    let (before, sentence) = due_on().await;
    assert_eq!(before, "2026-03-16");
    assert!(!sentence.contains("treatment"), "{sentence}");
    plan_operation(&house, &case_id).await;
    let (day, sentence) = due_on().await;
    assert_eq!(day, "2026-03-03");
    assert!(
        sentence.contains("The treatment is planned for March 9, 2026."),
        "{sentence}"
    );
    // Late is not lost: the case is not ended sooner than it would have been.
    let after = NOW.plus_days(8);
    let round = jobs::run_due(ctx, after).await.unwrap();
    assert_eq!(round.timed_out, 0);
    let round = jobs::run_due(ctx, NOW.plus_days(15)).await.unwrap();
    assert_eq!(round.timed_out, 1);
    // So it is in the states behind it.
    let case_id = house.consented().await;
    plan_operation(&house, &case_id).await;
    let case = cases::journey(ctx, patient, &case_id, NOW).await.unwrap();
    let due_at = case.row.due_at.unwrap();
    assert_eq!(due_at.date().to_string(), "2026-03-06");
}

#[tokio::test]
async fn the_reviewer_learns_that_the_request_was_corrected_and_not_what() {
    let house = House::sqlite().await;
    let case_id = house.in_review().await;
    who(&house, &house.coordinator, &case_id, |who| {
        who.sender_phone = "+1 206 555 0199".to_owned()
    })
    .await
    .unwrap();
    for (actor, is_told) in [(&house.coordinator, true), (&house.reviewer, false)] {
        let view = cases::journey(&house.ctx, actor, &case_id, NOW)
            .await
            .unwrap();
        let line = view
            .timeline
            .iter()
            .find(|line| line.what == "The request was corrected")
            .unwrap();
        assert_eq!(line.note.contains("0199"), is_told, "{}", line.note);
        assert_eq!(line.note.contains(REASON), is_told, "{}", line.note);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_waved_through_about_another_patient_ends_on_record() {
    use overread_store::{audit, checks};
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = house.asked().await;
    let mut tx = ctx.store.begin().await.unwrap();
    for rule in ["P01", "F01"] {
        let row = checks::OverrideRow {
            rule: rule.to_owned(),
            reason: "A known slip.".to_owned(),
            found: String::new(),
        };
        checks::override_rule(&mut tx, &case_id, &row, "me", NOW)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    who(&house, patient, &case_id, |who| {
        who.patient_birth_date = "1971-03-02".to_owned();
    })
    .await
    .unwrap();
    let mut tx = ctx.store.read().await.unwrap();
    let rows = audit::list_of_case(&mut tx, &case_id).await.unwrap();
    let ended: Vec<_> = rows
        .iter()
        .filter(|row| row.event == "check.override_ended")
        .map(|row| row.subject_id.as_deref())
        .collect();
    assert_eq!(ended, [Some("P01")]);
    let left = checks::overrides(&mut tx, &case_id).await.unwrap();
    assert_eq!(left.len(), 1, "a rule of another kind stays");
}
