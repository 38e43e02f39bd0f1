//! The only place that asks for the time.

use std::time::{SystemTime, UNIX_EPOCH};

use overread_model::time::Timestamp;

/// Returns the present instant.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge where the clock is read"
)]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
