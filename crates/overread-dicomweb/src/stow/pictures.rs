//! Pixel data that come as PNG or GIF and are kept uncompressed, sample by sample (PS3.18 10.5.2).

use overread_dicom::DicomProblem;
use overread_model::problem::ProblemKind;
use overread_pixels::{PixelError, RawPicture, read_gif, read_png};
use serde_json::{Value, json};

use super::composed::unreadable;
use crate::limits::COMPOSED_INSTANCE_BYTES;

/// What a picture is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Gif,
}

/// What the metadata must say of a picture: the attribute, its keyword and VR, and the value.
type Said = (&'static str, &'static str, &'static str, Value);

/// Returns uncompressed pixel data, and writes into the metadata what describes them; each file holds a frame or more.
///
/// What the metadata say already must fit: a wrong size or sign would show another picture than the sender saw.
///
/// # Errors
/// A picture is damaged or too large, cannot be kept without loss, or is not what the metadata say.
pub(super) fn native(
    object: &mut Value,
    format: Format,
    files: Vec<Vec<u8>>,
) -> Result<Vec<u8>, DicomProblem> {
    let picture = fitting(read(format, files)?, stated(object, "00280002"))?;
    let allocated = u64::from(picture.bits_allocated);
    let bits_stored = stated(object, "00280101").unwrap_or(allocated);
    if !fits(&picture, bits_stored) {
        return Err(unreadable(
            "the samples of the picture do not fit what the metadata say by Bits Stored",
        ));
    }
    for said in description(&picture, bits_stored) {
        agree(object, said)?;
    }
    let frames = picture.frames.len();
    if frames > 1 || object.get("00280008").is_some() {
        agree(
            object,
            ("00280008", "Number of Frames", "IS", json!(frames)),
        )?;
    }
    let vr = if allocated > 8 { "OW" } else { "OB" };
    if let Some(pixels) = object.get_mut("7FE00010") {
        pixels["vr"] = json!(vr);
    }
    Ok(picture.frames.concat())
}

/// Reads the pictures of all files, which must be of one kind and size.
fn read(format: Format, files: Vec<Vec<u8>>) -> Result<RawPicture, DicomProblem> {
    let mut all: Option<RawPicture> = None;
    let mut left_bytes = COMPOSED_INSTANCE_BYTES;
    for file in files {
        let picture = match format {
            Format::Png => read_png(&file, left_bytes),
            Format::Gif => read_gif(&file, left_bytes),
        };
        let mut picture = picture.map_err(problem)?;
        let bytes: usize = picture.frames.iter().map(Vec::len).sum();
        left_bytes = left_bytes.saturating_sub(bytes as u64);
        match &mut all {
            None => all = Some(picture),
            Some(all) if form(all) == form(&picture) => all.frames.append(&mut picture.frames),
            Some(_) => {
                return Err(unreadable(
                    "the pictures of one instance are not all of one size and kind",
                ));
            }
        }
    }
    all.ok_or_else(|| unreadable("there is no picture"))
}

fn form(picture: &RawPicture) -> (u16, u16, u16, u16) {
    let RawPicture {
        rows,
        columns,
        samples_per_pixel,
        bits_allocated,
        ..
    } = picture;
    (*rows, *columns, *samples_per_pixel, *bits_allocated)
}

fn problem(error: PixelError) -> DicomProblem {
    match error {
        PixelError::TooLarge => DicomProblem {
            kind: ProblemKind::LimitExceeded,
            message: "the picture is larger than is taken here".to_owned(),
        },
        PixelError::Unsupported => unreadable(
            "the picture can be seen through, or is a PNG that moves, which pixel data cannot say; send it without",
        ),
        _ => unreadable("the picture is damaged"),
    }
}

/// Returns a picture in grey levels where it has no colours, unless the metadata say that it has.
fn fitting(picture: RawPicture, samples: Option<u64>) -> Result<RawPicture, DicomProblem> {
    if samples == Some(3) {
        return Ok(picture);
    }
    match picture.is_grey() {
        true => Ok(picture.into_grey()),
        false if samples == Some(1) => Err(unreadable(
            "the picture has colours, and the metadata say by Samples per Pixel that it has none",
        )),
        false => Ok(picture),
    }
}

/// Says whether every sample has room in these bits.
fn fits(picture: &RawPicture, bits_stored: u64) -> bool {
    let allocated = u64::from(picture.bits_allocated);
    if bits_stored >= allocated {
        return bits_stored == allocated;
    }
    let most = 1_u16
        .checked_shl(bits_stored as u32)
        .filter(|_| bits_stored > 0);
    let most = most.unwrap_or(0);
    let mut samples = picture.frames.iter().flatten();
    if allocated == 8 {
        return samples.all(|sample| u16::from(*sample) < most);
    }
    let words = picture
        .frames
        .iter()
        .flat_map(|frame| frame.chunks_exact(2));
    words
        .map(|word| {
            word.iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u16::from(*byte))
        })
        .all(|word| word < most)
}

// PS3.3 C.7.6.3.1.1: black is 0 in a PNG or GIF, and no sample is signed.
fn description(picture: &RawPicture, bits_stored: u64) -> Vec<Said> {
    let is_grey = picture.samples_per_pixel == 1;
    let photometric = if is_grey { "MONOCHROME2" } else { "RGB" };
    let mut said = vec![
        (
            "00280002",
            "Samples per Pixel",
            "US",
            json!(picture.samples_per_pixel),
        ),
        (
            "00280004",
            "Photometric Interpretation",
            "CS",
            json!(photometric),
        ),
        ("00280010", "Rows", "US", json!(picture.rows)),
        ("00280011", "Columns", "US", json!(picture.columns)),
        (
            "00280100",
            "Bits Allocated",
            "US",
            json!(picture.bits_allocated),
        ),
        ("00280101", "Bits Stored", "US", json!(bits_stored)),
        (
            "00280102",
            "High Bit",
            "US",
            json!(bits_stored.saturating_sub(1)),
        ),
        ("00280103", "Pixel Representation", "US", json!(0)),
    ];
    if !is_grey {
        said.push(("00280006", "Planar Configuration", "US", json!(0)));
    }
    said
}

/// Fills in what the metadata leave out, and refuses what they say otherwise.
fn agree(object: &mut Value, (tag, keyword, vr, value): Said) -> Result<(), DicomProblem> {
    let is_same = match (object.pointer(&format!("/{tag}/Value/0")), value.as_u64()) {
        (None, _) => {
            if let Some(members) = object.as_object_mut() {
                members.insert(tag.to_owned(), json!({"vr": vr, "Value": [value]}));
            }
            return Ok(());
        }
        (Some(_), Some(number)) => stated(object, tag) == Some(number),
        (Some(text), None) => text.as_str().map(str::trim) == value.as_str(),
    };
    if is_same {
        return Ok(());
    }
    Err(unreadable(format!(
        "the picture is not what the metadata say of it by {keyword}"
    )))
}

/// Returns the number that the metadata say.
fn stated(object: &Value, tag: &str) -> Option<u64> {
    let value = object.pointer(&format!("/{tag}/Value/0"))?;
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}
