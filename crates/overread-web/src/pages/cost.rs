//! What it costs and who pays, before anybody reads.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_workflow::covering::{self, CoverageForm, CoverageView};
use overread_workflow::sessions::SignedIn;
use overread_workflow::{StepError, StepResult};
use serde::Deserialize;

use super::InCase;
use super::reviewers::cents;
use crate::errors::{PageError, PageResult};
use crate::forms::{Posted, Problems, Reason, Signed, to_correct};
use crate::shell::{CasePlace, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}/cost", get(show).post(quote))
        .route("/cases/{case}/cost/accept", post(accept))
        .route("/cases/{case}/cost/refuse", post(refuse))
        .route("/cases/{case}/cost/denied", post(denied))
}

#[derive(Template)]
#[template(path = "cases/cost.html")]
struct CostPage {
    shell: Shell,
    path: String,
    case_path: String,
    view: CoverageView,
    /// The reader runs the case and pays nothing.
    for_other: bool,
    typed: Typed,
    kinds: [(&'static str, &'static str); 3],
    problems: Problems,
}

impl CostPage {
    async fn of(state: &WebState, session: &SignedIn, case_id: &CaseId) -> Result<Self, PageError> {
        let view = covering::view(&state.workflow, &session.actor, case_id, state.now()).await?;
        Ok(Self {
            shell: Shell::in_case(state, session, "Cost", case_id, CasePlace::Cost)
                .await
                .narrow(),
            path: format!("/cases/{case_id}/cost"),
            case_path: format!("/cases/{case_id}"),
            typed: Typed::of(&view),
            view,
            for_other: session.role == Role::Coordinator,
            kinds: [
                ("self_pay", "The patient pays, and accepts the sum first"),
                ("covered", "An insurer pays, wholly or in part"),
                ("charity", "Nobody is charged"),
            ],
            problems: Problems::default(),
        })
    }
}

/// What a coordinator types; sums as people write them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    kind: String,
    quote: String,
    share: String,
    currency: String,
    payer: String,
    reference: String,
}

impl Typed {
    fn of(view: &CoverageView) -> Self {
        let plain = |cents: Option<i64>| {
            cents
                .map(|cents| format!("{}.{:02}", cents / 100, cents % 100))
                .unwrap_or_default()
        };
        Self {
            kind: "self_pay".to_owned(),
            quote: plain(view.quote_cents),
            share: plain(view.share_cents),
            currency: if view.currency.is_empty() {
                "USD".to_owned()
            } else {
                view.currency.clone()
            },
            payer: view.payer.clone(),
            reference: view.reference.clone(),
        }
    }

    fn form(&self) -> StepResult<CoverageForm> {
        let sum = |field: &str, text: &str| {
            cents(text).ok_or_else(|| {
                StepError::invalid(
                    field,
                    "Write the sum as a number, for example 350 or 350.50.",
                )
            })
        };
        let free = self.kind == "charity";
        Ok(CoverageForm {
            kind: self.kind.clone(),
            quote_cents: if free { 0 } else { sum("quote", &self.quote)? },
            share_cents: match self.kind.as_str() {
                "charity" => 0,
                "self_pay" if self.share.trim().is_empty() => sum("quote", &self.quote)?,
                _ => sum("share", &self.share)?,
            },
            currency: self.currency.clone(),
            payer: self.payer.clone(),
            reference: self.reference.clone(),
        })
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    page(&CostPage::of(&state, &session, &case_id).await?)
}

async fn quote(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form: typed,
    }: Posted<Typed>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let result = match typed.form() {
        Ok(form) => covering::quote(ctx, actor, &case_id, version, &form, now).await,
        Err(error) => Err(error),
    };
    match to_correct(result)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}"))),
        Err(problems) => {
            let mut page = CostPage::of(&state, &session, &case_id).await?;
            (page.typed, page.problems) = (typed, problems);
            page_to_correct(&page)
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Accepted {
    share_cents: i64,
}

async fn accept(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<Accepted>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    covering::accept(ctx, actor, &case_id, version, form.share_cents, now).await?;
    Ok(go(&format!("/cases/{case_id}")))
}

async fn refuse(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<Reason>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    covering::refuse(ctx, actor, &case_id, version, &form.reason, now).await?;
    Ok(go(&format!("/cases/{case_id}")))
}

async fn denied(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<Reason>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    covering::denied(ctx, actor, &case_id, version, &form.reason, now).await?;
    Ok(go(&format!("/cases/{case_id}/cost")))
}
