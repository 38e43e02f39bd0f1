//! The whole way once, in every role, on both databases.

use overread_model::access::{Actor, Role};
use overread_store::audit;
use overread_workflow::asking::{self, AskStep, Saved, Urgency};
use overread_workflow::cases::{self, CaseFilter, StationState};
use overread_workflow::delivering::{self, LinkProgress, NewLink};
use overread_workflow::treating::{self, Decide, LinkDoor};
use overread_workflow::{
    comparing, consenting, following, jobs, letters, mailing, people, reading, records, reporting,
};

use tokio::io::AsyncReadExt;

use crate::house::{
    House, NOW, assert_invalid, assert_not_found, client, consent, disc, draft_of, steps,
};

async fn walk(house: House) {
    let ctx = &house.ctx;
    let case_id = house.delivered().await;
    let (patient, coordinator) = (&house.patient, &house.coordinator);

    // The patient reads both reports and the comparison.
    let desk = reporting::desk(ctx, patient, &case_id, NOW).await.unwrap();
    assert!(desk.signature.is_some() && !desk.may_edit && desk.first_impression.is_none());
    let comparison = comparing::view(ctx, patient, &case_id, NOW).await.unwrap();
    assert_eq!(comparison.decision.unwrap().overall, "changes_management");
    assert!(
        reading::original(ctx, patient, &case_id, NOW)
            .await
            .unwrap()
            .report
            .is_some()
    );
    assert!(
        reporting::pdf(ctx, patient, &case_id, NOW)
            .await
            .unwrap()
            .starts_with(b"%PDF")
    );
    assert!(
        comparing::pdf(ctx, patient, &case_id, NOW)
            .await
            .unwrap()
            .starts_with(b"%PDF")
    );
    let viewer = reading::viewer(ctx, patient, &case_id, NOW).await.unwrap();
    assert_eq!(
        (viewer.studies.len(), viewer.patient.name.as_str()),
        (1, "Alex Sample")
    );

    // The treating physician gets a link, opens, acknowledges, decides.
    let before = cases::journey(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(before.row.next, "Make the link for the doctor");
    assert!(before.row.your_turn && before.decision.is_none());
    let form = NewLink {
        recipient_name: "Dr. Tom Treating".to_owned(),
        recipient_email: "tom@clinic.example".to_owned(),
        with_images: true,
        expires_on: "2026-04-01".to_owned(),
        ..NewLink::default()
    };
    let made = delivering::share(ctx, patient, &case_id, &form, NOW)
        .await
        .unwrap();
    assert!(made.address.ends_with(made.secret.reveal()));
    let LinkDoor::Open(open) =
        treating::open(ctx, made.secret.reveal(), None, None, &client(), NOW)
            .await
            .unwrap()
    else {
        panic!("no passcode was set");
    };
    assert!(
        open.view.original_text.is_some()
            && open.view.concordance.is_some()
            && !open.view.sections.is_empty()
    );
    treating::acknowledge(ctx, made.secret.reveal(), None, None, 0, NOW)
        .await
        .unwrap();
    treating::acknowledge(ctx, made.secret.reveal(), None, None, 0, NOW)
        .await
        .unwrap();
    let decide = Decide {
        decision: "plan_changed".to_owned(),
        note: "Surgery on the left side.".to_owned(),
        ..Decide::default()
    };
    treating::decide(ctx, made.secret.reveal(), None, None, &decide, NOW)
        .await
        .unwrap();
    assert!(
        treating::report_pdf(ctx, made.secret.reveal(), None, None, NOW)
            .await
            .unwrap()
            .starts_with(b"%PDF")
    );
    let act = delivering::view(ctx, patient, &case_id, NOW).await.unwrap();
    assert_eq!(act.links[0].progress, LinkProgress::Decided);
    let last_day = act.links[0].open_until.date().to_string();
    assert_eq!(last_day, "2026-04-01", "the day that was typed");
    assert!(
        act.reads
            .iter()
            .any(|row| row.who == "Dr. Tom Treating" && row.what == "second report")
    );

    // The patient is told what was decided; the next step is the coordinator's.
    let told = cases::journey(ctx, patient, &case_id, NOW).await.unwrap();
    let decision = told.decision.unwrap();
    assert_eq!(
        (decision.who.as_str(), decision.words.as_str()),
        ("Dr. Tom Treating", "The plan changes")
    );
    assert_eq!(told.row.whose_turn, "the coordinator");
    assert!(told.sentence.contains("recorded what was decided"));

    // A discordant result is followed up, a third opinion is asked for, and it ends with an outcome.
    following::open(
        ctx,
        patient,
        &case_id,
        house.version(patient, &case_id).await,
        NOW,
    )
    .await
    .unwrap();
    let version = house.version(patient, &case_id).await;
    let child = following::third_opinion(ctx, patient, &case_id, version, NOW)
        .await
        .unwrap();
    assert_eq!(house.state(&child).await, "consent_pending");
    let viewer = reading::viewer(ctx, patient, &child, NOW).await.unwrap();
    assert_eq!(viewer.studies.len(), 1, "the same studies by reference");
    let version = house.version(patient, &case_id).await;
    following::close(ctx, patient, &case_id, version, "second_confirmed", NOW)
        .await
        .unwrap();
    let view = cases::journey(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(view.row.state, "closed");
    assert!(view.next.is_none() && view.related.len() == 1);
    assert!(
        view.stations
            .iter()
            .all(|station| station.state == StationState::Done),
        "every station is behind"
    );
    assert!(
        view.timeline
            .iter()
            .any(|row| row.what == "The second report was signed" && row.who == "Rosa Reader")
    );
    assert_eq!(
        cases::list(ctx, patient, CaseFilter::Ended, NOW)
            .await
            .unwrap()
            .len(),
        1
    );

    // Mails went out without a word on the case; the audit chain holds.
    let round = mailing::send_due(ctx, NOW).await.unwrap();
    assert!(round.sent > 5 && round.failed == 0, "{round:?}");
    assert_eq!(
        mailing::send_due(ctx, NOW).await.unwrap().sent,
        0,
        "each mail once"
    );
    for file in std::fs::read_dir(house.dir.path().join("mail")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(
            !text.contains("lumbar") && !text.contains("extrusion") && !text.contains("1970"),
            "clinical words in a mail"
        );
    }
    let mut tx = ctx.store.read().await.unwrap();
    let proof = audit::prove(&mut tx).await.unwrap();
    assert!(proof.broken_at.is_none() && proof.rows > 40, "{proof:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    walk(House::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql() {
    if let Some(house) = House::postgres("walk").await {
        walk(house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_red_flag_stops_and_keeps_the_flag_alone() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = asking::start(ctx, &house.patient, NOW).await.unwrap();
    let mut steps = steps().into_iter();
    asking::save(ctx, &house.patient, &case_id, 1, steps.next().unwrap(), NOW)
        .await
        .unwrap();
    let urgency = Urgency {
        answered: true,
        red_flags: vec!["rf_cauda".to_owned()],
        ..Urgency::default()
    };
    let saved = asking::save(
        ctx,
        &house.patient,
        &case_id,
        2,
        AskStep::Urgency(urgency),
        NOW,
    )
    .await
    .unwrap();
    assert_eq!(saved, Saved::Emergency);
    let view = asking::view(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert!(
        view.emergency && view.who.patient_name.is_empty() && view.urgency.red_flags.is_empty()
    );
    assert_eq!(house.state(&case_id).await, "declined");
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_another_patient_wait_for_a_person() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.consented().await;
    house.deliver(&case_id, &disc("Sample^Alex", 1)).await;
    house.deliver(&case_id, &disc("Other^Person", 2)).await;
    let view = records::view(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(
        (
            view.studies.len(),
            view.quarantine_count,
            view.quarantine.len()
        ),
        (1, 1, 0)
    );
    let view = records::view(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    let uid = view.quarantine[0].study.study_instance_uid.clone();
    let told: usize = view.deliveries.iter().map(|row| row.waiting.len()).sum();
    assert_eq!(told, 1, "told while it waits");
    let reason = "Another person's disc was in the envelope.";
    let decision = records::HeldBackDecision {
        study: Some((&uid, records::QuarantineDecision::OtherPatient)),
        birth_date: None,
        papers: &[],
        reason,
    };
    crate::house::assert_forbidden(
        records::decide_quarantine(ctx, &house.patient, &case_id, &decision, NOW).await,
    );
    records::decide_quarantine(ctx, &house.coordinator, &case_id, &decision, NOW)
        .await
        .unwrap();
    assert_not_found(
        records::decide_quarantine(ctx, &house.coordinator, &case_id, &decision, NOW).await,
    );
    // However often it arrives, it stays out.
    house.deliver(&case_id, &disc("Other^Person", 2)).await;
    let view = records::view(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!((view.studies.len(), view.quarantine_count), (1, 0));
    assert!(view.deliveries.iter().all(|row| row.waiting.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_name_nobody_wait_for_a_person() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.consented().await;
    // The birth date is the patient's; that alone is no name.
    for (number, name) in (1..).zip(["", "ANONYMOUS^1"]) {
        house.deliver(&case_id, &disc(name, number)).await;
        let view = records::view(ctx, &house.coordinator, &case_id, NOW)
            .await
            .unwrap();
        let count = usize::try_from(number).unwrap();
        assert_eq!((view.studies.len(), view.quarantine_count), (0, count));
        assert!(view.quarantine[0].reason.contains("whose they are"));
    }
    let view = records::view(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    let uid = view.quarantine[0].study.study_instance_uid.clone();
    let decision = records::HeldBackDecision {
        study: Some((&uid, records::QuarantineDecision::RightPatient)),
        birth_date: None,
        papers: &[],
        reason: "The facility confirmed it by telephone.",
    };
    records::decide_quarantine(ctx, &house.coordinator, &case_id, &decision, NOW)
        .await
        .unwrap();
    // The case moved on by itself, as it would have when they arrived.
    assert!(house.state(&case_id).await.starts_with("records_"));
    assert_ne!(house.state(&case_id).await, "records_collecting");
    // A decision holds for its study, also when more of it arrives.
    house.deliver(&case_id, &disc("", 1)).await;
    let view = records::view(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!((view.studies.len(), view.quarantine_count), (1, 1));
    // And for no other: who comes later is held back as before.
    house.deliver(&case_id, &disc("Other^Person", 9)).await;
    let view = records::view(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!((view.studies.len(), view.quarantine_count), (1, 2));
}

/// A body that ends in an error.
struct BreaksOff;

impl tokio::io::AsyncRead for BreaksOff {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Err(std::io::Error::other("broke off")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_breaks_off_is_judged_all_the_same() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.consented().await;
    for (name, study) in [("Sample^Alex", 1), ("Other^Person", 2)] {
        let mut zip = overread_testkit::disc::zip_of(&disc(name, study), false).unwrap();
        zip.truncate(zip.len() * 3 / 4);
        let body = records::Incoming::Zip(std::io::Cursor::new(zip).chain(BreaksOff));
        let outcome = records::receive(ctx, &house.patient, Some(&case_id), body, NOW).await;
        assert!(outcome.is_err());
    }
    let view = records::view(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!((view.studies.len(), view.quarantine_count), (1, 1));
    assert_eq!(view.studies[0].patient_name, "Alex Sample");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_judges_what_a_killed_delivery_left() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.consented().await;
    let files: Vec<_> = [("Sample^Alex", 1), ("Other^Person", 2)]
        .into_iter()
        .flat_map(|(name, study)| disc(name, study))
        .enumerate()
        .map(|(number, mut file)| {
            file.path = format!("IM{number}");
            file
        })
        .collect();
    let zip = overread_testkit::disc::zip_of(&files, false).unwrap();
    let options = overread_ingest::DeliveryOptions {
        case_id: Some(case_id.clone()),
        actor: Actor::System,
        now: NOW,
        source: overread_ingest::DeliverySource::Paths,
    };
    // Nobody is left who would judge: the process ended after the last commit.
    let zip = std::io::Cursor::new(zip);
    ctx.ingest.zip_stream(zip, options).await.unwrap();
    let seen = async || {
        let view = records::view(ctx, &house.coordinator, &case_id, NOW)
            .await
            .unwrap();
        (view.studies.len(), view.quarantine_count)
    };
    assert_eq!(seen().await, (0, 0));
    let judged = async || jobs::run_due(ctx, NOW).await.unwrap().judged;
    assert_eq!(judged().await, 1);
    assert_eq!(seen().await, (1, 1));
    assert_eq!(judged().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_case_takes_no_records() {
    let house = House::sqlite().await;
    let case_id = house.delivered().await;
    let may = records::may_receive(&house.ctx, &house.patient, &case_id, NOW).await;
    crate::house::assert_invalid(may, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_released_while_images_may_be_anothers() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.signed().await;
    crate::house::open_identity_blocker(&house, &case_id).await;
    let version = house.version(&house.coordinator, &case_id).await;
    let released =
        overread_workflow::delivering::release(ctx, &house.coordinator, &case_id, version, NOW)
            .await;
    let Err(overread_workflow::StepError::Invalid(problems)) = released else {
        panic!("it was released");
    };
    assert!(problems[0].message.contains("another patient"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_records_letter_is_locked_sent_and_timed() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = house.consented().await;
    let kind = "records_request_access";
    let form = letters::form(ctx, patient, &case_id, kind, "en", NOW)
        .await
        .unwrap();
    assert!(
        form.fields
            .iter()
            .any(|field| field.key == "patient.name" && field.value == "Alex Sample")
    );
    let mark = form.facts_mark.clone();
    let mut values: letters::LetterValues = form
        .fields
        .iter()
        .map(|field| (field.key.clone(), field.value.clone()))
        .collect();
    let (letter_id, version) = letters::save_draft(
        ctx,
        patient,
        &case_id,
        &draft_of(kind, 0, &mark, &values),
        NOW,
    )
    .await
    .unwrap();
    crate::house::assert_stale(
        letters::save_draft(
            ctx,
            patient,
            &case_id,
            &draft_of(kind, 0, &mark, &values),
            NOW,
        )
        .await,
    );
    for problem in letters::form(ctx, patient, &case_id, kind, "en", NOW)
        .await
        .unwrap()
        .problems
    {
        values.insert(problem.field, "All images and the report".to_owned());
    }
    let (_, version) = letters::save_draft(
        ctx,
        patient,
        &case_id,
        &draft_of(kind, version, &mark, &values),
        NOW,
    )
    .await
    .unwrap();
    letters::finalise(ctx, patient, &case_id, &letter_id, version, NOW)
        .await
        .unwrap();
    crate::house::assert_stale(
        letters::finalise(ctx, patient, &case_id, &letter_id, version, NOW).await,
    );
    let pdf = letters::pdf(ctx, patient, &case_id, &letter_id, NOW)
        .await
        .unwrap();
    let view = letters::view(ctx, patient, &case_id, NOW).await.unwrap();
    assert_eq!(
        view.letters[0].digest.as_deref(),
        Some(blake3::hash(&pdf).to_hex().as_str())
    );
    letters::sent(ctx, patient, &case_id, &letter_id, "post", NOW)
        .await
        .unwrap();
    assert_invalid(
        letters::sent(ctx, patient, &case_id, &letter_id, "post", NOW).await,
        "",
    );
    let due = letters::view(ctx, patient, &case_id, NOW)
        .await
        .unwrap()
        .sent[0]
        .answer_due_at;
    assert_eq!(due, Some(NOW.plus_days(30)));
    letters::extended(
        ctx,
        patient,
        &case_id,
        &letter_id,
        "Off-site records",
        NOW.plus_days(5),
    )
    .await
    .unwrap();
    assert_invalid(
        letters::extended(
            ctx,
            patient,
            &case_id,
            &letter_id,
            "Again",
            NOW.plus_days(6),
        )
        .await,
        "",
    );
    let sixty = NOW.plus_days(61);
    let overdue = following::overdue(ctx, patient, sixty).await.unwrap();
    assert!(
        overdue
            .iter()
            .any(|row| row.what.contains("Riverside Imaging")),
        "the letter shows as overdue"
    );
    letters::answered(ctx, patient, &case_id, &letter_id, sixty)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_consent_ends_what_others_see_at_once() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.in_review().await;
    reading::viewer(ctx, &house.reviewer, &case_id, NOW)
        .await
        .unwrap();
    consenting::revoke(ctx, &house.patient, &case_id, "I changed my mind.", NOW)
        .await
        .unwrap();
    assert_eq!(house.state(&case_id).await, "on_hold");
    assert_not_found(reading::viewer(ctx, &house.reviewer, &case_id, NOW).await);
    // Without a new consent the reviewer stays out; with one, reading goes on.
    consenting::sign(ctx, &house.patient, &case_id, &consent(), NOW)
        .await
        .unwrap();
    cases::resume(
        ctx,
        &house.coordinator,
        &case_id,
        house.version(&house.coordinator, &case_id).await,
        NOW,
    )
    .await
    .unwrap();
    assert_eq!(house.state(&case_id).await, "in_review");
    reading::viewer(ctx, &house.reviewer, &case_id, NOW)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_representative_joins_one_case() {
    let house = House::sqlite().await;
    let case_id = house.asked().await;
    let invited_by = &house.patient;
    let rita = crate::house::join(
        &house.ctx,
        invited_by,
        "Rita Rep",
        "rita@home.example",
        Role::Representative,
        Some(case_id.clone()),
    )
    .await;
    assert_eq!(
        cases::list(&house.ctx, &rita, CaseFilter::Open, NOW)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_invalid(
        consenting::sign(&house.ctx, &rita, &case_id, &consent(), NOW).await,
        "signature",
    );
    let form = consenting::SignConsent {
        signature: "Rita Rep".to_owned(),
        authority: "Health-care power of attorney".to_owned(),
        ..consent()
    };
    consenting::sign(&house.ctx, &rita, &case_id, &form, NOW)
        .await
        .unwrap();
    assert_eq!(house.state(&case_id).await, "records_collecting");
    assert!(
        people::list(&house.ctx, &house.administrator, NOW)
            .await
            .unwrap()
            .len()
            >= 5
    );
}
