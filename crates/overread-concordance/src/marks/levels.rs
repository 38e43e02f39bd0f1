//! Here vertebral levels are read, single and in rows.

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
    let early = token.norm.len() == 2 && matches!(token.norm.chars().nth(1), Some('1' | '2'));
    let spinal = tokens
        .iter()
        .skip(at + 1)
        .take(3)
        .any(|t| SPINAL_WORDS.contains(&t.norm.as_str()));
    // T1 and T2 are mostly MR sequences.
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
