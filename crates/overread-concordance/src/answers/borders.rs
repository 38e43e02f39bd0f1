//! Here stands what parts a question from its answer and where a clause is over.

use crate::hits::FindingAt;
use crate::text::{Kind, Token};

/// Characters between two words from which they stand in two columns.
const COLUMN_CHARS_MIN: usize = 3;

/// What stands between a question and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A colon, an equal sign.
    Tells,
    /// A question mark.
    Asks,
    /// A dash, a bar, dots.
    Joins,
    /// A bracket.
    Opens,
    /// Empty room, as between columns.
    Column,
    /// Nothing: "Hydronephrosis no".
    None,
}

impl Mark {
    pub(super) fn at(tokens: &[Token], at: usize, findings: &[FindingAt]) -> Option<Self> {
        let (token, before) = (tokens.get(at)?, tokens.get(at.checked_sub(1)?)?);
        let digits = before.kind == Kind::Number
            && before.end == token.start
            && tokens
                .get(at + 1)
                .is_some_and(|t| t.kind == Kind::Number && t.start == token.end);
        Some(match token.kind {
            Kind::Colon if !digits => Self::Tells,
            Kind::Period if token.is("?") => Self::Asks,
            Kind::Other if token.is("=") => Self::Tells,
            Kind::Dash | Kind::Other | Kind::Period => Self::Joins,
            // "Hydronephrosis,no" is a line of a table.
            Kind::Comma
                if before.end == token.start
                    && tokens.get(at + 1).is_some_and(|t| t.start == token.end) =>
            {
                Self::Joins
            }
            Kind::Open => Self::Opens,
            _ if token.start >= before.end + COLUMN_CHARS_MIN => Self::Column,
            Kind::Word if findings.iter().any(|f| f.last + 1 == at) => Self::None,
            _ => return None,
        })
    }
}

/// Whether a clause is over before a token.
pub(super) fn ends(tokens: &[Token], at: usize) -> bool {
    let Some(token) = tokens.get(at) else {
        return true;
    };
    let column = at
        .checked_sub(1)
        .and_then(|i| tokens.get(i))
        .is_some_and(|before| token.start >= before.end + COLUMN_CHARS_MIN);
    let closes = matches!(
        token.kind,
        Kind::Comma
            | Kind::Period
            | Kind::Semicolon
            | Kind::Close
            | Kind::Open
            | Kind::Newline
            | Kind::Dash
    );
    let bar = token.kind == Kind::Other && token.norm != "%";
    column || closes || bar
}
