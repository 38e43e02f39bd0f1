//! Which address leads where, and what every request passes on its way.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower::ServiceExt;

use crate::errors::PageError;
use crate::state::{WebRooms, WebState};
use crate::{access_log, api, arrivals, assets, auth, headers, limits, pages};

/// Builds the whole door: pages, style and script, deliveries, DICOMweb.
pub fn router(rooms: WebRooms) -> Router {
    let state = WebState::from(rooms);
    let uses = auth::TokenUse::default();
    let for_programs =
        || from_fn_with_state((state.clone(), uses.clone()), auth::machine_or_person);
    let pages = pages::router()
        .layer(from_fn(in_time))
        .merge(pages::slow_router())
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), auth::person))
        .layer(from_fn(auth::same_origin))
        .with_state(state.clone());
    let deliveries = Router::new()
        .route("/api/deliveries", post(api::deliveries::receive))
        .layer(DefaultBodyLimit::disable())
        .layer(for_programs())
        .with_state(state.clone());
    let dicomweb = overread_dicomweb::router(state.dicomweb.clone())
        .layer(from_fn_with_state(state.clone(), arrivals::settle))
        .layer(DefaultBodyLimit::disable())
        .layer(for_programs())
        // Before who asks is known: a browser asks whether it may ask without saying who it is.
        .layer(from_fn_with_state(
            state.dicomweb.origins(),
            overread_dicomweb::across_origins,
        ));
    let wado = overread_dicomweb::uri_router(state.dicomweb.clone()).layer(for_programs());
    let door = Router::new()
        .route("/healthz", get(healthz))
        .route("/assets/{*path}", get(assets::serve))
        .route("/icon.svg", get(assets::icon))
        .route("/favicon.ico", get(assets::icon))
        .with_state(state.clone())
        .merge(pages)
        .merge(deliveries)
        .merge(pages::shared_images(&state))
        .route_service("/dicom-web/", dicomweb.clone().map_request(at_its_start))
        .nest("/dicom-web", dicomweb)
        .nest("/wado", wado)
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(from_fn(headers::add))
        .layer(from_fn(access_log::record));
    if state.config.cookie_secure {
        door.layer(from_fn(headers::add_transport))
    } else {
        door
    }
}

/// Leads to the start of a service: with a slash behind it, it is the same one.
fn at_its_start(mut request: Request) -> Request {
    let query = request.uri().query();
    let start = query.map_or_else(|| "/".to_owned(), |query| format!("/?{query}"));
    if let Ok(start) = start.parse() {
        *request.uri_mut() = start;
    }
    request
}

async fn nowhere() -> PageError {
    PageError::NotFound
}

/// Answers that the program runs, its store answers, and what comes can be stored.
async fn healthz(
    axum::extract::State(state): axum::extract::State<WebState>,
) -> Result<&'static str, (http::StatusCode, String)> {
    let unavailable = |why: &str| (http::StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    if let Err(error) = state.workflow.store.read().await {
        tracing::error!("the store does not answer: {error}");
        return Err(unavailable("the store does not answer"));
    }
    match state.workflow.ingest.trouble().await {
        None => Ok("ok\n"),
        Some(trouble) => Err(unavailable(trouble.in_words())),
    }
}

/// Gives up on a page that takes too long.
async fn in_time(request: Request, next: Next) -> Response {
    let limit = Duration::from_millis(limits::PAGE_TIMEOUT_MS);
    tokio::time::timeout(limit, next.run(request))
        .await
        .unwrap_or_else(|_| PageError::Timeout.into_response())
}
