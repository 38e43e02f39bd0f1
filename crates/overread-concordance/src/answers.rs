//! Here the answers of templates are read: "Embolism: no", "Stroke? None", "\[x\] Pneumonia", "Fractures: 3".

use crate::hits::FindingAt;
use crate::lexicon::{CueKind, Hit, Lexicon};
use crate::scope::CueAt;
use crate::spots;
use crate::text::{Kind, Token};

mod borders;
mod boxes;

use borders::{Mark, ends};
pub(crate) use boxes::ticked;

/// Longest question, in words and marks.
const QUESTION_TOKENS_MAX: usize = 14;
/// Longest answer of a chain of them, in words and marks.
const ANSWER_TOKENS_MAX: usize = 8;
/// Largest number that is read as how many there are.
const COUNT_MAX: u8 = 99;

/// What a template was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// Present with this certainty.
    Doubt(u8),
    /// Not answered, not assessed, or only the topic of what follows.
    Open,
    Count(u8),
    /// Other answers for other places, "L4-5 yes, L5-S1 no", which are not told apart here.
    Mixed,
    /// A box that stands before its own words and is not ticked.
    Unticked,
    /// A ticked box before words that deny or call normal themselves: they say what they say.
    Told,
}

impl Answer {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "yes" => Self::Yes,
            "no" => Self::No,
            "likely" => Self::Doubt(4),
            "possible" => Self::Doubt(3),
            "unlikely" => Self::Doubt(2),
            "open" => Self::Open,
            _ => return None,
        })
    }
}

/// A question and its answer as token ranges, ends exclusive.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) question: (usize, usize),
    /// Words of the answer: they speak of the question alone.
    pub(crate) words: (usize, usize),
    pub(crate) answer: Answer,
}

/// What is known of a sentence when its answers are looked for.
pub(crate) struct Asked<'a> {
    pub(crate) lex: &'a Lexicon,
    pub(crate) tokens: &'a [Token],
    pub(crate) findings: &'a [FindingAt],
    pub(crate) cues: &'a [CueAt<'a>],
}

/// Whether an answer begins at a token, marks before it apart.
pub(crate) fn follows(lex: &Lexicon, tokens: &[Token], at: usize) -> bool {
    let from = answer_begins(tokens, at);
    let lines = tokens.get(at..from).unwrap_or_default();
    let lines = lines.iter().filter(|t| t.kind == Kind::Newline).count();
    let phrase = || {
        let hit = lex.answer_terms.starting_at(tokens, from);
        hit.is_some_and(|hit| !is_heading(lex, tokens, &hit))
    };
    lines <= 1 && (ticked(tokens, from).is_some() || phrase())
}

/// Whether an answer ends before a token and another question with its answer begins there, nothing between them:
/// "Embolism: no Pneumonia: yes".
pub(crate) fn next_question(lex: &Lexicon, tokens: &[Token], first: usize, at: usize) -> bool {
    let colon = |i: &usize| tokens.get(*i).is_some_and(|t| t.kind == Kind::Colon);
    let told = (at.saturating_sub(ANSWER_TOKENS_MAX).max(first)..at)
        .rev()
        .find(colon)
        .map(|colon| answer_begins(tokens, colon + 1))
        .and_then(|begin| lex.answer_terms.starting_at(tokens, begin))
        .is_some_and(|hit| hit.last + 1 == at);
    let asked = || {
        let border = |t: &Token| {
            matches!(
                t.kind,
                Kind::Colon | Kind::Comma | Kind::Period | Kind::Semicolon | Kind::Newline
            )
        };
        let end = (at..tokens.len().min(at + QUESTION_TOKENS_MAX))
            .find(|i| tokens.get(*i).is_some_and(border))
            .filter(colon)?;
        let named = !lex.finding_terms.find(tokens.get(at..end)?).is_empty();
        Some(named && follows(lex, tokens, end + 1))
    };
    told && asked() == Some(true)
}

/// Whether words are one answer and nothing else, as "Yes", "No" and "Abnormal" above the columns of a table.
pub(crate) fn is_choice(lex: &Lexicon, words: &[Token]) -> bool {
    let hit = lex.answer_terms.starting_at(words, 0);
    let called = matches!(words, [one] if one.is("normal") || one.is("abnormal"));
    called || hit.is_some_and(|hit| hit.last + 1 == words.len())
}

/// Returns where an answer begins: after marks, lines, and the letter of "Q: ... A: ...".
fn answer_begins(tokens: &[Token], at: usize) -> usize {
    let mut at = at;
    while let Some(token) = tokens.get(at) {
        let named = matches!(token.norm.as_str(), "a" | "answer" | "result" | "respuesta");
        let lettered = named && tokens.get(at + 1).is_some_and(|t| t.kind == Kind::Colon);
        let between = noise(token) || token.kind == Kind::Newline;
        if !lettered && !between || ticked(tokens, at).is_some() {
            break;
        }
        at += 1;
    }
    at
}

fn is_heading(lex: &Lexicon, tokens: &[Token], hit: &Hit) -> bool {
    let words = tokens.get(hit.first..=hit.last).unwrap_or_default();
    lex.sections.contains_key(&crate::lexicon::joined(words))
}

/// Marks that may stand between a question and its answer; a plus is one.
fn noise(t: &Token) -> bool {
    let between = matches!(
        t.kind,
        Kind::Dash | Kind::Open | Kind::Close | Kind::Other | Kind::Colon | Kind::Period
    );
    between && !t.is("+")
}

/// Reads the answers of a sentence.
pub(crate) fn read(asked: &Asked<'_>) -> Vec<Answered> {
    let mut boxes = Vec::new();
    let mut at = 0;
    while at < asked.tokens.len() {
        match ticked(asked.tokens, at) {
            Some((end, filled)) => {
                boxes.push((at, end, filled));
                at = end;
            }
            None => at += 1,
        }
    }
    match boxes.first() {
        None if asked.findings.is_empty() => Vec::new(),
        None => asked.words(),
        Some((first, ..)) if asked.tokens.iter().take(*first).all(noise) => asked.lists(&boxes),
        Some(_) => asked.options(&boxes),
    }
}

impl Asked<'_> {
    fn has_finding(&self, from: usize, to: usize) -> bool {
        self.findings.iter().any(|f| f.first >= from && f.last < to)
    }

    fn has_cue(&self, kind: CueKind, from: usize, to: usize) -> bool {
        self.cues
            .iter()
            .any(|c| c.cue.kind == kind && c.first >= from && c.last < to)
    }

    fn phrase(&self, at: usize) -> Option<(usize, Answer)> {
        let hit = self.lex.answer_terms.starting_at(self.tokens, at)?;
        let answer = self.lex.answers.get(*hit.ids.first()?)?;
        Some((hit.last + 1, *answer))
    }

    /// "Embolism: no, effusion: yes".
    fn words(&self) -> Vec<Answered> {
        let mut out: Vec<Answered> = Vec::new();
        let mut from = 0;
        for at in 1..self.tokens.len() {
            if at < from {
                continue;
            }
            if let Some(one) = self.answer_at(from, at) {
                from = one.words.1.max(at + 1);
                out.push(one);
            }
        }
        out
    }

    fn answer_at(&self, from: usize, at: usize) -> Option<Answered> {
        let mark = Mark::at(self.tokens, at, self.findings)?;
        let begin = if mark == Mark::None {
            at
        } else {
            at + usize::from(mark != Mark::Column)
        };
        let question = self.question(from, at)?;
        let first = answer_begins(self.tokens, begin);
        let made = |words: (usize, usize), answer| {
            Some(Answered {
                question,
                words,
                answer,
            })
        };
        if let Some(count) = self.count(first, mark, question) {
            return made((first, first + 1), count);
        }
        let Some((end, answer)) = self.phrase(first) else {
            // "Stroke?" alone: what is only asked is at most possible.
            // "Effusion: -" was left out, and "Nodules: there are no nodules" only names its topic.
            return match mark {
                Mark::Asks if first == self.tokens.len() && first > at + 1 => {
                    made((at, first), Answer::Open)
                }
                Mark::Asks => made((at, at), Answer::Doubt(3)),
                Mark::Tells if first == self.tokens.len() && first > at + 1 => {
                    made((at, first), Answer::Open)
                }
                Mark::Tells if self.denied_again(question, first) => made((at, at), Answer::Open),
                Mark::Tells if self.mixed(first) => made((at, at), Answer::Mixed),
                _ => None,
            };
        };
        if self.tokens.get(end).is_some_and(|t| t.kind == Kind::Slash)
            && self.phrase(end + 1).is_some()
        {
            return made((first, end), Answer::Open);
        }
        if ends(self.tokens, end) {
            return made((first, end), answer);
        }
        if mark == Mark::None || mark == Mark::Opens {
            return None;
        }
        self.answer_in_clause(question, (first, end), mark, answer)
    }

    /// An answer that goes on: "None on this side", "No acute fracture", "Yes, small".
    fn answer_in_clause(
        &self,
        question: (usize, usize),
        words: (usize, usize),
        mark: Mark,
        answer: Answer,
    ) -> Option<Answered> {
        let (first, end) = words;
        let told = mark == Mark::Tells || mark == Mark::Asks;
        let changed = self
            .cues
            .iter()
            .any(|c| c.cue.kind == CueKind::Pseudo && c.first == first);
        let stop = (end..self.tokens.len())
            .find(|i| ends(self.tokens, *i))
            .unwrap_or(self.tokens.len());
        let other = self
            .findings
            .iter()
            .find(|f| f.first >= first && f.last < stop);
        let bare = self.tokens.get(first).is_some_and(|t| t.is("no")) && end == first + 1;
        let answered = |words, answer| {
            Some(Answered {
                question,
                words,
                answer,
            })
        };
        match (answer, other) {
            _ if changed => None,
            (Answer::No, Some(_)) if told && self.denied_again(question, first) => {
                answered((first, first), Answer::Open)
            }
            (_, Some(_)) if mark == Mark::Asks => answered((first, first), Answer::Open),
            (_, Some(_)) => None,
            // "Fracture - no acute": the denial keeps to what is acute.
            (Answer::No, None) if bare && self.only_qualifies(end, stop) => {
                answered((first, end), Answer::No)
            }
            (Answer::No, None) if bare && !told => None,
            _ => answered(words, answer),
        }
    }

    /// Whether what follows a plain question denies the same finding in its own words: "Fracture: no acute fracture".
    fn denied_again(&self, question: (usize, usize), first: usize) -> bool {
        let stop = (first..self.tokens.len())
            .find(|i| ends(self.tokens, *i))
            .unwrap_or(self.tokens.len());
        let within = |from: usize, to: usize| {
            let inside = move |f: &&FindingAt| f.first >= from && f.last < to;
            self.findings.iter().filter(inside)
        };
        let again = within(first, stop).next();
        let kin = again.is_some_and(|f| {
            within(question.0, question.1).any(|q| self.lex.root(q.id) == self.lex.root(f.id))
        });
        let denied = again.is_some_and(|f| self.has_cue(CueKind::Neg, first, f.first));
        kin && denied && self.plain(question)
    }

    /// Whether a denying answer stands behind words of its own: "medial yes, lateral no".
    fn mixed(&self, first: usize) -> bool {
        let named = |at: usize| {
            let before = at.checked_sub(1).and_then(|i| self.tokens.get(i));
            before.is_some_and(|t| t.is_word() || t.kind == Kind::Number)
        };
        let denies = |at: usize| {
            self.phrase(at)
                .is_some_and(|(end, answer)| answer == Answer::No && ends(self.tokens, end))
        };
        !self.has_finding(first, self.tokens.len())
            && (first + 1..self.tokens.len()).any(|at| named(at) && denies(at))
    }

    /// Whether words only narrow a denial: "no acute", "no significant".
    fn only_qualifies(&self, from: usize, to: usize) -> bool {
        let narrows = |at: usize| {
            self.cues.iter().any(|c| {
                matches!(c.cue.kind, CueKind::Acute | CueKind::Qual)
                    && c.first <= at
                    && at <= c.last
            })
        };
        from < to && (from..to).all(narrows)
    }

    /// Whether a question names a finding and describes nothing of it.
    fn plain(&self, question: (usize, usize)) -> bool {
        let (from, to) = question;
        let numbers = self
            .tokens
            .get(from..to)
            .is_some_and(|q| q.iter().any(|t| t.kind == Kind::Number));
        !numbers && !self.has_cue(CueKind::Sev, from, to)
    }

    fn question(&self, from: usize, at: usize) -> Option<(usize, usize)> {
        let border = |t: &Token| matches!(t.kind, Kind::Comma | Kind::Period | Kind::Semicolon);
        let begin = (from..at)
            .rev()
            .filter(|i| self.tokens.get(*i).is_some_and(border))
            .map(|i| i + 1)
            .find(|i| self.has_finding(*i, at))
            .unwrap_or(from);
        let fits = at - begin <= QUESTION_TOKENS_MAX
            && self.has_finding(begin, at)
            && !self.has_cue(CueKind::Neg, begin, at);
        fits.then_some((begin, at))
    }

    /// "Fractures: 3" tells how many, "Fracture: ++" that there is one, "Fracture: F" that there is none; "Modic: 2" does neither.
    fn count(&self, at: usize, mark: Mark, question: (usize, usize)) -> Option<Answer> {
        let (from, to) = question;
        let measured = self
            .findings
            .iter()
            .filter(|f| f.first >= from && f.last < to)
            .any(|f| self.lex.finding(f.id).is_some_and(|x| x.measure));
        let graded = self.has_cue(CueKind::GradeWord, from, to);
        let listed = matches!(mark, Mark::Tells | Mark::Column | Mark::Asks);
        let pluses = self.tokens.iter().skip(at).take_while(|t| t.is("+"));
        let pluses = pluses.count();
        if measured || graded || !listed || !ends(self.tokens, at + pluses.max(1)) {
            return None;
        }
        if pluses > 0 {
            return Some(Answer::Yes);
        }
        let token = self.tokens.get(at)?;
        if token.kind == Kind::Number && token.value == 0.0 && token.norm.len() == 1 {
            return Some(Answer::No);
        }
        match token.norm.as_str() {
            "f" => return Some(Answer::No),
            "t" => return Some(Answer::Yes),
            _ => {}
        }
        spots::plain_number(token)
            .filter(|n| (1..=COUNT_MAX).contains(n))
            .map(Answer::Count)
    }
}
