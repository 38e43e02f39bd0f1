//! The wizard: who, exam, why, urgency, review; one topic a screen, so that a step may have several.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_workflow::asking::{self, AskStep, AskView, Exam, Saved, Urgency, Who, Why, fields};
use overread_workflow::sessions::SignedIn;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::InCase;
use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Posted, Problems, Signed, to_correct};
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;

mod choices;
mod sent;

pub(super) use choices::red_flag_texts;
use choices::{Choices, Flag};

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases", post(start))
        .route("/cases/{case}/ask", get(begin))
        .route("/cases/{case}/ask/review", get(show_review).post(submit))
        .route("/cases/{case}/ask/discard", post(discard))
        .route("/cases/{case}/ask/answers", get(sent::answers))
        .route(
            "/cases/{case}/ask/{screen}/correct",
            get(sent::show_correction).post(sent::correct),
        )
        .route("/cases/{case}/ask/{screen}", get(show).post(save))
}

/// One screen: which step it belongs to, and what it asks.
struct Screen {
    key: &'static str,
    /// Position of its step in [`STEPS`].
    step: usize,
    /// Name of the step as the workflow has it.
    part: &'static str,
    title: &'static str,
    /// Title where a coordinator writes down what somebody else asks; empty where it is the same.
    title_on_behalf: &'static str,
    fields: &'static [&'static str],
}

const STEPS: [(&str, &str); 5] = [
    ("who", "Who"),
    ("exam", "The scan"),
    ("why", "Why now"),
    ("urgency", "How soon"),
    ("review", "Check"),
];

const SCREENS: [Screen; 8] = [
    Screen {
        key: "who",
        step: 0,
        part: "who",
        title: "Who is it for?",
        title_on_behalf: "",
        fields: &[
            "requester",
            "patient_name",
            "patient_birth_date",
            "patient_region",
            "patient_sex",
            "patient_mrn",
            "sender_name",
            "relation",
            "authority",
            "sender_credentials",
        ],
    },
    Screen {
        key: "contact",
        step: 0,
        part: "who",
        title: "How can we reach you?",
        title_on_behalf: "How can the person who asks be reached?",
        fields: &["sender_email", "sender_phone", "sender_address", "language"],
    },
    Screen {
        key: "exam",
        step: 1,
        part: "exam",
        title: "Which scan is it about?",
        title_on_behalf: "",
        fields: &[
            "modality",
            "name",
            "body_part",
            "date",
            "facility",
            "facility_address",
        ],
    },
    Screen {
        key: "papers",
        step: 1,
        part: "exam",
        title: "Where are the images and the first report?",
        title_on_behalf: "",
        fields: &["images_at", "report_at", "first_reader", "accession"],
    },
    Screen {
        key: "why",
        step: 2,
        part: "why",
        title: "Why do you want a second opinion now?",
        title_on_behalf: "Why is a second opinion wanted now?",
        fields: &["triggers", "reason"],
    },
    Screen {
        key: "question",
        step: 2,
        part: "why",
        title: "What should the specialist answer?",
        title_on_behalf: "",
        fields: &["question", "symptoms", "diagnosis"],
    },
    Screen {
        key: "doctor",
        step: 2,
        part: "why",
        title: "Which doctor treats you?",
        title_on_behalf: "Which doctor treats the patient?",
        fields: &[
            "physician_name",
            "physician_email",
            "physician_role",
            "physician_phone",
        ],
    },
    Screen {
        key: "urgency",
        step: 3,
        part: "urgency",
        title: "How soon is it needed?",
        title_on_behalf: "",
        fields: &["red_flags", "treatment_date", "inpatient", "urgent_reason"],
    },
];

fn screen(key: &str) -> Result<(usize, &'static Screen), PageError> {
    let found = SCREENS.iter().enumerate().find(|(_, one)| one.key == key);
    found.ok_or(PageError::NotFound)
}

impl Screen {
    /// Returns the title, as this reader is asked.
    fn title_for(&self, session: &SignedIn) -> &'static str {
        match self.title_on_behalf {
            "" => self.title,
            _ if session.role != Role::Coordinator => self.title,
            title => title,
        }
    }

    /// Returns what is wrong with the fields of this screen.
    fn problems(&self, view: &AskView) -> Problems {
        let mut problems = Problems::under(&view.problems, &format!("{}.", self.part));
        problems
            .0
            .retain(|problem| self.fields.contains(&problem.field.as_str()));
        problems
    }

    /// Puts what was typed on this screen into the step; other fields of the step stay.
    fn step(&self, view: &AskView, typed: &Typed) -> Result<AskStep, PageError> {
        Ok(match self.part {
            "who" => AskStep::Who(self.overlay(&view.who, typed)?),
            "exam" => AskStep::Exam(self.overlay(&view.exam, typed)?),
            "why" => AskStep::Why(self.overlay(&view.why, typed)?),
            _ => AskStep::Urgency(Urgency {
                answered: true,
                ..self.overlay(&view.urgency, typed)?
            }),
        })
    }

    fn overlay<T>(&self, before: &T, typed: &Typed) -> Result<T, PageError>
    where
        T: Serialize + DeserializeOwned,
    {
        use serde_json::Value;
        let broken = |error| PageError::Internal(Box::new(error));
        let mut value = serde_json::to_value(before).map_err(broken)?;
        for field in self.fields {
            let given = typed.get(*field);
            let first = given.and_then(|list| list.first());
            let Some(slot) = value.get_mut(*field) else {
                continue;
            };
            *slot = match slot {
                Value::Array(_) => Value::from(given.cloned().unwrap_or_default()),
                Value::Bool(_) => Value::Bool(first.is_some_and(|text| text == "true")),
                _ => Value::String(first.cloned().unwrap_or_default()),
            };
        }
        serde_json::from_value(value).map_err(broken)
    }
}

/// What was typed: every field with all its values.
type Typed = BTreeMap<String, Vec<String>>;

/// One step in the bar above the form.
struct Step {
    title: &'static str,
    path: String,
    class: &'static str,
    now: bool,
}

/// What every screen shows.
struct Frame {
    key: &'static str,
    title: &'static str,
    path: String,
    steps: Vec<Step>,
    /// 1 to 5.
    number: usize,
    version: i64,
    problems: Problems,
    choices: Choices,
    /// The request was sent: one screen is corrected, with a reason.
    correcting: bool,
    /// A coordinator writes down what somebody else asks.
    on_behalf: bool,
}

impl Frame {
    fn new(
        state: &WebState,
        session: &SignedIn,
        view: &AskView,
        (key, title, number): (&'static str, &'static str, usize),
    ) -> (Shell, Self) {
        let path = format!("/cases/{}/ask", view.case_id);
        let on_behalf = session.role == Role::Coordinator;
        let steps = STEPS.iter().enumerate();
        let steps = steps.map(|(position, (step, title))| Step {
            title,
            path: format!("{path}/{step}"),
            now: position == number,
            class: match position.cmp(&number) {
                std::cmp::Ordering::Less => "is-done",
                std::cmp::Ordering::Equal => "is-now",
                std::cmp::Ordering::Greater => "",
            },
        });
        let shell = Shell::new(state, session, title, Place::Cases).narrow();
        let frame = Self {
            key,
            title,
            steps: steps.collect(),
            number: number + 1,
            version: view.version,
            problems: Problems::default(),
            choices: Choices::new(state, on_behalf),
            correcting: false,
            on_behalf,
            path,
        };
        (shell, frame)
    }

    /// Returns what the label of a field says.
    fn label(&self, field: &str) -> &'static str {
        if self.on_behalf {
            fields::name(field)
        } else {
            fields::label(field)
        }
    }
}

#[derive(Template)]
#[template(path = "ask/screen.html")]
struct ScreenPage {
    shell: Shell,
    frame: Frame,
    who: Who,
    exam: Exam,
    why: Why,
    urgency: Urgency,
    flags: Vec<Flag>,
    correction_reason: String,
    /// Answers in own words that are corrected together with the side of the scan: key, label, text.
    sided: Vec<(&'static str, &'static str, String)>,
}

#[derive(Template)]
#[template(path = "ask/review.html")]
struct ReviewPage {
    shell: Shell,
    frame: Frame,
    view: AskView,
    advice: &'static str,
    urgency: &'static str,
    triggers: Vec<String>,
    /// That images already here are of the other side, in words.
    other_side: Option<String>,
    /// Which answers in own words are of another place or side than the scan.
    differing_answers: Vec<String>,
    scan_path: String,
    complaint_path: String,
    reason_path: String,
}

async fn start(
    State(state): State<WebState>,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let case_id = asking::start(&state.workflow, &session.actor, state.now()).await?;
    Ok(go(&format!("/cases/{case_id}/ask/who")))
}

async fn begin(Signed(_): Signed, InCase(case_id): InCase) -> Response {
    go(&format!("/cases/{case_id}/ask/who"))
}

async fn view(
    state: &WebState,
    session: &SignedIn,
    case_id: &CaseId,
) -> Result<AskView, PageError> {
    let view = asking::answers(&state.workflow, &session.actor, case_id, state.now()).await?;
    Ok(view)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Shown {
    check: bool,
}

/// Reads case and screen from an address.
fn named((case_id, key): (String, String)) -> Result<(CaseId, usize, &'static Screen), PageError> {
    let (position, screen) = screen(&key)?;
    let case_id = case_id.parse().map_err(|_| PageError::NotFound)?;
    Ok((case_id, position, screen))
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    Path(path): Path<(String, String)>,
    Query(shown): Query<Shown>,
) -> PageResult {
    let (case_id, _, screen) = named(path)?;
    let view = view(&state, &session, &case_id).await?;
    if view.sent {
        return Ok(go(&sent::path_of(&case_id)));
    }
    let place = (screen.key, screen.title_for(&session), screen.step);
    let (shell, mut frame) = Frame::new(&state, &session, &view, place);
    if shown.check {
        frame.problems = screen.problems(&view);
    }
    page(&ScreenPage {
        shell,
        frame,
        flags: choices::flags(&state, &view.urgency),
        who: view.who,
        exam: view.exam,
        why: view.why,
        urgency: view.urgency,
        correction_reason: String::new(),
        sided: Vec::new(),
    })
}

/// Keeps one screen, then goes on; back to the same screen when something on it is missing.
async fn save(
    State(state): State<WebState>,
    Path(path): Path<(String, String)>,
    Posted {
        session,
        version,
        form,
    }: Posted<Typed>,
) -> PageResult {
    let (case_id, position, screen) = named(path)?;
    let step = screen.step(&view(&state, &session, &case_id).await?, &form)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    match asking::save(ctx, actor, &case_id, version, step, now).await? {
        Saved::Emergency => return Ok(go("/emergency")),
        Saved::Kept { .. } => {}
    }
    let path = format!("/cases/{case_id}/ask");
    let view = view(&state, &session, &case_id).await?;
    if screen.problems(&view).any() {
        return Ok(go(&format!("{path}/{}?check=true#problems", screen.key)));
    }
    let next = SCREENS.get(position + 1).map_or("review", |next| next.key);
    Ok(go(&format!("{path}/{next}")))
}

async fn show_review(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    let view = view(&state, &session, &case_id).await?;
    if view.sent {
        return Ok(go(&sent::path_of(&case_id)));
    }
    page(&review(&state, &session, view).await?)
}

async fn review(
    state: &WebState,
    session: &SignedIn,
    view: AskView,
) -> Result<ReviewPage, PageError> {
    let (ctx, now) = (&state.workflow, state.now());
    let other_side = asking::other_side(ctx, &session.actor, &view.case_id, now).await?;
    let place = ("review", "Is everything right?", 4);
    let (shell, frame) = Frame::new(state, session, &view, place);
    Ok(ReviewPage {
        other_side,
        differing_answers: view.differing_answers.clone(),
        scan_path: format!("{}/exam", frame.path),
        complaint_path: format!("{}/question", frame.path),
        reason_path: format!("{}/why", frame.path),
        advice: choices::advice(view.advice.as_deref()),
        urgency: choices::urgency(view.urgency_level.as_deref()),
        triggers: frame.choices.trigger_texts(&view.why.triggers),
        shell,
        frame,
        view,
    })
}

async fn submit(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session, version, ..
    }: Posted<Nothing>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let sent = asking::submit(ctx, &session.actor, &case_id, version, now).await;
    match to_correct(sent)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}"))),
        Err(problems) => {
            let view = view(&state, &session, &case_id).await?;
            let mut page = review(&state, &session, view).await?;
            page.frame.problems = without_links(problems);
            page_to_correct(&page)
        }
    }
}

/// Takes the field names away: the fields are on other screens.
fn without_links(mut problems: Problems) -> Problems {
    for problem in &mut problems.0 {
        problem.field.clear();
    }
    problems
}

async fn discard(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    asking::discard(&state.workflow, &session.actor, &case_id, state.now()).await?;
    Ok(go("/cases"))
}
