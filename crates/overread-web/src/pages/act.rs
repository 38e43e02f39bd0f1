//! Delivery: release, links for the treating physician, who has read what, outcome.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use overread_model::ids::{CaseId, LinkId};
use overread_workflow::StepResult;
use overread_workflow::delivering::{self, ActView, LinkProgress, LinkRow, MadeLink, NewLink};
use overread_workflow::following;
use overread_workflow::sessions::SignedIn;
use serde::Deserialize;

use super::InCase;
use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Posted, Problems, Signed, to_correct};
use crate::shell::{CasePlace, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}/act", get(show))
        .route("/cases/{case}/act/release", post(release))
        .route("/cases/{case}/act/links", post(share))
        .route("/cases/{case}/act/links/{link}/revoke", post(revoke))
        .route("/cases/{case}/act/follow-up", post(follow_up))
        .route("/cases/{case}/act/third-opinion", post(third_opinion))
        .route("/cases/{case}/act/close", post(close))
}

/// Outcomes one can close with, value and words.
const OUTCOMES: [(&str, &str); 5] = [
    ("original_confirmed", "The first report was confirmed"),
    ("second_confirmed", "The second report was confirmed"),
    ("both_partly", "Both were right in part"),
    ("undetermined", "It could not be settled"),
    ("unknown", "Not known"),
];

#[derive(Template)]
#[template(path = "act/act.html")]
struct ActPage {
    shell: Shell,
    path: String,
    view: ActView,
    form: NewLink,
    made: Option<MadeLink>,
    /// A mail server is set up.
    mails: bool,
    outcomes: [(&'static str, &'static str); 5],
    problems: Problems,
}

impl ActPage {
    async fn of(state: &WebState, session: &SignedIn, case_id: &CaseId) -> Result<Self, PageError> {
        let view = delivering::view(&state.workflow, &session.actor, case_id, state.now()).await?;
        Ok(Self {
            shell: Shell::in_case(state, session, "Delivery", case_id, CasePlace::Act).await,
            path: format!("/cases/{case_id}"),
            form: view.suggested.clone(),
            view,
            made: None,
            mails: state.mails(),
            outcomes: OUTCOMES,
            problems: Problems::default(),
        })
    }

    /// Returns how far a receiver is, in words.
    fn progress(row: &LinkRow) -> &'static str {
        match row.progress {
            LinkProgress::Sent => "Not opened yet",
            LinkProgress::Opened => "Opened, not confirmed",
            LinkProgress::BeforeChange => "Not confirmed since it was changed",
            LinkProgress::Acknowledged => "Confirmed as read",
            LinkProgress::Decided => "Decided",
            LinkProgress::Revoked => "Taken back",
            LinkProgress::Expired => "Ended unread",
        }
    }

    fn is_open(row: &LinkRow) -> bool {
        !matches!(row.progress, LinkProgress::Revoked | LinkProgress::Expired)
    }

    fn outcome(&self) -> &str {
        let known = OUTCOMES.iter().find(|(key, _)| *key == self.view.outcome);
        known.map_or(self.view.outcome.as_str(), |(_, words)| words)
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    page(&ActPage::of(&state, &session, &case_id).await?)
}

async fn again(
    state: &WebState,
    session: &SignedIn,
    case_id: &CaseId,
    result: StepResult<()>,
) -> PageResult {
    match to_correct(result)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}/act"))),
        Err(problems) => {
            let mut page = ActPage::of(state, session, case_id).await?;
            page.problems = problems;
            page_to_correct(&page)
        }
    }
}

async fn release(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session, version, ..
    }: Posted<Nothing>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let result = delivering::release(ctx, &session.actor, &case_id, version, now).await;
    again(&state, &session, &case_id, result).await
}

async fn share(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<NewLink>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let made = to_correct(delivering::share(ctx, actor, &case_id, &form, now).await)?;
    let mut act = ActPage::of(&state, &session, &case_id).await?;
    match made {
        Ok(link) => {
            act.made = Some(link);
            page(&act)
        }
        Err(problems) => {
            (act.form, act.problems) = (form, problems);
            page_to_correct(&act)
        }
    }
}

async fn revoke(
    State(state): State<WebState>,
    Path((case_id, link_id)): Path<(String, String)>,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let case_id: CaseId = case_id.parse().map_err(|_| PageError::NotFound)?;
    let link_id: LinkId = link_id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, now) = (&state.workflow, state.now());
    let result = delivering::revoke(ctx, &session.actor, &case_id, &link_id, now).await;
    again(&state, &session, &case_id, result).await
}

async fn follow_up(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session, version, ..
    }: Posted<Nothing>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let result = following::open(ctx, &session.actor, &case_id, version, now).await;
    again(&state, &session, &case_id, result).await
}

async fn third_opinion(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session, version, ..
    }: Posted<Nothing>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let child = following::third_opinion(ctx, &session.actor, &case_id, version, now).await;
    match to_correct(child)? {
        Ok(child) => Ok(go(&format!("/cases/{child}"))),
        Err(problems) => {
            let mut page = ActPage::of(&state, &session, &case_id).await?;
            page.problems = problems;
            page_to_correct(&page)
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Close {
    outcome: String,
}

async fn close(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<Close>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let result = following::close(ctx, actor, &case_id, version, &form.outcome, now).await;
    again(&state, &session, &case_id, result).await
}
