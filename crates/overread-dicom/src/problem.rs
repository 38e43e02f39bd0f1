//! Why bytes could not be used.

use overread_model::problem::ProblemKind;

/// One thing that is wrong with one file, in plain words and without patient data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DicomProblem {
    /// What sort of problem it is.
    pub kind: ProblemKind,
    /// What happened, for people.
    pub message: String,
}

impl DicomProblem {
    /// Makes a problem.
    pub(crate) fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}
