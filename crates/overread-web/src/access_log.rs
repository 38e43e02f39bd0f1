//! One line a request: what sort, how it ended, how long it took. Route templates only, never the address itself:
//! addresses hold ids, and those of invitations and links hold secrets.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};

/// Names a request in the log and in the answer, so that a person can quote it.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the request, measures and logs it.
pub(crate) async fn record(mut request: Request, next: Next) -> Response {
    let id = RequestId(new_id());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or_else(
        || "(no such route)".to_owned(),
        |path| path.as_str().to_owned(),
    );
    request.extensions_mut().insert(id.clone());
    let began = Instant::now();
    let mut response = next.run(request).await;
    let duration_ms = began.elapsed().as_millis();
    tracing::info!(
        request.id = %id.0,
        http.method = %method,
        http.route = %route,
        http.status = response.status().as_u16(),
        duration_ms,
        "answered {method} {route} with {}",
        response.status().as_u16()
    );
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn new_id() -> String {
    let mut bytes = [0_u8; 8];
    // Without random bytes the request is answered all the same; only its name is poor.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
