//! The request after it was sent: every answer as text, and a way to correct it with a reason.

use askama::Template;
use axum::extract::{Path, State};
use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_workflow::asking::{self, AskStep, AskView, Why, fields};
use overread_workflow::sessions::SignedIn;
use serde_json::Value;

use super::choices::Choices;
use super::{Frame, SCREENS, Screen, ScreenPage, Typed, named, view};
use crate::errors::PageResult;
use crate::forms::{Posted, Problems, Signed, to_correct};
use crate::pages::InCase;
use crate::shell::{CasePlace, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::day_of;

/// Name of the field that says why; `reason` is an answer of its own.
const WHY_FIELD: &str = "correction_reason";

/// The answers of one screen.
struct Part {
    key: &'static str,
    title: &'static str,
    answers: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "ask/sent.html")]
struct SentPage {
    shell: Shell,
    path: String,
    parts: Vec<Part>,
    urgency: &'static str,
    may_correct: bool,
    /// That images are of the other side, in words.
    other_side: Option<String>,
    /// Which answers in own words are of another place or side than the scan.
    differing_answers: Vec<String>,
    scan_path: String,
    complaint_path: String,
    reason_path: String,
    /// It ended as an emergency before it was sent.
    emergency: bool,
}

/// Returns where the answers of a sent request stand.
pub(super) fn path_of(case_id: &CaseId) -> String {
    format!("/cases/{case_id}/ask/answers")
}

pub(super) async fn answers(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    let view = view(&state, &session, &case_id).await?;
    if !view.sent {
        return Ok(go(&format!("/cases/{case_id}/ask/who")));
    }
    let other_side = match view.may_correct {
        true => asking::other_side(&state.workflow, &session.actor, &case_id, state.now()).await?,
        false => None,
    };
    let choices = Choices::new(&state, session.role == Role::Coordinator);
    let parts = SCREENS.iter().map(|screen| Part {
        key: screen.key,
        title: screen.title_for(&session),
        answers: screen.answers(&view, &choices),
    });
    page(&SentPage {
        shell: in_case(&state, &session, &case_id, "What was asked").await,
        path: format!("/cases/{case_id}/ask"),
        other_side,
        differing_answers: match view.may_correct {
            true => view.differing_answers.clone(),
            false => Vec::new(),
        },
        scan_path: format!("/cases/{case_id}/ask/exam/correct"),
        complaint_path: format!("/cases/{case_id}/ask/question/correct"),
        reason_path: format!("/cases/{case_id}/ask/why/correct"),
        parts: parts.collect(),
        urgency: super::choices::urgency(view.urgency_level.as_deref()),
        may_correct: view.may_correct,
        emergency: view.emergency,
    })
}

async fn in_case(
    state: &WebState,
    session: &SignedIn,
    case_id: &CaseId,
    title: &'static str,
) -> Shell {
    let shell = Shell::in_case(state, session, title, case_id, CasePlace::Other).await;
    shell.narrow()
}

impl Screen {
    /// Returns what was answered on this screen, in words; what was left empty is left out.
    fn answers(&self, view: &AskView, choices: &Choices) -> Vec<(&'static str, String)> {
        let part = match self.part {
            "who" => serde_json::to_value(&view.who),
            "exam" => serde_json::to_value(&view.exam),
            "why" => serde_json::to_value(&view.why),
            _ => serde_json::to_value(&view.urgency),
        };
        let Ok(part) = part else { return Vec::new() };
        let fields = self.fields.iter().filter(|field| **field != "red_flags");
        fields
            .map(|field| {
                let value = part.get(*field).unwrap_or(&Value::Null);
                (fields::name(field), in_words(field, value, choices))
            })
            .filter(|(_, words)| !words.is_empty())
            .collect()
    }
}

fn in_words(field: &str, value: &Value, choices: &Choices) -> String {
    match value {
        Value::Bool(true) => "Yes".to_owned(),
        Value::Array(ids) => {
            let ids: Vec<String> = ids
                .iter()
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect();
            choices.trigger_texts(&ids).join("\n")
        }
        Value::String(text) if text.trim().is_empty() => String::new(),
        Value::String(text) => match field {
            "patient_birth_date" | "date" | "treatment_date" => day_of(text),
            _ => choices.words(field, text).unwrap_or(text).to_owned(),
        },
        _ => String::new(),
    }
}

pub(super) async fn show_correction(
    State(state): State<WebState>,
    Signed(session): Signed,
    Path(path): Path<(String, String)>,
) -> PageResult {
    let (case_id, _, screen) = named(path)?;
    let view = view(&state, &session, &case_id).await?;
    if !view.may_correct {
        return Ok(go(&path_of(&case_id)));
    }
    page(&correction(&state, &session, screen, view).await)
}

async fn correction(
    state: &WebState,
    session: &SignedIn,
    screen: &Screen,
    view: AskView,
) -> ScreenPage {
    let shell = in_case(state, session, &view.case_id, "Correct the request").await;
    let place = (screen.key, screen.title_for(session), screen.step);
    let (_, mut frame) = Frame::new(state, session, &view, place);
    frame.correcting = true;
    let mut why = view.why;
    let sided = match screen.key {
        "exam" => view.sided_answers,
        _ => Vec::new(),
    };
    let sided = sided.into_iter().filter_map(|key| {
        let text = std::mem::take(sided_answer(&mut why, key)?);
        Some((key, frame.label(key), text))
    });
    let sided = sided.collect();
    ScreenPage {
        sided,
        shell,
        frame,
        flags: Vec::new(),
        who: view.who,
        exam: view.exam,
        why,
        urgency: view.urgency,
        correction_reason: String::new(),
    }
}

/// Returns an answer that may be corrected together with the side of the scan.
fn sided_answer<'a>(why: &'a mut Why, key: &str) -> Option<&'a mut String> {
    match key {
        "symptoms" => Some(&mut why.symptoms),
        "reason" => Some(&mut why.reason),
        "question" => Some(&mut why.question),
        "diagnosis" => Some(&mut why.diagnosis),
        _ => None,
    }
}

/// Returns the reasons with what was typed beside the scan.
fn typed_beside(view: &AskView, typed: &Typed) -> Why {
    let mut why = view.why.clone();
    for key in &view.sided_answers {
        let text = typed.get(*key).and_then(|list| list.first());
        if let (Some(answer), Some(text)) = (sided_answer(&mut why, key), text) {
            answer.clone_from(text);
        }
    }
    why
}

pub(super) async fn correct(
    State(state): State<WebState>,
    Path(path): Path<(String, String)>,
    Posted {
        session,
        version,
        form,
    }: Posted<Typed>,
) -> PageResult {
    let (case_id, _, screen) = named(path)?;
    let mut view = view(&state, &session, &case_id).await?;
    let step = screen.step(&view, &form)?;
    let mut steps = vec![step.clone()];
    if screen.key == "exam" {
        let why = typed_beside(&view, &form);
        view.why.clone_from(&why);
        steps.push(AskStep::Why(why));
    }
    let first = form.get(WHY_FIELD).and_then(|list| list.first());
    let reason = first.cloned().unwrap_or_default();
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let done = asking::correct_together(ctx, actor, &case_id, version, steps, &reason, now).await;
    let Err(problems) = to_correct(done)? else {
        return Ok(go(&path_of(&case_id)));
    };
    match step {
        AskStep::Who(who) => view.who = who,
        AskStep::Exam(exam) => view.exam = exam,
        AskStep::Why(why) => view.why = why,
        AskStep::Urgency(urgency) => view.urgency = urgency,
    }
    let mut page = correction(&state, &session, screen, view).await;
    page.frame.problems = on_screen(problems, screen);
    page.correction_reason = reason;
    page_to_correct(&page)
}

/// Names the fields as this screen has them; what stands on another screen is told without a link.
fn on_screen(mut problems: Problems, screen: &Screen) -> Problems {
    let prefix = format!("{}.", screen.part);
    for problem in &mut problems.0 {
        let own = problem.field.strip_prefix(&prefix).map(str::to_owned);
        problem.field = match own {
            None if problem.field == "reason" => WHY_FIELD.to_owned(),
            Some(field) if screen.fields.contains(&field.as_str()) => field,
            _ => String::new(),
        };
    }
    problems
}

#[cfg(test)]
mod tests {
    use overread_workflow::asking::fields;

    use super::super::SCREENS;

    #[test]
    fn every_field_of_a_screen_has_a_name() {
        for screen in &SCREENS {
            for field in screen.fields {
                assert!(!fields::label(field).is_empty(), "{field}");
            }
        }
    }
}
