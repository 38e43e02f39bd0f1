//! What follows when images are stored into a case through DICOMweb: the same as for every other delivery.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::WARNING;
use http::{HeaderValue, Method, StatusCode};
use overread_dicomweb::{StoredStudies, case_of};
use overread_ingest::{Receipt, ReceiptStudy};
use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::problem::ProblemKind;
use overread_workflow::{StepError, records};

use crate::errors::PageError;
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
    let mut response = next.run(request).await;
    let is_whole = response.status().is_success();
    let broke_off = [
        StatusCode::BAD_REQUEST,
        // Nothing of it was kept, which the check tells.
        StatusCode::CONFLICT,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    if !is_whole && !broke_off.contains(&response.status()) {
        return response;
    }
    // What a body that broke off left behind is judged, too; should that fail, the next round does it.
    let stored = response.extensions_mut().remove::<StoredStudies>();
    let mut receipt = Receipt {
        instances_stored: u64::from(is_whole),
        studies: stored.map(studies_of).unwrap_or_default(),
        ..Receipt::default()
    };
    match records::arrived(workflow, &actor, &case_id, &mut receipt, state.now()).await {
        Err(error) if is_whole => refused(error),
        _ => warned(response, &receipt),
    }
}

fn studies_of(StoredStudies(uids): StoredStudies) -> Vec<ReceiptStudy> {
    let study = |study_instance_uid| ReceiptStudy {
        study_instance_uid,
        patient_name: None,
        patient_id: None,
        series: Vec::new(),
    };
    uids.into_iter().map(study).collect()
}

/// Tells the sender what waits for a coordinator; the answer's own body has no place for it.
fn warned(mut response: Response, receipt: &Receipt) -> Response {
    let mut problems = receipt.problems.iter();
    let waiting = problems.find(|problem| problem.kind == ProblemKind::HeldBack);
    let text = waiting.map(|problem| format!("299 overread \"{}\"", problem.message));
    if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
        // Beside what is said of instances that were refused.
        response.headers_mut().append(WARNING, value);
    }
    response
}

fn refused(error: StepError) -> Response {
    let conflicts = matches!(error, StepError::Invalid(_));
    let mut told = PageError::from(error).tell();
    if conflicts {
        // PS3.18 10.5.3.1: the request was understood, and the case as it stands takes nothing.
        told.status = StatusCode::CONFLICT;
    }
    told.in_json()
}
