//! Finds phrases in a text by whole words.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::BadGlossary;

/// Phrases by their first word, then their second, and so on.
#[derive(Debug, Clone, Default)]
pub(super) struct Finder {
    next: HashMap<String, Finder>,
    /// The term that is called so.
    term: Option<usize>,
}

/// A word of a text.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    /// Its letters, folded.
    folded: String,
    /// Where it stands, in bytes.
    range: Range<usize>,
    /// It goes on with what the word before it began: only a blank, a hyphen or an apostrophe is between.
    joined: bool,
}

impl Finder {
    /// Adds a phrase; returns whether it was not there before.
    pub(super) fn add(&mut self, phrase: &str, term: usize) -> Result<bool, BadGlossary> {
        let words = words(phrase);
        // A phrase that cannot be found as it is written is a slip of the pen.
        if words.is_empty() || words.iter().skip(1).any(|word| !word.joined) {
            return Err(BadGlossary::Empty(phrase.to_owned()));
        }
        let node = words
            .into_iter()
            .fold(self, |node, word| node.next.entry(word.folded).or_default());
        Ok(node.term.replace(term).is_none())
    }

    /// Returns the terms in the order of the text, each where it stands first, with their places in bytes.
    pub(super) fn find(&self, text: &str) -> Vec<(usize, Range<usize>)> {
        let words = words(text);
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut rest = words.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let Some((term, last, count)) = self.longest(rest) else {
                rest = after;
                continue;
            };
            if seen.insert(term) {
                found.push((term, first.range.start..last.range.end));
            }
            rest = rest.get(count..).unwrap_or_default();
        }
        found
    }

    /// Returns the longest phrase at the start of these words, its last word, and how many words it has.
    fn longest<'a>(&self, words: &'a [Word]) -> Option<(usize, &'a Word, usize)> {
        let mut node = self;
        let mut longest = None;
        for (idx, word) in words.iter().enumerate() {
            if idx > 0 && !word.joined {
                break;
            }
            let Some(next) = node.next.get(&word.folded) else {
                break;
            };
            node = next;
            longest = node.term.map(|term| (term, word, idx + 1)).or(longest);
        }
        longest
    }
}

/// Takes a text apart. A number with decimals is one word, so that `grade 3` does not stand in `grade 3.5`.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut open: Option<Word> = None;
    let mut gap = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let follows = characters.peek().map(|(_, next)| *next);
        if belongs(character, follows, open.as_ref()) {
            let word = open.get_or_insert_with(|| Word {
                folded: String::new(),
                range: at..at,
                joined: text.get(gap..at).is_some_and(joins),
            });
            word.range.end = at + character.len_utf8();
            word.folded.extend(
                character
                    .to_lowercase()
                    .nfkd()
                    .filter(|c| !is_combining_mark(*c) && !is_soft_hyphen(*c)),
            );
        } else if let Some(word) = open.take() {
            gap = word.range.end;
            words.push(word);
        }
    }
    words.extend(open);
    words
}

/// Whether a character is part of the word that is open, or begins one.
fn belongs(character: char, follows: Option<char>, open: Option<&Word>) -> bool {
    let is_decimal = matches!(character, '.' | ',')
        && follows.is_some_and(|next| next.is_ascii_digit())
        && open.is_some_and(|word| word.folded.ends_with(|c: char| c.is_ascii_digit()));
    let is_inside =
        open.is_some() && (is_combining_mark(character) || is_soft_hyphen(character) || is_decimal);
    character.is_alphanumeric() || is_inside
}

/// Marks where a word may be broken at the end of a line, and is not seen elsewhere.
fn is_soft_hyphen(character: char) -> bool {
    character == '\u{AD}'
}

/// Whether what stands between two words leaves them one phrase: blanks with one end of a line, or a hyphen or apostrophe.
fn joins(gap: &str) -> bool {
    let is_one_sign = matches!(
        gap,
        "-" | "\u{2010}" | "\u{2011}" | "\u{2013}" | "'" | "\u{2019}"
    );
    let is_blank = gap.chars().all(char::is_whitespace) && gap.matches('\n').count() < 2;
    !gap.is_empty() && (is_one_sign || is_blank)
}

#[cfg(test)]
mod tests {
    use super::{Finder, words};

    fn finder(phrases: &[&str]) -> Finder {
        let mut finder = Finder::default();
        for (term, phrase) in phrases.iter().enumerate() {
            assert!(finder.add(phrase, term).expect("a phrase"), "{phrase}");
        }
        finder
    }

    fn check(phrases: &[&str], text: &str, expected: &[&str]) {
        let found = finder(phrases).find(text);
        let found: Vec<&str> = found
            .iter()
            .filter_map(|(_, range)| text.get(range.clone()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_longest_phrase_counts_and_each_once() {
        let phrases = ["disc", "disc herniation", "mass", "mass effect"];
        check(
            &phrases,
            "Disc herniation; disc. Disc herniation, disc.",
            &["Disc herniation", "disc"],
        );
        check(&phrases, "mass with mass effect", &["mass", "mass effect"]);
        // A phrase that begins and is not ended gives back its words.
        check(&["a b c d", "b c"], "a b c", &["b c"]);
    }

    #[test]
    fn only_whole_words_count() {
        let phrases = ["mass", "t1", "grade 3", "cyst", "ct"];
        check(
            &phrases,
            "massive amassed t12 cystic CTA grade 30 grade 3.5 grade 3,5",
            &[],
        );
        check(&phrases, "Grade 3. Cyst.", &["Grade 3", "Cyst"]);
    }

    #[test]
    fn letters_fold_and_gaps_are_narrow() {
        let phrases = ["quiste óseo", "t1 weighted", "baker's cyst"];
        check(&phrases, "QUISTE OSEO", &["QUISTE OSEO"]);
        check(&phrases, "quiste o\u{301}seo", &["quiste o\u{301}seo"]);
        check(
            &phrases,
            "T1\u{2011}weighted, Baker\u{2019}s\n cyst",
            &["T1\u{2011}weighted", "Baker\u{2019}s\n cyst"],
        );
        check(
            &phrases,
            "T1 - weighted, quiste. Oseo, quiste\n\nóseo, T1/weighted",
            &[],
        );
        check(&["meniscus"], "me\u{AD}niscus", &["me\u{AD}niscus"]);
    }

    #[test]
    fn a_phrase_that_could_never_be_found_is_refused() {
        let mut finder = Finder::default();
        assert!(finder.add("gray/white", 0).is_err() && finder.add(" - ", 0).is_err());
        assert!(finder.add("Límite", 0).is_ok_and(|is_new| is_new));
        assert!(finder.add("limite", 1).is_ok_and(|is_new| !is_new));
    }

    #[test]
    fn words_lie_within_the_text() {
        for text in [
            "\u{301}a",
            "ﬁne İx",
            "a\u{AD}",
            "1.",
            ".5",
            "1.5.6,7x",
            "日本 語",
            "🦴🦴",
            "\r\n\r\n",
        ] {
            for word in words(text) {
                assert!(
                    text.get(word.range.clone())
                        .is_some_and(|it| !it.is_empty()),
                    "{text:?}"
                );
            }
        }
    }
}
