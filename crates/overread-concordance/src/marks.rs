//! Here vertebral levels, sizes, grades, ages and category scores are read from the tokens of a sentence.

use crate::lexicon::CueKind;
use crate::scope::CueAt;
use crate::text::{Kind, Token};

/// A vertebral level: vertebra n is 2n, the disc below it is 2n + 1; C1 is vertebra 1.
pub(crate) type Level = u8;

/// Levels named at a token range (inclusive).
#[derive(Debug, Clone)]
pub(crate) struct LevelAt {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) levels: Vec<Level>,
}

/// A size in mm at a token range (inclusive).
#[derive(Debug, Clone)]
pub(crate) struct SizeAt {
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Largest dimension in mm.
    pub(crate) mm: f64,
    /// An earlier measurement, a distance or an instruction: not the size of the finding.
    pub(crate) aside: bool,
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

/// A category such as BI-RADS 4B at a token range (inclusive).
#[derive(Debug, Clone)]
pub(crate) struct RadsAt {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) scheme: String,
    pub(crate) value: String,
}

fn vertebra(norm: &str) -> Option<u8> {
    let mut chars = norm.chars();
    let letter = chars.next()?;
    let digits = chars.as_str();
    if digits.is_empty() || digits.len() > 2 || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    numbered(letter, digits.parse().ok()?)
}

fn numbered(letter: char, n: u8) -> Option<u8> {
    match (letter, n) {
        ('c', 1..=7) => Some(n),
        ('t' | 'd', 1..=12) => Some(7 + n),
        ('l', 1..=5) => Some(19 + n),
        ('s', 1..=5) => Some(24 + n),
        _ => None,
    }
}

/// Finds the vertebral levels of a sentence.
pub(crate) fn levels(tokens: &[Token]) -> Vec<LevelAt> {
    let mut out: Vec<LevelAt> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some(found) = level_at(tokens, at) else {
            at += 1;
            continue;
        };
        at = found.last + 1;
        match out
            .last_mut()
            .and_then(|before| joined(tokens, before, &found))
        {
            Some(all) => {
                out.pop();
                out.push(all);
            }
            None => out.push(found),
        }
    }
    out
}

/// Words that lead from the first disc of a row to the last one.
const LEADING_ON: [&str; 8] = [
    "to", "through", "thru", "until", "till", "down", "up", "into",
];

/// "L1-L2 to L3-L4", "L1-2 through L4-5", "between L2-3 and L5-S1": every disc between counts.
fn joined(tokens: &[Token], from: &LevelAt, to: &LevelAt) -> Option<LevelAt> {
    let (&[low], &[high]) = (from.levels.as_slice(), to.levels.as_slice()) else {
        return None;
    };
    let link: Vec<&Token> = tokens
        .get(from.last + 1..to.first)?
        .iter()
        .filter(|t| !t.is("the") && !t.is("level") && !t.is("disc"))
        .collect();
    let row = match link.as_slice() {
        [] => false,
        [one] if one.is("and") => {
            let before = from.first.checked_sub(1).and_then(|i| tokens.get(i));
            before.is_some_and(|t| t.is("between"))
        }
        [one] if matches!(one.kind, Kind::Dash | Kind::Hyphen) => true,
        words => words.len() <= 2 && words.iter().all(|t| LEADING_ON.contains(&t.norm.as_str())),
    };
    let discs = !low.is_multiple_of(2) && !high.is_multiple_of(2);
    let (low, high) = (low.min(high), low.max(high));
    (row && discs && low < high).then(|| LevelAt {
        first: from.first,
        last: to.last,
        levels: (low..=high).step_by(2).collect(),
    })
}

fn level_at(tokens: &[Token], at: usize) -> Option<LevelAt> {
    let token = tokens.get(at)?;
    if !token.is_word() || tokens.get(at + 1).is_some_and(|t| t.is("rib")) {
        return None;
    }
    if let Some(levels) = glued(&token.norm) {
        return Some(LevelAt {
            first: at,
            last: at,
            levels,
        });
    }
    let low = vertebra(&token.norm)?;
    if let Some(pair) = level_range(tokens, at, low) {
        return Some(pair);
    }
    let letter_t = token.norm.starts_with('t') || token.norm.starts_with('d');
    let early = token.norm.len() == 2 && matches!(token.norm.chars().nth(1), Some('1' | '2' | '3'));
    let spinal = tokens
        .iter()
        .skip(at + 1)
        .take(3)
        .any(|t| SPINAL_WORDS.contains(&t.norm.as_str()));
    // T1, T2 and T3 are mostly MR sequences.
    if letter_t && early && !spinal {
        return None;
    }
    Some(LevelAt {
        first: at,
        last: at,
        levels: vec![2 * low],
    })
}

/// Words that make T1 or T2 a vertebra.
const SPINAL_WORDS: [&str; 14] = [
    "vertebra",
    "vertebral",
    "body",
    "level",
    "root",
    "nerve",
    "transverse",
    "spinou",
    "superior",
    "inferior",
    "endplate",
    "compression",
    "wedge",
    "fracture",
];

/// "L4-5", "L4/L5", "L3 to S1", "L4 on L5".
fn level_range(tokens: &[Token], at: usize, low: u8) -> Option<LevelAt> {
    let link = tokens.get(at + 1)?;
    let mark = matches!(link.kind, Kind::Hyphen | Kind::Slash | Kind::Dash);
    let word = matches!(
        link.norm.as_str(),
        "to" | "through" | "on" | "over" | "upon" | "thru"
    );
    if !mark && !word {
        return None;
    }
    let article = usize::from(tokens.get(at + 2).is_some_and(|t| t.is("the")));
    let next = tokens.get(at + 2 + article)?;
    let letter = tokens
        .get(at)
        .and_then(|t| t.norm.chars().next())
        .unwrap_or('l');
    let high = match next.kind {
        Kind::Word => vertebra(&next.norm)?,
        Kind::Number if mark => numbered(letter, next.value as u8).filter(|h| *h > low)?,
        _ => return None,
    };
    let (low, high) = (low.min(high), low.max(high));
    (low != high).then(|| LevelAt {
        first: at,
        last: at + 2 + article,
        levels: (low..high).map(|v| 2 * v + 1).collect(),
    })
}

/// "L4L5" written as one word.
fn glued(norm: &str) -> Option<Vec<Level>> {
    if norm.len() < 4 || norm.len() > 6 || !norm.is_ascii() {
        return None;
    }
    let split = norm
        .char_indices()
        .skip(1)
        .find(|(_, c)| c.is_ascii_alphabetic())?
        .0;
    let low = vertebra(norm.get(..split)?)?;
    let high = vertebra(norm.get(split..)?)?;
    (high == low + 1).then(|| vec![2 * low + 1])
}

/// Writes a level as a reader does.
pub(crate) fn level_name(level: Level) -> String {
    let name = |v: u8| match v {
        1..=7 => format!("C{v}"),
        8..=19 => format!("T{}", v - 7),
        20..=24 => format!("L{}", v - 19),
        _ => format!("S{}", v.saturating_sub(24)),
    };
    if level.is_multiple_of(2) {
        name(level / 2)
    } else {
        format!("{}-{}", name(level / 2), name(level / 2 + 1))
    }
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

/// Reads a number written in digits or roman numerals.
pub(crate) fn ordinal(token: &Token) -> Option<u8> {
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
pub(crate) fn same_category(a: &str, b: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::{level_name, levels};
    use crate::lexicon::lexicon;
    use crate::text;

    fn check(sentence: &str, expect: &[&str]) {
        let read = text::read(sentence, sentence.len(), &lexicon().spelling);
        let found: Vec<String> = levels(&read.tokens)
            .iter()
            .flat_map(|at| at.levels.iter().map(|l| level_name(*l)))
            .collect();
        assert_eq!(found, expect, "{sentence}");
    }

    #[test]
    fn a_row_of_levels_holds_every_level_between() {
        let three = &["L1-L2", "L2-L3", "L3-L4"];
        for row in [
            "desiccation at L1-L2 to L3-L4",
            "desiccation from L1-2 through L3-4",
            "desiccation L1/L2 to the L3/L4 level",
            "desiccation from L1-L2 down to L3-L4",
            "desiccation between L1-L2 and L3-L4",
            "desiccation L1-L2 - L3-L4",
            "desiccation L3-L4 up to L1-L2",
        ] {
            check(row, three);
        }
        check("L1-2 through L4-5", &["L1-L2", "L2-L3", "L3-L4", "L4-L5"]);
        check("bulges from L3 to S1", &["L3-L4", "L4-L5", "L5-S1"]);
        check("C3-C6 fusion", &["C3-C4", "C4-C5", "C5-C6"]);
        check("T11-T12 to L1-L2", &["T11-T12", "T12-L1", "L1-L2"]);
    }

    #[test]
    fn a_list_of_levels_holds_only_what_is_named() {
        check("bulges at L2-L3 and L4-L5", &["L2-L3", "L4-L5"]);
        check("L2-3, L4-5", &["L2-L3", "L4-L5"]);
        check("L2-L3 with spur to the right of L4-L5", &["L2-L3", "L4-L5"]);
        check("migrating from L4-L5 to the L5 body", &["L4-L5", "L5"]);
    }
}
