//! What is added to a report after it was signed.

use overread_model::access::Actor;
use overread_model::case::{CaseEvent, Notify};
use overread_model::ids::CaseId;
use overread_model::report::{Addendum, add_addendum};
use overread_model::time::Timestamp;
use overread_store::Tx;
use overread_store::reports;

use super::signed_content;
use super::signing::signer_of;
use crate::casework::{self, Said};
use crate::{StepError, StepResult, Workflow, choosing, comparing, delivering, news, signing_in};

/// An addendum.
pub struct AddendumRow {
    /// 1, 2, ...
    pub number: i64,
    /// Why.
    pub reason: String,
    /// Text.
    pub text: String,
    /// Who.
    pub signed_by: String,
    /// When.
    pub signed_at: Timestamp,
    /// BLAKE3 over report hash, number, reason and text, in hex.
    pub hash: String,
}

/// Adds a signed addendum to the signed report. Both reports are compared again, and everybody who has the result is told.
///
/// # Errors
/// As [`super::sign`].
pub async fn addendum(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    reason: &str,
    text: &str,
    password: &str,
    now: Timestamp,
) -> StepResult<()> {
    {
        let mut tx = ctx.store.read().await?;
        casework::load(&mut tx, actor, case_id, now)
            .await?
            .own_task()?;
    }
    signing_in::ask_again(ctx, actor, password, now).await?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    let task = file.own_task()?.clone();
    let row = reports::of_task(&mut tx, &task.id)
        .await?
        .filter(|row| row.signed_at.is_some())
        .ok_or(StepError::NotFound)?;
    let signed = signed_content(&row)?;
    let earlier = addenda_of(&mut tx, &row.id).await?;
    let signer = signer_of(&mut tx, ctx, actor, &task).await?;
    let signed_at = delivering::sign_time(&mut tx, &file, now).await?;
    let addendum = add_addendum(&signed, &earlier, (reason, text), signer, true, signed_at)
        .map_err(StepError::Invalid)?;
    let kept = reports::AddendumRow {
        number: i64::from(addendum.number),
        content: serde_json::to_string(&addendum).map_err(StepError::internal)?,
        signed_at: signed_at.as_micros(),
    };
    reports::add_addendum(&mut tx, &row.id, &kept)
        .await
        .map_err(|error| {
            if error.is_unique_violation() {
                StepError::Stale
            } else {
                error.into()
            }
        })?;
    file.facts.given.reason = true;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::Addendum,
        Said::default(),
        now,
    )
    .await?;
    news::tell_of_more(&mut tx, ctx, &file, Notify::Coordinator, now).await?;
    if file.row.delivered_at.is_some() {
        news::tell_of_more(&mut tx, ctx, &file, Notify::InsurerForOwnRequest, now).await?;
        let change = format!("addendum:{}", addendum.number);
        delivering::tell_receivers(&mut tx, ctx, &file, &change, now).await?;
    }
    let original_exists = file.facts.report.original_present;
    tx.commit().await?;
    if original_exists && let Err(error) = comparing::compare(ctx, actor, case_id, now).await {
        // The addendum stands; the comparison can be asked for again from its page.
        tracing::error!(case.id = %case_id, %error, "the comparison was not made after an addendum");
    }
    Ok(())
}

/// Returns when the addenda to the signed report of a case were signed, in order.
pub(crate) async fn addendum_times(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<Timestamp>> {
    let Some(report) = reports::signed(tx, case_id).await? else {
        return Ok(Vec::new());
    };
    let rows = reports::addenda(tx, &report.id).await?;
    Ok(rows
        .iter()
        .map(|row| Timestamp::from_micros(row.signed_at))
        .collect())
}

pub(crate) async fn addenda_of(tx: &mut Tx, report_id: &str) -> StepResult<Vec<Addendum>> {
    let rows = reports::addenda(tx, report_id).await?;
    rows.iter()
        .map(|row| serde_json::from_str(&row.content).map_err(StepError::internal))
        .collect()
}

pub(crate) fn addendum_row(addendum: &Addendum) -> AddendumRow {
    AddendumRow {
        number: i64::from(addendum.number),
        reason: addendum.reason.clone(),
        text: addendum.text.clone(),
        signed_by: choosing::signed_name(&addendum.signer.name, &addendum.signer.credentials),
        signed_at: addendum.signed_at,
        hash: addendum.hash.to_string(),
    }
}
