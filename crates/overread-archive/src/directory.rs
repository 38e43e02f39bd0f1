//! The directory of a batch: behind the bytes of each batch in a pack stands what the index cannot read out of them.
//!
//! A record is a mark, a body, the digest of the body, its length and another mark. Marks and digest depend on the number of
//! the pack, which nobody outside knows, so that no file can pretend to be a record. From the end of a pack one record leads
//! to the one before it, and so to the header; what no record covers was never finished, or is damaged.

use std::ops::Range;

use bytes::Bytes;
use overread_model::extent::{Digest, Extent, PackId};

use crate::error::ArchiveError;
use crate::{Place, file, limits};

/// What a batch says of itself. Nothing of it may hold patient data: it is not erased together with the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// Where the batch stands among all batches: of two, the one with the larger number was committed later.
    pub order: i64,
    /// Names the batch; its parts in other packs bear the same.
    pub batch: u64,
    /// What its entries have in common, as the caller writes it.
    pub about: Vec<u8>,
    /// What was appended.
    pub entries: Vec<Entry>,
}

/// One file of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where its bytes lie.
    pub extent: Extent,
    /// Of those bytes.
    pub digest: Digest,
    /// What else the caller says of it.
    pub about: Vec<u8>,
}

/// A directory as it stands in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where the bytes of its batch begin.
    pub begin_bytes: u64,
    /// The record itself; it ends the batch.
    pub extent: Extent,
    /// What it says.
    pub directory: Directory,
}

impl Recorded {
    /// Returns how long the pack was when this batch was complete.
    pub const fn end_bytes(&self) -> u64 {
        self.extent.offset_bytes + self.extent.length_bytes
    }
}

/// What a pack says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Every batch in it ends with a directory; packs of the first form have none.
    pub has_directories: bool,
    /// Every batch whose directory holds, by place.
    pub batches: Vec<Recorded>,
    /// Bytes that no directory covers, by place.
    pub uncovered: Vec<Range<u64>>,
    /// From where on nothing was ever finished: such bytes were never acknowledged.
    pub unfinished_from: Option<u64>,
}

const MARK_BYTES: usize = 8;
const DIGEST_BYTES: usize = 32;
const LENGTH_BYTES: usize = 4;
/// Bytes behind the body.
const TRAILER_BYTES: usize = DIGEST_BYTES + LENGTH_BYTES + MARK_BYTES;
const VERSION: u8 = 1;

/// What records of one pack are recognised by.
struct Seal {
    key: [u8; 32],
    begin: [u8; MARK_BYTES],
    end: [u8; MARK_BYTES],
}

impl Seal {
    fn of(pack_id: PackId) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("overread 2026-11 directory of a pack");
        hasher.update(&pack_id.get().to_be_bytes());
        let mut seal = Self {
            key: [0; 32],
            begin: [0; MARK_BYTES],
            end: [0; MARK_BYTES],
        };
        let mut output = hasher.finalize_xof();
        output.fill(&mut seal.key);
        output.fill(&mut seal.begin);
        output.fill(&mut seal.end);
        seal
    }
}

impl Directory {
    /// Writes the record of what of this directory lies in one pack, for a batch that begins and ends there.
    pub(crate) fn record(&self, pack_id: PackId, begin_bytes: u64, at_bytes: u64) -> Vec<u8> {
        let seal = Seal::of(pack_id);
        let mut body = vec![VERSION];
        put(&mut body, at_bytes - begin_bytes.min(at_bytes));
        put(&mut body, at_bytes);
        body.extend_from_slice(&self.order.to_le_bytes());
        body.extend_from_slice(&self.batch.to_le_bytes());
        put_bytes(&mut body, &self.about);
        let entries = self.entries.iter();
        let here: Vec<&Entry> = entries
            .filter(|entry| entry.extent.pack_id == pack_id)
            .collect();
        put(&mut body, here.len() as u64);
        let mut next = begin_bytes;
        for entry in here {
            put(&mut body, entry.extent.offset_bytes.saturating_sub(next));
            put(&mut body, entry.extent.length_bytes);
            body.extend_from_slice(entry.digest.as_bytes());
            put_bytes(&mut body, &entry.about);
            next = entry.extent.offset_bytes + entry.extent.length_bytes;
        }
        let digest = blake3::keyed_hash(&seal.key, &body);
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let mut record = Vec::with_capacity(MARK_BYTES + body.len() + TRAILER_BYTES);
        record.extend_from_slice(&seal.begin);
        record.extend_from_slice(&body);
        record.extend_from_slice(digest.as_bytes());
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&seal.end);
        record
    }
}

fn put(body: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        body.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    body.push(number as u8);
}

fn put_bytes(body: &mut Vec<u8>, bytes: &[u8]) {
    put(body, bytes.len() as u64);
    body.extend_from_slice(bytes);
}

/// Reads a body from its front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.fixed()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(self.number()?).ok()?;
        self.take(count)
    }
}

/// Reads a body whose digest holds; `None` when it is of another place, or of a later version.
fn parse(pack_id: PackId, at_bytes: u64, record_bytes: u64, body: &[u8]) -> Option<Recorded> {
    let mut reader = Reader(body);
    let [version] = reader.fixed()?;
    let begin_bytes = at_bytes.checked_sub(reader.number()?)?;
    if version != VERSION || reader.number()? != at_bytes {
        return None;
    }
    let mut directory = Directory {
        order: i64::from_le_bytes(reader.fixed()?),
        batch: u64::from_le_bytes(reader.fixed()?),
        about: reader.bytes()?.to_vec(),
        entries: Vec::new(),
    };
    let count = reader.number()?;
    let mut next = begin_bytes;
    for _ in 0..count {
        let offset_bytes = next.checked_add(reader.number()?)?;
        let length_bytes = reader.number()?;
        next = offset_bytes.checked_add(length_bytes)?;
        directory.entries.push(Entry {
            extent: Extent {
                pack_id,
                offset_bytes,
                length_bytes,
            },
            digest: Digest::new(reader.fixed()?),
            about: reader.bytes()?.to_vec(),
        });
    }
    let extent = Extent {
        pack_id,
        offset_bytes: at_bytes,
        length_bytes: record_bytes,
    };
    (next <= at_bytes && begin_bytes >= limits::PACK_HEADER_BYTES).then_some(Recorded {
        begin_bytes,
        extent,
        directory,
    })
}

/// Reads a pack of this length from its end to its header.
pub(crate) async fn contents(
    place: &Place,
    pack_id: PackId,
    length_bytes: u64,
) -> Result<Contents, ArchiveError> {
    let mut walk = Walk::of(place, pack_id);
    let mut contents = Contents::default();
    if length_bytes <= limits::PACK_HEADER_BYTES {
        contents.unfinished_from = Some(0);
        return Ok(contents);
    }
    let header = walk.bytes(0..limits::PACK_HEADER_BYTES).await?;
    contents.has_directories = *header == file::header(pack_id);
    if *header == file::header_before(pack_id) {
        contents
            .uncovered
            .push(limits::PACK_HEADER_BYTES..length_bytes);
        return Ok(contents);
    }
    let mut end = length_bytes;
    while end > limits::PACK_HEADER_BYTES {
        if let Some(found) = walk.record_before(end).await? {
            end = found.begin_bytes;
            contents.batches.push(found);
            continue;
        }
        let (start, has_mark) = walk.end_of_record_before(end).await?;
        let is_tail = contents.batches.is_empty() && contents.uncovered.is_empty();
        if is_tail && contents.has_directories && !has_mark {
            contents.unfinished_from = Some(start);
        }
        contents.uncovered.push(start..end);
        end = start;
    }
    contents.batches.reverse();
    contents.uncovered.reverse();
    Ok(contents)
}

/// Reads the record that ends here.
pub(crate) async fn recorded(
    place: &Place,
    pack_id: PackId,
    end_bytes: u64,
) -> Result<Option<Recorded>, ArchiveError> {
    Walk::of(place, pack_id).record_before(end_bytes).await
}

struct Walk<'a> {
    place: &'a Place,
    pack_id: PackId,
    seal: Seal,
    /// What was read last, and where it begins.
    window: (u64, Bytes),
}

impl<'a> Walk<'a> {
    fn of(place: &'a Place, pack_id: PackId) -> Self {
        Self {
            place,
            pack_id,
            seal: Seal::of(pack_id),
            window: (0, Bytes::new()),
        }
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, ArchiveError> {
        let extent = Extent {
            pack_id: self.pack_id,
            offset_bytes: 0,
            length_bytes: range.end,
        };
        self.place.read(extent, range).await
    }

    /// Returns a range; reads what stands before it, too, since that is asked for next.
    async fn bytes(&mut self, range: Range<u64>) -> Result<Bytes, ArchiveError> {
        let (start, window) = &self.window;
        if range.start < *start || range.end > start + window.len() as u64 {
            let from = range.end.saturating_sub(limits::DIRECTORY_WINDOW_BYTES);
            let from = from.min(range.start);
            self.window = (from, self.read(from..range.end).await?);
        }
        let (start, window) = &self.window;
        let (from, to) = ((range.start - start) as usize, (range.end - start) as usize);
        if from > to || to > window.len() {
            return Err(ArchiveError::Range);
        }
        Ok(window.slice(from..to))
    }

    /// Reads the record that ends here, when one does.
    async fn record_before(&mut self, end: u64) -> Result<Option<Recorded>, ArchiveError> {
        let least = (MARK_BYTES + TRAILER_BYTES) as u64;
        let Some(trailer) = end
            .checked_sub(TRAILER_BYTES as u64)
            .filter(|_| end >= limits::PACK_HEADER_BYTES + least)
        else {
            return Ok(None);
        };
        let bytes = self.bytes(trailer..end).await?;
        let mut reader = Reader(&bytes);
        let (Some(digest), Some(length), Some(mark)) = (
            reader.fixed::<DIGEST_BYTES>(),
            reader.fixed(),
            reader.fixed(),
        ) else {
            return Ok(None);
        };
        let length = u64::from(u32::from_le_bytes(length));
        let at = trailer.checked_sub(length + MARK_BYTES as u64);
        let Some(at) = at.filter(|at| {
            mark == self.seal.end
                && length <= limits::DIRECTORY_BYTES
                && *at >= limits::PACK_HEADER_BYTES
        }) else {
            return Ok(None);
        };
        let bytes = self.bytes(at..trailer).await?;
        let Some((begin, body)) = bytes.split_at_checked(MARK_BYTES) else {
            return Ok(None);
        };
        if begin != self.seal.begin
            || *blake3::keyed_hash(&self.seal.key, body).as_bytes() != digest
        {
            return Ok(None);
        }
        Ok(parse(self.pack_id, at, end - at, body))
    }

    /// Finds where the last record before this place ends (the header, when there is none), and says whether a mark of one
    /// stands behind it.
    async fn end_of_record_before(&mut self, end: u64) -> Result<(u64, bool), ArchiveError> {
        let mut has_mark = false;
        let mut to = end;
        while to > limits::PACK_HEADER_BYTES {
            let from = to
                .saturating_sub(limits::SCAN_BYTES)
                .max(limits::PACK_HEADER_BYTES);
            // A mark may begin in this piece and end in the one behind it.
            let bytes = self
                .read(from..(to + MARK_BYTES as u64 - 1).min(end))
                .await?;
            for (at, mark) in bytes.windows(MARK_BYTES).enumerate().rev() {
                if mark == self.seal.begin {
                    has_mark = true;
                }
                if mark != self.seal.end {
                    continue;
                }
                let place = from + (at + MARK_BYTES) as u64;
                if place < end && self.record_before(place).await?.is_some() {
                    return Ok((place, has_mark));
                }
                has_mark = true;
            }
            to = from;
        }
        Ok((limits::PACK_HEADER_BYTES, has_mark))
    }
}
