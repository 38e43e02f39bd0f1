//! Here report text becomes words with their places, spelt one way.

use crate::lexicon::Spelling;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Number,
    Comma,
    Period,
    Semicolon,
    Colon,
    Open,
    Close,
    Slash,
    Hyphen,
    Dash,
    Newline,
    Other,
}

/// One word, number or mark of a report. Its `Debug` shows the place, never the word.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) norm: String,
    pub(crate) value: f64,
    pub(crate) upper: bool,
    /// All letters are capitals.
    pub(crate) capitals: bool,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?}({}..{})", self.kind, self.start, self.end)
    }
}

impl Token {
    pub(crate) fn is(&self, word: &str) -> bool {
        self.norm == word
    }

    pub(crate) fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }
}

/// A report as code points and tokens. Its `Debug` shows how long it is, never what it says.
pub(crate) struct Text {
    pub(crate) chars: Vec<char>,
    pub(crate) tokens: Vec<Token>,
    /// What was read as Spanish, as code point ranges.
    pub(crate) spanish: Vec<(usize, usize)>,
    /// Words in it that are not known, as code point ranges.
    pub(crate) unknown: Vec<(usize, usize)>,
    /// A bar or a tab stands in it, which may part the columns of a table.
    pub(crate) has_columns: bool,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Text({} characters)", self.chars.len())
    }
}

impl Text {
    /// Whether a token was read as Spanish.
    pub(crate) fn in_spanish(&self, token: &Token) -> bool {
        self.spanish
            .iter()
            .any(|(start, end)| token.start >= *start && token.end <= *end)
    }

    pub(crate) fn slice(&self, start: usize, end: usize) -> String {
        self.chars
            .get(start..end.min(self.chars.len()))
            .map(|c| c.iter().collect())
            .unwrap_or_default()
    }
}

/// Cuts a text into tokens; spelling is folded, places are kept.
pub(crate) fn read(text: &str, limit: usize, spelling: &Spelling) -> Text {
    let chars: Vec<char> = text.chars().take(limit).collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if c.is_alphabetic() {
            at = word(&chars, at, spelling, &mut tokens);
        } else if c.is_ascii_digit() {
            at = number(&chars, at, &mut tokens);
        } else if c == '\n' || c == '\r' {
            at = newline(&chars, at, &mut tokens);
        } else {
            if let Some(kind) = mark(&chars, at) {
                tokens.push(Token {
                    kind,
                    start: at,
                    end: at + 1,
                    norm: c.to_string(),
                    value: 0.0,
                    upper: false,
                    capitals: false,
                });
            }
            at += 1;
        }
    }
    join_non(&mut tokens);
    let has_columns = chars.iter().any(|c| matches!(c, '|' | '\t'));
    Text {
        chars,
        tokens,
        spanish: Vec::new(),
        unknown: Vec::new(),
        has_columns,
    }
}

fn mark(chars: &[char], at: usize) -> Option<Kind> {
    let c = *chars.get(at)?;
    let before = at
        .checked_sub(1)
        .and_then(|i| chars.get(i))
        .copied()
        .unwrap_or(' ');
    let after = chars.get(at + 1).copied().unwrap_or(' ');
    Some(match c {
        ',' => Kind::Comma,
        '.' | '!' | '?' => Kind::Period,
        ';' => Kind::Semicolon,
        ':' => Kind::Colon,
        '(' | '[' | '{' => Kind::Open,
        ')' | ']' | '}' => Kind::Close,
        '/' => Kind::Slash,
        '-' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2013}' | '\u{2014}' => {
            if before.is_alphanumeric() && after.is_alphanumeric() {
                Kind::Hyphen
            } else {
                Kind::Dash
            }
        }
        '\u{2022}' | '*' | '\u{2023}' | '\u{25cf}' => Kind::Dash,
        // A tab parts the columns of a table.
        '\t' if !before.is_whitespace() && !after.is_whitespace() => Kind::Other,
        _ if c.is_whitespace() => return None,
        _ => Kind::Other,
    })
}

fn word(chars: &[char], from: usize, spelling: &Spelling, tokens: &mut Vec<Token>) -> usize {
    let mut end = from;
    while let Some(&c) = chars.get(end) {
        let apostrophe =
            (c == '\'' || c == '\u{2019}') && chars.get(end + 1).is_some_and(|n| n.is_alphabetic());
        let after_number = from > 0 && chars.get(from - 1).is_some_and(char::is_ascii_digit);
        if after_number && c.is_ascii_digit() {
            break;
        }
        // "v2.1" is one word, not the end of a sentence.
        let version = c == '.'
            && chars.get(from).is_some_and(|v| *v == 'v' || *v == 'V')
            && end > from + 1
            && chars.get(end - 1).is_some_and(char::is_ascii_digit)
            && chars.get(end + 1).is_some_and(char::is_ascii_digit);
        if c.is_alphanumeric() || apostrophe || version {
            end += 1;
        } else {
            break;
        }
    }
    let raw = chars.get(from..end).unwrap_or_default();
    let upper = raw.first().is_some_and(|c| c.is_uppercase());
    let capitals = !raw.iter().any(|c| c.is_lowercase());
    let mut folded = folded(raw);
    if let Some(stem) = folded.strip_suffix("'s") {
        folded.truncate(stem.len());
    }
    folded.retain(|c| c != '\'');
    let norm = spelling.normalise(&folded);
    tokens.push(Token {
        kind: Kind::Word,
        start: from,
        end,
        norm,
        value: 0.0,
        upper,
        capitals,
    });
    end
}

/// Returns a word in small letters without accents.
pub(crate) fn folded(raw: &[char]) -> String {
    let mut out = String::with_capacity(raw.len());
    for &c in raw {
        fold(c, &mut out);
    }
    out
}

fn fold(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    let lower = c.to_lowercase().next().unwrap_or(c);
    let plain = match lower {
        '\u{e0}'..='\u{e5}' => 'a',
        '\u{e7}' => 'c',
        '\u{e8}'..='\u{eb}' => 'e',
        '\u{ec}'..='\u{ef}' => 'i',
        '\u{f1}' => 'n',
        '\u{f2}'..='\u{f6}' => 'o',
        '\u{f9}'..='\u{fc}' => 'u',
        '\u{2019}' => '\'',
        '\u{e6}' => {
            out.push('a');
            'e'
        }
        '\u{153}' => {
            out.push('o');
            'e'
        }
        other => other,
    };
    out.push(plain);
}

fn number(chars: &[char], from: usize, tokens: &mut Vec<Token>) -> usize {
    let mut end = from;
    let mut digits = String::new();
    while let Some(&c) = chars.get(end) {
        let next_digit = chars.get(end + 1).is_some_and(char::is_ascii_digit);
        if c.is_ascii_digit() {
            digits.push(c);
        } else if (c == '.' || c == ',') && next_digit && !digits.contains('.') {
            digits.push('.');
        } else {
            break;
        }
        end += 1;
    }
    let value = digits.parse().unwrap_or(0.0);
    tokens.push(Token {
        kind: Kind::Number,
        start: from,
        end,
        norm: digits,
        value,
        upper: false,
        capitals: false,
    });
    end
}

fn newline(chars: &[char], from: usize, tokens: &mut Vec<Token>) -> usize {
    let mut end = from;
    let mut count = 0.0;
    while let Some(&c) = chars.get(end) {
        if c == '\n' {
            count += 1.0;
        } else if !c.is_whitespace() {
            break;
        }
        end += 1;
    }
    tokens.push(Token {
        kind: Kind::Newline,
        start: from,
        end,
        norm: "\n".into(),
        value: count,
        upper: false,
        capitals: false,
    });
    end
}

/// "non-enhancing", "non enhancing" and "nonenhancing" are one word.
fn join_non(tokens: &mut Vec<Token>) {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens.drain(..) {
        let non = out
            .len()
            .checked_sub(1)
            .and_then(|i| out.get(i))
            .is_some_and(|t| t.is("non"));
        let hyphen = out.last().is_some_and(|t| t.kind == Kind::Hyphen)
            && out
                .len()
                .checked_sub(2)
                .and_then(|i| out.get(i))
                .is_some_and(|t| t.is("non"));
        if token.is_word() && (non || hyphen) {
            if hyphen {
                out.pop();
            }
            if let Some(last) = out.last_mut() {
                last.norm.push_str(&token.norm);
                last.end = token.end;
            }
            continue;
        }
        out.push(token);
    }
    *tokens = out;
}
