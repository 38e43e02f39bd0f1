//! The map of the door.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, options, post, put};
use overread_model::access::Actor;

use crate::asked_again::asked_again;
use crate::compression::compressed;
use crate::not_sent::taken_back;
use crate::refusal::Refusal;
use crate::state::DicomWebState;
use crate::{
    bulkdata, capabilities, collections, frames, instances, metadata, rendered, search, sets, stow,
    workitems,
};

/// Returns the routes, relative to where they are nested (`/dicom-web`).
pub fn router(state: DicomWebState) -> Router {
    const STUDY: &str = "/studies/{study}";
    const SERIES: &str = "/studies/{study}/series/{series}";
    const INSTANCE: &str = "/studies/{study}/series/{series}/instances/{instance}";
    let with_options =
        |route: MethodRouter<DicomWebState>| route.options(capabilities::capabilities);
    let at = |start: &str, end: &str| format!("{start}{end}");
    let metadata = || with_options(get(metadata::metadata));
    Router::new()
        .route("/", options(capabilities::capabilities))
        .route(
            "/studies",
            with_options(get(search::studies).post(stow::store)),
        )
        .route("/series", with_options(get(search::series)))
        .route("/instances", with_options(get(search::instances)))
        .route(STUDY, with_options(get(sets::several).post(stow::store)))
        .route(&at(STUDY, "/metadata"), metadata())
        .route(&at(STUDY, "/series"), with_options(get(search::series)))
        .route(
            &at(STUDY, "/instances"),
            with_options(get(search::instances)),
        )
        .route(SERIES, with_options(get(sets::several)))
        .route(&at(SERIES, "/metadata"), metadata())
        .route(
            &at(SERIES, "/instances"),
            with_options(get(search::instances)),
        )
        .route(INSTANCE, with_options(get(instances::instance)))
        .route(&at(INSTANCE, "/metadata"), metadata())
        .route(
            &at(INSTANCE, "/frames/{frames}"),
            with_options(get(frames::frames)),
        )
        .route(
            &at(INSTANCE, "/bulkdata/{path}"),
            with_options(get(bulkdata::bulkdata)),
        )
        .merge(values())
        .merge(pictures())
        .merge(work())
        .fallback(|| async { Refusal::nowhere() })
        .method_not_allowed_fallback(|method: Method| async move { Refusal::not_allowed(&method) })
        // Store requests are streamed and limited part by part, not as a whole.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(without_gaps))
        .layer(middleware::from_fn(compressed))
        .layer(middleware::from_fn_with_state(state.clone(), asked_again))
        .layer(middleware::from_fn_with_state(state.clone(), taken_back))
        .layer(middleware::from_fn(guarded))
        .with_state(state)
}

/// All bulk data, or all pixel data, of what a path names.
fn values() -> Router<DicomWebState> {
    const LEVELS: [&str; 3] = [
        "/studies/{study}",
        "/studies/{study}/series/{series}",
        "/studies/{study}/series/{series}/instances/{instance}",
    ];
    LEVELS.into_iter().fold(Router::new(), |router, level| {
        let bulk = get(collections::bulkdata).options(capabilities::capabilities);
        let pixels = get(collections::pixel_data).options(capabilities::capabilities);
        router
            .route(&format!("{level}/bulkdata"), bulk)
            .route(&format!("{level}/pixeldata"), pixels)
    })
}

/// Work items, and who listens to them.
fn work() -> Router<DicomWebState> {
    const ITEM: &str = "/workitems/{workitem}";
    const SUBSCRIBER: &str = "/workitems/{workitem}/subscribers/{aetitle}";
    let with_options =
        |route: MethodRouter<DicomWebState>| route.options(capabilities::capabilities);
    let of_item = |end: &str| format!("{ITEM}{end}");
    let channel = || with_options(get(workitems::open_channel));
    Router::new()
        .route(
            "/workitems",
            with_options(get(workitems::search).post(workitems::create)),
        )
        .route(
            ITEM,
            with_options(get(workitems::retrieve).post(workitems::update)),
        )
        .route(
            &of_item("/state"),
            with_options(put(workitems::change_state)),
        )
        .route(
            &of_item("/cancelrequest"),
            with_options(post(workitems::request_cancellation)),
        )
        .route(
            SUBSCRIBER,
            with_options(post(workitems::subscribe).delete(workitems::unsubscribe)),
        )
        .route(
            &format!("{SUBSCRIBER}/suspend"),
            with_options(post(workitems::suspend)),
        )
        .route("/ws/subscribers/{aetitle}", channel())
        .route("/subscribers/{aetitle}", channel())
        .route_layer(middleware::from_fn(without_links))
}

/// Offers nothing to who holds a link: that is for looking at images, and work is somebody's.
async fn without_links(request: Request, next: Next) -> Response {
    match request.extensions().get::<Actor>() {
        Some(Actor::Link { .. }) => Refusal::nowhere().into_response(),
        _ => next.run(request).await,
    }
}

/// The rendered resources and thumbnails.
fn pictures() -> Router<DicomWebState> {
    const STUDY: &str = "/studies/{study}";
    const SERIES: &str = "/studies/{study}/series/{series}";
    const INSTANCE: &str = "/studies/{study}/series/{series}/instances/{instance}";
    const FRAMES: &str = "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}";
    let with_options =
        |route: MethodRouter<DicomWebState>| route.options(capabilities::capabilities);
    let rendered = |start: &str| format!("{start}/rendered");
    let thumbnail = |start: &str| format!("{start}/thumbnail");
    Router::new()
        .route(&rendered(STUDY), with_options(get(rendered::several)))
        .route(&rendered(SERIES), with_options(get(rendered::several)))
        .route(&rendered(INSTANCE), with_options(get(rendered::instance)))
        .route(&rendered(FRAMES), with_options(get(rendered::frames)))
        .route(
            &thumbnail(STUDY),
            with_options(get(rendered::several_thumbnail)),
        )
        .route(
            &thumbnail(SERIES),
            with_options(get(rendered::several_thumbnail)),
        )
        .route(
            &thumbnail(INSTANCE),
            with_options(get(rendered::instance_thumbnail)),
        )
        .route(
            &thumbnail(FRAMES),
            with_options(get(rendered::frame_thumbnail)),
        )
}

/// Refuses a path in which something is empty: who forgot a UID would be answered about everything.
async fn without_gaps(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.len() > 1 && path.split('/').skip(1).any(str::is_empty) {
        return Refusal::bad_request(
            "the address has an empty UID: nothing stands between two of its slashes, or behind the last one",
        )
        .into_response();
    }
    next.run(request).await
}

/// Adds what keeps a browser from taking an answer for anything else than data.
pub(crate) async fn guarded(mut request: Request, next: Next) -> Response {
    if request.method() == Method::HEAD {
        // RFC 9110 14.2: a range is of what GET sends.
        request.headers_mut().remove(header::RANGE);
    }
    let is_link = matches!(
        request.extensions().get::<Actor>(),
        Some(Actor::Link { .. })
    );
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    let no_store = HeaderValue::from_static("private, no-store");
    if is_link {
        // A link that was taken back must not live on in the browser's cache.
        headers.insert(header::CACHE_CONTROL, no_store);
    } else {
        headers.entry(header::CACHE_CONTROL).or_insert(no_store);
    }
    response
}
