//! What is written can be read by others' decoders.

use overread_pixels::{MediaType, Picture, write, write_animation};

fn ramp(is_colour: bool) -> Picture {
    let pixel = if is_colour { 3 } else { 1 };
    Picture {
        width: 64,
        height: 32,
        is_colour,
        bytes: (0..64 * 32 * pixel)
            .map(|index| (index / pixel % 64 * 4) as u8)
            .collect(),
    }
}

#[test]
fn png_is_exact() {
    for is_colour in [false, true] {
        let picture = ramp(is_colour);
        let bytes = write(&picture, MediaType::Png, 90).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut back = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut back).unwrap();
        assert_eq!(back, picture.bytes);
    }
}

#[test]
fn jpeg_is_near_and_nearer_with_more_quality() {
    for is_colour in [false, true] {
        let picture = ramp(is_colour);
        let error = |quality| {
            let bytes = write(&picture, MediaType::Jpeg, quality).unwrap();
            let back = jpeg_decoder::Decoder::new(bytes.as_slice())
                .decode()
                .unwrap();
            let differences = back.iter().zip(&picture.bytes);
            differences
                .map(|(a, b)| u32::from(a.abs_diff(*b)))
                .sum::<u32>()
        };
        assert!(error(95) < 3 * picture.bytes.len() as u32);
        assert!(error(95) <= error(10));
    }
}

#[test]
fn gif_holds_its_frames() {
    let bytes = write_animation(&[ramp(false), ramp(false)], 40).unwrap();
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes.as_slice()).unwrap();
    let mut count = 0;
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        assert_eq!((frame.width, frame.height, frame.delay), (64, 32, 4));
        let greys: Vec<u8> = frame.buffer.chunks_exact(4).map(|pixel| pixel[0]).collect();
        assert_eq!(greys, ramp(false).bytes);
        count += 1;
    }
    assert_eq!(count, 2);
    assert!(write(&ramp(true), MediaType::Gif, 90).is_ok());
    assert!(write_animation(&[], 40).is_err());
    assert!(write_animation(&[ramp(false), ramp(true)], 40).is_err());
}
