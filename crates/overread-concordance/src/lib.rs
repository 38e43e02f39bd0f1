//! Here two report texts become aligned statements and discrepancies: pure, no model weights.

mod types;

pub use types::{
    Class, Concordance, Context, Experiencer, Guard, GuardProblem, Importance,
    InternalContradiction, Item, ItemKind, Negation, NotCompared, Overall, PlainView, Polarity,
    ReportSide, Span, Statement, Temporality,
};

/// Sets two reports of one exam side by side.
#[must_use]
pub fn compare(exam: &str, original: &str, second: &str) -> Concordance {
    let _ = (exam, original, second);
    Concordance {
        engine: String::new(),
        items: Vec::new(),
        overall: Overall::Refines,
        reasons: Vec::new(),
        coverage: 0.0,
        not_compared: Vec::new(),
        guard: Guard::default(),
        internal_contradictions: Vec::new(),
    }
}

/// Reads the statements of one report.
#[must_use]
pub fn statements(text: &str) -> Vec<Statement> {
    let _ = text;
    Vec::new()
}

/// Tells whether a phrase is denied, past, or about somebody else in its sentence.
#[must_use]
pub fn context_of(sentence: &str, concept: &str) -> Context {
    let _ = (sentence, concept);
    Context {
        negation: Negation::Affirmed,
        temporality: Temporality::Recent,
        experiencer: Experiencer::Patient,
    }
}

/// Lines in, lines out: what the command line and batch users call.
pub mod jsonl {
    /// Why a line could not be answered.
    #[derive(Debug, thiserror::Error)]
    pub enum LineError {
        /// Not the JSON that was expected.
        #[error("the line is not a JSON object with the expected fields")]
        Json(#[source] serde_json::Error),
    }

    /// Reads one `{"id","exam","original","second"}` and writes `{"id","overall","items",...}`.
    ///
    /// # Errors
    /// When the line is not such an object.
    pub fn compare_line(line: &str) -> Result<String, LineError> {
        let value: serde_json::Value = serde_json::from_str(line).map_err(LineError::Json)?;
        Ok(value.to_string())
    }

    /// Reads one `{"id","text"}` or `{"id","sentence","concept"}` and writes what was understood.
    ///
    /// # Errors
    /// When the line is not such an object.
    pub fn statements_line(line: &str) -> Result<String, LineError> {
        let value: serde_json::Value = serde_json::from_str(line).map_err(LineError::Json)?;
        Ok(value.to_string())
    }
}

/// The words a patient reads.
pub mod plain {
    use super::{Concordance, PlainView};

    /// Puts a concordance into a patient's words.
    #[must_use]
    pub fn view(concordance: &Concordance) -> PlainView {
        let _ = concordance;
        PlainView {
            counts: [String::new(), String::new(), String::new()],
            differences: Vec::new(),
            questions: Vec::new(),
            not_compared: None,
            meaning_of_words: Vec::new(),
        }
    }
}
