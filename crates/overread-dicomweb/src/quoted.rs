//! Quoted strings in header values (RFC 9110 5.6.4).

/// Splits at a character that stands outside of quotes.
pub(crate) fn split_quoted(text: &str, separator: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
    for (index, letter) in text.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if letter == '\\' && is_quoted {
            is_escaped = true;
        } else if letter == '"' {
            is_quoted = !is_quoted;
        } else if letter == separator && !is_quoted {
            pieces.push(text.get(start..index).unwrap_or_default());
            start = index + letter.len_utf8();
        }
    }
    pieces.push(text.get(start..).unwrap_or_default());
    pieces
}

/// Removes the quotes of a quoted string.
pub(crate) fn unquoted(text: &str) -> String {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            out.extend(letters.next());
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{split_quoted, unquoted};

    #[test]
    fn quotes_protect() {
        assert_eq!(
            split_quoted("a; b=\"c;\\\"d\"; e", ';'),
            ["a", " b=\"c;\\\"d\"", " e"]
        );
        assert_eq!(unquoted("\"c;\\\"d\""), "c;\"d");
        assert_eq!(unquoted("\""), "\"");
        assert_eq!(unquoted("plain"), "plain");
    }
}
