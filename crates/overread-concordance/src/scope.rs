//! Here each word of a sentence learns whether it is denied, doubted, past or about somebody else.

mod renamed;

use crate::lexicon::{Cue, CueKind, Hit, Lexicon, lexicon};
use crate::text::{self, Kind, Token};
use crate::types::{Context, Experiencer, Negation, Temporality};

/// What holds for one word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State {
    /// The word is denied.
    pub(crate) denied: bool,
    /// Five-step certainty of what is stated: 5 firm to 2 unlikely.
    pub(crate) certainty: u8,
    /// Said of the past only.
    pub(crate) historical: bool,
    /// Asked or supposed, not stated.
    pub(crate) hypothetical: bool,
    /// About a relative.
    pub(crate) other: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            denied: false,
            certainty: 5,
            historical: false,
            hypothetical: false,
            other: false,
        }
    }
}

/// A cue in a sentence: token range (inclusive) and the cue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CueAt<'a> {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) cue: &'a Cue,
}

/// Turns hits into cues.
pub(crate) fn cues<'a>(hits: &[Hit], lex: &'a Lexicon) -> Vec<CueAt<'a>> {
    let mut out = Vec::new();
    for hit in hits {
        for id in &hit.ids {
            if let Some(cue) = lex.cues.get(*id) {
                out.push(CueAt {
                    first: hit.first,
                    last: hit.last,
                    cue,
                });
            }
        }
    }
    out
}

/// Tells the state of every token of a sentence; token numbers start at the sentence.
pub(crate) fn states(tokens: &[Token], cues: &[CueAt<'_>]) -> Vec<State> {
    let mut states = vec![State::default(); tokens.len()];
    let has = |i: usize, kind: CueKind| {
        cues.iter()
            .any(|c| c.cue.kind == kind && c.first <= i && i <= c.last)
    };
    for cue in cues {
        match cue.cue.kind {
            CueKind::Neg if !has(cue.first, CueKind::Pseudo) => {
                forward(tokens, cues, cue, &mut states)
            }
            CueKind::NegPost => backward(tokens, cues, cue, &mut states),
            _ => {}
        }
    }
    renamed::deny(tokens, cues, &mut states);
    doubt(tokens, cues, &mut states);
    states
}

fn forward(tokens: &[Token], cues: &[CueAt<'_>], cue: &CueAt<'_>, states: &mut [State]) {
    // "not seen" and the like look back; the same words are not also a forward denial.
    if cues
        .iter()
        .any(|c| c.cue.kind == CueKind::NegPost && c.first == cue.first && c.last > cue.last)
    {
        return;
    }
    let rather = tokens.get(cue.first).is_some_and(|t| t.is("rather"));
    for i in cue.last + 1..tokens.len() {
        if rather
            && tokens
                .get(i)
                .is_some_and(|t| t.kind == Kind::Comma || t.is("and"))
        {
            break;
        }
        if ends_denial(tokens, cues, i, cue.last + 1) {
            break;
        }
        if let Some(s) = states.get_mut(i) {
            s.denied = true;
        }
    }
}

fn backward(tokens: &[Token], cues: &[CueAt<'_>], cue: &CueAt<'_>, states: &mut [State]) {
    // "absent" and "negative" also stand before what they deny; they look back only when something is there.
    let mut from = cue.first;
    for i in (0..cue.first).rev() {
        let stop = cues.iter().any(|c| {
            c.last == i
                && matches!(c.cue.kind, CueKind::End | CueKind::Neg | CueKind::Normal)
                && !std::ptr::eq(c.cue, cue.cue)
        });
        let Some(token) = tokens.get(i) else { break };
        if token.is("of") && is_quality(tokens, i) {
            // What is joined behind it is denied all the same: "the size of the nodule is unchanged and an effusion is not seen".
            let joined = tokens.get(i..cue.first).unwrap_or_default();
            let last = joined
                .iter()
                .rposition(|t| t.is("and") || t.kind == Kind::Comma);
            from = last.map_or(cue.first, |at| i + at + 1);
            break;
        }
        if stop
            || token.kind == Kind::Colon
            || (token.kind == Kind::Comma && clause_follows(tokens, i))
        {
            break;
        }
        from = i;
    }
    for state in states.get_mut(from..cue.first).unwrap_or_default() {
        state.denied = true;
    }
}

/// "The level of the extrusion is wrong" takes back the level, and not the extrusion.
fn is_quality(tokens: &[Token], of: usize) -> bool {
    let before = of.checked_sub(1).and_then(|i| tokens.get(i));
    before.is_some_and(|t| {
        matches!(
            t.norm.as_str(),
            "level"
                | "side"
                | "laterality"
                | "size"
                | "grade"
                | "location"
                | "position"
                | "site"
                | "number"
                | "numbering"
                | "measurement"
                | "severity"
                | "degree"
                | "extent"
                | "stage"
                | "type"
                | "age"
                | "date"
        )
    })
}

/// A comma with a verb soon after it begins a new clause.
fn clause_follows(tokens: &[Token], comma: usize) -> bool {
    tokens.iter().skip(comma + 1).take(8).any(|t| {
        matches!(
            t.norm.as_str(),
            "is" | "are" | "was" | "were" | "show" | "has" | "have"
        )
    })
}

/// Whether a denial that began at `from` ends before token `i`.
fn ends_denial(tokens: &[Token], cues: &[CueAt<'_>], i: usize, from: usize) -> bool {
    let Some(token) = tokens.get(i) else {
        return true;
    };
    if matches!(token.kind, Kind::Colon | Kind::Close | Kind::Newline) {
        return true;
    }
    let starts =
        |at: usize, kind: CueKind| cues.iter().any(|c| c.cue.kind == kind && c.first == at);
    if starts(i, CueKind::End) && i > from {
        return true;
    }
    if token.is("with") && i > from && !tokens.get(i - 1).is_some_and(|t| t.is("associated")) {
        return true;
    }
    let joint = token.kind == Kind::Comma || token.is("and");
    if !joint || i <= from {
        return false;
    }
    let next = i + 1;
    let Some(after) = tokens.get(next) else {
        return true;
    };
    let next = if after.is("and") { next + 1 } else { next };
    let Some(after) = tokens.get(next) else {
        return true;
    };
    let fresh = starts(next, CueKind::Sev)
        || starts(next, CueKind::Normal)
        || starts(next, CueKind::Firm)
        || starts(next, CueKind::Many)
        || after.kind == Kind::Number
        || matches!(
            after.norm.as_str(),
            "there"
                | "it"
                | "with"
                | "is"
                | "are"
                | "a"
                | "an"
                | "this"
                | "has"
                | "he"
                | "she"
                | "his"
                | "her"
                | "some"
                | "we"
        );
    let verb = tokens.iter().skip(next + 1).take(3).any(|t| {
        matches!(
            t.norm.as_str(),
            "is" | "are"
                | "was"
                | "were"
                | "measure"
                | "demonstrate"
                | "show"
                | "reveal"
                | "had"
                | "has"
        )
    });
    let negated_again = starts(next, CueKind::Neg);
    fresh || (verb && !negated_again)
}

fn doubt(tokens: &[Token], cues: &[CueAt<'_>], states: &mut [State]) {
    for cue in cues {
        let level = match cue.cue.kind {
            CueKind::Likely => 4,
            CueKind::Possible => 3,
            CueKind::Unlikely => 2,
            CueKind::Hypo | CueKind::Hist | CueKind::Other => 5,
            _ => continue,
        };
        let (from, to) = clause(tokens, cues, cue);
        for i in from..to {
            let Some(s) = states.get_mut(i) else { break };
            match cue.cue.kind {
                CueKind::Hypo if i > cue.last => s.hypothetical = true,
                CueKind::Hist if i > cue.last => s.historical = true,
                CueKind::Other => s.other = true,
                CueKind::Hypo | CueKind::Hist => {}
                _ => {
                    s.certainty = s.certainty.min(level);
                    if level == 3 {
                        s.denied = false;
                    }
                }
            }
        }
    }
}

/// Returns the part of the sentence a cue of doubt speaks about.
fn clause(tokens: &[Token], cues: &[CueAt<'_>], cue: &CueAt<'_>) -> (usize, usize) {
    let border = |i: usize| {
        let Some(t) = tokens.get(i) else { return true };
        let end = cues.iter().any(|c| {
            c.cue.kind == CueKind::End
                && c.first == i
                && !matches!(t.norm.as_str(), "also" | "only")
        });
        end || matches!(t.kind, Kind::Comma | Kind::Colon | Kind::Close | Kind::Open)
    };
    let mut to = cue.last + 1;
    while to < tokens.len() && !border(to) {
        to += 1;
    }
    let mut from = cue.first;
    while from > 0 && !border(from - 1) {
        from -= 1;
    }
    // "X, possibly Y" doubts Y only; "X cannot be excluded" doubts X.
    let something_follows = to > cue.last + 1;
    if something_follows && !speaks_back(tokens, cue) {
        (cue.first, to)
    } else {
        (from, to)
    }
}

fn speaks_back(tokens: &[Token], cue: &CueAt<'_>) -> bool {
    let words: Vec<&str> = tokens
        .get(cue.first..=cue.last)
        .unwrap_or_default()
        .iter()
        .map(|t| t.norm.as_str())
        .collect();
    let tail = words.join(" ");
    tail.contains("exclude")
        && !tail.starts_with("cannot exclude")
        && !tail.starts_with("to exclude")
        && !tail.starts_with("exclude")
        || tail.contains("ruled out")
        || tail == "unlikely"
        || tail == "is possible"
        || tail.contains("vs")
        || tail.contains("versus")
        || tail.starts_with("should be considered")
}

/// Tells whether a phrase is denied, past, or about somebody else in its sentence.
#[must_use]
pub fn context_of(sentence: &str, concept: &str) -> Context {
    let lex = lexicon();
    let text = text::read(sentence, crate::limits::REPORT_CHARS_MAX, &lex.spelling);
    let phrase = text::read(concept, crate::limits::REPORT_CHARS_MAX, &lex.spelling);
    let (first, last) = place(&text.tokens, &phrase.tokens).unwrap_or((0, 0));
    let (from, to) = around(&text.tokens, first, last);
    let tokens = text.tokens.get(from..to).unwrap_or_default();
    let hits = lex.cue_terms.find(tokens);
    let mut found = cues(&hits, lex);
    let (low, high) = (first.saturating_sub(from), last.saturating_sub(from));
    // A cue inside the phrase belongs to the phrase.
    found.retain(|c| c.last < low || c.first > high || c.cue.kind == CueKind::Hist);
    let states = states(tokens, &found);
    let state = states.get(low).copied().unwrap_or_default();
    let historical = state.historical
        || found
            .iter()
            .any(|c| c.cue.kind == CueKind::Hist && c.last < low && says_history(tokens, c));
    Context {
        negation: if state.denied {
            Negation::Negated
        } else {
            Negation::Affirmed
        },
        temporality: if historical {
            Temporality::Historical
        } else {
            Temporality::Recent
        },
        experiencer: if state.other {
            Experiencer::Other
        } else {
            Experiencer::Patient
        },
    }
}

/// Whether a word of a phrase stands in a sentence.
pub(crate) fn names(sentence: &str, concept: &str) -> bool {
    let read =
        |text: &str| text::read(text, crate::limits::REPORT_CHARS_MAX, &lexicon().spelling).tokens;
    let (tokens, phrase) = (read(sentence), read(concept));
    let told = |word: &Token| tokens.iter().any(|t| t.norm == word.norm);
    phrase
        .iter()
        .filter(|t| t.is_word() || t.kind == Kind::Number)
        .any(told)
}

fn says_history(tokens: &[Token], cue: &CueAt<'_>) -> bool {
    tokens
        .get(cue.first)
        .is_some_and(|t| t.is("history") || t.is("past"))
}

/// Returns where a phrase stands among tokens.
fn place(tokens: &[Token], phrase: &[Token]) -> Option<(usize, usize)> {
    let wanted: Vec<&str> = phrase
        .iter()
        .filter(|t| t.kind != Kind::Newline)
        .map(|t| t.norm.as_str())
        .collect();
    let first = wanted.first()?;
    for start in 0..tokens.len() {
        if !tokens.get(start).is_some_and(|t| t.is(first)) {
            continue;
        }
        let mut at = start;
        let mut matched = 0;
        while matched < wanted.len() {
            match tokens.get(at) {
                Some(t) if t.kind == Kind::Newline => at += 1,
                Some(t) if wanted.get(matched).is_some_and(|w| t.is(w)) => {
                    at += 1;
                    matched += 1;
                }
                _ => break,
            }
        }
        if matched == wanted.len() {
            return Some((start, at.saturating_sub(1)));
        }
    }
    None
}

/// Returns the sentence around a phrase: from the last full stop before it to the next one after it.
fn around(tokens: &[Token], first: usize, last: usize) -> (usize, usize) {
    let stop = |t: &Token| matches!(t.kind, Kind::Period | Kind::Semicolon);
    let from = tokens
        .iter()
        .take(first)
        .rposition(stop)
        .map_or(0, |i| i + 1);
    let to = tokens
        .iter()
        .skip(last)
        .position(stop)
        .map_or(tokens.len(), |i| last + i);
    (from.min(to), to)
}
