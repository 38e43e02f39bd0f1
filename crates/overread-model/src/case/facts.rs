//! What the guards, deadlines and pages need to know of a case. Filled by the workflow, judged here.

use serde::{Deserialize, Serialize};

use super::state::CaseState;
use super::track::{Agreement, CoverageTrack, Outcome, UrgentCategory, UrgentTrack};
use crate::intake::UrgencyLevel;
use crate::time::{CalendarDate, Timestamp};

/// Facts of one case at one moment, with what the actor gives along with the event.
///
/// The default is a case of which nothing is known: every guard that needs something fails.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaseFacts {
    /// What the requester wrote.
    pub intake: IntakeFacts,
    /// The signed consent.
    pub consent: ConsentFacts,
    /// What arrived, and what was asked for.
    pub records: RecordsFacts,
    /// Who is to read.
    pub reviewer: ReviewerFacts,
    /// Who pays.
    pub coverage: CoverageFacts,
    /// The second report and the comparison.
    pub report: ReportFacts,
    /// The end of the case.
    pub follow_up: FollowUpFacts,
    /// What came along with the event: texts that are there or not, never the texts.
    pub given: Given,
    /// How fast the answer is needed.
    pub urgency: UrgencyLevel,
    /// Day of the planned treatment or operation.
    pub treatment_on: Option<CalendarDate>,
    /// The running and the stopped clocks.
    pub clocks: Clocks,
    /// The state before the hold; `None` unless the case is on hold.
    pub held_from: Option<CaseState>,
    /// When the case expired; `None` unless it did.
    pub expired_at: Option<Timestamp>,
}

/// What the requester wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IntakeFacts {
    /// Name and birth date of the patient are there.
    pub identity_complete: bool,
    /// It is known whether patient, parent, representative, physician or insurer asks.
    pub requester_kind_set: bool,
    /// A clinical question, or a reason to ask, is written.
    pub question_or_reason_set: bool,
    /// Every red-flag question has an answer.
    pub red_flags_answered: bool,
    /// A red-flag answer is yes.
    pub red_flag_raised: bool,
    /// The request was sent at.
    pub submitted_at: Option<Timestamp>,
}

/// The consent to send records to a reviewer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsentFacts {
    /// A signature is on file.
    pub signed: bool,
    /// The signature has a date.
    pub dated: bool,
    /// It says when it ends.
    pub expiry_set: bool,
    /// It has ended.
    pub expired: bool,
    /// It was taken back.
    pub revoked: bool,
    /// A representative signs, so the authority must be described.
    pub authority_needed: bool,
    /// The authority is described.
    pub authority_shown: bool,
    /// Whose signature is waited for.
    pub signer: ConsentSigner,
    /// Somebody who may sign it reaches the case.
    pub signer_joined: bool,
    /// Somebody who may sign it was invited to the case and has not joined.
    pub signer_invited: bool,
}

/// Whose signature a consent waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentSigner {
    /// Who asked, and may sign.
    #[default]
    Asker,
    /// The patient.
    Patient,
    /// Who acts for the patient.
    Representative,
}

impl ConsentFacts {
    /// Says whether the form has everything a valid consent needs.
    pub const fn is_complete(&self) -> bool {
        self.signed
            && self.dated
            && self.expiry_set
            && !self.expired
            && !self.revoked
            && (!self.authority_needed || self.authority_shown)
    }
}

/// What arrived, and what was asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordsFacts {
    /// Studies that are in the case.
    pub study_count: u32,
    /// Studies that are held back until a coordinator decides whose images they are.
    pub held_study_count: u32,
    /// Papers that are held back until a coordinator decides whose they are.
    pub held_paper_count: u32,
    /// An import still runs.
    pub import_running: bool,
    /// Rules of severity block that fire and have no override.
    pub open_blocker_count: u32,
    /// The lowest identity score of the case's studies, 0 to 1; `None` when it was not computed.
    pub identity_score: Option<f64>,
    /// A coordinator confirmed that the images are this patient's.
    pub identity_confirmed: bool,
    /// The first records letter was sent at.
    pub requested_at: Option<Timestamp>,
    /// The facility asked in writing for its one extension.
    pub extended: bool,
    /// A treating physician asks the facility directly (five business days instead of thirty days).
    pub provider_to_provider: bool,
}

impl RecordsFacts {
    /// Says whether everything depends on whose images those are that are held back: none is in the case.
    pub const fn has_only_held_images(&self) -> bool {
        self.held_study_count > 0 && self.study_count == 0
    }

    /// Says whether something is held back until a coordinator decides whose it is.
    pub const fn awaits_decision(&self) -> bool {
        self.held_study_count > 0 || self.held_paper_count > 0
    }
}

/// Who is to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewerFacts {
    /// The credential was checked and has not ended.
    pub credential_active: bool,
    /// A licence covers the patient's place.
    pub licence_fits: bool,
    /// The opinion goes from physician to physician.
    pub consults_physician: bool,
    /// Is the person who wrote the first report.
    pub is_first_reader: bool,
    /// Works for the group or facility of the first report.
    pub same_group: bool,
    /// The tie to the group was told to the requester.
    pub tie_disclosed: bool,
    /// The reviewer stated conflicts of interest, or that there are none.
    pub conflict_stated: bool,
}

/// Who pays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CoverageFacts {
    /// Where the talk with the payer stands.
    pub track: CoverageTrack,
    /// An approved authorization covers the day of the review.
    pub authorization_valid: bool,
    /// The payer wrote that none is needed (name, date, reference).
    pub none_needed: bool,
    /// The self-pay price was accepted, and paid or a deposit given.
    pub self_pay_settled: bool,
    /// Somebody else pays: charity, or the insurer that asks.
    pub sponsor_pays: bool,
    /// The reason of a denial is kept.
    pub denial_reason_stored: bool,
    /// The payer must answer until.
    pub payer_due_at: Option<Timestamp>,
}

/// The second report and the comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportFacts {
    /// An original report is in the case.
    pub original_present: bool,
    /// The reviewer locked the first impression.
    pub first_impression_locked: bool,
    /// Every section that must be filled is filled.
    pub mandatory_sections_filled: bool,
    /// The quality of the exam is judged.
    pub quality_assessed: bool,
    /// The judgement is non-diagnostic, and the list of why is there.
    pub non_diagnostic_listed: bool,
    /// Agreement is set for each original finding.
    pub agreement_set: bool,
    /// "Original report not available" is stated.
    pub original_unavailable: bool,
    /// The signer proved identity again just now.
    pub reauthenticated: bool,
    /// The text in plain words is there.
    pub plain_text_present: bool,
    /// The comparison is built.
    pub comparison_built: bool,
    /// There is nothing to compare with.
    pub comparison_impossible: bool,
    /// What the comparison says, once signed.
    pub result: Option<Agreement>,
    /// The urgent track.
    pub urgent: UrgentTrack,
    /// How urgent the finding is; `None` when the track was never opened.
    pub urgent_category: Option<UrgentCategory>,
    /// The second report was signed at.
    pub signed_at: Option<Timestamp>,
    /// The result was released at.
    pub delivered_at: Option<Timestamp>,
    /// The treating physician can read it: there is a link that opens, an account, or it is who asked.
    pub with_physician: bool,
    /// The treating physician opened it at.
    pub opened_at: Option<Timestamp>,
    /// The treating physician confirmed reading it at; what came before the newest change of the result does not count.
    pub acknowledged_at: Option<Timestamp>,
    /// The treating physician recorded a decision at; what came before the newest change of the result does not count.
    pub decided_at: Option<Timestamp>,
    /// The newest addendum, or comparison signed again, that came after the release was signed at.
    pub changed_at: Option<Timestamp>,
    /// Somebody who had opened the result before that has not confirmed since.
    pub change_missed: bool,
    /// Such a receiver has no link any more that opens.
    pub change_needs_link: bool,
    /// The comparison that is shown after the release was signed before an addendum.
    pub comparison_outdated: bool,
}

/// The end of the case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FollowUpFacts {
    /// The requester asks for the follow-up.
    pub wanted: bool,
    /// The requester does not want one.
    pub declined: bool,
    /// What came out.
    pub outcome: Option<Outcome>,
}

/// What came along with an event; only that it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// A reason in words.
    pub reason: bool,
    /// A question to the requester.
    pub question: bool,
    /// How many rule ids an override names.
    pub overridden_rule_count: u32,
}

/// Clocks of a case: one runs, two can stand still.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clocks {
    /// When the present state is due; `None` when nothing runs.
    pub due_at: Option<Timestamp>,
    /// Seconds the review clock had left when the reviewer asked for more.
    pub review_left_seconds: Option<i64>,
    /// Seconds the running clock had left when the case was put on hold.
    pub hold_left_seconds: Option<i64>,
}
