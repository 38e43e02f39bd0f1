//! The second report: the editor for its writer, the signed report for its readers.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use overread_model::ids::CaseId;
use overread_workflow::reporting::{
    self, DraftEdit, DraftSaved, ReportDesk, SectionField, Sections, Signing,
};
use overread_workflow::sessions::{SignedIn, csrf_matches};
use serde::Deserialize;

use super::InCase;
use super::letters::pdf_file;
use crate::errors::{ApiError, PageError, PageResult, told};
use crate::forms::{Posted, Problems, Signed, to_correct};
use crate::shell::{CasePlace, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}/report", get(show).post(save))
        .route("/cases/{case}/report/draft", put(autosave))
        .route("/cases/{case}/report/kept", post(drop_kept))
        .route("/cases/{case}/report/sign", post(sign))
        .route("/cases/{case}/report/addendum", post(addendum))
        .route("/cases/{case}/report/ask", post(ask))
        .route("/cases/{case}/report.pdf", get(pdf))
}

#[derive(Template)]
#[template(path = "reports/report.html")]
struct ReportPage {
    shell: Shell,
    path: String,
    desk: ReportDesk,
    problems: Problems,
    addendum: Addendum,
}

impl ReportPage {
    async fn of(state: &WebState, session: &SignedIn, case_id: &CaseId) -> Result<Self, PageError> {
        let desk = reporting::desk(&state.workflow, &session.actor, case_id, state.now()).await?;
        let shell =
            Shell::in_case(state, session, "Second report", case_id, CasePlace::Report).await;
        Ok(Self {
            shell: if desk.may_edit { shell.wide() } else { shell },
            path: format!("/cases/{case_id}"),
            desk,
            problems: Problems::default(),
            addendum: Addendum::default(),
        })
    }

    /// Returns what to write in a section, in words of this page.
    fn hint(section: &SectionField) -> &str {
        match section.key.as_str() {
            "materials" => "What you looked at; what you did not see, and why.",
            "technique_quality" => {
                "Series, artefacts, what is missing, and how far that limits you."
            }
            "findings" => "By level or organ. Give side, level and size.",
            "agreement" => {
                "Where you agree with the first report and where not, finding by finding."
            }
            "impression" => {
                "Number the points. Answer the question that was asked. Say how sure you are."
            }
            "plain" => "For the patient, in short everyday words. Nobody is blamed.",
            "dose" | "key_images" => "",
            _ => section.hint.as_str(),
        }
    }

    /// Returns the text in the field: what was written, else what is proposed.
    fn shown(section: &SectionField) -> &str {
        if section.text.is_empty() {
            &section.suggested
        } else {
            &section.text
        }
    }

    /// Returns the choice of a section in words.
    fn chosen(section: &SectionField) -> &str {
        let known = section.choices.iter().find(|(key, _)| *key == section.text);
        known.map_or(section.text.as_str(), |(_, words)| words.as_str())
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    page(&ReportPage::of(&state, &session, &case_id).await?)
}

/// Leaves out what the form carries besides the sections.
fn sections(mut fields: Sections) -> Sections {
    fields.remove("csrf");
    fields.remove("version");
    fields
}

async fn save(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<BTreeMap<String, String>>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let fields = sections(form);
    let saved = reporting::save_draft(ctx, actor, &case_id, version, &fields, now).await;
    match to_correct(saved)? {
        Ok(_) => Ok(go(&format!("/cases/{case_id}/report"))),
        Err(problems) => {
            let mut page = ReportPage::of(&state, &session, &case_id).await?;
            page.problems = problems;
            for section in &mut page.desk.sections {
                if let Some(text) = fields.get(&section.key) {
                    section.text.clone_from(text);
                }
            }
            page_to_correct(&page)
        }
    }
}

/// What the editor's script sends.
#[derive(Deserialize)]
struct Draft {
    version: i64,
    fields: Sections,
    /// What this editor sent last without hearing an answer.
    #[serde(default)]
    before: Option<Sections>,
}

async fn autosave(
    State(state): State<WebState>,
    session: Option<axum::Extension<SignedIn>>,
    InCase(case_id): InCase,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, ApiError> {
    let Some(axum::Extension(session)) = session else {
        return Err(PageError::SignInAgain.into());
    };
    let token = headers
        .get("x-overread-csrf")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !csrf_matches(&session, token) {
        return Err(PageError::ForeignForm.into());
    }
    let draft: Draft = serde_json::from_slice(&body).map_err(|_| PageError::Unreadable)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let (fields, before) = (sections(draft.fields), draft.before.map(sections));
    let edit = DraftEdit {
        version: draft.version,
        fields: &fields,
        before: before.as_ref(),
    };
    let saved = reporting::autosave(ctx, actor, &case_id, edit, now).await?;
    Ok(match saved {
        DraftSaved::Saved { version, saved_at } => Json(serde_json::json!({
            "version": version,
            "saved_at": saved_at.machine(),
        }))
        .into_response(),
        DraftSaved::Conflict { version, kept_id } => {
            let told = told(
                StatusCode::CONFLICT,
                "This draft was changed in another window",
                "Your text was kept beside it. Nothing is lost.",
                "Load the page again to see both.",
            );
            let mut body = told.as_json();
            body.insert("version".to_owned(), version.into());
            body.insert("kept_id".to_owned(), kept_id.into());
            (told.status, Json(body)).into_response()
        }
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kept {
    kept: String,
}

async fn drop_kept(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Kept>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    reporting::drop_kept(ctx, &session.actor, &case_id, &form.kept, now).await?;
    Ok(go(&format!("/cases/{case_id}/report")))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sign {
    password: String,
    /// Version of the first report that the reviewer ticked as read; nothing unless it changed after the lock.
    seen_original: i64,
    seen_doubts: String,
}

async fn sign(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<Sign>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let signing = Signing {
        version,
        password: &form.password,
        seen_original_version: form.seen_original,
        seen_doubts: !form.seen_doubts.is_empty(),
    };
    let signed = reporting::sign(ctx, actor, &case_id, signing, now).await;
    again(
        &state,
        &session,
        &case_id,
        to_correct(signed.map(|_| ()))?,
        Addendum::default(),
    )
    .await
}

/// What an addendum says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Addendum {
    reason: String,
    text: String,
    password: String,
}

async fn addendum(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Addendum>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let (reason, text, password) = (&form.reason, &form.text, &form.password);
    let added = reporting::addendum(ctx, actor, &case_id, reason, text, password, now).await;
    again(&state, &session, &case_id, to_correct(added)?, form).await
}

async fn again(
    state: &WebState,
    session: &SignedIn,
    case_id: &CaseId,
    result: Result<(), Problems>,
    addendum: Addendum,
) -> PageResult {
    match result {
        Ok(()) => Ok(go(&format!("/cases/{case_id}/report"))),
        Err(problems) => {
            let mut page = ReportPage::of(state, session, case_id).await?;
            (page.problems, page.addendum) = (problems, addendum);
            page_to_correct(&page)
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ask {
    question: String,
}

async fn ask(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Ask>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    reporting::request_info(ctx, actor, &case_id, &form.question, now).await?;
    Ok(go(&format!("/cases/{case_id}")))
}

async fn pdf(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    let bytes = reporting::pdf(&state.workflow, &session.actor, &case_id, state.now()).await?;
    Ok(pdf_file(bytes, "second-report.pdf"))
}
