//! STOW-RS of pictures as pixel data: what is stored are their samples, none lost and none made up.

use std::borrow::Cow;

use axum::http::StatusCode;
use gif::{DisposalMethod, Encoder, Frame};
use png::{BitDepth, ColorType};
use serde_json::{Value, json};

use crate::composed::{JSON, METADATA, URL, at, described, store};
use crate::house::House;

/// The description of an instance whose pixel data come as pictures, without what they say of themselves.
fn plain() -> Value {
    let mut object = described(1, &at("p"));
    for tag in ["00280002", "00280009", "00280010", "00280011", "00280100"] {
        object.as_object_mut().unwrap().remove(tag);
    }
    object
}

fn png(size: (u32, u32), colours: ColorType, depth: BitDepth, samples: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size.0, size.1);
    encoder.set_color(colours);
    encoder.set_depth(depth);
    if colours == ColorType::Indexed {
        encoder.set_palette(vec![10, 20, 30, 40, 50, 60]);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(samples).unwrap();
    writer.finish().unwrap();
    out
}

fn grey(samples: &[u8]) -> Vec<u8> {
    png((2, 2), ColorType::Grayscale, BitDepth::Eight, samples)
}

/// A frame of a GIF: its place, what it holds of a palette, and what becomes of it.
type Drawn<'a> = ((u16, u16, u16, u16), &'a [u8], DisposalMethod);

/// A GIF of two by two.
fn gif(palette: &[u8], frames: &[Drawn<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 2, 2, palette).unwrap();
    for ((left, top, width, height), samples, dispose) in frames {
        let frame = Frame {
            left: *left,
            top: *top,
            width: *width,
            height: *height,
            dispose: *dispose,
            transparent: Some(3),
            buffer: Cow::Borrowed(samples),
            ..Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    out
}

/// Stores an instance of pictures; returns its metadata and frames, or why it was refused.
async fn check(
    object: &Value,
    media_type: &str,
    files: &[Vec<u8>],
) -> Result<(Value, Vec<Vec<u8>>), u64> {
    let house = House::new().await;
    let objects = json!([object]).to_string();
    let headers = format!("Content-Type: {media_type}\r\nContent-Location: p");
    let mut parts: Vec<(&str, &[u8])> = vec![(METADATA, objects.as_bytes())];
    parts.extend(files.iter().map(|file| (headers.as_str(), file.as_slice())));
    let got = store(&house, JSON, JSON, &parts).await;
    if got.status != StatusCode::OK {
        assert_eq!(got.status, StatusCode::CONFLICT);
        let reason = &got.json()["00081198"]["Value"][0]["00081197"]["Value"][0];
        return Err(reason.as_u64().unwrap());
    }
    let metadata = house.json(&format!("{URL}/metadata")).await[0].clone();
    let count = metadata["00280008"]["Value"][0].as_u64().unwrap_or(1);
    let mut frames = Vec::new();
    for number in 1..=count {
        let path = format!("{URL}/frames/{number}");
        let got = house.get(&path, "application/octet-stream").await;
        assert_eq!(got.status, StatusCode::OK);
        frames.push(got.body);
    }
    Ok((metadata, frames))
}

fn number(metadata: &Value, tag: &str) -> Option<u64> {
    metadata[tag]["Value"][0].as_u64()
}

#[tokio::test]
async fn a_png_is_kept_sample_by_sample_s9() {
    let rgb: Vec<u8> = (0..12).collect();
    let mut opaque = rgb.clone();
    for at in [3, 7, 11, 15] {
        opaque.insert(at, 255);
    }
    let wide = [0x0F, 0xFF, 0x00, 0x01, 0x02, 0x03, 0x00, 0x00];
    let swapped = [0xFF, 0x0F, 0x01, 0x00, 0x03, 0x02, 0x00, 0x00];
    let eight = BitDepth::Eight;
    for (file, photometric, bits, expect) in [
        (grey(&[1, 2, 3, 4]), "MONOCHROME2", 8, &[1, 2, 3, 4][..]),
        (png((2, 2), ColorType::Rgb, eight, &rgb), "RGB", 8, &rgb),
        (png((2, 2), ColorType::Rgba, eight, &opaque), "RGB", 8, &rgb),
        (
            png((2, 2), ColorType::Grayscale, BitDepth::Sixteen, &wide),
            "MONOCHROME2",
            16,
            &swapped,
        ),
        (
            png((2, 2), ColorType::Indexed, BitDepth::One, &[0x40, 0x80]),
            "RGB",
            8,
            &[10, 20, 30, 40, 50, 60, 40, 50, 60, 10, 20, 30],
        ),
        (
            png((2, 2), ColorType::Grayscale, BitDepth::Two, &[0x10, 0xB0]),
            "MONOCHROME2",
            8,
            &[0, 85, 170, 255],
        ),
    ] {
        let (metadata, frames) = check(&plain(), "image/png", &[file]).await.unwrap();
        assert_eq!(frames, [expect]);
        assert_eq!(metadata["00280004"]["Value"][0], photometric);
        for (tag, value) in [
            ("00280010", 2),
            ("00280011", 2),
            ("00280100", bits),
            ("00280101", bits),
            ("00280102", bits - 1),
            ("00280103", 0),
        ] {
            assert_eq!(number(&metadata, tag), Some(value), "{tag}");
        }
        let vr = if bits == 8 { "OB" } else { "OW" };
        assert_eq!(metadata["7FE00010"]["vr"], vr);
    }
    // Several parts of one place are several frames.
    let files = [grey(&[1, 2, 3, 4]), grey(&[5, 6, 7, 8])];
    let (_, frames) = check(&plain(), "image/png", &files).await.unwrap();
    assert_eq!(frames, [[1, 2, 3, 4], [5, 6, 7, 8]]);
    let mut twelve = plain();
    twelve["00280101"] = json!({"vr": "US", "Value": [12]});
    let file = png((2, 2), ColorType::Grayscale, BitDepth::Sixteen, &wide);
    let (metadata, frames) = check(&twelve, "image/png", &[file]).await.unwrap();
    assert_eq!(
        (frames, number(&metadata, "00280102")),
        (vec![swapped.to_vec()], Some(11))
    );
}

#[tokio::test]
async fn a_gif_is_kept_as_it_is_seen_s9() {
    let colours = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0];
    let (a, b, c) = ([1, 2, 3], [4, 5, 6], [7, 8, 9]);
    let whole = (0, 0, 2, 2);
    let file = gif(
        &colours,
        &[
            (whole, &[0, 1, 2, 0], DisposalMethod::Keep),
            ((1, 1, 1, 1), &[1], DisposalMethod::Previous),
            ((0, 0, 2, 1), &[3, 2], DisposalMethod::Keep),
        ],
    );
    let (metadata, frames) = check(&plain(), "image/gif", std::slice::from_ref(&file))
        .await
        .unwrap();
    assert_eq!(
        frames,
        [
            [a, b, c, a].concat(),
            [a, b, c, b].concat(),
            [a, c, c, a].concat()
        ]
    );
    assert_eq!(metadata["00280004"]["Value"][0], "RGB");
    assert_eq!(number(&metadata, "00280006"), Some(0));
    // Without colours it is grey, unless the metadata say otherwise.
    let greys = gif(
        &[0, 0, 0, 9, 9, 9, 200, 200, 200, 7, 7, 7],
        &[(whole, &[0, 1, 2, 1], DisposalMethod::Any)],
    );
    let (_, frames) = check(&plain(), "image/gif", std::slice::from_ref(&greys))
        .await
        .unwrap();
    assert_eq!(frames, [[0, 9, 200, 9]]);
    let mut three = plain();
    three["00280002"] = json!({"vr": "US", "Value": [3]});
    let (_, frames) = check(&three, "image/gif", &[greys]).await.unwrap();
    assert_eq!(frames[0].len(), 12);
    let mut one = plain();
    one["00280002"] = json!({"vr": "US", "Value": [1]});
    assert_eq!(check(&one, "image/gif", &[file]).await.err(), Some(0xC000));
}

#[tokio::test]
async fn a_picture_that_is_not_what_is_said_of_it_is_refused_s9() {
    for (tag, vr, value) in [
        ("00280010", "US", json!(3)),
        ("00280011", "US", json!(1)),
        ("00280002", "US", json!(3)),
        ("00280004", "CS", json!("MONOCHROME1")),
        ("00280008", "IS", json!(2)),
        ("00280100", "US", json!(16)),
        ("00280101", "US", json!(16)),
        ("00280101", "US", json!(2)),
        ("00280101", "US", json!(0)),
        ("00280102", "US", json!(6)),
        ("00280103", "US", json!(1)),
    ] {
        let mut object = plain();
        object[tag] = json!({"vr": vr, "Value": [value]});
        let got = check(&object, "image/png", &[grey(&[1, 2, 3, 4])]).await;
        assert_eq!(got.err(), Some(0xC000), "{tag}");
    }
    let mut right = plain();
    right["00280008"] = json!({"vr": "IS", "Value": ["1"]});
    right["00280010"] = json!({"vr": "US", "Value": [2]});
    assert!(
        check(&right, "image/png", &[grey(&[1, 2, 3, 4])])
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_pixel_data_cannot_say_or_is_hostile_is_refused_s9() {
    let whole = grey(&[1, 2, 3, 4]);
    let clear = png((1, 1), ColorType::Rgba, BitDepth::Eight, &[1, 2, 3, 254]);
    let mut moving = Vec::new();
    let mut encoder = png::Encoder::new(&mut moving, 1, 1);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[1]).unwrap();
    writer.write_image_data(&[2]).unwrap();
    writer.finish().unwrap();
    let other_size = png((1, 1), ColorType::Grayscale, BitDepth::Eight, &[1]);
    let mut bad_sum = whole.clone();
    bad_sum[29] ^= 1;
    let mut bomb = whole.clone();
    // The header says 60,000 by 60,000; its sum is made to fit.
    bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let sum = crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&sum);
    for (name, files, reason) in [
        ("transparent", vec![clear], 0xC000),
        ("moving", vec![moving], 0xC000),
        ("two sizes", vec![whole.clone(), other_size], 0xC000),
        ("cut", vec![whole[..whole.len() - 20].to_vec()], 0xC000),
        (
            "without its end",
            vec![whole[..whole.len() - 12].to_vec()],
            0xC000,
        ),
        ("sum", vec![bad_sum], 0xC000),
        ("empty", vec![Vec::new()], 0xC000),
        ("bomb", vec![bomb], 0xA700),
    ] {
        let got = check(&plain(), "image/png", &files).await;
        assert_eq!(got.err(), Some(reason), "{name}");
    }
    let colours = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0];
    let all = (0, 0, 2, 2);
    let uncovered = gif(&colours, &[((0, 0, 1, 1), &[1], DisposalMethod::Keep)]);
    let cleared = gif(
        &colours,
        &[
            (all, &[0, 1, 2, 0], DisposalMethod::Background),
            ((0, 0, 1, 1), &[1], DisposalMethod::Keep),
        ],
    );
    let good = gif(&colours, &[(all, &[0, 1, 2, 0], DisposalMethod::Keep)]);
    let mut large = good.clone();
    large[6..10].copy_from_slice(&[0xFF; 4]);
    for (name, file, reason) in [
        ("uncovered", uncovered, 0xC000),
        ("cleared", cleared, 0xC000),
        ("cut", good[..good.len() - 6].to_vec(), 0xC000),
        ("no gif", whole.clone(), 0xC000),
        ("large", large, 0xA700),
    ] {
        let got = check(&plain(), "image/gif", &[file]).await;
        assert_eq!(got.err(), Some(reason), "{name}");
    }
    let mut icon = plain();
    icon.as_object_mut().unwrap().remove("7FE00010");
    icon["00880200"] = json!({"vr": "SQ", "Value": [{"7FE00010": at("p")}]});
    let got = check(&icon, "image/png", &[whole]).await;
    assert_eq!(got.err(), Some(0xC122), "no frames of the instance itself");
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum().to_be_bytes()
}

/// What is compressed for DICOM already is taken as it is.
#[tokio::test]
async fn compressions_of_dicom_are_kept_unchanged_s9() {
    for (media_type, syntax) in [
        ("image/jpeg", "1.2.840.10008.1.2.4.70"),
        ("image/jls", "1.2.840.10008.1.2.4.80"),
        ("image/jp2", "1.2.840.10008.1.2.4.90"),
        ("image/jpx", "1.2.840.10008.1.2.4.92"),
        ("image/jphc", "1.2.840.10008.1.2.4.201"),
        ("image/jph", "1.2.840.10008.1.2.4.201"),
        ("image/jxl", "1.2.840.10008.1.2.4.110"),
        ("video/mpeg", "1.2.840.10008.1.2.4.100"),
        ("video/mp4", "1.2.840.10008.1.2.4.102"),
        ("video/H265", "1.2.840.10008.1.2.4.107"),
    ] {
        let house = House::new().await;
        let objects = json!([described(1, &at("p"))]).to_string();
        let headers = format!("Content-Type: {media_type}\r\nContent-Location: p");
        let bytes = b"\xff\xd8\xff\xda compressed!";
        let parts: [(&str, &[u8]); 2] = [(METADATA, objects.as_bytes()), (&headers, bytes)];
        let got = store(&house, JSON, JSON, &parts).await;
        assert!(got.status.is_success(), "{media_type}");
        let accept = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";
        let got = house.get(&format!("{URL}/frames/1"), accept).await;
        let (head, body) = got.parts().remove(0);
        assert_eq!(body, bytes, "{media_type}");
        assert!(
            head.contains(&format!("transfer-syntax={syntax}")),
            "{head}"
        );
    }
}
