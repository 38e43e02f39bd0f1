//! The ways a step can end without doing what was asked.

use overread_model::case::Refusal;
pub use overread_model::text::FieldProblem;
use overread_store::StoreError;

/// What a step returns.
pub type StepResult<T> = Result<T, StepError>;

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

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<Refusal> for StepError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotYours { .. } => Self::Forbidden,
            Refusal::NotPossible { .. } => Self::invalid("", capitalised(&refusal.to_string())),
            Refusal::NotYet(guards) => Self::Invalid(
                guards
                    .iter()
                    .map(|guard| FieldProblem::new("", capitalised(guard.refusal())))
                    .collect(),
            ),
        }
    }
}

/// Returns words as a sentence.
fn capitalised(words: &str) -> String {
    let mut characters = words.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
