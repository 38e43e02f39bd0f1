//! Why instances of a store request were refused, in words: in Warning headers for its sender, in the log for the operator.

use std::collections::BTreeMap;

use axum::http::HeaderMap;

use crate::caller::Caller;
use crate::limits::REFUSAL_WARNINGS;
use crate::warning::warn;

/// How many were refused, by failure reason and words. The words hold no patient data.
#[derive(Default)]
pub(super) struct Refused<'a>(BTreeMap<(u16, &'a str), usize>);

impl<'a> Refused<'a> {
    pub(super) fn add(&mut self, reason: u16, words: &'a str) {
        *self.0.entry((reason, words)).or_default() += 1;
    }

    /// Says it to the sender.
    // PS3.18 table I.1-1 has a code for each and no place for words, and an Error Comment (0000,0902) stands in command sets
    // alone (PS3.5 7.1); 10.5.3.1 leaves the Warning header.
    pub(super) fn warn(&self, headers: &mut HeaderMap) {
        for ((reason, words), count) in self.0.iter().take(REFUSAL_WARNINGS) {
            let text =
                format!("{count} of the instances were refused with reason {reason:04X}H: {words}");
            warn(headers, &text);
        }
    }

    /// Says it to the operator, without the UIDs, which lead to a patient.
    pub(super) fn log(&self, caller: &Caller) {
        for ((reason, words), count) in self.0.iter().take(REFUSAL_WARNINGS) {
            tracing::warn!(
                sender = caller.actor.kind(),
                refused = count,
                status = reason,
                reason = words,
                "instances of a store request were refused"
            );
        }
        let rest: usize = self.0.values().skip(REFUSAL_WARNINGS).sum();
        if rest > 0 {
            tracing::warn!(
                sender = caller.actor.kind(),
                refused = rest,
                reasons = self.0.len() - REFUSAL_WARNINGS,
                "further instances of the store request were refused, for other reasons"
            );
        }
    }
}
