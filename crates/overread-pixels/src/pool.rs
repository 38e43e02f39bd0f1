//! Who decodes: processes that are kept warm, or a thread where nothing foreign is read.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::codec::Codec;
use crate::limits::{
    ENCODED_BYTES, FRAMES_A_WORKER, SLOW_FOR, SLOW_FRAMES, WAITING_TIME, WORKER_CPU_TIME,
    WORKER_TIME, WORKERS,
};
use crate::shape::Shape;
use crate::worker::{ANSWER_BYTES, Task, read_answer};
use crate::{Decoded, PixelError};

/// Where frames are decoded; a clone is a handle.
#[derive(Clone)]
pub enum Decoding {
    /// On a thread of this process, for tests: a crash of foreign code ends the program.
    Thread,
    /// In processes of their own.
    Processes(Arc<Pool>),
}

/// Processes that decode.
pub struct Pool {
    program: PathBuf,
    arguments: Vec<String>,
    turns: Semaphore,
    idle: Mutex<Vec<Worker>>,
    /// Time for one frame.
    patience: Duration,
    slow: Slow,
}

/// Frames that took all the time there is for one, by a hash of their bytes, and until when they are refused at once.
#[derive(Default)]
struct Slow {
    hashing: RandomState,
    until: Mutex<HashMap<u64, Instant>>,
}

struct Worker {
    // Killed when it is dropped.
    _child: Child,
    input: ChildStdin,
    output: ChildStdout,
    served: u32,
}

static DECODING: OnceLock<Decoding> = OnceLock::new();

/// Chooses where [`decode`] decodes, once for the program; says whether it was the first to choose.
pub fn choose_decoding(decoding: Decoding) -> bool {
    DECODING.set(decoding).is_ok()
}

/// Decodes one frame of an encapsulated transfer syntax, where [`choose_decoding`] said, else on a thread.
///
/// # Errors
/// The frame cannot be decoded, or not within the limits.
pub async fn decode(
    transfer_syntax_uid: &str,
    shape: &Shape,
    frame: Vec<u8>,
) -> Result<Decoded, PixelError> {
    let decoding = DECODING.get().unwrap_or(&Decoding::Thread);
    decode_with(decoding, transfer_syntax_uid, shape, frame).await
}

/// Decodes one frame there.
///
/// # Errors
/// As [`decode`].
pub async fn decode_with(
    decoding: &Decoding,
    transfer_syntax_uid: &str,
    shape: &Shape,
    frame: Vec<u8>,
) -> Result<Decoded, PixelError> {
    let codec = Codec::of(transfer_syntax_uid).ok_or(PixelError::Unsupported)?;
    run(decoding, Task::Decode(codec), shape, frame).await
}

/// Encodes one uncompressed frame, pixel by pixel, in JPEG-LS without loss; what goes out was decoded and compared.
///
/// # Errors
/// JPEG-LS cannot hold the frame: single bits, more than 16 bits, bits beside those that count.
pub async fn encode_jpeg_ls(shape: &Shape, frame: Vec<u8>) -> Result<Vec<u8>, PixelError> {
    let decoding = DECODING.get().unwrap_or(&Decoding::Thread);
    let encoded = run(decoding, Task::EncodeJpegLs, shape, frame).await?;
    Ok(encoded.bytes)
}

async fn run(
    decoding: &Decoding,
    task: Task,
    shape: &Shape,
    frame: Vec<u8>,
) -> Result<Decoded, PixelError> {
    shape.check()?;
    if frame.len() as u64 > ENCODED_BYTES {
        return Err(PixelError::TooLarge);
    }
    match decoding {
        Decoding::Thread => {
            let shape = shape.clone();
            // A panic ends as an error of the thread.
            tokio::task::spawn_blocking(move || task.run(&shape, &frame))
                .await
                .map_err(|_| PixelError::Damaged)?
        }
        Decoding::Processes(pool) => pool.run(task, shape, &frame).await,
    }
}

impl Decoding {
    /// Makes a pool of processes of this program, called with these arguments so that it runs [`crate::child_main`].
    pub fn processes(program: PathBuf, arguments: Vec<String>) -> Self {
        Self::processes_within(program, arguments, WORKER_TIME)
    }

    /// As [`Self::processes`], with another time for one frame.
    pub fn processes_within(program: PathBuf, arguments: Vec<String>, patience: Duration) -> Self {
        Self::Processes(Arc::new(Pool {
            program,
            arguments,
            turns: Semaphore::new(process_count()),
            idle: Mutex::new(Vec::new()),
            patience,
            slow: Slow::default(),
        }))
    }
}

/// Returns how many processes decode at the same time.
pub fn process_count() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    processors.clamp(2, WORKERS)
}

impl Slow {
    /// Says whether a frame is known to take too long.
    fn holds(&self, frame: &[u8]) -> bool {
        let now = Instant::now();
        let mut until = self.until();
        until.retain(|_, end| *end > now);
        if until.is_empty() {
            return false;
        }
        // A long frame is not hashed while others wait.
        drop(until);
        let hash = self.hashing.hash_one(frame);
        self.until().contains_key(&hash)
    }

    fn remember(&self, frame: &[u8]) {
        let hash = self.hashing.hash_one(frame);
        let mut until = self.until();
        if until.len() < SLOW_FRAMES {
            until.insert(hash, Instant::now() + SLOW_FOR);
        }
    }

    fn until(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    async fn run(&self, task: Task, shape: &Shape, frame: &[u8]) -> Result<Decoded, PixelError> {
        if self.slow.holds(frame) {
            return Err(PixelError::BrokeOff);
        }
        let turn = tokio::time::timeout(WAITING_TIME, self.turns.acquire());
        let _turn = turn
            .await
            .map_err(|_| PixelError::Busy)?
            .map_err(|_| PixelError::Busy)?;
        let idle = self.idle().pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => self.start()?,
        };
        // When this is given up, for time or because nobody waits any more, the process goes with it.
        let begun_at = Instant::now();
        let answer = tokio::time::timeout(self.patience, worker.ask(task, shape, frame)).await;
        if answer.is_err()
            || begun_at.elapsed() >= WORKER_CPU_TIME && !matches!(answer, Ok(Some(Ok(_))))
        {
            self.slow.remember(frame);
        }
        match answer {
            Ok(Some(answer)) => {
                worker.served += 1;
                if worker.served < FRAMES_A_WORKER {
                    self.idle().push(worker);
                }
                answer
            }
            Ok(None) | Err(_) => Err(PixelError::BrokeOff),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Result<Worker, PixelError> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|_| PixelError::Busy)?;
        let input = child.stdin.take().ok_or(PixelError::Busy)?;
        let output = child.stdout.take().ok_or(PixelError::Busy)?;
        Ok(Worker {
            _child: child,
            input,
            output,
            served: 0,
        })
    }
}

impl Worker {
    /// Asks for one frame; `None` when the process is not there any more or speaks nonsense.
    async fn ask(
        &mut self,
        task: Task,
        shape: &Shape,
        frame: &[u8],
    ) -> Option<Result<Decoded, PixelError>> {
        let request = task.request(shape, frame.len());
        self.input.write_all(&request).await.ok()?;
        self.input.write_all(frame).await.ok()?;
        self.input.flush().await.ok()?;
        let mut head = [0; ANSWER_BYTES];
        self.output.read_exact(&mut head).await.ok()?;
        let (photometric, length) = match read_answer(head)? {
            Ok(told) => told,
            Err(error) => return Some(Err(error)),
        };
        let mut bytes = Vec::with_capacity(length);
        let mut rest = (&mut self.output).take(length as u64);
        rest.read_to_end(&mut bytes).await.ok()?;
        (bytes.len() == length).then_some(Ok(Decoded { bytes, photometric }))
    }
}
