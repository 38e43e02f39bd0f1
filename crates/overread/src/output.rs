//! What the program prints: facts to standard output, remarks to standard error.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use serde::Serialize;

/// Prints a text and a line end.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
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
