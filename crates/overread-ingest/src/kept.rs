//! What an instance that is kept says of itself, read from its bytes again.

use std::io::{self, Read, Seek, SeekFrom};

use overread_archive::Archive;
use overread_dicom::{ParseLimits, Parsed};
use overread_model::extent::Extent;
use overread_model::imaging::InstanceFacts;

use crate::{inflating, limits};

/// Reads the header of an instance that is kept, in the index or aside; `None` when it cannot be read.
pub async fn facts_of(archive: &Archive, extent: Extent) -> Option<InstanceFacts> {
    let archive = archive.clone();
    let parsed = tokio::task::spawn_blocking(move || {
        let reader = ExtentReader::new(&archive, extent);
        inflating::parse_reader(reader, extent.length_bytes, &ParseLimits::default())
    });
    match parsed.await {
        Ok(Ok(Parsed::Instance(parsed))) => Some(parsed.facts),
        _ => None,
    }
}

/// Reads an extent like a file.
pub(crate) struct ExtentReader<'a> {
    archive: &'a Archive,
    extent: Extent,
    position: u64,
}

impl<'a> ExtentReader<'a> {
    /// Reads from the first byte of the extent.
    pub(crate) const fn new(archive: &'a Archive, extent: Extent) -> Self {
        Self {
            archive,
            extent,
            position: 0,
        }
    }
}

impl Read for ExtentReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.extent.length_bytes.saturating_sub(self.position);
        let count = left.min(buffer.len() as u64).min(limits::PROOF_CHUNK_BYTES);
        let bytes = self
            .archive
            .read_blocking(self.extent, self.position..self.position + count)
            .map_err(io::Error::other)?;
        if let Some(to) = buffer.get_mut(..bytes.len()) {
            to.copy_from_slice(&bytes);
        }
        self.position += count;
        Ok(bytes.len())
    }
}

impl Seek for ExtentReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(distance) => self.extent.length_bytes.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        let position = position.filter(|position| *position <= self.extent.length_bytes);
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
