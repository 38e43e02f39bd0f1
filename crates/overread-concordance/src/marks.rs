//! Here sizes, ages, weights and volumes are read from the tokens of a sentence; its modules read levels and categories.

use crate::lexicon::CueKind;
use crate::scope::CueAt;
use crate::text::{Kind, Token};

mod categories;
mod classes;
mod levels;
mod staging;

pub(crate) use categories::{RadsAt, grades, rads, same_category};
pub(crate) use classes::{ClassAt, class_at};
pub(crate) use levels::{Level, LevelAt, level_name, levels};
pub(crate) use staging::{Stage, TNM, stage_at};

/// A size in mm at a token range (inclusive).
#[derive(Debug, Clone)]
pub(crate) struct SizeAt {
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Largest dimension in mm.
    pub(crate) mm: f64,
    /// An earlier measurement, a distance or an instruction: not the size of the finding.
    pub(crate) aside: bool,
    /// The size that the finding had in an earlier examination, not in somebody's report of this one.
    pub(crate) earlier: bool,
}

/// A number with a unit that is no length: days of gestation, grams, heart beats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AmountAt {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) value: f64,
    pub(crate) unit: Unit,
}

/// Unit of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Days,
    Grams,
    Millilitres,
    Percent,
}

/// Finds the sizes of a sentence.
pub(crate) fn sizes(tokens: &[Token], cues: &[CueAt<'_>]) -> Vec<SizeAt> {
    let mut out: Vec<SizeAt> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if let Some((last, mm)) = size_at(tokens, at) {
            let aside = aside(tokens, cues, at, last);
            out.push(SizeAt {
                first: at,
                last,
                mm,
                aside,
                earlier: earlier(tokens, cues, at),
            });
            at = last + 1;
        } else {
            at += 1;
        }
    }
    out
}

fn size_at(tokens: &[Token], first: usize) -> Option<(usize, f64)> {
    let mut at = first;
    let mut biggest = 0.0_f64;
    loop {
        let number = tokens.get(at).filter(|t| t.kind == Kind::Number)?;
        biggest = biggest.max(number.value);
        let after = tokens.get(at + 1)?;
        if let Some(scale) = unit(after) {
            let more = tokens.get(at + 2).is_some_and(times)
                && tokens.get(at + 3).is_some_and(|t| t.kind == Kind::Number);
            if more && let Some((last, rest)) = size_at(tokens, at + 3) {
                return Some((last, rest.max(biggest * scale)));
            }
            return Some((at + 1, biggest * scale));
        }
        let joins =
            times(after) || (matches!(after.kind, Kind::Hyphen | Kind::Dash) || after.is("to"));
        if after.kind == Kind::Hyphen && tokens.get(at + 2).and_then(unit).is_some() {
            let scale = tokens.get(at + 2).and_then(unit)?;
            return Some((at + 2, biggest * scale));
        }
        if !joins || at - first > 8 {
            return None;
        }
        at += 2;
    }
}

fn times(token: &Token) -> bool {
    token.is("x") || token.is("by") || token.is("\u{d7}") || token.is("*")
}

fn unit(token: &Token) -> Option<f64> {
    match token.norm.as_str() {
        "mm" | "millimeter" | "milimetro" => Some(1.0),
        "cm" | "centimeter" => Some(10.0),
        "inch" | "inche" => Some(25.4),
        _ => None,
    }
}

fn aside(tokens: &[Token], cues: &[CueAt<'_>], first: usize, last: usize) -> bool {
    let near_before = |kind: CueKind, reach: usize| {
        cues.iter().any(|c| {
            c.cue.kind == kind
                && c.last < first
                && first - c.last <= reach
                && !tokens
                    .get(c.last..first)
                    .unwrap_or_default()
                    .iter()
                    .any(|t| t.kind == Kind::Comma)
        })
    };
    let near_after = |kind: CueKind, reach: usize| {
        cues.iter()
            .any(|c| c.cue.kind == kind && c.first > last && c.first - last <= reach)
    };
    let slash = tokens.get(last + 1).is_some_and(|t| t.kind == Kind::Slash);
    near_before(CueKind::Prior, 4)
        || near_after(CueKind::Distance, 2)
        || near_before(CueKind::NotSize, 4)
        || near_after(CueKind::NotSize, 2)
        || slash
}

/// "Previously 5 mm", "prior measurement of 5 mm", but not "previously reported as 5 mm".
fn earlier(tokens: &[Token], cues: &[CueAt<'_>], first: usize) -> bool {
    cues.iter()
        .filter(|c| c.cue.kind == CueKind::Prior && c.last < first && first - c.last <= 4)
        .any(|c| {
            let words = tokens.get(c.first..first).unwrap_or_default();
            let before = ["previously", "previous", "prior", "formerly", "earlier"];
            let said = cues.iter().any(|s| {
                matches!(s.cue.kind, CueKind::Said | CueKind::Report)
                    && s.first >= c.first
                    && s.first < first
            });
            words.iter().any(|t| before.contains(&t.norm.as_str()))
                && !said
                && words.iter().all(|t| t.kind != Kind::Comma)
        })
}

/// Finds ages of gestation, weights and volumes.
pub(crate) fn amounts(tokens: &[Token]) -> Vec<AmountAt> {
    let mut out = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Number {
            continue;
        }
        let hyphen = usize::from(tokens.get(at + 1).is_some_and(|t| t.kind == Kind::Hyphen));
        let Some(name) = tokens.get(at + 1 + hyphen).map(|t| t.norm.as_str()) else {
            continue;
        };
        let last = at + 1 + hyphen;
        match name {
            "week" | "w" | "wk" | "with" | "weeks" => {
                let follow = (last + 1..last + 4)
                    .find(|&i| tokens.get(i).is_some_and(|t| t.kind == Kind::Number));
                let days = follow.filter(|&i| {
                    tokens
                        .get(i + 1)
                        .is_some_and(|t| matches!(t.norm.as_str(), "day" | "d"))
                });
                if name == "with" && days.is_none() {
                    continue;
                }
                let extra = days.and_then(|i| tokens.get(i)).map_or(0.0, |t| t.value);
                out.push(AmountAt {
                    first: at,
                    last: days.map_or(last, |i| i + 1),
                    value: token.value * 7.0 + extra,
                    unit: Unit::Days,
                });
            }
            "g" | "gram" | "gm" => out.push(AmountAt {
                first: at,
                last,
                value: token.value,
                unit: Unit::Grams,
            }),
            "kg" => out.push(AmountAt {
                first: at,
                last,
                value: token.value * 1000.0,
                unit: Unit::Grams,
            }),
            "%" | "percent" => out.push(AmountAt {
                first: at,
                last,
                value: token.value,
                unit: Unit::Percent,
            }),
            "cc" | "ml" | "ccm" => out.push(AmountAt {
                first: at,
                last,
                value: token.value,
                unit: Unit::Millilitres,
            }),
            _ => {}
        }
    }
    out
}
