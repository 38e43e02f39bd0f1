//! Patterns of the data, compiled when they are first asked: compiled ones take much memory, and most runs ask few.

use std::ops::Deref;
use std::sync::{LazyLock, OnceLock};

use regex::{Error, Regex, RegexBuilder};

use crate::limits;

/// Matches nothing.
static NOTHING: LazyLock<Result<Regex, Error>> = LazyLock::new(|| Regex::new(r"[^\s\S]"));

/// A regular expression of the data; used as the [`Regex`] it is compiled to when it is first asked. One that is too large
/// matches nothing.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    compiled: OnceLock<Regex>,
    /// Stands for one that is too large to be compiled.
    nothing: Regex,
}

impl Pattern {
    /// Reads a pattern. One that is too large is only found by a build with debug assertions, as tests are.
    ///
    /// # Errors
    /// When it is no regular expression.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if cfg!(debug_assertions) {
            compile(text)?;
        }
        regex_syntax::parse(text).map_err(|error| Error::Syntax(error.to_string()))?;
        Ok(Self {
            text: text.to_owned(),
            compiled: OnceLock::new(),
            nothing: NOTHING.clone()?,
        })
    }
}

impl Deref for Pattern {
    type Target = Regex;

    fn deref(&self) -> &Regex {
        self.compiled
            .get_or_init(|| compile(&self.text).unwrap_or_else(|_| self.nothing.clone()))
    }
}

fn compile(text: &str) -> Result<Regex, Error> {
    RegexBuilder::new(text)
        .size_limit(limits::PATTERN_BYTES)
        .build()
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_are_checked_when_read_and_match_when_asked() {
        let pattern = Pattern::parse("(?i)mena[cs]e").unwrap();
        assert!(pattern.compiled.get().is_none());
        assert!(pattern.is_match("MENACE") && !pattern.is_match("menade"));
        assert!(Pattern::parse("(").is_err());
        let too_large = Pattern::parse(r"\w{2000}{50}");
        assert_eq!(too_large.is_err(), cfg!(debug_assertions));
        assert!(!pattern.nothing.is_match("anything"));
    }
}
