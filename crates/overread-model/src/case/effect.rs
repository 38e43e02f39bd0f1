//! What a transition does, whom it tells, and how the audit names it.

use serde::Serialize;

macro_rules! worded {
    ($(#[$doc:meta])* $name:ident { $($variant:ident => $words:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[doc = $words] $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the words of the data file.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }
    };
}

worded! {
    /// Something the workflow does in the same transaction as the transition (or queues there).
    Effect {
        CreateCaseNumber => "create case number",
        FreezeIntake => "freeze intake snapshot",
        ShowEmergencyText => "show emergency text; store only the flag",
        ActivateConsent => "consent record active",
        GenerateRecordsLetters => "generate records letters",
        RunCompleteness => "run completeness rules",
        ListDeficiencies => "deficiency list in plain words with the action for each",
        RerunCompleteness => "rerun rules",
        StoreOverride => "override stored, shown to reviewer and printed in the report limitations",
        SuggestSubspecialty => "compute subspecialty suggestion",
        QuoteCost => "cost quote",
        PrepareReviewerGrant => "access grant prepared (not active)",
        OfferAppealOrSelfPay => "offer appeal letter, gap exception, self-pay",
        VoidReviewerAuthorization => "void authorization request if reviewer-specific",
        ActivateReviewerGrant => "activate access grant (read images+documents, write report), expires at delivery + 30 d",
        StartReviewClock => "SLA clock starts",
        ExcludeReviewer => "reviewer excluded for this case",
        StopReviewClock => "SLA clock stops",
        ResumeReviewClock => "SLA clock resumes",
        RequireLimitation => "limitation text required in the report",
        ResetReviewClockNoCharge => "SLA clock reset, no charge rule applies",
        SaveReportVersion => "version n",
        SignReport => "hash, sign, PDF+SR+FHIR versions",
        StartUrgentTrack => "urgent track starts when urgent flag",
        ReleaseReport => "notify; grants for requester and treating physician",
        AddVersionKeepOlder => "new version, older stays readable",
        AddVersionMarkChanges => "new version, changed parts marked",
        WriteFollowUpLetter => "follow-up letter with both reports",
        OpenChildCase => "child case with parent link, images shared by reference, reviewers 1 and 2 excluded",
        WatchForNewStudy => "watch for new study; reconcile when it arrives",
        RecordOutcome => "outcome feeds quality statistics",
        RevokeReviewerGrants => "review grants revoked",
        StartRetention => "retention clock starts",
        RecordOutcomeUnknown => "outcome unknown",
        RevokeAllButRequester => "revoke all grants but the requester own",
        ApplyRefundRule => "refund rule",
        OfferPurge => "purge option after retention check",
        DeleteDraft => "delete draft data",
        RememberSource => "remember source state",
        StopClocks => "clocks stop",
        ResumeClocks => "clocks resume",
        CloseAndSchedulePurge => "close; data deleted after P30D unless reopened",
        SuspendReviewerGrants => "grants for reviewers suspended at once; what was done stays on record",
    }
}

worded! {
    /// Somebody who is told that the case moved; messages carry no clinical content.
    Notify {
        Requester => "requester",
        Coordinator => "coordinator",
        Reviewer => "reviewer",
        ReferringPhysician => "referring_physician",
        TreatingPhysician => "treating_physician",
        InsurerForOwnRequest => "insurer only for its own requests",
    }
}

/// The audit message a transition writes (DICOM PS3.15 A.5 event identification).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// 110109 Order Record, updated.
    OrderChanged,
    /// 110110 Patient Record, created.
    ReportCreated,
    /// 110113 Security Alert 110135 Object Security Attributes Changed.
    RuleOverridden,
    /// 110113 Security Alert 110136 Security Roles Changed.
    AccessChanged,
}

impl AuditKind {
    /// Returns event id, event type and action code, as DICOM audit messages write them.
    pub const fn codes(self) -> (&'static str, Option<&'static str>, &'static str) {
        match self {
            Self::OrderChanged => ("110109", None, "U"),
            Self::ReportCreated => ("110110", None, "C"),
            Self::RuleOverridden => ("110113", Some("110135"), "E"),
            Self::AccessChanged => ("110113", Some("110136"), "E"),
        }
    }

    /// Returns the event's name, as DICOM writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderChanged => "Order Record",
            Self::ReportCreated => "Patient Record",
            Self::RuleOverridden | Self::AccessChanged => "Security Alert",
        }
    }
}
