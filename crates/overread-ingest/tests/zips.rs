//! ZIPs while they arrive: every form is read, every lie is told.

use std::io::{Cursor, Write};

use overread_ingest::Receipt;
use overread_model::problem::ProblemKind;
use overread_testkit::disc::{DiscFile, zip_of};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::house::{House, kinds, mr, part10};

fn image(instance: u64) -> DiscFile {
    DiscFile::new(format!("DICOM/IM{instance}"), part10(&mr(1, 1, instance)))
}

async fn check(bytes: Vec<u8>, stored: u64, problems: &[ProblemKind]) -> Receipt {
    let house = House::new().await;
    let receipt = house.zip(bytes).await;
    assert_eq!(receipt.instances_stored, stored, "{receipt:?}");
    assert_eq!(kinds(&receipt), problems, "{receipt:?}");
    house.prove().await;
    receipt
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_and_deflated_entries_are_streamed() {
    for deflate in [false, true] {
        let files: Vec<DiscFile> = (1..=20).map(image).collect();
        let receipt = check(zip_of(&files, deflate).unwrap(), 20, &[]).await;
        assert_eq!(
            (receipt.files_seen, receipt.studies[0].series[0].instances),
            (20, 20)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_not_counted_beside_what_is_in_it() {
    let inner = zip_of(&[image(1), image(2)], true).unwrap();
    let outer = [DiscFile::new("inner.zip", inner), image(3)];
    let folder = tempfile::tempdir().unwrap();
    // Read while it comes, and from its list.
    let plain = zip_of(&outer, false).unwrap();
    for bytes in [plain, streamed(&outer, CompressionMethod::Stored)] {
        let path = folder.path().join("disc.zip");
        std::fs::write(&path, bytes).unwrap();
        let paths = crate::house::options(overread_ingest::DeliverySource::Paths);
        let house = House::new().await;
        let receipt = house.ingest.paths(&[path], paths, ()).await.unwrap();
        assert_eq!((receipt.files_seen, receipt.instances_stored), (3, 3));
    }
}

/// Writes a ZIP as a program writes to a pipe: lengths come after the data.
fn streamed(files: &[DiscFile], method: CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new_stream(Vec::new());
    for file in files {
        writer
            .start_file(
                &*file.path,
                SimpleFileOptions::default().compression_method(method),
            )
            .unwrap();
        writer.write_all(&file.bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_wrong_checksum_did_not_come_whole() {
    for deflate in [false, true] {
        let mut files: Vec<DiscFile> = (1..=4).map(image).collect();
        files[1].bytes = b"the one that is damaged on its way".to_vec();
        let mut bytes = zip_of(&files, deflate).unwrap();
        // The checksum of the second file, in its own header.
        let starts = bytes.windows(4).enumerate();
        let mut starts = starts.filter_map(|(at, four)| (four == b"PK\x03\x04").then_some(at));
        let (second, last) = (starts.nth(1).unwrap(), starts.nth(1).unwrap());
        bytes[second + 14] ^= 1;
        bytes.truncate(last + 60);
        let receipt = House::new().await.zip(bytes).await;
        assert_eq!(receipt.instances_stored, 2);
        let mut problems = receipt.problems.iter();
        let cut = problems.find(|one| one.kind == ProblemKind::IncompleteArchive);
        let told = &cut.unwrap().message;
        assert!(told.contains("cut off: 2 files came whole"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_come_later_are_understood() {
    let files = [image(1), DiscFile::new("empty/", ""), image(2)];
    let images = [files[0].clone(), files[2].clone()];
    check(streamed(&images, CompressionMethod::Deflated), 2, &[]).await;
    // Stored entries have no end of their own: the rest goes by the list.
    check(streamed(&images, CompressionMethod::Stored), 2, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rare_methods_and_prefixes_go_by_the_list() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (index, method) in [
        CompressionMethod::Deflated,
        CompressionMethod::Bzip2,
        CompressionMethod::Stored,
    ]
    .iter()
    .enumerate()
    {
        writer
            .start_file(
                format!("IM{index}"),
                SimpleFileOptions::default().compression_method(*method),
            )
            .unwrap();
        writer.write_all(&part10(&mr(1, 1, index as u64))).unwrap();
    }
    check(writer.finish().unwrap().into_inner(), 3, &[]).await;
    let mut with_program = b"MZ a program that unpacks itself".to_vec();
    with_program.extend(zip_of(&[image(1), image(2)], true).unwrap());
    check(with_program, 2, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_cut_off_anywhere_keeps_what_was_whole() {
    let whole = zip_of(&[image(1), image(2), image(3)], true).unwrap();
    let house = House::new().await;
    let mut most = 0;
    for end in (0..whole.len()).step_by(97) {
        let receipt = house.zip(whole[..end].to_vec()).await;
        assert!(
            kinds(&receipt).contains(&ProblemKind::IncompleteArchive),
            "{end}: {receipt:?}"
        );
        most = most.max(receipt.instances_stored + receipt.duplicates);
    }
    assert_eq!(most, 3);
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_bytes_are_never_stored() {
    let whole = zip_of(&[image(1), image(2)], false).unwrap();
    let place = whole.len() / 4;
    let house = House::new().await;
    let mut damaged = whole.clone();
    damaged[place] ^= 0x55;
    let receipt = house.zip(damaged).await;
    assert_eq!(
        (receipt.instances_stored, kinds(&receipt)),
        (1, vec![ProblemKind::Unreadable]),
        "{receipt:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_single_changed_byte_does_harm() {
    let whole = zip_of(
        &[
            DiscFile::new("a", part10(&mr(1, 1, 1))),
            DiscFile::new("b.pdf", "%PDF-1.4 x"),
        ],
        true,
    )
    .unwrap();
    let house = House::new().await;
    for place in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0xff;
        let receipt = house.zip(damaged).await;
        assert!(
            receipt.instances_stored + receipt.duplicates <= 1,
            "{place}: {receipt:?}"
        );
        assert_eq!(receipt.kept_aside, 0, "{place}: {receipt:?}");
    }
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_in_archives_have_an_end() {
    let mut inner = zip_of(&[image(1)], true).unwrap();
    for level in 0..6 {
        inner = zip_of(
            &[
                DiscFile::new(format!("{level}.zip"), inner),
                image(level + 2),
            ],
            level % 2 == 0,
        )
        .unwrap();
    }
    let receipt = check(inner, 4, &[ProblemKind::LimitExceeded]).await;
    assert!(
        receipt.problems[0]
            .message
            .contains("archives inside archives")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_left_and_its_neighbour_taken() {
    let bomb = DiscFile::new(
        "BIG.DCM",
        [part10(&mr(1, 1, 1)), vec![0; 80_000_000]].concat(),
    );
    let receipt = check(
        zip_of(&[bomb, image(2)], true).unwrap(),
        1,
        &[ProblemKind::LimitExceeded],
    )
    .await;
    assert!(receipt.problems[0].message.contains("multiple of its size"));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_leave_are_told_and_their_content_taken() {
    let bytes = zip_of(
        &[DiscFile::new("../../evil.dcm", part10(&mr(1, 1, 1)))],
        true,
    )
    .unwrap();
    check(bytes, 1, &[ProblemKind::UnsafeName]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_hidden_from_the_list_are_told() {
    let one = zip_of(&[image(1)], false).unwrap();
    let two = zip_of(&[image(1), image(2)], false).unwrap();
    // The list of the first archive behind the entries of the second.
    let list_of = |bytes: &[u8]| {
        bytes
            .windows(4)
            .position(|window| window == b"PK\x01\x02")
            .unwrap()
    };
    let hidden = [&two[..list_of(&two)], &one[list_of(&one)..]].concat();
    let receipt = check(hidden, 2, &[ProblemKind::HiddenEntry]).await;
    assert!(receipt.problems[0].message.contains("own list"));
    // And an entry that only the list knows.
    let missing = [&one[..list_of(&one)], &two[list_of(&two)..]].concat();
    check(missing, 1, &[ProblemKind::HiddenEntry]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_asked_for() {
    // Encrypted; encrypted with its lengths behind it, as Info-ZIP writes it.
    for flags in [1, 1 | 8] {
        let mut bytes = zip_of(&[image(1), image(2)], true).unwrap();
        // Mark the first entry in its header and in the list.
        bytes[6] |= flags;
        let list = bytes
            .windows(4)
            .position(|window| window == b"PK\x01\x02")
            .unwrap();
        bytes[list + 8] |= flags;
        let receipt = check(bytes, 1, &[ProblemKind::Encrypted]).await;
        assert!(receipt.problems[0].message.contains("password"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_zip_says_so() {
    check(
        b"this is not a ZIP at all".to_vec(),
        0,
        &[ProblemKind::IncompleteArchive],
    )
    .await;
    check(Vec::new(), 0, &[ProblemKind::IncompleteArchive]).await;
    check(zip_of(&[], true).unwrap(), 0, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_share_bytes_are_looked_at_once() {
    // A program before the archive makes it go by the list; the list names the first file three times.
    let one = zip_of(&[image(1)], true).unwrap();
    let list = one
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    let end = one
        .windows(4)
        .position(|window| window == b"PK\x05\x06")
        .unwrap();
    let line = &one[list..end];
    let mut tail = one[end..].to_vec();
    tail[8..12].copy_from_slice(&[3, 0, 3, 0]);
    tail[12..16].copy_from_slice(&(line.len() as u32 * 3).to_le_bytes());
    let bytes = [b"MZ program", &one[..list], line, line, line, &tail].concat();
    check(bytes, 1, &[ProblemKind::HiddenEntry; 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_full_of_bombs_is_left() {
    let bomb = zip_of(&[DiscFile::new("x", vec![0; 34_000_000])], true).unwrap();
    let files: Vec<DiscFile> = (0..40)
        .map(|index| DiscFile::new(format!("{index}.zip"), bomb.clone()))
        .collect();
    let house = House::new().await;
    let receipt = house.zip(zip_of(&files, false).unwrap()).await;
    assert!(receipt.files_seen < 40, "{}", receipt.files_seen);
    assert!(
        receipt
            .problems
            .last()
            .unwrap()
            .message
            .contains("suspicious")
    );
}
