//! What follows when images are stored into a case through DICOMweb: the same as for every other delivery.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;
use overread_ingest::Receipt;
use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_workflow::records;

use crate::errors::{ApiError, PageError};
use crate::state::WebState;

/// Holds other patients' studies back, checks and moves the case on before the sender is answered.
pub(crate) async fn settle(
    State(state): State<WebState>,
    request: Request,
    next: Next,
) -> Response {
    let case_id = (request.method() == Method::POST)
        .then(|| case_of(request.uri().query()))
        .flatten();
    let actor = request.extensions().get::<Actor>().cloned();
    let response = next.run(request).await;
    let (Some(case_id), Some(actor)) = (case_id, actor) else {
        return response;
    };
    if !response.status().is_success() {
        return response;
    }
    let receipt = Receipt {
        instances_stored: 1,
        ..Receipt::default()
    };
    match records::arrived(&state.workflow, &actor, &case_id, &receipt, state.now()).await {
        Ok(()) => response,
        Err(error) => ApiError(PageError::from(error)).into_response(),
    }
}

fn case_of(query: Option<&str>) -> Option<CaseId> {
    let pairs = query?.split('&');
    pairs
        .filter_map(|pair| pair.strip_prefix("case="))
        .find_map(|id| id.parse().ok())
}
