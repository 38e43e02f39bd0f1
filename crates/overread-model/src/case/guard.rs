//! What must be true before a case moves.

use serde::Serialize;

use super::facts::CaseFacts;
use super::track::{Outcome, UrgentCategory, UrgentTrack};
use crate::limits;
use crate::time::Timestamp;

/// From this identity score on, images count as the patient's without a person confirming it.
pub const IDENTITY_SURE: f64 = 0.9;

/// One condition of a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Patient identity fields complete.
    IdentityComplete,
    /// Requester type set.
    RequesterKindSet,
    /// Clinical question or reason set.
    QuestionOrReasonSet,
    /// Red-flag questionnaire answered: no emergency answer.
    NoRedFlag,
    /// Signed consent on file.
    ConsentOnFile,
    /// A red-flag answer is yes.
    RedFlagRaised,
    /// Signature, date, expiry, authority when representative.
    ConsentComplete,
    /// >=1 study imported.
    StudyImported,
    /// Import job finished.
    ImportFinished,
    /// >=1 rule of severity block without override.
    BlockerOpen,
    /// Reason text.
    OverrideReason,
    /// Rule ids listed.
    OverrideRulesListed,
    /// No open block rule.
    NoBlockerOpen,
    /// Identity score >= 0.9 or confirmed by coordinator.
    IdentityMatches,
    /// Reviewer credential active.
    ReviewerCredentialActive,
    /// Licence for the patient location or consult-to-physician mode.
    LicenceFits,
    /// No conflict of interest (not the first reader, not the same group unless disclosed).
    NoConflict,
    /// Reason.
    ReasonGiven,
    /// One of: authorization approved and valid on the review date; payer says none needed; self-pay estimate accepted and paid or deposit; charity/insurer-paid.
    CoverageSettled,
    /// Denial reason stored.
    DenialReasonStored,
    /// Conflict statement.
    ConflictStatement,
    /// Credential active.
    CredentialActive,
    /// Question text.
    QuestionText,
    /// Quality = non-diagnostic, list.
    ImagesNonDiagnostic,
    /// Mandatory sections filled.
    MandatorySectionsFilled,
    /// Re-authentication.
    Reauthenticated,
    /// Quality assessment set.
    QualityAssessed,
    /// Agreement set per original finding or "original report not available".
    AgreementSet,
    /// Comparison built or not possible.
    ComparisonBuilt,
    /// Urgent track closed when it was opened.
    UrgentClosed,
    /// Plain-language text present.
    PlainTextPresent,
    /// Result is discordant, or requester asks.
    FollowUpWanted,
    /// Discordance present.
    DiscordancePresent,
    /// Outcome: original confirmed | second confirmed | both partly | undetermined.
    OutcomeSet,
    /// Concordant or follow-up declined.
    ConcordantOrDeclined,
    /// Within P30D.
    WithinReopenTime,
}

impl Guard {
    /// Every condition.
    pub const ALL: &'static [Self] = &[
        Self::IdentityComplete,
        Self::RequesterKindSet,
        Self::QuestionOrReasonSet,
        Self::NoRedFlag,
        Self::ConsentOnFile,
        Self::RedFlagRaised,
        Self::ConsentComplete,
        Self::StudyImported,
        Self::ImportFinished,
        Self::BlockerOpen,
        Self::OverrideReason,
        Self::OverrideRulesListed,
        Self::NoBlockerOpen,
        Self::IdentityMatches,
        Self::ReviewerCredentialActive,
        Self::LicenceFits,
        Self::NoConflict,
        Self::ReasonGiven,
        Self::CoverageSettled,
        Self::DenialReasonStored,
        Self::ConflictStatement,
        Self::CredentialActive,
        Self::QuestionText,
        Self::ImagesNonDiagnostic,
        Self::MandatorySectionsFilled,
        Self::Reauthenticated,
        Self::QualityAssessed,
        Self::AgreementSet,
        Self::ComparisonBuilt,
        Self::UrgentClosed,
        Self::PlainTextPresent,
        Self::FollowUpWanted,
        Self::DiscordancePresent,
        Self::OutcomeSet,
        Self::ConcordantOrDeclined,
        Self::WithinReopenTime,
    ];

    /// Returns the words of the data file.
    pub const fn words(self) -> &'static str {
        match self {
            Self::IdentityComplete => "patient identity fields complete",
            Self::RequesterKindSet => "requester type set",
            Self::QuestionOrReasonSet => "clinical question or reason set",
            Self::NoRedFlag => "red-flag questionnaire answered: no emergency answer",
            Self::ConsentOnFile => "signed consent on file",
            Self::RedFlagRaised => "a red-flag answer is yes",
            Self::ConsentComplete => "signature, date, expiry, authority when representative",
            Self::StudyImported => ">=1 study imported",
            Self::ImportFinished => "import job finished",
            Self::BlockerOpen => ">=1 rule of severity block without override",
            Self::OverrideReason => "reason text",
            Self::OverrideRulesListed => "rule ids listed",
            Self::NoBlockerOpen => "no open block rule",
            Self::IdentityMatches => "identity score >= 0.9 or confirmed by coordinator",
            Self::ReviewerCredentialActive => "reviewer credential active",
            Self::LicenceFits => "licence for the patient location or consult-to-physician mode",
            Self::NoConflict => {
                "no conflict of interest (not the first reader, not the same group unless disclosed)"
            }
            Self::ReasonGiven => "reason",
            Self::CoverageSettled => {
                "one of: authorization approved and valid on the review date; payer says none needed; self-pay estimate accepted and paid or deposit; charity/insurer-paid"
            }
            Self::DenialReasonStored => "denial reason stored",
            Self::ConflictStatement => "conflict statement",
            Self::CredentialActive => "credential active",
            Self::QuestionText => "question text",
            Self::ImagesNonDiagnostic => "quality = non-diagnostic, list",
            Self::MandatorySectionsFilled => "mandatory sections filled",
            Self::Reauthenticated => "re-authentication",
            Self::QualityAssessed => "quality assessment set",
            Self::AgreementSet => {
                "agreement set per original finding or \"original report not available\""
            }
            Self::ComparisonBuilt => "comparison built or not possible",
            Self::UrgentClosed => "urgent track closed when it was opened",
            Self::PlainTextPresent => "plain-language text present",
            Self::FollowUpWanted => "result is discordant, or requester asks",
            Self::DiscordancePresent => "discordance present",
            Self::OutcomeSet => {
                "outcome: original confirmed | second confirmed | both partly | undetermined"
            }
            Self::ConcordantOrDeclined => "concordant or follow-up declined",
            Self::WithinReopenTime => "within P30D",
        }
    }

    /// Returns what a person reads when the condition is not met: a fact in plain words, lower case, no full stop.
    pub const fn refusal(self) -> &'static str {
        match self {
            Self::IdentityComplete => "the name and birth date of the patient are not complete",
            Self::RequesterKindSet => {
                "it is not said who asks: the patient, a parent, a representative, a physician or an insurer"
            }
            Self::QuestionOrReasonSet => {
                "neither a question for the reviewer nor a reason for asking is written"
            }
            Self::NoRedFlag => "the emergency questions are not all answered with no",
            Self::ConsentOnFile => "no complete, signed consent is on file",
            Self::RedFlagRaised => "no emergency question was answered with yes",
            Self::ConsentComplete => {
                "the consent needs a signature, a date, an end date and, from a representative, the basis of authority"
            }
            Self::StudyImported => "no images have arrived yet",
            Self::ImportFinished => "images are still being imported",
            Self::BlockerOpen => "the check found nothing that blocks the review",
            Self::OverrideReason => "a reason for going on must be written",
            Self::OverrideRulesListed => "the findings that are overridden must be named",
            Self::NoBlockerOpen => "the check found something that blocks the review",
            Self::IdentityMatches => {
                "it is not certain that the images are this patient's; a coordinator must confirm it"
            }
            Self::ReviewerCredentialActive => "the credential of this reviewer is not active",
            Self::LicenceFits => {
                "this reviewer has no licence where the patient is, and the opinion does not go from physician to physician"
            }
            Self::NoConflict => {
                "this reviewer wrote the first report, or belongs to the same group and that was not disclosed"
            }
            Self::ReasonGiven => "a reason must be written",
            Self::CoverageSettled => {
                "it is not settled who pays: an approval, a \"none needed\", an accepted price or a sponsor is missing"
            }
            Self::DenialReasonStored => "the reason of the denial must be written down",
            Self::ConflictStatement => "a statement on conflicts of interest is missing",
            Self::CredentialActive => "your credential is not active",
            Self::QuestionText => "write what you need",
            Self::ImagesNonDiagnostic => {
                "the images must be judged non-diagnostic, with a list of why"
            }
            Self::MandatorySectionsFilled => "not every section that must be filled is filled",
            Self::Reauthenticated => "enter your password again to sign",
            Self::QualityAssessed => "the quality of the exam is not judged yet",
            Self::AgreementSet => {
                "say for each finding of the first report whether you agree, or state that there is no original report"
            }
            Self::ComparisonBuilt => "the two reports are not compared yet",
            Self::UrgentClosed => "the urgent finding has not reached a person yet",
            Self::PlainTextPresent => "the text in plain words is missing",
            Self::FollowUpWanted => "the reports do not differ, and nobody asked for a follow-up",
            Self::DiscordancePresent => "the two reports do not differ",
            Self::OutcomeSet => "say which reading turned out right",
            Self::ConcordantOrDeclined => {
                "the reports differ: a follow-up is needed or must be declined"
            }
            Self::WithinReopenTime => "it expired too long ago to be opened again",
        }
    }

    /// Says whether the condition is met.
    pub fn holds(self, facts: &CaseFacts, now: Timestamp) -> bool {
        let CaseFacts {
            intake,
            consent,
            records,
            reviewer,
            coverage,
            report,
            follow_up,
            given,
            ..
        } = facts;
        match self {
            Self::IdentityComplete => intake.identity_complete,
            Self::RequesterKindSet => intake.requester_kind_set,
            Self::QuestionOrReasonSet => intake.question_or_reason_set,
            Self::NoRedFlag => intake.red_flags_answered && !intake.red_flag_raised,
            Self::ConsentOnFile | Self::ConsentComplete => consent.is_complete(),
            Self::RedFlagRaised => intake.red_flag_raised,
            Self::StudyImported => records.study_count > 0,
            Self::ImportFinished => !records.import_running,
            Self::BlockerOpen => records.open_blocker_count > 0,
            Self::NoBlockerOpen => records.open_blocker_count == 0,
            Self::IdentityMatches => {
                records.identity_confirmed
                    || records
                        .identity_score
                        .is_some_and(|score| score >= IDENTITY_SURE)
            }
            Self::OverrideReason | Self::ReasonGiven => given.reason,
            Self::OverrideRulesListed => given.overridden_rule_count > 0,
            Self::QuestionText => given.question,
            Self::ReviewerCredentialActive | Self::CredentialActive => reviewer.credential_active,
            Self::LicenceFits => reviewer.licence_fits || reviewer.consults_physician,
            Self::NoConflict => {
                !reviewer.is_first_reader && (!reviewer.same_group || reviewer.tie_disclosed)
            }
            Self::ConflictStatement => reviewer.conflict_stated,
            Self::CoverageSettled => {
                coverage.authorization_valid
                    || coverage.none_needed
                    || coverage.self_pay_settled
                    || coverage.sponsor_pays
            }
            Self::DenialReasonStored => coverage.denial_reason_stored,
            Self::ImagesNonDiagnostic => report.non_diagnostic_listed,
            Self::MandatorySectionsFilled => report.mandatory_sections_filled,
            Self::Reauthenticated => report.reauthenticated,
            Self::QualityAssessed => report.quality_assessed,
            Self::AgreementSet => report.agreement_set || report.original_unavailable,
            Self::ComparisonBuilt => report.comparison_built || report.comparison_impossible,
            // The urgent track does not hold back a category 3 finding: its text is the message.
            Self::UrgentClosed => {
                report.urgent == UrgentTrack::None
                    || report.urgent.is_closed()
                    || report.urgent_category == Some(UrgentCategory::Days)
            }
            Self::PlainTextPresent => report.plain_text_present,
            Self::FollowUpWanted => differs(facts) || follow_up.wanted,
            Self::DiscordancePresent => differs(facts),
            Self::OutcomeSet => follow_up
                .outcome
                .is_some_and(|outcome| outcome != Outcome::Unknown),
            // No first report means nothing to differ from; a comparison that is merely missing does not count.
            Self::ConcordantOrDeclined => {
                follow_up.declined
                    || report.comparison_impossible
                    || report.result.is_some_and(|result| !result.is_discordant())
            }
            Self::WithinReopenTime => facts
                .expired_at
                .is_some_and(|expired_at| now <= expired_at.plus_days(limits::REOPEN_DAYS)),
        }
    }
}

/// Says whether the signed comparison found a difference.
fn differs(facts: &CaseFacts) -> bool {
    facts
        .report
        .result
        .is_some_and(|result| result.is_discordant())
}
