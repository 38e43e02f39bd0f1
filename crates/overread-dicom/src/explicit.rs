//! Any readable instance as a Part 10 file in Explicit or Implicit VR Little Endian, for doors that allow nothing else.

use overread_model::problem::ProblemKind;

use crate::dataset::{self, DataSet, Node, NodeKind};
use crate::file_meta::FileMeta;
use crate::inflate;
use crate::limits::ParseLimits;
use crate::numbers::swap_words;
use crate::part10;
use crate::problem::DicomProblem;
use crate::source::{SliceSource, Source as _};
use crate::syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, Syntax};
use crate::tags;
use crate::vr::Vr;

const UNDEFINED_LENGTH: u32 = 0xFFFF_FFFF;

/// Writes an instance anew: empty preamble, own meta group, Explicit VR Little Endian.
///
/// Encapsulated pixel data stay as they are and keep their transfer syntax; all others become
/// 1.2.840.10008.1.2.1. The stored bytes are never changed by this; it is for what goes out.
///
/// # Errors
/// The bytes cannot be read, or the result would pass the limit for inflated data sets.
pub fn to_explicit_little_endian(
    bytes: &[u8],
    limits: &ParseLimits,
) -> Result<Vec<u8>, DicomProblem> {
    to_explicit_little_endian_without(bytes, limits, &|_, _, _| false)
}

/// As [`to_explicit_little_endian`], leaving out on every level the elements of which a tag, the VR that the file states
/// (`LT`) and the bytes of the value say so; a sequence and encapsulated pixels have none.
///
/// # Errors
/// As [`to_explicit_little_endian`].
pub fn to_explicit_little_endian_without(
    bytes: &[u8],
    limits: &ParseLimits,
    leave_out: &dyn Fn(u32, &str, &[u8]) -> bool,
) -> Result<Vec<u8>, DicomProblem> {
    rewritten(bytes, limits, leave_out, true)
}

/// As [`to_explicit_little_endian_without`], in Implicit VR Little Endian, for peers that take nothing else.
///
/// # Errors
/// As [`to_explicit_little_endian`]; and encapsulated pixel data cannot be written so.
pub fn to_implicit_little_endian_without(
    bytes: &[u8],
    limits: &ParseLimits,
    leave_out: &dyn Fn(u32, &str, &[u8]) -> bool,
) -> Result<Vec<u8>, DicomProblem> {
    rewritten(bytes, limits, leave_out, false)
}

fn rewritten(
    bytes: &[u8],
    limits: &ParseLimits,
    leave_out: &dyn Fn(u32, &str, &[u8]) -> bool,
    is_explicit: bool,
) -> Result<Vec<u8>, DicomProblem> {
    let mut source = SliceSource(bytes);
    let (meta, syntax) = part10::read_meta(&mut source)?;
    let native = if is_explicit {
        EXPLICIT_VR_LITTLE_ENDIAN
    } else {
        IMPLICIT_VR_LITTLE_ENDIAN
    };
    if syntax.deflated {
        let inflated = inflate::inflate(&mut source, meta.data_set_offset_bytes, limits)?;
        let mut source = SliceSource(&inflated.bytes);
        let data_set = dataset::walk(&mut source, 0, Syntax::EXPLICIT_LITTLE, limits)?;
        return rewrite(source, &data_set, native, limits, leave_out);
    }
    let data_set = dataset::walk(&mut source, meta.data_set_offset_bytes, syntax, limits)?;
    let is_encapsulated = data_set
        .find(None, tags::PIXEL_DATA)
        .and_then(|index| data_set.nodes.get(index))
        .is_some_and(|node| node.kind == NodeKind::Fragments);
    if is_encapsulated && !is_explicit {
        return Err(DicomProblem::new(
            ProblemKind::Unreadable,
            "compressed images cannot be written in Implicit VR Little Endian",
        ));
    }
    let kept = meta.transfer_syntax_uid.filter(|_| is_encapsulated);
    let written = kept.as_deref().unwrap_or(native);
    rewrite(source, &data_set, written, limits, leave_out)
}

fn rewrite(
    source: SliceSource<'_>,
    data_set: &DataSet,
    transfer_syntax_uid: &str,
    limits: &ParseLimits,
    leave_out: &dyn Fn(u32, &str, &[u8]) -> bool,
) -> Result<Vec<u8>, DicomProblem> {
    let mut writer = Writer {
        source,
        data_set,
        leave_out,
        is_explicit: transfer_syntax_uid != IMPLICIT_VR_LITTLE_ENDIAN,
        out: Vec::new(),
    };
    writer.meta(transfer_syntax_uid);
    writer.children(None);
    if writer.out.len() as u64 > limits.inflated_bytes.saturating_mul(2) {
        return Err(DicomProblem::new(
            ProblemKind::LimitExceeded,
            "the instance is too large to be rewritten",
        ));
    }
    Ok(writer.out)
}

pub(crate) struct Writer<'a> {
    pub(crate) source: SliceSource<'a>,
    pub(crate) data_set: &'a DataSet,
    pub(crate) leave_out: &'a dyn Fn(u32, &str, &[u8]) -> bool,
    pub(crate) is_explicit: bool,
    pub(crate) out: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn header(&mut self, tag: u32, vr: Vr, length: u32) {
        if self.is_explicit {
            put_header(&mut self.out, tag, vr, length);
        } else {
            put_item(&mut self.out, tag, length);
        }
    }

    pub(crate) fn meta(&mut self, transfer_syntax_uid: &str) {
        let meta = FileMeta {
            sop_class_uid: &self.text(tags::SOP_CLASS_UID),
            sop_instance_uid: &self.text(tags::SOP_INSTANCE_UID),
            transfer_syntax_uid: transfer_syntax_uid.as_bytes(),
            source_application_entity_title: None,
        };
        self.out = meta.head();
    }

    fn text(&mut self, tag: u32) -> Vec<u8> {
        let node = self
            .data_set
            .find(None, tag)
            .and_then(|index| self.data_set.nodes.get(index));
        node.and_then(|node| {
            self.source
                .view(node.offset_bytes, node.length_bytes.min(64) as usize)
        })
        .unwrap_or_default()
        .trim_ascii_end()
        .to_vec()
    }

    /// Writes the elements of the root or an item. Depth is bounded by the walker.
    fn children(&mut self, parent: Option<usize>) {
        for (index, node) in self.ordered(parent) {
            self.element_unless_left_out(index, node);
        }
    }

    pub(crate) fn element_unless_left_out(&mut self, index: usize, node: &Node) {
        let is_value = !matches!(node.kind, NodeKind::Sequence | NodeKind::Fragments);
        let value = is_value
            .then(|| {
                self.source
                    .view(node.offset_bytes, node.length_bytes as usize)
            })
            .flatten();
        if !(self.leave_out)(node.tag, node.vr.as_str(), value.unwrap_or_default()) {
            self.element(index, node);
        }
    }

    /// Returns the elements of the root or an item that have a place in what is written, by tag.
    pub(crate) fn ordered(&self, parent: Option<usize>) -> Vec<(usize, &'a Node)> {
        let data_set = self.data_set;
        let mut children: Vec<_> = data_set.children(parent).collect();
        if data_set.unordered {
            children.sort_by_key(|(_, node)| node.tag);
            children.dedup_by_key(|(_, node)| node.tag);
        }
        // Group lengths would be wrong now (PS3.5 7.2 retired them).
        children.retain(|(_, node)| {
            node.tag & 0xFFFF != 0 && node.tag >> 16 > 0x0002 && node.tag >> 16 != 0xFFFE
        });
        children
    }

    fn element(&mut self, index: usize, node: &Node) {
        match node.kind {
            NodeKind::Sequence => {
                self.header(node.tag, Vr::SQ, UNDEFINED_LENGTH);
                let data_set = self.data_set;
                for (item, _) in data_set.children(Some(index)) {
                    put_item(&mut self.out, tags::ITEM, UNDEFINED_LENGTH);
                    self.children(Some(item));
                    put_item(&mut self.out, tags::ITEM_DELIMITATION, 0);
                }
                put_item(&mut self.out, tags::SEQUENCE_DELIMITATION, 0);
            }
            NodeKind::Fragments => {
                self.header(node.tag, Vr::OB, UNDEFINED_LENGTH);
                let data_set = self.data_set;
                for (_, fragment) in data_set.children(Some(index)) {
                    put_item(&mut self.out, tags::ITEM, fragment.length_bytes as u32);
                    self.copy(fragment, 1);
                }
                put_item(&mut self.out, tags::SEQUENCE_DELIMITATION, 0);
            }
            _ => self.value(node),
        }
    }

    fn value(&mut self, node: &Node) {
        let length = node.length_bytes + node.length_bytes % 2;
        // PS3.5 6.2.2 note 6: what no longer fits a length of 16 bits is written as UN.
        let vr = if !node.vr.has_long_length() && length > u64::from(u16::MAX) {
            Vr::UN
        } else {
            node.vr
        };
        self.header(node.tag, vr, length as u32);
        self.copy(
            node,
            if node.big_endian {
                node.vr.word_bytes()
            } else {
                1
            },
        );
        if length > node.length_bytes {
            let is_text = node.vr.word_bytes() == 1 && !matches!(node.vr, Vr::UI | Vr::OB | Vr::UN);
            self.out.push(if is_text { b' ' } else { 0 });
        }
    }

    fn copy(&mut self, node: &Node, word_bytes: usize) {
        let start = self.out.len();
        let bytes = self
            .source
            .view(node.offset_bytes, node.length_bytes as usize)
            .unwrap_or_default();
        self.out.extend_from_slice(bytes);
        if let Some(copied) = self.out.get_mut(start..) {
            swap_words(copied, word_bytes);
        }
    }
}

pub(crate) fn put_tag(out: &mut Vec<u8>, tag: u32) {
    out.extend_from_slice(&((tag >> 16) as u16).to_le_bytes());
    out.extend_from_slice(&((tag & 0xFFFF) as u16).to_le_bytes());
}

pub(crate) fn put_item(out: &mut Vec<u8>, tag: u32, length: u32) {
    put_tag(out, tag);
    out.extend_from_slice(&length.to_le_bytes());
}

pub(crate) fn put_header(out: &mut Vec<u8>, tag: u32, vr: Vr, length: u32) {
    put_tag(out, tag);
    out.extend_from_slice(&vr.0);
    if vr.has_long_length() {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&length.to_le_bytes());
    } else {
        out.extend_from_slice(&(length as u16).to_le_bytes());
    }
}

pub(crate) fn put_text(out: &mut Vec<u8>, tag: u32, vr: Vr, value: &[u8]) {
    let value = value.strip_suffix(b"\0").unwrap_or(value);
    let length = value.len() + value.len() % 2;
    put_header(out, tag, vr, length as u32);
    out.extend_from_slice(value);
    if length > value.len() {
        out.push(if vr == Vr::UI { 0 } else { b' ' });
    }
}
