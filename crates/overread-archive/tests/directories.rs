//! What packs say of themselves: found again, also behind what was torn, and never taken from a file that pretends.

use std::path::PathBuf;

use overread_archive::{Archive, Digest, Directory, Entry, Extent, PackAppend, PackKey, Settled};
use overread_archive::{ArchiveError, limits};

use super::{house, houses, series};

fn digest(bytes: &[u8]) -> Digest {
    Digest::new(*blake3::hash(bytes).as_bytes())
}

/// Appends files, ends the batch with a directory of them, and returns it.
fn batch(append: &mut PackAppend, order: i64, files: &[(u32, Vec<u8>)]) -> Directory {
    let entries = files.iter().map(|(number, bytes)| Entry {
        extent: append.append(&series(*number), bytes).unwrap(),
        digest: digest(bytes),
        about: vec![7; *number as usize],
    });
    let directory = Directory {
        order,
        batch: 77,
        about: b"who and when".to_vec(),
        entries: entries.collect(),
    };
    append.sync(&directory).unwrap();
    directory
}

fn store(archive: &Archive, order: i64, files: &[(u32, Vec<u8>)]) -> Directory {
    let mut append = archive.begin();
    let directory = batch(&mut append, order, files);
    append.committed();
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_is_found_again() {
    for (_dir, archive) in houses("every_batch_is_found_again").await {
        let mut said = Vec::new();
        for order in 1..=20_u8 {
            let large = vec![order; usize::from(order) * 9_000];
            said.push(store(
                &archive,
                i64::from(order),
                &[(1, large), (2, vec![order]), (1, Vec::new())],
            ));
        }
        let mut found = Vec::new();
        let (mut covered, mut length) = (0, 0);
        for pack in archive.list_packs().await.unwrap() {
            let contents = archive
                .contents(pack.pack_id, pack.length_bytes)
                .await
                .unwrap();
            assert!(contents.has_directories && contents.uncovered.is_empty());
            assert_eq!(contents.unfinished_from, None);
            length += pack.length_bytes - limits::PACK_HEADER_BYTES;
            for batch in contents.batches {
                covered += batch.end_bytes() - batch.begin_bytes;
                let recorded = archive.recorded(pack.pack_id, batch.end_bytes()).await;
                assert_eq!(recorded.unwrap().as_ref(), Some(&batch));
                found.push(batch.directory);
            }
        }
        assert_eq!(covered, length);
        found.sort_by_key(|directory| directory.order);
        for directory in &said {
            let parts = found.iter().filter(|part| part.order == directory.order);
            let mut entries: Vec<Entry> = parts
                .inspect(|part| assert_eq!((part.batch, &part.about), (77, &directory.about)))
                .flat_map(|part| part.entries.clone())
                .collect();
            let mut expected = directory.entries.clone();
            entries.sort_by_key(|entry| (entry.extent, entry.digest));
            expected.sort_by_key(|entry| (entry.extent, entry.digest));
            assert_eq!(entries, expected);
        }
    }
}

/// One pack with three batches, closed; where it is and where its batches end.
async fn three() -> (tempfile::TempDir, PathBuf, Extent, Vec<u64>) {
    let (dir, archive) = house().await;
    for order in 1..=3_u8 {
        store(&archive, i64::from(order), &[(1, vec![order; 5_000])]);
    }
    let pack = archive.list_packs().await.unwrap()[0];
    let contents = archive
        .contents(pack.pack_id, pack.length_bytes)
        .await
        .unwrap();
    let ends = contents.batches.iter().map(|batch| batch.end_bytes());
    let name = pack.pack_id.to_string();
    let path = dir
        .path()
        .join("packs")
        .join(&name[15..])
        .join(format!("{name}.pack"));
    let whole = Extent {
        pack_id: pack.pack_id,
        offset_bytes: 0,
        length_bytes: pack.length_bytes,
    };
    let ends = ends.collect();
    (dir, path, whole, ends)
}

/// Settles a pack that was changed outside, with these rows, and returns what is left of it.
async fn settled(
    dir: &tempfile::TempDir,
    whole: Extent,
    rows: Option<u64>,
) -> (Settled, Option<u64>) {
    let archive = Archive::open(dir.path()).await.unwrap();
    let rows = async move || Ok::<_, ArchiveError>(rows);
    let settled = archive.settle(whole.pack_id, limits::UNCLAIMED_AGE, rows);
    let settled = settled.await.unwrap();
    let left = archive.list_packs().await.unwrap();
    (settled, left.first().map(|pack| pack.length_bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_never_finished_is_cut_off() {
    let (dir, path, whole, ends) = three().await;
    let bytes = std::fs::read(&path).unwrap();
    let write = |end: usize, more: &[u8]| {
        let mut torn = bytes[..end].to_vec();
        torn.extend_from_slice(more);
        std::fs::write(&path, torn).unwrap();
    };
    let (first, second, third) = (ends[0], ends[1], ends[2]);
    // Every place at which a third batch can tear off: it goes, and the two before stay.
    let span = (third - second) as usize;
    for torn in [1, 100, 4_000, 4_999, 5_000] {
        write(second as usize + torn, &[]);
        assert_eq!(
            settled(&dir, whole, Some(second)).await,
            (Settled::Cut, Some(second))
        );
        write(second as usize + torn, &[0; 3_000_000]);
        assert_eq!(
            settled(&dir, whole, None).await,
            (Settled::Unclaimed, Some(second))
        );
    }
    // Once a directory has begun behind it, it may be a batch that was acknowledged and is damaged: it stays.
    for torn in [5_010, span - 30, span - 8] {
        let length = second + torn as u64;
        write(length as usize, &[]);
        assert_eq!(
            settled(&dir, whole, Some(second)).await,
            (Settled::Unclaimed, Some(length))
        );
    }
    // Rows of an older copy, or none: whole batches stay.
    for rows in [None, Some(first), Some(limits::PACK_HEADER_BYTES)] {
        write(third as usize, &[]);
        assert_eq!(
            settled(&dir, whole, rows).await,
            (Settled::Unclaimed, Some(third))
        );
    }
    // Rows that know more than the directories hold: nothing is touched.
    write(third as usize - 1, &[]);
    assert_eq!(settled(&dir, whole, Some(third)).await.0, Settled::Short);
    // Nothing was ever finished in it.
    write(3_000, &[]);
    assert_eq!(settled(&dir, whole, None).await, (Settled::Removed, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn packs_of_the_first_form_and_foreign_files_stay_whole() {
    let (dir, path, whole, _) = three().await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[7] = b'1';
    bytes.truncate(9_000);
    for header in [&bytes[..16], &[0; 16][..]] {
        let pack = [header, &bytes[16..]].concat();
        std::fs::write(&path, pack).unwrap();
        assert_eq!(
            settled(&dir, whole, None).await,
            (Settled::Unclaimed, Some(9_000))
        );
        assert_eq!(
            settled(&dir, whole, Some(500)).await,
            (Settled::Unclaimed, Some(9_000))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_directory_hides_no_other_and_no_byte_passes_as_one() {
    let (_dir, path, whole, ends) = three().await;
    let bytes = std::fs::read(&path).unwrap();
    let archive = Archive::open(_dir.path()).await.unwrap();
    let second = ends[0] as usize + 5_000..ends[1] as usize;
    for at in second {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        std::fs::write(&path, changed).unwrap();
        let contents = archive
            .contents(whole.pack_id, whole.length_bytes)
            .await
            .unwrap();
        assert_eq!(contents.batches.len(), 2, "{at}");
        let between = ends[0]..ends[1];
        assert_eq!(contents.uncovered.first(), Some(&between), "{at}");
        assert_eq!(contents.uncovered.len(), 1, "{at}");
        assert_eq!(contents.unfinished_from, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cannot_pretend_to_be_a_directory() {
    let (_first, path, _, _) = three().await;
    // A stranger who has a whole pack of another archive sends it as a file, and the batch that it comes in is torn off.
    let foreign = std::fs::read(&path).unwrap();
    let (dir, archive) = house().await;
    let mut append = archive.begin();
    append.append(&PackKey::Mixed, &foreign).unwrap();
    append.sync(&Directory::default()).unwrap();
    drop(append);
    drop(archive);
    let archive = Archive::open(dir.path()).await.unwrap();
    let pack = archive.list_packs().await.unwrap()[0];
    let torn = limits::PACK_HEADER_BYTES + foreign.len() as u64;
    let contents = archive.contents(pack.pack_id, torn).await.unwrap();
    assert!(contents.batches.is_empty());
    assert_eq!(contents.unfinished_from, Some(limits::PACK_HEADER_BYTES));
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_are_small() {
    let (_dir, archive) = house().await;
    let files: Vec<(u32, Vec<u8>)> = (0..256).map(|_| (3, vec![1; 1_000])).collect();
    let directory = store(&archive, 1, &files);
    let pack = archive.list_packs().await.unwrap()[0];
    let payload: u64 = directory
        .entries
        .iter()
        .map(|entry| entry.extent.length_bytes)
        .sum();
    assert!(
        pack.length_bytes * 100 < payload * 105,
        "{}",
        pack.length_bytes
    );
}
