//! Who makes a request: a person by session cookie, a machine by bearer token, nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, Method};
use overread_model::access::Actor;
use overread_model::ids::TokenId;
use overread_model::time::Timestamp;
use overread_store::tokens;
use overread_workflow::sessions::{self, SignedIn, csrf_matches};
use overread_workflow::{StepError, StepResult};

use crate::cookies::session_token;
use crate::errors::{ApiError, PageError};
use crate::state::WebState;

/// Seconds between two notes that a token was used.
const NOTE_USE_SECONDS: i64 = 60;

/// In the extensions of a request: whoever listens wants to know who asks, to share connections among all who do.
#[derive(Clone)]
pub struct TellsAsker(Arc<dyn Fn(&str) + Send + Sync>);

impl TellsAsker {
    /// Calls back with what names the asker, as soon as it is known.
    pub fn to(told: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    /// Tells who asks.
    pub fn tell(&self, asker: &str) {
        (self.0)(asker);
    }
}

/// Makes somebody the actor of a request.
pub(crate) fn ask_as(request: &mut Request, actor: Actor) {
    if let Some(tells) = request.extensions().get::<TellsAsker>() {
        tells.tell(&format!("{} {}", actor.kind(), actor.id()));
    }
    request.extensions_mut().insert(actor);
}

/// When the use of each token was last written down, so that reading many images writes nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct TokenUse(Arc<Mutex<HashMap<TokenId, Timestamp>>>);

impl TokenUse {
    /// Says whether the use should be written now.
    fn is_due(&self, id: &TokenId, now: Timestamp) -> bool {
        let Ok(mut noted) = self.0.lock() else {
            return false;
        };
        let due = noted
            .get(id)
            .is_none_or(|at| at.plus_seconds(NOTE_USE_SECONDS) <= now);
        if due {
            noted.insert(id.clone(), now);
        }
        due
    }
}

/// Finds the person behind the cookie; for pages.
pub(crate) async fn person(
    State(state): State<WebState>,
    mut request: Request,
    next: Next,
) -> Response {
    match find_person(&state, request.headers()).await {
        Ok(Some(session)) => {
            ask_as(&mut request, session.actor.clone());
            request.extensions_mut().insert(session);
        }
        Ok(None) => {}
        Err(error) => return PageError::from(error).into_response(),
    }
    next.run(request).await
}

/// Finds the machine behind the token, else the person behind the cookie; for programs.
///
/// A cookie travels by itself, so what changes something needs the session's token in a header besides.
pub(crate) async fn machine_or_person(
    State((state, uses)): State<(WebState, TokenUse)>,
    mut request: Request,
    next: Next,
) -> Response {
    let found = match bearer(request.headers()) {
        Some(secret) => find_machine(&state, &uses, secret).await,
        None => match find_person(&state, request.headers()).await {
            Ok(Some(session)) if changes(request.method()) && !header_fits(&request, &session) => {
                return ApiError(PageError::ForeignForm).into_response();
            }
            Ok(session) => Ok(session.map(|session| session.actor)),
            Err(error) => Err(error),
        },
    };
    match found {
        Ok(Some(actor)) => {
            ask_as(&mut request, actor);
        }
        Ok(None) => {}
        Err(error) => return ApiError::from(error).into_response(),
    }
    next.run(request).await
}

fn header_fits(request: &Request, session: &SignedIn) -> bool {
    request
        .headers()
        .get("x-overread-csrf")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|token| csrf_matches(session, token))
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let line = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = line.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(secret.trim())
}

async fn find_person(state: &WebState, headers: &HeaderMap) -> StepResult<Option<SignedIn>> {
    let Some(token) = session_token(headers, &state.config) else {
        return Ok(None);
    };
    sessions::find(&state.workflow, token, state.now()).await
}

async fn find_machine(
    state: &WebState,
    uses: &TokenUse,
    secret: &str,
) -> StepResult<Option<Actor>> {
    let store = &state.workflow.store;
    let mut tx = store.peek().await.map_err(StepError::internal)?;
    let actor = tokens::find_by_secret(&mut tx, secret)
        .await
        .map_err(StepError::internal)?;
    drop(tx);
    let now = state.now();
    if let Some(Actor::Machine { token_id, .. }) = &actor
        && uses.is_due(token_id, now)
    {
        let mut tx = store.begin().await.map_err(StepError::internal)?;
        tokens::note_use(&mut tx, token_id, now)
            .await
            .map_err(StepError::internal)?;
        tx.commit().await.map_err(StepError::internal)?;
    }
    Ok(actor)
}

/// Refuses forms that another site sends: the browser says where they come from.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    if changes(request.method()) && is_foreign(request.headers()) {
        return PageError::ForeignForm.into_response();
    }
    next.run(request).await
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok())
    {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(ORIGIN) else {
        return false;
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_none() || host != text(HOST)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::is_foreign;

    fn check(pairs: &[(&'static str, &'static str)], foreign: bool) {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        assert_eq!(is_foreign(&headers), foreign, "{pairs:?}");
    }

    #[test]
    fn forms_of_other_sites_are_known() {
        check(&[], false);
        check(&[("sec-fetch-site", "same-origin")], false);
        check(&[("sec-fetch-site", "cross-site")], true);
        check(&[("sec-fetch-site", "same-site")], true);
        check(
            &[("origin", "http://a.example"), ("host", "a.example")],
            false,
        );
        check(
            &[("origin", "http://b.example"), ("host", "a.example")],
            true,
        );
        check(&[("origin", "null"), ("host", "a.example")], true);
    }
}
