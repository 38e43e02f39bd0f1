//! Where bytes lie in the archive: the index and the archive speak of the same places.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a pack: an append-only file (or object) of the archive. Random, from 1 to `i64::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PackId(i64);

impl PackId {
    /// Takes the number as a column holds it; `None` when it is not positive.
    pub const fn new(number: i64) -> Option<Self> {
        if number > 0 { Some(Self(number)) } else { None }
    }

    /// Makes an id from 8 random bytes.
    pub const fn from_random(random: [u8; 8]) -> Self {
        let number = (u64::from_be_bytes(random) >> 1) as i64;
        Self(if number == 0 { 1 } else { number })
    }

    /// Returns the number as a column holds it.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for PackId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// A run of bytes inside a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Extent {
    /// Which pack.
    pub pack_id: PackId,
    /// Bytes from the start of the pack.
    pub offset_bytes: u64,
    /// How many bytes.
    pub length_bytes: u64,
}

/// The BLAKE3 digest of a file as received.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Takes the 32 bytes of a digest.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({self})")
    }
}
