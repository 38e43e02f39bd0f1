//! Records that arrive for a case, and the steps that follow: its check, its acceptance.

use overread_ingest::{DeliveryOptions, DeliverySource, IngestError, Receipt};
use overread_model::access::{Actor, Right, Role};
use overread_model::case::{CaseEvent, CaseState};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::{Tx, checks};
use tokio::io::AsyncRead;

use super::held_back::{
    hold_named, hold_papers, hold_strangers, papers_of_others, tell_what_waits,
};
use crate::casework::{self, CaseFile, Said};
use crate::{StepError, StepResult, Workflow, checking};

/// What arrives.
pub enum Incoming<R> {
    /// A ZIP, streamed.
    Zip(R),
    /// One file with its name.
    File {
        /// Name as the sender gave it; never used as a path.
        name: String,
        /// Its bytes.
        body: R,
    },
}

/// Takes a delivery in, for a case or (coordinators and archive machines) for none; what names another patient is
/// held back; a case that waits for records moves to its check, which runs at once.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Limit`, `Invalid` when nothing could be read.
pub async fn receive<R>(
    ctx: &Workflow,
    actor: &Actor,
    case_id: Option<&CaseId>,
    incoming: Incoming<R>,
    now: Timestamp,
) -> StepResult<Receipt>
where
    R: AsyncRead + Send + Unpin + 'static,
{
    match case_id {
        Some(case_id) => {
            may_receive(ctx, actor, case_id, now).await?;
        }
        None if matches!(actor.role(), Some(Role::Coordinator | Role::Archive)) => {}
        None => return Err(StepError::Forbidden),
    }
    let source = match &incoming {
        Incoming::Zip(_) => DeliverySource::Zip,
        Incoming::File { .. } => DeliverySource::File,
    };
    let options = DeliveryOptions {
        case_id: case_id.cloned(),
        actor: actor.clone(),
        now,
        source,
    };
    let receipt = match incoming {
        Incoming::Zip(body) => ctx.ingest.zip_stream(body, options).await,
        Incoming::File { name, body } => ctx.ingest.one_file(&name, body, options).await,
    };
    let Some(case_id) = case_id else {
        return receipt.map_err(|error: IngestError| StepError::internal(error));
    };
    match receipt {
        Ok(mut receipt) => {
            arrived(ctx, actor, case_id, &mut receipt, now).await?;
            Ok(receipt)
        }
        Err(error) => {
            // What it stored before it broke off is judged now; should that fail, the next round does it.
            if let Err(error) = arrived(ctx, actor, case_id, &mut Receipt::default(), now).await {
                tracing::warn!(case.id = %case_id, %error, "what a broken-off delivery left was not judged");
            }
            Err(StepError::internal(error))
        }
    }
}

/// Asks whether the actor may add records to the case as it stands; nothing is taken in before.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` while the case is a draft, delivered or closed.
pub async fn may_receive(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::AddRecords)?;
    match file.state.why_no_records() {
        None => Ok(()),
        Some(why) => Err(StepError::invalid("", why)),
    }
}

/// Checks what the case holds now and moves it on: a case that waits for records to its check.
pub(super) async fn go_on(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    is_usable: bool,
    now: Timestamp,
) -> StepResult<()> {
    checking::judge(tx, ctx, file, now).await?;
    let waits = matches!(
        file.state,
        CaseState::RecordsCollecting | CaseState::RecordsDeficient
    );
    if waits && is_usable && file.facts.records.study_count > 0 {
        checking::as_system(tx, ctx, file, CaseEvent::RecordsReceived, now).await?;
    }
    checking::settle(tx, ctx, file, now).await
}

/// Does what follows from a delivery that came in by another door (command line, STOW): holds other patients' studies
/// back, checks, moves the case on; adds to the receipt what waits for a coordinator. [`receive`] does it by itself.
///
/// # Errors
/// `NotFound` when the actor may not see the case.
pub async fn arrived(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    receipt: &mut Receipt,
    now: Timestamp,
) -> StepResult<()> {
    let others = papers_of_others(ctx, actor, case_id, receipt, now).await?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    hold_strangers(&mut tx, ctx, &file, now).await?;
    hold_papers(&mut tx, case_id, receipt, now).await?;
    hold_named(&mut tx, &file, &others, now).await?;
    tell_what_waits(&mut tx, case_id, receipt).await?;
    if receipt.is_usable() || !receipt.documents.is_empty() {
        let what = "Images or papers were added";
        casework::note(
            &mut tx,
            &file,
            actor,
            "delivery.added",
            what,
            Said::default(),
            now,
        )
        .await?;
    }
    go_on(&mut tx, ctx, &mut file, receipt.is_usable(), now).await?;
    Ok(tx.commit().await?)
}

/// Says that everything the requester has was sent: records_collecting or records_deficient -> records_check.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` when no study arrived.
pub async fn received(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::AddRecords)?;
    file.expect(version)?;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::RecordsReceived,
        Said::default(),
        now,
    )
    .await?;
    checking::judge(&mut tx, ctx, &mut file, now).await?;
    checking::settle(&mut tx, ctx, &mut file, now).await?;
    Ok(tx.commit().await?)
}

/// Accepts the records: records_check -> matching.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` while a blocker is open.
pub async fn accept(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.expect(version)?;
    if !checks::held_back(&mut tx, case_id).await?.is_empty() {
        return Err(StepError::invalid(
            "",
            "Decide first on the images that are held back.",
        ));
    }
    checking::judge(&mut tx, ctx, &mut file, now).await?;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::RecordsAccepted,
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}
