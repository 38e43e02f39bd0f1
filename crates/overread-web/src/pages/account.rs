//! One's own account: role, password, sessions.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use overread_model::access::Role;
use overread_workflow::sessions::{self, ChangePassword, SessionRow, SignedIn};
use serde::Deserialize;

use super::entrance::home;
use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Posted, Problems, Signed, to_correct};
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/account", get(show))
        .route("/account/role", post(switch_role))
        .route("/account/password", post(change_password))
        .route("/account/sessions/{session}/end", post(end_session))
}

#[derive(Template)]
#[template(path = "entrance/account.html")]
struct Account {
    shell: Shell,
    name: String,
    email: String,
    role: &'static str,
    sessions: Vec<SessionRow>,
    changed: bool,
    problems: Problems,
}

impl Account {
    async fn of(
        state: &WebState,
        session: &SignedIn,
        problems: Problems,
    ) -> Result<Self, PageError> {
        Ok(Self {
            shell: Shell::new(state, session, "Your account", Place::Account).narrow(),
            name: session.name.clone(),
            email: session.email.clone(),
            role: session.role.title(),
            sessions: sessions::list(&state.workflow, session, state.now()).await?,
            changed: false,
            problems,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Shown {
    changed: bool,
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    Query(shown): Query<Shown>,
) -> PageResult {
    let mut account = Account::of(&state, &session, Problems::default()).await?;
    account.changed = shown.changed;
    page(&account)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RoleForm {
    role: String,
}

async fn switch_role(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<RoleForm>,
) -> PageResult {
    let role: Role = form.role.parse().map_err(|_| PageError::NotFound)?;
    sessions::switch_role(&state.workflow, &session, role, state.now()).await?;
    Ok(go(home(role)))
}

async fn change_password(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<ChangePassword>,
) -> PageResult {
    let changed = sessions::change_password(&state.workflow, &session, &form, state.now()).await;
    match to_correct(changed)? {
        Ok(()) => Ok(go("/account?changed=true")),
        Err(problems) => page_to_correct(&Account::of(&state, &session, problems).await?),
    }
}

async fn end_session(
    State(state): State<WebState>,
    Path(session_id): Path<String>,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    sessions::revoke(&state.workflow, &session, &session_id, state.now()).await?;
    Ok(go("/account"))
}
