//! Compressed blocks: the DICOM JSON and the facts of a few instances of one series, together.
//!
//! Neighbouring slices say nearly the same, so a block of fifty is a tenth of fifty blocks of one, and a series of
//! 300 is read in a handful of rows.

use std::cell::RefCell;
use std::io::Read;

use bytes::Bytes;
use flate2::read::ZlibDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use overread_model::imaging::InstanceFacts;

use crate::error::{StoreError, StoreResult};
use crate::limits;

const DAMAGED: StoreError = StoreError::Damaged {
    table: "metadata_block",
};

/// One block, ready to be written.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) inflated_bytes: usize,
    pub(crate) dicom_json: Vec<u8>,
    pub(crate) facts_count: usize,
    pub(crate) facts: Vec<u8>,
}

thread_local! {
    /// It has a quarter of a megabyte of tables, which to make anew for each block costs more than most blocks: a batch of many
    /// small studies has two blocks for each.
    static DEFLATING: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(2), true));
}

fn deflate(bytes: &[u8]) -> StoreResult<Vec<u8>> {
    DEFLATING.with_borrow_mut(|deflating| {
        deflating.reset();
        let mut out = Vec::with_capacity(bytes.len() / 8 + 64);
        loop {
            let read = usize::try_from(deflating.total_in()).map_err(|_| DAMAGED)?;
            let rest = bytes.get(read..).ok_or(DAMAGED)?;
            match deflating.compress_vec(rest, &mut out, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return Ok(out),
                Ok(_) => out.reserve(out.len().max(64)),
                Err(_) => return Err(DAMAGED),
            }
        }
    })
}

/// Compresses the joined DICOM JSON and the facts of its instances.
pub(crate) fn compress(dicom_json: &[u8], facts: &[&InstanceFacts]) -> StoreResult<Block> {
    let facts_json = serde_json::to_vec(facts).map_err(|_| DAMAGED)?;
    Ok(Block {
        inflated_bytes: dicom_json.len(),
        dicom_json: deflate(dicom_json)?,
        facts_count: facts.len(),
        facts: deflate(&facts_json)?,
    })
}

/// Inflates the DICOM JSON of a block; exactly as many bytes as its row says.
pub(crate) fn inflate(block: &[u8], inflated_bytes: i64) -> StoreResult<Bytes> {
    let expected = u64::try_from(inflated_bytes).map_err(|_| DAMAGED)?;
    if expected > limits::BLOCK_INFLATED_BYTES {
        return Err(DAMAGED);
    }
    let mut bytes = Vec::with_capacity(expected as usize + 1);
    let mut decoder = ZlibDecoder::new(block).take(expected + 1);
    decoder.read_to_end(&mut bytes).map_err(|_| DAMAGED)?;
    if bytes.len() as u64 != expected {
        Err(DAMAGED)
    } else {
        Ok(Bytes::from(bytes))
    }
}

/// Inflates and reads the facts of a block.
pub(crate) fn facts(block: &[u8]) -> StoreResult<Vec<InstanceFacts>> {
    let decoder = ZlibDecoder::new(block).take(limits::BLOCK_INFLATED_BYTES);
    serde_json::from_reader(std::io::BufReader::new(decoder)).map_err(|_| DAMAGED)
}

#[cfg(test)]
mod tests {
    use super::{compress, inflate};

    #[test]
    fn a_block_comes_back_as_it_was() {
        let json = br#"{"00080018":{"vr":"UI","Value":["1.2.3"]}}"#.repeat(100);
        let block = compress(&json, &[]).expect("compresses");
        assert!(block.dicom_json.len() * 10 < json.len());
        assert_eq!(
            inflate(&block.dicom_json, json.len() as i64).expect("inflates"),
            json
        );
        assert!(inflate(&block.dicom_json, json.len() as i64 - 1).is_err());
        assert!(inflate(&block.dicom_json[1..], json.len() as i64).is_err());
    }

    #[test]
    fn one_block_leaves_nothing_for_the_next_one() {
        let noise = |seed: u32| -> Vec<u8> {
            let next = |word: &u32| Some(word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
            let words = std::iter::successors(Some(seed), next);
            words.take(50_000).map(|word| (word >> 24) as u8).collect()
        };
        // What cannot be compressed is longer than the room that is guessed for it.
        for text in [noise(1), b"{}".to_vec(), Vec::new(), noise(2)] {
            let block = compress(&text, &[]).expect("compresses");
            let back = inflate(&block.dicom_json, text.len() as i64);
            assert_eq!(back.expect("inflates"), text);
        }
    }
}
