//! Frames out of big endian words, which begin and end within one where cells are smaller.

use axum::http::StatusCode;

use crate::house::House;

const OCTETS: &str = "multipart/related; type=\"application/octet-stream\"";
const URL: &str = "/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1";
const PIXEL_DATA: u32 = 0x7FE0_0010;
const PREAMBLE_BYTES: usize = 128;

fn element(tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut out = tag.to_be_bytes().to_vec();
    out.extend_from_slice(vr.as_bytes());
    let padded = value.len().next_multiple_of(2);
    if matches!(vr, "OB" | "OW") {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&(padded as u32).to_be_bytes());
    } else {
        out.extend_from_slice(&(padded as u16).to_be_bytes());
    }
    out.extend_from_slice(value);
    out.resize(out.len() + padded - value.len(), 0);
    out
}

/// Three frames of 3 by 3 cells of so many bits; the pixel data are given in little endian.
fn file(vr: &str, bits: u16, little: &[u8]) -> Vec<u8> {
    let mut pixels = little.to_vec();
    pixels.resize(little.len().next_multiple_of(2), 0xEE);
    if vr == "OW" {
        for word in pixels.chunks_exact_mut(2) {
            word.reverse();
        }
    }
    let mut out = vec![0; PREAMBLE_BYTES];
    out.extend_from_slice(b"DICM");
    let syntax = crate::made::element(0x0002_0010, "UI", b"1.2.840.10008.1.2.2");
    out.extend_from_slice(&syntax);
    for (tag, vr, value) in [
        (0x0008_0016, "UI", b"1.2.840.10008.5.1.4.1.1.7".as_slice()),
        (0x0008_0018, "UI", b"1.2.3.1.1"),
        (0x0008_0060, "CS", b"OT"),
        (0x0010_0010, "PN", b"Doe^Jane"),
        (0x0010_0020, "LO", b"P1"),
        (0x0020_000D, "UI", b"1.2.3"),
        (0x0020_000E, "UI", b"1.2.3.1"),
        (0x0028_0002, "US", &[0, 1]),
        (0x0028_0004, "CS", b"MONOCHROME2 "),
        (0x0028_0008, "IS", b"3 "),
        (0x0028_0010, "US", &[0, 3]),
        (0x0028_0011, "US", &[0, 3]),
        (0x0028_0100, "US", &bits.to_be_bytes()),
    ] {
        out.extend(element(tag, vr, value));
    }
    out.extend(element(PIXEL_DATA, vr, &pixels));
    out
}

/// Checks that the frames go out as these, one by one and together.
async fn check(vr: &str, bits: u16, little: &[u8], frames: [Vec<u8>; 3]) {
    let house = House::new().await;
    let got = house.stow("/studies", &[file(vr, bits, little)]).await;
    assert_eq!(got.status, StatusCode::OK, "{vr} {bits}");
    for (number, frame) in (1..).zip(&frames) {
        let url = format!("{URL}/frames/{number}");
        let got = house.get(&url, "application/octet-stream").await;
        assert_eq!(got.body, *frame, "{vr} {bits}, frame {number}");
    }
    let got = house.get(&format!("{URL}/frames/1,2,3"), OCTETS).await;
    let parts: Vec<Vec<u8>> = got.parts().into_iter().map(|(_, body)| body).collect();
    assert_eq!(parts, frames, "{vr} {bits}");
    // The whole instance is turned round as a whole.
    let whole = house.get(URL, "application/dicom").await;
    let end = whole
        .body
        .len()
        .saturating_sub(little.len().next_multiple_of(2));
    assert_eq!(whole.body[end..][..little.len()], *little, "{vr} {bits}");
}

#[tokio::test]
async fn frames_of_an_odd_length_are_whole_w1() {
    let bytes: Vec<u8> = (1..=27).collect();
    let frames: Vec<Vec<u8>> = bytes.chunks(9).map(<[u8]>::to_vec).collect();
    for vr in ["OW", "OB"] {
        check(vr, 8, &bytes, frames.clone().try_into().unwrap()).await;
    }
    let words: Vec<u8> = (1..=54).collect();
    let frames: Vec<Vec<u8>> = words.chunks(18).map(<[u8]>::to_vec).collect();
    check("OW", 16, &words, frames.try_into().unwrap()).await;
    // 27 bits, of which the first, the tenth and the last are set.
    let frames = [vec![1, 0], vec![1, 0], vec![0, 1]];
    check("OW", 1, &[0x01, 0x02, 0x00, 0x04], frames).await;
}
