//! The text of a PDF, read where it can do no harm.
//!
//! PDFs come from strangers. [`text_of_pdf`] reads one on a thread of its own: a panic ends the thread, and after
//! [`limits::PDF_TIME`] nobody waits for it any more. A thread cannot be stopped and has no memory limit of its own; the
//! executable therefore passes [`Reader::Process`], which runs [`child_main`] in a process that can be killed and whose
//! memory and time the system limits.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{LazyLock, OnceLock};

use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use crate::limits;

/// What a PDF holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PdfText {
    /// Its text, page by page.
    Text(String),
    /// Pictures of pages: the text must be asked for.
    ScanOnly,
}

/// Says why a PDF's text cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// More than [`limits::PDF_BYTES`].
    #[error("the PDF is larger than a report may be")]
    TooLarge,
    /// It is damaged, protected by a password, or no PDF.
    #[error("the PDF cannot be read; it may be damaged or protected by a password")]
    Unreadable,
    /// It took longer than [`limits::PDF_TIME`], or too much memory.
    #[error("the PDF took too long to read")]
    TooSlow,
    /// Others are being read; try again.
    #[error("other PDFs are being read; try again in a moment")]
    Busy,
}

/// Where a PDF is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// On a thread of this process.
    Thread,
    /// In a process of its own: this program, called with these arguments, runs [`child_main`].
    Process {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

static READERS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(limits::PDF_READERS));

/// What precedes the text on the child's output, whatever else its libraries print.
const MARK: &str = "\u{1}overread-pdf-text\u{1}";

static READER: OnceLock<Reader> = OnceLock::new();

/// Chooses where [`text_of_pdf`] reads, once for the program; says whether it was the first to choose.
pub fn choose_reader(reader: Reader) -> bool {
    READER.set(reader).is_ok()
}

/// Returns the text of a PDF, read where [`choose_reader`] said, else on a thread.
///
/// # Errors
/// When it is too large, damaged, protected, or takes too long.
pub async fn text_of_pdf(bytes: Vec<u8>) -> Result<PdfText, PdfError> {
    read_with(READER.get().unwrap_or(&Reader::Thread), bytes).await
}

/// Returns the text of a PDF, read by this reader.
///
/// # Errors
/// When it is too large, damaged, protected, or takes too long.
pub async fn read_with(reader: &Reader, bytes: Vec<u8>) -> Result<PdfText, PdfError> {
    if bytes.len() > limits::PDF_BYTES {
        return Err(PdfError::TooLarge);
    }
    let turn = tokio::time::timeout(limits::PDF_TIME, READERS.acquire())
        .await
        .map_err(|_| PdfError::Busy)?;
    let turn = turn.map_err(|_| PdfError::Busy)?;
    match reader {
        Reader::Thread => by_thread(bytes, turn).await,
        Reader::Process { program, arguments } => by_process(program, arguments, bytes).await,
    }
}

async fn by_thread(
    bytes: Vec<u8>,
    turn: tokio::sync::SemaphorePermit<'static>,
) -> Result<PdfText, PdfError> {
    let (done, answer) = tokio::sync::oneshot::channel();
    let started = std::thread::Builder::new()
        .name("pdf-text".to_owned())
        .spawn(move || {
            // The turn is given back when the reading ends, and not when the waiting does.
            let _turn = turn;
            let _ = done.send(extract(&bytes));
        });
    started.map_err(|_| PdfError::Busy)?;
    match tokio::time::timeout(limits::PDF_TIME, answer).await {
        Ok(Ok(result)) => result,
        // The thread ended without an answer: it panicked.
        Ok(Err(_)) => Err(PdfError::Unreadable),
        Err(_) => Err(PdfError::TooSlow),
    }
}

async fn by_process(
    program: &PathBuf,
    arguments: &[String],
    bytes: Vec<u8>,
) -> Result<PdfText, PdfError> {
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|_| PdfError::Busy)?;
    let mut stdin = child.stdin.take().ok_or(PdfError::Busy)?;
    let talk = async {
        // A child that died early closes its end; its output tells.
        let _ = stdin.write_all(&bytes).await;
        drop(stdin);
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(limits::PDF_TIME, talk)
        .await
        .map_err(|_| PdfError::TooSlow)?;
    let output = output.map_err(|_| PdfError::Unreadable)?;
    if !output.status.success() {
        return Err(if output.status.code().is_none() {
            PdfError::TooSlow
        } else {
            PdfError::Unreadable
        });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let (_, text) = text.rsplit_once(MARK).ok_or(PdfError::Unreadable)?;
    Ok(judge(text))
}

/// Reads a PDF from standard input and writes its text to standard output; the executable calls it for a hidden command.
///
/// # Errors
/// When the PDF cannot be read; the caller ends with a code other than 0.
pub fn child_main() -> Result<(), PdfError> {
    limit_child();
    let mut bytes = Vec::new();
    let limit = limits::PDF_BYTES as u64;
    std::io::stdin()
        .lock()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|_| PdfError::Unreadable)?;
    let text = match extract(&bytes)? {
        PdfText::Text(text) => text,
        PdfText::ScanOnly => String::new(),
    };
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "{MARK}{text}")
        .and_then(|()| stdout.flush())
        .map_err(|_| PdfError::Unreadable)
}

/// Lets the system stop this process when it takes too much.
#[cfg(unix)]
fn limit_child() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let both = |value: u64| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    // Where a limit cannot be set the parent's time limit still holds.
    let _ = setrlimit(Resource::As, both(limits::PDF_MEMORY_BYTES));
    let _ = setrlimit(Resource::Cpu, both(limits::PDF_TIME.as_secs()));
}

#[cfg(not(unix))]
const fn limit_child() {}

fn extract(bytes: &[u8]) -> Result<PdfText, PdfError> {
    if !bytes
        .get(..bytes.len().min(1024))
        .unwrap_or_default()
        .windows(5)
        .any(|window| window == b"%PDF-")
    {
        return Err(PdfError::Unreadable);
    }
    let read = std::panic::catch_unwind(|| pdf_extract::extract_text_from_mem(bytes));
    let text = read
        .map_err(|_| PdfError::Unreadable)?
        .map_err(|_| PdfError::Unreadable)?;
    Ok(judge(&text))
}

/// Says whether there is text worth the name.
fn judge(text: &str) -> PdfText {
    let letters = text
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .count();
    if letters < limits::PDF_TEXT_MIN_CHARS {
        return PdfText::ScanOnly;
    }
    let kept: String = text
        .chars()
        .take(limits::PDF_TEXT_CHARS)
        .filter(|letter| *letter != '\0')
        .collect();
    PdfText::Text(kept.trim().to_owned())
}
