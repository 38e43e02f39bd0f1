//! The upload form without script: each file goes from the network into the archive, nothing is gathered here.

use axum::extract::Multipart;
use axum::extract::multipart::Field;
use overread_model::ids::CaseId;
use overread_workflow::records::{self, Incoming};
use overread_workflow::sessions::{SignedIn, csrf_matches};
use overread_workflow::{StepError, StepResult};
use tokio::io::{AsyncWriteExt as _, DuplexStream};

use crate::errors::PageError;
use crate::limits::{UPLOAD_FORM_FILES, UPLOAD_PIPE_BYTES};
use crate::state::WebState;

/// Receives every file of the form; the first refusal ends it.
///
/// # Errors
/// A form that is not ours or cannot be read; the inner result is the step's.
pub(super) async fn receive_all(
    state: &WebState,
    session: &SignedIn,
    case_id: &CaseId,
    mut form: Multipart,
) -> Result<StepResult<()>, PageError> {
    let (mut ours, mut files) = (false, 0_usize);
    while let Some(field) = form.next_field().await.map_err(|_| PageError::Unreadable)? {
        if field.name() == Some("csrf") {
            let token = field.text().await.map_err(|_| PageError::Unreadable)?;
            ours = csrf_matches(session, &token);
            continue;
        }
        // The token stands first in our form, so nothing of a foreign form is read.
        if !ours {
            return Err(PageError::ForeignForm);
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        if name.is_empty() {
            continue;
        }
        files += 1;
        if files > UPLOAD_FORM_FILES {
            return Ok(Err(StepError::Limit(format!(
                "One form takes {UPLOAD_FORM_FILES} files. Pack the folder as a ZIP file and send that."
            ))));
        }
        if let Err(error) = receive_one(state, session, case_id, name, field).await? {
            return Ok(Err(error));
        }
    }
    if !ours {
        return Err(PageError::ForeignForm);
    }
    if files == 0 {
        return Ok(Err(StepError::invalid(
            "files",
            "Choose the files of the disc first.",
        )));
    }
    Ok(Ok(()))
}

async fn receive_one(
    state: &WebState,
    session: &SignedIn,
    case_id: &CaseId,
    name: String,
    field: Field<'_>,
) -> Result<StepResult<()>, PageError> {
    let (reader, writer) = tokio::io::duplex(UPLOAD_PIPE_BYTES);
    let incoming = if name.to_ascii_lowercase().ends_with(".zip") {
        Incoming::Zip(reader)
    } else {
        Incoming::File { name, body: reader }
    };
    let (ctx, now) = (&state.workflow, state.now());
    let received = records::receive(ctx, &session.actor, Some(case_id), incoming, now);
    let (received, copied) = tokio::join!(received, copy(field, writer));
    if copied.is_err() {
        return Err(PageError::Unreadable);
    }
    Ok(received.map(|_| ()))
}

/// Copies the field into the pipe. A reader that ends early is no fault: it has said why in its own result.
async fn copy(mut field: Field<'_>, mut writer: DuplexStream) -> Result<(), PageError> {
    let mut wanted = true;
    while let Some(chunk) = field.chunk().await.map_err(|_| PageError::Unreadable)? {
        wanted = wanted && writer.write_all(&chunk).await.is_ok();
    }
    Ok(())
}
