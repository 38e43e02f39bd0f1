//! Here lives the choice of a reviewer: which sub-specialty an exam calls for, and who in the directory fits, with reasons.

mod asked;
mod directory;
mod infer;
mod map;
mod prose;
mod rank;
mod sides;
mod ties;

pub use asked::{AskedExam, names_a_side};
pub use directory::{Reviewer, ReviewerKind, check_directory_entry, is_region};
pub(crate) use infer::groups_in_text;
pub use infer::{Clinical, Confidence, ExamFacts, Suggestion, conditions_of, infer};
pub use map::{
    BadMap, BodyTerm, ClinicalKind, Group, RuleWhen, SpecialtyMap, SpecialtyRule, Subspecialty,
};
pub use rank::{Ranked, Ranking, ReviewNeed, check_choice, language_words, rank};
pub use sides::opposite_sides;
pub(crate) use sides::sides_in_title;

#[cfg(test)]
mod tests;
