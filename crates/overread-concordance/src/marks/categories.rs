//! Here grades and category scores are read: "grade 2", "type III", "BI-RADS 4B".

use crate::differences::Scores;
use crate::lexicon::CueKind;
use crate::scope::CueAt;
use crate::text::{Kind, Token};

/// Name of the score of early infarction, and how it is written.
const SCORE: &str = "aspects";

/// A category such as BI-RADS 4B at a token range (inclusive).
#[derive(Debug, Clone)]
pub(crate) struct RadsAt {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) scheme: String,
    pub(crate) value: String,
}

/// Reads a number written in digits or roman numerals.
fn ordinal(token: &Token) -> Option<u8> {
    if token.kind == Kind::Number && token.value <= 20.0 {
        return Some(token.value as u8);
    }
    Some(match token.norm.as_str() {
        "i" | "one" => 1,
        "ii" | "two" => 2,
        "iii" | "three" => 3,
        "iv" | "four" => 4,
        "v" | "five" => 5,
        "vi" => 6,
        "vii" => 7,
        "viii" => 8,
        "ix" => 9,
        _ => return None,
    })
}

/// Finds "grade 2", "type III", "Modic 1": token range and number.
pub(crate) fn grades(tokens: &[Token], cues: &[CueAt<'_>]) -> Vec<(usize, usize, u8)> {
    let mut out = Vec::new();
    for cue in cues.iter().filter(|c| c.cue.kind == CueKind::GradeWord) {
        for at in cue.last + 1..cue.last + 4 {
            let Some(token) = tokens.get(at) else { break };
            if let Some(n) = ordinal(token) {
                out.push((cue.first, at, n));
                break;
            }
            let filler = matches!(token.kind, Kind::Colon | Kind::Hyphen)
                || matches!(
                    token.norm.as_str(),
                    "type" | "grade" | "change" | "class" | "stage" | "tear" | "lesion"
                );
            if !filler {
                break;
            }
        }
    }
    out
}

/// Finds reporting categories.
pub(crate) fn rads(tokens: &[Token], cues: &[CueAt<'_>]) -> Vec<RadsAt> {
    let mut out = Vec::new();
    for cue in cues.iter().filter(|c| c.cue.kind == CueKind::Rads) {
        // "The lateral aspect" is no score.
        let plural = tokens
            .get(cue.first)
            .is_some_and(|t| t.end - t.start == SCORE.len());
        if cue.cue.value == SCORE && !plural {
            continue;
        }
        for at in cue.last + 1..cue.last + 5 {
            let Some(token) = tokens.get(at) else { break };
            if let Some((last, value)) = category_value(tokens, at, &cue.cue.value) {
                out.push(RadsAt {
                    first: cue.first,
                    last,
                    scheme: cue.cue.value.clone(),
                    value,
                });
                break;
            }
            let filler = matches!(
                token.kind,
                Kind::Colon | Kind::Hyphen | Kind::Dash | Kind::Open
            ) || is_version(&token.norm)
                || matches!(
                    token.norm.as_str(),
                    "category"
                        | "score"
                        | "class"
                        | "of"
                        | "is"
                        | "assessment"
                        | "us"
                        | "level"
                        | "type"
                        | "acr"
                        | "cat"
                        | "final"
                );
            if !filler {
                break;
            }
        }
    }
    out.extend(super::staging::stages(tokens));
    for (at, token) in tokens.iter().enumerate() {
        if let Some((scheme, value)) = fused(token) {
            out.push(RadsAt {
                first: at,
                last: at,
                scheme,
                value,
            });
        }
    }
    out
}

/// "v2", "v2.1": the edition of a scheme.
fn is_version(norm: &str) -> bool {
    let digits = norm.strip_prefix('v').unwrap_or_default();
    digits.starts_with(|c: char| c.is_ascii_digit())
}

/// "4", "4B", "IV", "IIF", and the "M" of LI-RADS.
fn category_value(tokens: &[Token], at: usize, scheme: &str) -> Option<(usize, String)> {
    let token = tokens.get(at)?;
    if let Some(n) = ordinal(token) {
        return Some(with_letter(tokens, at, n));
    }
    if scheme == "lirads" && token.is("m") {
        return Some((at, "m".to_string()));
    }
    let roman = Token {
        norm: token.norm.strip_suffix('f')?.to_string(),
        ..token.clone()
    };
    if let Some(n) = ordinal(&roman).filter(|_| scheme == "bosniak") {
        return Some((at, format!("{n}f")));
    }
    None
}

/// Whether two values of one scheme name the same category: 4 and 4B do, II and IIF do not.
pub(crate) fn same_category(scores: &Scores, scheme: &str, a: &str, b: &str) -> bool {
    if scheme == super::TNM {
        return super::staging::same_stage(a, b);
    }
    if let (SCORE, Ok(x), Ok(y)) = (scheme, a.parse::<u8>(), b.parse::<u8>()) {
        return scores.same(x, y);
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short)
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_lowercase() && c != 'f'))
}

fn with_letter(tokens: &[Token], at: usize, n: u8) -> (usize, String) {
    let end = tokens.get(at).map_or(0, |t| t.end);
    match tokens.get(at + 1) {
        Some(t)
            if t.start == end
                && matches!(t.norm.as_str(), "a" | "b" | "c" | "x" | "s" | "m" | "f") =>
        {
            (at + 1, format!("{n}{}", t.norm))
        }
        _ => (at, n.to_string()),
    }
}

/// "TR4", "LR5", "IIF" written as one word.
fn fused(token: &Token) -> Option<(String, String)> {
    if !token.is_word() {
        return None;
    }
    for (prefix, scheme) in [
        ("birads", "birads"),
        ("tirads", "tirads"),
        ("pirads", "pirads"),
        ("orads", "orads"),
        ("tr", "tirads"),
        ("lr", "lirads"),
    ] {
        let Some(rest) = token.norm.strip_prefix(prefix) else {
            continue;
        };
        let digit = rest.chars().next().is_some_and(|c| c.is_ascii_digit());
        if digit && rest.len() <= 2 {
            return Some((scheme.to_string(), rest.to_string()));
        }
    }
    None
}
