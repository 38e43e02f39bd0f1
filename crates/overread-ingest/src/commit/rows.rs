//! Writes a batch: its bytes first, then, once they are durable, its rows in one transaction.

use std::collections::{HashMap, HashSet};

use overread_model::keeping::Usage;
use overread_store::quotas::Rooms;
use overread_store::studies::{self, Entered, Outcome};
use overread_store::{Script, deliveries, documents, packs};

use super::apart::{Work, set_known_apart, set_refused_apart};
use super::refused::{self, Refusal};
use super::write::{Written, write};
use super::{Answer, Place, Ticket, same, set};
use crate::{IngestError, limits};

/// A batch whose bytes are durable and whose rows are not there yet.
pub(super) struct Synced {
    answers: Vec<Option<Answer>>,
    /// What is not kept.
    refusals: Vec<Refusal>,
    /// For which cases' deliveries something came that was known already.
    repeats: Vec<Ticket>,
    /// Absent when everything was known already, or refused.
    written: Option<Written>,
}

impl Synced {
    /// Says whether anything of it was new, and had to be written.
    pub(super) const fn is_written(&self) -> bool {
        self.written.is_some()
    }
}

/// Writes the bytes of what is new and waits until they are durable; holds up the thread that runs it.
pub(super) async fn sync(kept_at: &Place, work: Work, order: i64) -> Result<Synced, IngestError> {
    let mut answers: Vec<Option<Answer>> = Vec::new();
    answers.resize_with(work.len(), || None);
    let (fresh, repeats) = set_known_apart(kept_at, work, &mut answers).await?;
    let (fresh, refusals) = set_refused_apart(kept_at, fresh, &mut answers).await?;
    let written = match fresh.is_empty() {
        true => None,
        false => Some(write(&kept_at.archive, fresh, order).inspect_err(|_| {
            // What is as long as it should be may be whole although nobody said so.
            kept_at.left.look_anywhere();
        })?),
    };
    Ok(Synced {
        answers,
        refusals,
        repeats,
        written,
    })
}

/// Commits the rows of a batch, and returns what is to be answered.
pub(super) async fn commit(kept_at: &Place, synced: Synced) -> Result<Vec<Answer>, IngestError> {
    let Synced {
        mut answers,
        refusals,
        repeats,
        written,
    } = synced;
    // Said before anybody is told; what follows may fail, and then it was refused all the same.
    let noted = refused::commit(&kept_at.store, &refusals, &repeats).await;
    let lengths = written.iter().flat_map(|written| &written.lengths);
    noted.inspect_err(|_| kept_at.left.add_ours(lengths.map(|pack| pack.pack_id)))?;
    let Some(mut written) = written else {
        return Ok(settled(answers));
    };
    if let Err(error) = enter(kept_at, &mut written, &mut answers).await {
        let packs = written.lengths.iter().map(|pack| pack.pack_id);
        kept_at.left.add_ours(packs);
        return Err(error);
    }
    written.append.committed();
    Ok(settled(answers))
}

/// Commits the rows of a batch; when another node was in the way, once more.
async fn enter(
    kept_at: &Place,
    written: &mut Written,
    answers: &mut [Option<Answer>],
) -> Result<(), IngestError> {
    let (store, archive) = (&kept_at.store, &kept_at.archive);
    let mut is_compared = false;
    for tried in 1.. {
        match commit_rows(kept_at, written, answers, is_compared).await {
            Ok(Some(outcomes)) => {
                same::note_twins(store, archive, &mut written.batch, &outcomes).await?;
                is_compared = true;
            }
            Err(IngestError::Store(error))
                if error.is_in_the_way() && tried < limits::COMMIT_TRIES => {}
            outcome => return outcome.map(|_| ()),
        }
    }
    Err(IngestError::NotStored)
}

/// Returns the outcomes without committing anything when some of them are conflicts that were not compared yet: what they are
/// in conflict with came in the same batch, or in one that was on its way.
async fn commit_rows(
    kept_at: &Place,
    written: &Written,
    answers: &mut [Option<Answer>],
    is_compared: bool,
) -> Result<Option<Vec<Outcome>>, IngestError> {
    let now = written.now;
    let mut tx = kept_at.store.begin_batch().await?;
    studies::take_turns(&mut tx, &written.batch, &written.cases()).await?;
    for pack in &written.lengths {
        if !packs::claim(&mut tx, pack.pack_id, pack.length_bytes, now).await? {
            // A rebuild took it in already; whoever sends it again is told that it is there.
            return Err(IngestError::NotStored);
        }
    }
    for extent in written.append.wasted().iter().chain(&written.wasted) {
        packs::add_gap(&mut tx, *extent, "failed copy").await?;
    }
    let mut begun = HashSet::new();
    for ticket in &written.tickets {
        if begun.insert(ticket.scope.delivery_id.as_str()) {
            deliveries::start(&mut tx, &ticket.scope, ticket.source, ticket.now).await?;
        }
    }
    let mut rooms = Rooms::new(kept_at.quota);
    let (outcomes, mut script) = studies::enter(&mut tx, &written.batch, &mut rooms, now).await?;
    if !is_compared && has_conflict(&outcomes) {
        tx.rollback().await?;
        return Ok(Some(outcomes));
    }
    count_up(&mut script, written, &outcomes);
    script.run(&mut tx).await?;
    let mut refusals = written.refused(&outcomes);
    for (position, outcome) in written.positions.iter().zip(outcomes) {
        set(answers, *position, Answer::Instance(outcome));
    }
    for (position, ticket, paper) in &written.papers {
        let more = Usage {
            bytes: paper.extent.length_bytes,
            instances: 0,
        };
        let answer = if rooms.take(&mut tx, paper.case_id.as_ref(), more).await? {
            let new = documents::enter(&mut tx, paper, now).await?;
            Answer::Document { new }
        } else {
            packs::add_gap(&mut tx, paper.extent, "refused").await?;
            refusals.extend(refused::of_paper(ticket, paper.digest));
            Answer::NoRoom
        };
        set(answers, *position, answer);
    }
    refused::note(&mut tx, &refusals).await?;
    tx.commit().await?;
    Ok(None)
}

pub(crate) fn has_conflict(outcomes: &[Outcome]) -> bool {
    let mut entered = outcomes.iter().map(|outcome| &outcome.entered);
    entered.any(|entered| *entered == Entered::Conflict)
}

fn settled(answers: Vec<Option<Answer>>) -> Vec<Answer> {
    answers
        .into_iter()
        .map(|answer| answer.unwrap_or(Answer::Unreadable))
        .collect()
}

/// Counts up the rows of deliveries that nothing else finishes.
fn count_up(script: &mut Script, written: &Written, outcomes: &[Outcome]) {
    let mut tallies: HashMap<&str, (&Ticket, deliveries::Tally)> = HashMap::new();
    for ((ticket, bytes), outcome) in written
        .sizes
        .iter()
        .zip(outcomes)
        .filter(|((ticket, _), _)| ticket.counted)
    {
        let (_, tally) = tallies
            .entry(ticket.scope.delivery_id.as_str())
            .or_insert((ticket, deliveries::Tally::default()));
        tally.files_seen += 1;
        match outcome.entered {
            Entered::Stored(_) => {
                tally.instances_stored += 1;
                tally.bytes_stored += bytes;
            }
            Entered::Duplicate(_) => tally.duplicates += 1,
            Entered::Conflict
            | Entered::Foreign(_)
            | Entered::OtherPatient(_)
            | Entered::Deleted
            | Entered::NoRoom => tally.problems += 1,
        }
    }
    for (ticket, tally) in tallies.values() {
        deliveries::add(script, &ticket.scope.delivery_id, tally, ticket.now);
    }
}
