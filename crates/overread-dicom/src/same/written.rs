//! A data set as it is written, read strictly from its first element on, a window at a time.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::DeflateDecoder;

use crate::limits::{ParseLimits, READ_WINDOW_BYTES};
use crate::syntax::{
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN,
};
use crate::tags;
use crate::vr::{self, Vr};

const UNDEFINED_LENGTH: u32 = 0xFFFF_FFFF;
/// Data Set Trailing Padding.
const TRAILING_PADDING: u32 = 0xFFFC_FFFC;

/// A data set that is read from its first element on.
pub struct WrittenDataSet<'a> {
    reader: Box<dyn BufRead + 'a>,
    at_bytes: u64,
    is_explicit: bool,
    depth_levels: usize,
    open: Vec<Level>,
}

/// A sequence or an item that is not closed yet.
#[derive(Debug, Clone, Copy)]
struct Level {
    is_sequence: bool,
    is_explicit: bool,
    /// Where it ends when it says so; the nearest enclosing end otherwise.
    bound_bytes: u64,
    has_length: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) tag: u32,
    /// As it is written; `None` where none is.
    pub(super) vr: Option<Vr>,
    pub(super) length: u32,
}

pub(super) enum Token {
    Element(Element),
    Item,
    /// Of an item or a sequence.
    End,
    EndOfDataSet,
}

// PS3.5 6.2: text is padded by spaces, UIDs and bytes by a zero; writers confuse the two.
pub(super) const fn is_padding(byte: u8) -> bool {
    matches!(byte, b' ' | 0)
}

impl Element {
    pub(super) fn is_sequence(&self) -> bool {
        let is_open = self.vr.is_none_or(|vr| vr == Vr::UN);
        self.length == UNDEFINED_LENGTH
            || self.vr == Some(Vr::SQ)
            || is_open && vr::of_tag(self.tag, false) == Vr::SQ
    }
}

impl<'a> WrittenDataSet<'a> {
    /// Takes a reader that stands at the first element of the data set; `None` for big endian, encapsulated and private
    /// transfer syntaxes.
    pub fn new(
        reader: impl Read + 'a,
        transfer_syntax_uid: &str,
        limits: &ParseLimits,
    ) -> Option<Self> {
        let window = READ_WINDOW_BYTES;
        let reader: Box<dyn BufRead + 'a> = match transfer_syntax_uid {
            IMPLICIT_VR_LITTLE_ENDIAN | EXPLICIT_VR_LITTLE_ENDIAN => {
                Box::new(BufReader::with_capacity(window, reader))
            }
            DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN => {
                let inflated = DeflateDecoder::new(reader).take(limits.inflated_bytes);
                Box::new(BufReader::with_capacity(window, inflated))
            }
            _ => return None,
        };
        Some(Self {
            reader,
            at_bytes: 0,
            is_explicit: transfer_syntax_uid != IMPLICIT_VR_LITTLE_ENDIAN,
            depth_levels: limits.depth_levels,
            open: Vec::new(),
        })
    }

    fn level(&self) -> Level {
        self.open.last().copied().unwrap_or(Level {
            is_sequence: false,
            is_explicit: self.is_explicit,
            bound_bytes: u64::MAX,
            has_length: false,
        })
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        loop {
            let level = self.level();
            if level.has_length && self.at_bytes >= level.bound_bytes {
                self.open.pop();
                return Some(Token::End);
            }
            let is_root = self.open.is_empty();
            if is_root && self.reader.fill_buf().ok()?.is_empty() {
                return Some(Token::EndOfDataSet);
            }
            let [a, b, c, d] = self.take()?;
            let tag = u32::from_le_bytes([c, d, a, b]);
            if tag >> 16 == 0xFFFE {
                return self.delimiter(tag, level);
            }
            if level.is_sequence {
                return None;
            }
            let element = self.element(tag, level)?;
            // PS3.5 7.2: a group length has four bytes.
            let is_group_length = tag & 0xFFFF == 0 && element.length == 4;
            if is_group_length || is_root && tag == TRAILING_PADDING {
                self.skip(element.length)?;
            } else if tag & 0xFFFF == 0 {
                return None;
            } else {
                return Some(Token::Element(element));
            }
        }
    }

    fn element(&mut self, tag: u32, level: Level) -> Option<Element> {
        let is_first = self.at_bytes == 4;
        let written @ [a, b, c, d] = self.take()?;
        let known = Vr::known([a, b]);
        let (vr, length) = if !level.is_explicit {
            // Writers confuse implicit and explicit.
            if is_first && known.is_some() {
                return None;
            }
            (None, u32::from_le_bytes(written))
        } else if !known?.has_long_length() {
            (known, u32::from(u16::from_le_bytes([c, d])))
        } else if [c, d] == [0, 0] {
            (known, u32::from_le_bytes(self.take()?))
        } else {
            return None;
        };
        let is_within = self.end_of(length) <= level.bound_bytes;
        (length == UNDEFINED_LENGTH || is_within).then_some(Element { tag, vr, length })
    }

    fn delimiter(&mut self, tag: u32, level: Level) -> Option<Token> {
        let length = u32::from_le_bytes(self.take()?);
        if tag == tags::ITEM && level.is_sequence {
            self.open(false, level.is_explicit, length)?;
            return Some(Token::Item);
        }
        let expected = if level.is_sequence {
            tags::SEQUENCE_DELIMITATION
        } else {
            tags::ITEM_DELIMITATION
        };
        if tag != expected || length != 0 || level.has_length {
            return None;
        }
        self.open.pop().map(|_| Token::End)
    }

    /// Goes into an element of which either side says that it is a sequence.
    pub(super) fn open_sequence(&mut self, element: Element) -> Option<()> {
        if !matches!(vr::of_tag(element.tag, false), Vr::SQ | Vr::UN) {
            return None;
        }
        let is_explicit = match element.vr {
            Some(Vr::SQ) => self.level().is_explicit,
            // PS3.5 6.2.2 note 2: whatever the transfer syntax, UN holds implicit little endian.
            None | Some(Vr::UN) => false,
            Some(_) => return None,
        };
        self.open(true, is_explicit, element.length)
    }

    fn open(&mut self, is_sequence: bool, is_explicit: bool, length: u32) -> Option<()> {
        let outer_bytes = self.level().bound_bytes;
        let has_length = length != UNDEFINED_LENGTH;
        let bound_bytes = if has_length {
            self.end_of(length)
        } else {
            outer_bytes
        };
        // Items and sequences both count, so a level of nesting is two.
        if bound_bytes > outer_bytes || self.open.len() >= self.depth_levels.saturating_mul(2) {
            return None;
        }
        self.open.push(Level {
            is_sequence,
            is_explicit,
            bound_bytes,
            has_length,
        });
        Some(())
    }

    fn end_of(&self, length: u32) -> u64 {
        self.at_bytes.saturating_add(u64::from(length))
    }

    /// Reads a part of a header, which may not reach over the end of its item.
    fn take<const COUNT: usize>(&mut self) -> Option<[u8; COUNT]> {
        let mut bytes = [0; COUNT];
        self.fill(&mut bytes)?;
        (self.at_bytes <= self.level().bound_bytes).then_some(bytes)
    }

    fn fill<'b>(&mut self, bytes: &'b mut [u8]) -> Option<&'b [u8]> {
        self.reader.read_exact(bytes).ok()?;
        self.at_bytes = self.at_bytes.saturating_add(bytes.len() as u64);
        Some(bytes)
    }

    /// Reads the last word of a value; the outer `None` when it is not there, the inner one when more than padding follows.
    pub(super) fn end_of_value<'b>(
        &mut self,
        length: u32,
        end: &'b mut [u8; 2],
    ) -> Option<Option<&'b [u8]>> {
        let in_word = length.min(2);
        let end = self.fill(end.get_mut(..in_word as usize)?)?;
        let mut left = length - in_word;
        while left > 0 {
            let window = self.window()?;
            let count = window.len().min(left as usize);
            if count == 0 {
                return None;
            }
            if !window.iter().take(count).all(|byte| is_padding(*byte)) {
                return Some(None);
            }
            self.consume(count);
            left -= count as u32;
        }
        Some(Some(end))
    }

    fn skip(&mut self, length: u32) -> Option<()> {
        let length = u64::from(length);
        let skipped = io::copy(&mut (&mut self.reader).take(length), &mut io::sink()).ok()?;
        self.at_bytes = self.at_bytes.saturating_add(skipped);
        (skipped == length).then_some(())
    }

    /// Returns what lies ready to be read; nothing at the end.
    pub(super) fn window(&mut self) -> Option<&[u8]> {
        self.reader.fill_buf().ok()
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.reader.consume(count);
        self.at_bytes = self.at_bytes.saturating_add(count as u64);
    }
}
