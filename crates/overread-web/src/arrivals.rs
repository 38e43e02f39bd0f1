//! What follows when images are stored into a case through DICOMweb: the same as for every other delivery.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use overread_dicomweb::case_of;
use overread_ingest::Receipt;
use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_workflow::{StepError, records};

use crate::errors::{ApiError, PageError};
use crate::state::WebState;

/// Refuses images for a case that takes none; else holds other patients' studies back, checks and moves the case on
/// before the sender is answered.
pub(crate) async fn settle(
    State(state): State<WebState>,
    request: Request,
    next: Next,
) -> Response {
    let case_id: Option<CaseId> = (request.method() == Method::POST)
        .then(|| case_of(request.uri().query().unwrap_or_default()))
        .flatten()
        .and_then(|id| id.parse().ok());
    let actor = request.extensions().get::<Actor>().cloned();
    let (Some(case_id), Some(actor)) = (case_id, actor) else {
        return next.run(request).await;
    };
    let workflow = &state.workflow;
    if let Err(error) = records::may_receive(workflow, &actor, &case_id, state.now()).await {
        return refused(error);
    }
    let response = next.run(request).await;
    let is_whole = response.status().is_success();
    let broke_off = [
        StatusCode::BAD_REQUEST,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    if !is_whole && !broke_off.contains(&response.status()) {
        return response;
    }
    // What a body that broke off left behind is judged, too; should that fail, the next round does it.
    let receipt = Receipt {
        instances_stored: u64::from(is_whole),
        ..Receipt::default()
    };
    match records::arrived(workflow, &actor, &case_id, &receipt, state.now()).await {
        Err(error) if is_whole => refused(error),
        _ => response,
    }
}

fn refused(error: StepError) -> Response {
    let conflicts = matches!(error, StepError::Invalid(_));
    let mut response = ApiError(PageError::from(error)).into_response();
    if conflicts {
        // PS3.18 10.5.3.1: the request was understood, and the case as it stands takes nothing.
        *response.status_mut() = StatusCode::CONFLICT;
    }
    response
}
