//! Pixel data: where its frames lie, and whether there is enough of it.

use overread_model::imaging::FrameRange;

use crate::dataset::{DataSet, Node, NodeKind};
use crate::frames::FrameTable;
use crate::limits::MAX_FRAMES;
use crate::numbers::words;
use crate::source::Source;
use crate::tags;

/// Longest offset table that is read (8 bytes a frame).
const MAX_TABLE_BYTES: u64 = MAX_FRAMES as u64 * 8;

/// What describes the pixels of an instance.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PixelShape {
    pub(crate) rows: u64,
    pub(crate) columns: u64,
    pub(crate) samples: u64,
    pub(crate) bits_allocated: u64,
    pub(crate) frames: u32,
    /// YBR_FULL_422 and the like: two samples a pixel are stored for three.
    pub(crate) is_subsampled: bool,
    /// The transfer syntax compresses a film as one stream.
    pub(crate) is_video: bool,
}

impl PixelShape {
    fn frame_bits(&self) -> u64 {
        let samples = if self.is_subsampled && self.samples == 3 {
            2
        } else {
            self.samples
        };
        self.rows
            .saturating_mul(self.columns)
            .saturating_mul(samples)
            .saturating_mul(self.bits_allocated)
    }
}

/// The frames that were found, and whether pixel data fall short of their description.
pub(crate) struct PixelFacts {
    pub(crate) frames: FrameTable,
    pub(crate) has_pixel_data: bool,
    pub(crate) is_short: bool,
    /// Pixel data are fragments (whatever the transfer syntax says).
    pub(crate) is_encapsulated: bool,
    pub(crate) does_not_fit: bool,
}

/// Finds the frames of a data set.
pub(crate) fn find_frames<S: Source>(
    source: &mut S,
    data_set: &DataSet,
    shape: PixelShape,
) -> PixelFacts {
    let pixels = [
        tags::PIXEL_DATA,
        tags::FLOAT_PIXEL_DATA,
        tags::DOUBLE_FLOAT_PIXEL_DATA,
    ]
    .into_iter()
    .find_map(|tag| data_set.find(None, tag));
    let mut facts = PixelFacts {
        frames: FrameTable::None,
        has_pixel_data: false,
        is_short: false,
        is_encapsulated: false,
        does_not_fit: false,
    };
    let Some((index, node)) = pixels.and_then(|index| Some((index, data_set.nodes.get(index)?)))
    else {
        return facts;
    };
    facts.has_pixel_data = true;
    if node.kind == NodeKind::Fragments {
        facts.is_encapsulated = true;
        encapsulated(source, data_set, index, shape, &mut facts);
    } else {
        native(node, shape, &mut facts);
        facts.is_short |= data_set.truncated;
    }
    facts
}

fn native(node: &Node, shape: PixelShape, facts: &mut PixelFacts) {
    let frame_bits = shape.frame_bits();
    if frame_bits == 0 {
        facts.does_not_fit = true;
        return;
    }
    let there_bits = node.length_bytes.saturating_mul(8);
    let whole = (there_bits / frame_bits).min(u64::from(shape.frames)) as u32;
    facts.is_short = whole < shape.frames;
    if whole == 0 {
        return;
    }
    facts.frames = if frame_bits.is_multiple_of(8) {
        FrameTable::Native {
            first_offset_bytes: node.offset_bytes,
            frame_bytes: frame_bits / 8,
            count: whole,
        }
    } else {
        FrameTable::NativeBits {
            first_offset_bytes: node.offset_bytes,
            frame_bits,
            count: whole,
        }
    };
}

fn encapsulated<S: Source>(
    source: &mut S,
    data_set: &DataSet,
    index: usize,
    shape: PixelShape,
    facts: &mut PixelFacts,
) {
    let mut items = data_set.children(Some(index)).map(|(_, node)| FrameRange {
        offset_bytes: node.offset_bytes,
        length_bytes: node.length_bytes,
    });
    let table = items.next();
    let fragments: Vec<FrameRange> = items.collect();
    let wanted = shape.frames.min(MAX_FRAMES) as usize;
    if fragments.is_empty() {
        facts.is_short = true;
        return;
    }
    let frames = if wanted <= 1 || shape.is_video {
        vec![fragments]
    } else {
        let starts = starts_of_extended_table(source, data_set, &fragments, wanted)
            .or_else(|| starts_of_basic_table(source, table, &fragments, wanted));
        match starts {
            Some(starts) => group(&fragments, &starts),
            None if fragments.len() == wanted => one_each(fragments),
            None => match starts_by_content(source, &fragments, wanted) {
                Some(starts) => group(&fragments, &starts),
                None => one_each(fragments),
            },
        }
    };
    let short_by_count = !shape.is_video && frames.len() < shape.frames.max(1) as usize;
    facts.is_short = short_by_count || data_set.truncated;
    facts.does_not_fit = !shape.is_video && frames.len() > wanted.max(1);
    let mut frames = frames;
    frames.truncate(wanted.max(1));
    facts.frames = FrameTable::Fragments(frames);
}

fn one_each(fragments: Vec<FrameRange>) -> Vec<Vec<FrameRange>> {
    fragments
        .into_iter()
        .map(|fragment| vec![fragment])
        .collect()
}

/// Cuts fragments into frames at the given indices (ascending, the first is 0).
fn group(fragments: &[FrameRange], starts: &[usize]) -> Vec<Vec<FrameRange>> {
    let ends = starts.iter().skip(1).copied().chain([fragments.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| fragments.get(*start..end).unwrap_or_default().to_vec())
        .collect()
}

/// Finds each offset among the fragments; `None` when one is no fragment's start.
// PS3.5 A.4: offsets count from the first byte of the first item tag after the table.
fn match_starts(fragments: &[FrameRange], offsets: &[u64], wanted: usize) -> Option<Vec<usize>> {
    let base = fragments.first()?.offset_bytes.checked_sub(8)?;
    if offsets.len() != wanted || offsets.first() != Some(&0) {
        return None;
    }
    let mut starts = Vec::with_capacity(offsets.len());
    for offset in offsets {
        let item = base.checked_add(*offset)?.checked_add(8)?;
        let found = fragments
            .binary_search_by_key(&item, |fragment| fragment.offset_bytes)
            .ok()?;
        if starts.last().is_some_and(|last| *last >= found) {
            return None;
        }
        starts.push(found);
    }
    Some(starts)
}

fn starts_of_basic_table<S: Source>(
    source: &mut S,
    table: Option<FrameRange>,
    fragments: &[FrameRange],
    wanted: usize,
) -> Option<Vec<usize>> {
    let table = table.filter(|table| (4..=MAX_TABLE_BYTES).contains(&table.length_bytes))?;
    let bytes = source.view(table.offset_bytes, table.length_bytes as usize)?;
    let offsets: Vec<u64> = words::<4>(bytes, false)
        .map(|word| u64::from(u32::from_le_bytes(word)))
        .collect();
    match_starts(fragments, &offsets, wanted)
}

// PS3.3 C.7.6.3.1.8.
fn starts_of_extended_table<S: Source>(
    source: &mut S,
    data_set: &DataSet,
    fragments: &[FrameRange],
    wanted: usize,
) -> Option<Vec<usize>> {
    let index = data_set.find(None, tags::EXTENDED_OFFSET_TABLE)?;
    let node = data_set.nodes.get(index)?;
    if !(8..=MAX_TABLE_BYTES).contains(&node.length_bytes) {
        return None;
    }
    let bytes = source.view(node.offset_bytes, node.length_bytes as usize)?;
    let offsets: Vec<u64> = words::<8>(bytes, node.big_endian)
        .map(u64::from_le_bytes)
        .collect();
    match_starts(fragments, &offsets, wanted)
}

/// Takes every fragment that opens with a codestream's marker for the start of a frame, when that gives the right
/// number of frames; more than wanted means fragments that merely look so.
fn starts_by_content<S: Source>(
    source: &mut S,
    fragments: &[FrameRange],
    wanted: usize,
) -> Option<Vec<usize>> {
    let mut starts = Vec::new();
    for (index, fragment) in fragments.iter().enumerate() {
        let opens = source
            .view(
                fragment.offset_bytes,
                fragment.length_bytes.min(12) as usize,
            )
            .is_some_and(opens_codestream);
        if opens {
            starts.push(index);
        }
        if starts.len() > wanted {
            return None;
        }
    }
    (starts.len() == wanted && starts.first() == Some(&0)).then_some(starts)
}

fn opens_codestream(head: &[u8]) -> bool {
    // JPEG and JPEG-LS; JPEG 2000; JP2 file; JPEG XL codestream and container.
    let markers: [&[u8]; 5] = [
        b"\xff\xd8\xff",
        b"\xff\x4f\xff\x51",
        b"\0\0\0\x0cjP  ",
        b"\xff\x0a",
        b"\0\0\0\x0cJXL ",
    ];
    markers.iter().any(|marker| head.starts_with(marker))
}

#[cfg(test)]
mod tests {
    use overread_model::imaging::FrameRange;

    use super::{group, match_starts};

    fn fragments() -> Vec<FrameRange> {
        [(108, 10), (126, 20), (154, 6)]
            .into_iter()
            .map(|(offset_bytes, length_bytes)| FrameRange {
                offset_bytes,
                length_bytes,
            })
            .collect()
    }

    #[test]
    fn offsets_must_hit_fragments() {
        assert_eq!(match_starts(&fragments(), &[0, 46], 2), Some(vec![0, 2]));
        assert_eq!(match_starts(&fragments(), &[0, 45], 2), None);
        assert_eq!(match_starts(&fragments(), &[46, 0], 2), None);
        assert_eq!(match_starts(&fragments(), &[0, 0], 2), None);
        assert_eq!(match_starts(&fragments(), &[0], 2), None);
    }

    #[test]
    fn fragments_are_put_together() {
        let frames = group(&fragments(), &[0, 2]);
        assert_eq!(frames.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }
}
