//! The shared test set: real, broken and hostile files. Skipped, loudly, where it is absent.

use std::path::{Path, PathBuf};

use overread_ingest::Receipt;
use overread_model::problem::ProblemKind;

use crate::house::{House, kinds};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/dicom");

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(SHARED).join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {path:?} is not there");
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn print_all() {
    for folder in ["malicious", "broken"] {
        let Some(folder) = shared(folder) else { return };
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        for path in names {
            let house = House::new().await;
            let receipt = house.folder(&path).await;
            println!(
                "{:50} stored {} dup {} aside {} other {} docs {} {:?}",
                path.file_name().unwrap().to_string_lossy(),
                receipt.instances_stored,
                receipt.duplicates,
                receipt.kept_aside,
                receipt.other_files,
                receipt.documents.len(),
                receipt
                    .problems
                    .iter()
                    .map(|p| format!("{:?} {} {}", p.kind, p.path, p.message))
                    .collect::<Vec<_>>()
            );
            house.prove().await;
        }
    }
    let _ = (kinds as fn(&Receipt) -> Vec<ProblemKind>,);
}
