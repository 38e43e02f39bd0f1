//! Folders and files: content decides, nothing is followed, everything is told.

use overread_model::problem::ProblemKind;
use overread_testkit::disc::{DiscFile, viewer_junk, write_folder};

use crate::house::{House, kinds, mr, part10};

#[tokio::test(flavor = "multi_thread")]
async fn a_disc_is_stored_byte_for_byte_and_told() {
    let house = House::new().await;
    let disc = tempfile::tempdir().unwrap();
    let mut files = viewer_junk();
    files.push(DiscFile::new("DICOM/A1", part10(&mr(1, 1, 1))));
    files.push(DiscFile::new("DICOM/A2", part10(&mr(1, 1, 2))));
    files.push(DiscFile::new("DICOM/B1.txt", part10(&mr(1, 2, 1))));
    files.push(DiscFile::new(
        "DICOM/OLD",
        part10(&mr(2, 1, 1))[132..].to_vec(),
    ));
    files.push(DiscFile::new("REPORT.PDF", "%PDF-1.4 not much of one"));
    files.push(DiscFile::new(
        "PICTURE.JPG",
        [&b"\xff\xd8\xff\xe0"[..], &[7; 5000]].concat(),
    ));
    write_folder(disc.path(), &files).unwrap();

    let receipt = house.folder(disc.path()).await;
    assert_eq!(receipt.problems, [], "{receipt:?}");
    assert_eq!(
        (
            receipt.files_seen,
            receipt.instances_stored,
            receipt.duplicates
        ),
        (11, 4, 0)
    );
    assert_eq!(
        (receipt.studies.len(), receipt.studies[0].series.len()),
        (2, 2)
    );
    assert_eq!(receipt.studies[0].series[0].instances, 2);
    let kinds: Vec<&str> = receipt
        .documents
        .iter()
        .map(|document| document.kind.as_str())
        .collect();
    assert_eq!(kinds, ["picture", "document"]);
    assert_eq!(receipt.other_files, 5);
    assert_eq!(house.bytes_of(&mr(1, 1, 2)).await, part10(&mr(1, 1, 2)));
    assert_eq!(
        house.bytes_of(&mr(2, 1, 1)).await,
        part10(&mr(2, 1, 1))[132..]
    );

    let again = house.folder(disc.path()).await;
    assert_eq!((again.instances_stored, again.duplicates), (0, 4));
    assert!(again.is_usable());
    let report = house.prove().await;
    assert_eq!((report.instances, report.others), (4, 4));
}

/// The receipt is what a person reads, and what a later delivery is compared with.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_under_several_names_is_told_once() {
    let house = House::new().await;
    let file = |name: &str, instance| DiscFile::new(name, part10(&mr(1, 1, instance)));
    let files = [file("1", 1), file("2", 1), file("3", 1), file("4", 2)];
    let zipped = overread_testkit::disc::zip_of(&files, true).unwrap();
    // Also when all of them are known already.
    for stored in [2, 0] {
        let receipt = house.zip(zipped.clone()).await;
        let told = (receipt.files_seen, receipt.instances_stored);
        assert_eq!(told, (4, stored));
        assert_eq!(receipt.studies[0].series[0].instances, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_under_a_known_uid_are_kept_aside() {
    let house = House::new().await;
    let disc = tempfile::tempdir().unwrap();
    let mut other = mr(1, 1, 1);
    other.pixels[0] = 999;
    let files = [
        DiscFile::new("1", part10(&mr(1, 1, 1))),
        DiscFile::new("2", part10(&other)),
    ];
    write_folder(disc.path(), &files).unwrap();
    let receipt = house.folder(disc.path()).await;
    assert_eq!((receipt.instances_stored, receipt.kept_aside), (1, 1));
    assert_eq!(kinds(&receipt), [ProblemKind::Conflict]);
    assert_eq!(receipt.problems[0].path, "2");
    assert_eq!(house.bytes_of(&mr(1, 1, 1)).await, part10(&mr(1, 1, 1)));
    // The same again adds nothing.
    let again = house.folder(disc.path()).await;
    assert_eq!((again.duplicates, again.kept_aside), (1, 1));
    assert_eq!(house.prove().await.others, 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_are_not_followed() {
    let house = House::new().await;
    let disc = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("IM1"), part10(&mr(1, 1, 1))).unwrap();
    std::os::unix::fs::symlink(outside.path().join("IM1"), disc.path().join("link")).unwrap();
    std::os::unix::fs::symlink(outside.path(), disc.path().join("folder")).unwrap();
    let receipt = house.folder(disc.path()).await;
    assert_eq!(kinds(&receipt), [ProblemKind::UnsafeName; 2]);
    assert!(!receipt.is_usable());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_is_named_and_does_not_stop_the_rest() {
    let house = House::new().await;
    let disc = tempfile::tempdir().unwrap();
    let mut no_uid = mr(1, 1, 2);
    no_uid.sop_instance_uid = "../../etc/passwd".to_owned();
    let files = [
        DiscFile::new("a", part10(&no_uid)),
        DiscFile::new("b", part10(&mr(1, 1, 1))[..300].to_vec()),
        DiscFile::new("c.dcm", "no image at all"),
        DiscFile::new("d.dcm", ""),
        DiscFile::new("e", part10(&mr(1, 1, 3))),
        DiscFile::new("f/exam.ZIP", [0xAB, 0, 0xCD].repeat(100)),
    ];
    write_folder(disc.path(), &files).unwrap();
    let receipt = house.folder(disc.path()).await;
    assert_eq!(receipt.instances_stored, 1, "{receipt:?}");
    assert_eq!(receipt.other_files, 3, "{receipt:?}");
    let archive = receipt.problems.iter().find(|one| one.path == "f/exam.ZIP");
    assert!(archive.expect("named").message.contains("damaged"));
    let paths: Vec<&str> = receipt
        .problems
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    assert_eq!(paths.len(), 5, "{receipt:?}");
    assert!(kinds(&receipt).contains(&ProblemKind::BadUid));
    assert!(
        receipt
            .problems
            .iter()
            .all(|problem| problem.message.contains(' '))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_do_not_pass_through_memory() {
    let house = House::new().await;
    let disc = tempfile::tempdir().unwrap();
    let mut large = mr(1, 1, 1);
    (large.rows, large.columns) = (3000, 3000);
    large.pixels = (0..9_000_000_u32)
        .map(|value| (value % 1021) as u16)
        .collect();
    let bytes = part10(&large);
    assert!(bytes.len() as u64 > overread_ingest::limits::IN_MEMORY_BYTES);
    write_folder(disc.path(), &[DiscFile::new("large", bytes.clone())]).unwrap();
    assert_eq!(house.folder(disc.path()).await.instances_stored, 1);
    assert_eq!(house.bytes_of(&large).await, bytes);
    let zipped = overread_testkit::disc::zip_of(&[DiscFile::new("large", bytes)], true).unwrap();
    assert_eq!(house.zip(zipped).await.duplicates, 1);
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_for_two_people_is_told() {
    let house = House::new().await;
    let named = |mut spec: overread_testkit::dicom::InstanceSpec, name: &str| {
        for (_, _, value) in spec
            .attributes
            .iter_mut()
            .filter(|(_, _, value)| value == "Sample^Alex")
        {
            name.clone_into(value);
        }
        spec
    };
    let other = named(mr(2, 1, 1), "Different^Person");
    let mixed = named(mr(1, 1, 2), "Third^Person");
    let files = [part10(&mr(1, 1, 1)), part10(&mixed), part10(&other)];
    let files: Vec<DiscFile> = files
        .into_iter()
        .enumerate()
        .map(|(index, bytes)| DiscFile::new(format!("{index}"), bytes))
        .collect();
    let receipt = house
        .zip(overread_testkit::disc::zip_of(&files, false).unwrap())
        .await;
    assert_eq!(receipt.instances_stored, 3);
    assert!(
        kinds(&receipt)
            .iter()
            .all(|kind| *kind == ProblemKind::OtherPatient),
        "{receipt:?}"
    );
    assert!(receipt.problems.len() >= 2, "{receipt:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_twice_is_told_once() {
    let house = House::new().await;
    let disc = tempfile::tempdir().unwrap();
    let files = [
        DiscFile::new("no.zip", "this is none"),
        DiscFile::new("IM1", part10(&mr(1, 1, 1))),
    ];
    write_folder(disc.path(), &files).unwrap();
    let zip = disc.path().join("no.zip");
    let again = disc.path().join(".").join("no.zip");
    let image = disc.path().join("IM1");
    let paths = [zip, again, image.clone(), image];
    let options = crate::house::options(overread_ingest::DeliverySource::Paths);
    let receipt = house.ingest.paths(&paths, options, ()).await.unwrap();
    assert_eq!(kinds(&receipt), [ProblemKind::Unreadable]);
    assert_eq!(
        (
            receipt.files_seen,
            receipt.instances_stored,
            receipt.duplicates
        ),
        (2, 1, 0)
    );
}
