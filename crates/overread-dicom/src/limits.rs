//! Every limit on what foreign bytes may cost.

/// Sequences inside sequences, at most.
pub const MAX_DEPTH_LEVELS: usize = 64;
/// Data elements, items and sequences in one instance, at most (32 bytes of memory each).
pub const MAX_ELEMENTS: usize = 2_000_000;
/// Fragments of encapsulated pixel data, at most (16 bytes of memory each).
pub const MAX_FRAGMENTS: usize = 1_000_000;
/// Frames that an encapsulated instance may list.
pub const MAX_FRAMES: u32 = 1_000_000;
/// Binary values up to this are part of the metadata; longer ones are bulk data.
pub const MAX_INLINE_BINARY_BYTES: u64 = 1024;
/// Texts and number lists up to this are part of the metadata; longer ones are bulk data.
pub const MAX_INLINE_VALUE_BYTES: u64 = 64 * 1024;
/// Bytes of DICOM JSON of one instance, at most.
pub const MAX_METADATA_BYTES: usize = 64 * 1024 * 1024;
/// Values of one attribute in XML, at most.
pub const MAX_VALUES: usize = 1_000_000;
/// Bytes that a deflated data set may expand to.
pub const MAX_INFLATED_BYTES: u64 = 128 * 1024 * 1024;
/// How many times larger than its file a deflated data set may become, once it is larger than [`FREE_INFLATED_BYTES`].
pub const MAX_INFLATE_RATIO: u64 = 100;
/// Bytes that a deflated data set may have whatever its ratio.
pub const FREE_INFLATED_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes read at once from a file.
pub const READ_WINDOW_BYTES: usize = 64 * 1024;
/// Folders inside folders on a medium, at most.
pub const MAX_FOLDER_DEPTH_LEVELS: usize = 32;
/// Files and folders on a medium, at most.
pub const MAX_MEDIA_ENTRIES: usize = 1_000_000;
/// Records read from one DICOMDIR, at most.
pub const MAX_DIRECTORY_RECORDS: usize = 500_000;
/// First bytes of a file that decide its kind.
pub const SNIFF_BYTES: usize = 1024;

/// What one instance may cost while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseLimits {
    /// See [`MAX_DEPTH_LEVELS`].
    pub depth_levels: usize,
    /// See [`MAX_ELEMENTS`].
    pub elements: usize,
    /// See [`MAX_FRAGMENTS`].
    pub fragments: usize,
    /// See [`MAX_METADATA_BYTES`].
    pub metadata_bytes: usize,
    /// See [`MAX_INFLATED_BYTES`].
    pub inflated_bytes: u64,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            depth_levels: MAX_DEPTH_LEVELS,
            elements: MAX_ELEMENTS,
            fragments: MAX_FRAGMENTS,
            metadata_bytes: MAX_METADATA_BYTES,
            inflated_bytes: MAX_INFLATED_BYTES,
        }
    }
}
