//! Images set aside: closing the matter, and saving a file to look at it.

use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use overread_model::ids::CaseId;
use overread_model::verdict::Verdict;
use overread_workflow::records::{self, Closing};
use serde::Deserialize;

use crate::errors::{PageError, PageResult};
use crate::forms::{Posted, Signed};
use crate::pages::InCase;
use crate::state::WebState;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ClosingForm {
    /// DICOM's name of the exam.
    study: String,
    /// `patient` when the images name another one, else `bytes`.
    why: String,
    /// How many images the page showed.
    count: usize,
    /// The word of a [`Verdict`].
    right: String,
    reason: String,
}

pub(super) async fn close(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<ClosingForm>,
) -> PageResult {
    let closing = Closing {
        study: &form.study,
        names_another_patient: form.why == "patient",
        count: form.count,
        verdict: Verdict::of(&form.right),
        reason: &form.reason,
    };
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let result = records::close_aside(ctx, actor, &case_id, &closing, now).await;
    super::again(&state, &session, &case_id, result).await
}

pub(super) async fn file(
    State(state): State<WebState>,
    Signed(session): Signed,
    Path((case_id, image)): Path<(String, String)>,
) -> PageResult {
    let case_id: CaseId = case_id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let bytes = records::set_aside_file(ctx, actor, &case_id, &image, now).await?;
    let headers = [
        (CONTENT_TYPE, "application/dicom"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"set-aside.dcm\"",
        ),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, bytes).into_response())
}
