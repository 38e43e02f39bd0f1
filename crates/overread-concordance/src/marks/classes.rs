//! Here the class of a named classification is read: "III", "2", "IIa", "B".

use crate::text::{Kind, Token};

/// A class: its number, and the letter behind it. "IIa" is 2 and a, "B" is 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClassAt {
    pub(crate) number: u8,
    pub(crate) part: Option<char>,
    /// Last token of it.
    pub(crate) last: usize,
}

/// Roman numerals, the longest first.
const ROMAN: [(&str, u8); 8] = [
    ("viii", 8),
    ("vii", 7),
    ("iii", 3),
    ("vi", 6),
    ("iv", 4),
    ("ii", 2),
    ("v", 5),
    ("i", 1),
];

impl ClassAt {
    /// Whether both name one class; a letter that one leaves out is no difference.
    pub(crate) fn same(self, other: Self) -> bool {
        let parts = match (self.part, other.part) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        self.number == other.number && parts
    }
}

/// Reads the class at a token.
pub(crate) fn class_at(tokens: &[Token], at: usize) -> Option<ClassAt> {
    let token = tokens.get(at)?;
    if token.kind == Kind::Number {
        let number = token.norm.parse().ok().filter(|_| token.norm.len() == 1)?;
        let glued = tokens.get(at + 1).filter(|t| t.start == token.end);
        let part = glued.and_then(|t| part(&t.norm)).flatten();
        let last = at + usize::from(part.is_some());
        return Some(ClassAt { number, part, last });
    }
    let class = |number, part| ClassAt {
        number,
        part,
        last: at,
    };
    let mut letters = token.norm.chars();
    if let (Some(letter @ 'a'..='d'), None) = (letters.next(), letters.next()) {
        return Some(class(letter as u8 - b'a' + 1, None));
    }
    ROMAN.iter().find_map(|(roman, number)| {
        let part = part(token.norm.strip_prefix(roman)?)?;
        Some(class(*number, part))
    })
}

/// Reads what stands behind a number: nothing, "b", "b2".
fn part(rest: &str) -> Option<Option<char>> {
    let mut chars = rest.chars();
    let letter = chars.next();
    let figures = chars.as_str();
    let figures = figures.is_empty() || figures.len() == 1 && figures.starts_with(['1', '2', '3']);
    match letter {
        None => Some(None),
        Some('a'..='d') if figures => Some(letter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::class_at;
    use crate::lexicon::lexicon;
    use crate::text;

    #[test]
    fn classes_are_read_however_they_are_written() {
        for (word, expected) in [
            ("III", Some((3, None))),
            ("IIIB", Some((3, Some('b')))),
            ("3b", Some((3, Some('b')))),
            ("IB1", Some((1, Some('b')))),
            ("IV", Some((4, None))),
            ("B", Some((2, None))),
            ("2", Some((2, None))),
            ("12", None),
            ("x", None),
            ("in", None),
        ] {
            let tokens = text::read(word, 9, &lexicon().spelling).tokens;
            let found = class_at(&tokens, 0).map(|c| (c.number, c.part));
            assert_eq!(found, expected, "{word}");
        }
    }
}
