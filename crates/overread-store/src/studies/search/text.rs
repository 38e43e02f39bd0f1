//! Texts and names as conditions: whole, from the start, or anywhere.

use super::TextMatch;
use crate::Tx;
use crate::error::StoreResult;
use crate::fold::fold;
use crate::limits::{COMMON_NAME_STUDIES, NAME_PART_CHARS};
use crate::script::values;
use crate::studies::sql::{Arg, Clause};

/// Says what a pattern asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    /// `*` or nothing: no question.
    Anything,
    /// No wildcard.
    Exact(String),
    /// Only a `*` at the end: a range of the index.
    Prefix(String),
    /// Anything else, for `like`.
    Like(String),
}

pub(super) fn pattern(text: &str) -> Pattern {
    if text.chars().all(|character| character == '*') {
        return Pattern::Anything;
    }
    let body = text.trim_end_matches('*');
    if !body.contains(['*', '?']) {
        let body = body.to_owned();
        return if body.len() == text.len() {
            Pattern::Exact(body)
        } else {
            Pattern::Prefix(body)
        };
    }
    Pattern::Like(like(text))
}

/// Writes a DICOM pattern for `like .. escape '\'`.
fn like(text: &str) -> String {
    let mut like = String::with_capacity(text.len() + 4);
    for character in text.chars() {
        match character {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' | '\\' => like.extend(['\\', character]),
            other => like.push(other),
        }
    }
    like
}

/// The smallest text that is greater than every text with this prefix.
fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

fn and_like(clause: &mut Clause, expression: &'static str, like: String) {
    clause.and(expression);
    clause.push(" like ");
    clause.arg(Arg::Text(like));
    clause.push(" escape '\\'");
}

/// Adds `column >= $n and column < $m` without a `where` or `and` before it.
fn push_range(clause: &mut Clause, column: &'static str, prefix: &str) {
    clause.push(column);
    clause.push(" >= ");
    clause.arg(Arg::Text(prefix.to_owned()));
    clause.push(" and ");
    clause.push(column);
    clause.push(" < ");
    clause.arg(Arg::Text(after_prefix(prefix)));
}

/// Adds the condition that a text column matches. `lowered` is the column in small letters: `like` of the two databases
/// treats them differently.
pub(super) fn text(
    clause: &mut Clause,
    column: &'static str,
    lowered: &'static str,
    text: Option<&TextMatch>,
) {
    let Some(text) = text else { return };
    match pattern(text.0.trim()) {
        Pattern::Anything => {}
        Pattern::Exact(value) => clause.equal(column, Arg::Text(value)),
        Pattern::Prefix(prefix) => {
            clause.and("");
            push_range(clause, column, &prefix);
        }
        // Both databases lower ASCII alone in these columns.
        Pattern::Like(like) => and_like(clause, lowered, like.to_ascii_lowercase()),
    }
}

/// Adds the condition that one of several values matches.
pub(super) fn any_of(clause: &mut Clause, column: &'static str, values: &[String]) {
    let (plain, patterns): (Vec<String>, Vec<String>) = values
        .iter()
        .cloned()
        .partition(|value| !value.contains(['*', '?']));
    if patterns.is_empty() {
        return clause.any_of(column, &plain);
    }
    clause.and("(1 = 0");
    if !plain.is_empty() {
        clause.push(" or ");
        clause.push(column);
        clause.push(" in (");
        clause.list(&plain);
        clause.push(")");
    }
    for value in patterns {
        clause.push(" or ");
        clause.push(column);
        clause.push(" like ");
        clause.arg(Arg::Text(like(&value)));
        clause.push(" escape '\\'");
    }
    clause.push(")");
}

/// What is asked of a patient's name, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NameQuestion {
    pattern: Option<Pattern>,
    words: Vec<String>,
    /// What may stand anywhere in the name, to be looked up.
    parts: Vec<String>,
}

/// Folds a name pattern, keeping its wildcards.
fn folded(text: &TextMatch) -> Pattern {
    let open_start = text.0.starts_with('*');
    let folded = fold(&text.0);
    // "Doe^*" means every given name of Doe; the folded row ends without the separator when there is none.
    let folded = folded.replace(" *", "*");
    pattern(&if open_start && !folded.starts_with('*') {
        format!("*{folded}")
    } else {
        folded
    })
}

/// Folds what was typed and takes it apart at what separates words of a name.
fn words(typed: &[TextMatch]) -> Vec<String> {
    let folded: Vec<String> = typed.iter().map(|word| fold(&word.0)).collect();
    folded
        .iter()
        .flat_map(|text| text.split([' ', '-', '=']))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

impl NameQuestion {
    /// Folds what is asked.
    pub(super) fn of(name: Option<&TextMatch>, typed: &[TextMatch]) -> Self {
        let mut question = Self {
            pattern: name.map(folded),
            words: words(typed),
            parts: Vec::new(),
        };
        let mut parts = question.words.clone();
        match &question.pattern {
            Some(Pattern::Like(like)) => parts.extend(longest_literal(like)),
            Some(Pattern::Exact(text) | Pattern::Prefix(text)) if !text.is_ascii() => {
                parts.push(text.clone());
            }
            _ => {}
        }
        let parts = parts
            .iter()
            .map(|part| part.chars().take(NAME_PART_CHARS).collect());
        question.parts = parts.collect();
        question
    }

    /// Looks up only what few names hold, for a page of the newest: what many hold is met soon.
    pub(super) async fn for_page(mut self, tx: &mut Tx) -> StoreResult<Self> {
        let mut rare = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            if is_rare(tx, &part).await? {
                rare.push(part);
            }
        }
        self.parts = rare;
        Ok(self)
    }

    /// Adds what is asked as conditions on `study`.
    pub(super) fn conditions(&self, clause: &mut Clause) {
        for part in &self.parts {
            clause.and("study.id in (select study_id from study_name_part where ");
            push_range(clause, "part", part);
            clause.push(")");
        }
        match &self.pattern {
            None | Some(Pattern::Anything) => {}
            Some(Pattern::Exact(text)) => self.exact(clause, text),
            Some(Pattern::Prefix(text)) if text.is_ascii() => {
                clause.and("");
                push_range(clause, "study.patient_name_folded", text);
            }
            // The ideographic and the phonetic group stand behind the alphabetic one.
            Some(Pattern::Prefix(text)) => {
                and_like(clause, GROUPS, format!("%={}%", like(text)));
            }
            // The part says it all.
            Some(Pattern::Like(like))
                if self.parts.iter().any(|part| *like == format!("%{part}%")) => {}
            Some(Pattern::Like(like)) if like.starts_with('%') && like.ends_with('%') => {
                and_like(clause, "study.patient_name_folded", like.clone());
            }
            Some(Pattern::Like(like)) => and_like(clause, GROUPS, format!("%={like}=%")),
        }
        for word in &self.words {
            and_like(clause, WORDS, format!("% {}%", like(word)));
        }
    }

    fn exact(&self, clause: &mut Clause, text: &str) {
        if !text.is_ascii() {
            return and_like(clause, GROUPS, format!("%={}=%", like(text)));
        }
        clause.and("(study.patient_name_folded = ");
        clause.arg(Arg::Text(text.to_owned()));
        clause.push(" or (");
        push_range(clause, "study.patient_name_folded", &format!("{text}="));
        clause.push("))");
    }
}

/// The component groups of a name, each between signs of equality.
const GROUPS: &str = "('=' || study.patient_name_folded || '=')";
/// The words of a name, each behind a space.
const WORDS: &str = "(' ' || replace(replace(study.patient_name_folded, '=', ' '), '-', ' '))";
/// The referring physician's name folded; rows of earlier versions are folded as well as SQL can.
const PHYSICIAN: &str = "coalesce(study.referring_physician_folded, \
    lower(replace(study.referring_physician_name, '^', ' ')), '')";
const PHYSICIAN_WORDS: &str = "(' ' || replace(replace(coalesce(study.referring_physician_folded, \
    lower(replace(study.referring_physician_name, '^', ' ')), ''), '=', ' '), '-', ' '))";

/// Adds what is asked of the referring physician.
pub(super) fn physician(clause: &mut Clause, name: Option<&TextMatch>, typed: &[TextMatch]) {
    match name.map(folded) {
        None | Some(Pattern::Anything) => {}
        Some(Pattern::Exact(text)) => {
            clause.equal(PHYSICIAN, Arg::Text(text));
        }
        Some(Pattern::Prefix(text)) => and_like(clause, PHYSICIAN, format!("{}%", like(&text))),
        Some(Pattern::Like(like)) => and_like(clause, PHYSICIAN, like),
    }
    for word in words(typed) {
        and_like(clause, PHYSICIAN_WORDS, format!("% {}%", like(&word)));
    }
}

/// The longest run of a `like` pattern without a wildcard or an escape.
fn longest_literal(like: &str) -> Option<String> {
    let runs = like.split(['%', '_', '\\']);
    let longest = runs.max_by_key(|run| run.chars().count())?;
    (!longest.is_empty()).then(|| longest.to_owned())
}

/// Says whether few enough names hold a part that looking each up costs less than going over the newest studies.
async fn is_rare(tx: &mut Tx, part: &str) -> StoreResult<bool> {
    let rows: Vec<(i64,)> = tx
        .rows(
            "select count(*) from (select 1 from study_name_part where part >= $1 and part < $2 limit $3) few",
            values![part, after_prefix(part), COMMON_NAME_STUDIES],
        )
        .await?;
    Ok(rows.iter().all(|(count,)| *count < COMMON_NAME_STUDIES))
}
