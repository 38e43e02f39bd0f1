//! Here the rows of a table with a header become lines: "L4-L5: canal stenosis severe".

use crate::answers;
use crate::lexicon::{CueKind, Lexicon, joined};
use crate::limits::REPORT_CHARS_MAX;
use crate::text::{self, Kind, Text, Token};

/// Columns read of a table, at most.
const COLUMNS_MAX: usize = 16;

/// A cell: its tokens as a range.
type Cell = (usize, usize);

/// A line of a report: its tokens, and its cells when it is one of a table.
struct Line {
    first: usize,
    end: usize,
    cells: Vec<Cell>,
}

/// What the columns of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Columns {
    /// "Yes", "No": a tick in a cell chooses.
    Answers,
    /// "Canal stenosis": the cell answers it.
    Findings,
}

/// Reads a report; the cells of its tables stand behind the words of their row and column.
pub(crate) fn read(lex: &Lexicon, report: &str) -> Text {
    let mut text = text::read(report, REPORT_CHARS_MAX, &lex.spelling);
    lex.spanish.translate(lex, &mut text);
    let lines = lines(&text);
    for (at, kind) in answered(lex, &text, &lines) {
        if let Some(token) = text.tokens.get_mut(at) {
            *token = sign(kind, token.start);
        }
    }
    if lines.iter().any(|l| l.cells.len() > 1) {
        text.tokens = laid_out(lex, &text, &lines);
    }
    text
}

/// Lists the line ends that are colons, and those that are commas: a table was written cell by cell, the cells of a row
/// below its label.
fn answered(lex: &Lexicon, text: &Text, lines: &[Line]) -> Vec<(usize, Kind)> {
    let words = |at: usize| {
        let line = lines.get(at);
        let tokens = line.and_then(|l| text.tokens.get(l.first..l.end));
        tokens.unwrap_or_default()
    };
    let mut out = Vec::new();
    let mut at = 0;
    while at + 1 < lines.len() {
        let titled = lex.table_titles.contains(&joined(words(at)));
        let is_title = |n: &usize| lex.value_titles.contains(&joined(words(at + n)));
        let values = (1..COLUMNS_MAX).take_while(is_title).count();
        let columns = values + 1;
        let first = at + columns;
        let rows = if titled && values > 0 {
            rows(lex, &words, first, columns)
        } else {
            0
        };
        if rows >= ROWS_MIN {
            for row in 0..rows {
                let cell = |n: usize| lines.get(first + columns * row + n);
                out.extend(cell(0).map(|l| (l.end, Kind::Colon)));
                let between = (1..values).filter_map(cell);
                out.extend(between.map(|l| (l.end, Kind::Comma)));
            }
            at = first + columns * rows;
            continue;
        }
        if is_question(lex, words(at)) && answers::is_choice(lex, words(at + 1)) {
            out.extend(lines.get(at).map(|l| (l.end, Kind::Colon)));
        }
        at += 1;
    }
    out
}

/// Counts the rows, each a line with a label and a line for each thing that is said of it.
fn rows<'a>(
    lex: &Lexicon,
    words: &impl Fn(usize) -> &'a [Token],
    first: usize,
    columns: usize,
) -> usize {
    let is_row = |n: &usize| {
        let at = first + columns * n;
        let label = words(at);
        let short = label.iter().filter(|t| t.is_word()).count() <= QUESTION_WORDS_MAX + 1;
        let mark = |t: &Token| matches!(t.kind, Kind::Period | Kind::Colon);
        let section = lex.sections.contains_key(&joined(label));
        let filled = (1..columns).all(|c| !words(at + c).is_empty());
        !label.is_empty() && filled && short && !label.iter().any(mark) && !section
    };
    (0..ROWS_MAX).take_while(is_row).count()
}

/// Rows from which a header tells of a table, and rows read of one, at most.
const ROWS_MIN: usize = 2;
const ROWS_MAX: usize = 200;
/// Words of a line that asks for an answer on the next one, at most.
const QUESTION_WORDS_MAX: usize = 5;

/// "Free air" above "None".
fn is_question(lex: &Lexicon, line: &[Token]) -> bool {
    let plain = line.iter().all(|t| t.is_word() || t.kind == Kind::Hyphen);
    let named = !lex.finding_terms.find(line).is_empty();
    let cues = lex.cue_terms.find(line);
    let denied = crate::scope::cues(&cues, lex)
        .iter()
        .any(|c| c.cue.kind == CueKind::Neg);
    plain && named && !denied && line.len() <= QUESTION_WORDS_MAX
}

fn lines(text: &Text) -> Vec<Line> {
    let mut out = Vec::new();
    let mut first = 0_usize;
    for at in 0..=text.tokens.len() {
        let token = text.tokens.get(at);
        if token.is_some_and(|t| t.kind != Kind::Newline) {
            continue;
        }
        let begin = first.checked_sub(1).and_then(|i| text.tokens.get(i));
        let begin = begin.map_or(0, |t| t.end);
        let end = token.map_or(text.chars.len(), |t| t.start);
        out.push(Line {
            first,
            end: at,
            cells: cells(text, (first, at), (begin, end)),
        });
        first = at + 1;
    }
    out
}

/// Cuts a line at its bars, or at its tabs when it has no bar.
fn cells(text: &Text, tokens: (usize, usize), chars: (usize, usize)) -> Vec<Cell> {
    let line = text.chars.get(chars.0..chars.1).unwrap_or_default();
    let bar = if line.contains(&'|') { '|' } else { '\t' };
    if !line.contains(&bar) {
        return Vec::new();
    }
    let from = line.iter().position(|c| !c.is_whitespace()).unwrap_or(0);
    let framed = bar == '|' && line.get(from) == Some(&'|');
    let mut begin = chars.0;
    let mut at = tokens.0;
    let mut out = Vec::new();
    let borders = (0..line.len()).filter(|i| line.get(*i) == Some(&bar));
    for border in borders.map(|i| chars.0 + i).chain([chars.1]) {
        let before = |i: &usize| {
            let token = text.tokens.get(*i);
            *i < tokens.1 && token.is_some_and(|t| t.start < border)
        };
        let end = (at..tokens.1)
            .take_while(before)
            .last()
            .map_or(at, |i| i + 1);
        let margin = framed && (begin == chars.0 || border == chars.1) && at == end;
        if !margin {
            out.push((at, end));
        }
        begin = border + 1;
        let bars = text.tokens.get(end).is_some_and(|t| t.start == border);
        at = end + usize::from(bars && end < tokens.1);
    }
    out.truncate(COLUMNS_MAX);
    out
}

fn laid_out(lex: &Lexicon, text: &Text, lines: &[Line]) -> Vec<Token> {
    let tokens = &text.tokens;
    let mut out = Vec::with_capacity(tokens.len());
    let mut header: Option<(&Line, Columns)> = None;
    for (number, line) in lines.iter().enumerate() {
        let all = tokens.get(line.first..line.end).unwrap_or_default();
        let rule =
            !line.cells.is_empty() && !all.iter().any(|t| t.is_word() || t.kind == Kind::Number);
        if line.cells.len() < 2 {
            header = None;
        }
        match header {
            Some((head, columns)) if !rule => row(lex, tokens, head, columns, line, &mut out),
            Some(_) => {}
            None => {
                let below = lines.get(number + 1).is_some_and(|l| l.cells.len() > 1);
                header = columns(lex, tokens, line)
                    .filter(|_| below)
                    .map(|c| (line, c));
                if header.is_none() {
                    out.extend_from_slice(all);
                }
            }
        }
        out.extend(tokens.get(line.end).cloned());
    }
    out
}

/// Tells what the columns of a header are; `None` for a line that is none.
fn columns(lex: &Lexicon, tokens: &[Token], line: &Line) -> Option<Columns> {
    let cell = |c: &Cell| tokens.get(c.0..c.1).unwrap_or_default();
    let (label, rest) = line.cells.split_first()?;
    let names = |words: &[Token]| !lex.finding_terms.find(words).is_empty();
    let placed = |words: &[Token]| !lex.node_terms.find(words).is_empty();
    // "| Right | hydronephrosis |" is a line of its own and no header.
    let title = joined(cell(label));
    if !title.is_empty() && !lex.table_titles.contains(&title) {
        return None;
    }
    let answers = rest
        .iter()
        .filter(|c| answers::is_choice(lex, cell(c)))
        .count();
    let named = rest.iter().any(|c| names(cell(c)) || placed(cell(c)));
    match answers {
        2.. => Some(Columns::Answers),
        _ if named && answers == 0 => Some(Columns::Findings),
        _ => None,
    }
}

/// Writes a row as a line: its first cell, a colon, and what its columns say of it.
fn row(
    lex: &Lexicon,
    tokens: &[Token],
    head: &Line,
    columns: Columns,
    line: &Line,
    out: &mut Vec<Token>,
) {
    let cell = |c: Option<&Cell>| c.and_then(|c| tokens.get(c.0..c.1)).unwrap_or_default();
    let label = cell(line.cells.first());
    let Some(last) = label.last() else {
        out.extend_from_slice(tokens.get(line.first..line.end).unwrap_or_default());
        return;
    };
    let pairs: Vec<(&[Token], &[Token])> = (1..line.cells.len())
        .map(|i| (cell(head.cells.get(i)), cell(line.cells.get(i))))
        .collect();
    let choice = |(title, _): &&(&[Token], &[Token])| answers::is_choice(lex, title);
    let chosen: Vec<_> = pairs
        .iter()
        .filter(choice)
        .filter(|(_, c)| is_tick(c))
        .collect();
    out.extend_from_slice(label);
    let mut say = |words: &[Token], kind: Kind| {
        let end = out.last().map_or(last.end, |t| t.end);
        out.push(sign(kind, end));
        out.extend_from_slice(words);
    };
    match (columns, chosen.as_slice()) {
        (Columns::Answers, [(title, tick)]) => {
            say(&at(title, tick), Kind::Colon);
            for (_, words) in pairs.iter().filter(|p| !choice(p) && !p.1.is_empty()) {
                say(words, Kind::Semicolon);
            }
        }
        (Columns::Answers, _) => {
            let open = text::read("not assessed", usize::MAX, &lex.spelling).tokens;
            say(&at(&open, label), Kind::Colon);
        }
        (Columns::Findings, _) => {
            let mut mark = Kind::Colon;
            for (title, words) in pairs.iter().filter(|(_, c)| c.iter().any(said)) {
                let own = !lex.finding_terms.find(words).is_empty()
                    && !lex.finding_terms.find(title).is_empty();
                let known = !lex.finding_terms.find(title).is_empty()
                    || !lex.node_terms.find(title).is_empty();
                let mut told = if known && !own {
                    at(title, words)
                } else {
                    Vec::new()
                };
                told.extend_from_slice(words);
                say(&told, mark);
                mark = Kind::Semicolon;
            }
        }
    }
}

fn said(token: &Token) -> bool {
    token.is_word() || matches!(token.kind, Kind::Number | Kind::Other)
}

/// Whether a cell holds a tick and nothing else.
fn is_tick(cell: &[Token]) -> bool {
    let boxed = answers::ticked(cell, 0).is_some_and(|(end, filled)| filled && end == cell.len());
    boxed || matches!(cell, [one] if matches!(one.norm.as_str(), "x" | "+" | "yes" | "y"))
}

/// The words of a column, said at the place of a cell.
fn at(title: &[Token], cell: &[Token]) -> Vec<Token> {
    let place = cell.first().map_or(0, |t| t.start);
    let moved = |t: &Token| Token {
        start: place,
        end: place,
        ..t.clone()
    };
    title.iter().map(moved).collect()
}

fn sign(kind: Kind, place: usize) -> Token {
    let norm = match kind {
        Kind::Colon => ":",
        Kind::Comma => ",",
        _ => ";",
    };
    Token {
        kind,
        start: place,
        end: place,
        norm: norm.to_string(),
        value: 0.0,
        upper: false,
        capitals: false,
    }
}
