//! Here counted places are read: "fifth metacarpal", "ribs 4 to 6", "3 o'clock".

use crate::text::{Kind, Token};
use crate::weighing::{Numbered, Weighing};

/// A counted place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spot {
    /// Rib 1 to 12.
    Rib(u8),
    /// Ray 1 to 5 of a hand or foot.
    Ray(u8),
    /// Position on the clock face, in half hours from 1 to 24.
    Clock(u8),
}

/// A counted place at a token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpotAt {
    pub(crate) at: usize,
    pub(crate) spot: Spot,
}

/// How two lists of counted places relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// One list says nothing about what the other counts.
    Silent,
    Same,
    /// They have something in common.
    Overlap,
    Apart,
}

/// Words read back from a counted part, at most.
const WORDS_BACK: usize = 14;

impl Spot {
    /// Names the place as a reader writes it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Rib(n) => format!("rib {n}"),
            Self::Ray(n) => format!("number {n}"),
            Self::Clock(half) if half % 2 == 1 => format!("{}:30 o'clock", half / 2),
            Self::Clock(half) => format!("{} o'clock", half / 2),
        }
    }

    fn axis(self) -> u8 {
        match self {
            Self::Rib(_) => 0,
            Self::Ray(_) => 1,
            Self::Clock(_) => 2,
        }
    }

    /// Half an hour to one hour on the clock face is one place told twice.
    pub(crate) fn near(self, other: Self) -> bool {
        match (self, other) {
            (Self::Clock(a), Self::Clock(b)) => {
                let apart = a.abs_diff(b) % 24;
                apart.min(24 - apart) <= 2
            }
            _ => self == other,
        }
    }
}

/// Compares two lists of counted places.
pub(crate) fn relate(a: &[Spot], b: &[Spot]) -> Counted {
    let mut out = Counted::Silent;
    for axis in 0..3 {
        let on = |list: &[Spot]| -> Vec<Spot> {
            list.iter().copied().filter(|s| s.axis() == axis).collect()
        };
        let (x, y) = (on(a), on(b));
        if x.is_empty() || y.is_empty() {
            continue;
        }
        let met = |list: &[Spot], other: &[Spot]| {
            list.iter()
                .filter(|s| other.iter().any(|o| s.near(*o)))
                .count()
        };
        let (in_y, in_x) = (met(&x, &y), met(&y, &x));
        if in_y == 0 {
            return Counted::Apart;
        }
        let all = in_y == x.len() && in_x == y.len();
        out = match (out, all) {
            (Counted::Overlap, _) | (_, false) => Counted::Overlap,
            _ => Counted::Same,
        };
    }
    out
}

/// Finds the counted places of a sentence; `in_breast` when the examination or the section is about the breast.
pub(crate) fn spots(weighing: &Weighing, tokens: &[Token], in_breast: bool) -> Vec<SpotAt> {
    let mut out = clock(tokens, in_breast && !weighing.tells_the_time(tokens));
    for (hit, what) in weighing.numbered(tokens) {
        match what {
            Numbered::Named(n) => out.push(SpotAt {
                at: hit.first,
                spot: Spot::Ray(n),
            }),
            Numbered::Rib => counted(tokens, hit.first, hit.last, 12, Spot::Rib, &mut out),
            Numbered::Ray => counted(tokens, hit.first, hit.last, 5, Spot::Ray, &mut out),
        }
    }
    out.sort_by_key(|s| (s.at, s.spot));
    out.dedup_by_key(|s| (s.at, s.spot));
    out
}

/// "3 o'clock", "3:30", "nine o'clock".
fn clock(tokens: &[Token], in_breast: bool) -> Vec<SpotAt> {
    let mut out = Vec::new();
    // "Discussed at 3:30" is the time of day.
    let breast = in_breast
        || tokens.iter().any(|t| {
            ["breast", "nipple", "areola", "retroareolar", "subareolar"]
                .iter()
                .any(|w| t.norm.starts_with(w))
                || t.is("oclock")
                || t.is("clock")
                || t.is("position")
        });
    for (at, token) in tokens.iter().enumerate() {
        let Some(hour) = plain_number(token).filter(|h| (1..=12).contains(h)) else {
            continue;
        };
        let minutes = minutes(tokens, at);
        let after = at + 1 + 2 * usize::from(minutes.is_some());
        let hyphen = usize::from(tokens.get(after).is_some_and(|t| t.kind == Kind::Hyphen));
        let word = |i: usize, w: &str| tokens.get(i).is_some_and(|t| t.is(w));
        let named = word(after + hyphen, "oclock")
            || word(after + hyphen, "o") && word(after + hyphen + 1, "clock");
        if named || breast && minutes.is_some() {
            let half = 2 * hour + u8::from(minutes == Some(30));
            out.push(SpotAt {
                at,
                spot: Spot::Clock(half),
            });
        }
    }
    out
}

/// The ":00" or ":30" right behind an hour.
fn minutes(tokens: &[Token], at: usize) -> Option<u8> {
    let (hour, colon, rest) = (tokens.get(at)?, tokens.get(at + 1)?, tokens.get(at + 2)?);
    let tight = colon.kind == Kind::Colon && hour.end == colon.start && colon.end == rest.start;
    let day = tokens
        .get(at + 3)
        .is_some_and(|t| matches!(t.norm.as_str(), "am" | "pm" | "hours" | "hour" | "hr"));
    match rest.norm.as_str() {
        "00" if tight && !day => Some(0),
        "30" if tight && !day => Some(30),
        _ => None,
    }
}

/// Numbers before ("fourth and fifth ribs", "4th to 6th") and behind ("ribs 4-6") a counted part.
fn counted(
    tokens: &[Token],
    first: usize,
    last: usize,
    most: u8,
    spot: impl Fn(u8) -> Spot,
    out: &mut Vec<SpotAt>,
) {
    let mut before: Vec<(usize, u8)> = Vec::new();
    let mut ranges: Vec<(u8, u8)> = Vec::new();
    let mut range_to = None;
    for at in (first.saturating_sub(WORDS_BACK)..first).rev() {
        let Some(token) = tokens.get(at) else { break };
        if let Some(n) = ordinal_at(tokens, at).filter(|n| (1..=most).contains(n)) {
            if let Some(high) = range_to.take() {
                ranges.push((n, high));
            }
            before.push((at, n));
        } else if links_a_range(token) && !before.is_empty() {
            range_to = before.last().map(|(_, n)| *n);
        } else if !passes(token) {
            break;
        }
    }
    let mut behind: Vec<(usize, u8)> = Vec::new();
    let mut range_from = None;
    for at in last + 1..(last + 1 + WORDS_BACK).min(tokens.len()) {
        let Some(token) = tokens.get(at) else { break };
        let number = (token.kind == Kind::Number && !measured(tokens, at))
            .then(|| whole(token))
            .flatten();
        if let Some(n) = number.filter(|n| (1..=most).contains(n)) {
            if let Some(low) = range_from.take() {
                ranges.push((low, n));
            }
            behind.push((at, n));
        } else if links_a_range(token) && !behind.is_empty() {
            range_from = behind.last().map(|(_, n)| *n);
        } else if token.kind != Kind::Comma && !token.is("and") && !token.is("number") {
            break;
        }
    }
    if !before.is_empty() {
        behind.clear();
    }
    for (at, n) in before.into_iter().chain(behind) {
        out.push(SpotAt { at, spot: spot(n) });
    }
    for (low, high) in ranges {
        for n in low.min(high)..=low.max(high) {
            out.push(SpotAt {
                at: first,
                spot: spot(n),
            });
        }
    }
}

fn links_a_range(token: &Token) -> bool {
    matches!(token.kind, Kind::Hyphen | Kind::Dash)
        || matches!(token.norm.as_str(), "to" | "through" | "thru")
}

/// Words that may stand between a number and the part it counts.
fn passes(token: &Token) -> bool {
    matches!(token.kind, Kind::Comma | Kind::Hyphen | Kind::Slash)
        || matches!(
            token.norm.as_str(),
            "and"
                | "the"
                | "or"
                | "left"
                | "right"
                | "proximal"
                | "middle"
                | "distal"
                | "anterior"
                | "posterior"
                | "lateral"
                | "st"
                | "nd"
                | "rd"
                | "th"
        )
}

/// "fifth", "5th", "2nd"; a bare "5" only right before a mark of order.
fn ordinal_at(tokens: &[Token], at: usize) -> Option<u8> {
    let token = tokens.get(at)?;
    if token.kind == Kind::Number {
        let ending = tokens.get(at + 1).filter(|t| t.start == token.end)?;
        let listed = matches!(ending.norm.as_str(), "st" | "nd" | "rd" | "th");
        let linked = matches!(ending.kind, Kind::Hyphen | Kind::Comma);
        return (listed || linked).then(|| whole(token)).flatten();
    }
    Some(match token.norm.as_str() {
        "first" => 1,
        "second" => 2,
        "third" => 3,
        "fourth" => 4,
        "fifth" => 5,
        "sixth" => 6,
        "seventh" => 7,
        "eighth" => 8,
        "ninth" => 9,
        "tenth" => 10,
        "eleventh" => 11,
        "twelfth" => 12,
        _ => return None,
    })
}

/// "one" to "twelve", or the number itself.
pub(crate) fn plain_number(token: &Token) -> Option<u8> {
    if token.kind == Kind::Number {
        return whole(token);
    }
    const WORDS: [&str; 12] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    let at = WORDS.iter().position(|w| token.is(w))?;
    u8::try_from(at + 1).ok()
}

fn whole(token: &Token) -> Option<u8> {
    let plain = (1.0..=99.0).contains(&token.value) && token.value.fract() == 0.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value lies between 1 and 99"
    )]
    plain.then_some(token.value as u8)
}

fn measured(tokens: &[Token], at: usize) -> bool {
    tokens.get(at + 1).is_some_and(|t| {
        matches!(
            t.norm.as_str(),
            "mm" | "cm" | "x" | "week" | "month" | "day"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{Counted, Spot, relate, spots};
    use crate::lexicon::lexicon;
    use crate::text;

    fn read(sentence: &str) -> Vec<Spot> {
        let lex = lexicon();
        let text = text::read(sentence, sentence.len(), &lex.spelling);
        let mut out: Vec<Spot> = spots(&lex.weighing, &text.tokens, false)
            .iter()
            .map(|s| s.spot)
            .collect();
        out.sort();
        out.dedup();
        out
    }

    fn check(sentence: &str, expect: &[Spot]) {
        assert_eq!(read(sentence), expect, "{sentence}");
    }

    #[test]
    fn counted_places_are_read_before_and_behind() {
        use Spot::{Clock, Ray, Rib};
        check("fracture of the fifth metacarpal", &[Ray(5)]);
        check("fracture of the 2nd metatarsal shaft", &[Ray(2)]);
        check("fourth and fifth metatarsals", &[Ray(4), Ray(5)]);
        check("4th to 6th ribs", &[Rib(4), Rib(5), Rib(6)]);
        check("left 4th, 5th and 6th ribs", &[Rib(4), Rib(5), Rib(6)]);
        check("ribs 4-6", &[Rib(4), Rib(5), Rib(6)]);
        check("left rib 7", &[Rib(7)]);
        check("base of the great toe", &[Ray(1)]);
        check("ring finger", &[Ray(4)]);
        check("mass at 3 o'clock", &[Clock(6)]);
        check("mass at 3:30, 4 cm from the nipple", &[Clock(7)]);
        check("the 9 o\u{2019}clock position", &[Clock(18)]);
        check("nine o'clock", &[Clock(18)]);
        check("6 mm nodule, 2 cm from the rib", &[]);
        check("metacarpal 12 mm long", &[]);
        check("done at 3:30 pm", &[]);
        check("discussed at 3:30", &[]);
        check("cyst at the 3:30 position", &[Clock(7)]);
    }

    #[test]
    fn lists_are_compared_as_sets() {
        use Spot::{Clock, Rib};
        assert_eq!(relate(&[Rib(4)], &[Rib(9)]), Counted::Apart);
        assert_eq!(relate(&[Rib(4), Rib(5)], &[Rib(5), Rib(4)]), Counted::Same);
        assert_eq!(relate(&[Rib(4)], &[Rib(4), Rib(5)]), Counted::Overlap);
        assert_eq!(relate(&[Rib(4)], &[]), Counted::Silent);
        assert_eq!(relate(&[Clock(24)], &[Clock(2)]), Counted::Same);
        assert_eq!(relate(&[Clock(6)], &[Clock(18)]), Counted::Apart);
    }
}
