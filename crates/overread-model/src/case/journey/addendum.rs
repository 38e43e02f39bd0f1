//! What is said and done after an addendum to a result that was delivered before.

use super::is_with_physician;
use super::sentence::Reader;
use crate::case::facts::CaseFacts;
use crate::case::state::CaseState;

const fn is_out(state: CaseState) -> bool {
    matches!(state, CaseState::Delivered | CaseState::FollowUp)
}

/// Says whether the result was changed after the release, and nobody, or not everybody who had it, has confirmed that.
pub(super) const fn is_unread(state: CaseState, facts: &CaseFacts) -> bool {
    let report = &facts.report;
    is_out(state)
        && report.changed_at.is_some()
        && (report.acknowledged_at.is_none() || report.change_missed)
}

/// Says whether the reviewer must sign the comparison again.
pub(super) const fn awaits_signature(state: CaseState, facts: &CaseFacts) -> bool {
    is_out(state) && facts.report.comparison_outdated
}

/// Returns what the coordinator does until the addendum is confirmed as read.
pub(super) const fn coordinators_label(
    state: CaseState,
    facts: &CaseFacts,
) -> Option<&'static str> {
    if !is_unread(state, facts) {
        None
    } else if facts.report.change_needs_link {
        Some("Make a new link for the doctor")
    } else if is_with_physician(facts) {
        Some("Make sure the addendum was read")
    } else {
        Some("Make the link for the doctor")
    }
}

/// Returns the sentence that takes the place of the usual one.
pub(super) const fn sentence(
    state: CaseState,
    facts: &CaseFacts,
    reader: Reader,
) -> Option<&'static str> {
    if awaits_signature(state, facts) && matches!(reader, Reader::Reviewer) {
        return Some(
            "You signed an addendum after the result was delivered. Sign the comparison that counts it in; until then the \
             delivered one is shown.",
        );
    }
    if !is_unread(state, facts) {
        return None;
    }
    Some(match reader {
        Reader::Requester => {
            "The reviewer added something to your second report after you got it. Please read the addendum, and make sure \
             that your doctor knows of it."
        }
        Reader::Physician => {
            "The reviewer added something to the second report after it was delivered. Please read the addendum and confirm."
        }
        Reader::Coordinator if facts.report.change_needs_link => {
            "An addendum was signed after the result was delivered, and the result as it is now not yet confirmed since. The link of a doctor who \
             had read the result before has ended: a new link is needed."
        }
        Reader::Coordinator if !is_with_physician(facts) => {
            "An addendum was signed after the result was delivered, and the result as it is now not yet confirmed since. The treating doctor has no \
             way to it: make a link for the doctor."
        }
        Reader::Coordinator => {
            "An addendum was signed after the result was delivered, and the result as it is now not yet confirmed since. Make sure that the doctor \
             has read it."
        }
        Reader::Reviewer | Reader::Other => {
            "An addendum was signed after the result was delivered, and the result as it is now not yet confirmed since."
        }
    })
}
