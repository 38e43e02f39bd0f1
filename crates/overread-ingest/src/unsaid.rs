//! What a sender is not told: that an identifier is held here for somebody else.
//!
//! Whoever may only add to one case could else ask by made-up files which exams are here, set aside or deleted. One answer stands
//! for all of it; coordinators see why on their pages.

use std::collections::HashMap;

use overread_dicom::DicomProblem;
use overread_model::problem::ProblemKind;
use overread_store::studies::{self, StudyKey};

use crate::commit::{NO_ROOM, Ticket};
use crate::{DeliverySource, Ingest, IngestError};

/// What stands for every reason. It is true of what is set aside, of what is held outside the case and of what was not kept.
pub(crate) const NOT_IN_CASE: &str = "this image was not put into the case: a coordinator must look at it first. Keep your copy until the \
     practice says that it has it; sending it again changes nothing";

/// An instance by its SOP Instance UID, and the Study Instance UID that it claims.
pub(crate) type Claim = (String, String);

/// Says whether a problem tells what is held.
pub(crate) const fn tells(kind: ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::Conflict
            | ProblemKind::OtherPatient
            | ProblemKind::HeldAside
            | ProblemKind::Deleted
    )
}

/// Returns the one problem.
pub(crate) fn problem() -> DicomProblem {
    DicomProblem {
        kind: ProblemKind::HeldAside,
        message: NOT_IN_CASE.to_owned(),
    }
}

/// Returns what is told where the case has no room: the same as of what nobody has sent before.
pub(crate) fn no_room() -> DicomProblem {
    DicomProblem {
        kind: ProblemKind::LimitExceeded,
        message: NO_ROOM.to_owned(),
    }
}

/// Says whether a sender may know of its case alone. A caller of the DICOM network that stores for a case reaches nothing else.
pub(crate) fn is_discreet(ticket: &Ticket) -> bool {
    let is_peer = ticket.source == DeliverySource::Dimse.as_str();
    ticket.scope.case_id.is_some() && (is_peer || !ticket.scope.actor.sees_every_case())
}

/// Says of each instance whether the case of the delivery holds it already; where nobody does, whether it holds the exam.
pub(crate) async fn are_of_case(
    ingest: &Ingest,
    ticket: &Ticket,
    claims: &[Claim],
) -> Result<Vec<bool>, IngestError> {
    let Some(case_id) = &ticket.scope.case_id else {
        return Ok(vec![true; claims.len()]);
    };
    let uids = claims.iter().map(|(instance, _)| instance.clone());
    let known = studies::known_digests(&mut ingest.store().peek().await?, uids.collect()).await?;
    let mut tx = ingest.store().read().await?;
    let mut of_case: HashMap<StudyKey, bool> = HashMap::new();
    let mut answers = Vec::with_capacity(claims.len());
    for (instance, study) in claims {
        let held = known
            .get(instance)
            .and_then(|known| known.iter().find_map(|one| one.study));
        let key = match held {
            Some(key) => Some(key),
            None => studies::key_of(&mut tx, study).await?,
        };
        let answer = match key {
            None => false,
            Some(key) => match of_case.get(&key) {
                Some(answer) => *answer,
                None => {
                    let answer = studies::is_of_case(&mut tx, key, case_id).await?;
                    of_case.insert(key, answer);
                    answer
                }
            },
        };
        answers.push(answer);
    }
    Ok(answers)
}
