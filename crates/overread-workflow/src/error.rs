//! The ways a step can end without doing what was asked.

use serde::Serialize;

/// What a step returns.
pub type StepResult<T> = Result<T, StepError>;

/// One thing to correct, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Name of the form field; empty when the whole page is meant.
    pub field: String,
    /// What is wrong and what to do, for people. Holds no patient data.
    pub message: String,
}

/// Why a step did not happen.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// It is not there, or this actor may not know that it is.
    #[error("there is nothing here")]
    NotFound,
    /// The actor may see it, but not do this with it.
    #[error("this is not allowed for you here")]
    Forbidden,
    /// Somebody else (or another tab) changed it first.
    #[error("it was changed meanwhile")]
    Stale,
    /// Input to be corrected, or a rule of the journey not met yet.
    #[error("{}", first_message(.0))]
    Invalid(Vec<FieldProblem>),
    /// A named limit was reached; the text says which and until when.
    #[error("{0}")]
    Limit(String),
    /// Something broke on our side; logged once, at the door.
    #[error("it could not be saved or read")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn first_message(problems: &[FieldProblem]) -> &str {
    problems
        .first()
        .map_or("something is missing", |problem| problem.message.as_str())
}

impl FieldProblem {
    /// Makes a problem of one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl StepError {
    /// Makes a refusal for one field (empty name: the whole page).
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new(field, message)])
    }

    /// Wraps a fault of ours.
    pub fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(cause))
    }
}

/// Turns collected problems into a refusal when there are any.
pub(crate) fn refuse_if_any(problems: Vec<FieldProblem>) -> StepResult<()> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(StepError::Invalid(problems))
    }
}
