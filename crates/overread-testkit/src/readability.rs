//! How hard a text is to read, in English and Spanish, by counts of sentences, words and syllables.
//!
//! Such a figure knows nothing of sense: it says that sentences and words are short, not that they are plain. Syllables are
//! counted by rules of spelling, so a single word may be off by one; sentences are close.

/// Returns the Flesch-Kincaid grade of an English text: the school year in the United States that it asks for.
///
/// Kincaid, Fishburne, Rogers and Chissom, Research Branch Report 8-75, Naval Technical Training Command, 1975.
/// `None` for a text without words.
pub fn english_grade(text: &str) -> Option<f64> {
    let (by_sentence, by_word) = ratios(text, english_syllables)?;
    Some(0.39f64.mul_add(by_sentence, 11.8f64.mul_add(by_word, -15.59)))
}

/// Returns the perspicuity of a Spanish text: 100 and more is easiest, 0 is hardest.
///
/// Szigriszt Pazos, "Sistemas predictivos de legibilidad del mensaje escrito", Madrid 1993. The INFLESZ scale (Barrio-Cantalejo
/// and others, An Sist Sanit Navar 2008; 31: 135-152) calls 40 to 55 "algo difícil", 55 to 65 "normal" and 65 to 80 "bastante
/// fácil". `None` for a text without words.
pub fn spanish_perspicuity(text: &str) -> Option<f64> {
    let (by_sentence, by_word) = ratios(text, spanish_syllables)?;
    Some(62.3f64.mul_add(-by_word, 206.835 - by_sentence))
}

/// Words a sentence, and syllables a word.
fn ratios(text: &str, syllables: fn(&str) -> usize) -> Option<(f64, f64)> {
    let (mut word_count, mut syllable_count, mut sentence_count) = (0.0, 0.0, 0.0);
    let mut is_open = false;
    for piece in text.split_whitespace() {
        let word = piece.trim_matches(|c: char| !c.is_alphanumeric());
        if !word.is_empty() {
            word_count += 1.0;
            syllable_count += u32::try_from(syllables(word)).map_or(0.0, f64::from);
            is_open = true;
        }
        let end = piece.trim_end_matches(['"', '\u{201d}', '\u{bb}', ')']);
        if is_open && end.ends_with(['.', '!', '?', '\u{2026}']) {
            sentence_count += 1.0;
            is_open = false;
        }
    }
    if is_open {
        sentence_count += 1.0;
    }
    (word_count > 0.0).then(|| (word_count / sentence_count, syllable_count / word_count))
}

/// Counts the syllables of an English word; at least 1.
pub fn english_syllables(word: &str) -> usize {
    word.to_lowercase()
        .split(|c: char| !c.is_ascii_alphabetic() && c != '\'' && c != '\u{2019}')
        .filter(|part| !part.is_empty())
        .map(|part| english_part(&part.replace(['\'', '\u{2019}'], "")))
        .sum::<usize>()
        .max(1)
}

fn english_part(word: &str) -> usize {
    /// Words that the rules below miscount.
    const KNOWN: [(&str, usize); 20] = [
        ("area", 3),
        ("areas", 3),
        ("being", 2),
        ("seeing", 2),
        ("people", 2),
        ("something", 2),
        ("sometimes", 2),
        ("someone", 2),
        ("somewhere", 2),
        ("lifetime", 2),
        ("outside", 2),
        ("inside", 2),
        ("science", 2),
        ("quiet", 2),
        ("fluid", 2),
        ("fluids", 2),
        ("ruin", 2),
        ("going", 2),
        ("doing", 2),
        ("poem", 2),
    ];
    if let Some((_, count)) = KNOWN.iter().find(|(known, _)| *known == word) {
        return *count;
    }
    let letters: Vec<char> = word.chars().collect();
    let mut count = 0;
    let mut before = ' ';
    for letter in &letters {
        if is_english_vowel(*letter) && !is_english_vowel(before) {
            count += 1;
        }
        before = *letter;
    }
    (count + split_vowels(word))
        .saturating_sub(silent_end(word))
        .max(1)
}

/// Vowels that stand side by side and are said apart.
fn split_vowels(word: &str) -> usize {
    let apart = [
        "ia", "io", "iu", "eo", "uou", "ying", "uat", "uel", "iet", "oing", "ual", "creat",
    ];
    let together = [
        "tion", "sion", "cion", "hion", "lian", "creatu", "gion", "hion", "xion", "tial", "cial",
        "cian", "tian", "cious", "tious", "geon", "geou", "people", "gious", "gia",
    ];
    let count = |endings: &[&str]| -> usize {
        endings
            .iter()
            .map(|ending| word.matches(ending).count())
            .sum()
    };
    let squeezed: usize = together
        .iter()
        .map(|ending| {
            word.matches(ending).count()
                * usize::from(apart.iter().any(|pair| ending.contains(pair)))
        })
        .sum();
    count(&apart).saturating_sub(squeezed)
}

/// 1 when the last e is not said: `bone`, `bones`, `called`, `likely`.
fn silent_end(word: &str) -> usize {
    let is_consonant = |c: char| c.is_ascii_alphabetic() && !is_english_vowel(c);
    let silent = if let Some(stem) = word.strip_suffix("es") {
        stem.ends_with(is_consonant)
            && !["s", "x", "z", "c", "g", "ch", "sh"]
                .iter()
                .any(|sound| stem.ends_with(sound))
            && !is_said_le(stem)
    } else if let Some(stem) = word.strip_suffix("ed") {
        stem.ends_with(is_consonant) && !stem.ends_with(['t', 'd'])
    } else if let Some(stem) = word.strip_suffix("ely") {
        stem.ends_with(is_consonant)
    } else if let Some(stem) = word.strip_suffix('e') {
        stem.ends_with(is_consonant) && !is_said_le(stem)
    } else {
        false
    };
    usize::from(silent)
}

/// Whether an e behind this stem is said, as in `ta-ble`, `mus-cle`.
fn is_said_le(stem: &str) -> bool {
    stem.strip_suffix('l').is_some_and(|rest| {
        rest.ends_with(|c: char| c.is_ascii_alphabetic() && !is_english_vowel(c))
    })
}

fn is_english_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// Counts the syllables of a Spanish word; at least 1.
pub fn spanish_syllables(word: &str) -> usize {
    let lower = word.to_lowercase().replace("qu", "q");
    let letters: Vec<char> = ["gue", "gui", "gué", "guí"]
        .iter()
        .fold(lower, |text, pair| {
            text.replace(pair, &pair.replace('u', ""))
        })
        .chars()
        .collect();
    let mut count = 0;
    let mut before: Option<char> = None;
    for (idx, letter) in letters.iter().enumerate() {
        let after = letters.get(idx + 1);
        let is_vowel_y = *letter == 'y' && after.is_none_or(|next| !is_spanish_vowel(*next));
        if is_spanish_vowel(*letter) || is_vowel_y {
            if before.is_none_or(|first| are_apart(first, *letter)) {
                count += 1;
            }
            before = Some(*letter);
        } else if *letter != 'h' {
            // An h is not heard: `prohi-bir`, but `co-he-te`.
            before = None;
        }
    }
    count.max(1)
}

/// Whether two vowels side by side belong to two syllables.
fn are_apart(first: char, second: char) -> bool {
    let is_weak = |letter: char| matches!(letter, 'i' | 'u' | 'ü' | 'y');
    let is_stressed_weak = |letter: char| matches!(letter, 'í' | 'ú');
    if is_stressed_weak(first) || is_stressed_weak(second) {
        return true;
    }
    !is_weak(first) && !is_weak(second)
}

fn is_spanish_vowel(letter: char) -> bool {
    matches!(
        letter,
        'a' | 'e' | 'i' | 'o' | 'u' | 'á' | 'é' | 'í' | 'ó' | 'ú' | 'ü'
    )
}

#[cfg(test)]
mod tests {
    use super::{english_grade, english_syllables, spanish_perspicuity, spanish_syllables};

    #[test]
    fn english_words_have_the_syllables_of_a_dictionary() {
        for (word, count) in [
            ("the", 1),
            ("bone", 1),
            ("bones", 1),
            ("bulge", 1),
            ("bulges", 2),
            ("images", 3),
            ("muscle", 2),
            ("muscles", 2),
            ("tissue", 2),
            ("called", 1),
            ("coated", 2),
            ("needed", 2),
            ("area", 3),
            ("fluid", 2),
            ("body", 2),
            ("vertebra", 3),
            ("artery", 3),
            ("radiology", 5),
            ("region", 2),
            ("infection", 3),
            ("special", 2),
            ("medial", 3),
            ("people", 2),
            ("doctor", 2),
            ("inside", 2),
            ("tumor", 2),
            ("picture", 2),
            ("cancer", 2),
            ("oxygen", 3),
            ("anterior", 4),
            ("pneumonia", 4),
            ("joint", 1),
            ("squeezed", 1),
            ("changed", 1),
            ("likely", 2),
            ("lying", 2),
            ("don't", 1),
            ("cushion-like", 3),
            ("usual", 3),
            ("every", 3),
            ("ankle", 2),
            ("spine", 1),
            ("size", 1),
            ("tiny", 2),
            ("nerve", 1),
            ("x-ray", 2),
            ("12", 1),
        ] {
            assert_eq!(english_syllables(word), count, "{word}");
        }
    }

    #[test]
    fn spanish_words_have_the_syllables_of_a_dictionary() {
        for (word, count) in [
            ("hueso", 2),
            ("columna", 3),
            ("imagen", 3),
            ("arteria", 3),
            ("médico", 3),
            ("quiste", 2),
            ("sangre", 2),
            ("guía", 2),
            ("líquido", 3),
            ("día", 2),
            ("rodilla", 3),
            ("y", 1),
            ("muy", 1),
            ("ley", 1),
            ("rayos", 2),
            ("ahí", 2),
            ("prohibir", 2),
            ("cohete", 3),
            ("área", 3),
            ("línea", 3),
            ("cigüeña", 3),
            ("pequeño", 3),
            ("aire", 2),
            ("oído", 3),
            ("resonancia", 4),
            ("infección", 3),
            ("corazón", 3),
            ("a", 1),
            ("riñón", 2),
            ("leer", 2),
            ("hígado", 3),
            ("cuidado", 3),
            ("seguir", 2),
        ] {
            assert_eq!(spanish_syllables(word), count, "{word}");
        }
    }

    fn check(figure: Option<f64>, expected: f64, within: f64) {
        let figure = figure.expect("the text has words");
        assert!(
            (figure - expected).abs() < within,
            "{figure} for {expected}"
        );
    }

    #[test]
    fn sentences_have_their_known_grade() {
        // 6 words, 6 syllables.
        check(english_grade("The cat sat on the mat."), -1.45, 0.01);
        // The example of many textbooks: 13 words, 24 syllables, grade 11.3.
        let platypus =
            "The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.";
        check(english_grade(platypus), 11.26, 0.01);
        // Two sentences count as two, a decimal point ends none: 11 words, 2 sentences, 12 syllables.
        check(
            english_grade("It is 3.5 cm wide. That is the size today (\u{201c}now\u{201d})."),
            -0.572,
            0.01,
        );
        assert_eq!(english_grade(" … - "), None);
        // Counted by hand: en un lu-gar de la Man-cha.
        check(
            spanish_perspicuity("En un lugar de la Mancha."),
            206.835 - 62.3 * 8.0 / 6.0 - 6.0,
            0.01,
        );
        check(
            spanish_perspicuity("La imagen muestra el hueso. El médico la lee."),
            206.835 - 62.3 * 16.0 / 9.0 - 4.5,
            0.01,
        );
    }

    #[test]
    fn harder_texts_count_as_harder() {
        let easy = english_grade("A bone in the hand.");
        let hard = english_grade(
            "Multilevel degenerative intervertebral osteochondrosis with foraminal encroachment.",
        );
        assert!(easy < Some(7.0) && hard > Some(12.0), "{easy:?} {hard:?}");
        let easy = spanish_perspicuity("Un hueso de la mano.");
        let hard = spanish_perspicuity(
            "Osteocondrosis intervertebral degenerativa multisegmentaria con compromiso foraminal.",
        );
        assert!(easy > Some(80.0) && hard < Some(20.0), "{easy:?} {hard:?}");
    }
}
