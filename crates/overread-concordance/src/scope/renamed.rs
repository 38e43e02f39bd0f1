//! Here a finding is denied because somebody else only called it so: "What was read as an embolus is a lymph node."

use super::{CueAt, State};
use crate::lexicon::CueKind;
use crate::text::Token;

/// Words before the naming, at most, among which "what" must stand.
const WHAT_WITHIN: usize = 5;

/// Denies what is named between "what was read as" and the word that says what it is instead.
pub(super) fn deny(tokens: &[Token], cues: &[CueAt<'_>], states: &mut [State]) {
    for naming in cues.iter().filter(|c| c.cue.kind == CueKind::Said) {
        let before = naming.first.saturating_sub(WHAT_WITHIN)..naming.first;
        let is_what = |t: &Token| t.is("what") || t.is("whatever");
        if !tokens.get(before).unwrap_or_default().iter().any(is_what) {
            continue;
        }
        let behind = naming.last + 1;
        let Some(turn) = tokens.iter().skip(behind).position(is_turn) else {
            continue;
        };
        let turn = behind + turn;
        if is_kept(tokens, cues, turn) {
            continue;
        }
        for state in states.get_mut(behind..turn).unwrap_or_default() {
            state.denied = true;
        }
    }
}

fn is_turn(token: &Token) -> bool {
    matches!(
        token.norm.as_str(),
        "is" | "are"
            | "was"
            | "were"
            | "represent"
            | "represents"
            | "correspond"
            | "corresponds"
            | "reflect"
            | "reflects"
            | "prove"
            | "proves"
            | "turn"
            | "turns"
    )
}

/// Whether the sentence goes on with what the finding is like, and not with what it is instead: "is confirmed", "is stable",
/// "is 8 mm", "is indeed one".
fn is_kept(tokens: &[Token], cues: &[CueAt<'_>], turn: usize) -> bool {
    let next = turn + 1;
    let kept = [
        CueKind::Agree,
        CueKind::Sev,
        CueKind::Acute,
        CueKind::Chronic,
    ];
    let cue = cues
        .iter()
        .any(|c| kept.contains(&c.cue.kind) && c.first <= next && next <= c.last);
    let word = tokens.get(next).is_none_or(|t| {
        t.norm.starts_with(|c: char| c.is_ascii_digit())
            || matches!(
                t.norm.as_str(),
                "indeed"
                    | "seen"
                    | "present"
                    | "visible"
                    | "stable"
                    | "unchanged"
                    | "again"
                    | "also"
                    | "still"
                    | "in"
                    | "at"
                    | "on"
                    | "larger"
                    | "smaller"
                    | "located"
                    | "real"
                    | "correct"
                    | "confirmed"
            )
    });
    cue || word
}
