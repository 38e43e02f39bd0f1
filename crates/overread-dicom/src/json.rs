//! The DICOM JSON model (PS3.18 annex F), straight from the bytes.

use std::borrow::Cow;
use std::io::Write;

use overread_model::problem::ProblemKind;

use crate::dataset::{DataSet, Node, NodeKind};
use crate::limits::{MAX_INLINE_BINARY_BYTES, MAX_INLINE_VALUE_BYTES};
use crate::numbers::{decimal, integer, is_json_number, swap_words, words};
use crate::problem::DicomProblem;
use crate::source::Source;
use crate::tags;
use crate::text::CharacterSet;
use crate::vr::Vr;

/// Whole numbers above this lose digits in many JSON readers.
const MAX_EXACT_INTEGER: u64 = 1 << 53;

/// Writes a data set as one JSON object.
///
/// `bulk_base` is put before `bulkdata/GGGGEEEE` in every BulkDataURI.
///
/// # Errors
/// The text would be longer than the limit.
pub(crate) fn write<S: Source>(
    source: &mut S,
    data_set: &DataSet,
    bulk_base: &str,
    max_bytes: usize,
) -> Result<Vec<u8>, DicomProblem> {
    let mut writer = Writer {
        source,
        data_set,
        bulk_base,
        max_bytes,
        out: Vec::with_capacity(8192),
        path: Vec::new(),
        scratch: Vec::new(),
    };
    writer.object(None, CharacterSet::default());
    if writer.out.len() > max_bytes {
        return Err(DicomProblem::new(
            ProblemKind::LimitExceeded,
            format!("the header is larger than {max_bytes} bytes"),
        ));
    }
    let mut out = writer.out;
    if !out.is_ascii() && data_set.find(None, tags::SPECIFIC_CHARACTER_SET).is_none() {
        // Text was there that the file does not describe; the reader must know it is UTF-8.
        let member = b"\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 192\"]},";
        out.splice(1..1, member.iter().copied());
    }
    Ok(out)
}

/// Reads the character set that a data set or item states, else the one around it.
pub(crate) fn character_set_of<S: Source>(
    source: &mut S,
    data_set: &DataSet,
    parent: Option<usize>,
    outer: CharacterSet,
) -> CharacterSet {
    // PS3.5 7.4: elements ascend, so nothing after group 0008 needs a look.
    data_set
        .children(parent)
        .take_while(|(_, node)| data_set.unordered || node.tag <= tags::SPECIFIC_CHARACTER_SET)
        .find(|(_, node)| node.tag == tags::SPECIFIC_CHARACTER_SET)
        .and_then(|(_, node)| source.view(node.offset_bytes, node.length_bytes.min(256) as usize))
        .map_or(outer, CharacterSet::of_value)
}

struct Writer<'a, S> {
    source: &'a mut S,
    data_set: &'a DataSet,
    bulk_base: &'a str,
    max_bytes: usize,
    out: Vec<u8>,
    /// Sequence tags and item numbers above the element, for BulkDataURIs.
    path: Vec<(u32, u32)>,
    scratch: Vec<u8>,
}

fn is_left_out(tag: u32) -> bool {
    // PS3.18 F.2.2: no group lengths, no group 0002; item tags stand for structure only.
    let group = tag >> 16;
    tag & 0xFFFF == 0
        || group <= 0x0002
        || group == 0xFFFE
        || tag == tags::DATA_SET_TRAILING_PADDING
}

impl<S: Source> Writer<'_, S> {
    /// Writes the root (`None`) or an item. Depth is bounded by the walker.
    fn object(&mut self, parent: Option<usize>, outer: CharacterSet) {
        let character_set = character_set_of(self.source, self.data_set, parent, outer);
        self.out.push(b'{');
        let start = self.out.len();
        let data_set = self.data_set;
        if data_set.unordered {
            let mut children: Vec<_> = data_set.children(parent).collect();
            children.sort_by_key(|(_, node)| node.tag);
            children.dedup_by_key(|(_, node)| node.tag);
            for (index, node) in children {
                self.member(index, node, start, character_set);
            }
        } else {
            for (index, node) in data_set.children(parent) {
                self.member(index, node, start, character_set);
            }
        }
        self.out.push(b'}');
    }

    fn member(&mut self, index: usize, node: &Node, start: usize, character_set: CharacterSet) {
        // Past the limit nothing is added any more; `write` reports it.
        if is_left_out(node.tag) || self.out.len() > self.max_bytes {
            return;
        }
        if self.out.len() > start {
            self.out.push(b',');
        }
        self.out.push(b'"');
        push_tag(&mut self.out, node.tag);
        self.out.extend_from_slice(b"\":{\"vr\":\"");
        self.out.extend_from_slice(node.vr.as_str().as_bytes());
        self.out.push(b'"');
        match node.kind {
            NodeKind::Sequence => self.sequence(index, node, character_set),
            NodeKind::Fragments => self.bulk(node.tag),
            _ if node.length_bytes == 0 => {}
            // PS3.18 F.2: the text is UTF-8 now.
            _ if node.tag == tags::SPECIFIC_CHARACTER_SET => {
                self.out.extend_from_slice(b",\"Value\":[\"ISO_IR 192\"]");
            }
            _ => self.value(node, character_set),
        }
        self.out.push(b'}');
    }

    fn sequence(&mut self, index: usize, node: &Node, character_set: CharacterSet) {
        let data_set = self.data_set;
        let mut is_first = true;
        for (number, (item, _)) in data_set.children(Some(index)).enumerate() {
            let separator: &[u8] = if is_first { b",\"Value\":[" } else { b"," };
            self.out.extend_from_slice(separator);
            is_first = false;
            self.path.push((node.tag, number as u32));
            self.object(Some(item), character_set);
            self.path.pop();
        }
        if !is_first {
            self.out.push(b']');
        }
    }

    fn bulk(&mut self, tag: u32) {
        self.out.extend_from_slice(b",\"BulkDataURI\":\"");
        self.out.extend_from_slice(self.bulk_base.as_bytes());
        self.out.extend_from_slice(b"bulkdata/");
        for index in 0..self.path.len() {
            if let Some((sequence, item)) = self.path.get(index) {
                push_tag(&mut self.out, *sequence);
                let _written = write!(self.out, ".{item}.");
            }
        }
        push_tag(&mut self.out, tag);
        self.out.push(b'"');
    }

    fn value(&mut self, node: &Node, character_set: CharacterSet) {
        let is_binary = matches!(
            node.vr,
            Vr::OB | Vr::OD | Vr::OF | Vr::OL | Vr::OV | Vr::OW | Vr::UN
        );
        let is_pixels = matches!(
            node.tag,
            tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA
        );
        let limit = if is_binary {
            MAX_INLINE_BINARY_BYTES
        } else {
            MAX_INLINE_VALUE_BYTES
        };
        if is_pixels || node.length_bytes > limit {
            self.bulk(node.tag);
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        match self
            .source
            .view(node.offset_bytes, node.length_bytes as usize)
        {
            Some(bytes) => scratch.extend_from_slice(bytes),
            None => {
                self.scratch = scratch;
                return;
            }
        }
        if is_binary {
            if node.big_endian {
                swap_words(&mut scratch, node.vr.word_bytes());
            }
            self.out.extend_from_slice(b",\"InlineBinary\":\"");
            push_base64(&mut self.out, &scratch);
            self.out.push(b'"');
        } else if node.vr.word_bytes() > 1 || matches!(node.vr, Vr::AT) {
            self.numbers(node, &scratch);
        } else {
            self.texts(node.vr, &scratch, character_set);
        }
        self.scratch = scratch;
    }

    fn numbers(&mut self, node: &Node, bytes: &[u8]) {
        let mark = self.out.len();
        self.out.extend_from_slice(b",\"Value\":[");
        let out = &mut self.out;
        let big = node.big_endian;
        let good = match node.vr {
            Vr::US => list(out, words(bytes, big), |out, word| {
                integer_into(out, u16::from_le_bytes(word))
            }),
            Vr::SS => list(out, words(bytes, big), |out, word| {
                integer_into(out, i16::from_le_bytes(word))
            }),
            Vr::UL => list(out, words(bytes, big), |out, word| {
                integer_into(out, u32::from_le_bytes(word))
            }),
            Vr::SL => list(out, words(bytes, big), |out, word| {
                integer_into(out, i32::from_le_bytes(word))
            }),
            Vr::UV => list(out, words(bytes, big), |out, word| {
                big_into(out, i128::from(u64::from_le_bytes(word)))
            }),
            Vr::SV => list(out, words(bytes, big), |out, word| {
                big_into(out, i128::from(i64::from_le_bytes(word)))
            }),
            Vr::FL => list(out, words(bytes, big), |out, word| {
                let number = f32::from_le_bytes(word);
                number.is_finite() && write!(out, "{number:?}").is_ok()
            }),
            Vr::FD => list(out, words(bytes, big), |out, word| {
                let number = f64::from_le_bytes(word);
                number.is_finite() && write!(out, "{number:?}").is_ok()
            }),
            // Vr::AT: group and element are two words.
            _ => list(out, bytes.chunks_exact(4), |out, chunk| {
                let mut halves = words::<2>(chunk, big).map(u16::from_le_bytes);
                let (group, element) = (halves.next().unwrap_or(0), halves.next().unwrap_or(0));
                out.push(b'"');
                push_tag(out, u32::from(group) << 16 | u32::from(element));
                out.push(b'"');
                true
            }),
        };
        if good {
            self.out.push(b']');
        } else {
            // NaN and infinity have no JSON form: the bytes are bulk data then.
            self.out.truncate(mark);
            self.bulk(node.tag);
        }
    }

    fn texts(&mut self, vr: Vr, bytes: &[u8], character_set: CharacterSet) {
        let text = if vr.uses_character_set() {
            character_set.decode(bytes, vr == Vr::PN)
        } else {
            CharacterSet::default().decode(bytes, false)
        };
        self.out.extend_from_slice(b",\"Value\":[");
        if matches!(vr, Vr::LT | Vr::ST | Vr::UT | Vr::UR) {
            push_string(&mut self.out, text.trim_end_matches([' ', '\0']));
        } else {
            for (number, part) in text.split('\\').enumerate() {
                if number > 0 {
                    self.out.push(b',');
                }
                let part = if vr == Vr::UC {
                    part.trim_end_matches([' ', '\0'])
                } else {
                    part.trim_matches([' ', '\0'])
                };
                push_part(&mut self.out, vr, part);
            }
        }
        self.out.push(b']');
    }
}

fn push_part(out: &mut Vec<u8>, vr: Vr, part: &str) {
    match vr {
        _ if part.is_empty() => out.extend_from_slice(b"null"),
        Vr::PN => push_name(out, part),
        Vr::DS | Vr::IS if is_json_number(part) && part.len() <= 16 => {
            out.extend_from_slice(part.as_bytes());
        }
        Vr::IS if let Some(number) = integer(part) => {
            let _fits = integer_into(out, number);
        }
        Vr::DS | Vr::IS if let Some(number) = decimal(part) => {
            let _written = write!(out, "{number:?}");
        }
        _ => push_string(out, part),
    }
}

/// Writes the component groups that are there.
// PS3.18 F.2.2: Alphabetic, Ideographic, Phonetic; empty groups are left out.
fn push_name(out: &mut Vec<u8>, name: &str) {
    out.push(b'{');
    let mut is_first = true;
    for (group, text) in ["Alphabetic", "Ideographic", "Phonetic"]
        .iter()
        .zip(name.split('='))
    {
        let text = text.trim_end();
        if text.is_empty() {
            continue;
        }
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        push_string(out, group);
        out.push(b':');
        push_string(out, text);
    }
    out.push(b'}');
}

/// Writes a list; `false` when an entry has no JSON form. An empty list becomes one null.
fn list<T>(
    out: &mut Vec<u8>,
    entries: impl Iterator<Item = T>,
    mut push: impl FnMut(&mut Vec<u8>, T) -> bool,
) -> bool {
    let mut is_first = true;
    for entry in entries {
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        if !push(out, entry) {
            return false;
        }
    }
    !is_first
}

fn integer_into(out: &mut Vec<u8>, number: impl Into<i64>) -> bool {
    write!(out, "{}", number.into()).is_ok()
}

fn big_into(out: &mut Vec<u8>, number: i128) -> bool {
    if number.unsigned_abs() > u128::from(MAX_EXACT_INTEGER) {
        write!(out, "\"{number}\"").is_ok()
    } else {
        write!(out, "{number}").is_ok()
    }
}

pub(crate) fn push_tag(out: &mut Vec<u8>, tag: u32) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for shift in (0..8).rev() {
        let digit = (tag >> (shift * 4)) & 0xF;
        out.push(DIGITS.get(digit as usize).copied().unwrap_or(b'0'));
    }
}

/// Writes a JSON string.
fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut done = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let escape: Cow<'static, [u8]> = match byte {
            b'"' => Cow::Borrowed(b"\\\""),
            b'\\' => Cow::Borrowed(b"\\\\"),
            b'\n' => Cow::Borrowed(b"\\n"),
            b'\r' => Cow::Borrowed(b"\\r"),
            b'\t' => Cow::Borrowed(b"\\t"),
            0x00..=0x1F => Cow::Owned(format!("\\u{byte:04x}").into_bytes()),
            _ => continue,
        };
        out.extend_from_slice(bytes.get(done..index).unwrap_or_default());
        out.extend_from_slice(&escape);
        done = index + 1;
    }
    out.extend_from_slice(bytes.get(done..).unwrap_or_default());
    out.push(b'"');
}

/// Writes standard base64 with padding.
// RFC 4648 4.
fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |value: u32, shift: u32| {
        let index = (value >> shift) & 0x3F;
        LETTERS.get(index as usize).copied().unwrap_or(b'A')
    };
    for chunk in bytes.chunks(3) {
        let mut triple = [0_u8; 4];
        if let Some(place) = triple.get_mut(1..=chunk.len()) {
            place.copy_from_slice(chunk);
        }
        let value = u32::from_be_bytes(triple);
        out.push(letter(value, 18));
        out.push(letter(value, 12));
        out.push(if chunk.len() > 1 {
            letter(value, 6)
        } else {
            b'='
        });
        out.push(if chunk.len() > 2 {
            letter(value, 0)
        } else {
            b'='
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{push_base64, push_name, push_string};

    #[test]
    fn base64_is_padded() {
        for (bytes, expect) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = Vec::new();
            push_base64(&mut out, bytes.as_bytes());
            assert_eq!(out, expect.as_bytes());
        }
    }

    #[test]
    fn strings_are_escaped() {
        let mut out = Vec::new();
        push_string(&mut out, "a\"b\\c\r\n\u{1b}é");
        assert_eq!(out, "\"a\\\"b\\\\c\\r\\n\\u001bé\"".as_bytes());
    }

    #[test]
    fn empty_name_groups_are_left_out() {
        let mut out = Vec::new();
        push_name(&mut out, "=山田^太郎");
        assert_eq!(out, "{\"Ideographic\":\"山田^太郎\"}".as_bytes());
    }
}
