//! The start of an instance whose pixel data go out in another encoding than the stored one.

use crate::dataset;
use crate::explicit::{Writer, put_header, put_text};
use crate::inflate;
use crate::limits::ParseLimits;
use crate::part10;
use crate::problem::DicomProblem;
use crate::source::SliceSource;
use crate::syntax::Syntax;
use crate::tags;
use crate::vr::Vr;

const UNDEFINED_LENGTH: u32 = 0xFFFF_FFFF;
/// Everything from here on is pixel data, their offset tables, or what was said about them as they were.
const FIRST_PIXEL_TAG: u32 = 0x7FE0_0000;

/// What is written instead of, or besides, the attributes of the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The attribute.
    pub tag: u32,
    /// Its new value; `None` takes it out.
    pub value: Option<NewValue>,
}

/// A value of an attribute that describes pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewValue {
    /// US.
    Short(u16),
    /// CS.
    Code(String),
    /// DS.
    Decimal(String),
    /// UI.
    Uid(String),
}

impl Change {
    /// Writes a whole number of 16 bits (US).
    pub fn short(tag: u32, value: u16) -> Self {
        Self {
            tag,
            value: Some(NewValue::Short(value)),
        }
    }

    /// Writes a code (CS).
    pub fn code(tag: u32, value: &str) -> Self {
        Self {
            tag,
            value: Some(NewValue::Code(value.to_owned())),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match &self.value {
            None => {}
            Some(NewValue::Short(value)) => {
                put_header(out, self.tag, Vr::US, 2);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Some(NewValue::Code(value)) => put_text(out, self.tag, Vr::CS, value.as_bytes()),
            Some(NewValue::Decimal(value)) => put_text(out, self.tag, Vr::DS, value.as_bytes()),
            Some(NewValue::Uid(value)) => put_text(out, self.tag, Vr::UI, value.as_bytes()),
        }
    }
}

/// How the pixel data go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recoded {
    /// Transfer syntax of what goes out: Explicit VR Little Endian, or an encapsulated one.
    pub transfer_syntax_uid: String,
    /// Bytes of the uncompressed pixel data, an even number; `None` when fragments follow.
    pub native_bytes: Option<u32>,
    /// Samples are words (OW) and not bytes (OB).
    pub are_words: bool,
    /// Attributes that describe the pixels and are different now, in any order.
    pub changes: Vec<Change>,
}

/// Writes everything before the pixel data anew in Explicit VR Little Endian, and then the head of their element: the
/// frames follow, one after another, or a Basic Offset Table, the fragments and a delimiter. What stood behind the pixel
/// data (padding, signatures over what is no longer so) is not written.
///
/// `start` is the start of the instance with at least everything before the pixel data.
///
/// # Errors
/// The bytes cannot be read.
pub fn recoded_head(
    start: &[u8],
    limits: &ParseLimits,
    leave_out: &dyn Fn(u32, &str, &[u8]) -> bool,
    recoded: &Recoded,
) -> Result<Vec<u8>, DicomProblem> {
    let mut source = SliceSource(start);
    let (meta, syntax) = part10::read_meta(&mut source)?;
    let at = meta.data_set_offset_bytes;
    if syntax.deflated {
        let inflated = inflate::inflate(&mut source, at, limits)?;
        let mut source = SliceSource(&inflated.bytes);
        let data_set = dataset::walk(&mut source, 0, Syntax::EXPLICIT_LITTLE, limits)?;
        return Ok(write(source, &data_set, leave_out, recoded));
    }
    let data_set = dataset::walk(&mut source, at, syntax, limits)?;
    Ok(write(source, &data_set, leave_out, recoded))
}

fn write(
    source: SliceSource<'_>,
    data_set: &dataset::DataSet,
    leave_out: &dyn Fn(u32, &str, &[u8]) -> bool,
    recoded: &Recoded,
) -> Vec<u8> {
    let mut writer = Writer {
        source,
        data_set,
        leave_out,
        is_explicit: true,
        out: Vec::new(),
    };
    writer.meta(&recoded.transfer_syntax_uid);
    let mut changes = recoded.changes.clone();
    changes.sort_by_key(|change| change.tag);
    let mut changes = changes.into_iter().peekable();
    for (index, node) in writer.ordered(None) {
        if node.tag >= FIRST_PIXEL_TAG {
            break;
        }
        while let Some(change) = changes.next_if(|change| change.tag < node.tag) {
            change.write(&mut writer.out);
        }
        match changes.next_if(|change| change.tag == node.tag) {
            Some(change) => change.write(&mut writer.out),
            None => writer.element_unless_left_out(index, node),
        }
    }
    for change in changes {
        change.write(&mut writer.out);
    }
    let mut out = writer.out;
    let (vr, length) = match recoded.native_bytes {
        Some(bytes) if recoded.are_words => (Vr::OW, bytes),
        Some(bytes) => (Vr::OB, bytes),
        // PS3.5 A.4: encapsulated pixel data are OB of undefined length.
        None => (Vr::OB, UNDEFINED_LENGTH),
    };
    put_header(&mut out, tags::PIXEL_DATA, vr, length);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::{Change, Recoded, recoded_head};
    use crate::header::Header;
    use crate::limits::ParseLimits;

    fn stored() -> Vec<u8> {
        let mut bytes = vec![0; 128];
        bytes.extend_from_slice(b"DICM");
        bytes.extend_from_slice(b"\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.4.90");
        bytes.extend_from_slice(b"\x08\0\x60\0CS\x02\0MR");
        bytes.extend_from_slice(b"\x28\0\x04\0CS\x08\0YBR_RCT ");
        bytes.extend_from_slice(b"\x28\0\x10\0US\x02\0\x04\0");
        bytes.extend_from_slice(b"\xe0\x7f\x01\0OV\0\0\x08\0\0\0\0\0\0\0\0\0\0\0");
        bytes.extend_from_slice(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0");
        bytes
    }

    #[test]
    fn changes_take_the_place_of_what_was_said() {
        let limits = ParseLimits::default();
        let recoded = Recoded {
            transfer_syntax_uid: "1.2.840.10008.1.2.1".to_owned(),
            native_bytes: Some(2),
            are_words: false,
            changes: vec![
                Change::short(0x0028_0006, 0),
                Change::code(0x0028_0004, "RGB"),
                Change {
                    tag: 0x0008_0060,
                    value: None,
                },
                Change::code(0x0028_2110, "00"),
            ],
        };
        let mut out = recoded_head(&stored(), &limits, &|_, _, _| false, &recoded).unwrap();
        out.extend_from_slice(&[1, 2]);
        let header = Header::read(&out, &limits).unwrap();
        assert_eq!(header.transfer_syntax_uid(), Some("1.2.840.10008.1.2.1"));
        assert_eq!(header.text(None, 0x0028_0004).as_deref(), Some("RGB"));
        assert_eq!(header.number(None, 0x0028_0006), Some(0.0));
        assert_eq!(header.number(None, 0x0028_0010), Some(4.0));
        assert_eq!(header.text(None, 0x0028_2110).as_deref(), Some("00"));
        assert!(!header.has(None, 0x0008_0060));
        assert!(!header.has(None, 0x7FE0_0001));
        assert_eq!(header.value(None, 0x7FE0_0010).unwrap().bytes, [1, 2]);
        let without = recoded_head(
            &stored(),
            &limits,
            &|tag, _, _| tag == 0x0028_0010,
            &recoded,
        );
        let without = without.unwrap();
        assert!(
            !Header::read(&without, &limits)
                .unwrap()
                .has(None, 0x0028_0010)
        );
    }
}
