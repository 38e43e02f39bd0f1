//! A case's row, as tests put one into a database without walking there.

use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::cases::CaseRow;

/// Returns a case that takes records and was begun at this time by nobody; a test changes what it is about.
pub fn row(id: &CaseId, now: Timestamp) -> CaseRow {
    CaseRow {
        id: id.as_str().to_owned(),
        number: None,
        parent_id: None,
        state: "records_collecting".to_owned(),
        held_from: None,
        expired_at: None,
        due_at: None,
        review_left_seconds: None,
        hold_left_seconds: None,
        version: 1,
        created_by: "nobody".to_owned(),
        created_at: now.as_micros(),
        state_since: now.as_micros(),
        submitted_at: None,
        delivered_at: None,
        ended_at: None,
        urgency: "standard".to_owned(),
        title: "MRI".to_owned(),
        patient_name: "Alex Sample".to_owned(),
        intake: "{}".to_owned(),
        emergency: 0,
        identity_confirmed: 0,
        original_missing: 0,
        follow_up_wanted: 0,
        follow_up_declined: 0,
        outcome: None,
    }
}
