//! Random secrets: shown once, kept as hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{StepError, StepResult};

/// A secret that cannot be guessed; `Debug` never shows it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Makes a new one of 256 bits from the system's random source.
    pub(crate) fn new() -> StepResult<Self> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random::<32>()?)))
    }

    /// Holds one that was made elsewhere.
    pub(crate) const fn made(text: String) -> Self {
        Self(text)
    }

    /// Returns the secret; a new one has 43 characters, safe in an address.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(hidden)")
    }
}

/// Returns random bytes of the system.
pub(crate) fn random<const N: usize>() -> StepResult<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| StepError::internal(overread_store::StoreError::Random))?;
    Ok(bytes)
}

/// Returns the hash under which a secret is kept: BLAKE3, since the secret itself is 256 random bits.
pub(crate) fn hash(secret: &str) -> Vec<u8> {
    blake3::hash(secret.as_bytes()).as_bytes().to_vec()
}

/// Returns a token derived from a secret for another purpose, from which the secret cannot be found.
pub(crate) fn derive(purpose: &'static str, secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(blake3::derive_key(purpose, secret.as_bytes()))
}

/// Compares in constant time.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    use subtle::ConstantTimeEq as _;
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::{Secret, derive, hash, same};

    #[test]
    fn secrets_are_long_different_and_hidden() {
        let (a, b) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_eq!(a.reveal().len(), 43);
        assert_ne!(a.reveal(), b.reveal());
        assert_eq!(format!("{a:?}"), "Secret(hidden)");
        assert_eq!(hash(a.reveal()).len(), 32);
        assert_ne!(derive("one", a.reveal()), derive("two", a.reveal()));
        assert!(same(b"x", b"x") && !same(b"x", b"y") && !same(b"x", b"xx"));
    }
}
