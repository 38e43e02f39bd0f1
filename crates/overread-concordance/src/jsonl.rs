//! Here lines of JSON go in and lines of JSON come out, for the command line and batch users.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::limits::LINE_BYTES_MAX;
use crate::types::{Item, ItemKind};

/// Why a line could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not the JSON that was expected.
    #[error("the line is not a JSON object with the expected fields")]
    Json(#[source] serde_json::Error),
    /// The phrase asked about does not stand in the sentence.
    #[error("no word of the concept stands in the sentence, so nothing can be said of it")]
    NoConcept,
    /// Longer than is read.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
}

#[derive(Deserialize)]
struct PairLine {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    exam: String,
    original: String,
    second: String,
}

#[derive(Deserialize)]
struct TextLine {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    sentence: Option<String>,
    #[serde(default)]
    concept: Option<String>,
}

fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, LineError> {
    if line.len() > LINE_BYTES_MAX {
        return Err(LineError::TooLong);
    }
    serde_json::from_str(line).map_err(LineError::Json)
}

/// Reads one `{"id","exam","original","second"}` and writes `{"id","overall","items",...}`.
///
/// Advice stands under `recommendations`, everything else under `items`.
///
/// # Errors
/// When the line is not such an object.
pub fn compare_line(line: &str) -> Result<String, LineError> {
    let pair: PairLine = parse(line)?;
    let c = crate::compare(&pair.exam, &pair.original, &pair.second);
    let (advice, items): (Vec<Item>, Vec<Item>) = c
        .items
        .into_iter()
        .partition(|i| i.kind == ItemKind::Recommendation);
    Ok(json!({
        "id": pair.id,
        "comparable": c.comparable,
        "overall": c.overall,
        "items": items,
        "recommendations": advice,
        "reasons": c.reasons,
        "coverage": c.coverage,
        "not_compared": c.not_compared,
        "guard": c.guard,
        "internal_contradictions": c.internal_contradictions,
        "engine": c.engine,
    })
    .to_string())
}

/// Reads one `{"id","text"}` or `{"id","sentence","concept"}` and writes what was understood.
///
/// # Errors
/// When the line is not such an object, or the concept does not stand in the sentence.
pub fn statements_line(line: &str) -> Result<String, LineError> {
    let asked: TextLine = parse(line)?;
    if let Some(concept) = asked.concept {
        let sentence = asked.sentence.or(asked.text).unwrap_or_default();
        if !crate::scope::names(&sentence, &concept) {
            return Err(LineError::NoConcept);
        }
        let context = crate::context_of(&sentence, &concept);
        return Ok(json!({
            "id": asked.id,
            "negation": context.negation,
            "temporality": context.temporality,
            "experiencer": context.experiencer,
        })
        .to_string());
    }
    let statements = crate::statements(&asked.text.or(asked.sentence).unwrap_or_default());
    Ok(json!({ "id": asked.id, "statements": statements }).to_string())
}
