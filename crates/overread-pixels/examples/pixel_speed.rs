//! How long a frame takes to be decoded, drawn and written: `pixel_speed FILE [RUNS]`, processor time on one thread.
//!
//! Run it with `cargo run --release -p overread-pixels --example pixel_speed -- FILE`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement prints and may stop"
)]

use std::hint::black_box;

use overread_dicom::frames::extract;
use overread_dicom::{Header, ParseLimits, Parsed, parse_instance};
use overread_pixels::{
    Decoding, Description, MediaType, Samples, Shape, View, decode_with, draw, encode_jpeg_ls,
    write,
};
use rustix::time::{ClockId, clock_gettime};

fn processor_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn measure(name: &str, runs: u32, mut work: impl FnMut() -> usize) {
    let bytes = work();
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let start = processor_ms();
            black_box(work());
            processor_ms() - start
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).unwrap();
    println!("{name:<28} {median:8.3} ms {bytes:10} bytes");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let bytes = std::fs::read(arguments.get(1).unwrap()).unwrap();
    let runs = arguments.get(2).map_or(50, |text| text.parse().unwrap());
    let limits = ParseLimits::default();
    let Parsed::Instance(instance) = parse_instance(&bytes, &limits).unwrap() else {
        return;
    };
    let table = &instance.frames;
    let header = Header::read(&bytes, &limits).unwrap();
    let mut description = Description::of(&header, 0).unwrap();
    let mut frame = extract(&bytes, table, 0, &limits).unwrap().into_owned();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    if table.is_encapsulated() {
        let syntax = header.transfer_syntax_uid().unwrap();
        let shape = description.shape.clone();
        let mut decoded = None;
        measure("decode", runs, || {
            let work = decode_with(&Decoding::Thread, syntax, &shape, frame.clone());
            let done = runtime.block_on(work).unwrap();
            let length = done.bytes.len();
            decoded = Some(done);
            length
        });
        let decoded = decoded.unwrap();
        description.shape.photometric = decoded.photometric;
        frame = decoded.bytes;
    }
    draw_and_write(&header, &description, &frame, runs);
    let shape = Shape {
        is_planar: false,
        ..description.shape.clone()
    };
    if runtime
        .block_on(encode_jpeg_ls(&shape, frame.clone()))
        .is_ok()
    {
        measure("JPEG-LS, compared", runs, || {
            let work = encode_jpeg_ls(&shape, frame.clone());
            runtime.block_on(work).unwrap().len()
        });
    }
}

fn draw_and_write(header: &Header<'_>, description: &Description, frame: &[u8], runs: u32) {
    let whole = View::default();
    let small = View {
        fit: Some((256, 256)),
        source: None,
    };
    let samples = Samples::Native(frame);
    let picture = || draw(description, samples, None, &whole).unwrap();
    measure("describe and draw", runs, || {
        let description = Description::of(header, 0).unwrap();
        draw(&description, samples, None, &whole)
            .unwrap_or_else(|_| picture())
            .bytes
            .len()
    });
    for (name, media_type, quality) in [
        ("draw, JPEG quality 90", MediaType::Jpeg, 90),
        ("draw, JPEG quality 75", MediaType::Jpeg, 75),
        ("draw, PNG", MediaType::Png, 0),
        ("draw, GIF", MediaType::Gif, 0),
    ] {
        measure(name, runs, || {
            write(&picture(), media_type, quality).unwrap().len()
        });
    }
    measure("thumbnail, JPEG", runs, || {
        let small = draw(description, samples, None, &small).unwrap();
        write(&small, MediaType::Jpeg, 90).unwrap().len()
    });
}
