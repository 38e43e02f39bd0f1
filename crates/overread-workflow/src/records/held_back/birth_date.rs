//! Which birth date is true, where images held back give another one than the request.

use overread_model::access::Actor;
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::Tx;
use overread_store::checks::HeldRow;

use super::HeldBackDecision;
use crate::asking::{self, AskStep};
use crate::casework::CaseFile;
use crate::{StepError, StepResult, Workflow};

/// The birth dates of a patient, where the images give another one than the request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BirthDates {
    /// What the request says.
    pub of_request: CalendarDate,
    /// What the images say.
    pub of_images: CalendarDate,
    /// The request may still be corrected, by whoever may: the result is not out and the case goes on.
    pub is_correctable: bool,
}

/// Returns both birth dates, unless they are the same, one is missing, or the images give more than one patient's.
pub(crate) fn differing_birth_dates(file: &CaseFile, row: &HeldRow) -> Option<BirthDates> {
    let of_images = row.study.patient_birth_date.as_deref();
    let dates = BirthDates {
        of_request: file.intake.who.patient_birth_date.trim().parse().ok()?,
        of_images: of_images?.trim().parse().ok()?,
        is_correctable: asking::is_correctable(file),
    };
    (row.mixed == 0 && dates.of_request != dates.of_images).then_some(dates)
}

/// Keeps which birth date is true; corrects the request when it is the one in the images. Returns what is told of it, if the
/// birth dates differ. The caller judges and settles the case.
pub(super) async fn settle_birth_date(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    actor: &Actor,
    row: &HeldRow,
    decision: &HeldBackDecision<'_>,
    now: Timestamp,
) -> StepResult<Option<String>> {
    let (dates, date) = match (differing_birth_dates(file, row), decision.birth_date) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(StepError::Stale),
        (Some(_), None) => {
            return Err(StepError::invalid(
                "decision",
                "Say which birth date is true: the one of the request or the one in the images.",
            ));
        }
        (Some(dates), Some(date)) => (dates, date),
    };
    let BirthDates {
        of_request,
        of_images,
        is_correctable,
    } = dates;
    if date == of_request {
        return Ok(Some(format!(
            "The birth date of the request is true: {of_request}. The images give {of_images}."
        )));
    }
    if date != of_images {
        return Err(StepError::Stale);
    }
    if !is_correctable {
        return Ok(Some(format!(
            "The birth date in the images is true: {of_images}. The request gives {of_request} and could not be corrected any more."
        )));
    }
    if !asking::may_correct(file) {
        return Err(StepError::invalid(
            "decision",
            "This corrects the request, and whoever reads the case may not before locking a first impression. Lock yours first, or let another coordinator decide.",
        ));
    }
    let mut who = file.intake.who.clone();
    who.patient_birth_date = of_images.to_string();
    let step = AskStep::Who(who);
    asking::correct_in(tx, ctx, file, actor, vec![step], decision.reason, now).await?;
    Ok(Some(format!(
        "The birth date in the images is true: {of_images}. The request gave {of_request} and was corrected."
    )))
}
