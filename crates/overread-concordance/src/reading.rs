//! Here a report is cut into sections, lines and sentences, each with the label it stands under.

use crate::answers;
use crate::lexicon::{Lexicon, joined};
use crate::limits::SENTENCE_TOKENS_MAX;
use crate::text::{Kind, Text, Token};

/// Part of a report a sentence stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// No heading was seen yet.
    Body,
    Findings,
    Impression,
    Recommendation,
    /// Indication, technique, comparison, signatures: never a source of statements.
    Aside,
}

impl Section {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Findings => "findings",
            Self::Impression => "impression",
            Self::Recommendation => "recommendation",
            Self::Aside => "aside",
        }
    }

    fn of(name: &str) -> Self {
        match name {
            "findings" => Self::Findings,
            "impression" => Self::Impression,
            "recommendation" => Self::Recommendation,
            _ => Self::Aside,
        }
    }
}

/// A sentence as a token range, end exclusive.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    pub(crate) first: usize,
    pub(crate) end: usize,
    pub(crate) section: Section,
    /// The label this sentence or its line begins with, as a token range.
    pub(crate) label: Option<(usize, usize)>,
    /// The label begins its line, so it speaks for the whole line.
    pub(crate) label_line: bool,
    /// The label stands inside this very sentence.
    pub(crate) label_inside: bool,
    /// Sentences of one line or paragraph share this number.
    pub(crate) paragraph: usize,
    /// Follows "Indication: ..." without a heading of its own: the report may have begun again.
    pub(crate) soft: bool,
    /// A heading of findings follows, so they have not begun here.
    pub(crate) above_findings: bool,
}

struct Reader<'a> {
    tokens: &'a [Token],
    lex: &'a Lexicon,
    out: Vec<Sentence>,
    section: Section,
    section_once: bool,
    since_heading: usize,
    label: Option<(usize, usize)>,
    label_stays: bool,
    label_line: bool,
    paragraph: usize,
}

/// Sentences at the start of a report that may present the patient.
const OPENING_SENTENCES: usize = 3;

/// Cuts a text into sentences.
pub(crate) fn sentences(text: &Text, lex: &Lexicon) -> Vec<Sentence> {
    let mut reader = Reader {
        tokens: &text.tokens,
        lex,
        out: Vec::new(),
        section: Section::Body,
        section_once: false,
        since_heading: 0,
        label: None,
        label_stays: false,
        label_line: false,
        paragraph: 0,
    };
    reader.run();
    let mut out = reader.out;
    for sentence in out.iter_mut().take(OPENING_SENTENCES) {
        let words = text.tokens.get(sentence.first..sentence.end);
        let told = words.is_some_and(|words| !lex.patient_terms.find(words).is_empty());
        if sentence.section == Section::Body && told {
            sentence.section = Section::Aside;
        }
    }
    let findings = out.iter().position(|s| s.section == Section::Findings);
    for sentence in out.iter_mut().take(findings.unwrap_or(0)) {
        sentence.above_findings = true;
    }
    out
}

impl Reader<'_> {
    fn run(&mut self) {
        let mut first = 0;
        for at in 0..self.tokens.len() {
            let Some(token) = self.tokens.get(at) else {
                break;
            };
            let long = at - first >= SENTENCE_TOKENS_MAX && token.kind == Kind::Comma;
            let chained = || answers::next_question(self.lex, self.tokens, first, at);
            if at > first && (self.boxed(first, at) || chained()) {
                self.sentence(first, at, false);
                first = at;
            }
            let ends = match token.kind {
                Kind::Period => self.period_ends(at),
                Kind::Semicolon => true,
                Kind::Newline => self.newline_ends(at),
                _ => long || at - first >= 2 * SENTENCE_TOKENS_MAX,
            };
            if ends {
                let end = at + usize::from(token.is("?"));
                self.sentence(first, end, token.kind == Kind::Newline);
                first = at + 1;
                if token.kind == Kind::Newline {
                    self.line_break(token.value > 1.0);
                }
            }
        }
        self.sentence(first, self.tokens.len(), true);
    }

    /// "\[x\] Pneumonia \[ \] Effusion": what stands behind each box is a sentence of its own.
    fn boxed(&self, first: usize, at: usize) -> bool {
        answers::ticked(self.tokens, at).is_some()
            && answers::ticked(self.tokens, self.skip_bullet(first, at)).is_some()
            && self
                .tokens
                .get(first..at)
                .is_some_and(|t| t.iter().any(|t| t.is_word() && !t.is("x")))
    }

    fn line_break(&mut self, blank: bool) {
        self.paragraph += 1;
        if !self.label_stays {
            self.label = None;
        }
        if self.section_once && blank {
            self.section = Section::Body;
            self.section_once = false;
        }
    }

    fn period_ends(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|i| self.tokens.get(i));
        let abbreviated = before.is_some_and(|t| {
            matches!(
                t.norm.as_str(),
                "vs" | "dr" | "approx" | "mr" | "e" | "i" | "cf" | "ca" | "fig"
            )
        });
        if self.answered(at) {
            return false;
        }
        !abbreviated
            || self
                .tokens
                .get(at + 1)
                .is_none_or(|t| t.kind == Kind::Newline)
    }

    /// "Stroke? No." and "Stones ..... no" are one sentence each.
    fn answered(&self, at: usize) -> bool {
        let is = |i: usize, norm: &str| self.tokens.get(i).is_some_and(|t| t.is(norm));
        let run = (at..self.tokens.len()).take_while(|i| is(*i, ".")).count();
        let dots = run >= 2 || run == 1 && at > 0 && is(at - 1, ".");
        (is(at, "?") || dots) && answers::follows(self.lex, self.tokens, at + run.max(1))
    }

    fn newline_ends(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else {
            return true;
        };
        let before = at.checked_sub(1).and_then(|i| self.tokens.get(i));
        let after = self.tokens.get(at + 1);
        if token.value > 1.0 {
            return true;
        }
        let wrapped = before
            .is_some_and(|t| t.is_word() || matches!(t.kind, Kind::Comma | Kind::Number))
            && after.is_some_and(|t| t.is_word() && !t.upper)
            && !self.is_heading_line(at);
        let asks = before.is_some_and(|t| t.kind == Kind::Colon || t.is("?"))
            && self.finding_line(at)
            && answers::follows(self.lex, self.tokens, at + 1);
        !wrapped && !asks
    }

    /// Whether the line before a newline names a finding: "Embolism:", with the answer below.
    fn finding_line(&self, newline: usize) -> bool {
        let words = self.tokens.get(..newline).unwrap_or_default();
        let from = words.iter().rposition(|t| t.kind == Kind::Newline);
        let line = words.get(from.map_or(0, |i| i + 1)..).unwrap_or_default();
        !self.lex.finding_terms.find(line).is_empty()
    }

    /// Whether the line before a newline is a section heading.
    fn is_heading_line(&self, newline: usize) -> bool {
        let mut from = newline;
        while from > 0
            && self
                .tokens
                .get(from - 1)
                .is_some_and(|t| t.kind != Kind::Newline)
            && newline - from < 8
        {
            from -= 1;
        }
        self.tokens
            .get(from..newline)
            .is_some_and(|line| self.lex.sections.contains_key(&joined(line)))
    }

    fn sentence(&mut self, first: usize, end: usize, line_end: bool) {
        let mut first = self.skip_bullet(first, end);
        let mut label_inside = false;
        for _ in 0..3 {
            let Some(colon) = self.colon(first, end) else {
                break;
            };
            let label = self.tokens.get(first..colon).unwrap_or_default();
            if let Some(name) = self.lex.sections.get(&joined(label)) {
                self.enter(name, colon + 1 < end);
                first = self.skip_bullet(colon + 1, end);
                label_inside = false;
            } else {
                self.label = Some((first, colon));
                self.label_line = self.begins_line(first);
                self.label_stays = colon + 1 >= end;
                label_inside = true;
                break;
            }
        }
        if first >= end {
            return;
        }
        let words = self.tokens.get(first..end).unwrap_or_default();
        if line_end
            && words.len() <= 6
            && let Some(name) = self.lex.sections.get(&joined(words))
        {
            self.enter(name, false);
            return;
        }
        if line_end && self.section == Section::Aside && self.is_place(words) {
            self.section = Section::Findings;
            self.section_once = false;
        }
        if words.iter().any(Token::is_word) {
            self.out.push(Sentence {
                first,
                end,
                section: self.section,
                label: self.label,
                label_line: self.label_line,
                label_inside,
                paragraph: self.paragraph,
                soft: self.section_once && self.since_heading > 0,
                above_findings: false,
            });
            self.since_heading += 1;
        } else if self.section_once {
            // "DOB: 01/02/1960" has no word, and is over all the same.
            self.since_heading += 1;
        }
    }

    /// "Labrum" on a line of its own: the findings go on by place, whatever stood above.
    fn is_place(&self, words: &[Token]) -> bool {
        let hits = self.lex.node_terms.find(words);
        matches!(hits.as_slice(), [hit] if hit.first == 0 && hit.last + 1 == words.len())
    }

    /// Whether only bullets, numbers or a section heading stand before a token on its line.
    fn begins_line(&self, at: usize) -> bool {
        for t in self.tokens.iter().take(at).rev() {
            match t.kind {
                Kind::Newline | Kind::Colon => return true,
                Kind::Dash
                | Kind::Number
                | Kind::Period
                | Kind::Close
                | Kind::Open
                | Kind::Other => {}
                _ => return false,
            }
        }
        true
    }

    fn enter(&mut self, name: &str, text_follows: bool) {
        self.section = Section::of(name);
        // "HISTORY: back pain" on a line of its own does not swallow the paragraphs after it.
        self.section_once = self.section == Section::Aside && text_follows;
        self.since_heading = 0;
        self.label = None;
        self.label_stays = false;
        self.paragraph += 1;
    }

    fn colon(&self, first: usize, end: usize) -> Option<usize> {
        let range = first..end.min(first + 14);
        let at = range.clone().find(|&i| {
            self.tokens.get(i).is_some_and(|t| {
                t.kind == Kind::Colon && !self.between_digits(i)
                    || (t.kind == Kind::Dash && i > first && i - first <= 6 && i + 1 < end)
            })
        })?;
        let label = self.tokens.get(first..at)?;
        let dash = self.tokens.get(at).is_some_and(|t| t.kind == Kind::Dash);
        let plain = label.iter().all(|t| {
            t.is_word()
                || matches!(
                    t.kind,
                    Kind::Number
                        | Kind::Hyphen
                        | Kind::Slash
                        | Kind::Comma
                        | Kind::Open
                        | Kind::Close
                        | Kind::Other
                )
        });
        let known = self.lex.sections.contains_key(&joined(label));
        (plain && !label.is_empty() && (!dash || known || label.len() <= 5)).then_some(at)
    }

    /// The colon of "3:00 position" is no colon of a label.
    fn between_digits(&self, at: usize) -> bool {
        let (Some(colon), Some(after)) = (self.tokens.get(at), self.tokens.get(at + 1)) else {
            return false;
        };
        let before = at.checked_sub(1).and_then(|i| self.tokens.get(i));
        let tight = |t: &Token| t.kind == Kind::Number && t.end == colon.start;
        before.is_some_and(tight) && after.kind == Kind::Number && after.start == colon.end
    }

    fn skip_bullet(&self, first: usize, end: usize) -> usize {
        let mut at = first;
        while at < end {
            let Some(t) = self.tokens.get(at) else { break };
            if answers::ticked(self.tokens, at).is_some() {
                break;
            }
            let next = self.tokens.get(at + 1).map(|t| t.kind);
            let numbered = t.kind == Kind::Number
                && t.value < 40.0
                && matches!(next, Some(Kind::Period | Kind::Close));
            match t.kind {
                Kind::Dash
                | Kind::Other
                | Kind::Newline
                | Kind::Period
                | Kind::Colon
                | Kind::Comma
                | Kind::Close => at += 1,
                _ if numbered => at += 2,
                _ => break,
            }
        }
        at.min(end)
    }
}
