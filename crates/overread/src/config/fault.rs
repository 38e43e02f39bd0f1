//! What is wrong with `config.toml`, told without anything that stands in it: a password without quotes is an error, too.

use anyhow::anyhow;

/// Says where the fault is and what is expected there.
pub(super) fn hide_values(error: &toml::de::Error, text: &str) -> anyhow::Error {
    let said = words(error.message());
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return anyhow!("{said}");
    };
    let line = before.matches('\n').count() + 1;
    let column = before
        .chars()
        .rev()
        .take_while(|sign| *sign != '\n')
        .count()
        + 1;
    anyhow!("line {line}, column {column}: {said}")
}

/// Keeps of a message what is ours: what is expected stands at its end, what was found stands before that, in quotes.
fn words(message: &str) -> String {
    if let Some((_, expected)) = message.rsplit_once(", expected ") {
        return format!("{expected} is expected");
    }
    let is_ours = message.starts_with("missing field") || !message.contains(['"', '\'', '`']);
    if is_ours {
        return message.to_owned();
    }
    "this is no setting, or has no value that it may have".to_owned()
}
