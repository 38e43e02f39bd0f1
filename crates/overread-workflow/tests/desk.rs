//! The reviewer's desk: offers, the first impression, drafts in two tabs, the signature, addenda, corrections.

use std::collections::BTreeMap;

use overread_model::access::Role;
use overread_workflow::comparing::{self, Correction, DecideComparison};
use overread_workflow::reading::{self, OriginalFacts, OriginalInput};
use overread_workflow::reporting::{self, DraftSaved};
use overread_workflow::{cases, choosing, jobs, records, reviewers};

use crate::house::{
    House, NOW, PASSWORD, acceptance, assert_forbidden, assert_invalid, assert_not_found,
    assert_stale, join, open_identity_blocker, reviewer_form, sections, signing,
};

fn one(key: &str, text: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), text.to_owned())])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_report_opens_only_after_the_lock() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.in_review().await;
    let view = reading::original(ctx, reviewer, &case_id, NOW)
        .await
        .unwrap();
    assert!(view.report.is_none() && view.locked_away && !view.may_enter);
    assert_forbidden(
        reading::enter_original(
            ctx,
            reviewer,
            &case_id,
            OriginalInput::Pasted("x".to_owned()),
            &OriginalFacts::default(),
            NOW,
        )
        .await,
    );
    assert_invalid(
        reading::lock_first_impression(ctx, reviewer, &case_id, "  ", NOW).await,
        "first_impression",
    );
    assert_forbidden(
        reading::lock_first_impression(ctx, &house.coordinator, &case_id, "Mine", NOW).await,
    );
    reading::lock_first_impression(
        ctx,
        reviewer,
        &case_id,
        "Extrusion at L5-S1 on the left.",
        NOW,
    )
    .await
    .unwrap();
    assert_invalid(
        reading::lock_first_impression(ctx, reviewer, &case_id, "Another one", NOW).await,
        "first_impression",
    );
    assert!(
        reading::original(ctx, reviewer, &case_id, NOW)
            .await
            .unwrap()
            .report
            .is_some()
    );
    let patient = reading::first_impression(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    assert!(
        patient.locked.is_none(),
        "the first impression is the reviewer's own"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_that_may_hold_the_first_reading_wait_for_the_lock_too() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.consented().await;
    let file = OriginalInput::File {
        name: "report.txt".to_owned(),
        bytes: crate::house::ORIGINAL.as_bytes().to_vec(),
    };
    reading::enter_original(
        ctx,
        &house.patient,
        &case_id,
        file,
        &OriginalFacts::default(),
        NOW,
    )
    .await
    .unwrap();
    house
        .deliver(&case_id, &crate::house::disc("Sample^Alex", 1))
        .await;
    house.accept_records(&case_id).await;
    let version = house.version(&house.coordinator, &case_id).await;
    choosing::choose(
        ctx,
        &house.coordinator,
        &case_id,
        version,
        &house.reviewer_id,
        NOW,
    )
    .await
    .unwrap();
    let version = house.version(&house.patient, &case_id).await;
    overread_workflow::covering::accept(ctx, &house.patient, &case_id, version, 25_000, NOW)
        .await
        .unwrap();
    let offer = choosing::offer(ctx, &house.reviewer, &case_id, NOW)
        .await
        .unwrap();
    choosing::accept(
        ctx,
        &house.reviewer,
        &case_id,
        offer.version,
        &acceptance(),
        NOW,
    )
    .await
    .unwrap();
    let document = records::view(ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap()
        .documents
        .remove(0)
        .document_id;
    assert!(
        records::view(ctx, &house.reviewer, &case_id, NOW)
            .await
            .unwrap()
            .documents
            .is_empty()
    );
    assert_not_found(records::document(ctx, &house.reviewer, &case_id, &document, NOW).await);
    reading::lock_first_impression(ctx, &house.reviewer, &case_id, "Extrusion at L5-S1.", NOW)
        .await
        .unwrap();
    let bytes = records::document(ctx, &house.reviewer, &case_id, &document, NOW)
        .await
        .unwrap()
        .bytes;
    assert_eq!(bytes, crate::house::ORIGINAL.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_text_says_what_to_do() {
    let house = House::sqlite().await;
    let case_id = house.consented().await;
    let enter = |bytes: &[u8]| {
        let input = OriginalInput::File {
            name: "report".to_owned(),
            bytes: bytes.to_vec(),
        };
        let (ctx, patient, case_id) = (house.ctx.clone(), house.patient.clone(), case_id.clone());
        async move {
            reading::enter_original(
                &ctx,
                &patient,
                &case_id,
                input,
                &OriginalFacts::default(),
                NOW,
            )
            .await
        }
    };
    assert_invalid(enter(b"\x00\x01\x02binary").await, "file");
    assert_invalid(enter(b"%PDF-1.4 broken").await, "file");
    assert_invalid(enter(b"   \n ").await, "text");
    enter("Hallazgos: señal normal.".as_bytes()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_lose_nothing() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.in_review().await;
    let version = reporting::desk(ctx, reviewer, &case_id, NOW)
        .await
        .unwrap()
        .version;
    let saved = reporting::save_draft(
        ctx,
        reviewer,
        &case_id,
        version,
        &one("findings", "From the first tab."),
        NOW,
    )
    .await
    .unwrap();
    let DraftSaved::Saved {
        version: newest, ..
    } = saved
    else {
        panic!("the first tab saves")
    };
    let late = reporting::save_draft(
        ctx,
        reviewer,
        &case_id,
        version,
        &one("findings", "From the second tab."),
        NOW,
    )
    .await
    .unwrap();
    let DraftSaved::Conflict {
        version: told,
        kept_id,
    } = late
    else {
        panic!("the second tab is told")
    };
    assert_eq!(told, newest);
    let desk = reporting::desk(ctx, reviewer, &case_id, NOW).await.unwrap();
    let findings = desk
        .sections
        .iter()
        .find(|section| section.key == "findings")
        .unwrap();
    assert_eq!(findings.text, "From the first tab.");
    assert_eq!(desk.kept[0].sections["findings"], "From the second tab.");
    reporting::drop_kept(ctx, reviewer, &case_id, &kept_id, NOW)
        .await
        .unwrap();
    assert_not_found(reporting::drop_kept(ctx, reviewer, &case_id, &kept_id, NOW).await);
    assert_invalid(
        reporting::save_draft(ctx, reviewer, &case_id, newest, &one("no_such", "x"), NOW).await,
        "no_such",
    );
    assert_not_found(reporting::desk(ctx, &house.patient, &case_id, NOW).await);
    assert_not_found(reporting::desk(ctx, &house.coordinator, &case_id, NOW).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_needs_everything_and_happens_once() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.in_review().await;
    let version = reporting::desk(ctx, reviewer, &case_id, NOW)
        .await
        .unwrap()
        .version;
    assert_invalid(
        reporting::sign(
            ctx,
            reviewer,
            &case_id,
            reporting::Signing {
                password: "not the password at all",
                ..signing(version)
            },
            NOW,
        )
        .await,
        "password",
    );
    // Nothing that is a judgement is there before the reviewer wrote it.
    for judged in ["findings", "comparison", "alternatives", "recommendations"] {
        let signed = reporting::sign(ctx, reviewer, &case_id, signing(version), NOW).await;
        assert_invalid(signed, judged);
    }
    let desk = reporting::desk(ctx, reviewer, &case_id, NOW).await.unwrap();
    let told = desk.problems.iter().find(|one| one.field == "comparison");
    assert!(
        told.unwrap()
            .message
            .contains("“Comparison” is still empty")
    );
    let alternatives = desk.sections.iter().find(|one| one.key == "alternatives");
    let alternatives = alternatives.unwrap();
    assert!(alternatives.suggested.is_empty() && alternatives.hint.contains("None considered"));
    reading::lock_first_impression(ctx, reviewer, &case_id, "Extrusion at L5-S1.", NOW)
        .await
        .unwrap();
    reporting::save_draft(ctx, reviewer, &case_id, version, &sections(), NOW)
        .await
        .unwrap();
    assert_stale(reporting::sign(ctx, reviewer, &case_id, signing(version), NOW).await);
    let signature = reporting::sign(ctx, reviewer, &case_id, signing(version + 1), NOW)
        .await
        .unwrap();
    assert_eq!(
        (signature.name.as_str(), signature.hash.len()),
        ("Rosa Reader, MD", 64)
    );
    assert_invalid(
        reporting::sign(ctx, reviewer, &case_id, signing(version + 1), NOW).await,
        "",
    );
    assert_invalid(
        reporting::save_draft(
            ctx,
            reviewer,
            &case_id,
            version + 1,
            &one("findings", "x"),
            NOW,
        )
        .await,
        "",
    );
    // The patient sees nothing before the release.
    assert_not_found(reporting::desk(ctx, &house.patient, &case_id, NOW).await);
    assert_not_found(comparing::view(ctx, &house.patient, &case_id, NOW).await);
    reporting::addendum(
        ctx,
        reviewer,
        &case_id,
        "A level was miscounted.",
        "Read L5-S1 as L4-L5.",
        PASSWORD,
        NOW,
    )
    .await
    .unwrap();
    let desk = reporting::desk(ctx, reviewer, &case_id, NOW).await.unwrap();
    assert_eq!((desk.addenda.len(), desk.addenda[0].number), (1, 1));
    assert_forbidden(
        reporting::addendum(
            ctx,
            &house.coordinator,
            &case_id,
            "Mine",
            "Too",
            PASSWORD,
            NOW,
        )
        .await,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_category_is_the_signers_to_change_with_a_reason() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.signed().await;
    let view = comparing::view(ctx, reviewer, &case_id, NOW).await.unwrap();
    let again = comparing::compare(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(
        again, view.concordance_id,
        "the second click finds the first result"
    );
    let other = ["refines", "changes_management"]
        .into_iter()
        .find(|name| Some(*name) != view.concordance.overall.map(|overall| overall.name()));
    let mut form = DecideComparison {
        concordance_id: "an older one".to_owned(),
        overall: other.unwrap().to_owned(),
        ..DecideComparison::default()
    };
    // A decision never lands on a comparison that was not looked at.
    assert_stale(comparing::decide(ctx, reviewer, &case_id, &form, NOW).await);
    form.concordance_id = view.concordance_id.as_str().to_owned();
    assert_invalid(
        comparing::decide(ctx, reviewer, &case_id, &form, NOW).await,
        "note",
    );
    form.note = "The difference matters for the side of the operation.".to_owned();
    assert_forbidden(comparing::decide(ctx, &house.coordinator, &case_id, &form, NOW).await);
    form.corrections = vec![Correction {
        item_idx: 9_999,
        class: "agree".to_owned(),
        note: String::new(),
    }];
    assert_invalid(
        comparing::decide(ctx, reviewer, &case_id, &form, NOW).await,
        "corrections",
    );
    form.corrections.clear();
    comparing::decide(ctx, reviewer, &case_id, &form, NOW)
        .await
        .unwrap();
    let view = comparing::view(ctx, reviewer, &case_id, NOW).await.unwrap();
    assert_eq!(view.decision.unwrap().overall, form.overall);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_declined_or_lapses_and_is_not_made_twice() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.offered().await;
    let row = cases::list(ctx, &house.reviewer, cases::CaseFilter::Open, NOW)
        .await
        .unwrap()
        .remove(0);
    assert!(
        row.patient_name.is_empty() && row.your_turn,
        "who it is stays hidden until accepted"
    );
    assert_not_found(reading::viewer(ctx, &house.reviewer, &case_id, NOW).await);
    let offer = choosing::offer(ctx, &house.reviewer, &case_id, NOW)
        .await
        .unwrap();
    let mut not_independent = acceptance();
    not_independent.independent = false;
    assert_invalid(
        choosing::accept(
            ctx,
            &house.reviewer,
            &case_id,
            offer.version,
            &not_independent,
            NOW,
        )
        .await,
        "independent",
    );
    assert_invalid(
        choosing::decline(ctx, &house.reviewer, &case_id, offer.version, " ", NOW).await,
        "reason",
    );
    choosing::decline(
        ctx,
        &house.reviewer,
        &case_id,
        offer.version,
        "On leave.",
        NOW,
    )
    .await
    .unwrap();
    assert_not_found(choosing::offer(ctx, &house.reviewer, &case_id, NOW).await);
    assert_eq!(house.state(&case_id).await, "matching");
    let version = house.version(&house.coordinator, &case_id).await;
    assert_invalid(
        choosing::choose(
            ctx,
            &house.coordinator,
            &case_id,
            version,
            &house.reviewer_id,
            NOW,
        )
        .await,
        "reviewer",
    );
    let other = overread_workflow::reviewers::ReviewerForm {
        name: "Olga Other".to_owned(),
        email: "olga@other.example".to_owned(),
        institution: "Other Radiology".to_owned(),
        fee_cents: None,
        ..reviewer_form()
    };
    let other_id = reviewers::create(ctx, &house.coordinator, &other, NOW)
        .await
        .unwrap();
    join(
        ctx,
        &house.coordinator,
        "Olga Other",
        "olga@other.example",
        Role::Reviewer,
        None,
    )
    .await;
    choosing::choose(ctx, &house.coordinator, &case_id, version, &other_id, NOW)
        .await
        .unwrap();
    let version = house.version(&house.coordinator, &case_id).await;
    let covered = overread_workflow::covering::CoverageForm {
        kind: "covered".to_owned(),
        quote_cents: 30_000,
        share_cents: 0,
        currency: "USD".to_owned(),
        payer: "Plan A".to_owned(),
        reference: "none needed".to_owned(),
    };
    overread_workflow::covering::quote(ctx, &house.coordinator, &case_id, version, &covered, NOW)
        .await
        .unwrap();
    assert_eq!(house.state(&case_id).await, "offered");
    let round = jobs::run_due(ctx, NOW.plus_days(10)).await.unwrap();
    assert_eq!(round.offers_lapsed, 1);
    assert_eq!(
        jobs::run_due(ctx, NOW.plus_days(10))
            .await
            .unwrap()
            .offers_lapsed,
        0
    );
    assert_eq!(house.state(&case_id).await, "matching");
    let view = choosing::view(ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert!(
        view.radiologists
            .iter()
            .all(|choice| !choice.excluded_because.is_empty())
    );
    assert!(
        view.subspecialty.to_lowercase().contains("neuro"),
        "{}",
        view.subspecialty
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reviewer_asks_and_the_patient_answers() {
    let house = House::sqlite().await;
    let ctx = &house.ctx;
    let case_id = house.in_review().await;
    assert_invalid(
        reporting::request_info(ctx, &house.reviewer, &case_id, "", NOW).await,
        "question",
    );
    assert_forbidden(reporting::request_info(ctx, &house.patient, &case_id, "Why?", NOW).await);
    reporting::request_info(ctx, &house.reviewer, &case_id, "Any surgery before?", NOW)
        .await
        .unwrap();
    assert_eq!(house.state(&case_id).await, "info_requested");
    reporting::supply_info(ctx, &house.patient, &case_id, "No.", NOW)
        .await
        .unwrap();
    assert_eq!(house.state(&case_id).await, "in_review");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_report_changed_after_the_lock_is_told_and_confirmed() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.in_review().await;
    let locked = NOW.plus_seconds(1);
    reading::lock_first_impression(ctx, reviewer, &case_id, "Extrusion at L5-S1.", locked)
        .await
        .unwrap();
    let version = reporting::desk(ctx, reviewer, &case_id, locked)
        .await
        .unwrap()
        .version;
    let before = reading::original(ctx, reviewer, &case_id, locked)
        .await
        .unwrap();
    assert!(before.change.is_none());
    let changed = NOW.plus_seconds(2);
    let text = crate::house::ORIGINAL.replace("Right paracentral disc protrusion.", "Left.");
    let facts = OriginalFacts {
        author: "Dr. Second".to_owned(),
        ..OriginalFacts::default()
    };
    let entered = OriginalInput::Pasted(text);
    reading::enter_original(ctx, &house.patient, &case_id, entered, &facts, changed)
        .await
        .unwrap();
    reporting::save_draft(ctx, reviewer, &case_id, version, &sections(), changed)
        .await
        .unwrap();
    let desk = reporting::desk(ctx, reviewer, &case_id, changed)
        .await
        .unwrap();
    let change = desk.original_change.unwrap();
    assert!(!change.is_new && change.changed_at == changed && change.locked_at == locked);
    assert_eq!((change.lines_gone.len(), change.lines_new.len()), (1, 1));
    assert!(change.lines_new[0].contains("Left.") && change.lines_gone[0].contains("Right"));
    assert_eq!(change.facts.len(), 1);
    for other in [&house.patient, &house.coordinator] {
        let view = reading::original(ctx, other, &case_id, changed)
            .await
            .unwrap();
        assert!(view.change.is_none(), "the lock is the reviewer's");
    }
    let confirmed = |seen_original_version| reporting::Signing {
        seen_original_version,
        seen_doubts: false,
        ..signing(desk.version)
    };
    for unseen in [0, change.version - 1, change.version + 1] {
        let signed = reporting::sign(ctx, reviewer, &case_id, confirmed(unseen), changed).await;
        assert_invalid(signed, "seen_original");
    }
    reporting::sign(ctx, reviewer, &case_id, confirmed(change.version), changed)
        .await
        .unwrap();
    let lines = cases::journey(ctx, &house.coordinator, &case_id, changed)
        .await
        .unwrap()
        .timeline;
    let told = |line: &cases::TimelineRow| line.what.contains("as changed after the lock");
    assert!(lines.iter().any(told));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_report_that_comes_after_the_lock_is_told() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.in_review_without_original().await;
    reading::lock_first_impression(ctx, reviewer, &case_id, "Extrusion at L5-S1.", NOW)
        .await
        .unwrap();
    let later = NOW.plus_seconds(5);
    reading::enter_original(
        ctx,
        &house.coordinator,
        &case_id,
        OriginalInput::Pasted(crate::house::ORIGINAL.to_owned()),
        &OriginalFacts::default(),
        later,
    )
    .await
    .unwrap();
    let view = reading::original(ctx, reviewer, &case_id, later)
        .await
        .unwrap();
    let change = view.change.unwrap();
    assert!(change.is_new && change.version == 1 && view.report.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_while_images_may_be_anothers() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.in_review().await;
    reading::lock_first_impression(ctx, reviewer, &case_id, "Extrusion at L5-S1.", NOW)
        .await
        .unwrap();
    let desk = reporting::desk(ctx, reviewer, &case_id, NOW).await.unwrap();
    reporting::save_draft(ctx, reviewer, &case_id, desk.version, &sections(), NOW)
        .await
        .unwrap();
    open_identity_blocker(&house, &case_id).await;
    let signed = signing(desk.version + 1);
    let refused = reporting::sign(ctx, reviewer, &case_id, signed, NOW).await;
    let Err(overread_workflow::StepError::Invalid(problems)) = refused else {
        panic!("it was signed");
    };
    assert!(problems[0].message.contains("another patient"));
    let rule = ["P02".to_owned()];
    let version = house.version(&house.coordinator, &case_id).await;
    let (coordinator, reason) = (&house.coordinator, "The name changed by marriage.");
    overread_workflow::checking::override_rules(
        ctx,
        coordinator,
        &case_id,
        version,
        &rule,
        reason,
        NOW,
    )
    .await
    .unwrap();
    reporting::sign(ctx, reviewer, &case_id, signed, NOW)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_goes_on_from_its_own_text_whose_answer_was_lost() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.in_review().await;
    let desk = reporting::desk(ctx, reviewer, &case_id, NOW).await.unwrap();
    let (sent, more) = (one("findings", "Sent."), one("findings", "Sent. And more."));
    let save = |version, fields, before| {
        let edit = reporting::DraftEdit {
            version,
            fields,
            before,
        };
        reporting::autosave(ctx, reviewer, &case_id, edit, NOW)
    };
    let version_of = |saved| match saved {
        DraftSaved::Saved { version, .. } => version,
        DraftSaved::Conflict { .. } => panic!("it is the writer's own text"),
    };
    // The page is left while this is on its way; the next page was made before it arrived.
    let newest = version_of(save(desk.version, &sent, None).await.unwrap());
    assert_eq!(newest, desk.version + 1);
    assert_eq!(
        version_of(save(desk.version, &sent, None).await.unwrap()),
        newest
    );
    let after = version_of(save(desk.version, &more, Some(&sent)).await.unwrap());
    assert_eq!(after, newest + 1);
    // Another window's text is not the writer's own.
    let other = one("findings", "Something else.");
    let late = save(desk.version, &other, Some(&sent)).await.unwrap();
    assert!(matches!(late, DraftSaved::Conflict { .. }));
    let desk = reporting::desk(ctx, reviewer, &case_id, NOW).await.unwrap();
    let findings = desk.sections.iter().find(|one| one.key == "findings");
    assert_eq!(findings.unwrap().text, "Sent. And more.");
    assert_eq!(desk.kept.len(), 1);
}
