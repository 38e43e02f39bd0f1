//! Names of application entities.

use std::fmt;
use std::str::FromStr;

/// Says that a text is no AE title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an AE title: 1 to 16 letters, digits and signs of ASCII, no backslash")]
pub struct NotAnAeTitle;

/// The name of an application entity, without padding; upper and lower case differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AeTitle(String);

impl AeTitle {
    /// Returns the title.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AeTitle {
    type Err = NotAnAeTitle;

    // PS3.5 6.2: 16 bytes of the default repertoire, no backslash, no control characters, not spaces alone.
    fn from_str(text: &str) -> Result<Self, NotAnAeTitle> {
        let text = text.trim_matches([' ', '\0']);
        let fits = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'\\';
        if text.is_empty() || text.len() > 16 || !text.bytes().all(fits) {
            return Err(NotAnAeTitle);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for AeTitle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{AeTitle, NotAnAeTitle};

    #[test]
    fn titles_are_checked_and_lose_their_padding() {
        let check = |text: &str, expect: Result<&str, NotAnAeTitle>| {
            let got = text.parse::<AeTitle>();
            assert_eq!(
                got.as_ref().map(AeTitle::as_str).map_err(|bad| *bad),
                expect,
                "{text:?}"
            );
        };
        check("OVERREAD", Ok("OVERREAD"));
        check("  MR 1\0\0", Ok("MR 1"));
        check("ABCDEFGHIJKLMNOP", Ok("ABCDEFGHIJKLMNOP"));
        check("ABCDEFGHIJKLMNOPQ", Err(NotAnAeTitle));
        check("   ", Err(NotAnAeTitle));
        check("A\\B", Err(NotAnAeTitle));
        check("A\nB", Err(NotAnAeTitle));
        check("Ä", Err(NotAnAeTitle));
    }
}
