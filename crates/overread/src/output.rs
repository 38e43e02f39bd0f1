//! What the program prints: facts to standard output, remarks to standard error.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use anyhow::Result;
use serde::Serialize;

/// Whoever read the output wants no more of it.
#[derive(Debug)]
pub(crate) struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the output was closed")
    }
}

impl std::error::Error for Closed {}

/// Prints a text and a line end.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut lines = Lines::new();
    lines.write(text)?;
    lines.flush()
}

/// Many lines, printed when there are enough of them.
pub(crate) struct Lines(BufWriter<StdoutLock<'static>>);

impl Lines {
    /// Makes a printer of lines.
    pub(crate) fn new() -> Self {
        Self(BufWriter::new(io::stdout().lock()))
    }

    /// Prints a text and a line end, now or later.
    pub(crate) fn write(&mut self, text: &str) -> Result<()> {
        let written = self.0.write_all(text.as_bytes());
        printed(written.and_then(|()| self.0.write_all(b"\n")))
    }

    /// Prints now what is not printed yet.
    pub(crate) fn flush(&mut self) -> Result<()> {
        printed(self.0.flush())
    }
}

fn printed(written: io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
        written => Ok(written?),
    }
}

/// Prints a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Prints a remark that is no fact of the answer.
pub(crate) fn remark(text: &str) {
    // A closed standard error is no reason to stop.
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Says what went wrong, from what was tried down to its cause; what the operating system says is put into plain words.
pub(crate) fn in_words(error: &anyhow::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in error.chain() {
        let said = cause.to_string();
        // Some errors repeat their cause at their end.
        if let Some(last) = words.last_mut()
            && let Some(before) = last.strip_suffix(&said)
        {
            let before = before.trim_end_matches([':', ' ']).to_owned();
            *last = before;
        }
        words.push(match cause.downcast_ref::<io::Error>() {
            Some(error) => overread_network::in_words(error),
            None => said,
        });
    }
    words.retain(|words| !words.is_empty());
    words.join(": ")
}

/// Says whether somebody watches, so that progress is worth showing.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Returns the text without control characters, as a terminal may show it.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .collect()
}
