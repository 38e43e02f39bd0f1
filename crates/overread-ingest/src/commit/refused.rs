//! Notes what is not kept of what comes for a case, before its sender is told, so that the case is not taken for whole.

use std::collections::BTreeMap;

use overread_model::extent::Digest;
use overread_model::ids::CaseId;
use overread_model::imaging::InstanceFacts;
use overread_model::refusal::{RefusalReason, RefusedSort};
use overread_model::time::Timestamp;
use overread_store::refused_files::{self, Refused};
use overread_store::studies::{self, Batch, DeliveryScope, Entered};
use overread_store::{Script, Store, Tx, deliveries};

use super::{Payload, Ticket};
use crate::stow::StowOutcome;
use crate::{Ingest, IngestError, limits};

/// What was refused, and for whom.
pub(crate) type Refusal = (Ticket, Refused);

/// Returns what to note of a payload that was refused; nothing of what is for no case.
pub(super) fn of_payload(ticket: &Ticket, payload: &Payload, entered: &Entered) -> Option<Refusal> {
    match payload {
        Payload::Instance(readied) => {
            of_instance(ticket, &readied.parsed.facts, readied.digest, entered)
        }
        Payload::Document(paper) => of_paper(ticket, paper.digest),
    }
}

/// Returns what to note of an instance that was refused.
pub(super) fn of_instance(
    ticket: &Ticket,
    facts: &InstanceFacts,
    digest: Digest,
    entered: &Entered,
) -> Option<Refusal> {
    let reason = match entered {
        Entered::NoRoom => RefusalReason::NoRoom,
        Entered::Deleted => RefusalReason::Deleted,
        _ => return None,
    };
    let uid = |uid: &str| Some(uid.to_owned());
    let refused = Refused {
        sop_instance_uid: uid(facts.sop_instance_uid.as_str()),
        series_instance_uid: uid(facts.series.series_instance_uid.as_str()),
        study_instance_uid: uid(facts.study.study_instance_uid.as_str()),
        digest: Some(digest),
        ..blank(RefusedSort::Instance, reason, &ticket.scope)
    };
    for_a_case(ticket, refused)
}

/// Returns what to note of a paper for which there was no room.
pub(super) fn of_paper(ticket: &Ticket, digest: Digest) -> Option<Refusal> {
    let refused = Refused {
        digest: Some(digest),
        ..blank(RefusedSort::Paper, RefusalReason::NoRoom, &ticket.scope)
    };
    for_a_case(ticket, refused)
}

/// Notes instances of a study that was stored before, for which their case has no room. Part of a transaction in which the
/// case's turn is taken.
pub(crate) async fn note_no_room(
    tx: &mut Tx,
    ticket: &Ticket,
    study_instance_uid: &str,
    instances: impl Iterator<Item = &String>,
) -> Result<(), IngestError> {
    let refusals = instances.filter_map(|uid| {
        let refused = Refused {
            sop_instance_uid: Some(uid.clone()),
            study_instance_uid: Some(study_instance_uid.to_owned()),
            ..blank(RefusedSort::Instance, RefusalReason::NoRoom, &ticket.scope)
        };
        for_a_case(ticket, refused)
    });
    note(tx, &refusals.collect::<Vec<_>>()).await
}

fn for_a_case(ticket: &Ticket, refused: Refused) -> Option<Refusal> {
    let is_for_a_case = ticket.scope.case_id.is_some();
    is_for_a_case.then(|| (ticket.clone(), refused))
}

fn blank(sort: RefusedSort, reason: RefusalReason, scope: &DeliveryScope) -> Refused {
    Refused {
        sort,
        reason,
        sop_instance_uid: None,
        series_instance_uid: None,
        study_instance_uid: None,
        digest: None,
        delivery_id: scope.delivery_id.clone(),
    }
}

/// Notes what was refused, case by case. Part of a batch, in which the cases' turns are taken.
pub(super) async fn note(tx: &mut Tx, refusals: &[Refusal]) -> Result<(), IngestError> {
    let mut by_case: BTreeMap<&CaseId, (Vec<Refused>, Timestamp)> = BTreeMap::new();
    for (ticket, refused) in refusals {
        let Some(case_id) = &ticket.scope.case_id else {
            continue;
        };
        let (of_case, at) = by_case
            .entry(case_id)
            .or_insert_with(|| (Vec::new(), ticket.now));
        of_case.push(refused.clone());
        *at = (*at).max(ticket.now);
    }
    for (case_id, (refused, at)) in by_case {
        refused_files::note(tx, case_id, &refused, at).await?;
    }
    Ok(())
}

/// Begins the deliveries of what was refused before anything of it was written, or was known already, and counts it.
async fn begin_deliveries(
    tx: &mut Tx,
    script: &mut Script,
    refusals: &[Refusal],
    repeats: &[Ticket],
) -> Result<(), IngestError> {
    let mut tallies: BTreeMap<&str, (&Ticket, deliveries::Tally)> = BTreeMap::new();
    let refused = refusals.iter().map(|(ticket, _)| (ticket, true));
    for (ticket, is_refused) in refused.chain(repeats.iter().map(|ticket| (ticket, false))) {
        let (_, tally) = tallies
            .entry(ticket.scope.delivery_id.as_str())
            .or_insert((ticket, deliveries::Tally::default()));
        tally.files_seen += 1;
        tally.problems += u64::from(is_refused);
        tally.duplicates += u64::from(!is_refused);
    }
    for (ticket, tally) in tallies.values() {
        deliveries::start(tx, &ticket.scope, ticket.source, ticket.now).await?;
        if ticket.counted {
            deliveries::add(script, &ticket.scope.delivery_id, tally, ticket.now);
        }
    }
    Ok(())
}

/// Notes what was refused, and what was known already, where nothing else is to be committed; when another node was in the way,
/// once more.
pub(super) async fn commit(
    store: &Store,
    refusals: &[Refusal],
    repeats: &[Ticket],
) -> Result<(), IngestError> {
    if refusals.is_empty() && repeats.is_empty() {
        return Ok(());
    }
    for tried in 1.. {
        match try_commit(store, refusals, repeats).await {
            Err(IngestError::Store(error))
                if error.is_in_the_way() && tried < limits::COMMIT_TRIES => {}
            outcome => return outcome,
        }
    }
    Ok(())
}

async fn try_commit(
    store: &Store,
    refusals: &[Refusal],
    repeats: &[Ticket],
) -> Result<(), IngestError> {
    let tickets = refusals.iter().map(|(ticket, _)| ticket).chain(repeats);
    let cases = tickets.filter_map(|ticket| ticket.scope.case_id.clone());
    let cases: Vec<CaseId> = cases.collect();
    let mut tx = store.begin_batch().await?;
    studies::take_turns(&mut tx, &Batch::empty(), &cases).await?;
    let mut script = Script::default();
    begin_deliveries(&mut tx, &mut script, refusals, repeats).await?;
    script.run(&mut tx).await?;
    note(&mut tx, refusals).await?;
    Ok(tx.commit().await?)
}

/// Returns what to note of a part that is no instance that can be kept; `named` is the SOP Instance UID that its sender announced.
pub(crate) fn of_unusable(
    ticket: &Ticket,
    outcome: &StowOutcome,
    named: Option<&str>,
) -> Option<Refusal> {
    outcome.result.as_ref().err()?;
    let sop_instance_uid = outcome
        .sop_instance_uid
        .clone()
        .or_else(|| named.map(str::to_owned));
    let sort = match sop_instance_uid {
        Some(_) => RefusedSort::Instance,
        None => RefusedSort::Unnamed,
    };
    let refused = Refused {
        sop_instance_uid,
        series_instance_uid: outcome.series_instance_uid.clone(),
        study_instance_uid: outcome.study_instance_uid.clone(),
        ..blank(sort, RefusalReason::Unusable, &ticket.scope)
    };
    for_a_case(ticket, refused)
}

/// Returns what to note of a request of which the rest was not read: nobody knows what it was.
pub(crate) fn of_unread(ticket: &Ticket) -> Option<Refusal> {
    let rest = blank(RefusedSort::Request, RefusalReason::Unusable, &ticket.scope);
    for_a_case(ticket, rest)
}

impl Ingest {
    /// Notes what was refused outside of any batch.
    pub(crate) async fn note_refused(&self, refusals: &[Refusal]) -> Result<(), IngestError> {
        commit(&self.shared.store, refusals, &[]).await
    }

    /// Notes that a whole request was refused, unread or without keeping anything of it.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub async fn note_refused_request(
        &self,
        options: &crate::DeliveryOptions,
        reason: RefusalReason,
    ) -> Result<(), IngestError> {
        let ticket = Ticket {
            scope: Self::scope(options)?,
            source: options.source.as_str(),
            counted: true,
            now: options.now,
        };
        let request = blank(RefusedSort::Request, reason, &ticket.scope);
        let refusals: Vec<Refusal> = for_a_case(&ticket, request).into_iter().collect();
        self.note_refused(&refusals).await
    }
}
