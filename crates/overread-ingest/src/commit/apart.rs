//! Sets apart what is not written: what is kept already, and what is refused.

use std::collections::{BTreeSet, HashMap, HashSet};

use overread_model::keeping::Usage;
use overread_store::quotas::Rooms;
use overread_store::studies::{self, Entered, Outcome};

use super::refused::{self, Refusal};
use super::{Answer, Payload, Place, Ticket, same, set};
use crate::IngestError;

/// What a batch holds.
pub(super) type Work = Vec<(Ticket, Payload)>;

/// What is left of it to be written, each with its place in the batch.
pub(super) type Fresh = Vec<(usize, Ticket, Payload)>;

/// Answers for instances whose very bytes, or whose data set, are kept already, so that they are not written again; returns the
/// rest, and for whom what is known is to be counted.
pub(super) async fn set_known_apart(
    kept_at: &Place,
    work: Work,
    answers: &mut [Option<Answer>],
) -> Result<(Fresh, Vec<Ticket>), IngestError> {
    let uid_of = |payload: &Payload| match payload {
        Payload::Instance(readied) => {
            Some(readied.parsed.facts.sop_instance_uid.as_str().to_owned())
        }
        Payload::Document(_) => None,
    };
    let uids: Vec<String> = work
        .iter()
        .filter_map(|(_, payload)| uid_of(payload))
        .collect();
    let known = if uids.is_empty() {
        HashMap::new()
    } else {
        studies::known_digests(&mut kept_at.store.peek().await?, uids).await?
    };
    let mut fresh = Vec::with_capacity(work.len());
    let mut repeats = Vec::new();
    for (position, (ticket, payload)) in work.into_iter().enumerate() {
        let twins = uid_of(&payload).and_then(|uid| known.get(&uid));
        let entered = match (&payload, twins) {
            (Payload::Instance(readied), Some(twins)) => {
                same::entered(&kept_at.archive, twins, readied)
            }
            _ => None,
        };
        match entered {
            None => fresh.push((position, ticket, payload)),
            Some(entered) => {
                let is_repeat = matches!(entered, Entered::Duplicate(_));
                if is_repeat && ticket.counted && ticket.scope.case_id.is_some() {
                    repeats.push(ticket);
                }
                let outcome = Outcome {
                    entered,
                    patient_differs: false,
                };
                set(answers, position, Answer::Instance(outcome));
            }
        }
    }
    Ok((fresh, repeats))
}

/// Refuses what comes for a deleted study or into a case without room, so that none of it is written. What becomes of the rest
/// is decided with its rows: by then somebody else may have taken the room.
pub(super) async fn set_refused_apart(
    kept_at: &Place,
    work: Fresh,
    answers: &mut [Option<Answer>],
) -> Result<(Fresh, Vec<Refusal>), IngestError> {
    let study_of = |payload: &Payload| match payload {
        Payload::Instance(readied) => Some(
            readied
                .parsed
                .facts
                .study
                .study_instance_uid
                .as_str()
                .to_owned(),
        ),
        Payload::Document(_) => None,
    };
    let uids: BTreeSet<String> = work
        .iter()
        .filter_map(|(_, _, payload)| study_of(payload))
        .collect();
    let mut refusals = Vec::new();
    if work.is_empty() {
        return Ok((work, refusals));
    }
    let mut tx = kept_at.store.peek().await?;
    let deleted = studies::deleted_among(&mut tx, uids.into_iter().collect()).await?;
    let mut rooms = Rooms::new(kept_at.quota);
    let mut seen = HashSet::new();
    let mut fresh = Vec::with_capacity(work.len());
    for (position, ticket, payload) in work {
        let study = study_of(&payload);
        let case_id = ticket.scope.case_id.as_ref();
        // The same image twice on one disc is one.
        let name = match (&payload, case_id) {
            (Payload::Instance(readied), Some(case_id)) => {
                let uid = readied.parsed.facts.sop_instance_uid.as_str();
                Some((case_id.clone(), uid.to_owned(), readied.digest))
            }
            _ => None,
        };
        let is_twin = name.as_ref().is_some_and(|name| seen.contains(name));
        let more = Usage {
            bytes: payload.length_bytes(),
            instances: u64::from(study.is_some()),
        };
        let refusal = if study.as_ref().is_some_and(|uid| deleted.contains(uid)) {
            Entered::Deleted
        } else if is_twin || rooms.take(&mut tx, case_id, more).await? {
            seen.extend(name);
            fresh.push((position, ticket, payload));
            continue;
        } else {
            Entered::NoRoom
        };
        refusals.extend(refused::of_payload(&ticket, &payload, &refusal));
        let answer = match study {
            Some(_) => Answer::Instance(Outcome {
                entered: refusal,
                patient_differs: false,
            }),
            None => Answer::NoRoom,
        };
        set(answers, position, answer);
    }
    Ok((fresh, refusals))
}
