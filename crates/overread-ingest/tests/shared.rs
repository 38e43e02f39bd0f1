//! The shared test set: real, broken and hostile files, each as its manifest says or better. Skipped, loudly, where it is
//! absent.

use std::path::{Path, PathBuf};

use overread_ingest::Receipt;
use overread_model::problem::ProblemKind::{
    self, BadPixelData, BadUid, Encrypted, HiddenEntry, IncompleteArchive, LimitExceeded,
    MissingFromMedia, OtherPatient, Truncated, Unreadable, UnsafeName,
};

use crate::house::{House, kinds};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/dicom");

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(SHARED).join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: the shared test set is not there ({path:?})");
    None
}

/// File, instances stored, kinds of problems (each at least once, and no others).
type Expected = (&'static str, u64, &'static [ProblemKind]);

const MALICIOUS: &[Expected] = &[
    ("bits-bad.dcm", 1, &[]),
    ("deflated-bomb.dcm", 0, &[LimitExceeded]),
    ("dicomdir-loop", 0, &[MissingFromMedia]),
    ("dicomdir-traversal", 0, &[UnsafeName]),
    ("dims-bad.dcm", 1, &[BadPixelData]),
    ("duplicate-uid-1.dcm", 1, &[]),
    ("duplicate-uid-2.dcm", 1, &[]),
    ("encapsulated-pdf-javascript.dcm", 1, &[]),
    ("frames-huge.dcm", 1, &[BadPixelData]),
    ("j2k-siz-huge.dcm", 1, &[]),
    ("jpeg-dims-mismatch.dcm", 1, &[]),
    ("length-huge.dcm", 1, &[Truncated]),
    ("patientid-clash-1.dcm", 1, &[]),
    ("patientid-clash-2.dcm", 1, &[]),
    ("patientname-crlf.dcm", 1, &[]),
    ("patientname-csv.dcm", 1, &[]),
    ("patientname-rtl.dcm", 1, &[]),
    ("patientname-xss.dcm", 1, &[]),
    ("preamble-html-polyglot.dcm", 1, &[]),
    ("preamble-pe-polyglot.dcm", 1, &[]),
    ("rle-bad-offset.dcm", 1, &[]),
    ("sequence-deep.dcm", 0, &[LimitExceeded]),
    ("sequence-unterminated.dcm", 1, &[Unreadable]),
    ("uid-empty.dcm", 0, &[BadUid]),
    ("uid-lead0.dcm", 0, &[BadUid]),
    ("uid-long.dcm", 0, &[BadUid]),
    ("uid-path.dcm", 0, &[BadUid]),
    ("uid-sql.dcm", 0, &[BadUid]),
    ("zip-bomb.zip", 1, &[Truncated, LimitExceeded]),
    ("zip-dup-names.zip", 2, &[]),
    ("zip-encrypted.zip", 0, &[Encrypted]),
    ("zip-legacy-names.zip", 1, &[]),
    ("zip-nested.zip", 1, &[LimitExceeded]),
    ("zip-symlink.zip", 1, &[UnsafeName]),
    ("zip-traversal.zip", 1, &[UnsafeName]),
    ("zip-truncated.zip", 1, &[Truncated, IncompleteArchive]),
];

/// Of these only: no harm, an answer in words for whatever is not stored, and what is stored is proven.
const BROKEN: &str = "broken";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_do_what_the_manifest_says() {
    let Some(folder) = shared("malicious") else {
        return;
    };
    let mut seen = 0;
    for (name, stored, problems) in MALICIOUS {
        let house = House::new().await;
        let receipt = house.folder(&folder.join(name)).await;
        assert_eq!(receipt.instances_stored, *stored, "{name}: {receipt:?}");
        let found = kinds(&receipt);
        assert!(
            found.iter().all(|kind| problems.contains(kind)),
            "{name}: {receipt:?}"
        );
        assert!(
            problems.iter().all(|kind| found.contains(kind)),
            "{name}: {receipt:?}"
        );
        house.prove().await;
        seen += 1;
    }
    assert_eq!(
        seen,
        std::fs::read_dir(folder).unwrap().count(),
        "a file of the set is not looked at"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_hostile_folder_at_once() {
    let Some(folder) = shared("malicious") else {
        return;
    };
    let house = House::new().await;
    let receipt = house.folder(&folder).await;
    // Several of the files claim one study for different people: the first is shown, the others are set aside.
    assert!(receipt.instances_stored >= 15, "{receipt:?}");
    assert!(receipt.kept_aside >= 5, "{receipt:?}");
    let found = kinds(&receipt);
    assert!(
        found.contains(&ProblemKind::Conflict) && found.contains(&OtherPatient),
        "{found:?}"
    );
    assert!(!found.contains(&HiddenEntry), "{receipt:?}");
    house.prove().await;
    assert!(!Path::new("/tmp/overread-evil.txt").exists());
    assert!(!Path::new("/etc/overread-evil").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_files_are_stored_or_named() {
    let Some(folder) = shared(BROKEN) else { return };
    let house = House::new().await;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let receipt = house.folder(&path).await;
        let known = receipt.instances_stored + receipt.duplicates + receipt.kept_aside;
        assert!(
            known == 1 || receipt.problems.len() == 1,
            "{path:?}: {receipt:?}"
        );
    }
    assert!(house.prove().await.instances >= 12);
}

fn told(receipt: &Receipt) -> (u64, usize, usize, u64, Vec<ProblemKind>) {
    let series = receipt.studies.iter().map(|study| study.series.len()).sum();
    (
        receipt.instances_stored,
        receipt.studies.len(),
        series,
        receipt.documents.len() as u64,
        kinds(receipt),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disc_is_the_same_as_folder_and_as_zip() {
    let (Some(folder), Some(zip)) = (
        shared("patient-cd-a/CD"),
        shared("patient-cd-a/patient-cd-a.zip"),
    ) else {
        return;
    };
    let (first, second) = (House::new().await, House::new().await);
    let as_folder = first.folder(&folder).await;
    let as_zip = second.zip(std::fs::read(&zip).unwrap()).await;
    assert_eq!(told(&as_folder), (24, 3, 9, 5, vec![]), "{as_folder:?}");
    assert_eq!(told(&as_zip), told(&as_folder), "{as_zip:?}");
    assert_eq!((as_folder.files_seen, as_zip.files_seen), (39, 39));
    let again = first.folder(&zip).await;
    assert_eq!((again.instances_stored, again.duplicates), (0, 24));
    for house in [first, second] {
        assert_eq!(house.prove().await.instances, 24);
    }
}
