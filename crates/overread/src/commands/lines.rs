//! `overread concordance` and `overread statements`: a line in, a line out.

use std::io::{self, BufRead, BufReader, Read};
use std::process::ExitCode;

use anyhow::Result;
use overread_concordance::jsonl::{LineError, compare_line, statements_line};
use overread_model::text::counted;
use serde_json::{Value, json};

use crate::limits::LINE_BYTES;
use crate::output::{Lines, remark};

/// Answers report pairs.
pub(crate) fn concordance() -> Result<ExitCode> {
    answer(compare_line)
}

/// Answers reports or single sentences.
pub(crate) fn statements() -> Result<ExitCode> {
    answer(statements_line)
}

/// Answers every line; one that cannot be answered is answered with why, and costs the others nothing.
fn answer(of: fn(&str) -> Result<String, LineError>) -> Result<ExitCode> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut out = Lines::new();
    let mut bad_lines = 0;
    let mut buffer = Vec::new();
    for number in 1_u64.. {
        if !next_line(&mut input, &mut buffer)? {
            break;
        }
        let line = Line::read(&buffer);
        if matches!(line, Line::Text("")) {
            continue;
        }
        let answered = match line {
            Line::Text(text) => of(text).map_err(|error| (id_of(text), why(&error))),
            Line::Unreadable(why) => Err((Value::Null, why)),
        };
        let answer = answered.unwrap_or_else(|(id, why)| {
            bad_lines += 1;
            json!({ "id": id, "line": number, "error": why }).to_string()
        });
        out.write(&answer)?;
        // Whoever feeds line by line waits for each answer.
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
    out.flush()?;
    if bad_lines == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    remark(&format!(
        "error: {} could not be answered; the answer to each says why",
        counted(bad_lines, "line", "lines")
    ));
    Ok(ExitCode::FAILURE)
}

enum Line<'a> {
    Text(&'a str),
    Unreadable(String),
}

impl<'a> Line<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        if bytes.len() as u64 > LINE_BYTES {
            let megabytes = LINE_BYTES / 1024 / 1024;
            return Self::Unreadable(format!("the line is longer than {megabytes} MB"));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.trim()),
            Err(_) => Self::Unreadable("the line is not UTF-8".to_owned()),
        }
    }
}

/// Reads a line, of one that is too long just enough to tell; false at the end.
fn next_line(input: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<bool> {
    buffer.clear();
    let read = input
        .by_ref()
        .take(LINE_BYTES + 1)
        .read_until(b'\n', buffer)?;
    if read as u64 > LINE_BYTES && buffer.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

/// Returns the id of a line that is JSON at least.
fn id_of(text: &str) -> Value {
    let value = serde_json::from_str::<Value>(text).unwrap_or_default();
    value.get("id").cloned().unwrap_or_default()
}

/// Says what is wrong with a line without repeating what stands in it.
fn why(error: &LineError) -> String {
    match error {
        LineError::Json(cause) if cause.is_data() => {
            "a field is missing or of another kind; --help names them".to_owned()
        }
        LineError::Json(cause) => format!("this is no JSON, from byte {} on", cause.column()),
        LineError::TooLong | LineError::NoConcept => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::{Line, next_line};
    use crate::limits::LINE_BYTES;

    #[test]
    fn a_line_that_is_too_long_is_skipped_to_its_end() {
        let long = "x".repeat(LINE_BYTES as usize + 20);
        let text = format!("{long}\nshort\n");
        let (mut input, mut buffer) = (text.as_bytes(), Vec::new());
        assert!(next_line(&mut input, &mut buffer).unwrap());
        assert!(matches!(Line::read(&buffer), Line::Unreadable(_)));
        assert!(next_line(&mut input, &mut buffer).unwrap());
        assert!(matches!(Line::read(&buffer), Line::Text("short")));
        assert!(!next_line(&mut input, &mut buffer).unwrap());
    }
}
