//! What the reviewer may sign about a comparison, and when a word of explanation is owed.

use overread_concordance::{Class, Concordance, Overall, Stance};
use overread_model::case::Agreement;
use overread_model::report::{OverallAgreement, SignedReport};

use super::Correction;
use crate::casework::checked_text;
use crate::{FieldProblem, StepResult, limits};

/// What the signed second report itself says about the first.
#[derive(Clone)]
pub struct OwnStatement {
    /// The choice that was signed.
    pub choice: OverallAgreement,
    /// The choice in words.
    pub title: &'static str,
    /// What was written about it; may be empty.
    pub text: String,
}

impl OwnStatement {
    pub(super) fn of(signed: &SignedReport) -> Self {
        Self {
            choice: signed.agreement,
            title: signed.agreement.title(signed.language),
            text: signed
                .sections
                .get("agreement")
                .cloned()
                .unwrap_or_default(),
        }
    }
}

/// Whether what the report says about the first one does not fit this category.
pub fn contradicts(own: &OwnStatement, overall: &str) -> bool {
    let Some(overall) = overall_named(overall) else {
        return false;
    };
    let chosen = match own.choice {
        OverallAgreement::Agree => overall == Overall::ChangesManagement,
        OverallAgreement::DiffersMinor => overall == Overall::ChangesManagement,
        OverallAgreement::DiffersMajor => overall != Overall::ChangesManagement,
        OverallAgreement::NoOriginal => true,
    };
    let written = match overread_concordance::stance(&own.text) {
        Some(Stance::Agrees) => overall == Overall::ChangesManagement,
        Some(Stance::Differs) => overall == Overall::Confirms,
        None => false,
    };
    chosen || written
}

/// Returns the engine's category with this name.
pub(crate) fn overall_named(name: &str) -> Option<Overall> {
    [
        Overall::Confirms,
        Overall::Refines,
        Overall::ChangesManagement,
    ]
    .into_iter()
    .find(|overall| overall.name() == name)
}

/// Returns the signed category in the words of the rules.
pub(crate) fn agreement_of(name: &str) -> Option<Agreement> {
    overall_named(name).map(|overall| match overall {
        Overall::Confirms => Agreement::Concordant,
        Overall::Refines => Agreement::DiscordantMinor,
        Overall::ChangesManagement => Agreement::DiscordantMajor,
    })
}

const CLASSES: [Class; 11] = [
    Class::Contradicted,
    Class::Laterality,
    Class::Location,
    Class::Interpretation,
    Class::Severity,
    Class::Size,
    Class::Certainty,
    Class::MoreDetail,
    Class::Agree,
    Class::OnlyOriginal,
    Class::OnlySecond,
];

/// Returns the class of this name.
#[must_use]
pub fn class_named(name: &str) -> Option<Class> {
    CLASSES.into_iter().find(|class| class.name() == name)
}

/// What is to be signed.
pub(super) struct Judged<'a> {
    pub(super) result: &'a Concordance,
    pub(super) corrections: &'a [Correction],
    pub(super) overall: Overall,
    pub(super) note: &'a str,
    pub(super) own: &'a OwnStatement,
}

/// Refuses what older rules proposed, corrections of rows that are not there, and a judgement that needs a word why.
pub(super) fn check(judged: &Judged<'_>) -> StepResult<()> {
    let Judged {
        result,
        corrections,
        ..
    } = *judged;
    let mut problems = Vec::new();
    if !result.is_current() {
        problems.push(FieldProblem::new(
            "",
            "This comparison was made by older rules. Compare both reports again first.",
        ));
    }
    for correction in corrections {
        if correction.item_idx >= result.items.len() || class_named(&correction.class).is_none() {
            problems.push(FieldProblem::new(
                "corrections",
                "One correction is of no row, or names no class.",
            ));
        }
        checked_text(
            "corrections",
            &correction.note,
            limits::LONG_TEXT_CHARACTERS,
            None,
        )?;
    }
    if corrections.len() > result.items.len() {
        problems.push(FieldProblem::new(
            "corrections",
            "There are more corrections than rows.",
        ));
    }
    if judged.note.chars().count() < limits::REMARK_MIN_CHARACTERS
        && let Some(why) = owed(judged)
    {
        problems.push(FieldProblem::new("note", why));
    }
    let open = rows_against(judged);
    if !open.is_empty() {
        let rows = if open.len() == 1 { "Row" } else { "Rows" };
        let numbers: Vec<String> = open.iter().map(u32::to_string).collect();
        problems.push(FieldProblem::new(
            "overall",
            format!(
                "{rows} {} may change what is done, which is not the same. Judge each under \u{201c}Correct single rows\u{201d} first, or choose what holds.",
                numbers.join(", ")
            ),
        ));
    }
    crate::error::refuse_if_any(problems)
}

/// Returns the rows that may change what is done although the whole is to be called the same.
fn rows_against(judged: &Judged<'_>) -> Vec<u32> {
    if judged.overall != Overall::Confirms {
        return Vec::new();
    }
    let as_judged = super::as_judged(judged.result.clone(), judged.corrections);
    let items = as_judged.items.iter();
    items
        .filter(|item| item.critical && !item.variation)
        .map(|item| item.n)
        .collect()
}

/// Returns why a remark is owed, if one is.
fn owed(judged: &Judged<'_>) -> Option<&'static str> {
    if !judged.result.comparable {
        return Some(
            "These reports could not be compared by rules. Write in one sentence what your judgement rests on.",
        );
    }
    if contradicts(judged.own, judged.overall.name()) {
        return Some(
            "Your signed report says something else about the first report. Write in one sentence which of both holds.",
        );
    }
    (Some(judged.overall) != judged.result.overall)
        .then_some("You chose another category than proposed. Write in one sentence why.")
}

#[cfg(test)]
mod tests;
