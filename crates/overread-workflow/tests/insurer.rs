//! What an insurer reads, and what the patient is told of it before signing.

use overread_model::access::{Actor, Right, Role};
use overread_model::ids::CaseId;
use overread_store::grants;
use overread_workflow::asking::{self, AskStep};
use overread_workflow::cases::CaseFilter;
use overread_workflow::consenting::{self, SignConsent};
use overread_workflow::inviting::{self, AcceptInvitation, Invite};
use overread_workflow::{cases, comparing, delivering, reporting};

use crate::house::{
    House, NOW, PASSWORD, assert_forbidden, assert_invalid, assert_not_found, client, consent,
    join, steps,
};

fn invitation(case_id: &CaseId, email: &str) -> Invite {
    Invite {
        name: "Ina Insurer".to_owned(),
        email: email.to_owned(),
        role: Role::Insurer,
        case_id: Some(case_id.clone()),
        language: "en".to_owned(),
    }
}

fn with_insurer() -> SignConsent {
    SignConsent {
        scope_insurer: true,
        ..consent()
    }
}

/// The case is not there for this person: no page, no answers, not in the list, not counted.
async fn assert_unseen(house: &House, actor: &Actor, case_id: &CaseId) {
    let ctx = &house.ctx;
    assert_not_found(cases::journey(ctx, actor, case_id, NOW).await);
    assert_not_found(asking::answers(ctx, actor, case_id, NOW).await);
    assert_not_found(consenting::view(ctx, actor, case_id, NOW).await);
    assert_not_found(reporting::desk(ctx, actor, case_id, NOW).await);
    let list = cases::list(ctx, actor, CaseFilter::All, NOW).await.unwrap();
    assert!(list.is_empty());
    assert_eq!(cases::counts(ctx, actor, NOW).await.unwrap().open, 0);
}

async fn insurer_sees_the_case_while_allowed(house: House) {
    let (ctx, by, patient) = (&house.ctx, &house.coordinator, &house.patient);
    let case_id = house.asked().await;
    let (ina, late) = (
        invitation(&case_id, "ina@plan.example"),
        invitation(&case_id, "late@plan.example"),
    );
    assert_invalid(inviting::invite(ctx, by, &ina, NOW).await, "");
    let roles = async || {
        inviting::in_case(ctx, by, &case_id, NOW)
            .await
            .unwrap()
            .roles
    };
    assert!(!roles().await.contains(&Role::Insurer));
    consenting::sign(ctx, patient, &case_id, &with_insurer(), NOW)
        .await
        .unwrap();
    assert!(roles().await.contains(&Role::Insurer));
    let pending = inviting::invite(ctx, by, &late, NOW).await.unwrap();
    let case = Some(case_id.clone());
    let insurer = join(ctx, by, &ina.name, &ina.email, Role::Insurer, case).await;
    cases::journey(ctx, &insurer, &case_id, NOW).await.unwrap();
    let list = cases::list(ctx, &insurer, CaseFilter::Open, NOW).await;
    assert_eq!(list.unwrap().len(), 1);
    assert_eq!(cases::counts(ctx, &insurer, NOW).await.unwrap().open, 1);
    // As the patient of some other case the same account is nobody in this one.
    for role in [Role::Patient, Role::Representative] {
        let person_id = insurer.id().parse().unwrap();
        let elsewhere = Actor::Person { person_id, role };
        assert_not_found(cases::journey(ctx, &elsewhere, &case_id, NOW).await);
        assert_not_found(consenting::revoke(ctx, &elsewhere, &case_id, "", NOW).await);
    }
    let other = house.asked().await;
    assert_not_found(cases::journey(ctx, &insurer, &other, NOW).await);
    // When the consent is over by itself, so is the sight of the case, although nobody took the grant back.
    let over = NOW.plus_days(400);
    assert_not_found(cases::journey(ctx, &insurer, &case_id, over).await);
    assert_eq!(cases::counts(ctx, &insurer, over).await.unwrap().open, 0);

    consenting::revoke(ctx, patient, &case_id, "", NOW)
        .await
        .unwrap();
    assert_unseen(&house, &insurer, &case_id).await;
    let form = AcceptInvitation {
        password: PASSWORD.to_owned(),
        password_again: PASSWORD.to_owned(),
        ..AcceptInvitation::default()
    };
    let secret = pending.secret.reveal();
    let taken = inviting::accept(ctx, secret, &form, &client(), NOW).await;
    assert!(taken.is_err());
    assert_invalid(inviting::invite(ctx, by, &ina, NOW).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insurer_sees_the_case_only_while_the_consent_allows_it() {
    insurer_sees_the_case_while_allowed(House::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insurer_sees_the_case_only_while_the_consent_allows_it_on_postgresql() {
    if let Some(house) = House::postgres("insurer").await {
        insurer_sees_the_case_while_allowed(house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insurer_who_asked_goes_on_seeing_what_it_wrote() {
    let house = House::sqlite().await;
    let (ctx, by) = (&house.ctx, &house.coordinator);
    let insurer = join(
        ctx,
        by,
        "Ina Insurer",
        "ina@plan.example",
        Role::Insurer,
        None,
    )
    .await;
    let colleague = join(
        ctx,
        by,
        "Ira Insurer",
        "ira@plan.example",
        Role::Insurer,
        None,
    )
    .await;
    let case_id = asking::start(ctx, &insurer, NOW).await.unwrap();
    for (version, mut step) in (1..).zip(steps()) {
        if let AskStep::Who(who) = &mut step {
            who.requester = "insurer".to_owned();
        }
        asking::save(ctx, &insurer, &case_id, version, step, NOW)
            .await
            .unwrap();
    }
    let view = asking::answers(ctx, &insurer, &case_id, NOW).await.unwrap();
    asking::submit(ctx, &insurer, &case_id, view.version, NOW)
        .await
        .unwrap();
    cases::journey(ctx, &insurer, &case_id, NOW).await.unwrap();
    asking::answers(ctx, &insurer, &case_id, NOW).await.unwrap();
    assert_eq!(cases::counts(ctx, &insurer, NOW).await.unwrap().open, 1);
    assert_not_found(reporting::desk(ctx, &insurer, &case_id, NOW).await);
    assert_unseen(&house, &colleague, &case_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insurer_reads_the_result_only_where_the_patient_ticked_it() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = house.delivered().await;
    let by = &house.coordinator;
    let ina = invitation(&case_id, "ina@plan.example");
    assert_invalid(inviting::invite(ctx, by, &ina, NOW).await, "");
    assert_forbidden(inviting::invite(ctx, patient, &ina, NOW).await);
    assert_not_found(inviting::invite(ctx, &house.administrator, &ina, NOW).await);

    // Whoever signed without that is asked again, and may say it beside what was signed.
    let question = async |actor: &Actor| {
        let view = consenting::view(ctx, actor, &case_id, NOW).await.unwrap();
        view.insurer_question
    };
    assert!(question(by).await.is_none(), "staff signs for nobody");
    assert!(question(patient).await.unwrap().contains("insurer"));
    let allow = async |actor: &Actor, name: &str| {
        consenting::allow_insurer(ctx, actor, &case_id, name, NOW).await
    };
    assert_forbidden(allow(by, "Alex Sample").await);
    assert_invalid(allow(patient, "Somebody Else").await, "signature");
    assert_invalid(inviting::invite(ctx, by, &ina, NOW).await, "");
    // The patient signed before: that shows nobody else's authority.
    let role = Role::Representative;
    let rita = join(
        ctx,
        by,
        "Rita Rep",
        "rita@home.example",
        role,
        Some(case_id.clone()),
    )
    .await;
    assert_invalid(allow(&rita, "Rita Rep").await, "");
    allow(patient, "Alex Sample").await.unwrap();
    assert_invalid(allow(patient, "Alex Sample").await, "");
    assert!(question(patient).await.is_none());
    let case = Some(case_id.clone());
    let insurer = join(ctx, by, &ina.name, &ina.email, Role::Insurer, case).await;
    assert_forbidden(allow(&insurer, "Alex Sample").await);
    reporting::desk(ctx, &insurer, &case_id, NOW).await.unwrap();
    let signed = consenting::view(ctx, patient, &case_id, NOW).await.unwrap();
    let ends: Vec<_> = signed.signed.iter().map(|row| row.open_until).collect();
    assert!(ends.len() == 2 && ends[0] == ends[1]);
    assert!(signed.signed.iter().any(|row| row.scopes == ["insurer"]));

    consenting::revoke(ctx, patient, &case_id, "", NOW)
        .await
        .unwrap();
    let form = SignConsent {
        scope_insurer: true,
        ..consent()
    };
    consenting::sign(ctx, patient, &case_id, &form, NOW)
        .await
        .unwrap();
    let mut tx = ctx.store.begin().await.unwrap();
    let grant = grants::NewGrant {
        case_id: &case_id,
        subject_kind: insurer.kind(),
        subject_id: insurer.id(),
        rights: &[Right::ViewCase, Right::ViewReport],
        until_at: None,
    };
    grants::give(&mut tx, grant, by, NOW).await.unwrap();
    tx.commit().await.unwrap();
    reporting::desk(ctx, &insurer, &case_id, NOW).await.unwrap();
    comparing::view(ctx, &insurer, &case_id, NOW).await.unwrap();
    // Who has it is told to those who share.
    let act = delivering::view(ctx, &insurer, &case_id, NOW).await;
    assert!(!act.unwrap().sees_links);
    let act = delivering::view(ctx, patient, &case_id, NOW).await;
    assert!(act.unwrap().sees_links);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consent_names_the_insurer_in_the_language_of_the_request() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = house.asked().await;
    let text = async || {
        let view = consenting::view(ctx, patient, &case_id, NOW).await.unwrap();
        (view.language, view.text.join(" "))
    };
    let (language, english) = text().await;
    assert!(language == "en" && english.contains("the insurer of this case may read"));
    let who = steps().into_iter().find_map(|step| match step {
        AskStep::Who(who) => Some(who),
        _ => None,
    });
    let mut who = who.unwrap();
    who.language = "es".to_owned();
    let version = house.version(patient, &case_id).await;
    let spanish = AskStep::Who(who);
    asking::correct(ctx, patient, &case_id, version, spanish, "Mi idioma.", NOW)
        .await
        .unwrap();
    let (language, spanish) = text().await;
    assert!(language == "es" && spanish.contains("la aseguradora de este caso podrá leer"));
}
