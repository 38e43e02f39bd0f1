//! The process that decodes, asked by its own test: called with an argument this program is the worker.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test without the usual harness says itself what it did"
)]

use std::process::ExitCode;
use std::time::Duration;

use overread_pixels::{
    Decoding, Photometric, PixelError, SampleKind, Shape, child_main, decode_with,
};

const RLE: &str = "1.2.840.10008.1.2.5";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("pixel-worker") => ExitCode::from(u8::from(child_main().is_err())),
        Some("dies") => ExitCode::FAILURE,
        Some("hangs") => loop {
            // Until the time for its frame is over.
            std::thread::park();
        },
        Some("sleeps") => {
            let _ = std::io::Read::read(&mut std::io::stdin(), &mut [0; 4]);
            std::process::exit(0)
        }
        // The harness is asked for its list of tests by some tools.
        Some("--list") => ExitCode::SUCCESS,
        _ => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                one_after_another().await;
                many_at_once().await;
                deaths_are_errors().await;
                who_takes_all_the_time_is_not_asked_again().await;
            });
            println!("worker: 4 passed");
            ExitCode::SUCCESS
        }
    }
}

fn worker(role: &str) -> Decoding {
    Decoding::processes(std::env::current_exe().unwrap(), vec![role.to_owned()])
}

fn shape() -> Shape {
    Shape {
        rows: 2,
        columns: 3,
        samples: 1,
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        kind: SampleKind::Unsigned,
        photometric: Photometric::Monochrome1,
        is_planar: false,
    }
}

/// Six pixels of one value.
fn frame(value: u8) -> Vec<u8> {
    let mut frame = vec![0; 64];
    frame.splice(0..8, [1, 0, 0, 0, 64, 0, 0, 0]);
    frame.extend_from_slice(&[0xFB, value]);
    frame
}

async fn who_takes_all_the_time_is_not_asked_again() {
    let program = std::env::current_exe().unwrap();
    let time = Duration::from_millis(100);
    let workers = Decoding::processes_within(program, vec!["hangs".to_owned()], time);
    let first = decode_with(&workers, RLE, &shape(), frame(1)).await;
    assert_eq!(first, Err(PixelError::BrokeOff));
    let shape = shape();
    let again = decode_with(&workers, RLE, &shape, frame(1));
    // No waiting: it is known before a process is asked.
    let again = tokio::time::timeout(Duration::ZERO, again).await;
    assert_eq!(again, Ok(Err(PixelError::BrokeOff)));
    let other = decode_with(&workers, RLE, &shape, frame(2));
    assert!(tokio::time::timeout(Duration::ZERO, other).await.is_err());
}

async fn one_after_another() {
    let workers = worker("pixel-worker");
    for value in 0..20 {
        let decoded = decode_with(&workers, RLE, &shape(), frame(value))
            .await
            .unwrap();
        assert_eq!(decoded.bytes, [value; 6]);
        assert_eq!(decoded.photometric, Photometric::Monochrome1);
        let damaged = decode_with(&workers, RLE, &shape(), vec![value; 70]).await;
        assert_eq!(damaged, Err(PixelError::Damaged));
    }
    let unknown = decode_with(&workers, "1.2.840.10008.1.2.4.103", &shape(), frame(1)).await;
    assert_eq!(unknown, Err(PixelError::Unsupported));
}

async fn many_at_once() {
    let workers = worker("pixel-worker");
    let tasks: Vec<_> = (0..30)
        .map(|value| {
            let workers = workers.clone();
            tokio::spawn(async move { decode_with(&workers, RLE, &shape(), frame(value)).await })
        })
        .collect();
    for (value, task) in (0_u8..).zip(tasks) {
        assert_eq!(task.await.unwrap().unwrap().bytes, [value; 6]);
    }
}

async fn deaths_are_errors() {
    for role in ["dies", "sleeps"] {
        let dying = worker(role);
        for _ in 0..3 {
            let answer = decode_with(&dying, RLE, &shape(), frame(1)).await;
            assert_eq!(answer, Err(PixelError::BrokeOff), "{role}");
        }
    }
}
