//! DICOM unique identifiers, checked where they enter.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Says why a text is not a DICOM UID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUid {
    /// Nothing was there.
    #[error("the identifier is empty")]
    Empty,
    /// More than 64 characters.
    #[error("the identifier is longer than 64 characters")]
    TooLong,
    /// Something else than digits and dots, an empty component or a leading zero.
    #[error("the identifier is not digits separated by dots")]
    Malformed,
}

/// Checks a UID after its padding was removed.
// PS3.5 9.1: components of digits, no leading zero, at most 64 characters.
fn check(text: &str) -> Result<(), BadUid> {
    if text.is_empty() {
        return Err(BadUid::Empty);
    }
    if text.len() > 64 {
        return Err(BadUid::TooLong);
    }
    let good = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    if text.split('.').all(good) {
        Ok(())
    } else {
        Err(BadUid::Malformed)
    }
}

macro_rules! uid {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Returns the UID without padding.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadUid;

            fn from_str(text: &str) -> Result<Self, BadUid> {
                let text = text.trim_end_matches(['\0', ' ']).trim_start_matches(' ');
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )*};
}

uid! {
    /// (0020,000D).
    StudyInstanceUid,
    /// (0020,000E).
    SeriesInstanceUid,
    /// (0008,0018).
    SopInstanceUid,
    /// (0008,0016).
    SopClassUid,
    /// (0002,0010).
    TransferSyntaxUid,
}

#[cfg(test)]
mod tests {
    use super::{BadUid, SopInstanceUid};

    fn check(text: &str, expect: Result<&str, BadUid>) {
        let got = text.parse::<SopInstanceUid>();
        assert_eq!(
            got.as_ref().map(SopInstanceUid::as_str).map_err(|e| *e),
            expect,
            "{text:?}"
        );
    }

    #[test]
    fn uids_follow_the_standard() {
        check("1.2.840.10008.1.2", Ok("1.2.840.10008.1.2"));
        check("1.2.3\0", Ok("1.2.3"));
        check("2.25.0", Ok("2.25.0"));
        check("", Err(BadUid::Empty));
        check("1.2.003.04", Err(BadUid::Malformed));
        check("../../../../etc/passwd", Err(BadUid::Malformed));
        check("1.2.3';DROP TABLE studies;--", Err(BadUid::Malformed));
        check("1..2", Err(BadUid::Malformed));
        check(&"1".repeat(65), Err(BadUid::TooLong));
    }
}
