//! Programs of others beside a test: each ends with it, and no test waits for one that has ended or never listens.
#![allow(clippy::expect_used, reason = "a failed test may say so by a panic")]

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long a program may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that is killed when the test ends.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is left to do about a failure: it may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns a port that nothing listens on, for a program that cannot say which one it was given.
///
/// # Panics
/// Every port is taken.
#[must_use]
pub fn free_port() -> u16 {
    // Below those that systems give out by themselves: a connection of another test must not take it in between.
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = std::process::id().wrapping_mul(97) % u32::from(COUNT);
    let own = u16::try_from(own).unwrap_or_default();
    (0..COUNT)
        .map(|_| FIRST + (own + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("every port is taken")
}

/// Starts a program and returns once it listens on a port of this machine.
///
/// # Panics
/// It cannot be started, ends instead of listening, or does not listen for a long time.
#[must_use]
pub fn listening(command: &mut Command, port: u16) -> Running {
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut running = Running(child.expect("the program cannot be started"));
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = running.0.try_wait().expect("the program is lost");
        assert!(ended.is_none(), "{command:?} ended ({ended:?})");
        assert!(begun.elapsed() < PATIENCE, "{command:?} does not listen");
        std::thread::yield_now();
    }
    running
}

/// Returns a command that ends a program, and says so by 124, when it has not ended by itself within two minutes.
#[must_use]
pub fn bounded(program: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "120"]).arg(program);
    command
}
