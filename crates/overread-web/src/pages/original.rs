//! The first report: typed, pasted or taken from a file; and the reviewer's first impression, locked before it opens.

use askama::Template;
use axum::Router;
use axum::extract::{Multipart, State};
use axum::routing::{get, post};
use overread_model::ids::CaseId;
use overread_workflow::reading::{
    self, FirstImpressionView, OriginalFacts, OriginalInput, OriginalView,
};
use overread_workflow::sessions::{SignedIn, csrf_matches};
use overread_workflow::{StepError, StepResult};
use serde::Deserialize;

use super::InCase;
use crate::errors::{PageError, PageResult};
use crate::forms::{Posted, Problems, Reason, Signed, to_correct};
use crate::limits::{REPORT_FILE_BYTES, REPORT_FORM_BYTES};
use crate::shell::{CasePlace, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}/original-report", get(show).post(enter))
        .route("/cases/{case}/original-report/missing", post(missing))
        .route("/cases/{case}/first-impression", post(lock))
}

#[derive(Template)]
#[template(path = "reports/original.html")]
struct OriginalPage {
    shell: Shell,
    path: String,
    view: OriginalView,
    impression: Option<FirstImpressionView>,
    typed: Typed,
    impression_text: String,
    problems: Problems,
}

impl OriginalPage {
    async fn of(state: &WebState, session: &SignedIn, case_id: &CaseId) -> Result<Self, PageError> {
        let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
        let impression = reading::first_impression(ctx, actor, case_id, now).await?;
        let view = reading::original(ctx, actor, case_id, now).await?;
        Ok(Self {
            shell: Shell::in_case(state, session, "First report", case_id, CasePlace::Original)
                .await,
            path: format!("/cases/{case_id}"),
            typed: Typed::of(&view),
            impression: (impression.may_lock || impression.locked.is_some()).then_some(impression),
            view,
            impression_text: String::new(),
            problems: Problems::default(),
        })
    }
}

/// What is typed or sent.
#[derive(Default)]
struct Typed {
    csrf: String,
    text: String,
    document: String,
    file: Option<(String, Vec<u8>)>,
    facts: OriginalFacts,
}

impl Typed {
    fn of(view: &OriginalView) -> Self {
        let Some(report) = &view.report else {
            return Self::default();
        };
        Self {
            text: report.text.clone(),
            facts: OriginalFacts {
                report_date: report.report_date.clone(),
                author: report.author.clone(),
                institution: report.institution.clone(),
            },
            ..Self::default()
        }
    }

    /// Reads the form; a text field and a file have their limits.
    async fn read(mut form: Multipart) -> Result<Self, PageError> {
        let mut typed = Self::default();
        while let Some(mut field) = form.next_field().await.map_err(|_| PageError::Unreadable)? {
            let name = field.name().unwrap_or_default().to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let limit = if file_name.is_some() {
                REPORT_FILE_BYTES
            } else {
                REPORT_FORM_BYTES
            };
            let mut bytes = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(|_| PageError::Unreadable)? {
                if bytes.len() + chunk.len() > limit {
                    return Err(PageError::TooLarge(limit));
                }
                bytes.extend_from_slice(&chunk);
            }
            typed.take(&name, file_name, bytes);
        }
        Ok(typed)
    }

    fn take(&mut self, name: &str, file_name: Option<String>, bytes: Vec<u8>) {
        if let Some(file_name) = file_name {
            if !bytes.is_empty() {
                self.file = Some((file_name, bytes));
            }
            return;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match name {
            "csrf" => self.csrf = text,
            "text" => self.text = text,
            "document" => self.document = text,
            "report_date" => self.facts.report_date = text,
            "author" => self.facts.author = text,
            "institution" => self.facts.institution = text,
            _ => {}
        }
    }

    /// Returns the one source: a file, else a document of the disc, else the text.
    fn input(&mut self) -> StepResult<OriginalInput> {
        if let Some((name, bytes)) = self.file.take() {
            return Ok(OriginalInput::File { name, bytes });
        }
        if !self.document.is_empty() {
            let id = self.document.parse();
            return id
                .map(OriginalInput::Document)
                .map_err(|_| StepError::invalid("document", "Choose a paper of the list."));
        }
        Ok(OriginalInput::Pasted(self.text.clone()))
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    page(&OriginalPage::of(&state, &session, &case_id).await?)
}

async fn enter(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
    form: Multipart,
) -> PageResult {
    let mut typed = Typed::read(form).await?;
    if !csrf_matches(&session, &typed.csrf) {
        return Err(PageError::ForeignForm);
    }
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let result = match typed.input() {
        Ok(input) => reading::enter_original(ctx, actor, &case_id, input, &typed.facts, now).await,
        Err(error) => Err(error),
    };
    match to_correct(result)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}/original-report"))),
        Err(problems) => {
            let mut page = OriginalPage::of(&state, &session, &case_id).await?;
            (page.typed, page.problems) = (typed, problems);
            page_to_correct(&page)
        }
    }
}

async fn missing(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    reading::declare_original_missing(ctx, actor, &case_id, &form.reason, now).await?;
    Ok(go(&format!("/cases/{case_id}/original-report")))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Impression {
    impression: String,
}

async fn lock(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Impression>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let locked = reading::lock_first_impression(ctx, actor, &case_id, &form.impression, now).await;
    match to_correct(locked)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}/original-report"))),
        Err(problems) => {
            let mut page = OriginalPage::of(&state, &session, &case_id).await?;
            (page.impression_text, page.problems) = (form.impression, problems);
            page_to_correct(&page)
        }
    }
}
