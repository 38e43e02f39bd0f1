//! What every step on a case shares: who may do what, loading the facts, and the one way in which a case moves.

use overread_model::access::{Actor, Right, Role};
use overread_model::case::{
    self, CaseEvent, CaseFacts, CaseRole, CaseState, Effect, Ties, Transition,
};
use overread_model::ids::{CaseId, PersonId};
use overread_model::text::is_blank;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::cases::{self, CaseRow};
use overread_store::review_tasks::{self, TaskRow};
use overread_store::{Tx, grants, timeline, work_items};
use serde::{Deserialize, Serialize};

use crate::asking::{Exam, Urgency, Who, Why};
use crate::{StepError, StepResult, Workflow, consenting, facts, limits, news, reading};

/// Everything the wizard asked.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Intake {
    pub(crate) who: Who,
    pub(crate) exam: Exam,
    pub(crate) why: Why,
    pub(crate) urgency: Urgency,
}

/// A case as a step works on it.
pub(crate) struct CaseFile {
    pub(crate) case_id: CaseId,
    pub(crate) row: CaseRow,
    pub(crate) state: CaseState,
    pub(crate) intake: Intake,
    pub(crate) facts: CaseFacts,
    pub(crate) hats: Vec<CaseRole>,
    pub(crate) rights: Vec<Right>,
    pub(crate) task: Option<TaskRow>,
    /// The actor is the reviewer who was asked and has not accepted: may see the offer and nothing else.
    pub(crate) offer_only: bool,
    /// The actor is who was chosen to read the case, in whatever role they are here, or has the role of a reviewer.
    pub(crate) reads: bool,
}

/// Returns the most a role may do in a case, whatever was granted.
pub(crate) fn ceiling(role: Role) -> &'static [Right] {
    use Right::{
        Acknowledge, AddRecords, ViewCase, ViewDocuments, ViewImages, ViewReport, WriteLetters,
        WriteReport,
    };
    match role {
        Role::Patient | Role::Representative => &[
            ViewCase,
            ViewImages,
            ViewDocuments,
            AddRecords,
            WriteLetters,
            ViewReport,
        ],
        Role::ReferringPhysician => &[
            ViewCase,
            ViewImages,
            ViewDocuments,
            AddRecords,
            WriteLetters,
            ViewReport,
            Acknowledge,
        ],
        Role::Insurer => &[ViewCase, AddRecords, WriteLetters, ViewReport],
        Role::Coordinator => &[
            ViewCase,
            ViewImages,
            ViewDocuments,
            AddRecords,
            WriteLetters,
            ViewReport,
        ],
        Role::Reviewer => &[ViewCase, ViewImages, ViewDocuments, WriteReport, ViewReport],
        Role::Archive => &[ViewCase, ViewImages, AddRecords],
        Role::Administrator => &[],
    }
}

/// Returns what the actor may do in the case: role and grant together.
pub(crate) async fn rights(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<Vec<Right>> {
    let Some(role) = actor.role() else {
        return Ok(if *actor == Actor::System {
            Right::ALL.to_vec()
        } else {
            Vec::new()
        });
    };
    let mut most = ceiling(role).to_vec();
    // An account let in to treat or to insure does not come to stand for the patient by a role it has elsewhere.
    if let (Actor::Person { person_id, .. }, Role::Patient | Role::Representative) = (actor, role) {
        let ties = grants::ties_of(tx, case_id, person_id.as_str()).await?;
        if !ties.iter().any(|tie| tie == "asked") {
            return Ok(Vec::new());
        }
    }
    // An insurer sees the case only while the patient allows it; what it asked itself it goes on seeing, but not the result.
    if role == Role::Insurer && !consenting::is_given(tx, case_id, consenting::INSURER, now).await?
    {
        let row = cases::find(tx, case_id).await?;
        if row.is_none_or(|row| row.created_by != actor.id()) {
            return Ok(Vec::new());
        }
        most.retain(|right| *right != Right::ViewReport);
    }
    if actor.sees_every_case() {
        return Ok(most);
    }
    let granted = grants::rights_of(tx, actor, case_id, now).await?;
    most.retain(|right| granted.contains(right));
    Ok(most)
}

/// Returns the person behind the actor; machines and links have none.
pub(crate) fn person_of(actor: &Actor) -> StepResult<&PersonId> {
    match actor {
        Actor::Person { person_id, .. } => Ok(person_id),
        _ => Err(StepError::Forbidden),
    }
}

/// Says whether the actor belongs to the staff, who see internal lines.
pub(crate) fn is_staff(actor: &Actor) -> bool {
    matches!(actor.role(), Some(Role::Coordinator | Role::Reviewer)) || *actor == Actor::System
}

/// Loads a case with everything a decision needs; what the actor may not see is `NotFound`.
pub(crate) async fn load(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<CaseFile> {
    let file = load_or_offer(tx, actor, case_id, now).await?;
    if file.offer_only {
        Err(StepError::NotFound)
    } else {
        Ok(file)
    }
}

/// Loads a case also for the reviewer who was asked and has not accepted.
pub(crate) async fn load_or_offer(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<CaseFile> {
    let row = cases::find(tx, case_id).await?.ok_or(StepError::NotFound)?;
    let task = review_tasks::current(tx, case_id).await?;
    let rights = rights(tx, actor, case_id, now).await?;
    let reviews = is_reviewer_of(actor, task.as_ref());
    let offered = task.as_ref().is_some_and(|task| task.state == "offered");
    let offer_only = !rights.contains(&Right::ViewCase);
    if offer_only && !(reviews && offered) {
        return Err(StepError::NotFound);
    }
    let state: CaseState = row.state.parse().map_err(StepError::internal)?;
    if state == CaseState::Draft && row.created_by != actor.id() && *actor != Actor::System {
        return Err(StepError::NotFound);
    }
    let intake: Intake = serde_json::from_str(&row.intake).map_err(StepError::internal)?;
    let reads = actor.role() == Some(Role::Reviewer) || is_person_of(actor, task.as_ref());
    let hats = CaseRole::worn_by(actor, ties(tx, actor, case_id, reviews).await?);
    let facts = facts::gather(tx, &row, &intake, task.as_ref(), now).await?;
    let case_id = case_id.clone();
    let mut file = CaseFile {
        case_id,
        row,
        state,
        intake,
        facts,
        hats,
        rights,
        task,
        offer_only,
        reads,
    };
    // Papers may tell of the first reading: who reads decides on none before the lock.
    if reading::is_before_lock(&file) {
        file.facts.records.held_paper_count = 0;
    }
    Ok(file)
}

fn is_person_of(actor: &Actor, task: Option<&TaskRow>) -> bool {
    matches!(actor, Actor::Person { .. })
        && task.is_some_and(|task| task.person_id.as_deref() == Some(actor.id()))
}

fn is_reviewer_of(actor: &Actor, task: Option<&TaskRow>) -> bool {
    actor.role() == Some(Role::Reviewer)
        && is_person_of(actor, task)
        && task.is_some_and(|task| task.state != "chosen")
}

async fn ties(tx: &mut Tx, actor: &Actor, case_id: &CaseId, reviews: bool) -> StepResult<Ties> {
    let Actor::Person { person_id, .. } = actor else {
        return Ok(Ties::default());
    };
    let words = grants::ties_of(tx, case_id, person_id.as_str()).await?;
    let has = |word: &str| words.iter().any(|tie| tie == word);
    Ok(Ties {
        asked: has("asked"),
        reviews,
        refers_or_treats: has("treats"),
        insures: has("insures"),
    })
}

impl CaseFile {
    /// Refuses an actor without this right.
    pub(crate) fn require(&self, right: Right) -> StepResult<()> {
        if self.rights.contains(&right) {
            Ok(())
        } else {
            Err(StepError::Forbidden)
        }
    }

    /// Refuses when somebody else changed the case since the page was made.
    pub(crate) fn expect(&self, version: i64) -> StepResult<()> {
        if self.row.version == version {
            Ok(())
        } else {
            Err(StepError::Stale)
        }
    }

    /// Says whether the actor wears a hat in this case.
    pub(crate) fn wears(&self, hat: CaseRole) -> bool {
        self.hats.contains(&hat)
    }

    /// Refuses an actor who does not wear the hat.
    pub(crate) fn require_hat(&self, hat: CaseRole) -> StepResult<()> {
        if self.wears(hat) {
            Ok(())
        } else {
            Err(StepError::Forbidden)
        }
    }

    /// Refuses when the case is not in one of these states.
    pub(crate) fn require_state(&self, states: &[CaseState], message: &str) -> StepResult<()> {
        if states.contains(&self.state) {
            Ok(())
        } else {
            Err(StepError::invalid("", message))
        }
    }

    /// Returns the task in hand when the actor is its reviewer and has accepted.
    pub(crate) fn own_task(&self) -> StepResult<&TaskRow> {
        let task = self
            .task
            .as_ref()
            .filter(|task| task.state == "accepted" || task.state == "done");
        match task {
            Some(task) if self.wears(CaseRole::Reviewer) => Ok(task),
            _ => Err(StepError::Forbidden),
        }
    }

    /// Saves changed columns under the version that was read.
    pub(crate) async fn save(&mut self, tx: &mut Tx) -> StepResult<()> {
        if !cases::update(tx, &self.row).await? {
            return Err(StepError::Stale);
        }
        self.row.version += 1;
        Ok(())
    }
}

/// What is said along with a move.
#[derive(Default, Clone, Copy)]
pub(crate) struct Said<'a> {
    /// Reason or remark; may be empty.
    pub(crate) note: &'a str,
    /// Only for staff.
    pub(crate) staff_only: bool,
}

/// Moves the case, if the rules allow it: state, clocks, timeline, audit, grants and news in this transaction.
pub(crate) async fn apply(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    actor: &Actor,
    event: CaseEvent,
    said: Said<'_>,
    now: Timestamp,
) -> StepResult<Transition> {
    let moved = case::decide(
        file.state,
        event,
        &file.hats,
        &file.facts,
        &ctx.config.calendar,
        now,
    )?;
    let row = &mut file.row;
    if moved.from != moved.to {
        row.state_since = now.as_micros();
    }
    row.state = moved.to.as_str().to_owned();
    row.held_from = moved.held_from.map(|state| state.as_str().to_owned());
    row.expired_at = moved.expired_at.map(Timestamp::as_micros);
    row.due_at = moved.clocks.due_at.map(Timestamp::as_micros);
    row.review_left_seconds = moved.clocks.review_left_seconds;
    row.hold_left_seconds = moved.clocks.hold_left_seconds;
    row.ended_at = moved.to.is_end().then_some(now.as_micros());
    for effect in &moved.effects {
        bring_about(tx, file, actor, *effect, now).await?;
    }
    file.save(tx).await?;
    tell_readiness(tx, file, &moved, now).await?;
    (file.state, file.facts.clocks, file.facts.held_from) =
        (moved.to, moved.clocks, moved.held_from);
    let line = timeline::NewLine {
        event: event.as_str(),
        from_state: moved.from.as_str(),
        to_state: moved.to.as_str(),
        what: news::happened(event),
        note: said.note,
        staff_only: said.staff_only,
    };
    timeline::add(tx, actor, &file.case_id, &line, now).await?;
    let (code, kind, action) = moved.audit.codes();
    let detail = serde_json::json!({
        "event": event.as_str(), "from": moved.from.as_str(), "to": moved.to.as_str(),
        "acted_as": moved.acted_as.as_str(), "dicom": {"id": code, "type": kind, "action": action},
    });
    audit::record(
        tx,
        actor,
        &AuditEvent::new("case.moved")
            .in_case(&file.case_id)
            .with(detail),
        now,
    )
    .await?;
    news::tell(tx, ctx, file, &moved, now).await?;
    Ok(moved)
}

/// Tells the reading workstation when an accepted read must wait, and when it goes on.
async fn tell_readiness(
    tx: &mut Tx,
    file: &CaseFile,
    moved: &Transition,
    now: Timestamp,
) -> StepResult<()> {
    let goes_on = |state| matches!(state, CaseState::InReview | CaseState::ReportPreliminary);
    let waits = matches!(moved.to, CaseState::InfoRequested | CaseState::OnHold);
    if goes_on(moved.from) == goes_on(moved.to) || !(waits || goes_on(moved.to)) {
        return Ok(());
    }
    let is_ready = goes_on(moved.to);
    Ok(work_items::tell_readiness(tx, &file.case_id, is_ready, now).await?)
}

/// Does what follows from a move in the same transaction; what belongs to one step only is done there.
async fn bring_about(
    tx: &mut Tx,
    file: &mut CaseFile,
    actor: &Actor,
    effect: Effect,
    now: Timestamp,
) -> StepResult<()> {
    match effect {
        Effect::CreateCaseNumber if file.row.number.is_none() => {
            let year = i64::from(now.date().year());
            let number = cases::next_number(tx, year).await?;
            file.row.number = Some(format!("{year}-{number:05}"));
            file.row.submitted_at = Some(now.as_micros());
        }
        Effect::RevokeAllButRequester => {
            grants::revoke_all_but_askers(tx, &file.case_id, now).await?;
            overread_store::links::revoke_all(tx, &file.case_id, now).await?;
            end_task(tx, file, "withdrawn", now).await?;
        }
        Effect::SuspendReviewerGrants => {
            grants::revoke_all_but_askers(tx, &file.case_id, now).await?;
            overread_store::links::revoke_all(tx, &file.case_id, now).await?;
        }
        Effect::RevokeReviewerGrants => revoke_reviewer(tx, file, now).await?,
        Effect::ActivateReviewerGrant => give_reviewer(tx, file, actor, None, now).await?,
        Effect::ReleaseReport => {
            file.row.delivered_at = Some(now.as_micros());
            let until = now.plus_days(limits::REVIEWER_GRANT_DAYS_AFTER_DELIVERY);
            if let Some(person) = file.task.as_ref().and_then(|task| task.person_id.clone()) {
                grants::set_end(tx, &file.case_id, &person, until).await?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Ends the task in hand.
pub(crate) async fn end_task(
    tx: &mut Tx,
    file: &CaseFile,
    state: &'static str,
    now: Timestamp,
) -> StepResult<()> {
    match &file.task {
        Some(task) if task.state != "done" => {
            Ok(review_tasks::end(tx, &task.id, state, "", now).await?)
        }
        _ => Ok(()),
    }
}

/// Gives the accepted reviewer what reading needs.
pub(crate) async fn give_reviewer(
    tx: &mut Tx,
    file: &CaseFile,
    actor: &Actor,
    until_at: Option<Timestamp>,
    now: Timestamp,
) -> StepResult<()> {
    let Some(person) = file
        .task
        .as_ref()
        .and_then(|task| task.person_id.as_deref())
    else {
        return Ok(());
    };
    let grant = grants::NewGrant {
        case_id: &file.case_id,
        subject_kind: "person",
        subject_id: person,
        rights: ceiling(Role::Reviewer),
        until_at,
    };
    Ok(grants::give(tx, grant, actor, now).await?)
}

/// Takes from the reviewer what reading needed, unless the same person also asked.
pub(crate) async fn revoke_reviewer(
    tx: &mut Tx,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<()> {
    let Some(person) = file
        .task
        .as_ref()
        .and_then(|task| task.person_id.as_deref())
    else {
        return Ok(());
    };
    if !grants::ties_of(tx, &file.case_id, person)
        .await?
        .iter()
        .any(|tie| tie == "asked")
    {
        grants::revoke_of(tx, &file.case_id, "person", person, now).await?;
    }
    Ok(())
}

/// Writes a line that is no move, with its audit row.
pub(crate) async fn note(
    tx: &mut Tx,
    file: &CaseFile,
    actor: &Actor,
    event: &'static str,
    what: &str,
    said: Said<'_>,
    now: Timestamp,
) -> StepResult<()> {
    let state = file.state.as_str();
    let line = timeline::NewLine {
        event,
        from_state: state,
        to_state: state,
        what,
        note: said.note,
        staff_only: said.staff_only,
    };
    timeline::add(tx, actor, &file.case_id, &line, now).await?;
    Ok(audit::record(
        tx,
        actor,
        &AuditEvent::new(event).in_case(&file.case_id),
        now,
    )
    .await?)
}

/// Notes that the actor has read something of the case, with its audit row.
pub(crate) async fn note_read(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    what: &'static str,
    now: Timestamp,
) -> StepResult<()> {
    timeline::note_read(tx, actor, case_id, what, now).await?;
    let event = AuditEvent::new("case.read")
        .in_case(case_id)
        .on("part", what);
    Ok(audit::record(tx, actor, &event, now).await?)
}

/// Makes a new id of any of our kinds.
pub(crate) fn new_id<T>(make: impl FnOnce([u8; 16]) -> T) -> StepResult<T> {
    Ok(make(crate::secrets::random::<16>()?))
}

/// Refuses a text that is too long, or missing when it is needed; returns it trimmed, and empty when nothing of it shows.
pub(crate) fn checked_text<'a>(
    field: &str,
    text: &'a str,
    limit: usize,
    needed: Option<&str>,
) -> StepResult<&'a str> {
    let text = if is_blank(text) { "" } else { text.trim() };
    if text.chars().count() > limit {
        return Err(StepError::invalid(
            field,
            format!("This is too long: at most {limit} characters."),
        ));
    }
    match needed {
        Some(message) if text.is_empty() => Err(StepError::invalid(field, message)),
        _ => Ok(text),
    }
}

/// Refuses a missing reason.
pub(crate) fn checked_reason(reason: &str) -> StepResult<&str> {
    checked_text(
        "reason",
        reason,
        limits::LONG_TEXT_CHARACTERS,
        Some("Write the reason."),
    )
}
