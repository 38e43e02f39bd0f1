//! What stands before a data set in a file that we write.

use crate::explicit::{put_header, put_text};
use crate::part10::PREAMBLE_BYTES;
use crate::tags;
use crate::vr::Vr;

/// Our Implementation Class UID, made from a random UUID (PS3.5 B.2).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.224128870243526823413741230955212345917";
/// Our Implementation Version Name.
pub const IMPLEMENTATION_VERSION_NAME: &str = "OVERREAD_0";

/// The File Meta Information of one file; texts are without padding.
#[derive(Debug, Clone, Copy)]
pub struct FileMeta<'a> {
    /// (0002,0002).
    pub sop_class_uid: &'a [u8],
    /// (0002,0003).
    pub sop_instance_uid: &'a [u8],
    /// (0002,0010).
    pub transfer_syntax_uid: &'a [u8],
    /// (0002,0016), who writes the file.
    pub source_application_entity_title: Option<&'a [u8]>,
}

impl FileMeta<'_> {
    /// Returns empty preamble, `DICM` and group 0002; the data set goes behind it.
    // PS3.10 7.1.
    pub fn head(&self) -> Vec<u8> {
        let mut group = Vec::with_capacity(512);
        put_header(&mut group, 0x0002_0001, Vr::OB, 2);
        group.extend_from_slice(&[0, 1]);
        for (tag, uid) in [
            (tags::MEDIA_STORAGE_SOP_CLASS_UID, self.sop_class_uid),
            (0x0002_0003, self.sop_instance_uid),
            (tags::TRANSFER_SYNTAX_UID, self.transfer_syntax_uid),
            (0x0002_0012, IMPLEMENTATION_CLASS_UID.as_bytes()),
        ] {
            put_text(&mut group, tag, Vr::UI, uid);
        }
        let version = IMPLEMENTATION_VERSION_NAME.as_bytes();
        put_text(&mut group, 0x0002_0013, Vr::SH, version);
        if let Some(title) = self.source_application_entity_title {
            put_text(&mut group, 0x0002_0016, Vr::AE, title);
        }
        let mut out = vec![0; PREAMBLE_BYTES as usize];
        out.extend_from_slice(b"DICM");
        put_header(&mut out, 0x0002_0000, Vr::UL, 4);
        out.extend_from_slice(&(group.len() as u32).to_le_bytes());
        out.extend_from_slice(&group);
        out
    }
}
