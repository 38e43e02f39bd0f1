//! Letters: chosen, filled in with live preview, locked, sent.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use overread_model::ids::{CaseId, LetterId};
use overread_workflow::letters::{self, LetterDraft, LetterForm, LetterValues, LettersView};
use overread_workflow::sessions::SignedIn;
use serde::Deserialize;

use super::InCase;
use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Posted, Problems, Reason, Signed, to_correct};
use crate::shell::{CasePlace, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}/letters", get(list))
        .route("/cases/{case}/letters/{name}", get(show).post(save))
        .route("/cases/{case}/letters/{name}/preview", post(preview))
        .route("/cases/{case}/letters/{letter}/finalise", post(finalise))
        .route("/cases/{case}/letters/{letter}/sent", post(sent))
        .route("/cases/{case}/letters/{letter}/answered", post(answered))
        .route("/cases/{case}/letters/{letter}/extended", post(extended))
}

#[derive(Template)]
#[template(path = "letters/list.html")]
struct ListPage {
    shell: Shell,
    path: String,
    view: LettersView,
}

#[derive(Template)]
#[template(path = "letters/letter.html")]
struct LetterPage {
    shell: Shell,
    path: String,
    form: LetterForm,
    problems: Problems,
    saved: bool,
}

/// A letter as its renderer wrote it: made of escaped texts and its own few elements, so it is not escaped again.
struct Paper<'a>(&'a str);

impl std::fmt::Display for Paper<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
    }
}

impl askama::filters::HtmlSafe for Paper<'_> {}

impl LetterPage {
    async fn new(state: &WebState, session: &SignedIn, case_id: &CaseId, form: LetterForm) -> Self {
        let shell = Shell::in_case(state, session, &form.title, case_id, CasePlace::Letters).await;
        Self {
            shell,
            path: format!("/cases/{case_id}/letters"),
            form,
            problems: Problems::default(),
            saved: false,
        }
    }

    fn paper(&self) -> Paper<'_> {
        Paper(&self.form.preview_html)
    }
}

async fn list(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    let view = letters::view(&state.workflow, &session.actor, &case_id, state.now()).await?;
    page(&ListPage {
        shell: Shell::in_case(&state, &session, "Letters", &case_id, CasePlace::Letters).await,
        path: format!("/cases/{case_id}/letters"),
        view,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    language: String,
    saved: bool,
}

/// Returns the language of the letter: the one asked for, else the reader's own.
fn language<'a>(wanted: &'a str, session: &'a SignedIn) -> &'a str {
    if wanted.is_empty() {
        &session.language
    } else {
        wanted
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    Path((case_id, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> PageResult {
    let case_id: CaseId = case_id.parse().map_err(|_| PageError::NotFound)?;
    let language = language(&wanted.language, &session);
    if let Some((kind, ending)) = name.rsplit_once('.') {
        return file(&state, &session, &case_id, (kind, ending), language).await;
    }
    let (ctx, now) = (&state.workflow, state.now());
    let form = letters::form(ctx, &session.actor, &case_id, &name, language, now).await?;
    let mut letter = LetterPage::new(&state, &session, &case_id, form).await;
    letter.saved = wanted.saved;
    page(&letter)
}

/// Sends the letter as a file; the name is a letter's id, or its kind for the letter being written.
async fn file(
    state: &WebState,
    session: &SignedIn,
    case_id: &CaseId,
    (name, ending): (&str, &str),
    language: &str,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let letter_id = match name.parse::<LetterId>() {
        Ok(id) => id,
        Err(_) => letters::form(ctx, actor, case_id, name, language, now)
            .await?
            .letter_id
            .ok_or(PageError::NotFound)?,
    };
    match ending {
        "pdf" => {
            let bytes = letters::pdf(ctx, actor, case_id, &letter_id, now).await?;
            Ok(pdf_file(bytes, "letter.pdf"))
        }
        "txt" => {
            let text = letters::text(ctx, actor, case_id, &letter_id, now).await?;
            Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
        }
        _ => Err(PageError::NotFound),
    }
}

/// Sends a PDF of our own making, shown by the browser.
pub(super) fn pdf_file(bytes: bytes::Bytes, name: &str) -> Response {
    (
        [
            (CONTENT_TYPE, "application/pdf".to_owned()),
            (CONTENT_DISPOSITION, format!("inline; filename=\"{name}\"")),
            (http::header::CACHE_CONTROL, "no-store".to_owned()),
        ],
        bytes,
    )
        .into_response()
}

/// What was typed into a letter: its fields carry the prefix `field.`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct LetterInput {
    language: String,
    facts_mark: String,
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
}

impl LetterInput {
    fn values(&self) -> LetterValues {
        self.fields
            .iter()
            .filter_map(|(key, value)| {
                let key = key.strip_prefix("field.")?;
                Some((key.to_owned(), value.clone()))
            })
            .collect()
    }
}

async fn save(
    State(state): State<WebState>,
    Path((case_id, kind)): Path<(String, String)>,
    Posted {
        session,
        version,
        form,
    }: Posted<LetterInput>,
) -> PageResult {
    let case_id: CaseId = case_id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let (values, language) = (form.values(), language(&form.language, &session));
    let draft = LetterDraft {
        kind: &kind,
        language,
        version,
        facts_mark: &form.facts_mark,
        values: &values,
    };
    let saved = letters::save_draft(ctx, actor, &case_id, &draft, now).await;
    match to_correct(saved)? {
        Ok(_) => Ok(go(&format!(
            "/cases/{case_id}/letters/{kind}?language={language}&saved=true"
        ))),
        Err(problems) => {
            let shown =
                letters::preview(ctx, actor, &case_id, &kind, language, &values, now).await?;
            let mut letter = LetterPage::new(&state, &session, &case_id, shown).await;
            (letter.problems, letter.form.version) = (problems, version);
            letter.form.facts_mark = form.facts_mark;
            page_to_correct(&letter)
        }
    }
}

#[derive(Template)]
#[template(path = "letters/_paper.html")]
struct PaperPart {
    form: LetterForm,
}

impl PaperPart {
    fn paper(&self) -> Paper<'_> {
        Paper(&self.form.preview_html)
    }
}

async fn preview(
    State(state): State<WebState>,
    Path((case_id, kind)): Path<(String, String)>,
    Posted { session, form, .. }: Posted<LetterInput>,
) -> PageResult {
    let case_id: CaseId = case_id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let (values, language) = (form.values(), language(&form.language, &session));
    let form = letters::preview(ctx, actor, &case_id, &kind, language, &values, now).await?;
    Ok(Html((PaperPart { form }).render()?).into_response())
}

fn ids((case_id, letter_id): (String, String)) -> Result<(CaseId, LetterId), PageError> {
    let case_id = case_id.parse().map_err(|_| PageError::NotFound)?;
    let letter_id = letter_id.parse().map_err(|_| PageError::NotFound)?;
    Ok((case_id, letter_id))
}

async fn finalise(
    State(state): State<WebState>,
    Path(path): Path<(String, String)>,
    Posted {
        session, version, ..
    }: Posted<Nothing>,
) -> PageResult {
    let (case_id, letter_id) = ids(path)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    letters::finalise(ctx, actor, &case_id, &letter_id, version, now).await?;
    Ok(go(&format!("/cases/{case_id}/letters")))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentForm {
    channel: String,
}

async fn sent(
    State(state): State<WebState>,
    Path(path): Path<(String, String)>,
    Posted { session, form, .. }: Posted<SentForm>,
) -> PageResult {
    let (case_id, letter_id) = ids(path)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    letters::sent(ctx, actor, &case_id, &letter_id, &form.channel, now).await?;
    Ok(go(&format!("/cases/{case_id}/letters")))
}

async fn answered(
    State(state): State<WebState>,
    Path(path): Path<(String, String)>,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let (case_id, letter_id) = ids(path)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    letters::answered(ctx, actor, &case_id, &letter_id, now).await?;
    Ok(go(&format!("/cases/{case_id}/letters")))
}

async fn extended(
    State(state): State<WebState>,
    Path(path): Path<(String, String)>,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let (case_id, letter_id) = ids(path)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    letters::extended(ctx, actor, &case_id, &letter_id, &form.reason, now).await?;
    Ok(go(&format!("/cases/{case_id}/letters")))
}
