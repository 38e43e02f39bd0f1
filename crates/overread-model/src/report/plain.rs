//! Hints on the text in plain words: how hard it is to read, and words that put blame on the first reader.

use crate::letter::Language;
use crate::text::{FieldProblem, folded};

/// Highest school grade a text for patients should need.
const HIGHEST_GRADE: f64 = 8.0;
/// A text with fewer words has no meaningful grade.
const FEWEST_WORDS: usize = 15;

/// Words that judge the first reader instead of telling what was seen.
const BLAME: [&str; 18] = [
    "WRONG",
    "MISTAKE",
    "MISTAKES",
    "MISTAKEN",
    "ERROR",
    "ERRORS",
    "NEGLIGENT",
    "NEGLIGENCE",
    "FAILED",
    "INCOMPETENT",
    "MISREAD",
    "OVERLOOKED",
    "MALPRACTICE",
    "EQUIVOCADO",
    "NEGLIGENCIA",
    "MALA PRAXIS",
    "EQUIVOCO",
    "INCOMPETENTE",
];

/// Returns hints on the text in plain words; they never keep a report from being signed.
pub fn plain_text_hints(text: &str, language: Language) -> Vec<FieldProblem> {
    let mut hints = Vec::new();
    if let Some(grade) = reading_grade(text, language).filter(|grade| *grade > HIGHEST_GRADE) {
        hints.push(FieldProblem::new(
            "plain",
            format!(
                "This reads like school grade {grade:.0}. Shorter sentences and everyday words bring it to 8 or less."
            ),
        ));
    }
    let padded = format!(" {} ", folded(text));
    if BLAME
        .iter()
        .any(|word| padded.contains(&format!(" {word} ")))
    {
        hints.push(FieldProblem::new(
            "plain",
            "This may read as blame. Say what you see; leave the first reader out of it.",
        ));
    }
    hints
}

/// Returns the school grade a text needs; `None` when it is too short to tell.
///
/// English: Flesch-Kincaid grade. Spanish: the Fernández Huerta ease, put on the same scale of grades.
pub fn reading_grade(text: &str, language: Language) -> Option<f64> {
    let sentences = text
        .split(['.', '!', '?', '\n', ';'])
        .filter(|sentence| sentence.chars().any(char::is_alphabetic))
        .count();
    let words: Vec<String> = folded(text)
        .split(' ')
        .filter(|word| word.chars().any(char::is_alphabetic))
        .map(str::to_owned)
        .collect();
    if words.len() < FEWEST_WORDS || sentences == 0 {
        return None;
    }
    let count = words.len() as f64;
    let syllables: usize = words.iter().map(|word| syllables(word, language)).sum();
    let (per_sentence, per_word) = (count / sentences as f64, syllables as f64 / count);
    Some(match language {
        Language::En => (0.39 * per_sentence + 11.8 * per_word - 15.59).max(0.0),
        Language::Es => {
            let ease = 206.84 - 60.0 * per_word - 1.02 * per_sentence;
            ((100.0 - ease) / 5.0).max(0.0)
        }
    })
}

/// Returns about how many syllables a folded word has: groups of vowels, less a silent English e.
fn syllables(word: &str, language: Language) -> usize {
    let is_vowel = |c: char| matches!(c, 'A' | 'E' | 'I' | 'O' | 'U' | 'Y');
    let mut groups = 0;
    let mut inside = false;
    for character in word.chars() {
        let vowel = is_vowel(character);
        groups += usize::from(vowel && !inside);
        inside = vowel;
    }
    let silent = language == Language::En
        && groups > 1
        && word.ends_with('E')
        && !word.ends_with("LE")
        && !word.ends_with("EE");
    groups.saturating_sub(usize::from(silent)).max(1)
}

#[cfg(test)]
mod tests {
    use super::{plain_text_hints, reading_grade};
    use crate::letter::Language;

    const EASY: &str = "The disc between two bones in your lower back bulges a little. It does not press on the nerve. \
        This is common and often gets better. Talk with your doctor about what to do next.";
    const HARD: &str = "Multilevel spondylodegenerative alterations with circumferential intervertebral protrusions \
        demonstrate moderate bilateral neuroforaminal stenosis notwithstanding preservation of the lumbosacral alignment \
        and conservation of vertebral corporeal configuration throughout.";

    #[test]
    fn easy_text_is_told_from_hard_text() {
        assert!(reading_grade(EASY, Language::En).unwrap() < 6.0);
        assert!(reading_grade(HARD, Language::En).unwrap() > 14.0);
        assert_eq!(reading_grade("All is well.", Language::En), None);
        let es = "El disco entre dos huesos de su espalda sale un poco. No toca el nervio. Esto es comun y suele mejorar solo con el tiempo.";
        assert!(reading_grade(es, Language::Es).unwrap() < 8.0);
    }

    #[test]
    fn blame_is_noticed() {
        assert!(plain_text_hints(EASY, Language::En).is_empty());
        assert_eq!(
            plain_text_hints("The first doctor was wrong.", Language::En).len(),
            1
        );
        assert_eq!(plain_text_hints("Hubo negligencia.", Language::Es).len(), 1);
        assert_eq!(plain_text_hints("The wrongful idea", Language::En).len(), 0);
    }
}
