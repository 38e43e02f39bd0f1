//! Texts that were read by a person once; a change of wording shows in the diff.

use std::path::Path;

/// Compares a text with its file in testdata; writes the file when `OVERREAD_UPDATE_SNAPSHOTS` is set.
pub(crate) fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name);
    if std::env::var_os("OVERREAD_UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|_| {
        panic!("no snapshot {name}; set OVERREAD_UPDATE_SNAPSHOTS=1 and read it")
    });
    assert_eq!(
        kept, text,
        "{name} changed; set OVERREAD_UPDATE_SNAPSHOTS=1 and read the diff"
    );
}

/// Writes a page to look at when `OVERREAD_PAGES` names a folder.
#[cfg(feature = "pdf")]
pub(crate) fn show(name: &str, pdf: &[u8]) {
    if let Some(folder) = std::env::var_os("OVERREAD_PAGES") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(Path::new(&folder).join(name), pdf).unwrap();
    }
}
