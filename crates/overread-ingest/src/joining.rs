//! Puts studies that were stored before into the case for which they come again: one rule for every door.

use std::collections::{BTreeMap, HashSet};

use overread_dicom::DicomProblem;
use overread_model::keeping::Usage;
use overread_model::problem::{Problem, ProblemKind};
use overread_store::quotas::{self, Rooms};
use overread_store::studies::{self, Batch, StudyKey};
use overread_store::{audit, deliveries};

use crate::commit::{self, Ticket};
use crate::receipt::{Receipt, ReceiptSeries, ReceiptStudy};
use crate::{Ingest, IngestError, limits, unsaid};

/// What is told of a study that is kept outside the case that it was sent to.
pub(crate) const OUTSIDE: &str = "an exam of this delivery is held already outside this case; a coordinator can add it to the case";

/// A study that was stored before, with the SOP Instance UIDs of this delivery that proved it.
#[derive(Debug, Default)]
pub(crate) struct KnownStudy {
    pub(crate) study_instance_uid: String,
    fresh: HashSet<String>,
    /// Those of which it is noted that the case has no room for them, instead.
    noted: HashSet<String>,
    /// A coordinator decides whether the case gets it.
    pub(crate) is_outside: bool,
    /// The receipt says so.
    is_listed: bool,
}

impl KnownStudy {
    /// Returns how many different instances of it this delivery brought.
    pub(crate) fn instance_count(&self) -> usize {
        self.fresh.len() + self.noted.len()
    }

    /// Says whether the receipt tells something else of it than is so.
    pub(crate) const fn is_changed(&self) -> bool {
        self.is_outside != self.is_listed
    }

    /// Forgets that the case had no room.
    fn begin_anew(&mut self) {
        self.fresh.extend(self.noted.drain());
    }
}

/// The studies that instances of a delivery were in already.
pub(crate) type KnownStudies = BTreeMap<StudyKey, KnownStudy>;

/// What became of a study that was stored before, in the case that the delivery is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joining {
    /// The case holds it.
    Joined,
    /// A coordinator decides.
    Outside,
    /// The case holds as much as it may without it.
    NoRoom,
}

impl Joining {
    /// Returns what whoever sent one of its images must know; the image itself is kept.
    pub(crate) fn problem(self) -> Option<DicomProblem> {
        let (kind, message) = match self {
            Self::Joined => return None,
            Self::Outside => (
                ProblemKind::HeldAside,
                "this exam is held already outside this case, and it was not put into the case. Send the whole exam at once, \
                 or ask a coordinator to add it",
            ),
            Self::NoRoom => (
                ProblemKind::LimitExceeded,
                "this case holds as much as it may; this exam is held already, and it was not put into the case. Ask the \
                 practice for more room, then send it again",
            ),
        };
        Some(DicomProblem {
            kind,
            message: message.to_owned(),
        })
    }
}

/// Notes an instance that was there already.
pub(crate) fn note_known(
    known: &mut KnownStudies,
    study: StudyKey,
    (study_instance_uid, sop_instance_uid): (&str, &str),
) {
    let known = known.entry(study).or_insert_with(|| KnownStudy {
        study_instance_uid: study_instance_uid.to_owned(),
        ..KnownStudy::default()
    });
    if !known.noted.contains(sop_instance_uid) {
        known.fresh.insert(sop_instance_uid.to_owned());
    }
}

/// Puts a study that was stored before into the case that a delivery is for, where whoever brings it may do that and the case
/// has room for all of it; notes what it has none for. Nobody reads by it before it is judged whose images they are.
pub(crate) async fn join(
    ingest: &Ingest,
    ticket: &Ticket,
    study: StudyKey,
    known: &mut KnownStudy,
) -> Result<Joining, IngestError> {
    let (scope, now) = (&ticket.scope, ticket.now);
    let Some(case_id) = &scope.case_id else {
        return Ok(Joining::Joined);
    };
    if studies::is_of_case(&mut ingest.store().peek().await?, study, case_id).await? {
        known.begin_anew();
        return Ok(Joining::Joined);
    }
    // One study at a time: the committer holds several, in an order of its own.
    let mut tx = ingest.store().begin().await?;
    studies::take_turns(&mut tx, &Batch::empty(), std::slice::from_ref(case_id)).await?;
    audit::take_turn(&mut tx).await?;
    let brought = known.instance_count() as u64;
    let joining = if !studies::may_link(&mut tx, study, scope, brought).await? {
        Joining::Outside
    } else {
        let more = quotas::of_joining(&mut tx, study, case_id).await?;
        let mut rooms = Rooms::new(ingest.quota());
        if more == Usage::default() || rooms.take(&mut tx, Some(case_id), more).await? {
            studies::link_pending(&mut tx, study, case_id, now).await?;
            Joining::Joined
        } else {
            deliveries::start(&mut tx, scope, ticket.source, now).await?;
            let fresh = known.fresh.iter();
            commit::note_no_room(&mut tx, ticket, &known.study_instance_uid, fresh).await?;
            Joining::NoRoom
        }
    };
    tx.commit().await?;
    match joining {
        Joining::NoRoom => known.noted.extend(known.fresh.drain()),
        _ => known.begin_anew(),
    }
    Ok(joining)
}

/// Keeps all that a delivery without a receipt (STOW-RS, C-STORE) has left outside its case by now, so that a coordinator finds
/// it and decides.
pub(crate) async fn note_outside(
    ingest: &Ingest,
    ticket: &Ticket,
    known: &mut KnownStudies,
) -> Result<(), IngestError> {
    let scope = &ticket.scope;
    unlist_filed(ingest, ticket, known).await?;
    let outside = known.values().filter(|study| study.is_outside);
    let count = |study: &KnownStudy| study.instance_count() as u64;
    let studies = outside.clone().map(|study| ReceiptStudy {
        study_instance_uid: study.study_instance_uid.clone(),
        patient_name: None,
        patient_id: None,
        series: vec![ReceiptSeries {
            series_instance_uid: String::new(),
            modality: String::new(),
            description: None,
            instances: count(study),
        }],
    });
    let problems = outside.clone().take(limits::PROBLEMS).map(|_| Problem {
        path: String::new(),
        kind: ProblemKind::HeldAside,
        message: if unsaid::is_discreet(ticket) {
            unsaid::NOT_IN_CASE.to_owned()
        } else {
            OUTSIDE.to_owned()
        },
    });
    let all = outside.clone().map(count).sum();
    let receipt = Receipt {
        delivery: scope.delivery_id.as_str().to_owned(),
        files_seen: all,
        duplicates: all,
        studies: studies.collect(),
        problems: problems.collect(),
        ..Receipt::default()
    };
    let more = outside.filter(|study| study.is_changed()).count() as u64;
    let json = serde_json::to_string(&receipt).map_err(|_| IngestError::Interrupted)?;
    let mut tx = ingest.store().begin().await?;
    deliveries::start(&mut tx, scope, ticket.source, ticket.now).await?;
    deliveries::left_outside(&mut tx, &scope.delivery_id, (more, json.as_str())).await?;
    tx.commit().await?;
    for study in known.values_mut() {
        study.is_listed = study.is_outside;
    }
    Ok(())
}

/// Takes off the list what a coordinator put into the case meanwhile.
async fn unlist_filed(
    ingest: &Ingest,
    ticket: &Ticket,
    known: &mut KnownStudies,
) -> Result<(), IngestError> {
    let Some(case_id) = &ticket.scope.case_id else {
        return Ok(());
    };
    let mut tx = ingest.store().peek().await?;
    for (key, study) in known.iter_mut().filter(|(_, study)| study.is_listed) {
        study.is_outside &= !studies::is_of_case(&mut tx, *key, case_id).await?;
    }
    Ok(())
}
