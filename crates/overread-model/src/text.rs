//! Folding of free text, so that rules compare words and not spellings.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// One field that somebody filled in wrongly.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldProblem {
    /// Name of the field, as the form writes it.
    pub field: String,
    /// What is wrong and what to do, in plain words; never repeats what was typed.
    pub message: String,
}

impl FieldProblem {
    /// Makes a problem of one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Returns upper-case words with one space between: no accents, no punctuation.
///
/// `Columna lumbo-sacra (RM)` becomes `COLUMNA LUMBO SACRA RM`.
pub fn folded(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for character in text.nfkd().filter(|c| !is_combining_mark(*c)) {
        if character.is_alphanumeric() {
            result.extend(character.to_uppercase());
        } else if !result.is_empty() && !result.ends_with(' ') {
            result.push(' ');
        }
    }
    result.truncate(result.trim_end().len());
    result
}

/// Returns whether nothing of the text shows: it is empty, or all blanks and characters without a form.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|character| {
        character.is_whitespace()
            || character.is_control()
            // Unicode 16, Default_Ignorable_Code_Point, and the braille pattern without dots.
            || matches!(character,
                '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
                | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E0FFF}')
    })
}

/// Returns whether a word of a name may stand in small letters: `Ana de la Cruz`.
pub fn is_name_particle(word: &str) -> bool {
    const PARTICLES: [&str; 28] = [
        "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el", "la",
        "las", "le", "los", "al", "bin", "bint", "ibn", "ben", "van", "von", "zu", "ter", "ten",
        "y", "e",
    ];
    PARTICLES.contains(&word)
}

/// Returns the text cut to so many characters.
pub fn cut(text: &str, chars: usize) -> &str {
    text.char_indices()
        .nth(chars)
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or(text)
}

/// Returns `1 image`, `2 images`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}

/// Returns `24 images`, `24 images and 2 other objects`, `1 other object`: of so many images among so many objects.
pub fn images_and_others(images: usize, all: usize) -> String {
    let image_text = counted(images, "image", "images");
    match (images, all.saturating_sub(images)) {
        (_, 0) => image_text,
        (0, others) => counted(
            others,
            "object that is no image",
            "objects that are no images",
        ),
        (_, others) => {
            let others = counted(others, "other object", "other objects");
            format!("{image_text} and {others}")
        }
    }
}

/// Returns `a`, `a and b`, `a, b and c`.
pub fn listed<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [start @ .., last] => {
            let start: Vec<&str> = start.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", start.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{counted, cut, folded, is_blank, listed};

    #[test]
    fn text_is_folded() {
        assert_eq!(
            folded("Columna lumbo-sacra  (RM)"),
            "COLUMNA LUMBO SACRA RM"
        );
        assert_eq!(folded("  Muñoz^Ángel "), "MUNOZ ANGEL");
        assert_eq!(folded("---"), "");
        assert_eq!(folded("ß"), "SS");
    }

    #[test]
    fn what_does_not_show_is_blank() {
        for blank in [
            "",
            " \t\n",
            "\u{200B}",
            " \u{FEFF}\u{2060} ",
            "\u{3164}",
            "\u{2800}",
            "\u{E0020}",
        ] {
            assert!(is_blank(blank), "{}", blank.escape_unicode());
        }
        for shown in ["a", "-", "\u{200B}5", "é", "病"] {
            assert!(!is_blank(shown), "{shown}");
        }
    }

    #[test]
    fn words_are_put_together() {
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed::<&str>(&[]), "");
        assert_eq!(counted(1, "image", "images"), "1 image");
        assert_eq!(cut("äöü", 2), "äö");
        assert_eq!(cut("ä", 5), "ä");
    }
}
