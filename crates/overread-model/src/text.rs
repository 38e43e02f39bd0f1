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

/// Returns the Jaro-Winkler likeness of two words, 0 to 1.
pub fn jaro_winkler(left: &str, right: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let jaro = jaro(&a, &b);
    let prefix = a.iter().zip(&b).take(4).take_while(|(x, y)| x == y).count();
    jaro + prefix as f64 * 0.1 * (1.0 - jaro)
}

fn jaro(a: &[char], b: &[char]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return if a.is_empty() && b.is_empty() {
            1.0
        } else {
            0.0
        };
    }
    let window = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut taken = vec![false; b.len()];
    let mut matched_a = Vec::new();
    for (index, character) in a.iter().enumerate() {
        let from = index.saturating_sub(window);
        let found = b
            .iter()
            .zip(taken.iter_mut())
            .skip(from)
            .take(index + window + 1 - from)
            .find(|(other, taken)| !**taken && *other == character);
        if let Some((_, taken)) = found {
            *taken = true;
            matched_a.push(*character);
        }
    }
    if matched_a.is_empty() {
        return 0.0;
    }
    let matched_b = b
        .iter()
        .zip(&taken)
        .filter(|(_, taken)| **taken)
        .map(|(c, _)| c);
    let moved = matched_a
        .iter()
        .zip(matched_b)
        .filter(|(x, y)| x != y)
        .count();
    let matches = matched_a.len() as f64;
    let half = (moved / 2) as f64;
    (matches / a.len() as f64 + matches / b.len() as f64 + (matches - half) / matches) / 3.0
}

/// Returns how many single-character changes lead from one word to the other.
pub fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, character) in left.chars().enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        let mut next = vec![before];
        for (other, over) in right.iter().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(*other != character);
            before = changed.min(before + 1).min(over + 1);
            diagonal = *over;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{counted, cut, edit_distance, folded, jaro_winkler, listed};

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
    fn words_are_compared() {
        assert!((jaro_winkler("MARTHA", "MARHTA") - 0.9611).abs() < 0.001);
        assert!((jaro_winkler("DWAYNE", "DUANE") - 0.84).abs() < 0.001);
        assert!((jaro_winkler("DIXON", "DICKSONX") - 0.8133).abs() < 0.001);
        assert!((jaro_winkler("SAME", "SAME") - 1.0).abs() < 1e-9);
        assert!(jaro_winkler("ABC", "XYZ").abs() < 1e-9);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", "abc"), 0);
        assert_eq!(edit_distance("GARCIA", "GRACIA"), 2);
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
