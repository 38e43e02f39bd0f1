//! Comparisons that older rules made, and reports that cannot be compared.

use overread_concordance::ENGINE;
use overread_model::ids::CaseId;
use overread_store::concordances::{self, ConcordanceRow};
use overread_store::original_reports::{self, OriginalRow};
use overread_workflow::comparing::{self, DecideComparison};

use crate::house::{House, NOW, ORIGINAL, assert_invalid, assert_stale};

const FIRST_RULES: &str = "overread-concordance 0.1.0 rules 1";

/// Keeps another comparison of the case, newer than the one it has.
async fn keep(house: &House, case_id: &CaseId, id: &str, change: impl Fn(&mut ConcordanceRow)) {
    let mut tx = house.ctx.store.begin().await.unwrap();
    let mut row = concordances::newest(&mut tx, case_id)
        .await
        .unwrap()
        .unwrap();
    row.id = id.to_owned();
    row.made_at += 1;
    change(&mut row);
    concordances::insert(&mut tx, &row).await.unwrap();
    if row.overall.is_some() {
        assert!(concordances::decide(&mut tx, &row).await.unwrap());
    }
    tx.commit().await.unwrap();
}

/// A result as the first rules kept it: they did not ask whether the reports may be compared.
fn as_first_rules(row: &mut ConcordanceRow) {
    let mut result: serde_json::Value = serde_json::from_str(&row.result).unwrap();
    result.as_object_mut().unwrap().remove("comparable");
    result["engine"] = FIRST_RULES.into();
    row.result = result.to_string();
    row.engine_version = FIRST_RULES.to_owned();
}

fn form(view: &comparing::ComparisonView, note: &str) -> DecideComparison {
    DecideComparison {
        concordance_id: view.concordance_id.as_str().to_owned(),
        overall: "changes_management".to_owned(),
        note: note.to_owned(),
        ..DecideComparison::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_older_rules_made_is_compared_again_before_it_is_signed() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.signed().await;
    let fresh = comparing::view(ctx, reviewer, &case_id, NOW).await.unwrap();
    assert!(fresh.may_decide && !fresh.may_compare_again);
    keep(&house, &case_id, &id_like(&fresh, "a"), as_first_rules).await;

    let view = comparing::view(ctx, reviewer, &case_id, NOW).await.unwrap();
    assert!(!view.concordance.comparable && view.may_compare_again && !view.may_decide);
    let note = "The disc is on the other side.";
    let old = form(&view, note);
    assert_invalid(
        comparing::decide(ctx, reviewer, &case_id, &old, NOW).await,
        "",
    );
    let later = NOW.plus_seconds(60);
    let again = comparing::compare(ctx, &house.coordinator, &case_id, later)
        .await
        .unwrap();
    let view = comparing::view(ctx, reviewer, &case_id, later)
        .await
        .unwrap();
    assert_eq!(
        (&view.concordance_id, view.engine_version.as_str()),
        (&again, ENGINE)
    );
    assert!(view.concordance.comparable && view.may_decide);
    // The page of the older comparison is still open somewhere.
    assert_stale(comparing::decide(ctx, reviewer, &case_id, &old, later).await);
    comparing::decide(ctx, reviewer, &case_id, &form(&view, note), later)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_result_keeps_the_rules_it_was_signed_with() {
    let house = House::sqlite().await;
    let case_id = house.delivered().await;
    let view = comparing::view(&house.ctx, &house.reviewer, &case_id, NOW)
        .await
        .unwrap();
    keep(&house, &case_id, &id_like(&view, "b"), as_first_rules).await;
    let kept = comparing::view(&house.ctx, &house.patient, &case_id, NOW)
        .await
        .unwrap();
    let same = comparing::compare(&house.ctx, &house.coordinator, &case_id, NOW)
        .await
        .unwrap();
    assert_eq!(same, kept.concordance_id);
    assert!(!kept.may_compare_again && !kept.concordance.comparable);
    assert!(
        comparing::pdf(&house.ctx, &house.patient, &case_id, NOW)
            .await
            .unwrap()
            .starts_with(b"%PDF")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_could_not_be_compared_are_signed_with_a_word_why() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.signed().await;
    let view = comparing::view(ctx, reviewer, &case_id, NOW).await.unwrap();
    keep(&house, &case_id, &id_like(&view, "c"), |row| {
        let found = overread_concordance::compare("CT chest", "Lungenembolie", "Kein Infarkt");
        assert!(!found.comparable);
        row.result = serde_json::to_string(&found).unwrap();
    })
    .await;
    let view = comparing::view(ctx, reviewer, &case_id, NOW).await.unwrap();
    assert_invalid(
        comparing::decide(ctx, reviewer, &case_id, &form(&view, ""), NOW).await,
        "note",
    );
    comparing::decide(ctx, reviewer, &case_id, &form(&view, "Read by hand."), NOW)
        .await
        .unwrap();
    assert!(
        comparing::pdf(ctx, reviewer, &case_id, NOW)
            .await
            .unwrap()
            .starts_with(b"%PDF")
    );
}

/// Returns an id of the same shape as the one the case has.
fn id_like(view: &comparing::ComparisonView, last: &str) -> String {
    let id = view.concordance_id.as_str();
    let last = last.chars().next_back().unwrap_or('a');
    let mut other: String = id.chars().take(id.chars().count() - 1).collect();
    other.push(if id.ends_with(last) { 'd' } else { last });
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_report_of_another_person_or_day_is_not_compared() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.signed().await;
    for (version, head, kind) in [
        (2, "Patient: Mary Jones", "patient"),
        (3, "Patient: SAMPLE, ALEX\nDOB: 1985-05-06", "birth_date"),
        (4, "Date of exam: 2019-01-31", "exam_date"),
    ] {
        let mut tx = ctx.store.begin().await.unwrap();
        let newest = original_reports::newest(&mut tx, &case_id).await.unwrap();
        let row = OriginalRow {
            version,
            body: format!("{head}\n\n{ORIGINAL}"),
            ..newest.unwrap()
        };
        original_reports::insert(&mut tx, &case_id, &row)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let later = NOW.plus_seconds(60 * version);
        comparing::compare(ctx, reviewer, &case_id, later)
            .await
            .unwrap();
        let found = comparing::view(ctx, reviewer, &case_id, later)
            .await
            .unwrap()
            .concordance;
        assert!(
            !found.comparable && found.overall.is_none(),
            "{kind} {found:?}"
        );
        let kinds: Vec<&str> = found
            .guard
            .problems
            .iter()
            .map(|p| p.kind.as_str())
            .collect();
        assert_eq!(kinds, [kind]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_second_report_asks_for_is_compared_and_a_category_is_chosen() {
    let house = House::sqlite().await;
    let (ctx, reviewer) = (&house.ctx, &house.reviewer);
    let case_id = house.signed().await;
    let view = comparing::view(ctx, reviewer, &case_id, NOW).await.unwrap();
    assert!(view.second_text.contains("Discuss with the surgeon"));
    let mut unchosen = form(&view, "A remark.");
    unchosen.overall.clear();
    assert_invalid(
        comparing::decide(ctx, reviewer, &case_id, &unchosen, NOW).await,
        "overall",
    );
}
