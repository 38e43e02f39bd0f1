//! Here the end of a report is told from its statements: signatures, addresses, notices.

use super::Builder;
use crate::text::Token;

impl Builder<'_> {
    /// Whether a sentence that names no finding belongs to the end matter; learns where the report was signed off, and
    /// that it went on after all. Nothing ends before the first statement, and an address counts alone only when it
    /// names no place of the body.
    pub(super) fn end_matter(&mut self, tokens: &[Token], placeless: bool) -> bool {
        let goes_on = tokens
            .iter()
            .any(|t| t.is("addendum") || t.is("amended") || t.is("corrected"));
        if goes_on {
            self.signed_off = None;
            return false;
        }
        let begun = !self.frames.is_empty();
        if begun && !self.lex.closing_terms.find(tokens).is_empty() {
            self.signed_off.get_or_insert(self.unread.len());
            return true;
        }
        placeless && !self.lex.end_line_terms.find(tokens).is_empty()
    }

    /// The report goes on: what was taken for its end was none.
    pub(super) fn goes_on(&mut self) {
        self.signed_off = None;
    }

    /// Below the signature nothing is a statement.
    pub(super) fn drop_end_matter(&mut self) {
        if let Some(kept) = self.signed_off {
            let below = self.unread.len().saturating_sub(kept);
            self.unread.truncate(kept);
            self.bearing = self.bearing.saturating_sub(below);
            let unread = &self.unread;
            self.telling.retain(|passage| unread.contains(passage));
        }
    }
}
