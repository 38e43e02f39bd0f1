//! Names of attributes, for doors where people and programs spell them out.

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, UidDictionary};
use dicom_dictionary_std::{StandardDataDictionary, StandardSopClassDictionary};

use crate::vr;

/// Returns the tag (group and element in one number) of a keyword (`PatientName`) or of eight hexadecimal digits.
pub fn tag_of(name: &str) -> Option<u32> {
    if name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return u32::from_str_radix(name, 16).ok();
    }
    let tag = StandardDataDictionary.by_name(name)?.tag();
    Some(u32::from(tag.0) << 16 | u32::from(tag.1))
}

/// Returns the keyword of a tag; `None` for private and unknown ones.
pub fn keyword_of(tag: u32) -> Option<&'static str> {
    let tag = Tag((tag >> 16) as u16, (tag & 0xFFFF) as u16);
    StandardDataDictionary.by_tag(tag).map(|entry| entry.alias)
}

/// Returns the name of a SOP class as the standard has it; `None` for private and unknown ones.
pub fn sop_class_name(uid: &str) -> Option<&'static str> {
    StandardSopClassDictionary
        .by_uid(uid)
        .map(|entry| entry.name)
}

/// Returns the two letters of the VR that the standard gives a tag; `UN` for private and unknown ones.
pub fn vr_of(tag: u32) -> String {
    vr::of_tag(tag, false).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{tag_of, vr_of};

    #[test]
    fn keywords_and_digits_name_the_same() {
        assert_eq!(tag_of("PatientName"), Some(0x0010_0010));
        assert_eq!(tag_of("0020000d"), Some(0x0020_000D));
        assert_eq!(tag_of("ModalitiesInStudy"), Some(0x0008_0061));
        assert_eq!(tag_of("patientname"), None);
        assert_eq!(tag_of("limit"), None);
        assert_eq!(super::keyword_of(0x0010_0010), Some("PatientName"));
        assert_eq!(super::keyword_of(0x0009_1001), None);
        assert_eq!(vr_of(0x0010_0010), "PN");
        assert_eq!(vr_of(0x0009_1001), "UN");
        let name = super::sop_class_name("1.2.840.10008.5.1.4.1.1.4");
        assert_eq!(name, Some("MR Image Storage"));
        assert_eq!(super::sop_class_name("1.3.12.2.1107.5.9.1"), None);
    }
}
