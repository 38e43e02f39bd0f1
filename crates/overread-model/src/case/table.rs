//! The 69 transitions, as a table; `data/case/state_machine.json` of the knowledge room is the same in words, and a test
//! compares the two.

use super::effect::{AuditKind, Effect, Notify};
use super::event::CaseEvent;
use super::guard::Guard;
use super::role::CaseRole;
use super::state::CaseState;

/// Where a transition leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To this state.
    State(CaseState),
    /// Back to the state the case was in before it was put on hold.
    Source,
}

/// One arrow of the state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The state it leaves.
    pub from: CaseState,
    /// What happens.
    pub event: CaseEvent,
    /// Where it leads.
    pub to: Target,
    /// Who may cause it.
    pub actors: &'static [CaseRole],
    /// What must be true.
    pub guards: &'static [Guard],
    /// What the workflow does with it, in this order.
    pub effects: &'static [Effect],
    /// Who is told.
    pub notify: &'static [Notify],
    /// Which audit message it writes.
    pub audit: AuditKind,
}

/// Writes one row; keeps the table readable.
const fn rule(
    arrow: (CaseState, CaseEvent, Target),
    actors: &'static [CaseRole],
    guards: &'static [Guard],
    effects: &'static [Effect],
    notify: &'static [Notify],
    audit: AuditKind,
) -> Rule {
    Rule {
        from: arrow.0,
        event: arrow.1,
        to: arrow.2,
        actors,
        guards,
        effects,
        notify,
        audit,
    }
}

const fn to(from: CaseState, event: CaseEvent, to: CaseState) -> (CaseState, CaseEvent, Target) {
    (from, event, Target::State(to))
}

/// Every arrow, in the order of the data file.
pub static TRANSITIONS: [Rule; 69] = [
    rule(
        to(
            CaseState::Draft,
            CaseEvent::Submit,
            CaseState::ConsentPending,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[
            Guard::IdentityComplete,
            Guard::RequesterKindSet,
            Guard::QuestionOrReasonSet,
            Guard::NoRedFlag,
        ],
        &[Effect::CreateCaseNumber, Effect::FreezeIntake],
        &[Notify::Requester, Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::Draft,
            CaseEvent::SubmitWithConsent,
            CaseState::RecordsCollecting,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[
            Guard::IdentityComplete,
            Guard::RequesterKindSet,
            Guard::QuestionOrReasonSet,
            Guard::NoRedFlag,
            Guard::ConsentOnFile,
        ],
        &[Effect::CreateCaseNumber],
        &[Notify::Requester, Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::Draft,
            CaseEvent::EmergencyFlagged,
            CaseState::Declined,
        ),
        &[CaseRole::System],
        &[Guard::RedFlagRaised],
        &[Effect::ShowEmergencyText],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::ConsentPending,
            CaseEvent::ConsentSigned,
            CaseState::RecordsCollecting,
        ),
        &[CaseRole::Requester, CaseRole::System],
        &[Guard::ConsentComplete],
        &[Effect::ActivateConsent, Effect::GenerateRecordsLetters],
        &[Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::RecordsCollecting,
            CaseEvent::RecordsReceived,
            CaseState::RecordsCheck,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator, CaseRole::System],
        &[Guard::StudyImported, Guard::ImportFinished],
        &[Effect::RunCompleteness],
        &[Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::RecordsCheck,
            CaseEvent::BlockingIssue,
            CaseState::RecordsDeficient,
        ),
        &[CaseRole::System, CaseRole::Coordinator],
        &[Guard::BlockerOpen],
        &[Effect::ListDeficiencies],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::RecordsDeficient,
            CaseEvent::RecordsReceived,
            CaseState::RecordsCheck,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator, CaseRole::System],
        &[],
        &[Effect::RerunCompleteness],
        &[Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::RecordsDeficient,
            CaseEvent::Override,
            CaseState::RecordsCheck,
        ),
        &[CaseRole::Coordinator],
        &[Guard::OverrideReason, Guard::OverrideRulesListed],
        &[Effect::StoreOverride],
        &[Notify::Requester],
        AuditKind::RuleOverridden,
    ),
    rule(
        to(
            CaseState::RecordsCheck,
            CaseEvent::RecordsAccepted,
            CaseState::Matching,
        ),
        &[CaseRole::Coordinator, CaseRole::System],
        &[Guard::NoBlockerOpen, Guard::IdentityMatches],
        &[Effect::SuggestSubspecialty],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::Matching,
            CaseEvent::ReviewerSelected,
            CaseState::CoveragePending,
        ),
        &[
            CaseRole::Coordinator,
            CaseRole::Requester,
            CaseRole::ReferringPhysician,
        ],
        &[
            Guard::ReviewerCredentialActive,
            Guard::LicenceFits,
            Guard::NoConflict,
        ],
        &[Effect::QuoteCost],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::Matching,
            CaseEvent::NoReviewer,
            CaseState::Declined,
        ),
        &[CaseRole::Coordinator],
        &[Guard::ReasonGiven],
        &[],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::CoveragePending,
            CaseEvent::CoverageCleared,
            CaseState::Offered,
        ),
        &[
            CaseRole::Coordinator,
            CaseRole::Requester,
            CaseRole::Insurer,
            CaseRole::System,
        ],
        &[Guard::CoverageSettled],
        &[Effect::PrepareReviewerGrant],
        &[Notify::Reviewer],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::CoveragePending,
            CaseEvent::CoverageDenied,
            CaseState::CoveragePending,
        ),
        &[CaseRole::Insurer, CaseRole::Coordinator, CaseRole::System],
        &[Guard::DenialReasonStored],
        &[Effect::OfferAppealOrSelfPay],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::CoveragePending,
            CaseEvent::ChangeReviewer,
            CaseState::Matching,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[Effect::VoidReviewerAuthorization],
        &[Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::Offered, CaseEvent::Accept, CaseState::InReview),
        &[CaseRole::Reviewer],
        &[Guard::ConflictStatement, Guard::CredentialActive],
        &[Effect::ActivateReviewerGrant, Effect::StartReviewClock],
        &[Notify::Requester, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(CaseState::Offered, CaseEvent::Decline, CaseState::Matching),
        &[CaseRole::Reviewer, CaseRole::System],
        &[Guard::ReasonGiven],
        &[Effect::ExcludeReviewer],
        &[Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::InReview,
            CaseEvent::RequestInfo,
            CaseState::InfoRequested,
        ),
        &[CaseRole::Reviewer],
        &[Guard::QuestionText],
        &[Effect::StopReviewClock],
        &[Notify::Requester, Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::InfoRequested,
            CaseEvent::InfoSupplied,
            CaseState::InReview,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator, CaseRole::System],
        &[],
        &[Effect::ResumeReviewClock],
        &[Notify::Reviewer],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::InfoRequested,
            CaseEvent::ProceedLimited,
            CaseState::InReview,
        ),
        &[CaseRole::Reviewer, CaseRole::Coordinator],
        &[Guard::ReasonGiven],
        &[Effect::RequireLimitation],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::InReview,
            CaseEvent::ImagesInadequate,
            CaseState::RecordsDeficient,
        ),
        &[CaseRole::Reviewer],
        &[Guard::ImagesNonDiagnostic],
        &[Effect::ResetReviewClockNoCharge],
        &[Notify::Requester, Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::InReview,
            CaseEvent::SavePreliminary,
            CaseState::ReportPreliminary,
        ),
        &[CaseRole::Reviewer],
        &[Guard::MandatorySectionsFilled],
        &[Effect::SaveReportVersion],
        &[Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::InReview, CaseEvent::Sign, CaseState::ReportFinal),
        &[CaseRole::Reviewer],
        &[
            Guard::Reauthenticated,
            Guard::MandatorySectionsFilled,
            Guard::QualityAssessed,
            Guard::AgreementSet,
        ],
        &[Effect::SignReport, Effect::StartUrgentTrack],
        &[Notify::Coordinator],
        AuditKind::ReportCreated,
    ),
    rule(
        to(
            CaseState::ReportPreliminary,
            CaseEvent::Sign,
            CaseState::ReportFinal,
        ),
        &[CaseRole::Reviewer],
        &[
            Guard::Reauthenticated,
            Guard::MandatorySectionsFilled,
            Guard::QualityAssessed,
            Guard::AgreementSet,
        ],
        &[Effect::SignReport, Effect::StartUrgentTrack],
        &[Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::ReportPreliminary,
            CaseEvent::Reopen,
            CaseState::InReview,
        ),
        &[CaseRole::Reviewer],
        &[],
        &[],
        &[],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::ReportFinal,
            CaseEvent::Release,
            CaseState::Delivered,
        ),
        &[CaseRole::Coordinator, CaseRole::System],
        &[
            Guard::ComparisonBuilt,
            Guard::UrgentClosed,
            Guard::PlainTextPresent,
        ],
        &[Effect::ReleaseReport],
        &[
            Notify::Requester,
            Notify::ReferringPhysician,
            Notify::TreatingPhysician,
            Notify::InsurerForOwnRequest,
        ],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::ReportFinal,
            CaseEvent::Addendum,
            CaseState::ReportFinal,
        ),
        &[CaseRole::Reviewer],
        &[Guard::ReasonGiven],
        &[Effect::AddVersionKeepOlder],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::Delivered,
            CaseEvent::Addendum,
            CaseState::Delivered,
        ),
        &[CaseRole::Reviewer],
        &[Guard::ReasonGiven],
        &[Effect::AddVersionMarkChanges],
        &[Notify::Requester, Notify::TreatingPhysician],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::Delivered,
            CaseEvent::OpenFollowUp,
            CaseState::FollowUp,
        ),
        &[
            CaseRole::Requester,
            CaseRole::TreatingPhysician,
            CaseRole::Coordinator,
            CaseRole::System,
        ],
        &[Guard::FollowUpWanted],
        &[Effect::WriteFollowUpLetter],
        &[Notify::TreatingPhysician],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::FollowUp,
            CaseEvent::ThirdOpinion,
            CaseState::FollowUp,
        ),
        &[
            CaseRole::Requester,
            CaseRole::TreatingPhysician,
            CaseRole::Coordinator,
        ],
        &[Guard::DiscordancePresent],
        &[Effect::OpenChildCase],
        &[Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::FollowUp,
            CaseEvent::FurtherTestOrdered,
            CaseState::FollowUp,
        ),
        &[CaseRole::TreatingPhysician, CaseRole::Requester],
        &[],
        &[Effect::WatchForNewStudy],
        &[Notify::Coordinator],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::FollowUp, CaseEvent::Resolve, CaseState::Closed),
        &[
            CaseRole::TreatingPhysician,
            CaseRole::Requester,
            CaseRole::Coordinator,
        ],
        &[Guard::OutcomeSet],
        &[Effect::RecordOutcome],
        &[],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::Delivered, CaseEvent::Close, CaseState::Closed),
        &[CaseRole::Requester, CaseRole::Coordinator, CaseRole::System],
        &[Guard::ConcordantOrDeclined],
        &[Effect::RevokeReviewerGrants, Effect::StartRetention],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::FollowUp, CaseEvent::Timeout, CaseState::Closed),
        &[CaseRole::System],
        &[],
        &[Effect::RecordOutcomeUnknown],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::ConsentPending,
            CaseEvent::Withdraw,
            CaseState::Withdrawn,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::RecordsCollecting,
            CaseEvent::Withdraw,
            CaseState::Withdrawn,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::RecordsCheck,
            CaseEvent::Withdraw,
            CaseState::Withdrawn,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::RecordsDeficient,
            CaseEvent::Withdraw,
            CaseState::Withdrawn,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::Matching,
            CaseEvent::Withdraw,
            CaseState::Withdrawn,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::CoveragePending,
            CaseEvent::Withdraw,
            CaseState::Withdrawn,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::Offered,
            CaseEvent::Withdraw,
            CaseState::Withdrawn,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::InReview,
            CaseEvent::Withdraw,
            CaseState::Withdrawn,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::InfoRequested,
            CaseEvent::Withdraw,
            CaseState::Withdrawn,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::ReportPreliminary,
            CaseEvent::Withdraw,
            CaseState::Withdrawn,
        ),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(CaseState::OnHold, CaseEvent::Withdraw, CaseState::Withdrawn),
        &[CaseRole::Requester, CaseRole::Coordinator],
        &[],
        &[
            Effect::RevokeAllButRequester,
            Effect::ApplyRefundRule,
            Effect::OfferPurge,
        ],
        &[Notify::Reviewer, Notify::Coordinator],
        AuditKind::AccessChanged,
    ),
    rule(
        to(CaseState::Draft, CaseEvent::Discard, CaseState::Withdrawn),
        &[CaseRole::Requester],
        &[],
        &[Effect::DeleteDraft],
        &[],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::ConsentPending,
            CaseEvent::Hold,
            CaseState::OnHold,
        ),
        &[CaseRole::Coordinator, CaseRole::Requester],
        &[Guard::ReasonGiven],
        &[Effect::RememberSource, Effect::StopClocks],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::RecordsCollecting,
            CaseEvent::Hold,
            CaseState::OnHold,
        ),
        &[CaseRole::Coordinator, CaseRole::Requester],
        &[Guard::ReasonGiven],
        &[Effect::RememberSource, Effect::StopClocks],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::RecordsCheck, CaseEvent::Hold, CaseState::OnHold),
        &[CaseRole::Coordinator, CaseRole::Requester],
        &[Guard::ReasonGiven],
        &[Effect::RememberSource, Effect::StopClocks],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::RecordsDeficient,
            CaseEvent::Hold,
            CaseState::OnHold,
        ),
        &[CaseRole::Coordinator, CaseRole::Requester],
        &[Guard::ReasonGiven],
        &[Effect::RememberSource, Effect::StopClocks],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::Matching, CaseEvent::Hold, CaseState::OnHold),
        &[CaseRole::Coordinator, CaseRole::Requester],
        &[Guard::ReasonGiven],
        &[Effect::RememberSource, Effect::StopClocks],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::CoveragePending,
            CaseEvent::Hold,
            CaseState::OnHold,
        ),
        &[CaseRole::Coordinator, CaseRole::Requester],
        &[Guard::ReasonGiven],
        &[Effect::RememberSource, Effect::StopClocks],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::Offered, CaseEvent::Hold, CaseState::OnHold),
        &[CaseRole::Coordinator, CaseRole::Requester],
        &[Guard::ReasonGiven],
        &[Effect::RememberSource, Effect::StopClocks],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::InReview, CaseEvent::Hold, CaseState::OnHold),
        &[CaseRole::Coordinator, CaseRole::Requester],
        &[Guard::ReasonGiven],
        &[Effect::RememberSource, Effect::StopClocks],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::InfoRequested, CaseEvent::Hold, CaseState::OnHold),
        &[CaseRole::Coordinator, CaseRole::Requester],
        &[Guard::ReasonGiven],
        &[Effect::RememberSource, Effect::StopClocks],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        (CaseState::OnHold, CaseEvent::Resume, Target::Source),
        &[CaseRole::Coordinator, CaseRole::Requester],
        &[],
        &[Effect::ResumeClocks],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::Draft, CaseEvent::Timeout, CaseState::Expired),
        &[CaseRole::System],
        &[],
        &[Effect::CloseAndSchedulePurge],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::ConsentPending,
            CaseEvent::Timeout,
            CaseState::Expired,
        ),
        &[CaseRole::System],
        &[],
        &[Effect::CloseAndSchedulePurge],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::Expired, CaseEvent::Reopen, CaseState::Draft),
        &[CaseRole::Coordinator],
        &[Guard::WithinReopenTime],
        &[],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(CaseState::Closed, CaseEvent::Reopen, CaseState::FollowUp),
        &[CaseRole::Coordinator],
        &[Guard::ReasonGiven],
        &[],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
    rule(
        to(
            CaseState::RecordsCollecting,
            CaseEvent::ConsentRevoked,
            CaseState::OnHold,
        ),
        &[CaseRole::Requester, CaseRole::System],
        &[],
        &[Effect::SuspendReviewerGrants],
        &[Notify::Coordinator, Notify::Reviewer],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::RecordsCheck,
            CaseEvent::ConsentRevoked,
            CaseState::OnHold,
        ),
        &[CaseRole::Requester, CaseRole::System],
        &[],
        &[Effect::SuspendReviewerGrants],
        &[Notify::Coordinator, Notify::Reviewer],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::RecordsDeficient,
            CaseEvent::ConsentRevoked,
            CaseState::OnHold,
        ),
        &[CaseRole::Requester, CaseRole::System],
        &[],
        &[Effect::SuspendReviewerGrants],
        &[Notify::Coordinator, Notify::Reviewer],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::Matching,
            CaseEvent::ConsentRevoked,
            CaseState::OnHold,
        ),
        &[CaseRole::Requester, CaseRole::System],
        &[],
        &[Effect::SuspendReviewerGrants],
        &[Notify::Coordinator, Notify::Reviewer],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::CoveragePending,
            CaseEvent::ConsentRevoked,
            CaseState::OnHold,
        ),
        &[CaseRole::Requester, CaseRole::System],
        &[],
        &[Effect::SuspendReviewerGrants],
        &[Notify::Coordinator, Notify::Reviewer],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::Offered,
            CaseEvent::ConsentRevoked,
            CaseState::OnHold,
        ),
        &[CaseRole::Requester, CaseRole::System],
        &[],
        &[Effect::SuspendReviewerGrants],
        &[Notify::Coordinator, Notify::Reviewer],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::InReview,
            CaseEvent::ConsentRevoked,
            CaseState::OnHold,
        ),
        &[CaseRole::Requester, CaseRole::System],
        &[],
        &[Effect::SuspendReviewerGrants],
        &[Notify::Coordinator, Notify::Reviewer],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::InfoRequested,
            CaseEvent::ConsentRevoked,
            CaseState::OnHold,
        ),
        &[CaseRole::Requester, CaseRole::System],
        &[],
        &[Effect::SuspendReviewerGrants],
        &[Notify::Coordinator, Notify::Reviewer],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::ReportPreliminary,
            CaseEvent::ConsentRevoked,
            CaseState::OnHold,
        ),
        &[CaseRole::Requester, CaseRole::System],
        &[],
        &[Effect::SuspendReviewerGrants],
        &[Notify::Coordinator, Notify::Reviewer],
        AuditKind::AccessChanged,
    ),
    rule(
        to(
            CaseState::RecordsDeficient,
            CaseEvent::GiveUp,
            CaseState::Declined,
        ),
        &[CaseRole::Coordinator],
        &[Guard::ReasonGiven],
        &[Effect::ApplyRefundRule],
        &[Notify::Requester],
        AuditKind::OrderChanged,
    ),
];
