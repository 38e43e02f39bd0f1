//! What a presentation state is of, on made ones.

use std::collections::BTreeSet;

use overread_dicom::{Header, ParseLimits};
use overread_pixels::limits::REFERENCED_FRAMES;
use overread_pixels::{PixelError, frames_of_image, images_of_state};

use crate::drawing::{file, item};

const IMAGE: &str = "1.2.3.1.1";

/// Checks the frames of a state whose items all name one image, each by these frame numbers, both for who lists all its images and
/// for who asks for this one.
fn check(items: &[&str], expect: Result<Option<&[u32]>, PixelError>) {
    let one = |numbers: &&str| {
        let uid = (0x0008_1155, "UI", format!("{IMAGE}\0").into_bytes());
        let numbers = (0x0008_1160, "IS", numbers.as_bytes().to_vec());
        item(&[uid, numbers])
    };
    let images: Vec<u8> = items.iter().flat_map(one).collect();
    let series = item(&[
        (0x0008_1140, "SQ", images),
        (0x0020_000E, "UI", b"1.2.3.1\0".to_vec()),
    ]);
    let bytes = file(&[(0x0008_1115, "SQ", series)]);
    let state = Header::read(&bytes, &ParseLimits::default()).unwrap();
    let expect = expect.map(|frames| frames.map(|all| all.iter().copied().collect()));
    let listed = images_of_state(&state, 10).map(|images| {
        assert_eq!(images.len(), 1, "{items:?}");
        images[0].frame_numbers.clone()
    });
    assert_eq!(listed, expect, "{items:?}");
    assert_eq!(frames_of_image(&state, IMAGE), expect, "{items:?}");
    if expect.is_ok() {
        let other = frames_of_image(&state, "1.2.3.1.2");
        assert_eq!(other, Ok(Some(BTreeSet::new())));
    }
}

#[test]
fn frames_are_the_same_whoever_asks() {
    check(&["5"], Ok(Some(&[5])));
    check(&["6\\2", "4\\2\\9"], Ok(Some(&[2, 4, 6, 9])));
    // Without numbers all frames are meant, whatever other items say.
    check(&[""], Ok(None));
    check(&["5", "", "6"], Ok(None));
    // Frames are counted from 1.
    check(&["0"], Ok(Some(&[])));
    check(&["0\\-1\\1.5", "0"], Ok(Some(&[])));
    check(&["0", "3"], Ok(Some(&[3])));
}

#[test]
fn more_frame_numbers_than_are_followed_are_refused_and_not_cut() {
    let fives = vec!["5"; 1000].join("\\");
    let most = vec![fives.as_str(); REFERENCED_FRAMES / 1000];
    check(&most, Ok(Some(&[5])));
    let more = [most, vec!["5"]].concat();
    check(&more, Err(PixelError::TooManyReferences));
}
