//! Here a word gets its one spelling: British forms, plurals, abbreviations, small slips.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use super::files::{AnatomyFile, FindingsFile, LanguageFile};
use super::terms;
use crate::limits::{TYPO_LETTERS_MAX, TYPO_LETTERS_MIN};

/// Folds spelling: British forms, plurals, abbreviations, small misspellings.
#[derive(Debug, Default)]
pub(crate) struct Spelling {
    /// What is written another way, with the letters it needs.
    replace: Vec<(String, String, u32)>,
    plural: HashMap<String, String>,
    abbreviation: HashMap<String, String>,
    known: HashSet<String>,
    common: HashSet<String>,
    deletions: HashMap<String, String>,
    /// Words of the lexicon with their one spelling, worked out once.
    folded: HashMap<String, String>,
}

impl Spelling {
    /// Returns the one spelling of a lower-case word.
    pub(crate) fn normalise(&self, word: &str) -> String {
        let folded = self.fold(word);
        let letters = folded.chars().count();
        if !(TYPO_LETTERS_MIN..=TYPO_LETTERS_MAX).contains(&letters)
            || self.known.contains(&folded)
            || self.common.contains(&folded)
            || self.common.contains(word)
            || folded.chars().any(|c| !c.is_ascii_lowercase())
        {
            return folded;
        }
        self.mend(&folded).unwrap_or(folded)
    }

    /// Whether the lexicon has a word, already in its one spelling.
    pub(crate) fn knows(&self, word: &str) -> bool {
        self.known.contains(word) || self.common.contains(word)
    }

    /// Whether a word, in its one spelling, says nothing by itself.
    pub(crate) fn is_common(&self, word: &str) -> bool {
        self.common.contains(word)
    }

    /// Whether the lexicon has a lower-case word or its singular; slips are not mended.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.knows(&self.fold(word))
    }

    fn fold(&self, word: &str) -> String {
        if let Some(folded) = self.folded.get(word) {
            return folded.clone();
        }
        if let Some(long) = self.abbreviation.get(word) {
            return long.clone();
        }
        if let Some(single) = self.plural.get(word) {
            return single.clone();
        }
        let mut w = word.to_string();
        if w.len() > 3 {
            // Most words lack a letter of most of these: looked at first, it saves the search.
            let mut has = letters(&w);
            for (from, to, needed) in &self.replace {
                if has & needed == *needed && w.contains(from.as_str()) {
                    w = w.replace(from.as_str(), to);
                    has = letters(&w);
                }
            }
        }
        if let Some(single) = self.plural.get(&w) {
            return single.clone();
        }
        let keep = ["ss", "us", "is", "as", "os"]
            .iter()
            .any(|e| w.ends_with(e))
            && !w.ends_with("eas");
        if w.len() > 3 && w.ends_with("ies") {
            w.truncate(w.len() - 3);
            w.push('y');
        } else if w.len() > 3 && w.ends_with('s') && !keep {
            w.pop();
        }
        w
    }

    fn mend(&self, word: &str) -> Option<String> {
        let first = word.chars().next();
        let near_plural = |one: &String| {
            self.plural
                .iter()
                .any(|(many, o)| o == one && near(word, many))
        };
        let fits = |candidate: &String| {
            candidate.chars().next() == first && (near(word, candidate) || near_plural(candidate))
        };
        if let Some(found) = self.deletions.get(word).filter(|c| fits(c)) {
            return Some(found.clone());
        }
        for shorter in without_one(word) {
            if self.known.contains(&shorter) && shorter.len() >= TYPO_LETTERS_MIN && fits(&shorter)
            {
                return Some(shorter);
            }
            if let Some(found) = self.deletions.get(&shorter).filter(|c| fits(c)) {
                return Some(found.clone());
            }
        }
        None
    }
}

/// Whether two words are one slip apart: a letter more, less, other, or two swapped.
fn near(a: &str, b: &str) -> bool {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let (la, lb) = (a.len(), b.len());
    if la.abs_diff(lb) > 1 {
        return false;
    }
    let tail = tail.min(la.min(lb) - head.min(la.min(lb)));
    let (ra, rb) = (la - head - tail, lb - head - tail);
    let swapped =
        ra == 2 && rb == 2 && a.get(head) == b.get(head + 1) && a.get(head + 1) == b.get(head);
    ra.max(rb) <= 1 || swapped
}

/// The letters of a word, one bit each.
fn letters(word: &str) -> u32 {
    let small = word.bytes().filter(u8::is_ascii_lowercase);
    small.fold(0, |bits, letter| bits | 1 << (letter - b'a'))
}

fn without_one(word: &str) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    (0..chars.len())
        .map(|skip| {
            chars
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != skip)
                .map(|(_, c)| *c)
                .collect()
        })
        .collect()
}

pub(super) fn spelling(
    language: &LanguageFile,
    findings: &FindingsFile,
    anatomy: &AnatomyFile,
    weighing: &[&str],
) -> Spelling {
    let file = &language.spelling;
    let mut s = Spelling {
        replace: file
            .replace
            .iter()
            .map(|(from, to)| (from.clone(), to.clone(), letters(from)))
            .collect(),
        plural: file.plural.clone().into_iter().collect(),
        abbreviation: file.abbreviation.clone().into_iter().collect(),
        ..Spelling::default()
    };
    s.common = file
        .common_words
        .split_whitespace()
        .map(|w| s.fold(w))
        .collect();
    let mut known = HashSet::default();
    let lists = findings
        .findings
        .iter()
        .map(|f| f.terms.as_str())
        .chain(anatomy.nodes.iter().map(|n| n.terms.as_str()));
    // Most words stand in many terms: each is folded once, and the words of a term are cut as those of a text are.
    for word in lists.flat_map(|list| list.split(|c: char| !c.is_alphanumeric() && c != '\'')) {
        let word = word.trim_start_matches(|c: char| c.is_ascii_digit());
        let word = word.strip_suffix("'s").unwrap_or(word).replace('\'', "");
        if !word.is_empty() && !s.folded.contains_key(&word) {
            let folded = s.fold(&word);
            known.insert(folded.clone());
            s.folded.insert(word, folded);
        }
    }
    let cues: Vec<String> = language
        .cues
        .iter()
        .map(|c| c.terms.as_str())
        .chain(weighing.iter().copied())
        .flat_map(|list| terms(list, &s))
        .flatten()
        .map(|t| t.norm)
        .collect();
    let mut sorted: Vec<&String> = known.iter().collect();
    sorted.sort();
    for word in sorted {
        let letters = word.chars().count();
        if (TYPO_LETTERS_MIN..=TYPO_LETTERS_MAX).contains(&letters) {
            for shorter in without_one(word) {
                s.deletions.entry(shorter).or_insert_with(|| word.clone());
            }
        }
    }
    let mut plurals: Vec<(&String, &String)> = file
        .plural
        .iter()
        .filter(|(many, one)| known.contains(*one) && many.len() >= TYPO_LETTERS_MIN)
        .collect();
    plurals.sort();
    for (many, one) in plurals {
        for shorter in without_one(many) {
            s.deletions.entry(shorter).or_insert_with(|| one.clone());
        }
    }
    s.common.extend(cues);
    s.known = known;
    s
}
