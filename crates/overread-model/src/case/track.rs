//! Tracks that run beside the state of a case.

use serde::{Deserialize, Serialize};

macro_rules! track {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every value, in the order of the data file.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the value as columns and JSON write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads what `as_str` writes.
            pub fn from_text(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }
    };
}

track! {
    /// One records request to one source.
    RecordsTrack {
        /// Not needed from this source.
        #[default]
        NotNeeded = "not_needed",
        /// The letter is being written.
        LetterDraft = "letter_draft",
        /// The letter was sent.
        Sent = "sent",
        /// The source confirmed it.
        Acknowledged = "acknowledged",
        /// The source asked for its one extension, in writing and in time.
        Extended = "extended",
        /// Part of it came.
        Partial = "partial",
        /// All of it came.
        Received = "received",
        /// The source refused.
        Refused = "refused",
        /// The day passed.
        Overdue = "overdue",
    }
}

track! {
    /// Where the talk with the payer stands.
    CoverageTrack {
        /// Nobody asked yet.
        #[default]
        NotAsked = "not_asked",
        /// The payer was asked.
        Asked = "asked",
        /// Not covered.
        NotCovered = "not_covered",
        /// Covered, no authorization needed.
        CoveredNoPa = "covered_no_pa",
        /// The authorization request is being written.
        PaDraft = "pa_draft",
        /// Sent.
        PaSubmitted = "pa_submitted",
        /// The payer wants more.
        PaPended = "pa_pended",
        /// Approved.
        PaApproved = "pa_approved",
        /// Approved in part.
        PaPartial = "pa_partial",
        /// Denied.
        PaDenied = "pa_denied",
        /// First appeal.
        Appeal1 = "appeal1",
        /// Second appeal.
        Appeal2 = "appeal2",
        /// External review.
        ExternalReview = "external_review",
        /// Network gap exception asked for.
        GapRequested = "gap_requested",
        /// Granted.
        GapApproved = "gap_approved",
        /// Not granted.
        GapDenied = "gap_denied",
        /// A referral is needed.
        ReferralNeeded = "referral_needed",
        /// It came.
        ReferralReceived = "referral_received",
        /// A self-pay price was given.
        SelfPayQuoted = "self_pay_quoted",
        /// It was accepted.
        SelfPayAccepted = "self_pay_accepted",
        /// Paid.
        Paid = "paid",
    }
}

track! {
    /// The consent.
    ConsentTrack {
        /// None.
        #[default]
        Missing = "missing",
        /// Asked for.
        Requested = "requested",
        /// Valid.
        Active = "active",
        /// Ended.
        Expired = "expired",
        /// Taken back.
        Revoked = "revoked",
    }
}

track! {
    /// Telling somebody of an urgent finding.
    UrgentTrack {
        /// Nothing urgent.
        #[default]
        None = "none",
        /// The reviewer found something urgent.
        Opened = "opened",
        /// Somebody was tried.
        ContactAttempted = "contact_attempted",
        /// Somebody was told.
        Communicated = "communicated",
        /// And confirmed it.
        Acknowledged = "acknowledged",
    }
}

track! {
    /// Learning from differences; staff only, never in patient text.
    QualityTrack {
        /// Nothing.
        #[default]
        None = "none",
        /// A minor difference.
        DiscordanceMinor = "discordance_minor",
        /// A major difference.
        DiscordanceMajor = "discordance_major",
        /// Told to the first facility.
        PeerLearningSent = "peer_learning_sent",
    }
}

track! {
    /// What the two reports together say, signed by the reviewer.
    Agreement {
        /// No difference that matters.
        #[default]
        Concordant = "concordant",
        /// Differs, unlikely to change what is done.
        DiscordantMinor = "discordant_minor",
        /// Differs, likely to change what is done.
        DiscordantMajor = "discordant_major",
    }
}

track! {
    /// Which reading turned out right.
    Outcome {
        /// Nobody told.
        #[default]
        Unknown = "unknown",
        /// The first report.
        OriginalConfirmed = "original_confirmed",
        /// The second report.
        SecondConfirmed = "second_confirmed",
        /// Both in part.
        BothPartly = "both_partly",
        /// It cannot be told.
        Undetermined = "undetermined",
    }
}

/// How fast an urgent finding must reach a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UrgentCategory {
    /// Within minutes, by voice.
    #[serde(rename = "1")]
    Minutes,
    /// Within hours.
    #[serde(rename = "2")]
    Hours,
    /// Within days.
    #[serde(rename = "3")]
    Days,
}

impl UrgentCategory {
    /// Returns how long to wait before the next person is tried, as an ISO 8601 duration.
    pub const fn escalates_after(self) -> &'static str {
        match self {
            Self::Minutes => "PT30M",
            Self::Hours => "PT4H",
            Self::Days => "P1B",
        }
    }
}

impl UrgentTrack {
    /// Says whether the finding reached somebody.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Communicated | Self::Acknowledged)
    }
}

impl Agreement {
    /// Says whether the reports differ.
    pub const fn is_discordant(self) -> bool {
        matches!(self, Self::DiscordantMinor | Self::DiscordantMajor)
    }
}
