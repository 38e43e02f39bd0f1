//! Makes typed text fit for paper: nothing that is invisible, nothing that reorders what stands around it.

/// Says whether a character may stand in a document.
fn is_welcome(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            // Marks that change the direction of the text around them (Unicode UAX #9): a name could turn a sentence round.
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}'
            // Byte order marks, noncharacters, private use, tags, variation selectors.
            | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFB}' | '\u{FFFE}' | '\u{FFFF}' | '\u{FDD0}'..='\u{FDEF}'
            | '\u{E000}'..='\u{F8FF}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0000}'..='\u{10FFFF}'
            // Zero width space, word joiner and invisible operators.
            | '\u{200B}' | '\u{2060}'..='\u{2064}' | '\u{00AD}')
}

/// Returns the text on one line, spaces single, ends trimmed.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_whitespace() || matches!(character, '\u{2028}' | '\u{2029}') {
            if !out.ends_with(' ') && !out.is_empty() {
                out.push(' ');
            }
        } else if is_welcome(character) {
            out.push(character);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Returns the text with its lines kept, each cleaned; at most one empty line in a row, none at the ends.
pub(crate) fn lines(text: &str) -> String {
    let unified = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let mut out: Vec<String> = Vec::new();
    for raw in unified.split('\n') {
        let clean = line(raw);
        if clean.is_empty() && out.last().is_none_or(String::is_empty) {
            continue;
        }
        out.push(clean);
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out.join("\n")
}

/// Returns at most this many characters, with an ellipsis where something was cut.
pub(crate) fn cut(text: &str, limit_chars: usize) -> String {
    match text.char_indices().nth(limit_chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
    }
}

/// Returns the text with `& < > " '` written so that HTML shows them.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{cut, html, line, lines};

    #[test]
    fn invisible_and_turning_characters_go() {
        assert_eq!(line("  Ana\u{202E}\u{0}\t\u{200B} López \n"), "Ana López");
        assert_eq!(line("שלום עולם"), "שלום עולם");
        assert_eq!(line("\u{7}\u{1B}[31m"), "[31m");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("\r\n a \r\n\r\n\r\n b\r c \n\n"), "a\n\nb\nc");
        assert_eq!(lines("\u{0}"), "");
    }

    #[test]
    fn long_text_is_cut_where_a_character_ends() {
        assert_eq!(cut("áéíóú", 3), "áéí…");
        assert_eq!(cut("abc", 3), "abc");
    }

    #[test]
    fn html_is_text() {
        assert_eq!(html("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }
}
