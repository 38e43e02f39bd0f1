//! Images that arrived for no case, for coordinators: whose they seem to be, and the case they are put into.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use overread_model::ids::CaseId;
use overread_workflow::cases::{self, CaseFilter, CaseRow};
use overread_workflow::filing;
use overread_workflow::records::StudyRow;
use overread_workflow::sessions::SignedIn;
use serde::Deserialize;

use crate::errors::{PageError, PageResult};
use crate::forms::{Posted, Problems, Signed, to_correct};
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;

/// Returns the routes of this page.
pub(super) fn routes() -> Router<WebState> {
    Router::new().route("/unfiled", get(show).post(put))
}

#[derive(Template)]
#[template(path = "records/unfiled.html")]
struct UnfiledPage {
    shell: Shell,
    studies: Vec<StudyRow>,
    /// Cases that are open.
    cases: Vec<CaseRow>,
    problems: Problems,
}

impl UnfiledPage {
    async fn of(state: &WebState, session: &SignedIn) -> Result<Self, PageError> {
        let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
        let studies = filing::list(ctx, actor, now).await?;
        Ok(Self {
            shell: Shell::new(state, session, "Images without a case", Place::Unfiled),
            cases: cases::list(ctx, actor, CaseFilter::Open, now).await?,
            studies,
            problems: Problems::default(),
        })
    }
}

async fn show(State(state): State<WebState>, Signed(session): Signed) -> PageResult {
    page(&UnfiledPage::of(&state, &session).await?)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filed {
    study: String,
    case: String,
}

async fn put(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<Filed>,
) -> PageResult {
    let case_id: CaseId = form.case.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    match to_correct(filing::put(ctx, actor, &case_id, &form.study, now).await)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}/records"))),
        Err(problems) => {
            let mut unfiled = UnfiledPage::of(&state, &session).await?;
            unfiled.problems = problems;
            page_to_correct(&unfiled)
        }
    }
}
