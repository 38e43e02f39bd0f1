//! Here lives the asking: who asks, why, how fast, and when to stop because it is an emergency.

use serde::{Deserialize, Serialize};

/// How fast an answer is needed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum UrgencyLevel {
    /// Five business days.
    #[default]
    Standard,
    /// Three business days.
    Expedited,
    /// One business day.
    Urgent,
    /// Not a second-opinion case.
    Emergent,
}
