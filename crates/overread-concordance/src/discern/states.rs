//! Here is read what is told as there or not there in words of its own: "EMVI negative", "CRM is threatened".

use super::files::StateOf;
use crate::hits::Marked;
use crate::lexicon::Lexicon;
use crate::text::{Kind, Token};

/// Words before a name in which its answer may stand.
const WORDS_BEFORE: usize = 4;

/// What is told: which state of the data, whether it is there, and the tokens (inclusive).
pub(super) struct Told {
    pub(super) which: usize,
    pub(super) yes: bool,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// What an answer says, and where it begins and ends.
type Answer = (Option<bool>, usize, usize);

/// Reads the states of a sentence.
pub(super) fn states(lex: &Lexicon, tokens: &[Token], marked: &Marked<'_>) -> Vec<Told> {
    let data = &lex.discerning;
    let names = data.state_terms.find(tokens);
    let mut out = Vec::new();
    let mut from = 0;
    for (i, name) in names.iter().enumerate() {
        let (which, begin) = (name.ids.first().copied().unwrap_or_default(), from);
        let to = names.get(i + 1).map_or(tokens.len(), |n| n.first);
        from = name.last + 1;
        let Some(state) = data.states.get(which) else {
            continue;
        };
        let scope = marked.states.get(name.first).copied().unwrap_or_default();
        if scope.historical || scope.hypothetical || scope.other || marked.is_contrast(name.first) {
            continue;
        }
        let after = behind(state, tokens, name.last + 1, to);
        if after.is_some() {
            from = after.map_or(from, |(_, _, last)| last + 1);
        }
        let answer = after.or_else(|| {
            let near = name.first.saturating_sub(WORDS_BEFORE).max(begin);
            let (said, first, last) = before(state, tokens, near, name.first)?;
            // "No evidence of involvement of the fascia": what stands before is denied with the name.
            Some((said.map(|yes| yes && !scope.denied), first, last))
        });
        let bare = state.bare.map(|yes| yes && !scope.denied);
        let (said, first, last) = answer.unwrap_or((bare, name.first, name.last));
        if let Some(yes) = said {
            out.push(Told {
                which,
                yes,
                first: first.min(name.first),
                last: last.max(name.last),
            });
        }
    }
    out
}

fn behind(state: &StateOf, tokens: &[Token], from: usize, to: usize) -> Option<Answer> {
    let mut at = from;
    while at < to {
        let token = tokens.get(at)?;
        if matches!(token.kind, Kind::Comma | Kind::Semicolon) {
            return None;
        }
        if let Some(answer) = said(state, tokens, at).filter(|a| a.2 < to) {
            return Some(answer);
        }
        at += 1;
    }
    None
}

fn before(state: &StateOf, tokens: &[Token], from: usize, to: usize) -> Option<Answer> {
    let parts = |t: &Token| matches!(t.kind, Kind::Comma | Kind::Semicolon);
    let fence = tokens.get(from..to)?.iter().rposition(parts);
    let mut at = fence.map_or(from, |fence| from + fence + 1);
    let mut found = None;
    while at < to {
        match said(state, tokens, at).filter(|a| a.2 < to) {
            Some(answer) => {
                at = answer.2 + 1;
                // "Not involved" was read whole; a bare "no" before "involvement" decides.
                found = found
                    .filter(|(yes, ..): &Answer| *yes == Some(false))
                    .or(Some(answer));
            }
            None => at += 1,
        }
    }
    found
}

fn said(state: &StateOf, tokens: &[Token], at: usize) -> Option<Answer> {
    let hit = state.answers.starting_at(tokens, at)?;
    let yes = match hit.ids.first() {
        Some(0) => Some(true),
        Some(1) => Some(false),
        _ => None,
    };
    Some((yes, hit.first, hit.last))
}
