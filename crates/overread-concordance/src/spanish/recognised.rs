//! Here the lines of a report that are Spanish are told from those of other languages.

use super::{Language, Spanish, TELLING_LETTERS_MIN};
use crate::lexicon::Spelling;
use crate::text::{self, Kind, Text, Token};

/// Small words of Spanish by which a text, or a line among lines of English, is Spanish.
const TELLING_MIN: usize = 2;

/// Letters of the shortest word of the table that tells in a name: "RM", "TC".
const NAME_LETTERS_MIN: usize = 2;

/// How many small words of each language stand in a range of tokens.
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    spanish: usize,
    english: usize,
    others: usize,
}

/// Returns the lines that are Spanish, as token ranges; lines that follow each other are one range.
pub(super) fn lines_in_spanish(
    table: &Spanish,
    spelling: &Spelling,
    text: &Text,
) -> Vec<(usize, usize)> {
    let whole = is_spanish(table, spelling, text);
    let mut out: Vec<(usize, usize)> = Vec::new();
    let mut first = 0;
    for line in text.tokens.split_inclusive(|t| t.kind == Kind::Newline) {
        let end = first + line.len();
        let told = told(table, text, line);
        let spanish = if whole {
            told.english < TELLING_MIN || told.spanish > 0
        } else {
            told.spanish >= TELLING_MIN && told.english == 0 && told.others == 0
        };
        match out.last_mut() {
            Some(last) if spanish && last.1 == first => last.1 = end,
            _ if spanish => out.push((first, end)),
            _ => {}
        }
        first = end;
    }
    out
}

/// Whether a text as a whole is Spanish, and neither English nor a neighbour of Spanish.
fn is_spanish(table: &Spanish, spelling: &Spelling, text: &Text) -> bool {
    let told = told(table, text, &text.tokens);
    let clear = told.spanish > 2 * told.english && told.spanish > 3 * told.others;
    if told.spanish >= TELLING_MIN {
        return clear;
    }
    // "Fractura vertebral aguda." has no small word, but most of its words are of the table.
    let known = known(table, spelling, text, TELLING_LETTERS_MIN);
    let small = told.spanish > 0 && known.english == 0 && known.neither <= known.both;
    told.english + told.others == 0 && (small || known.reads_as_spanish())
}

/// Whether the name of an examination is Spanish.
pub(super) fn is_spanish_name(table: &Spanish, spelling: &Spelling, text: &Text) -> bool {
    known(table, spelling, text, NAME_LETTERS_MIN).reads_as_spanish()
}

fn told(table: &Spanish, text: &Text, tokens: &[Token]) -> Told {
    let mut out = Told::default();
    for token in tokens.iter().filter(|t| t.is_word()) {
        let raw = text::folded(text.chars.get(token.start..token.end).unwrap_or_default());
        match table.telling.get(&raw) {
            Some(Language::Spanish) => out.spanish += 1,
            Some(Language::English) => out.english += 1,
            Some(Language::Other) => out.others += 1,
            None => {}
        }
    }
    out
}

/// Words of a text by the table that has them.
#[derive(Debug, Default, Clone, Copy)]
struct Known {
    /// Only the Spanish table has them.
    spanish: usize,
    /// Only the English lexicon has them.
    english: usize,
    both: usize,
    neither: usize,
}

impl Known {
    /// Whether most words are Spanish: more than are English alone, and at least as many as nobody knows.
    fn reads_as_spanish(self) -> bool {
        self.spanish > self.english && self.spanish + self.both > self.english + self.neither
    }
}

/// Counts the words that are long enough to tell; those of the Spanish table have at least `short` letters.
fn known(table: &Spanish, spelling: &Spelling, text: &Text, short: usize) -> Known {
    let (words, raw) = table.words(text, &text.tokens);
    let mut out = Known::default();
    let mut at = 0;
    while at < words.len() {
        let hit = table.has(&words, at);
        let end = at + hit.unwrap_or(1);
        for (word, source) in words.iter().zip(&raw).take(end).skip(at) {
            let letters = source.chars().count();
            let least = if hit.is_some() {
                short
            } else {
                TELLING_LETTERS_MIN
            };
            if !word.is_word() || letters < least {
                continue;
            }
            let count = match (hit.is_some(), spelling.has(source)) {
                (true, false) => &mut out.spanish,
                (false, true) => &mut out.english,
                (true, true) => &mut out.both,
                (false, false) => &mut out.neither,
            };
            *count += 1;
        }
        at = end;
    }
    out
}
