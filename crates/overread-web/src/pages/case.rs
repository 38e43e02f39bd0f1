//! One case: its journey, what is next, whose turn, by when.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use overread_model::access::{Right, Role};
use overread_model::time::Timestamp;
use overread_workflow::cases::{self, CaseView, Station, StationState};
use overread_workflow::keeping::{self, CaseKeeping};
use overread_workflow::reporting;
use overread_workflow::sessions::SignedIn;
use serde::Deserialize;

use super::InCase;
use crate::errors::PageResult;
use crate::forms::{Posted, Reason, Signed};
use crate::shell::{CasePlace, Shell, go, page};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}", get(show))
        .route("/cases/{case}/change", post(change))
        .route("/cases/{case}/answer", post(answer))
        .route("/cases/{case}/urgency", post(set_urgency))
}

/// A place in the case that this reader may open.
struct Door {
    title: &'static str,
    path: String,
    about: &'static str,
}

/// A change of state this reader may make here, with what it asks.
struct Change {
    event: &'static str,
    title: &'static str,
    about: &'static str,
}

#[derive(Template)]
#[template(path = "cases/case.html")]
struct CasePage {
    shell: Shell,
    path: String,
    view: CaseView,
    doors: Vec<Door>,
    changes: Vec<Change>,
    may_answer: bool,
    opens_records: bool,
    may_set_urgency: bool,
    levels: [(&'static str, &'static str); 3],
    patient_side: bool,
    /// How much the case holds, what of it is held or deleted.
    keeping: CaseKeeping,
    now: Timestamp,
}

impl CasePage {
    /// Says whose exam it is, when and where it was made, as far as this reader may know.
    fn whose_exam(&self) -> String {
        let (view, day) = (&self.view, crate::words::day_of);
        let mut whose = view.row.patient_name.clone();
        if !view.patient_birth_date.is_empty() {
            whose = format!("{whose}, born {}", day(&view.patient_birth_date));
        }
        let mut made = String::new();
        if !view.exam_date.is_empty() {
            made = format!("scan of {}", day(&view.exam_date));
        }
        let mut parts = vec![whose, made, view.facility.clone()];
        parts.retain(|part| !part.is_empty());
        parts.join(" · ")
    }

    /// Returns the class of a station: done, now (late when overdue), later.
    fn class(&self, station: &Station) -> &'static str {
        match station.state {
            StationState::Done => "is-done",
            StationState::Now if self.view.row.overdue => "is-now is-late",
            StationState::Now => "is-now",
            StationState::Later | StationState::Skipped => "is-next",
        }
    }

    /// Returns the state of a station in words.
    fn words(station: &Station) -> &'static str {
        match station.state {
            StationState::Done => "Done",
            StationState::Now => "Now",
            StationState::Later => "To come",
            StationState::Skipped => "Not needed",
        }
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    let now = state.now();
    let view = cases::journey(&state.workflow, &session.actor, &case_id, now).await?;
    if view.row.state == "draft" && view.next.as_ref().is_some_and(|next| next.yours) {
        return Ok(go(&format!("/cases/{case_id}/ask/who")));
    }
    let keeping = keeping::of_case(&state.workflow, &session.actor, &case_id, now).await?;
    let shell = Shell::in_case(
        &state,
        &session,
        &view.row.title,
        &case_id,
        CasePlace::Journey,
    )
    .await;
    page(&CasePage {
        shell,
        path: format!("/cases/{case_id}"),
        doors: doors(&session, &view, &format!("/cases/{case_id}")),
        changes: changes(&view.events),
        may_answer: view.events.iter().any(|event| event == "info_supplied"),
        opens_records: session.role == Role::Coordinator
            || view.rights.contains(&Right::ViewDocuments),
        may_set_urgency: session.role == Role::Coordinator && view.next.is_some(),
        levels: [
            ("standard", "Standard"),
            ("expedited", "Expedited"),
            ("urgent", "Urgent"),
        ],
        patient_side: !matches!(session.role, Role::Coordinator | Role::Reviewer),
        view,
        keeping,
        now,
    })
}

/// Whether somebody may open it, its title, the end of its address, and what is behind it.
type DoorRow = (bool, &'static str, &'static str, &'static str);

/// Lists what this reader may open, by right.
fn doors(session: &SignedIn, view: &CaseView, path: &str) -> Vec<Door> {
    let may = |right| session.role == Role::Coordinator || view.rights.contains(&right);
    let before_reading = doors_before_reading(session, view, may);
    let all = before_reading.into_iter().chain(doors_to_result(may));
    let door = |(open, title, tail, about): DoorRow| {
        let path = format!("{path}{tail}");
        open.then_some(Door { title, path, about })
    };
    all.filter_map(door).collect()
}

fn doors_before_reading(
    session: &SignedIn,
    view: &CaseView,
    may: impl Fn(Right) -> bool,
) -> [DoorRow; 7] {
    [
        (
            may(Right::AddRecords) && requester(session.role),
            "What was asked",
            "/ask/answers",
            about_answers(view.may_correct),
        ),
        (
            may(Right::ViewCase) && requester(session.role),
            "Consent",
            "/consent",
            "Who may see what, and until when",
        ),
        (
            session.role == Role::Coordinator,
            "People of this case",
            "/invite",
            "Who has joined, and inviting who is missing",
        ),
        (
            may(Right::ViewDocuments),
            "Records",
            "/records",
            "Images and papers: what is here, what is missing",
        ),
        (
            may(Right::WriteLetters) && may(Right::ViewDocuments),
            "Letters",
            "/letters",
            "Ask the hospital or a specialist, ready to send",
        ),
        (
            may(Right::WriteLetters),
            "Reviewer",
            "/reviewers",
            "Who fits this scan, and why",
        ),
        (
            may(Right::WriteLetters),
            "Cost",
            "/cost",
            "What it costs and who pays",
        ),
    ]
}

fn doors_to_result(may: impl Fn(Right) -> bool) -> [DoorRow; 4] {
    [
        (
            may(Right::ViewImages),
            "Images",
            "/viewer",
            "Look at the images in your browser",
        ),
        (
            may(Right::ViewReport) || may(Right::WriteReport),
            "Second report",
            "/report",
            "What the second reader wrote",
        ),
        (
            may(Right::ViewReport) || may(Right::WriteReport),
            "Comparison",
            "/concordance",
            "Both reports, line by line",
        ),
        (
            may(Right::WriteLetters) && may(Right::ViewReport),
            "Delivery",
            "/act",
            "Who has the result, who has read it",
        ),
    ]
}

const fn about_answers(may_correct: bool) -> &'static str {
    if may_correct {
        "The answers, and a way to correct them"
    } else {
        "The answers as they stand"
    }
}

fn requester(role: Role) -> bool {
    !matches!(role, Role::Reviewer)
}

fn changes(events: &[String]) -> Vec<Change> {
    let all = [
        ("hold", "Put on hold", "Clocks stop until it goes on."),
        ("resume", "Go on", "The case goes on where it stopped."),
        ("reopen", "Open again", "The case comes back to life."),
        (
            "withdraw",
            "Withdraw the case",
            "Nobody works on it any more. Reviewers and doctors lose access at once.",
        ),
    ];
    all.into_iter()
        .filter(|(event, ..)| events.iter().any(|one| one == event))
        .map(|(event, title, about)| Change {
            event,
            title,
            about,
        })
        .collect()
}

/// A change of state, and why.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ChangeForm {
    event: String,
    reason: String,
}

async fn change(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<ChangeForm>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let reason = form.reason.as_str();
    match form.event.as_str() {
        "hold" => cases::hold(ctx, actor, &case_id, version, reason, now).await?,
        "resume" => cases::resume(ctx, actor, &case_id, version, now).await?,
        "reopen" => cases::reopen(ctx, actor, &case_id, version, reason, now).await?,
        "withdraw" => cases::withdraw(ctx, actor, &case_id, version, reason, now).await?,
        _ => return Err(crate::errors::PageError::NotFound),
    }
    Ok(go(&format!("/cases/{case_id}")))
}

/// How soon, and why.
#[derive(Default, Deserialize)]
#[serde(default)]
struct UrgencyForm {
    level: String,
    reason: String,
}

async fn set_urgency(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<UrgencyForm>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let (level, reason) = (&form.level, &form.reason);
    cases::set_urgency(ctx, actor, &case_id, version, level, reason, now).await?;
    Ok(go(&format!("/cases/{case_id}")))
}

async fn answer(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    reporting::supply_info(ctx, &session.actor, &case_id, &form.reason, now).await?;
    Ok(go(&format!("/cases/{case_id}")))
}
