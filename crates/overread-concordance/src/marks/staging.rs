//! Here stages of tumour, nodes and metastasis are read: "T2N0M0", "cT3a N1 M0".

use super::RadsAt;
use crate::discern::Staging;
use crate::text::{Kind, Token};

/// Name of the scheme among the categories.
pub(crate) const TNM: &str = "tnm";

/// Words a stage takes at most: "c T3a, N1, M0".
const STAGE_TOKENS: usize = 7;

/// Finds stages; a "T2" without its nodes is a sequence or a vertebra.
pub(crate) fn stages(tokens: &[Token]) -> Vec<RadsAt> {
    let mut out: Vec<RadsAt> = Vec::new();
    for first in 0..tokens.len() {
        if out.last().is_some_and(|s| s.last >= first) {
            continue;
        }
        let mut value = String::new();
        let mut last = first;
        for (at, token) in tokens.iter().enumerate().skip(first).take(STAGE_TOKENS) {
            let joined =
                at > first && matches!(token.kind, Kind::Comma | Kind::Slash | Kind::Hyphen);
            if joined {
                continue;
            }
            let Some(parts) = parts(&token.norm).filter(|p| fits(&value, p)) else {
                break;
            };
            value.push_str(&parts);
            last = at;
        }
        if value.contains('t') && value.contains('n') {
            out.push(RadsAt {
                first,
                last,
                scheme: TNM.to_string(),
                value,
            });
        }
    }
    out
}

/// Whether parts go on with a stage: each letter once, the tumour first.
fn fits(value: &str, parts: &str) -> bool {
    let letters = |s: &str| {
        s.chars()
            .filter(|c| c.is_ascii_alphabetic() && *c != 'x')
            .collect::<String>()
    };
    let all = letters(value) + &letters(parts);
    ["t", "tn", "tnm"].contains(&all.as_str())
}

/// Reads a word as parts of a stage, letters of size and prefix left out: "cT3aN1" is "t3n1".
fn parts(word: &str) -> Option<String> {
    let mut rest = bare(word);
    let mut out = String::new();
    while let Some(letter) = rest.chars().next() {
        let after = rest.get(1..)?;
        let stage = after
            .chars()
            .next()
            .filter(|c| matches!(c, '0'..='4' | 'x'));
        let (stage, taken) = match stage {
            Some(stage) => (stage, 1),
            None if after.starts_with("is") => ('0', 2),
            None => return None,
        };
        if !matches!(letter, 't' | 'n' | 'm') {
            return None;
        }
        out.extend([letter, stage]);
        rest = after
            .get(taken..)?
            .trim_start_matches(['a', 'b', 'c', 'd', 'i']);
    }
    (!out.is_empty()).then_some(out)
}

/// Leaves out what says how a stage was found: "cT3", "ypN0", "mrT2", "uT1".
fn bare(word: &str) -> &str {
    let rest = word.trim_start_matches(['c', 'p', 'y', 'r', 'u']);
    let by_mri = rest.strip_prefix("mr").filter(|r| !r.is_empty());
    by_mri.unwrap_or(rest)
}

/// One letter of a stage: "T3b" is t, 3 and b.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) letter: char,
    pub(crate) figure: u8,
    pub(crate) part: Option<char>,
}

impl Stage {
    /// Whether both say the same; a letter that one leaves out is no difference.
    pub(crate) fn same(self, other: Self) -> bool {
        let parts = match (self.part, other.part) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        self.letter == other.letter && self.figure == other.figure && parts
    }
}

/// Reads "cT1a", "N3" and "M0" at a token. A bare "T2" may be a sequence or a vertebra: the words beside it decide.
pub(crate) fn stage_at(words: &Staging, tokens: &[Token], at: usize) -> Option<Stage> {
    let stage = stage_of(&tokens.get(at)?.norm)?;
    let prefixed = bare(&tokens.get(at)?.norm).len() < tokens.get(at)?.norm.len();
    let word = |i: usize| tokens.get(i).filter(|t| t.is_word());
    let among = |list: &[String], i: usize| word(i).is_some_and(|t| list.contains(&t.norm));
    let tumour = || {
        let hyphen = tokens.get(at + 1).is_some_and(|t| t.kind == Kind::Hyphen);
        let led = at > 0 && among(&words.leading, at - 1);
        let comma = usize::from(tokens.get(at + 1).is_some_and(|t| t.kind == Kind::Comma));
        let nodes = word(at + 1 + comma).and_then(|t| stage_of(&t.norm));
        let near = (at.saturating_sub(3)..at + 3).any(|i| among(&words.near, i));
        !hyphen
            && !led
            && !among(&words.signal, at + 1)
            && (near || nodes.is_some_and(|n| n.letter == 'n'))
    };
    (stage.letter != 't' || prefixed || stage.part.is_some() || tumour()).then_some(stage)
}

fn stage_of(word: &str) -> Option<Stage> {
    let mut chars = bare(word).chars();
    let (letter, figure) = (chars.next()?, chars.next()?);
    let part = chars.next();
    let known = matches!(letter, 't' | 'n' | 'm');
    let fits = part.is_none_or(|p| matches!(p, 'a'..='d')) && chars.next().is_none();
    let figure = figure.to_digit(5)? as u8;
    (known && fits).then_some(Stage {
        letter,
        figure,
        part,
    })
}

/// Whether two stages say the same wherever both say something.
pub(crate) fn same_stage(a: &str, b: &str) -> bool {
    let of = |value: &str, letter: char| {
        let at = value.find(letter)?;
        value
            .get(at + 1..at + 2)
            .filter(|s| *s != "x")
            .map(str::to_string)
    };
    ['t', 'n', 'm']
        .iter()
        .all(|letter| match (of(a, *letter), of(b, *letter)) {
            (Some(x), Some(y)) => x == y,
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::{parts, same_stage, stage_at, stages};
    use crate::lexicon::lexicon;
    use crate::text;

    #[test]
    fn stages_are_read_however_they_are_written() {
        for (line, expect) in [
            ("stage T2N0M0.", Some("t2n0m0")),
            ("cT3a, N1, M0", Some("t3n1m0")),
            ("pT1b pN2 cM1", Some("t1n2m1")),
            ("ypTis N0", Some("t0n0")),
            ("T2 signal", None),
            ("T2 N", None),
            ("T4 to T6 vertebrae", None),
        ] {
            let text = text::read(line, 200, &lexicon().spelling);
            let found = stages(&text.tokens);
            assert_eq!(found.first().map(|s| s.value.as_str()), expect, "{line}");
        }
    }

    #[test]
    fn a_single_stage_is_no_sequence_and_no_vertebra() {
        for (line, expect) in [
            ("N3", Some(('n', 3, None))),
            ("cT1a", Some(('t', 1, Some('a')))),
            ("mrT3b", Some(('t', 3, Some('b')))),
            ("ypN0", Some(('n', 0, None))),
            ("M1c", Some(('m', 1, Some('c')))),
            ("T2 rectal tumour", Some(('t', 2, None))),
            ("Rectal cancer, T2.", Some(('t', 2, None))),
            ("Rectal cancer, T2 hyperintense.", None),
            ("Tumour of T4.", None),
            ("T2-weighted tumour", None),
            ("T8", None),
            ("T1", None),
            ("N12", None),
        ] {
            let lex = lexicon();
            let tokens = text::read(line, 200, &lex.spelling).tokens;
            let staging = &lex.discerning.staging;
            let found = (0..tokens.len()).find_map(|i| stage_at(staging, &tokens, i));
            assert_eq!(
                found.map(|s| (s.letter, s.figure, s.part)),
                expect,
                "{line}"
            );
        }
    }

    #[test]
    fn what_one_stage_leaves_open_is_no_difference() {
        assert!(same_stage("t2n0m0", "t2n0"));
        assert!(same_stage("t2n0mx", "t2n0m1"));
        assert!(!same_stage("t2n0m0", "t3n0m0"));
        assert!(!same_stage("t2n0m0", "t2n0m1"));
        assert_eq!(parts("t9"), None);
    }
}
