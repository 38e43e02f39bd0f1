//! What an answer may be, and what a request still lacks.

use overread_model::choosing::opposite_sides;
use overread_model::intake::{Request, check_request};
use overread_model::time::Timestamp;

use super::{AskStep, Exam};
use crate::casework::{Intake, checked_text};
use crate::{FieldProblem, StepError, StepResult, Workflow, limits};

/// Returns what keeps the request from being sent.
pub(super) fn problems_of(ctx: &Workflow, intake: &Intake, now: Timestamp) -> Vec<FieldProblem> {
    let Intake {
        who,
        exam,
        why,
        urgency,
    } = intake;
    let request = Request {
        requester: who.requester.parse().ok(),
        relation: &who.relation,
        authority: &who.authority,
        patient_name: &who.patient_name,
        patient_birth_date: &who.patient_birth_date,
        sender_name: &who.sender_name,
        sender_email: &who.sender_email,
        exam_name: &exam.name,
        exam_date: &exam.date,
        exam_facility: &exam.facility,
        symptoms: &why.symptoms,
        reason: &why.reason,
        question: &why.question,
        trigger_count: why.triggers.len(),
        red_flags_answered: urgency.answered,
        treatment_date: &urgency.treatment_date,
    };
    let mut problems = check_request(&request, now.date());
    let regions = &ctx.knowledge.regions;
    let region = who.patient_region.trim();
    // From physician to physician no licence of the patient's state is asked for.
    let needs_licence = who.requester != "referring_physician";
    if region.is_empty() && needs_licence {
        problems.push(FieldProblem::new(
            "who.patient_region",
            "Choose the state where the patient lives: the reviewer must be licensed there.",
        ));
    } else if !region.is_empty() && regions.code_of(region).as_deref() != Some(region) {
        problems.push(FieldProblem::new(
            "who.patient_region",
            "Choose the state from the list, or write the country and state as codes: US-WA, CA-ON, ES. Two letters that are both a state and a country, such as CA or DE, are not enough.",
        ));
    }
    problems.extend(opposite_sides_of(ctx, exam));
    problems
}

/// Refuses an exam whose name says one side of the body and whose part says the other: one of them is a slip, and a letter,
/// an offer or an operation could follow it.
pub(super) fn opposite_sides_of(ctx: &Workflow, exam: &Exam) -> Option<FieldProblem> {
    let (name, part) = opposite_sides(&exam.name, &exam.body_part, &ctx.knowledge.specialties)?;
    Some(FieldProblem::new(
        "exam.name",
        format!(
            "The name of the scan says {name}, the part of the body says {part}. Which side was scanned? Write the same one in both."
        ),
    ))
}

/// Writes the region as its code where it was typed by name.
pub(super) fn tidy_region(ctx: &Workflow, step: &mut AskStep) {
    if let AskStep::Who(who) = step
        && let Some(code) = ctx.knowledge.regions.code_of(&who.patient_region)
    {
        who.patient_region = code;
    }
}

/// Refuses what no form of ours sends: overlong texts.
pub(super) fn check_lengths(step: &AskStep) -> StepResult<()> {
    let value = match step {
        AskStep::Who(who) => serde_json::to_value(who),
        AskStep::Exam(exam) => serde_json::to_value(exam),
        AskStep::Why(why) => serde_json::to_value(why),
        AskStep::Urgency(urgency) => serde_json::to_value(urgency),
    };
    let value = value.map_err(StepError::internal)?;
    for (field, value) in value.as_object().into_iter().flatten() {
        let long = matches!(
            field.as_str(),
            "symptoms"
                | "reason"
                | "question"
                | "urgent_reason"
                | "sender_address"
                | "facility_address"
        );
        let limit = if long {
            limits::LONG_TEXT_CHARACTERS / 2
        } else {
            limits::SHORT_TEXT_CHARACTERS
        };
        if let Some(text) = value.as_str() {
            checked_text(field, text, limit, None)?;
        }
        if value
            .as_array()
            .is_some_and(|items| items.len() > limits::LIST_ITEMS)
        {
            return Err(StepError::invalid(field, "These are too many."));
        }
    }
    Ok(())
}

/// Refuses choices that no form of ours offers.
pub(super) fn check_choices(ctx: &Workflow, step: &AskStep) -> StepResult<()> {
    let tables = &ctx.knowledge.intake;
    let known = match step {
        AskStep::Why(why) => why
            .triggers
            .iter()
            .all(|id| tables.triggers.iter().any(|trigger| trigger.id == *id)),
        AskStep::Urgency(urgency) => urgency
            .red_flags
            .iter()
            .all(|id| tables.red_flags.items.iter().any(|flag| flag.id == *id)),
        AskStep::Who(_) | AskStep::Exam(_) => true,
    };
    if known {
        Ok(())
    } else {
        Err(StepError::invalid("", "Choose from the list."))
    }
}
