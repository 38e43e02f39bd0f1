//! Here a report in Spanish gets the English words the lexicon knows, each at the place of its Spanish ones.
//!
//! The words are data (`data/spanish.json`); a noun and the adjectives behind it are turned round:
//! "estenosis foraminal derecha leve" is read as "mild right foraminal stenosis".

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use crate::lexicon::{Lexicon, Phrases, Spelling};
use crate::text::{self, Kind, Text, Token};

mod recognised;

use recognised::lines_in_spanish;

/// Letters a word must have for its last vowel to be an ending.
const ENDING_LETTERS_MIN: usize = 5;
/// Letters of a word that says something by itself; an unknown one makes its sentence count as not understood.
const TELLING_LETTERS_MIN: usize = 4;
/// Phrases one entry is written out to, at most.
const EXPANSIONS_MAX: usize = 4_000;

/// What a Spanish phrase does in its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Class {
    Noun,
    Adjective,
    /// Stands where it stands.
    Phrase,
    /// Joins adjectives.
    And,
    /// A denial before what is denied; behind it, it is read as "is not seen".
    Denial,
}

#[derive(Debug, Default, Deserialize)]
struct SpanishFile {
    telling: TellingFile,
    as_written: String,
    sets: HashMap<String, String>,
    lists: Vec<ListFile>,
}

/// Small words by which a language is recognised.
#[derive(Debug, Default, Deserialize)]
struct TellingFile {
    spanish: String,
    english: String,
    others: String,
}

#[derive(Debug, Deserialize)]
struct ListFile {
    #[cfg(test)]
    name: String,
    class: Class,
    words: Vec<(String, String)>,
}

#[derive(Debug)]
struct Entry {
    class: Class,
    english: Vec<Token>,
}

/// The table of Spanish words.
#[derive(Debug, Default)]
pub(crate) struct Spanish {
    phrases: Phrases,
    entries: Vec<Entry>,
    not_seen: Vec<Token>,
    as_written: HashSet<String>,
    telling: HashMap<String, Language>,
}

/// The language a small word tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Spanish,
    English,
    Other,
}

/// A phrase of the report: what it does, its English words, and where it stands.
#[derive(Debug)]
struct Chunk {
    class: Option<Class>,
    english: Vec<Token>,
    start: usize,
    end: usize,
    upper: bool,
}

impl Spanish {
    /// Reads the table.
    pub(crate) fn load(spelling: &Spelling) -> Self {
        let file: SpanishFile =
            serde_json::from_str(include_str!("../data/spanish.json")).unwrap_or_default();
        let english = |words: &str| text::read(words, words.len(), spelling).tokens;
        let mut out = Self {
            not_seen: english("is not seen"),
            as_written: file
                .as_written
                .split_whitespace()
                .map(str::to_string)
                .collect(),
            ..Self::default()
        };
        let lists = [
            (&file.telling.spanish, Language::Spanish),
            (&file.telling.english, Language::English),
            (&file.telling.others, Language::Other),
        ];
        for (list, language) in lists {
            let words = list.split_whitespace().map(|w| (w.to_string(), language));
            out.telling.extend(words);
        }
        let all = file
            .lists
            .iter()
            .flat_map(|l| l.words.iter().map(|w| (l.class, w)));
        for (class, (spanish, to)) in all {
            let id = out.entries.len();
            out.entries.push(Entry {
                class,
                english: english(to),
            });
            for phrase in expanded(spanish, &file.sets) {
                let read = text::read(&phrase, phrase.len(), spelling);
                let (words, _) = out.words(&read, &read.tokens);
                out.phrases.add(&words, id);
            }
        }
        out
    }

    /// Reads the Spanish lines of a report in the words of the lexicon; other lines stay as they are.
    pub(crate) fn translate(&self, lex: &Lexicon, text: &mut Text) {
        let lines = lines_in_spanish(self, &lex.spelling, text);
        if lines.is_empty() {
            return;
        }
        let mut out = Vec::with_capacity(text.tokens.len());
        let mut at = 0;
        for &(first, end) in &lines {
            out.extend_from_slice(text.tokens.get(at..first).unwrap_or_default());
            let tokens = text.tokens.get(first..end).unwrap_or_default();
            if let (Some(a), Some(b)) = (tokens.first(), tokens.last()) {
                text.spanish.push((a.start, b.end));
            }
            let (mut told, unknown) = self.line(&lex.spelling, text, tokens);
            text.unknown.extend(unknown);
            out.append(&mut told);
            at = end;
        }
        out.extend_from_slice(text.tokens.get(at..).unwrap_or_default());
        text.tokens = out;
    }

    /// Reads the name of an examination, which has too few words to tell its language by the small ones.
    pub(crate) fn translate_name(&self, lex: &Lexicon, text: &mut Text) {
        if recognised::is_spanish_name(self, &lex.spelling, text) {
            let (told, _) = self.line(&lex.spelling, text, &text.tokens);
            text.tokens = told;
        }
    }

    /// Turns tokens into English ones; also returns where words stand that the table does not have.
    fn line(
        &self,
        spelling: &Spelling,
        text: &Text,
        tokens: &[Token],
    ) -> (Vec<Token>, Vec<(usize, usize)>) {
        let (words, raw) = self.words(text, tokens);
        let mut unknown = Vec::new();
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            if let Some(hit) = self.phrases.starting_at(&words, at)
                && let Some(entry) = hit.ids.first().and_then(|id| self.entries.get(*id))
            {
                let last = words.get(hit.last).unwrap_or(word);
                let behind = entry.class == Class::Denial
                    && at > 0
                    && words
                        .get(hit.last + 1)
                        .is_none_or(|t| !t.is_word() && t.kind != Kind::Number)
                    && chunks.last().is_some_and(|c| c.class.is_some());
                let english = if behind {
                    &self.not_seen
                } else {
                    &entry.english
                };
                chunks.push(Chunk {
                    class: Some(entry.class),
                    english: english.clone(),
                    start: word.start,
                    end: last.end,
                    upper: word.upper,
                });
                at = hit.last + 1;
                continue;
            }
            let source = raw.get(at).map_or("", String::as_str);
            if word.is_word() && is_unknown(spelling, text, &words, at, source) {
                unknown.push((word.start, word.end));
            }
            if !(word.is_word() && matches!(source, "a" | "al")) && source != "\t" {
                chunks.push(alone(spelling, word, source));
            }
            at += 1;
        }
        (turned(chunks), unknown)
    }

    /// The words as the table has them: without articles and endings, "del" as "de"; beside them each as it is spelt.
    fn words(&self, text: &Text, tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
        let mut words: Vec<Token> = Vec::with_capacity(tokens.len());
        let mut raw: Vec<String> = Vec::with_capacity(tokens.len());
        // A word with an article begins where the article does.
        let mut article: Option<(usize, bool)> = None;
        for (i, token) in tokens.iter().enumerate() {
            let gap = i.checked_sub(1).and_then(|b| tokens.get(b));
            if gap.is_some_and(|b| text.slice(b.end, token.start).contains('\t')) {
                words.push(border(token.start));
                raw.push("\t".to_string());
            }
            if token.kind == Kind::Newline && wraps(tokens, i) && !text.has_columns {
                continue;
            }
            let mut word = token.clone();
            if let Some(article) = article.take() {
                (word.start, word.upper) = article;
            }
            let folded = if token.is_word() {
                text::folded(text.chars.get(token.start..token.end).unwrap_or_default())
            } else {
                token.norm.clone()
            };
            if token.is_word() {
                match folded.as_str() {
                    "el" | "la" | "los" | "las" | "un" | "una" | "unos" | "unas" => {
                        article = Some((word.start, word.upper));
                        continue;
                    }
                    "del" => word.norm = "de".to_string(),
                    // A phrase may hang on it: "a descartar". `Phrases` passes over an English "a".
                    "a" | "al" => word.norm = "a_".to_string(),
                    kept if self.as_written.contains(kept) => word.norm.clone_from(&folded),
                    _ => word.norm = stem(&folded),
                }
            }
            words.push(word);
            raw.push(folded);
        }
        (words, raw)
    }

    /// Whether the table has the word by itself, or begins a phrase of these words with it.
    fn has(&self, words: &[Token], at: usize) -> Option<usize> {
        self.phrases
            .starting_at(words, at)
            .map(|hit| hit.last + 1 - at)
    }
}

/// A border between columns, which no phrase and no group of words crosses.
fn border(place: usize) -> Token {
    Token {
        kind: Kind::Other,
        start: place,
        end: place,
        norm: "\t".to_string(),
        value: 0.0,
        upper: false,
        capitals: false,
    }
}

/// Whether a sentence goes on behind a line break.
fn wraps(tokens: &[Token], newline: usize) -> bool {
    let before = newline.checked_sub(1).and_then(|i| tokens.get(i));
    let after = tokens.get(newline + 1);
    tokens.get(newline).is_some_and(|t| t.value <= 1.0)
        && before.is_some_and(Token::is_word)
        && after.is_some_and(|t| t.is_word() && !t.upper)
}

/// Whether nothing is known of a word: neither table has it and it is no name in the middle of a sentence.
fn is_unknown(lex: &Spelling, text: &Text, words: &[Token], at: usize, source: &str) -> bool {
    let begins = at
        .checked_sub(1)
        .and_then(|i| words.get(i))
        .is_none_or(|b| !b.is_word());
    let small = |t: &Token| {
        t.end
            .checked_sub(1)
            .and_then(|i| text.chars.get(i))
            .is_some_and(|c| c.is_lowercase())
    };
    let named = words.get(at).is_some_and(|t| t.upper && small(t)) && !begins;
    let letters = source.chars().all(char::is_alphabetic);
    letters && source.chars().count() >= TELLING_LETTERS_MIN && !lex.has(source) && !named
}

/// A token the table does not have: a mark, a number, or a word that is the same in both languages.
fn alone(spelling: &Spelling, word: &Token, source: &str) -> Chunk {
    let mut token = word.clone();
    if token.is_word() {
        // A slip is not mended here: what looks like an English word by one letter is another word.
        let single = spelling.has(source) || source.len() < TELLING_LETTERS_MIN;
        token.norm = if single {
            spelling.normalise(source)
        } else {
            source.to_string()
        };
    }
    Chunk {
        class: None,
        start: token.start,
        end: token.end,
        upper: token.upper,
        english: vec![token],
    }
}

/// Puts adjectives before their noun; every word of such a group stands for the whole group's place.
fn turned(chunks: Vec<Chunk>) -> Vec<Token> {
    let class = |i: usize| chunks.get(i).and_then(|c| c.class);
    let mut out = Vec::new();
    let mut at = 0;
    while at < chunks.len() {
        let mut end = at + 1;
        if class(at) == Some(Class::Noun) {
            loop {
                if class(end) == Some(Class::Adjective) && class(end + 1) != Some(Class::Noun) {
                    end += 1;
                } else if class(end) == Some(Class::And)
                    && end > at + 1
                    && class(end + 1) == Some(Class::Adjective)
                    && class(end + 2) != Some(Class::Noun)
                {
                    end += 2;
                } else {
                    break;
                }
            }
        }
        let group = chunks.get(at..end).unwrap_or_default();
        let start = group.first().map_or(0, |c| c.start);
        let last = group.last().map_or(0, |c| c.end);
        let upper = group.first().is_some_and(|c| c.upper);
        for chunk in group.iter().rev() {
            out.extend(chunk.english.iter().map(|t| Token {
                start,
                end: last,
                upper,
                ..t.clone()
            }));
        }
        at = end;
    }
    out
}

/// Writes "no se {seen}" out with each word of the set.
fn expanded(phrase: &str, sets: &HashMap<String, String>) -> Vec<String> {
    let mut open = vec![phrase.to_string()];
    let mut done = Vec::new();
    while let Some(next) = open.pop() {
        let set = next.split_once('{').and_then(|(before, rest)| {
            rest.split_once('}')
                .map(|(name, after)| (before, name, after))
        });
        match set {
            Some((before, name, after)) if open.len() + done.len() < EXPANSIONS_MAX => {
                let words = sets.get(name).map_or("", String::as_str).split(';');
                open.extend(words.map(|w| format!("{before}{}{after}", w.trim())));
            }
            _ => done.push(next),
        }
    }
    done
}

/// A word without its ending: "derecha", "derechos" and "derecho" are one.
fn stem(word: &str) -> String {
    let mut out = word.to_string();
    if out.len() >= 4 && out.ends_with('s') {
        out.pop();
    }
    if out.len() >= ENDING_LETTERS_MIN && out.ends_with(['a', 'e', 'o']) {
        out.pop();
    }
    if out.ends_with('z') {
        out.pop();
        out.push('c');
    }
    out
}

#[cfg(test)]
mod tests;
