//! Mail: an outbox written with the facts, emptied afterwards into a folder or to a mail server.

use overread_model::time::Timestamp;

use crate::{StepResult, Workflow};

/// What one round of sending did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailRound {
    /// Handed over.
    pub sent: usize,
    /// To be tried again.
    pub failed: usize,
}

/// Sends what is due in the outbox; safe to run twice and on several nodes.
///
/// # Errors
/// Fails when the store does; a mail that cannot be sent is counted and tried again later.
pub async fn send_due(ctx: &Workflow, now: Timestamp) -> StepResult<MailRound> {
    crate::unfinished((ctx, now))
}
