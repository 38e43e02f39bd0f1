//! Here phrases are found in a text, the longest first.

use rustc_hash::FxHashMap as HashMap;

use crate::text::{Kind, Token};

/// Phrases with what they stand for; the longest one wins.
#[derive(Debug, Default)]
pub(crate) struct Phrases {
    /// For each place in the tree of words: the next word and where it leads.
    next: Vec<HashMap<String, usize>>,
    payload: HashMap<usize, Vec<usize>>,
}

/// A phrase found in a text: token range (inclusive) and what it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) ids: Vec<usize>,
}

/// "L4", or the "5" of "L4-5".
fn level_like(token: &Token) -> bool {
    let mut chars = token.norm.chars();
    let letter = matches!(chars.next(), Some('c' | 't' | 'l' | 's'));
    let digits = chars.as_str();
    let named =
        letter && (1..=2).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
    named || token.kind == Kind::Number && token.norm.len() <= 2
}

fn skipped(token: &Token) -> bool {
    matches!(token.kind, Kind::Hyphen | Kind::Slash)
        || (token.is_word() && matches!(token.norm.as_str(), "the" | "a" | "an"))
}

impl Phrases {
    pub(crate) fn add(&mut self, words: &[Token], id: usize) {
        let mut at = 0;
        let last = words.len().saturating_sub(1);
        for (i, token) in words.iter().enumerate() {
            // A last "a" is a letter, as in "Weber A", not an article.
            if skipped(token) && !(i == last && token.is("a")) {
                continue;
            }
            if self.next.len() <= at {
                self.next.resize_with(at + 1, HashMap::default);
            }
            let fresh = self.next.len();
            let Some(children) = self.next.get_mut(at) else {
                return;
            };
            let to = *children.entry(token.norm.clone()).or_insert(fresh);
            if to == fresh {
                self.next.push(HashMap::default());
            }
            at = to;
        }
        if at != 0 {
            let ids = self.payload.entry(at).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }

    /// Like `find`, but words of side may stand inside a phrase: "fluid in the left mastoid".
    pub(crate) fn find_across_sides(&self, tokens: &[Token]) -> Vec<Hit> {
        self.scan(tokens, true)
    }

    /// Finds the longest phrase that begins at a token.
    pub(crate) fn starting_at(&self, tokens: &[Token], first: usize) -> Option<Hit> {
        self.longest(tokens, first, false)
    }

    /// Finds all phrases from left to right, the longest first, none overlapping.
    pub(crate) fn find(&self, tokens: &[Token]) -> Vec<Hit> {
        self.scan(tokens, false)
    }

    fn scan(&self, tokens: &[Token], across: bool) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            match self.longest(tokens, at, across) {
                Some(hit) => {
                    at = hit.last + 1;
                    hits.push(hit);
                }
                None => at += 1,
            }
        }
        hits
    }

    fn longest(&self, tokens: &[Token], first: usize, across: bool) -> Option<Hit> {
        if tokens.get(first).is_none_or(skipped) {
            return None;
        }
        let mut node = 0;
        let mut best = None;
        for (offset, token) in tokens.iter().skip(first).take(24).enumerate() {
            let Some(&n) = self.next.get(node).and_then(|c| c.get(&token.norm)) else {
                let side = across
                    && node != 0
                    && (matches!(
                        token.norm.as_str(),
                        "left" | "right" | "bilateral" | "both" | "level" | "ii" | "iii" | "iv"
                    ) || level_like(token));
                if skipped(token) || side {
                    continue;
                }
                break;
            };
            node = n;
            if let Some(ids) = self.payload.get(&node) {
                best = Some(Hit {
                    first,
                    last: first + offset,
                    ids: ids.clone(),
                });
            }
        }
        best
    }
}

/// Returns the words of a token list in one line, without articles and hyphens.
pub(crate) fn joined(tokens: &[Token]) -> String {
    let words: Vec<&str> = tokens
        .iter()
        .filter(|t| !skipped(t) && t.kind != Kind::Newline)
        .map(|t| t.norm.as_str())
        .collect();
    words.join(" ")
}
