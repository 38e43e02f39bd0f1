use std::io::{Cursor, Read, Write};

use super::{Checksum, Ending, Next, ZipError, ZipStream};
use ::zip::write::SimpleFileOptions;

fn zip_of(files: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
    let method = if deflate { ::zip::CompressionMethod::Deflated } else { ::zip::CompressionMethod::Stored };
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A reader that hands out a few bytes at a time, as a network does.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(out.len()).min(self.0.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

type Streamed = (Vec<(String, Vec<u8>, Option<Checksum>)>, Result<Option<Ending>, ZipError>);

fn stream(bytes: &[u8], step: usize) -> Streamed {
    let mut zip = ZipStream::new(Drops(bytes, step));
    let mut entries = Vec::new();
    loop {
        match zip.next() {
            Ok(Next::Entry(head)) => {
                let mut body = Vec::new();
                if let Err(error) = zip.body().read_to_end(&mut body) {
                    let error = if error.kind() == std::io::ErrorKind::UnexpectedEof { ZipError::Truncated } else { ZipError::Damaged };
                    return (entries, Err(error));
                }
                match zip.finish_current() {
                    Ok(sum) => entries.push((String::from_utf8(head.raw_name).unwrap(), body, sum)),
                    Err(error) => return (entries, Err(error)),
                }
            }
            Ok(Next::Encrypted(_)) => {}
            Ok(Next::Spool) => return (entries, Ok(None)),
            Ok(Next::End(ending)) => return (entries, Ok(Some(ending))),
            Err(error) => return (entries, Err(error)),
        }
    }
}

#[test]
fn entries_come_in_order_whatever_the_steps() {
    let big = vec![7_u8; 700_000];
    for deflate in [false, true] {
        let bytes = zip_of(&[("A/1", b"first"), ("A/2", &big), ("empty", b"")], deflate);
        for step in [1 << 20, 4096, 1] {
            let (entries, ending) = stream(&bytes, step);
            assert_eq!(entries.len(), 3, "deflate {deflate}, step {step}");
            assert_eq!(entries[1].1, big);
            assert!(entries.iter().all(|entry| entry.2 == Some(Checksum::Right)));
            assert_eq!(ending.unwrap(), Some(Ending::default()));
        }
    }
}

/// A ZIP as a program writes it that cannot go back: lengths behind the data.
fn with_descriptor(data: &[u8], deflate: bool, signature: bool, wide: bool) -> Vec<u8> {
    let packed = if deflate {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    } else {
        data.to_vec()
    };
    let mut crc = flate2::Crc::new();
    crc.update(data);
    let mut out = Vec::new();
    out.extend(0x0403_4b50_u32.to_le_bytes());
    for field in [20_u16, 1 << 3, if deflate { 8 } else { 0 }, 0, 0] {
        out.extend(field.to_le_bytes());
    }
    out.extend([0; 12]);
    out.extend(1_u16.to_le_bytes());
    out.extend(0_u16.to_le_bytes());
    out.push(b'x');
    out.extend(&packed);
    if signature {
        out.extend(0x0807_4b50_u32.to_le_bytes());
    }
    out.extend(crc.sum().to_le_bytes());
    for size in [packed.len(), data.len()] {
        if wide {
            out.extend((size as u64).to_le_bytes());
        } else {
            out.extend((size as u32).to_le_bytes());
        }
    }
    let start = out.len();
    out.extend(0x0201_4b50_u32.to_le_bytes());
    for field in [20_u16, 20, 1 << 3, if deflate { 8 } else { 0 }, 0, 0] {
        out.extend(field.to_le_bytes());
    }
    out.extend(crc.sum().to_le_bytes());
    out.extend((packed.len() as u32).to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    for field in [1_u16, 0, 0, 0, 0] {
        out.extend(field.to_le_bytes());
    }
    out.extend([0; 8]);
    out.push(b'x');
    let length = out.len() - start;
    out.extend(0x0605_4b50_u32.to_le_bytes());
    for field in [0_u16, 0, 1, 1] {
        out.extend(field.to_le_bytes());
    }
    out.extend((length as u32).to_le_bytes());
    out.extend((start as u32).to_le_bytes());
    out.extend(0_u16.to_le_bytes());
    out
}

#[test]
fn lengths_may_stand_behind_packed_data() {
    for (signature, wide) in [(true, false), (true, true), (false, false), (false, true)] {
        let (entries, ending) = stream(&with_descriptor(b"hello hello hello", true, signature, wide), 7);
        assert_eq!(entries, [("x".to_owned(), b"hello hello hello".to_vec(), Some(Checksum::Right))]);
        assert_eq!(ending.unwrap(), Some(Ending::default()));
    }
}

#[test]
fn stored_data_of_unknown_length_is_spooled_from_its_header() {
    let bytes = with_descriptor(b"hello", false, true, false);
    let mut zip = ZipStream::new(Cursor::new(&bytes));
    assert!(matches!(zip.next(), Ok(Next::Spool)));
    let (start, mut rest) = zip.into_rest();
    let mut all = Vec::new();
    rest.read_to_end(&mut all).unwrap();
    assert_eq!((start, &all), (0, &bytes));
}

#[test]
fn every_cut_is_noticed() {
    let bytes = zip_of(&[("1", b"some bytes to be packed"), ("2", b"more")], true);
    let end_record = bytes.len() - 22;
    for cut in 0..end_record {
        let (_, ending) = stream(&bytes[..cut], 1 << 20);
        assert!(matches!(ending, Err(ZipError::Truncated)), "cut at {cut}: {ending:?}");
    }
}

#[test]
fn damage_never_panics_and_is_never_silent() {
    let bytes = zip_of(&[("1", b"some bytes to be packed, some more of them"), ("2", b"more")], true);
    let data = 30 + 1;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        let (entries, ending) = stream(&damaged, 1 << 20);
        let inside_first = (data..data + 20).contains(&at);
        let noticed = ending.is_err() || entries.iter().any(|entry| entry.2 != Some(Checksum::Right));
        assert!(!inside_first || noticed, "damage at {at} went unseen");
    }
}

#[test]
fn entries_hidden_from_the_directory_are_told() {
    let hidden = zip_of(&[("hidden", b"h")], false);
    let local = &hidden[..30 + 6 + 1];
    let mut bytes = local.to_vec();
    let (_, ending) = stream(&hidden, 9);
    assert_eq!(ending.unwrap(), Some(Ending::default()));
    // The same entry once more in front of the directory, which lists only the one at 0.
    bytes.extend_from_slice(local);
    bytes.extend_from_slice(&hidden[local.len()..]);
    let (entries, ending) = stream(&bytes, 9);
    assert_eq!(entries.len(), 2);
    assert_eq!(ending.unwrap().unwrap().unlisted, [1]);
}

#[test]
fn symbolic_links_are_told_at_the_end() {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("image", SimpleFileOptions::default()).unwrap();
    writer.write_all(b"i").unwrap();
    writer.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let (entries, ending) = stream(&writer.finish().unwrap().into_inner(), 5);
    assert_eq!(entries.len(), 2);
    assert_eq!(ending.unwrap().unwrap().links, [1]);
}
