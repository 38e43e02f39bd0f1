//! Consent: read, signed by typing the name, taken back.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_workflow::consenting::{self, ConsentView, PaperConsent, SignConsent};
use overread_workflow::sessions::SignedIn;
use serde::Deserialize;

use super::InCase;
use crate::errors::{PageError, PageResult};
use crate::forms::{Posted, Problems, Reason, Signed, to_correct};
use crate::shell::{CasePlace, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}/consent", get(show).post(sign))
        .route("/cases/{case}/consent/insurer", post(allow_insurer))
        .route("/cases/{case}/consent/paper", post(enter_paper))
        .route("/cases/{case}/consent/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "cases/consent.html")]
struct ConsentPage {
    shell: Shell,
    path: String,
    view: ConsentView,
    paper: PaperConsent,
    /// The reader runs the case and signs nothing.
    runs_case: bool,
    problems: Problems,
}

impl ConsentPage {
    async fn of(state: &WebState, session: &SignedIn, case_id: &CaseId) -> Result<Self, PageError> {
        let now = state.now();
        Ok(Self {
            shell: Shell::in_case(state, session, "Consent", case_id, CasePlace::Other)
                .await
                .narrow(),
            path: format!("/cases/{case_id}"),
            paper: PaperConsent::default(),
            runs_case: session.role == Role::Coordinator,
            view: consenting::view(&state.workflow, &session.actor, case_id, now).await?,
            problems: Problems::default(),
        })
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    page(&ConsentPage::of(&state, &session, &case_id).await?)
}

async fn sign(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<SignConsent>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    match to_correct(consenting::sign(ctx, &session.actor, &case_id, &form, now).await)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}"))),
        Err(problems) => {
            let mut page = ConsentPage::of(&state, &session, &case_id).await?;
            (page.view.form, page.problems) = (form, problems);
            page_to_correct(&page)
        }
    }
}

/// A name typed as signature.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Signature {
    signature: String,
}

async fn allow_insurer(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Signature>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let done = consenting::allow_insurer(ctx, &session.actor, &case_id, &form.signature, now).await;
    match to_correct(done)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}/consent"))),
        Err(problems) => {
            let mut page = ConsentPage::of(&state, &session, &case_id).await?;
            (page.view.form.signature, page.problems) = (form.signature, problems);
            page_to_correct(&page)
        }
    }
}

async fn enter_paper(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<PaperConsent>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    match to_correct(consenting::enter_paper(ctx, &session.actor, &case_id, &form, now).await)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}"))),
        Err(problems) => {
            let mut page = ConsentPage::of(&state, &session, &case_id).await?;
            (page.paper, page.problems) = (form, problems);
            page_to_correct(&page)
        }
    }
}

async fn revoke(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let done = consenting::revoke(ctx, &session.actor, &case_id, &form.reason, now).await;
    match to_correct(done)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}/consent"))),
        Err(problems) => {
            let mut page = ConsentPage::of(&state, &session, &case_id).await?;
            page.problems = problems;
            page_to_correct(&page)
        }
    }
}
