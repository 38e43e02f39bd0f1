//! How long facts, metadata and frame table of one instance take: `speed FILE [RUNS]`.
//!
//! Run it with `cargo run --release -p overread-dicom --example speed -- FILE`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement prints and may stop"
)]

use std::hint::black_box;
use std::time::Instant;

use overread_dicom::{ParseLimits, parse_instance};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let bytes = std::fs::read(arguments.get(1).unwrap()).unwrap();
    let runs: u32 = arguments
        .get(2)
        .and_then(|text| text.parse().ok())
        .unwrap_or(2000);
    let limits = ParseLimits::default();
    let mut times = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        let parsed = parse_instance(black_box(&bytes), &limits);
        times.push(start.elapsed());
        black_box(&parsed).as_ref().unwrap();
    }
    times.sort();
    let median = times.get(times.len() / 2).unwrap();
    println!("{} bytes: {median:?} (median of {runs})", bytes.len());
}
