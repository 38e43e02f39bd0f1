//! What can happen to a case.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Something that moves a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseEvent {
    /// The request is sent without a signed consent.
    Submit,
    /// The request is sent, the signed consent is on file.
    SubmitWithConsent,
    /// A red-flag question was answered with yes.
    EmergencyFlagged,
    /// The consent was signed.
    ConsentSigned,
    /// Images or papers arrived.
    RecordsReceived,
    /// The check found something that blocks the review.
    BlockingIssue,
    /// A coordinator lets the case go on, with a reason.
    Override,
    /// The records are good enough to read.
    RecordsAccepted,
    /// A reviewer was chosen.
    ReviewerSelected,
    /// Nobody fitting can read the case.
    NoReviewer,
    /// Who pays is settled.
    CoverageCleared,
    /// The payer said no.
    CoverageDenied,
    /// Another reviewer is wanted.
    ChangeReviewer,
    /// The reviewer accepts.
    Accept,
    /// The reviewer declines, or did not answer.
    Decline,
    /// The reviewer needs more.
    RequestInfo,
    /// What the reviewer asked for is there.
    InfoSupplied,
    /// The review goes on with stated limits.
    ProceedLimited,
    /// The images are not diagnostic.
    ImagesInadequate,
    /// A preliminary report is saved.
    SavePreliminary,
    /// The second report is signed.
    Sign,
    /// Work goes on where it had ended.
    Reopen,
    /// The result is released.
    Release,
    /// The signed report gets an addendum.
    Addendum,
    /// The result needs to be acted on.
    OpenFollowUp,
    /// A third reader is asked.
    ThirdOpinion,
    /// A new test was ordered.
    FurtherTestOrdered,
    /// It is settled which reading was right.
    Resolve,
    /// The case is finished.
    Close,
    /// The deadline passed.
    Timeout,
    /// The request is taken back.
    Withdraw,
    /// The draft is thrown away.
    Discard,
    /// The case is paused.
    Hold,
    /// The case goes on.
    Resume,
    /// The consent was revoked.
    ConsentRevoked,
    /// The missing records will not come.
    GiveUp,
}

impl CaseEvent {
    /// Every event.
    pub const ALL: [Self; 36] = [
        Self::Submit,
        Self::SubmitWithConsent,
        Self::EmergencyFlagged,
        Self::ConsentSigned,
        Self::RecordsReceived,
        Self::BlockingIssue,
        Self::Override,
        Self::RecordsAccepted,
        Self::ReviewerSelected,
        Self::NoReviewer,
        Self::CoverageCleared,
        Self::CoverageDenied,
        Self::ChangeReviewer,
        Self::Accept,
        Self::Decline,
        Self::RequestInfo,
        Self::InfoSupplied,
        Self::ProceedLimited,
        Self::ImagesInadequate,
        Self::SavePreliminary,
        Self::Sign,
        Self::Reopen,
        Self::Release,
        Self::Addendum,
        Self::OpenFollowUp,
        Self::ThirdOpinion,
        Self::FurtherTestOrdered,
        Self::Resolve,
        Self::Close,
        Self::Timeout,
        Self::Withdraw,
        Self::Discard,
        Self::Hold,
        Self::Resume,
        Self::ConsentRevoked,
        Self::GiveUp,
    ];

    /// Returns the event as audit rows, JSON and forms write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::SubmitWithConsent => "submit_with_consent",
            Self::EmergencyFlagged => "emergency_flagged",
            Self::ConsentSigned => "consent_signed",
            Self::RecordsReceived => "records_received",
            Self::BlockingIssue => "blocking_issue",
            Self::Override => "override",
            Self::RecordsAccepted => "records_accepted",
            Self::ReviewerSelected => "reviewer_selected",
            Self::NoReviewer => "no_reviewer",
            Self::CoverageCleared => "coverage_cleared",
            Self::CoverageDenied => "coverage_denied",
            Self::ChangeReviewer => "change_reviewer",
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::RequestInfo => "request_info",
            Self::InfoSupplied => "info_supplied",
            Self::ProceedLimited => "proceed_limited",
            Self::ImagesInadequate => "images_inadequate",
            Self::SavePreliminary => "save_preliminary",
            Self::Sign => "sign",
            Self::Reopen => "reopen",
            Self::Release => "release",
            Self::Addendum => "addendum",
            Self::OpenFollowUp => "open_follow_up",
            Self::ThirdOpinion => "third_opinion",
            Self::FurtherTestOrdered => "further_test_ordered",
            Self::Resolve => "resolve",
            Self::Close => "close",
            Self::Timeout => "timeout",
            Self::Withdraw => "withdraw",
            Self::Discard => "discard",
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::ConsentRevoked => "consent_revoked",
            Self::GiveUp => "give_up",
        }
    }

    /// Returns what a button that causes the event says.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Submit => "Send the request",
            Self::SubmitWithConsent => "Send the request with consent",
            Self::EmergencyFlagged => "Stop: emergency",
            Self::ConsentSigned => "Consent signed",
            Self::RecordsReceived => "Records are here",
            Self::BlockingIssue => "Something is missing",
            Self::Override => "Go on in spite of it",
            Self::RecordsAccepted => "Records are complete",
            Self::ReviewerSelected => "Choose this reviewer",
            Self::NoReviewer => "No reviewer found",
            Self::CoverageCleared => "Cost is settled",
            Self::CoverageDenied => "Coverage was denied",
            Self::ChangeReviewer => "Choose another reviewer",
            Self::Accept => "Accept the review",
            Self::Decline => "Decline the review",
            Self::RequestInfo => "Ask for more",
            Self::InfoSupplied => "Answer sent",
            Self::ProceedLimited => "Go on without it",
            Self::ImagesInadequate => "Images cannot be read",
            Self::SavePreliminary => "Save as preliminary",
            Self::Sign => "Sign the report",
            Self::Reopen => "Open again",
            Self::Release => "Deliver",
            Self::Addendum => "Add an addendum",
            Self::OpenFollowUp => "Start the follow-up",
            Self::ThirdOpinion => "Ask for a third opinion",
            Self::FurtherTestOrdered => "Further test ordered",
            Self::Resolve => "Record the outcome",
            Self::Close => "Close the case",
            Self::Timeout => "Time is over",
            Self::Withdraw => "Withdraw the request",
            Self::Discard => "Discard the draft",
            Self::Hold => "Put on hold",
            Self::Resume => "Resume",
            Self::ConsentRevoked => "Take consent back",
            Self::GiveUp => "End without a review",
        }
    }
}

/// Says that a text names no event of a case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event of a case")]
pub struct NotAnEvent;

impl FromStr for CaseEvent {
    type Err = NotAnEvent;

    fn from_str(text: &str) -> Result<Self, NotAnEvent> {
        Self::ALL
            .into_iter()
            .find(|event| event.as_str() == text)
            .ok_or(NotAnEvent)
    }
}

impl fmt::Display for CaseEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
