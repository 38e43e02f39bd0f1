//! Transfer syntaxes: how a data set is written.

/// What a transfer syntax means for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syntax {
    /// VRs are written out.
    pub explicit_vr: bool,
    /// Numbers have their high byte first.
    pub big_endian: bool,
    /// The data set is one deflate stream.
    pub deflated: bool,
    /// Pixel data are fragments.
    pub encapsulated: bool,
}

/// Implicit VR Little Endian.
pub const IMPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";
/// Explicit VR Little Endian.
pub const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Deflated Explicit VR Little Endian.
pub const DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1.99";
/// Explicit VR Big Endian (retired).
pub const EXPLICIT_VR_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
/// GE private: as implicit little endian, with big endian pixels (seen on old discs).
const GE_PRIVATE_IMPLICIT: &str = "1.2.840.113619.5.2";

impl Syntax {
    pub(crate) const IMPLICIT_LITTLE: Self = Self {
        explicit_vr: false,
        big_endian: false,
        deflated: false,
        encapsulated: false,
    };
    pub(crate) const EXPLICIT_LITTLE: Self = Self {
        explicit_vr: true,
        ..Self::IMPLICIT_LITTLE
    };
    pub(crate) const EXPLICIT_BIG: Self = Self {
        big_endian: true,
        ..Self::EXPLICIT_LITTLE
    };

    /// Returns the meaning of a transfer syntax UID; an unknown one is read as encapsulated explicit little endian.
    // PS3.5 A.4: every encapsulated syntax writes its data set in Explicit VR Little Endian.
    pub fn of_uid(uid: &str) -> Self {
        match uid {
            IMPLICIT_VR_LITTLE_ENDIAN | GE_PRIVATE_IMPLICIT => Self::IMPLICIT_LITTLE,
            EXPLICIT_VR_LITTLE_ENDIAN => Self::EXPLICIT_LITTLE,
            EXPLICIT_VR_BIG_ENDIAN => Self::EXPLICIT_BIG,
            DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN => Self {
                deflated: true,
                ..Self::EXPLICIT_LITTLE
            },
            _ => Self {
                encapsulated: true,
                ..Self::EXPLICIT_LITTLE
            },
        }
    }

    /// Returns the UID of an unencapsulated syntax.
    pub(crate) const fn native_uid(self) -> &'static str {
        match (self.explicit_vr, self.big_endian) {
            (false, _) => IMPLICIT_VR_LITTLE_ENDIAN,
            (true, false) => EXPLICIT_VR_LITTLE_ENDIAN,
            (true, true) => EXPLICIT_VR_BIG_ENDIAN,
        }
    }
}

/// Returns the media type in which DICOMweb carries a frame of a transfer syntax; `None` for uncompressed ones.
// PS3.18 8.7.3.3.2, tables 8.7.3-2, 8.7.3-4, 8.7.3-5.
pub fn frame_media_type(transfer_syntax_uid: &str) -> Option<&'static str> {
    let last = transfer_syntax_uid.strip_prefix("1.2.840.10008.1.2.")?;
    Some(match last {
        "4.50" | "4.51" | "4.57" | "4.70" | "4.53" | "4.55" => "image/jpeg",
        "5" => "image/dicom-rle",
        "4.80" | "4.81" => "image/jls",
        "4.90" | "4.91" => "image/jp2",
        "4.92" | "4.93" => "image/jpx",
        "4.201" | "4.202" | "4.203" => "image/jphc",
        "4.110" | "4.111" | "4.112" => "image/jxl",
        "4.100" | "4.100.1" | "4.101" | "4.101.1" => "video/mpeg",
        "4.102" | "4.102.1" | "4.103" | "4.103.1" | "4.104" | "4.104.1" | "4.105" | "4.105.1"
        | "4.106" | "4.106.1" => "video/mp4",
        "4.107" | "4.108" => "video/H265",
        _ => return None,
    })
}
