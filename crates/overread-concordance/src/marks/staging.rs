//! Here stages of tumour, nodes and metastasis are read: "T2N0M0", "cT3a N1 M0".

use super::RadsAt;
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
    let mut rest = word.trim_start_matches(['c', 'p', 'y', 'r']);
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
    use super::{parts, same_stage, stages};
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
    fn what_one_stage_leaves_open_is_no_difference() {
        assert!(same_stage("t2n0m0", "t2n0"));
        assert!(same_stage("t2n0mx", "t2n0m1"));
        assert!(!same_stage("t2n0m0", "t3n0m0"));
        assert!(!same_stage("t2n0m0", "t2n0m1"));
        assert_eq!(parts("t9"), None);
    }
}
