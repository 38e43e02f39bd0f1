//! C-STORE: from a command and its data set to a durable instance and its status.

use overread_dicom::FileMeta;
use overread_ingest::{DISC_FULL, IngestError, StowOutcome, Wanted};
use overread_model::problem::ProblemKind;
use overread_model::uid::SopInstanceUid;

use crate::command::{
    CANNOT_UNDERSTAND, Command, DOES_NOT_MATCH, NOT_AUTHORISED, OUT_OF_RESOURCES,
    PROCESSING_FAILURE, SOP_CLASS_NOT_SUPPORTED, Status,
};
use crate::negotiation::Context;
use crate::service::Service;

/// Checks what a C-STORE-RQ says before its data set is kept.
///
/// # Errors
/// The status to be answered once the data set is read past.
pub(crate) fn check(request: &Command, context: &Context) -> Result<(), Status> {
    if context.service != Service::Storage
        || !context.peer_is_user
        || request.sop_class_uid != context.sop_class_uid.as_str()
    {
        return Err(Status::failure(
            SOP_CLASS_NOT_SUPPORTED,
            "the SOP class is not the one of the presentation context",
        ));
    }
    if request.sop_instance_uid.parse::<SopInstanceUid>().is_err() {
        return Err(Status::failure(
            CANNOT_UNDERSTAND,
            "the SOP instance UID is missing or malformed",
        ));
    }
    if !request.has_data_set {
        return Err(Status::failure(
            CANNOT_UNDERSTAND,
            "the request has no data set",
        ));
    }
    Ok(())
}

/// Returns what stands before the data set in the file that is kept.
///
/// The caller's title is left out on purpose: the same instance sent by two peers must be the same file.
pub(crate) fn head(request: &Command, context: &Context, own_title: &str) -> Vec<u8> {
    FileMeta {
        sop_class_uid: context.sop_class_uid.as_str().as_bytes(),
        sop_instance_uid: request.sop_instance_uid.as_bytes(),
        transfer_syntax_uid: context.transfer_syntax_uid.as_str().as_bytes(),
        source_application_entity_title: Some(own_title.as_bytes()),
    }
    .head()
}

/// Returns what the data set must agree with.
pub(crate) fn wanted(request: &Command) -> Wanted<'_> {
    Wanted {
        sop_class_uid: Some(&request.sop_class_uid),
        sop_instance_uid: Some(&request.sop_instance_uid),
        whole: true,
        ..Wanted::default()
    }
}

/// Says what became of an instance.
// PS3.4 B.2.3.
pub(crate) fn status(request: &Command, stored: &Result<StowOutcome, IngestError>) -> Status {
    let outcome = match stored {
        Ok(outcome) => outcome,
        Err(error) if error.is_full() => return Status::failure(OUT_OF_RESOURCES, DISC_FULL),
        Err(IngestError::Spool(_)) => {
            return Status::failure(OUT_OF_RESOURCES, "no room for temporary files");
        }
        // What the archive cannot take now may be sent again later.
        Err(error) if error.is_away() => {
            return Status::failure(OUT_OF_RESOURCES, "the archive cannot store now; try later");
        }
        Err(_) => {
            return Status::failure(PROCESSING_FAILURE, "the archive could not store; try later");
        }
    };
    let Err(problem) = &outcome.result else {
        return Status::SUCCESS;
    };
    let differs =
        |said: &str, found: &Option<String>| found.as_deref().is_some_and(|uid| uid != said);
    let code = match problem.kind {
        ProblemKind::BadUid
            if differs(&request.sop_class_uid, &outcome.sop_class_uid)
                || differs(&request.sop_instance_uid, &outcome.sop_instance_uid) =>
        {
            DOES_NOT_MATCH
        }
        ProblemKind::LimitExceeded => OUT_OF_RESOURCES,
        // PS3.7 9.1.1.1.9: the study was deleted, and nobody adds to it; or a coordinator decides, and a peer that sends it
        // again changes nothing.
        ProblemKind::Deleted | ProblemKind::HeldAside => NOT_AUTHORISED,
        // It is kept aside for a person, or could not be read back.
        ProblemKind::Conflict | ProblemKind::OtherPatient | ProblemKind::Io => PROCESSING_FAILURE,
        _ => CANNOT_UNDERSTAND,
    };
    Status::failure(code, &problem.message)
}
