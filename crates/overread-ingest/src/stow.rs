//! Whole instances from the network: parts in, one answer for each, in their order (STOW-RS, C-STORE).

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use overread_dicom::{ContentKind, DicomProblem};
use overread_model::ids::DeliveryId;
use overread_model::problem::ProblemKind;
use overread_model::time::Timestamp;
use overread_store::studies::{Entered, StudyKey};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::commit::{self, AboutInstance, Answer, Item, Payload, Ticket};
use crate::content::{Held, Part};
use crate::joining::{Joining, KnownStudies, join, note_known, note_outside};
use crate::prepare::{self, Prepared};
use crate::receiving::Received;
use crate::{DeliveryOptions, Ingest, IngestError, inflating, limits, unsaid};

/// What became of one part.
#[derive(Debug, Clone)]
pub struct StowOutcome {
    /// (0008,0016), when it could be read.
    pub sop_class_uid: Option<String>,
    /// (0008,0018).
    pub sop_instance_uid: Option<String>,
    /// (0020,000D).
    pub study_instance_uid: Option<String>,
    /// (0020,000E).
    pub series_instance_uid: Option<String>,
    /// Stored or not.
    pub result: Result<Stowed, DicomProblem>,
    /// Whether its bytes do not fit what they say of themselves, though they are kept: they end too early, or the pixel
    /// data do not fit.
    pub is_damaged: bool,
}

/// What comes next of a request.
#[derive(Debug)]
pub enum Came {
    /// A part that may be an instance.
    Whole(Received),
    /// What was to become an instance, and did not.
    Unusable(Box<StowOutcome>),
}

impl From<Received> for Came {
    fn from(part: Received) -> Self {
        Self::Whole(part)
    }
}

/// How a part was accepted; either way it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stowed {
    /// It is new.
    Stored,
    /// It was there already, byte for byte.
    Duplicate,
}

/// What the sender said of a part before it came; a part that differs is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// (0020,000D).
    pub study_instance_uid: Option<&'a str>,
    /// (0008,0016).
    pub sop_class_uid: Option<&'a str>,
    /// (0008,0018).
    pub sop_instance_uid: Option<&'a str>,
    /// A part that ends before its data do is refused too, since its sender still has the original.
    pub whole: bool,
}

impl Wanted<'_> {
    fn check(&self, about: &AboutInstance) -> Result<(), DicomProblem> {
        let differs = |wanted: Option<&str>, found: &str| wanted.is_some_and(|uid| uid != found);
        let refuse = |message: &str| DicomProblem {
            kind: ProblemKind::BadUid,
            message: message.to_owned(),
        };
        if differs(self.study_instance_uid, &about.study_instance_uid) {
            return Err(refuse(
                "the file belongs to another study than the address names",
            ));
        }
        if differs(self.sop_class_uid, &about.sop_class_uid)
            || differs(self.sop_instance_uid, &about.sop_instance_uid)
        {
            return Err(refuse("the data set is not the instance that was named"));
        }
        let truncated = about
            .problems
            .iter()
            .find(|problem| self.whole && problem.kind == ProblemKind::Truncated);
        truncated.map_or(Ok(()), |problem| Err(problem.clone()))
    }
}

/// A delivery whose parts come one by one.
#[derive(Debug)]
pub struct OneByOne {
    ingest: Ingest,
    ticket: Ticket,
    known: KnownStudies,
}

impl OneByOne {
    /// Returns the id under which the delivery is kept; its row is made with the first part that is stored.
    pub fn delivery_id(&self) -> &DeliveryId {
        &self.ticket.scope.delivery_id
    }

    /// Stores one part, a whole DICOM file; what it answers is durable.
    ///
    /// # Errors
    /// When the archive cannot store.
    pub async fn store(
        &mut self,
        part: Received,
        wanted: &Wanted<'_>,
        now: Timestamp,
    ) -> Result<StowOutcome, IngestError> {
        self.ticket.now = now;
        let reading = self.ingest.start_reading_first(part.0).await?;
        let prepared = reading.ended().await?;
        let awaited = self.ingest.pass_on(prepared, wanted, &self.ticket).await?;
        let unusable = awaited.unusable(&self.ticket, wanted.sop_instance_uid);
        self.ingest.note_refused(unusable.as_slice()).await?;
        let mut answered = [awaited.outcome().await?];
        self.ingest
            .join_known(&self.ticket, &mut self.known, &mut answered)
            .await?;
        self.ingest
            .leave_unsaid(&self.ticket, &mut answered)
            .await?;
        let [(outcome, _)] = answered;
        Ok(outcome)
    }
}

/// A part that is read, here or beside the receiving.
enum Reading {
    Done(Prepared),
    Beside(JoinHandle<Prepared>),
}

/// A part on its way to the committer.
enum Underway {
    Reading(Reading),
    Unusable(Box<StowOutcome>),
}

impl Reading {
    async fn ended(self) -> Result<Prepared, IngestError> {
        match self {
            Self::Done(prepared) => Ok(prepared),
            Self::Beside(reading) => reading.await.map_err(|_| IngestError::Interrupted),
        }
    }
}

/// What became of a part, and the study that held it before.
type Answered = (StowOutcome, Option<StudyKey>);

/// A part whose answer is awaited.
enum Awaited {
    Settled(StowOutcome),
    Committing(Box<AboutInstance>, oneshot::Receiver<Answer>),
}

impl Awaited {
    /// Returns what to note of a part that was refused without the committer having seen it.
    fn unusable(&self, ticket: &Ticket, named: Option<&str>) -> Option<commit::Refusal> {
        match self {
            Self::Settled(outcome) => commit::of_unusable(ticket, outcome, named),
            Self::Committing(..) => None,
        }
    }

    /// Returns what became of it, and the study that held it before.
    async fn outcome(self) -> Result<Answered, IngestError> {
        match self {
            Self::Settled(outcome) => Ok((outcome, None)),
            Self::Committing(about, answer) => {
                answered(&about, answer.await.unwrap_or(Answer::NotStored))
            }
        }
    }
}

impl Ticket {
    /// Makes the ticket of a delivery that nothing finishes.
    fn counted(options: &DeliveryOptions) -> Result<Self, IngestError> {
        Ok(Self {
            scope: Ingest::scope(options)?,
            source: options.source.as_str(),
            counted: true,
            now: options.now,
        })
    }
}

impl Ingest {
    /// Stores the parts of one request, each a whole DICOM file, and answers in their order.
    ///
    /// A `study` given must be every part's.
    ///
    /// # Errors
    /// When the stream breaks off, a limit is passed or the archive cannot store; then parts that came before may be
    /// stored all the same.
    pub async fn stow(
        &self,
        parts: impl Stream<Item = Result<impl Into<Came>, IngestError>> + Send,
        study: Option<&str>,
        options: DeliveryOptions,
    ) -> Result<Vec<StowOutcome>, IngestError> {
        let ticket = Ticket::counted(&options)?;
        let wanted = Wanted {
            study_instance_uid: study,
            ..Wanted::default()
        };
        // Two halves beside each other: whoever waits for the sender must not keep what is read from being committed.
        let (slots, queue) = mpsc::channel(limits::FILES_ON_THE_WAY);
        let mut awaited = Vec::new();
        let (fed, passed_on) = tokio::join!(
            self.feed(parts, slots),
            self.pass_all_on(queue, &wanted, &ticket, &mut awaited)
        );
        let ended = passed_on.and(fed);
        let unusable = awaited.iter().filter_map(|one| one.unusable(&ticket, None));
        let mut refusals: Vec<commit::Refusal> = unusable.collect();
        if let Err(error) = &ended
            && error.leaves_unread()
        {
            refusals.extend(commit::of_unread(&ticket));
        }
        // Also of a request that ended early: what came before is stored.
        self.note_refused(&refusals).await?;
        ended?;
        let mut outcomes = Vec::with_capacity(awaited.len());
        for one in awaited {
            outcomes.push(one.outcome().await?);
        }
        self.join_known(&ticket, &mut KnownStudies::new(), &mut outcomes)
            .await?;
        self.leave_unsaid(&ticket, &mut outcomes).await?;
        Ok(outcomes.into_iter().map(|(outcome, _)| outcome).collect())
    }

    /// Puts studies that were there already into the case of a delivery, and refuses their instances where that may not be:
    /// whoever sent them must not think that the case has them.
    async fn join_known(
        &self,
        ticket: &Ticket,
        known: &mut KnownStudies,
        answered: &mut [Answered],
    ) -> Result<(), IngestError> {
        if ticket.scope.case_id.is_none() {
            return Ok(());
        }
        let mut came = BTreeSet::new();
        for (outcome, study) in &*answered {
            if let (Some(study), Some(uid), Some(instance)) = (
                study,
                &outcome.study_instance_uid,
                &outcome.sop_instance_uid,
            ) {
                note_known(known, *study, (uid, instance));
                came.insert(*study);
            }
        }
        let (mut is_any_outside, mut is_changed) = (false, false);
        for key in came {
            let Some(study) = known.get_mut(&key) else {
                continue;
            };
            let joining = join(self, ticket, key, study).await?;
            study.is_outside = joining == Joining::Outside;
            is_any_outside |= study.is_outside;
            is_changed |= study.is_changed();
            for (outcome, _) in answered.iter_mut().filter(|(_, of)| *of == Some(key)) {
                match joining.problem() {
                    Some(_) if joining == Joining::NoRoom && unsaid::is_discreet(ticket) => {
                        outcome.result = Err(unsaid::no_room());
                    }
                    Some(problem) => outcome.result = Err(problem),
                    None => {}
                }
            }
        }
        // How many images of each came is counted as long as that takes little; a new exam is always noted.
        let outside = || known.values().filter(|study| study.is_outside).count();
        if is_changed || is_any_outside && outside() <= limits::OUTSIDE_STUDIES_COUNTED {
            note_outside(self, ticket, known).await?;
        }
        Ok(())
    }

    /// Takes out of the answers what a sender may not know.
    async fn leave_unsaid(
        &self,
        ticket: &Ticket,
        answered: &mut [Answered],
    ) -> Result<(), IngestError> {
        if !unsaid::is_discreet(ticket) {
            return Ok(());
        }
        let telling = answered.iter_mut().map(|(outcome, _)| outcome);
        let telling = telling.filter(|outcome| {
            let problem = outcome.result.as_ref().err();
            problem.is_some_and(|problem| unsaid::tells(problem.kind))
        });
        let mut telling: Vec<&mut StowOutcome> = telling.collect();
        if telling.is_empty() {
            return Ok(());
        }
        let text = |uid: &Option<String>| uid.clone().unwrap_or_default();
        let claims: Vec<unsaid::Claim> = telling
            .iter()
            .map(|one| (text(&one.sop_instance_uid), text(&one.study_instance_uid)))
            .collect();
        let known = unsaid::are_of_case(self, ticket, &claims).await?;
        for (outcome, is_known) in telling.iter_mut().zip(known) {
            if !is_known {
                outcome.result = Err(unsaid::problem());
            }
        }
        Ok(())
    }

    /// Opens a delivery whose parts come one by one, each answered before the next is sent (C-STORE).
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn one_by_one(&self, options: &DeliveryOptions) -> Result<OneByOne, IngestError> {
        Ok(OneByOne {
            ingest: self.clone(),
            ticket: Ticket::counted(options)?,
            known: KnownStudies::new(),
        })
    }

    async fn feed(
        &self,
        parts: impl Stream<Item = Result<impl Into<Came>, IngestError>> + Send,
        slots: mpsc::Sender<Underway>,
    ) -> Result<(), IngestError> {
        let mut parts = std::pin::pin!(parts.take(limits::STOW_PARTS + 1).enumerate());
        loop {
            let next = tokio::select! {
                next = parts.next() => next,
                // The other half ended early, and says why.
                () = slots.closed() => None,
            };
            let Some((index, part)) = next else {
                return Ok(());
            };
            let came = part?.into();
            if index == limits::STOW_PARTS {
                return Err(IngestError::TooManyParts);
            }
            let underway = match came {
                Came::Unusable(outcome) => Underway::Unusable(outcome),
                Came::Whole(Received(held)) => Underway::Reading(match index {
                    0 => self.start_reading_first(held).await?,
                    _ => self.start_reading(held).await?,
                }),
            };
            if slots.send(underway).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Passes on what is read; what is awaited is told also of what ended early.
    async fn pass_all_on(
        &self,
        mut queue: mpsc::Receiver<Underway>,
        wanted: &Wanted<'_>,
        ticket: &Ticket,
        awaited: &mut Vec<Awaited>,
    ) -> Result<(), IngestError> {
        let mut unusable_count = 0;
        while let Some(underway) = queue.recv().await {
            let one = match underway {
                Underway::Unusable(outcome) => Awaited::Settled(*outcome),
                Underway::Reading(reading) => {
                    let prepared = reading.ended().await?;
                    self.pass_on(prepared, wanted, ticket).await?
                }
            };
            let is_unusable =
                matches!(&one, Awaited::Settled(outcome) if outcome.sop_instance_uid.is_none());
            unusable_count += usize::from(is_unusable);
            awaited.push(one);
            if unusable_count > limits::STOW_UNUSABLE_PARTS {
                return Err(IngestError::TooManyUnusable);
            }
        }
        Ok(())
    }

    /// Reads a part that may well be alone: a small one here and now, since waking a thread would cost as much.
    async fn start_reading_first(&self, held: Held) -> Result<Reading, IngestError> {
        match &held.part {
            // What is deflated may have to wait for memory, which no thread of the server may.
            Part::Memory(bytes)
                if bytes.len() as u64 <= limits::PART_IN_MEMORY_BYTES
                    && !inflating::waits(bytes) =>
            {
                Ok(Reading::Done(read(held)))
            }
            _ => self.start_reading(held).await,
        }
    }

    /// Reads a part beside the receiving of the next.
    async fn start_reading(&self, held: Held) -> Result<Reading, IngestError> {
        let readers = Arc::clone(&self.shared.bench.readers);
        let turn = readers
            .acquire_owned()
            .await
            .map_err(|_| IngestError::Interrupted)?;
        Ok(Reading::Beside(tokio::task::spawn_blocking(move || {
            let prepared = read(held);
            drop(turn);
            prepared
        })))
    }

    async fn pass_on(
        &self,
        prepared: Prepared,
        wanted: &Wanted<'_>,
        ticket: &Ticket,
    ) -> Result<Awaited, IngestError> {
        let readied = match prepared {
            Prepared::Instance(readied) => readied,
            Prepared::Unusable(problem) => return Ok(refused(problem.kind, problem.message)),
            Prepared::Document { .. } => {
                return Ok(refused(ProblemKind::NotDicom, "not a DICOM file"));
            }
            Prepared::Dicomdir(_) => {
                return Ok(refused(
                    ProblemKind::NotDicom,
                    "the index of a disc, not an image",
                ));
            }
        };
        let about = Box::new(commit::about(&readied));
        if let Err(problem) = wanted.check(&about) {
            return Ok(Awaited::Settled(outcome(&about, Err(problem))));
        }
        let (answer_to, answer) = oneshot::channel();
        let item = Item {
            ticket: ticket.clone(),
            payload: Payload::Instance(readied),
            answer_to,
        };
        self.shared
            .queue
            .send(item)
            .await
            .map_err(|_| IngestError::NotStored)?;
        Ok(Awaited::Committing(about, answer))
    }
}

fn read(held: Held) -> Prepared {
    let kind = match held.part.head() {
        Ok(head) => overread_dicom::sniff(&head),
        Err(_) => ContentKind::Other,
    };
    match kind {
        ContentKind::Part10 | ContentKind::NoPreamble => prepare::prepare(held, kind),
        _ => Prepared::Unusable(DicomProblem {
            kind: ProblemKind::NotDicom,
            message: "not a DICOM file".to_owned(),
        }),
    }
}

fn refused(kind: ProblemKind, message: impl Into<String>) -> Awaited {
    Awaited::Settled(StowOutcome {
        sop_class_uid: None,
        sop_instance_uid: None,
        study_instance_uid: None,
        series_instance_uid: None,
        result: Err(DicomProblem {
            kind,
            message: message.into(),
        }),
        is_damaged: false,
    })
}

fn outcome(about: &AboutInstance, result: Result<Stowed, DicomProblem>) -> StowOutcome {
    StowOutcome {
        sop_class_uid: Some(about.sop_class_uid.clone()),
        sop_instance_uid: Some(about.sop_instance_uid.clone()),
        study_instance_uid: Some(about.study_instance_uid.clone()),
        series_instance_uid: Some(about.series_instance_uid.clone()),
        result,
        is_damaged: !about.problems.is_empty(),
    }
}

fn answered(about: &AboutInstance, answer: Answer) -> Result<Answered, IngestError> {
    let Answer::Instance(entered) = answer else {
        return Err(answer.why_not());
    };
    let mut known = None;
    let result = match entered.entered {
        Entered::Stored(_) => Ok(Stowed::Stored),
        Entered::Duplicate(study) => {
            known = Some(study);
            Ok(Stowed::Duplicate)
        }
        ref other => {
            let (kind, message) =
                commit::aside(other).unwrap_or((ProblemKind::Conflict, "kept aside"));
            Err(DicomProblem {
                kind,
                message: message.to_owned(),
            })
        }
    };
    Ok((outcome(about, result), known))
}
