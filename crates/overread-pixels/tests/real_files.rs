//! Every file of the shared set, where it is at hand: its stored values are those of the manifest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use overread_dicom::frames::{Words, extract};
use overread_dicom::syntax::EXPLICIT_VR_BIG_ENDIAN;
use overread_dicom::{Header, ParseLimits, Parsed, parse_instance};
use overread_pixels::{
    Description, MediaType, Photometric, PixelError, SampleKind, Samples, Shape, View, decode,
    draw, encode_jpeg_ls, is_decodable, write,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn shared() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/dicom"
    ));
    if path.join("MANIFEST.json").is_file() {
        return Some(path);
    }
    eprintln!("skipped: the shared DICOM files are not beside the project");
    None
}

fn manifest(root: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read(root.join("MANIFEST.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    manifest["files"].as_array().unwrap().clone()
}

/// All frames of a file, decoded, with the shape that they have then.
async fn frames_of(bytes: &[u8]) -> Result<Option<(Shape, Vec<Vec<u8>>)>, PixelError> {
    let limits = ParseLimits::default();
    let Ok(Parsed::Instance(instance)) = parse_instance(bytes, &limits) else {
        return Ok(None);
    };
    let table = instance.frames;
    if table.frame_count() == 0 {
        return Ok(None);
    }
    let header = Header::read(bytes, &limits).unwrap();
    let syntax = header.transfer_syntax_uid().unwrap_or_default().to_owned();
    let mut shape = Shape::of(&header)?;
    let stored = shape.clone();
    let mut frames = Vec::new();
    for index in 0..table.frame_count() {
        let mut frame = extract(bytes, &table, index, &limits)
            .map_err(|_| PixelError::Damaged)?
            .into_owned();
        let are_words = header.stated_vr(None, 0x7FE0_0010) != Some("OB");
        if syntax == EXPLICIT_VR_BIG_ENDIAN && are_words {
            let words = Words::of(&table, index, shape.bits_allocated).unwrap();
            frame = words.cut(bytes);
        }
        if table.is_encapsulated() {
            if !is_decodable(&syntax) {
                return Err(PixelError::Unsupported);
            }
            let decoded = decode(&syntax, &stored, frame).await?;
            shape.photometric = decoded.photometric;
            shape.is_planar = false;
            frame = decoded.bytes;
        }
        frames.push(frame);
    }
    Ok(Some((shape, frames)))
}

/// The stored values as the manifest hashes them.
fn values(shape: &Shape, frame: &[u8]) -> Vec<u8> {
    let pixels = shape.pixels();
    if shape.bits_allocated == 1 {
        let bits = frame
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
        return bits.take(pixels).collect();
    }
    let cell = usize::from(shape.bits_allocated / 8);
    let frame = if shape.is_planar {
        let mut out = Vec::with_capacity(frame.len());
        for pixel in 0..pixels {
            for sample in 0..usize::from(shape.samples) {
                let at = (sample * pixels + pixel) * cell;
                out.extend_from_slice(&frame[at..at + cell]);
            }
        }
        out
    } else if shape.photometric == Photometric::YbrFull422 && frame.len() == pixels * 2 {
        let pairs = frame.chunks_exact(4);
        pairs
            .flat_map(|four| [four[0], four[2], four[3], four[1], four[2], four[3]])
            .collect()
    } else {
        frame.to_vec()
    };
    if matches!(shape.kind, SampleKind::Float | SampleKind::Double) {
        return frame;
    }
    let shift = shape.high_bit + 1 - shape.bits_stored;
    let above = 64 - u32::from(shape.bits_stored);
    let mut out = Vec::with_capacity(frame.len());
    for bytes in frame.chunks_exact(cell) {
        let mut wide = [0; 8];
        wide[..cell].copy_from_slice(bytes);
        let value = u64::from_le_bytes(wide) >> shift << above;
        let value = match shape.kind {
            SampleKind::Signed => (value as i64 >> above) as u64,
            _ => value >> above,
        };
        out.extend_from_slice(&value.to_le_bytes()[..cell]);
    }
    out
}

fn digest<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test]
async fn stored_values_are_those_of_two_other_decoders() {
    let Some(root) = shared() else { return };
    let mut failures = Vec::new();
    let mut seen = BTreeMap::new();
    for entry in manifest(&root)
        .iter()
        .filter(|entry| entry["kind"] == "dicom")
    {
        let path = entry["path"].as_str().unwrap();
        let bytes = std::fs::read(root.join(path)).unwrap();
        let pixels = &entry["pixels"];
        let is_known = pixels["status"] == "agree";
        let (shape, frames) = match frames_of(&bytes).await {
            Ok(Some(found)) => found,
            Ok(None) => {
                // Without usable identifiers nothing is kept, so there is nothing to decode.
                *seen.entry("not kept, or no frames").or_insert(0) += 1;
                continue;
            }
            Err(error) if is_known => {
                failures.push(format!("{path}: {error}"));
                continue;
            }
            Err(_) => continue,
        };
        if !is_known {
            continue;
        }
        let frames: Vec<Vec<u8>> = frames.iter().map(|frame| values(&shape, frame)).collect();
        let expected = pixels["sha256_all_frames"].as_str().unwrap();
        if digest(frames.iter().map(Vec::as_slice)) == expected {
            *seen.entry("the same").or_insert(0) += 1;
            continue;
        }
        let syntax = entry["TransferSyntaxUID"].as_str().unwrap_or_default();
        let may_differ = is_lossy(syntax) || pixels["max_abs_diff_between_decoders"].is_number();
        if may_differ {
            *seen.entry("lossy, as far as decoders differ").or_insert(0) += 1;
            near(entry, &shape, &frames, &mut failures);
            continue;
        }
        failures.push(format!("{path}: other values ({shape:?})"));
    }
    eprintln!("{seen:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen["the same"] > 250, "{seen:?}");
}

/// Lossy decoders differ by rounding: the least and the greatest value are compared with those of the manifest.
fn near(entry: &Value, shape: &Shape, frames: &[Vec<u8>], failures: &mut Vec<String>) {
    let path = entry["path"].as_str().unwrap();
    let cell = usize::from(shape.bits_allocated / 8);
    let sample = |bytes: &[u8]| match (cell, shape.kind) {
        (1, _) => i64::from(bytes[0]),
        (_, SampleKind::Signed) => i64::from(i16::from_le_bytes([bytes[0], bytes[1]])),
        _ => i64::from(u16::from_le_bytes([bytes[0], bytes[1]])),
    };
    let all = || {
        frames
            .iter()
            .flat_map(|frame| frame.chunks_exact(cell))
            .map(sample)
    };
    let (least, greatest) = (all().min().unwrap(), all().max().unwrap());
    let pixels = &entry["pixels"];
    let tolerance = pixels["max_abs_diff_between_decoders"]
        .as_i64()
        .unwrap_or(1)
        .max(1);
    for (got, name) in [(least, "min"), (greatest, "max")] {
        let expected = pixels[name].as_i64();
        if expected.is_some_and(|expected| (expected - got).abs() > tolerance) {
            failures.push(format!("{path}: {name} {got} and not {expected:?}"));
        }
    }
}

fn is_lossy(syntax: &str) -> bool {
    let last = syntax
        .strip_prefix("1.2.840.10008.1.2.4.")
        .unwrap_or_default();
    matches!(
        last,
        "50" | "51" | "53" | "55" | "91" | "203" | "111" | "112"
    )
}

#[tokio::test]
async fn every_image_is_drawn_or_refused() {
    let Some(root) = shared() else { return };
    let limits = ParseLimits::default();
    let mut drawn = 0;
    for entry in manifest(&root)
        .iter()
        .filter(|entry| entry["kind"] == "dicom")
    {
        let path = entry["path"].as_str().unwrap();
        let bytes = std::fs::read(root.join(path)).unwrap();
        let Ok(Some((shape, frames))) = frames_of(&bytes).await else {
            continue;
        };
        let header = Header::read(&bytes, &limits).unwrap();
        let mut description = Description::of(&header, 0).unwrap();
        description.shape = shape;
        let samples = Samples::Native(&frames[0]);
        match draw(&description, samples, None, &View::default()) {
            Ok(picture) => {
                drawn += 1;
                for media_type in [MediaType::Jpeg, MediaType::Png, MediaType::Gif] {
                    assert!(
                        !write(&picture, media_type, 90).unwrap().is_empty(),
                        "{path}"
                    );
                }
            }
            Err(error) => panic!("{path}: {error}"),
        }
    }
    assert!(drawn > 290, "{drawn}");
}

#[tokio::test]
async fn real_images_survive_jpeg_ls() {
    let Some(root) = shared() else { return };
    let mut encoded = 0;
    for entry in manifest(&root) {
        let path = entry["path"].as_str().unwrap();
        if !path.starts_with("transfer-syntax/") && !path.starts_with("pet-nm/") {
            continue;
        }
        let bytes = std::fs::read(root.join(path)).unwrap();
        let Ok(Some((shape, frames))) = frames_of(&bytes).await else {
            continue;
        };
        let Ok(jls) = encode_jpeg_ls(&shape, frames[0].clone()).await else {
            continue;
        };
        let back = decode("1.2.840.10008.1.2.4.80", &shape, jls).await.unwrap();
        assert_eq!(back.bytes, frames[0], "{path}");
        encoded += 1;
    }
    assert!(encoded > 60, "{encoded}");
}

#[tokio::test]
async fn damaged_streams_are_errors() {
    let Some(root) = shared() else { return };
    let limits = ParseLimits::default();
    for path in [
        "transfer-syntax/wg04/CT1_JLSL",
        "transfer-syntax/wg04/MR1_JPLY",
        "transfer-syntax/wg04/CT1_JPLL",
        "transfer-syntax/wg04/CT1_RLE",
        "transfer-syntax/wg04/CT1_J2KR",
        "transfer-syntax/htj2k/MR05_HTJ2K201.dcm",
        "transfer-syntax/test-pattern/TestPattern_JPEG-Baseline_YBRFull.dcm",
        "transfer-syntax/ct-chest-one-image-15-syntaxes/CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm",
    ] {
        let bytes = std::fs::read(root.join(path)).unwrap();
        let Parsed::Instance(instance) = parse_instance(&bytes, &limits).unwrap() else {
            panic!("{path}: no instance");
        };
        let header = Header::read(&bytes, &limits).unwrap();
        let syntax = header.transfer_syntax_uid().unwrap();
        let shape = Shape::of(&header).unwrap();
        let frame = extract(&bytes, &instance.frames, 0, &limits)
            .unwrap()
            .into_owned();
        assert!(
            decode(syntax, &shape, frame.clone()).await.is_ok(),
            "{path}"
        );
        let half = frame[..frame.len() / 2].to_vec();
        assert!(
            decode(syntax, &shape, half).await.is_err(),
            "{path}: half of it"
        );
        assert!(
            decode(syntax, &shape, Vec::new()).await.is_err(),
            "{path}: nothing"
        );
        let other = Shape {
            rows: shape.rows + 1,
            ..shape
        };
        assert!(
            decode(syntax, &other, frame).await.is_err(),
            "{path}: other rows"
        );
    }
}
