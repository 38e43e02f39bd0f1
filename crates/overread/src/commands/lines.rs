//! `overread concordance` and `overread statements`: a line in, a line out.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use overread_concordance::jsonl::{LineError, compare_line, statements_line};

/// A line longer than this is refused: two reports of 200 kB fit many times.
const LINE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Answers report pairs.
pub(crate) fn concordance() -> Result<ExitCode> {
    answer(compare_line)
}

/// Answers reports or single sentences.
pub(crate) fn statements() -> Result<ExitCode> {
    answer(statements_line)
}

fn answer(of: fn(&str) -> Result<String, LineError>) -> Result<ExitCode> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut out = BufWriter::new(io::stdout().lock());
    let mut buffer = Vec::new();
    for number in 1_u64.. {
        buffer.clear();
        let read = input
            .by_ref()
            .take(LINE_MAX_BYTES)
            .read_until(b'\n', &mut buffer)?;
        if read == 0 {
            break;
        }
        if read as u64 == LINE_MAX_BYTES && buffer.last() != Some(&b'\n') {
            bail!(
                "line {number} is longer than {} MB",
                LINE_MAX_BYTES / 1024 / 1024
            );
        }
        let line =
            std::str::from_utf8(&buffer).with_context(|| format!("line {number} is not UTF-8"))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = of(line.trim()).with_context(|| format!("line {number}"))?;
        writeln!(out, "{answer}")?;
        // Whoever feeds line by line waits for each answer.
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
