//! What is deleted, held, asked and no longer kept, for administrators; asking and holding in a case.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use overread_store::studies::StudyKey;
use overread_workflow::StepResult;
use overread_workflow::keeping::{self, KeepingView, Marked};
use overread_workflow::sessions::SignedIn;
use serde::Deserialize;

use super::InCase;
use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Posted, Problems, Reason, Signed, to_correct};
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this page.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/keeping", get(show))
        .route("/keeping/delete", post(delete))
        .route("/keeping/hold", post(hold))
        .route("/keeping/quota", post(set_quota))
        .route("/keeping/deletions/{id}/restore", post(restore))
        .route("/keeping/holds/{id}/lift", post(lift))
        .route("/keeping/requests/{id}/delete", post(delete_as_asked))
        .route("/keeping/requests/{id}/decline", post(decline))
        .route("/keeping/proposals/{study}/delete", post(confirm))
        .route("/cases/{case}/deletion", post(ask))
        .route("/cases/{case}/hold", post(hold_case))
}

#[derive(Template)]
#[template(path = "keeping/keeping.html")]
struct KeepingPage {
    shell: Shell,
    view: KeepingView,
    /// What was typed and is to be corrected.
    form: Named,
    done: String,
    problems: Problems,
}

/// What an administrator names, and why.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    named: String,
    reason: String,
}

impl KeepingPage {
    async fn of(state: &WebState, session: &SignedIn) -> Result<Self, PageError> {
        let view = keeping::view(&state.workflow, &session.actor, state.now()).await?;
        Ok(Self {
            shell: Shell::new(state, session, "Keeping and deleting", Place::Keeping),
            view,
            form: Named::default(),
            done: String::new(),
            problems: Problems::default(),
        })
    }
}

async fn show(State(state): State<WebState>, Signed(session): Signed) -> PageResult {
    page(&KeepingPage::of(&state, &session).await?)
}

/// Shows the page again with what was done, or what is wrong.
async fn answered(
    state: &WebState,
    session: &SignedIn,
    form: Named,
    result: StepResult<String>,
) -> PageResult {
    match to_correct(result)? {
        Ok(done) => {
            let mut shown = KeepingPage::of(state, session).await?;
            shown.done = done;
            page(&shown)
        }
        Err(problems) => {
            let mut shown = KeepingPage::of(state, session).await?;
            (shown.form, shown.problems) = (form, problems);
            page_to_correct(&shown)
        }
    }
}

/// Says what was deleted and what was left.
fn told(marked: &Marked) -> String {
    let count = |number: usize, one: &str, many: &str| {
        crate::words::count(&i64::try_from(number).unwrap_or(i64::MAX), one, many)
    };
    let mut told = match marked.studies {
        0 => "Nothing was deleted.".to_owned(),
        studies => format!(
            "{} deleted. Nobody reaches the images any more; below, they can be restored.",
            count(studies, "exam was", "exams were")
        ),
    };
    if marked.shared > 0 {
        told.push_str(&format!(
            " {} left, since another case holds them, too.",
            count(marked.shared, "exam was", "exams were")
        ));
    }
    if marked.held > 0 {
        told.push_str(&format!(
            " {} left, since a legal hold covers them.",
            count(marked.held, "exam was", "exams were")
        ));
    }
    told
}

async fn delete(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<Named>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let done = keeping::delete(ctx, &session.actor, &form.named, &form.reason, now).await;
    answered(&state, &session, form, done.map(|marked| told(&marked))).await
}

async fn hold(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<Named>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let done = keeping::place_hold(ctx, &session.actor, &form.named, &form.reason, now).await;
    let words = |()| "The legal hold stands. Nothing that it covers is erased.".to_owned();
    answered(&state, &session, form, done.map(words)).await
}

/// How much a case may hold, and why.
#[derive(Default, Deserialize)]
#[serde(default)]
struct QuotaForm {
    number: String,
    gb: String,
    images: String,
    reason: String,
}

async fn set_quota(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<QuotaForm>,
) -> PageResult {
    // What is no number is refused as none.
    let number = |text: &str| text.trim().parse::<u64>().unwrap_or_default();
    let amounts = (number(&form.gb), number(&form.images));
    let names = (form.number.as_str(), form.reason.as_str());
    let done =
        keeping::set_quota(&state.workflow, &session.actor, names, amounts, state.now()).await;
    let words = |()| {
        format!(
            "Case {} may hold that much from now on.",
            form.number.trim()
        )
    };
    answered(&state, &session, Named::default(), done.map(words)).await
}

async fn restore(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    keeping::restore(&state.workflow, &session.actor, &id, state.now()).await?;
    Ok(go("/keeping"))
}

async fn lift(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, now) = (&state.workflow, state.now());
    let done = keeping::lift_hold(ctx, &session.actor, &id, &form.reason, now).await;
    let words = |()| {
        "The legal hold is lifted. What it kept can be restored for a whole period of grace."
            .to_owned()
    };
    answered(&state, &session, Named::default(), done.map(words)).await
}

async fn delete_as_asked(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, now) = (&state.workflow, state.now());
    let done = keeping::delete_as_asked(ctx, &session.actor, &id, now).await;
    let done = done.map(|marked| told(&marked));
    answered(&state, &session, Named::default(), done).await
}

async fn decline(
    State(state): State<WebState>,
    Path(id): Path<String>,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, now) = (&state.workflow, state.now());
    let done = keeping::decline(ctx, &session.actor, &id, &form.reason, now).await;
    let words =
        |()| "The request is declined. Whoever asked reads why on the case's page.".to_owned();
    answered(&state, &session, Named::default(), done.map(words)).await
}

async fn confirm(
    State(state): State<WebState>,
    Path(study): Path<i64>,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    keeping::confirm(ctx, &session.actor, StudyKey(study), now).await?;
    Ok(go("/keeping"))
}

async fn ask(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    keeping::ask(ctx, &session.actor, &case_id, &form.reason, now).await?;
    Ok(go(&format!("/cases/{case_id}")))
}

async fn hold_case(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Reason>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    keeping::place_hold_on_case(ctx, &session.actor, &case_id, &form.reason, now).await?;
    Ok(go(&format!("/cases/{case_id}")))
}
