//! The element walker: one pass over a data set, no recursion, nothing allocated from a length field.

use overread_model::problem::ProblemKind;

use crate::limits::ParseLimits;
use crate::problem::DicomProblem;
use crate::source::Source;
use crate::syntax::Syntax;
use crate::tags;
use crate::vr::{self, Vr};

const UNDEFINED_LENGTH: u32 = 0xFFFF_FFFF;

/// What a node of the flat tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// An element with a value.
    Value,
    /// A sequence; its items follow.
    Sequence,
    /// An item; its elements follow.
    Item,
    /// Encapsulated pixel data; its fragments follow, the first is the Basic Offset Table.
    Fragments,
    /// One fragment.
    Fragment,
}

/// One element, item or fragment. Children follow their parent directly, until index `end`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) tag: u32,
    pub(crate) vr: Vr,
    pub(crate) kind: NodeKind,
    pub(crate) big_endian: bool,
    /// Index of the next node that is not below this one.
    pub(crate) end: u32,
    /// Where the value starts.
    pub(crate) offset_bytes: u64,
    /// Bytes of the value that are really there; 0 for sequences and items.
    pub(crate) length_bytes: u64,
}

/// A data set as a flat tree.
#[derive(Debug, Default)]
pub(crate) struct DataSet {
    pub(crate) nodes: Vec<Node>,
    /// The bytes end inside an element.
    pub(crate) truncated: bool,
    /// A sequence or encapsulated pixel data were never closed, or a length did not fit.
    pub(crate) damaged: bool,
    /// Some element follows one with a higher tag.
    pub(crate) unordered: bool,
    /// Pixel Representation (0028,0103) is 1.
    pub(crate) signed: bool,
    /// Tag and index of every element of the root, by tag: facts are looked up a hundred times.
    roots: Vec<(u32, u32)>,
}

impl DataSet {
    /// Returns the children of the root (`None`) or of a node.
    pub(crate) fn children(&self, parent: Option<usize>) -> Children<'_> {
        let (next, end) = match parent {
            None => (0, self.nodes.len()),
            Some(index) => (
                index + 1,
                self.nodes.get(index).map_or(0, |node| node.end as usize),
            ),
        };
        Children {
            nodes: &self.nodes,
            next,
            end,
        }
    }

    /// Returns the first child with a tag.
    pub(crate) fn find(&self, parent: Option<usize>, tag: u32) -> Option<usize> {
        if parent.is_none() {
            let place = self.roots.partition_point(|(known, _)| *known < tag);
            let (found, index) = self.roots.get(place)?;
            return (*found == tag).then_some(*index as usize);
        }
        self.children(parent)
            // PS3.5 7.1: tags ascend, so a higher one ends the search.
            .take_while(|(_, node)| node.tag <= tag || self.unordered)
            .find(|(_, node)| node.tag == tag)
            .map(|(index, _)| index)
    }
}

/// Goes over the direct children of a node.
pub(crate) struct Children<'a> {
    nodes: &'a [Node],
    next: usize,
    end: usize,
}

impl<'a> Iterator for Children<'a> {
    type Item = (usize, &'a Node);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let index = self.next;
        let node = self.nodes.get(index)?;
        self.next = (node.end as usize).max(index + 1);
        Some((index, node))
    }
}

/// A sequence, item or pixel data that is not closed yet.
struct Open {
    node: usize,
    kind: NodeKind,
    /// Where it ends when it says so; the nearest enclosing end otherwise.
    bound_bytes: u64,
    has_length: bool,
    syntax: Syntax,
    last_tag: u32,
}

/// An element header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) tag: u32,
    pub(crate) vr: Vr,
    pub(crate) length: u32,
    pub(crate) header_bytes: u64,
}

struct Walker<'a, S> {
    source: &'a mut S,
    limits: &'a ParseLimits,
    out: DataSet,
    open: Vec<Open>,
    at_bytes: u64,
    end_bytes: u64,
    root_syntax: Syntax,
    root_last_tag: u32,
}

/// Walks a data set from an offset to the end of the source.
///
/// # Errors
/// A limit is passed; damaged and short data sets are no error but flags.
pub(crate) fn walk<S: Source>(
    source: &mut S,
    start_bytes: u64,
    syntax: Syntax,
    limits: &ParseLimits,
) -> Result<DataSet, DicomProblem> {
    let end_bytes = source.length_bytes();
    let mut walker = Walker {
        source,
        limits,
        out: DataSet::default(),
        open: Vec::new(),
        at_bytes: start_bytes,
        end_bytes,
        root_syntax: syntax,
        root_last_tag: 0,
    };
    walker.out.nodes.reserve(256);
    while walker.step()? {}
    if walker.open.iter().any(|open| !open.has_length) {
        walker.out.damaged = true;
    }
    while walker.close() {}
    let mut out = walker.out;
    let roots = out
        .children(None)
        .map(|(index, node)| (node.tag, index as u32));
    out.roots = roots.collect();
    if out.unordered {
        // A stable sort: of two elements with one tag the first counts.
        out.roots.sort_by_key(|(tag, _)| *tag);
    }
    Ok(out)
}

impl<S: Source> Walker<'_, S> {
    /// Reads the next header; `false` at the end.
    fn step(&mut self) -> Result<bool, DicomProblem> {
        while self
            .open
            .last()
            .is_some_and(|top| top.has_length && self.at_bytes >= top.bound_bytes)
        {
            self.close();
        }
        if self.at_bytes >= self.end_bytes {
            return Ok(false);
        }
        match self.open.last().map(|top| top.kind) {
            Some(NodeKind::Sequence | NodeKind::Fragments) => self.item(),
            _ => self.element(),
        }
    }

    fn close(&mut self) -> bool {
        let Some(top) = self.open.pop() else {
            return false;
        };
        let end = self.out.nodes.len() as u32;
        if let Some(node) = self.out.nodes.get_mut(top.node) {
            node.end = end;
        }
        true
    }

    fn bound(&self) -> u64 {
        self.open
            .last()
            .map_or(self.end_bytes, |top| top.bound_bytes)
    }

    fn syntax(&self) -> Syntax {
        self.open.last().map_or(self.root_syntax, |top| top.syntax)
    }

    fn push(&mut self, node: Node) -> Result<usize, DicomProblem> {
        if self.out.nodes.len() >= self.limits.elements {
            return Err(DicomProblem::new(
                ProblemKind::LimitExceeded,
                format!(
                    "the file holds more than {} data elements",
                    self.limits.elements
                ),
            ));
        }
        self.out.nodes.push(node);
        Ok(self.out.nodes.len() - 1)
    }

    fn descend(
        &mut self,
        node: Node,
        syntax: Syntax,
        length: Option<u64>,
    ) -> Result<(), DicomProblem> {
        // Items and sequences both count, so a level of nesting is two.
        if self.open.len() >= self.limits.depth_levels * 2 {
            return Err(DicomProblem::new(
                ProblemKind::LimitExceeded,
                format!(
                    "sequences are nested deeper than {} levels, as no real image needs",
                    self.limits.depth_levels
                ),
            ));
        }
        let outer = self.bound();
        let kind = node.kind;
        let bound_bytes = match length {
            Some(length) => {
                let end = node.offset_bytes.saturating_add(length);
                if end > outer {
                    self.out.damaged = true;
                    self.out.truncated |= end > self.end_bytes;
                }
                end.min(outer)
            }
            None => outer,
        };
        let at_bytes = node.offset_bytes;
        let node = self.push(node)?;
        self.open.push(Open {
            node,
            kind,
            bound_bytes,
            has_length: length.is_some(),
            syntax,
            last_tag: 0,
        });
        self.at_bytes = at_bytes;
        Ok(())
    }

    /// Reads an item header inside a sequence or pixel data.
    fn item(&mut self) -> Result<bool, DicomProblem> {
        let syntax = self.syntax();
        let Some(bytes) = self
            .source
            .view(self.at_bytes, 8)
            .and_then(<[u8]>::first_chunk::<8>)
        else {
            self.out.truncated = true;
            return Ok(false);
        };
        let (tag, length) = item_header(bytes, syntax.big_endian);
        match tag {
            tags::ITEM => self.open_item(length),
            tags::SEQUENCE_DELIMITATION => {
                self.at_bytes += 8;
                if self.open.last().is_some_and(|top| !top.has_length) {
                    self.close();
                }
                Ok(true)
            }
            // An item delimiter too many, as some writers leave after items with a length.
            tags::ITEM_DELIMITATION => {
                self.at_bytes += 8;
                Ok(true)
            }
            _ => {
                // What stands here is no item: the delimiter is missing, or the length of the sequence is wrong.
                self.out.damaged = true;
                let top_end = self
                    .open
                    .last()
                    .filter(|top| top.has_length)
                    .map(|top| top.bound_bytes);
                if let Some(end) = top_end {
                    self.at_bytes = end;
                }
                self.close();
                Ok(true)
            }
        }
    }

    fn open_item(&mut self, length: u32) -> Result<bool, DicomProblem> {
        let syntax = self.syntax();
        let offset_bytes = self.at_bytes + 8;
        let in_pixels = self
            .open
            .last()
            .is_some_and(|top| top.kind == NodeKind::Fragments);
        let mut node = Node {
            tag: tags::ITEM,
            vr: Vr::UN,
            kind: NodeKind::Item,
            big_endian: syntax.big_endian,
            end: 0,
            offset_bytes,
            length_bytes: 0,
        };
        if !in_pixels {
            let length = (length != UNDEFINED_LENGTH).then_some(u64::from(length));
            self.descend(node, syntax, length)?;
            return Ok(true);
        }
        let there = self.bound().saturating_sub(offset_bytes);
        if u64::from(length) > there {
            self.out.truncated = true;
        }
        node.kind = NodeKind::Fragment;
        node.length_bytes = u64::from(length).min(there);
        node.end = self.out.nodes.len() as u32 + 1;
        self.at_bytes = offset_bytes + node.length_bytes;
        self.push(node)?;
        Ok(true)
    }

    /// Reads an element of the root or of an item.
    fn element(&mut self) -> Result<bool, DicomProblem> {
        let syntax = self.syntax();
        let bound = self.bound();
        let Some(header) = read_header(self.source, self.at_bytes, bound, syntax, self.out.signed)
        else {
            return Ok(self.short_header(bound));
        };
        match header.tag {
            tags::ITEM_DELIMITATION => {
                self.at_bytes += 8;
                if self.open.last().is_some_and(|top| !top.has_length) {
                    self.close();
                }
                return Ok(true);
            }
            tags::SEQUENCE_DELIMITATION => {
                self.out.damaged = true;
                self.at_bytes += 8;
                self.close();
                self.close();
                return Ok(true);
            }
            tags::ITEM => {
                // An item outside a sequence: step over its header and go on.
                self.out.damaged = true;
                self.at_bytes += 8;
                return Ok(true);
            }
            0 => return Ok(self.padding(bound)),
            _ => {}
        }
        self.note_order(header.tag);
        let offset_bytes = self.at_bytes + header.header_bytes;
        let node = Node {
            tag: header.tag,
            vr: header.vr,
            kind: NodeKind::Value,
            big_endian: syntax.big_endian,
            end: self.out.nodes.len() as u32 + 1,
            offset_bytes,
            length_bytes: 0,
        };
        if header.length == UNDEFINED_LENGTH {
            return self.undefined_length(node, syntax);
        }
        if header.vr == Vr::SQ || self.is_hidden_sequence(&header, offset_bytes) {
            let syntax = if header.vr == Vr::SQ {
                syntax
            } else {
                Syntax::IMPLICIT_LITTLE
            };
            let node = Node {
                vr: Vr::SQ,
                kind: NodeKind::Sequence,
                ..node
            };
            self.descend(node, syntax, Some(u64::from(header.length)))?;
            return Ok(true);
        }
        self.value(node, header.length, bound)
    }

    fn value(&mut self, mut node: Node, length: u32, bound: u64) -> Result<bool, DicomProblem> {
        let there = bound.saturating_sub(node.offset_bytes);
        if u64::from(length) > there {
            self.out.damaged = true;
            self.out.truncated |= bound >= self.end_bytes;
        }
        node.length_bytes = u64::from(length).min(there);
        self.at_bytes = node.offset_bytes + node.length_bytes;
        if node.tag == tags::PIXEL_REPRESENTATION && node.length_bytes == 2 && self.open.is_empty()
        {
            let bytes = self
                .source
                .view(node.offset_bytes, 2)
                .and_then(<[u8]>::first_chunk::<2>);
            self.out.signed = bytes.is_some_and(|bytes| bytes.contains(&1));
        }
        self.push(node)?;
        Ok(true)
    }

    fn note_order(&mut self, tag: u32) {
        let last = match self.open.last_mut() {
            Some(top) => &mut top.last_tag,
            None => &mut self.root_last_tag,
        };
        if tag <= *last {
            self.out.unordered = true;
        }
        *last = tag;
    }

    /// A UN with a length that the dictionary knows as a sequence holds implicit little endian items.
    // PS3.5 6.2.2 note 2.
    fn is_hidden_sequence(&mut self, header: &Header, offset_bytes: u64) -> bool {
        header.vr == Vr::UN
            && header.length >= 8
            && vr::of_tag(header.tag, false) == Vr::SQ
            && self.source.view(offset_bytes, 4) == Some(&[0xFE, 0xFF, 0x00, 0xE0])
    }

    fn undefined_length(&mut self, node: Node, syntax: Syntax) -> Result<bool, DicomProblem> {
        let is_pixels = node.tag == tags::PIXEL_DATA || matches!(node.vr, Vr::OB | Vr::OW);
        let (kind, vr, syntax) = match node.vr {
            _ if is_pixels => (NodeKind::Fragments, node.vr, syntax),
            // PS3.5 6.2.2 note 2: UN of undefined length is a sequence in implicit little endian.
            Vr::UN => (NodeKind::Sequence, Vr::SQ, Syntax::IMPLICIT_LITTLE),
            _ => (NodeKind::Sequence, Vr::SQ, syntax),
        };
        self.descend(Node { kind, vr, ..node }, syntax, None)?;
        Ok(true)
    }

    /// Less than a header is left before the end of the item or file.
    fn short_header(&mut self, bound: u64) -> bool {
        self.at_bytes = bound;
        self.out.damaged = true;
        if bound >= self.end_bytes {
            self.out.truncated = true;
            return false;
        }
        if self.open.last().is_some_and(|top| !top.has_length) {
            self.close();
        }
        true
    }

    /// Zeros where an element should be: padding behind the data set.
    fn padding(&mut self, bound: u64) -> bool {
        if self.open.is_empty() {
            self.at_bytes = self.end_bytes;
            return false;
        }
        self.out.damaged = true;
        self.at_bytes = bound;
        if self.open.last().is_some_and(|top| !top.has_length) {
            self.close();
        }
        bound < self.end_bytes
    }
}

fn item_header(bytes: &[u8; 8], big_endian: bool) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = *bytes;
    if big_endian {
        (
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]),
        )
    } else {
        (
            u32::from_le_bytes([c, d, a, b]),
            u32::from_le_bytes([e, f, g, h]),
        )
    }
}

/// Reads an element header; `None` when less than a header is left.
pub(crate) fn read_header<S: Source>(
    source: &mut S,
    at_bytes: u64,
    bound_bytes: u64,
    syntax: Syntax,
    signed: bool,
) -> Option<Header> {
    let left = bound_bytes.saturating_sub(at_bytes);
    let bytes = source
        .view(at_bytes, left.min(12) as usize)
        .filter(|bytes| bytes.len() >= 8)?;
    let first: [u8; 8] = *bytes.first_chunk::<8>()?;
    let long: Option<[u8; 4]> = bytes
        .get(8..12)
        .and_then(|rest| rest.first_chunk::<4>())
        .copied();
    let (tag, implicit_length) = item_header(&first, syntax.big_endian);
    let [.., vr_a, vr_b, length_a, length_b] = first;
    let implicit = |header_tag| Header {
        tag: header_tag,
        vr: implicit_vr(header_tag, signed),
        length: implicit_length,
        header_bytes: 8,
    };
    // PS3.5 7.5: items and delimiters have no VR in any syntax.
    if !syntax.explicit_vr
        || tag >> 16 == 0xFFFE
        || !(vr_a.is_ascii_uppercase() && vr_b.is_ascii_uppercase())
    {
        return Some(implicit(tag));
    }
    let known = Vr::known([vr_a, vr_b]);
    let long_length = long.map(|bytes| {
        if syntax.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    });
    let fits =
        |length: u32| length == UNDEFINED_LENGTH || u64::from(length) <= left.saturating_sub(12);
    let is_long = match known {
        Some(vr) => vr.has_long_length(),
        // PS3.5 7.1.2: VRs of later editions have the long form; old inventions the short one.
        None => length_a == 0 && length_b == 0 && long_length.is_some_and(fits),
    };
    let vr = known.unwrap_or(Vr::UN);
    if is_long {
        return Some(Header {
            tag,
            vr: better_vr(tag, vr, signed),
            length: long_length?,
            header_bytes: 12,
        });
    }
    let length = if syntax.big_endian {
        u16::from_be_bytes([length_a, length_b])
    } else {
        u16::from_le_bytes([length_a, length_b])
    };
    Some(Header {
        tag,
        vr: better_vr(tag, vr, signed),
        length: u32::from(length),
        header_bytes: 8,
    })
}

fn implicit_vr(tag: u32, signed: bool) -> Vr {
    vr::of_tag(tag, signed)
}

/// Gives a UN element of the standard its true VR (sequences apart, which need their items seen first).
fn better_vr(tag: u32, vr: Vr, signed: bool) -> Vr {
    if vr != Vr::UN || (tag >> 16) & 1 == 1 {
        return vr;
    }
    match self::vr::of_tag(tag, signed) {
        Vr::SQ => Vr::UN,
        known => known,
    }
}
