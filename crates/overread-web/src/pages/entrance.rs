//! Landing, emergency, first start, sign-in and sign-out.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use overread_model::access::Role;
use overread_workflow::sessions;
use overread_workflow::sessions::SignedIn;
use overread_workflow::setup::{self, FirstAdministrator};
use overread_workflow::signing_in::{self, SignIn};
use serde::Deserialize;

use crate::cookies;
use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Open, Peer, Posted, Problems, to_correct};
use crate::limits::NEXT_CHARS;
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/", get(landing))
        .route("/emergency", get(emergency))
        .route("/setup/{secret}", get(show_setup).post(do_setup))
        .route("/sign-in", get(show_sign_in).post(do_sign_in))
        .route("/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "entrance/landing.html")]
struct Landing {
    shell: Shell,
}

/// Returns the page on which a role's work begins.
pub(super) fn home(role: Role) -> &'static str {
    match role {
        Role::Administrator => "/people",
        _ => "/cases",
    }
}

async fn landing(
    State(state): State<WebState>,
    session: Option<axum::Extension<SignedIn>>,
) -> PageResult {
    if let Some(session) = session {
        return Ok(go(home(session.role)));
    }
    page(&Landing {
        shell: Shell::anonymous("A second look at your scan").of(&state),
    })
}

#[derive(Template)]
#[template(path = "entrance/emergency.html")]
struct Emergency {
    shell: Shell,
    number: String,
    signs: Vec<&'static str>,
}

async fn emergency(
    State(state): State<WebState>,
    session: Option<axum::Extension<SignedIn>>,
) -> PageResult {
    let title = "Is it an emergency?";
    let shell = match session {
        Some(session) => Shell::new(&state, &session, title, Place::None),
        None => Shell::anonymous(title).of(&state),
    };
    page(&Emergency {
        shell: shell.narrow(),
        number: state.config.emergency_number.clone(),
        signs: super::ask::red_flag_texts(&state),
    })
}

#[derive(Template)]
#[template(path = "entrance/setup.html")]
struct Setup {
    shell: Shell,
    form: FirstAdministrator,
    problems: Problems,
}

impl Setup {
    fn new(state: &WebState, form: FirstAdministrator, problems: Problems) -> Self {
        Self {
            shell: Shell::anonymous("Welcome").of(state).narrow(),
            form,
            problems,
        }
    }
}

async fn show_setup(State(state): State<WebState>, Path(secret): Path<String>) -> PageResult {
    setup::open(&state.workflow, &secret, state.now()).await?;
    page(&Setup::new(
        &state,
        FirstAdministrator::default(),
        Problems::default(),
    ))
}

async fn do_setup(
    State(state): State<WebState>,
    Path(secret): Path<String>,
    Peer(client): Peer,
    Open(form): Open<FirstAdministrator>,
) -> PageResult {
    let now = state.now();
    let made = setup::create_administrator(&state.workflow, &secret, &form, &client, now).await;
    match to_correct(made)? {
        Ok(session) => Ok((
            cookies::start(&session, &state.config, now),
            go(home(session.role)),
        )
            .into_response()),
        Err(problems) => page_to_correct(&Setup::new(&state, form, problems)),
    }
}

#[derive(Template)]
#[template(path = "entrance/sign_in.html")]
struct SignInPage {
    shell: Shell,
    email: String,
    next: String,
    ended: bool,
    problems: Problems,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SignInQuery {
    next: String,
    ended: bool,
}

/// Returns an address of our own to go to after signing in; nothing that leads elsewhere.
fn own_path(next: &str) -> Option<&str> {
    let ours = next.starts_with('/')
        && next.len() <= NEXT_CHARS
        && next
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte))
        && !next.contains("//");
    ours.then_some(next)
}

async fn show_sign_in(
    State(state): State<WebState>,
    Query(query): Query<SignInQuery>,
) -> PageResult {
    page(&SignInPage {
        shell: Shell::anonymous("Sign in").of(&state).narrow(),
        email: String::new(),
        next: own_path(&query.next).unwrap_or_default().to_owned(),
        ended: query.ended,
        problems: Problems::default(),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SignInForm {
    email: String,
    password: String,
    next: String,
}

async fn do_sign_in(
    State(state): State<WebState>,
    Peer(client): Peer,
    Open(form): Open<SignInForm>,
) -> PageResult {
    let now = state.now();
    let typed = SignIn {
        email: form.email.clone(),
        password: form.password,
    };
    let started = signing_in::sign_in(&state.workflow, &typed, &client, now).await;
    match to_correct(started)? {
        Ok(session) => {
            let next = own_path(&form.next).unwrap_or_else(|| home(session.role));
            Ok((cookies::start(&session, &state.config, now), go(next)).into_response())
        }
        Err(problems) => page_to_correct(&SignInPage {
            shell: Shell::anonymous("Sign in").of(&state).narrow(),
            email: form.email,
            next: form.next,
            ended: false,
            problems,
        }),
    }
}

async fn sign_out(
    State(state): State<WebState>,
    Posted { session, .. }: Posted<Nothing>,
) -> Result<Response, PageError> {
    sessions::sign_out(&state.workflow, &session, state.now()).await?;
    // What the browser kept of drafts goes as well.
    let forget = [(
        http::HeaderName::from_static("clear-site-data"),
        "\"cache\", \"storage\"",
    )];
    Ok((
        cookies::clear(&state.config),
        forget,
        go("/sign-in?ended=true"),
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn only_our_own_addresses_are_gone_to() {
        assert_eq!(own_path("/cases/abc"), Some("/cases/abc"));
        for bad in [
            "",
            "//evil.example",
            "https://evil.example",
            "/a//b",
            "/\\evil",
            "/a?b=c",
            "/a\r\nb",
        ] {
            assert_eq!(own_path(bad), None, "{bad:?}");
        }
    }
}
