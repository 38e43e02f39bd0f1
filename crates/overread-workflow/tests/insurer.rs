//! What an insurer reads, and what the patient is told of it before signing.

use overread_model::access::{Actor, Right, Role};
use overread_store::grants;
use overread_workflow::asking::{self, AskStep};
use overread_workflow::consenting::{self, SignConsent};
use overread_workflow::{comparing, delivering, reporting};

use crate::house::{
    House, NOW, assert_forbidden, assert_invalid, assert_not_found, consent, join, steps,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_insurer_reads_the_result_only_where_the_patient_ticked_it() {
    let house = House::sqlite().await;
    let (ctx, patient) = (&house.ctx, &house.patient);
    let case_id = house.delivered().await;
    let (by, case) = (&house.coordinator, Some(case_id.clone()));
    let insurer = join(
        ctx,
        by,
        "Ina Insurer",
        "ina@plan.example",
        Role::Insurer,
        case,
    )
    .await;
    assert_not_found(reporting::desk(ctx, &insurer, &case_id, NOW).await);
    assert_not_found(comparing::view(ctx, &insurer, &case_id, NOW).await);
    assert_not_found(comparing::pdf(ctx, &insurer, &case_id, NOW).await);
    assert_forbidden(delivering::view(ctx, &insurer, &case_id, NOW).await);

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
    assert_forbidden(allow(&insurer, "Alex Sample").await);
    assert_invalid(allow(patient, "Somebody Else").await, "signature");
    assert_not_found(reporting::desk(ctx, &insurer, &case_id, NOW).await);
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
