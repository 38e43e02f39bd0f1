//! Choosing a reviewer for a case: ranked, with the reasons written out.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use overread_model::ids::{CaseId, ReviewerId};
use overread_workflow::choosing::{self, ChoiceView};
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
        .route("/cases/{case}/reviewers", get(show).post(choose))
        .route("/cases/{case}/reviewers/change", post(change))
        .route("/cases/{case}/reviewers/nobody", post(nobody))
}

#[derive(Template)]
#[template(path = "reviewers/choice.html")]
struct ChoicePage {
    shell: Shell,
    path: String,
    view: ChoiceView,
    problems: Problems,
}

impl ChoicePage {
    async fn of(
        state: &WebState,
        session: &SignedIn,
        case_id: &CaseId,
        problems: Problems,
    ) -> Result<Self, PageError> {
        let title = "Choose a reviewer";
        Ok(Self {
            shell: Shell::in_case(state, session, title, case_id, CasePlace::Choice).await,
            path: format!("/cases/{case_id}"),
            view: choosing::view(&state.workflow, &session.actor, case_id, state.now()).await?,
            problems,
        })
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    page(&ChoicePage::of(&state, &session, &case_id, Problems::default()).await?)
}

async fn after(
    state: &WebState,
    session: &SignedIn,
    case_id: &CaseId,
    result: overread_workflow::StepResult<()>,
    next: &str,
) -> PageResult {
    match to_correct(result)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}{next}"))),
        Err(problems) => page_to_correct(&ChoicePage::of(state, session, case_id, problems).await?),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Chosen {
    reviewer: String,
}

async fn choose(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<Chosen>,
) -> PageResult {
    let reviewer: ReviewerId = form.reviewer.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let result = choosing::choose(ctx, actor, &case_id, version, &reviewer, now).await;
    after(&state, &session, &case_id, result, "/cost").await
}

async fn change(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session, version, ..
    }: Posted<Nothing>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let result = choosing::change(ctx, &session.actor, &case_id, version, now).await;
    after(&state, &session, &case_id, result, "/reviewers").await
}

async fn nobody(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<Reason>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let result = choosing::nobody(ctx, actor, &case_id, version, &form.reason, now).await;
    after(&state, &session, &case_id, result, "").await
}
