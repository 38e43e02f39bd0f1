//! Discs as a facility hands them out: a folder or a ZIP with images, a viewer, and junk.

use std::fs;
use std::io::{self, Cursor, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;

/// One file of a disc.
#[derive(Debug, Clone)]
pub struct DiscFile {
    /// Path from the disc's root, with forward slashes.
    pub path: String,
    /// Contents.
    pub bytes: Vec<u8>,
}

impl DiscFile {
    /// Makes a file.
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            bytes: bytes.into(),
        }
    }
}

/// Returns what vendors put beside the images: an autostart file, a viewer, thumbnails.
pub fn viewer_junk() -> Vec<DiscFile> {
    vec![
        DiscFile::new("AUTORUN.INF", "[autorun]\r\nopen=VIEWER\\VIEWER.EXE\r\n"),
        DiscFile::new(
            "VIEWER/VIEWER.EXE",
            b"MZ\x90\x00 not a real program".to_vec(),
        ),
        DiscFile::new(
            "VIEWER/VIEWER.DLL",
            b"MZ\x90\x00 not a real library".to_vec(),
        ),
        DiscFile::new(
            "README.TXT",
            "Open VIEWER\\VIEWER.EXE to look at the images.\r\n",
        ),
        DiscFile::new(
            "Thumbs.db",
            vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
        ),
    ]
}

/// Writes the files below a folder.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_folder(root: &Path, files: &[DiscFile]) -> io::Result<()> {
    for file in files {
        let path = root.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, &file.bytes)?;
    }
    Ok(())
}

/// Returns the files as a ZIP.
///
/// # Errors
/// When a name is longer than a ZIP allows.
pub fn zip_of(files: &[DiscFile], deflate: bool) -> io::Result<Vec<u8>> {
    let method = if deflate {
        zip::CompressionMethod::Deflated
    } else {
        zip::CompressionMethod::Stored
    };
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        writer.start_file(
            &*file.path,
            SimpleFileOptions::default().compression_method(method),
        )?;
        writer.write_all(&file.bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}
