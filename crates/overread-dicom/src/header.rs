//! The attributes of one instance by tag, for who needs more of them than the index keeps.

use std::borrow::Cow;

use crate::dataset::{self, DataSet, NodeKind};
use crate::facts::Attributes;
use crate::inflate;
use crate::instance::StatedValue;
use crate::limits::ParseLimits;
use crate::numbers::swap_words;
use crate::part10;
use crate::problem::DicomProblem;
use crate::source::{SliceSource, Source as _};
use crate::syntax::Syntax;

/// A walked data set in memory.
///
/// The bytes may end before the pixel data do: what stands before them can be asked for all the same.
pub struct Header<'a> {
    bytes: Cow<'a, [u8]>,
    data_set: DataSet,
    transfer_syntax_uid: Option<String>,
}

/// An item of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item(usize);

impl<'a> Header<'a> {
    /// Walks the start of an instance, or all of it; a deflated data set is inflated.
    ///
    /// # Errors
    /// The bytes are no DICOM or pass a limit.
    pub fn read(bytes: &'a [u8], limits: &ParseLimits) -> Result<Self, DicomProblem> {
        let mut source = SliceSource(bytes);
        let (meta, syntax) = part10::read_meta(&mut source)?;
        let at = meta.data_set_offset_bytes;
        let (bytes, data_set) = if syntax.deflated {
            let inflated = inflate::inflate(&mut source, at, limits)?.bytes;
            let inner = Syntax::EXPLICIT_LITTLE;
            let data_set = dataset::walk(&mut SliceSource(&inflated), 0, inner, limits)?;
            (Cow::Owned(inflated), data_set)
        } else {
            let data_set = dataset::walk(&mut source, at, syntax, limits)?;
            (Cow::Borrowed(bytes), data_set)
        };
        Ok(Self {
            bytes,
            data_set,
            transfer_syntax_uid: meta.transfer_syntax_uid,
        })
    }

    /// Returns the transfer syntax that the file states.
    pub fn transfer_syntax_uid(&self) -> Option<&str> {
        self.transfer_syntax_uid.as_deref()
    }

    /// Says whether an element is there, in the root (`None`) or in an item.
    pub fn has(&self, parent: Option<Item>, tag: u32) -> bool {
        self.data_set.find(index(parent), tag).is_some()
    }

    /// Returns the VR of an element as the file states it; where it states none, the one the standard gives.
    pub fn stated_vr(&self, parent: Option<Item>, tag: u32) -> Option<&str> {
        let found = self.data_set.find(index(parent), tag)?;
        self.data_set.nodes.get(found).map(|node| node.vr.as_str())
    }

    /// Returns the decoded text of an element, all values, untrimmed.
    pub fn raw_text(&self, parent: Option<Item>, tag: u32) -> Option<String> {
        let mut source = SliceSource(&self.bytes);
        Attributes::new(&mut source, &self.data_set).raw(index(parent), tag)
    }

    /// Returns the first value of a text element, trimmed; `None` when it is empty.
    pub fn text(&self, parent: Option<Item>, tag: u32) -> Option<String> {
        let mut source = SliceSource(&self.bytes);
        Attributes::new(&mut source, &self.data_set).text(index(parent), tag)
    }

    /// Returns the numbers of a text or binary element, the first few thousand.
    pub fn numbers(&self, parent: Option<Item>, tag: u32) -> Vec<f64> {
        let mut source = SliceSource(&self.bytes);
        Attributes::new(&mut source, &self.data_set).numbers(index(parent), tag)
    }

    /// Returns the first number of an element.
    pub fn number(&self, parent: Option<Item>, tag: u32) -> Option<f64> {
        let first = self.numbers(parent, tag).first().copied();
        first.filter(|number| number.is_finite())
    }

    /// Returns the bytes of a value, little endian; `None` for a sequence, fragments, and what is not wholly there.
    pub fn value(&self, parent: Option<Item>, tag: u32) -> Option<StatedValue> {
        let found = self.data_set.find(index(parent), tag)?;
        let node = self.data_set.nodes.get(found)?;
        if node.kind != NodeKind::Value {
            return None;
        }
        let mut source = SliceSource(&self.bytes);
        let view = source.view(node.offset_bytes, node.length_bytes as usize)?;
        let mut bytes = view.to_vec();
        if node.big_endian {
            swap_words(&mut bytes, node.vr.word_bytes());
        }
        let vr = node.vr.as_str().to_owned();
        Some(StatedValue { vr, bytes })
    }

    /// Returns the items of a sequence, at most this many.
    pub fn items(&self, parent: Option<Item>, tag: u32, most: usize) -> Vec<Item> {
        let found = self.data_set.find(index(parent), tag);
        let children = found.map(|found| self.data_set.children(Some(found)));
        let items = children.into_iter().flatten();
        items
            .filter(|(_, node)| node.kind == NodeKind::Item)
            .map(|(index, _)| Item(index))
            .take(most)
            .collect()
    }

    /// Returns one item of a sequence, counted from 0.
    pub fn item(&self, parent: Option<Item>, tag: u32, item_idx: usize) -> Option<Item> {
        let found = self.data_set.find(index(parent), tag)?;
        let mut items = self.data_set.children(Some(found));
        let (index, node) = items.nth(item_idx)?;
        (node.kind == NodeKind::Item).then_some(Item(index))
    }
}

fn index(parent: Option<Item>) -> Option<usize> {
    parent.map(|item| item.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::Header;
    use crate::limits::ParseLimits;

    /// Rows 4, a sequence with one item that holds a window, then pixel data that are cut off.
    fn cut_off() -> Vec<u8> {
        let mut bytes = vec![0; 128];
        bytes.extend_from_slice(b"DICM");
        bytes.extend_from_slice(b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0");
        bytes.extend_from_slice(b"\x28\0\x10\0US\x02\0\x04\0");
        bytes.extend_from_slice(b"\x28\0\x10\x31SQ\0\0\x12\0\0\0\xfe\xff\0\xe0\x0a\0\0\0");
        bytes.extend_from_slice(b"\x28\0\x50\x10DS\x02\x0040");
        bytes.extend_from_slice(b"\xe0\x7f\x10\0OW\0\0\0\0\x01\0\x01");
        bytes
    }

    #[test]
    fn what_stands_before_the_pixels_is_read() {
        let bytes = cut_off();
        let header = Header::read(&bytes, &ParseLimits::default()).unwrap();
        assert_eq!(header.transfer_syntax_uid(), Some("1.2.840.10008.1.2.1"));
        assert_eq!(header.number(None, 0x0028_0010), Some(4.0));
        let item = header.item(None, 0x0028_3110, 0);
        assert_eq!(header.numbers(item, 0x0028_1050), [40.0]);
        assert_eq!(header.items(None, 0x0028_3110, 5).len(), 1);
        assert_eq!(header.item(None, 0x0028_3110, 1), None);
        assert!(header.has(None, 0x7FE0_0010));
        assert_eq!(header.stated_vr(None, 0x7FE0_0010), Some("OW"));
        assert!(!header.has(None, 0x0028_0011));
        assert_eq!(header.text(None, 0x0010_0010), None);
        assert_eq!(header.value(None, 0x0028_0010).unwrap().bytes, [4, 0]);
    }
}
