//! Value representations, and the dictionary that tells them where the file does not.

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_dictionary_std::StandardDataDictionary;

/// A value representation, as its two letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vr(pub(crate) [u8; 2]);

macro_rules! vrs {
    ($($name:ident)*) => {$(
        pub(crate) const $name: Self = Self([
            stringify!($name).as_bytes()[0],
            stringify!($name).as_bytes()[1],
        ]);
    )*};
}

#[expect(
    clippy::indexing_slicing,
    reason = "constants of two letters, checked by the compiler"
)]
impl Vr {
    vrs! { AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV }
}

impl Vr {
    /// Returns the two letters when they are a value representation of the standard.
    pub(crate) fn known(letters: [u8; 2]) -> Option<Self> {
        let vr = Self(letters);
        Self::ALL.contains(&vr).then_some(vr)
    }

    const ALL: [Self; 34] = [
        Self::CS,
        Self::UI,
        Self::DS,
        Self::IS,
        Self::LO,
        Self::US,
        Self::SH,
        Self::DA,
        Self::TM,
        Self::PN,
        Self::SQ,
        Self::OW,
        Self::OB,
        Self::UN,
        Self::AE,
        Self::AS,
        Self::AT,
        Self::DT,
        Self::FD,
        Self::FL,
        Self::LT,
        Self::OD,
        Self::OF,
        Self::OL,
        Self::OV,
        Self::SL,
        Self::SS,
        Self::ST,
        Self::SV,
        Self::UC,
        Self::UL,
        Self::UR,
        Self::UT,
        Self::UV,
    ];

    /// Returns the letters as text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("UN")
    }

    /// Says whether an explicit header has two reserved bytes and a length of four bytes.
    // PS3.5 7.1.2, table 7.1-1.
    pub(crate) fn has_long_length(self) -> bool {
        matches!(
            self,
            Self::OB
                | Self::OD
                | Self::OF
                | Self::OL
                | Self::OV
                | Self::OW
                | Self::SQ
                | Self::SV
                | Self::UC
                | Self::UN
                | Self::UR
                | Self::UT
                | Self::UV
        )
    }

    /// Says whether Specific Character Set applies.
    // PS3.5 6.1.2.3: LO, LT, PN, SH, ST, UC, UT.
    pub(crate) fn uses_character_set(self) -> bool {
        matches!(
            self,
            Self::LO | Self::LT | Self::PN | Self::SH | Self::ST | Self::UC | Self::UT
        )
    }

    /// Says whether its values are characters, with or without a character set.
    // PS3.5 6.2.
    pub(crate) fn is_text(self) -> bool {
        self.uses_character_set()
            || matches!(
                self,
                Self::AE
                    | Self::AS
                    | Self::CS
                    | Self::DA
                    | Self::DS
                    | Self::DT
                    | Self::IS
                    | Self::TM
                    | Self::UI
                    | Self::UR
            )
    }

    /// Returns the bytes of one binary word, which big endian files turn round; 1 for text and bytes.
    pub(crate) fn word_bytes(self) -> usize {
        match self {
            Self::US | Self::SS | Self::OW | Self::AT => 2,
            Self::UL | Self::SL | Self::FL | Self::OF | Self::OL => 4,
            Self::FD | Self::OD | Self::OV | Self::SV | Self::UV => 8,
            _ => 1,
        }
    }
}

/// Returns the VR that the standard's dictionary gives a tag; `UN` for private and unknown ones.
///
/// `signed` is Pixel Representation (0028,0103), which decides between US and SS.
pub(crate) fn of_tag(tag: u32, signed: bool) -> Vr {
    let parts = Tag((tag >> 16) as u16, (tag & 0xFFFF) as u16);
    match StandardDataDictionary.by_tag(parts).map(|entry| entry.vr()) {
        Some(VirtualVr::Exact(vr)) => Vr(vr.to_bytes()),
        Some(VirtualVr::Xs) if signed => Vr::SS,
        Some(VirtualVr::Xs) => Vr::US,
        Some(_) => Vr::OW,
        None => Vr::UN,
    }
}
