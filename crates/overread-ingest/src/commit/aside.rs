//! What is told of an instance that is kept aside or refused.

use overread_model::problem::ProblemKind;
use overread_store::studies::Entered;

/// What is told of a file for which its case has no room.
pub const NO_ROOM: &str = "this case holds as much as it may; this file was not kept. Ask the practice for more room, then send it again";

/// Returns what to tell about an instance that was kept aside or refused; `None` for any other outcome.
pub(crate) const fn aside(entered: &Entered) -> Option<(ProblemKind, &'static str)> {
    match entered {
        Entered::Conflict => Some((
            ProblemKind::Conflict,
            "an image with the same identifier and other content is held already; the first is kept, this one is set \
             aside for a person to decide",
        )),
        Entered::Foreign(_) => Some((
            ProblemKind::HeldAside,
            "this exam is held already outside this case; the image is set aside until a coordinator decides",
        )),
        Entered::OtherPatient(_) => Some((
            ProblemKind::OtherPatient,
            "this image names another patient than the exam it claims to belong to; it is set aside until a coordinator \
             decides",
        )),
        Entered::Deleted => Some((
            ProblemKind::Deleted,
            "this exam was deleted here and can still be restored; the image was not kept. Ask an administrator to restore \
             the exam, or send it again once it is erased",
        )),
        Entered::NoRoom => Some((ProblemKind::LimitExceeded, NO_ROOM)),
        Entered::Stored(_) | Entered::Duplicate(_) => None,
    }
}
