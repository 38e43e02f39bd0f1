//! Correcting a request that was sent: by the asking side until the records are accepted, by a coordinator until the
//! result is out. Every correction has a reason, and the answer before stays in the timeline.

use overread_model::access::{Actor, Right};
use overread_model::case::{CaseRole, CaseState};
use overread_model::ids::CaseId;
use overread_model::intake::UrgencyLevel;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::{Tx, checks, timeline};
use serde::Serialize;

use super::fields::{self, is_coded, name};
use super::{
    AskStep, Urgency, check_choices, check_lengths, fill_columns, opposite_sides_of, problems_of,
    tidy_region,
};
use crate::casework::{self, CaseFile, Intake, checked_reason};
use crate::{FieldProblem, StepError, StepResult, Workflow, cases, checking, reading, records};

/// Says whether this reader may correct what was sent.
pub(crate) fn may_correct(file: &CaseFile) -> bool {
    let asker_may = matches!(
        file.state,
        CaseState::ConsentPending
            | CaseState::RecordsCollecting
            | CaseState::RecordsCheck
            | CaseState::RecordsDeficient
    );
    file.rights.contains(&Right::AddRecords)
        && !reading::is_before_lock(file)
        && ((asker_may && file.wears(CaseRole::Requester))
            || (is_correctable(file) && file.wears(CaseRole::Coordinator)))
}

/// Says whether what was sent may be corrected at all: the result is not out and the case goes on.
pub(crate) fn is_correctable(file: &CaseFile) -> bool {
    file.state != CaseState::Draft && !file.state.is_end() && file.row.delivered_at.is_none()
}

/// Corrects one step of a request that was sent; who asks stays as it is, and emergencies are not told here.
///
/// What was decided and waved through about the patient's identity counts no more when the patient's name or birth date
/// changes, images that do not fit any more are held back, and what was waved through about another exam or side not when the answers about the exam change.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` without a reason, without a change, or for an answer that is missing or
/// wrong (its field as in [`super::AskView::problems`]).
pub async fn correct(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    step: AskStep,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    correct_together(ctx, actor, case_id, version, vec![step], reason, now).await
}

/// Corrects several steps at once, as [`correct`] does one: the side of a scan, and the answers that name it.
///
/// # Errors
/// As [`correct`].
pub async fn correct_together(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    steps: Vec<AskStep>,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_correct(&file) {
        return Err(StepError::Forbidden);
    }
    file.expect(version)?;
    correct_in(&mut tx, ctx, &mut file, actor, steps, reason, now).await?;
    if file.facts.records.study_count > 0 {
        checking::judge(&mut tx, ctx, &mut file, now).await?;
        checking::settle(&mut tx, ctx, &mut file, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Corrects steps of the request within a step that is larger; the caller has checked that the actor may, and judges and settles the case.
pub(crate) async fn correct_in(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    actor: &Actor,
    steps: Vec<AskStep>,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let mut problems: Vec<FieldProblem> = match checked_reason(reason) {
        Err(StepError::Invalid(problems)) => problems,
        _ => Vec::new(),
    };
    let before = file.intake.clone();
    let known_problems = problems_of(ctx, &before, now);
    for mut step in steps {
        check_lengths(&step)?;
        tidy_region(ctx, &mut step);
        check_choices(ctx, &step)?;
        put(&mut file.intake, step)?;
    }
    let new_problems = problems_of(ctx, &file.intake, now);
    problems.extend(
        new_problems
            .into_iter()
            .filter(|problem| !known_problems.contains(problem)),
    );
    // What was sent before may have both sides; who corrects the exam must not leave them.
    if before.exam != file.intake.exam
        && let Some(both) = opposite_sides_of(ctx, &file.intake.exam)
        && !problems.contains(&both)
    {
        problems.push(both);
    }
    crate::error::refuse_if_any(problems)?;
    let changes = changes(ctx, &before, &file.intake)?;
    if changes.is_empty() {
        return Err(StepError::invalid("", "Nothing was changed."));
    }
    refresh(ctx, file, now)?;
    let (old, new) = (&before.who, &file.intake.who);
    if old.patient_name != new.patient_name || old.patient_birth_date != new.patient_birth_date {
        file.row.identity_confirmed = 0;
        file.facts.records.identity_confirmed = false;
        checking::end_identity(tx, &file.case_id, now).await?;
        checks::outdate_confirmed(tx, &file.case_id).await?;
        // What is in the case may name somebody else now.
        records::hold_strangers(tx, ctx, file, now).await?;
    }
    if before.exam != file.intake.exam {
        checking::end_other_exam(tx, &file.case_id, now).await?;
    }
    file.save(tx).await?;
    tell(tx, actor, file, &changes, reason.trim(), now).await
}

fn put(intake: &mut Intake, step: AskStep) -> StepResult<()> {
    match step {
        AskStep::Who(mut who) => {
            who.requester.clone_from(&intake.who.requester);
            intake.who = who;
        }
        AskStep::Exam(exam) => intake.exam = exam,
        AskStep::Why(why) => intake.why = why,
        AskStep::Urgency(answers) if !answers.red_flags.is_empty() => {
            return Err(StepError::invalid(
                "red_flags",
                "This points to an emergency, and a second opinion is too slow for it. Call for help now.",
            ));
        }
        AskStep::Urgency(answers) => {
            intake.urgency = Urgency {
                answered: true,
                ..answers
            }
        }
    }
    Ok(())
}

/// Sets the columns anew; how soon it is needed is only ever raised by a correction.
fn refresh(ctx: &Workflow, file: &mut CaseFile, now: Timestamp) -> StepResult<()> {
    let (level_before, treatment_before) = (file.facts.urgency, file.facts.treatment_on);
    fill_columns(file, now)?;
    let level: UrgencyLevel = file.facts.urgency.max(level_before);
    file.row.urgency = level.as_str().to_owned();
    file.facts.urgency = level;
    if level == level_before && file.facts.treatment_on == treatment_before {
        return Ok(());
    }
    let due_before = file.row.due_at;
    cases::set_due(ctx, file);
    // A clock that stood still a while keeps what was left of it; only a treatment that is later gives more time.
    let is_put_off = treatment_before
        .is_some_and(|before| file.facts.treatment_on.is_none_or(|day| day > before));
    if !is_put_off && let Some(before) = due_before {
        file.row.due_at = Some(file.row.due_at.map_or(before, |due_at| due_at.min(before)));
    }
    Ok(())
}

/// One answer that differs: its name, before, now; both empty for a choice from a list.
struct Change {
    field: &'static str,
    before: String,
    now: String,
}

fn changes(ctx: &Workflow, before: &Intake, now: &Intake) -> StepResult<Vec<Change>> {
    let mut changes = Vec::new();
    compare(&mut changes, &before.who, &now.who)?;
    compare(&mut changes, &before.exam, &now.exam)?;
    compare(&mut changes, &before.why, &now.why)?;
    compare(&mut changes, &before.urgency, &now.urgency)?;
    for change in &mut changes {
        if change.field == "triggers" {
            change.before = trigger_words(ctx, &before.why.triggers);
            change.now = trigger_words(ctx, &now.why.triggers);
        }
    }
    Ok(changes)
}

fn trigger_words(ctx: &Workflow, ids: &[String]) -> String {
    let triggers = &ctx.knowledge.intake.triggers;
    let named = triggers.iter().filter(|trigger| ids.contains(&trigger.id));
    named
        .map(|trigger| trigger.en.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}

fn compare<T: Serialize>(changes: &mut Vec<Change>, before: &T, now: &T) -> StepResult<()> {
    let value = |part: &T| serde_json::to_value(part).map_err(StepError::internal);
    let (before, now) = (value(before)?, value(now)?);
    for field in fields::keys() {
        let (old, new) = (before.get(field), now.get(field));
        if old == new {
            continue;
        }
        let text = |value: Option<&serde_json::Value>| {
            let text = value.and_then(serde_json::Value::as_str);
            let shown = text.filter(|_| !is_coded(field));
            shown.unwrap_or_default().trim().to_owned()
        };
        changes.push(Change {
            field,
            before: text(old),
            now: text(new),
        });
    }
    Ok(())
}

/// The event of a correction, on the timeline and in the audit.
pub(crate) const CORRECTED: &str = "case.corrected";

/// Writes the timeline line with the answers before, and the audit row with the names of the fields alone.
async fn tell(
    tx: &mut Tx,
    actor: &Actor,
    file: &CaseFile,
    changes: &[Change],
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let mut lines = vec![reason.to_owned()];
    for change in changes {
        let name = name(change.field);
        lines.push(match (change.before.as_str(), change.now.as_str()) {
            ("", "") => format!("{name}: changed"),
            ("", now) => format!("{name}: now {now}"),
            (before, "") => format!("{name}: before {before}, now nothing"),
            (before, now) => format!("{name}: before {before}, now {now}"),
        });
    }
    let state = file.state.as_str();
    let line = timeline::NewLine {
        event: CORRECTED,
        from_state: state,
        to_state: state,
        what: "The request was corrected",
        note: &lines.join("\n"),
        staff_only: false,
    };
    timeline::add(tx, actor, &file.case_id, &line, now).await?;
    let fields: Vec<&str> = changes.iter().map(|change| change.field).collect();
    let event = AuditEvent::new(CORRECTED)
        .in_case(&file.case_id)
        .with(serde_json::json!({ "fields": fields }));
    Ok(audit::record(tx, actor, &event, now).await?)
}
