//! Names of our own rows: random, safe in an address, never made from patient data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Says that a text is not one of our ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 26 characters a-z and 2-7 are expected")]
pub struct NotAnId;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Writes 16 random bytes as 26 base32 characters.
fn encode(random: [u8; 16]) -> String {
    let mut text = String::with_capacity(26);
    let mut bits = u128::from_be_bytes(random);
    for _ in 0..26 {
        let index = (bits & 31) as usize;
        text.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'a')));
        bits >>= 5;
    }
    text
}

/// Returns the bytes that an id was made from.
fn decode(text: &str) -> [u8; 16] {
    let digit = |byte: u8| ALPHABET.iter().position(|one| *one == byte).unwrap_or(0) as u128;
    let digits = text.bytes().rev();
    digits
        .fold(0, |bits: u128, byte| bits << 5 | digit(byte))
        .to_be_bytes()
}

fn is_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Makes an id from 16 random bytes.
            pub fn from_random(random: [u8; 16]) -> Self {
                Self(encode(random))
            }

            /// Returns the bytes that it was made from.
            pub fn to_bytes(&self) -> [u8; 16] {
                decode(&self.0)
            }

            /// Returns the id as it stands in addresses and columns.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                if is_id(text) { Ok(Self(text.to_owned())) } else { Err(NotAnId) }
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

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

text_id! {
    /// Names a case: one question about one exam.
    CaseId,
    /// Names a person who signs in or is written to.
    PersonId,
    /// Names a package of records that arrived.
    DeliveryId,
    /// Names a document: report, letter, note, scan.
    DocumentId,
    /// Names a report draft or signed report.
    ReportId,
    /// Names a task given to a reviewer.
    ReviewTaskId,
    /// Names the deletion of a study.
    DeletionId,
    /// Names a legal hold.
    LegalHoldId,
    /// Names a request that images be deleted.
    ErasureRequestId,
    /// Names a reviewer's entry in the directory.
    ReviewerId,
    /// Names a letter.
    LetterId,
    /// Names a machine token (never its secret).
    TokenId,
    /// Names a share link (never its secret).
    LinkId,
    /// Names a comparison of two reports.
    ConcordanceId,
}

impl TokenId {
    /// Returns what stands for the token of a DICOM peer, which has none: its AE title, of which the first 16 bytes count.
    pub fn of_peer(ae_title: &str) -> Self {
        let mut bytes = [b' '; 16];
        for (slot, byte) in bytes.iter_mut().zip(ae_title.bytes()) {
            *slot = byte;
        }
        Self::from_random(bytes)
    }

    /// Returns the AE title that [`Self::of_peer`] was given; anything else for the id of a token.
    pub fn ae_title(&self) -> Option<String> {
        let title = String::from_utf8(self.to_bytes().to_vec()).ok()?;
        Some(title.trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{CaseId, NotAnId, TokenId};

    #[test]
    fn ids_round_trip_and_refuse_anything_else() {
        let id = CaseId::from_random([255; 16]);
        assert_eq!(id.as_str().parse::<CaseId>(), Ok(id.clone()));
        assert_eq!(id.to_bytes(), [255; 16]);
        assert_eq!("../etc/passwd".parse::<CaseId>(), Err(NotAnId));
        assert_eq!("".parse::<CaseId>(), Err(NotAnId));
    }

    #[test]
    fn the_title_of_a_peer_comes_back() {
        for title in ["A", "OVERREAD", "AS LONG AS CAN B"] {
            let id = TokenId::of_peer(title);
            assert_eq!(id.ae_title().as_deref(), Some(title));
            assert_eq!(id.as_str().parse(), Ok(id));
        }
        assert_eq!(TokenId::from_random([255; 16]).ae_title(), None);
    }

    #[test]
    fn different_bytes_give_different_ids() {
        let (mut a, b) = ([0; 16], [0; 16]);
        a[0] = 0x80;
        assert_ne!(CaseId::from_random(a), CaseId::from_random(b));
    }
}
