//! What must not happen: strangers, wrong roles, other cases, ended grants, second clicks, stale pages.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use overread_model::access::{Actor, Right, Role};
use overread_model::ids::{CaseId, PersonId};
use overread_store::coverages::{self, CoverageRow};
use overread_store::grants;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::DiscFile;
use overread_workflow::records::Incoming;
use overread_workflow::{
    asking, cases, checking, choosing, comparing, consenting, covering, delivering, following,
    inviting, letters, limits, reading, records, reporting, reviewers,
};

use crate::house::{
    House, NOW, acceptance, assert_forbidden, assert_invalid, assert_not_found, assert_stale,
    consent, disc, join, reviewer_form, signing,
};

/// Every door of a case, knocked at by somebody who may not know that it is there.
async fn every_door_is_shut(house: &House, case_id: &CaseId, actor: &Actor) {
    let ctx = &house.ctx;
    assert_not_found(cases::journey(ctx, actor, case_id, NOW).await);
    assert_not_found(cases::withdraw(ctx, actor, case_id, 1, "x", NOW).await);
    assert_not_found(asking::view(ctx, actor, case_id, NOW).await);
    assert_not_found(consenting::view(ctx, actor, case_id, NOW).await);
    assert_not_found(consenting::sign(ctx, actor, case_id, &consent(), NOW).await);
    assert_not_found(records::view(ctx, actor, case_id, NOW).await);
    let incoming = Incoming::Zip(std::io::Cursor::new(Vec::new()));
    assert_not_found(records::receive(ctx, actor, Some(case_id), incoming, NOW).await);
    assert_not_found(records::accept(ctx, actor, case_id, 1, NOW).await);
    assert_not_found(checking::run(ctx, actor, case_id, NOW).await);
    assert_not_found(letters::view(ctx, actor, case_id, NOW).await);
    assert_not_found(letters::form(ctx, actor, case_id, "records_request_access", "en", NOW).await);
    assert_not_found(choosing::view(ctx, actor, case_id, NOW).await);
    assert_not_found(choosing::choose(ctx, actor, case_id, 1, &house.reviewer_id, NOW).await);
    assert_not_found(choosing::offer(ctx, actor, case_id, NOW).await);
    assert_not_found(choosing::accept(ctx, actor, case_id, 1, &acceptance(), NOW).await);
    assert_not_found(covering::view(ctx, actor, case_id, NOW).await);
    assert_not_found(covering::accept(ctx, actor, case_id, 1, 25_000, NOW).await);
    assert_not_found(reading::viewer(ctx, actor, case_id, NOW).await);
    assert_not_found(reading::original(ctx, actor, case_id, NOW).await);
    assert_not_found(reading::lock_first_impression(ctx, actor, case_id, "x", NOW).await);
    assert_not_found(reporting::desk(ctx, actor, case_id, NOW).await);
    assert_not_found(reporting::save_draft(ctx, actor, case_id, 1, &Default::default(), NOW).await);
    assert_not_found(reporting::sign(ctx, actor, case_id, signing(1), NOW).await);
    assert_not_found(reporting::pdf(ctx, actor, case_id, NOW).await);
    assert_not_found(comparing::compare(ctx, actor, case_id, NOW).await);
    assert_not_found(comparing::view(ctx, actor, case_id, NOW).await);
    assert_not_found(delivering::view(ctx, actor, case_id, NOW).await);
    assert_not_found(delivering::release(ctx, actor, case_id, 1, NOW).await);
    assert_not_found(following::open(ctx, actor, case_id, 1, NOW).await);
    assert_not_found(following::close(ctx, actor, case_id, 1, "unknown", NOW).await);
    assert!(
        cases::list(ctx, actor, cases::CaseFilter::All, NOW)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        following::overdue(ctx, actor, NOW.plus_days(365))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(cases::counts(ctx, actor, NOW).await.unwrap().open, 0);
}

async fn shut(house: House) {
    let case_id = house.in_review().await;
    let ctx = &house.ctx;
    let stranger = Actor::Person {
        person_id: PersonId::from_random([7; 16]),
        role: Role::Patient,
    };
    every_door_is_shut(&house, &case_id, &stranger).await;
    // An administrator runs the installation and sees no case; another reviewer and another patient see their own.
    every_door_is_shut(&house, &case_id, &house.administrator).await;
    let other = join(
        ctx,
        &house.coordinator,
        "Olga Other",
        "olga@other.example",
        Role::Reviewer,
        None,
    )
    .await;
    every_door_is_shut(&house, &case_id, &other).await;
    let neighbour = join(
        ctx,
        &house.coordinator,
        "Nina Next",
        "nina@home.example",
        Role::Patient,
        None,
    )
    .await;
    every_door_is_shut(&house, &case_id, &neighbour).await;
    // The same person in a role that was not granted.
    let Actor::Person { person_id, .. } = &house.reviewer else {
        panic!("a person")
    };
    let as_insurer = Actor::Person {
        person_id: person_id.clone(),
        role: Role::Administrator,
    };
    every_door_is_shut(&house, &case_id, &as_insurer).await;
    // No such case is as a case of others.
    assert_not_found(cases::journey(ctx, &house.patient, &CaseId::from_random([1; 16]), NOW).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn doors_are_shut_on_sqlite() {
    shut(House::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doors_are_shut_on_postgresql() {
    if let Some(house) = House::postgres("doors").await {
        shut(house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_grant_opens_nothing() {
    let house = House::sqlite().await;
    let case_id = house.delivered().await;
    let late = NOW.plus_days(limits::REVIEWER_GRANT_DAYS_AFTER_DELIVERY);
    reading::viewer(&house.ctx, &house.reviewer, &case_id, NOW.plus_days(29))
        .await
        .unwrap();
    assert_not_found(reading::viewer(&house.ctx, &house.reviewer, &case_id, late).await);
    let mut tx = house.ctx.store.begin().await.unwrap();
    grants::revoke_of(&mut tx, &case_id, "person", house.patient.id(), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    every_door_is_shut(&house, &case_id, &house.patient).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_case_do_what_is_theirs_only() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.in_review().await;
    let version = house.version(&house.coordinator, &case_id).await;
    let (patient, reviewer, coordinator) = (&house.patient, &house.reviewer, &house.coordinator);
    assert_forbidden(
        reporting::save_draft(ctx, patient, &case_id, 1, &Default::default(), NOW).await,
    );
    assert_forbidden(reporting::sign(ctx, coordinator, &case_id, signing(1), NOW).await);
    assert_forbidden(consenting::revoke(ctx, coordinator, &case_id, "x", NOW).await);
    assert_forbidden(consenting::sign(ctx, reviewer, &case_id, &consent(), NOW).await);
    assert_forbidden(
        letters::form(ctx, reviewer, &case_id, "records_request_access", "en", NOW).await,
    );
    assert_forbidden(checking::run(ctx, reviewer, &case_id, NOW).await);
    assert_forbidden(
        checking::override_rules(
            ctx,
            patient,
            &case_id,
            version,
            &["F01".to_owned()],
            "x",
            NOW,
        )
        .await,
    );
    assert_forbidden(cases::withdraw(ctx, reviewer, &case_id, version, "x", NOW).await);
    assert_forbidden(asking::start(ctx, reviewer, NOW).await);
    assert_forbidden(reviewers::list(ctx, patient, NOW).await);
    let incoming = Incoming::Zip(std::io::Cursor::new(Vec::new()));
    assert_forbidden(records::receive(ctx, patient, None, incoming, NOW).await);
    let invite = inviting::Invite {
        name: "Some One".to_owned(),
        email: "some@one.example".to_owned(),
        role: Role::Administrator,
        case_id: None,
        language: "en".to_owned(),
    };
    assert_forbidden(inviting::invite(ctx, coordinator, &invite, NOW).await);
    assert_forbidden(
        inviting::invite(
            ctx,
            patient,
            &inviting::Invite {
                role: Role::Coordinator,
                ..invite
            },
            NOW,
        )
        .await,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn second_clicks_and_old_pages_change_nothing() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = asking::start(ctx, &house.patient, NOW).await.unwrap();
    let step = || crate::house::steps().remove(0);
    asking::save(ctx, &house.patient, &case_id, 1, step(), NOW)
        .await
        .unwrap();
    assert_stale(asking::save(ctx, &house.patient, &case_id, 1, step(), NOW).await);
    assert_not_found(asking::view(ctx, &house.coordinator, &case_id, NOW).await);
    assert_invalid(
        asking::submit(ctx, &house.patient, &case_id, 2, NOW).await,
        "exam.name",
    );
    asking::discard(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert_invalid(
        asking::discard(ctx, &house.patient, &case_id, NOW).await,
        "",
    );

    let case_id = house.offered().await;
    let offer = choosing::offer(ctx, &house.reviewer, &case_id, NOW)
        .await
        .unwrap();
    assert_stale(
        choosing::accept(
            ctx,
            &house.reviewer,
            &case_id,
            offer.version - 1,
            &acceptance(),
            NOW,
        )
        .await,
    );
    let twice = (
        choosing::accept(
            ctx,
            &house.reviewer,
            &case_id,
            offer.version,
            &acceptance(),
            NOW,
        )
        .await,
        choosing::accept(
            ctx,
            &house.reviewer,
            &case_id,
            offer.version,
            &acceptance(),
            NOW,
        )
        .await,
    );
    assert!(twice.0.is_ok());
    assert_not_found(twice.1);
    let version = house.version(&house.patient, &case_id).await;
    assert_stale(cases::withdraw(ctx, &house.patient, &case_id, version - 1, "x", NOW).await);
    assert_invalid(
        cases::withdraw(ctx, &house.patient, &case_id, version, " ", NOW).await,
        "reason",
    );
    cases::withdraw(ctx, &house.patient, &case_id, version, "I got better.", NOW)
        .await
        .unwrap();
    assert_not_found(reading::viewer(ctx, &house.reviewer, &case_id, NOW).await);
    cases::journey(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_move_a_case_once() {
    let house = House::sqlite().await;
    let case_id = house.offered().await;
    let offer = choosing::offer(&house.ctx, &house.reviewer, &case_id, NOW)
        .await
        .unwrap();
    let accept = || {
        let (ctx, reviewer, case_id) = (house.ctx.clone(), house.reviewer.clone(), case_id.clone());
        async move {
            choosing::accept(&ctx, &reviewer, &case_id, offer.version, &acceptance(), NOW)
                .await
                .is_ok()
        }
    };
    let (one, two) = tokio::join!(tokio::spawn(accept()), tokio::spawn(accept()));
    assert_eq!(usize::from(one.unwrap()) + usize::from(two.unwrap()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_is_kept_by_staff_with_versions() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let row = reviewers::find(ctx, &house.coordinator, &house.reviewer_id, NOW)
        .await
        .unwrap();
    assert_eq!(
        row.person_id.as_ref().map(PersonId::as_str),
        Some(house.reviewer.id())
    );
    let bad = reviewers::ReviewerForm {
        npi: "123".to_owned(),
        kind: "wizard".to_owned(),
        email: "x".to_owned(),
        ..reviewer_form()
    };
    for field in ["npi", "kind", "email"] {
        assert_invalid(
            reviewers::update(
                ctx,
                &house.coordinator,
                &house.reviewer_id,
                row.version,
                &bad,
                NOW,
            )
            .await,
            field,
        );
    }
    reviewers::set_active(
        ctx,
        &house.administrator,
        &house.reviewer_id,
        row.version,
        false,
        NOW,
    )
    .await
    .unwrap();
    assert_stale(
        reviewers::update(
            ctx,
            &house.coordinator,
            &house.reviewer_id,
            row.version,
            &reviewer_form(),
            NOW,
        )
        .await,
    );
    assert!(!reviewers::list(ctx, &house.coordinator, NOW).await.unwrap()[0].active);
    assert_forbidden(reviewers::create(ctx, &house.reviewer, &reviewer_form(), NOW).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_viewer_lists_no_report_to_a_reviewer() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.consented().await;
    let mut files = disc("Sample^Alex", 1);
    let mut report = InstanceSpec::mr(1, 2, 1)
        .with(tags::PATIENT_NAME, VR::PN, "Sample^Alex")
        .with(tags::PATIENT_BIRTH_DATE, VR::DA, "19700302");
    report.sop_class_uid = "1.2.840.10008.5.1.4.1.1.88.11".to_owned();
    files.push(DiscFile::new("DICOM/SR0001", report.part10().unwrap()));
    house.deliver(&case_id, &files).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let grant = grants::NewGrant {
        case_id: &case_id,
        subject_kind: house.reviewer.kind(),
        subject_id: house.reviewer.id(),
        rights: &[Right::ViewCase, Right::ViewImages],
        until_at: None,
    };
    grants::give(&mut tx, grant, &house.coordinator, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for (actor, shown) in [
        (&house.patient, 2),
        (&house.coordinator, 2),
        (&house.reviewer, 1),
    ] {
        let data = reading::viewer(ctx, actor, &case_id, NOW).await.unwrap();
        assert_eq!(data.studies[0].series.len(), shown, "{:?}", actor.role());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_that_is_not_accepted_leads_back_to_the_choice() {
    let house = House::sqlite().await;
    let (ctx, patient, coordinator) = (&house.ctx, &house.patient, &house.coordinator);
    let case_id = house.matching().await;
    let version = house.version(coordinator, &case_id).await;
    choosing::choose(ctx, coordinator, &case_id, version, &house.reviewer_id, NOW)
        .await
        .unwrap();
    let version = house.version(patient, &case_id).await;
    // Without a quote there is nothing to refuse.
    let mut tx = ctx.store.begin().await.unwrap();
    coverages::save(&mut tx, &case_id, &CoverageRow::default())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_invalid(
        covering::refuse(ctx, patient, &case_id, version, "No.", NOW).await,
        "",
    );
    let form = covering::CoverageForm {
        kind: "covered".to_owned(),
        quote_cents: 25_000,
        share_cents: 2_500,
        currency: "USD".to_owned(),
        payer: "Harbour Mutual".to_owned(),
        reference: "PA-17".to_owned(),
    };
    covering::quote(ctx, coordinator, &case_id, version, &form, NOW)
        .await
        .unwrap();
    let version = house.version(patient, &case_id).await;
    assert!(
        covering::view(ctx, patient, &case_id, NOW)
            .await
            .unwrap()
            .may_refuse
    );
    assert_invalid(
        covering::refuse(ctx, patient, &case_id, version, " ", NOW).await,
        "reason",
    );
    let reason = "It is more than I can pay.";
    covering::refuse(ctx, patient, &case_id, version, reason, NOW)
        .await
        .unwrap();
    let case = cases::journey(ctx, coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(case.row.state, "matching");
    assert!(case.timeline.iter().any(|row| row.note == reason));
    let cost = covering::view(ctx, patient, &case_id, NOW).await.unwrap();
    assert!(cost.quote_cents.is_none() && !cost.may_refuse && !cost.may_accept);
    let payer = (cost.payer.as_str(), cost.reference.as_str());
    assert_eq!(
        payer,
        ("Harbour Mutual", "PA-17"),
        "who pays is still known"
    );
    // Nothing that was settled is refused afterwards, and another sum can be offered.
    house.offer(&case_id).await;
    let version = house.version(patient, &case_id).await;
    assert_invalid(
        covering::refuse(ctx, patient, &case_id, version, reason, NOW).await,
        "",
    );
}
