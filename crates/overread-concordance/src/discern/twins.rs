//! Here sentences are found that two reports write alike but for a short answer: "PE: -" and "PE: +", "segment 6" and
//! "segment 10". What stands there may be a mark that nothing else reads.

use crate::lexicon::Lexicon;
use crate::statement::Report;
use crate::text::{Kind, Token};

/// Sentences of one report that are set against those of the other, at most.
const SENTENCES_MAX: usize = 500;
/// Words and marks of a sentence that is looked at, at most.
const TOKENS_MAX: usize = 40;
/// Places at which two sentences may differ and still be twins.
const DIFFERENCES_MAX: usize = 2;
/// Letters of such an answer, at most; longer words are another way to say it, more often than another answer.
const ANSWER_LETTERS_MAX: usize = 5;
/// Marks by which one of several printed answers is chosen or struck out.
const CHOOSING: [&str; 8] = ["[", "]", "*", "~", "_", "+", "<", ">"];
/// Returns the sentences of a report that the other has as well, with another answer in them and none like them.
pub(super) fn apart(lex: &Lexicon, own: &Report, other: &Report) -> Vec<(usize, usize)> {
    let theirs = sentences(lex, other);
    let mut found = Vec::new();
    for line in sentences(lex, own) {
        let counts = theirs.iter().filter_map(|twin| differences(&line, twin));
        // The smallest number: one sentence that says the same is enough.
        if counts.min().is_some_and(|count| count > 0)
            && let (Some(first), Some(last)) = (line.tokens.first(), line.tokens.last())
        {
            found.push((first.start, last.end));
        }
    }
    found
}

/// A sentence that names a finding.
struct Line<'a> {
    lex: &'a Lexicon,
    tokens: &'a [Token],
    /// Where the words of the findings stand, which are compared as findings.
    findings: Vec<(usize, usize)>,
}

impl Line<'_> {
    fn is_of_finding(&self, at: usize) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|(first, last)| (*first..=*last).contains(&at))
    }

    /// Says whether a word or mark may be an answer: short, no measure, no number of an image.
    fn is_answer(&self, at: usize) -> bool {
        let data = &self.lex.discerning;
        let is_one_of = |at: Option<usize>, words: &[String]| {
            at.and_then(|at| self.tokens.get(at))
                .is_some_and(|t| words.contains(&t.norm))
        };
        match self.tokens.get(at) {
            Some(t) if t.kind == Kind::Number => {
                !(is_one_of(at.checked_sub(1), &data.pointers)
                    || is_one_of(Some(at + 1), &data.units))
            }
            Some(t) => t.norm.chars().count() <= ANSWER_LETTERS_MAX,
            None => false,
        }
    }
}

fn sentences<'a>(lex: &'a Lexicon, report: &'a Report) -> Vec<Line<'a>> {
    let ends = |t: &Token| matches!(t.kind, Kind::Newline | Kind::Period | Kind::Semicolon);
    let lines = report.text.tokens.split(ends);
    let lines = lines.filter(|line| (2..=TOKENS_MAX).contains(&line.len()));
    let lines = lines.map(|tokens| {
        let hits = lex.finding_terms.find(tokens);
        let findings = hits.iter().map(|hit| (hit.first, hit.last)).collect();
        Line {
            lex,
            tokens,
            findings,
        }
    });
    let lines = lines.filter(|line| !line.findings.is_empty());
    lines.take(SENTENCES_MAX).collect()
}

/// Counts where two sentences of one length differ; `None` when they are no twins.
fn differences(of_a: &Line<'_>, of_b: &Line<'_>) -> Option<usize> {
    let (a, b) = (of_a.tokens, of_b.tokens);
    // "No / [yes]" and "[no] / yes": the words are the same, the marks choose among them.
    if words(a).eq(words(b)) {
        return Some(usize::from(!choices(a).eq(choices(b))));
    }
    if a.len() != b.len() {
        return None;
    }
    let (mut count, mut shares_word) = (0, false);
    for (at, (x, y)) in a.iter().zip(b).enumerate() {
        if x.kind == y.kind && x.norm == y.norm {
            shares_word |= x.kind == Kind::Word && x.norm.len() > 1;
            continue;
        }
        // Two findings are compared as such.
        if of_a.is_of_finding(at) || of_b.is_of_finding(at) {
            return None;
        }
        count += 1;
        if count > DIFFERENCES_MAX || !of_a.is_answer(at) || !of_b.is_answer(at) {
            return None;
        }
        // "Bosniak 3" and "Bosniak III" are one class.
        let is_number = |t: &Token| t.kind == Kind::Number;
        if (is_number(x) && is_roman(y)) || (is_roman(x) && is_number(y)) {
            return None;
        }
    }
    shares_word.then_some(count)
}

fn words(line: &[Token]) -> impl Iterator<Item = &str> {
    let told = |t: &&Token| matches!(t.kind, Kind::Word | Kind::Number);
    line.iter().filter(told).map(|t| t.norm.as_str())
}

/// Marks that choose or strike, each with the number of words before it.
fn choices(line: &[Token]) -> impl Iterator<Item = (usize, &str)> {
    let mut before = 0;
    line.iter().filter_map(move |t| {
        let is_word = matches!(t.kind, Kind::Word | Kind::Number);
        before += usize::from(is_word);
        let chooses = CHOOSING.contains(&t.norm.as_str());
        chooses.then_some((before, t.norm.as_str()))
    })
}

fn is_roman(token: &Token) -> bool {
    token.kind == Kind::Word && token.norm.chars().all(|c| "ivx".contains(c))
}
