//! The page behind an invitation.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use axum::routing::get;
use overread_workflow::inviting::{self, AcceptInvitation, InvitationView};

use super::entrance::home;
use crate::cookies;
use crate::errors::PageResult;
use crate::forms::{Open, Peer, Problems, to_correct};
use crate::shell::{Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new().route("/invitations/{secret}", get(show).post(accept))
}

#[derive(Template)]
#[template(path = "entrance/invitation.html")]
struct Invitation {
    shell: Shell,
    view: InvitationView,
    problems: Problems,
}

impl Invitation {
    fn new(state: &WebState, view: InvitationView, problems: Problems) -> Self {
        Self {
            shell: Shell::anonymous("Welcome").of(state).narrow(),
            view,
            problems,
        }
    }
}

async fn show(State(state): State<WebState>, Path(secret): Path<String>) -> PageResult {
    let view = inviting::open(&state.workflow, &secret, state.now()).await?;
    page(&Invitation::new(&state, view, Problems::default()))
}

async fn accept(
    State(state): State<WebState>,
    Path(secret): Path<String>,
    Peer(client): Peer,
    Open(form): Open<AcceptInvitation>,
) -> PageResult {
    let now = state.now();
    let joined = inviting::accept(&state.workflow, &secret, &form, &client, now).await;
    match to_correct(joined)? {
        Ok(session) => Ok((
            cookies::start(&session, &state.config, now),
            go(home(session.role)),
        )
            .into_response()),
        Err(problems) => {
            let mut view = inviting::open(&state.workflow, &secret, now).await?;
            view.name = form.name;
            page_to_correct(&Invitation::new(&state, view, problems))
        }
    }
}
