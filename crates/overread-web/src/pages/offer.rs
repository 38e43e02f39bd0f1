//! An offer to a reviewer: enough to say yes or no, no name and no image before.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use overread_model::time::Timestamp;
use overread_workflow::choosing::{self, AcceptOffer, OfferView};

use super::InCase;
use crate::errors::PageResult;
use crate::forms::{Posted, Problems, Reason, Signed, to_correct};
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}/offer", get(show))
        .route("/cases/{case}/offer/accept", post(accept))
        .route("/cases/{case}/offer/decline", post(decline))
}

#[derive(Template)]
#[template(path = "reviewers/offer.html")]
struct OfferPage {
    shell: Shell,
    path: String,
    view: OfferView,
    form: AcceptOffer,
    now: Timestamp,
    problems: Problems,
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    let now = state.now();
    let view = choosing::offer(&state.workflow, &session.actor, &case_id, now).await?;
    page(&OfferPage {
        shell: Shell::new(&state, &session, "An offer", Place::Cases).narrow(),
        path: format!("/cases/{case_id}/offer"),
        view,
        form: AcceptOffer::default(),
        now,
        problems: Problems::default(),
    })
}

async fn accept(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<AcceptOffer>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let accepted = choosing::accept(ctx, actor, &case_id, version, &form, now).await;
    match to_correct(accepted)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}"))),
        Err(problems) => page_to_correct(&OfferPage {
            shell: Shell::new(&state, &session, "An offer", Place::Cases).narrow(),
            path: format!("/cases/{case_id}/offer"),
            view: choosing::offer(ctx, actor, &case_id, now).await?,
            form,
            now,
            problems,
        }),
    }
}

async fn decline(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<Reason>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    choosing::decline(ctx, actor, &case_id, version, &form.reason, now).await?;
    Ok(go("/cases"))
}
