//! The states of a case.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// The requester is still writing.
    Draft,
    /// Asked; the signed consent is missing.
    ConsentPending,
    /// Images and papers are being fetched.
    RecordsCollecting,
    /// What arrived is being checked.
    RecordsCheck,
    /// Something that blocks the review is missing.
    RecordsDeficient,
    /// A reviewer is being chosen.
    Matching,
    /// Who pays is being settled.
    CoveragePending,
    /// The reviewer has been asked.
    Offered,
    /// The reviewer reads.
    InReview,
    /// The reviewer asked for more; the clock stands still.
    InfoRequested,
    /// A preliminary report is written, not signed.
    ReportPreliminary,
    /// The second report is signed.
    ReportFinal,
    /// Both sides have the result.
    Delivered,
    /// The treating physician settles what to do.
    FollowUp,
    /// Paused; remembers where it was.
    OnHold,
    /// Done.
    Closed,
    /// Taken back by the requester.
    Withdrawn,
    /// Not accepted.
    Declined,
    /// Nobody went on in time.
    Expired,
}

impl CaseState {
    /// Every state, in the order of the data file.
    pub const ALL: [Self; 19] = [
        Self::Draft,
        Self::ConsentPending,
        Self::RecordsCollecting,
        Self::RecordsCheck,
        Self::RecordsDeficient,
        Self::Matching,
        Self::CoveragePending,
        Self::Offered,
        Self::InReview,
        Self::InfoRequested,
        Self::ReportPreliminary,
        Self::ReportFinal,
        Self::Delivered,
        Self::FollowUp,
        Self::OnHold,
        Self::Closed,
        Self::Withdrawn,
        Self::Declined,
        Self::Expired,
    ];

    /// Returns the state as columns, JSON and addresses write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::ConsentPending => "consent_pending",
            Self::RecordsCollecting => "records_collecting",
            Self::RecordsCheck => "records_check",
            Self::RecordsDeficient => "records_deficient",
            Self::Matching => "matching",
            Self::CoveragePending => "coverage_pending",
            Self::Offered => "offered",
            Self::InReview => "in_review",
            Self::InfoRequested => "info_requested",
            Self::ReportPreliminary => "report_preliminary",
            Self::ReportFinal => "report_final",
            Self::Delivered => "delivered",
            Self::FollowUp => "follow_up",
            Self::OnHold => "on_hold",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
            Self::Declined => "declined",
            Self::Expired => "expired",
        }
    }

    /// Returns the state in words, English.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::ConsentPending => "Waiting for consent",
            Self::RecordsCollecting => "Collecting records",
            Self::RecordsCheck => "Checking records",
            Self::RecordsDeficient => "Records incomplete",
            Self::Matching => "Choosing a reviewer",
            Self::CoveragePending => "Coverage and cost",
            Self::Offered => "Waiting for reviewer",
            Self::InReview => "In review",
            Self::InfoRequested => "Reviewer needs more",
            Self::ReportPreliminary => "Preliminary report",
            Self::ReportFinal => "Report signed",
            Self::Delivered => "Delivered",
            Self::FollowUp => "Follow-up",
            Self::OnHold => "On hold",
            Self::Closed => "Closed",
            Self::Withdrawn => "Withdrawn by the requester",
            Self::Declined => "Not accepted",
            Self::Expired => "Expired",
        }
    }

    /// Returns the state in words, Spanish.
    pub const fn title_es(self) -> &'static str {
        match self {
            Self::Draft => "Borrador",
            Self::ConsentPending => "Esperando consentimiento",
            Self::RecordsCollecting => "Reuniendo registros",
            Self::RecordsCheck => "Revisando registros",
            Self::RecordsDeficient => "Registros incompletos",
            Self::Matching => "Eligiendo revisor",
            Self::CoveragePending => "Cobertura y costo",
            Self::Offered => "Esperando al revisor",
            Self::InReview => "En revisión",
            Self::InfoRequested => "El revisor pide más datos",
            Self::ReportPreliminary => "Informe preliminar",
            Self::ReportFinal => "Informe firmado",
            Self::Delivered => "Entregado",
            Self::FollowUp => "Seguimiento",
            Self::OnHold => "En pausa",
            Self::Closed => "Cerrado",
            Self::Withdrawn => "Retirado por el solicitante",
            Self::Declined => "No aceptado",
            Self::Expired => "Vencido",
        }
    }

    /// Says whether the case is over (some ends can be reopened by a coordinator).
    pub const fn is_end(self) -> bool {
        matches!(
            self,
            Self::Closed | Self::Withdrawn | Self::Declined | Self::Expired
        )
    }

    /// Says whether images may be deleted: not while somebody chooses, reads or decides by them.
    pub const fn may_lose_images(self) -> bool {
        self.is_end()
            || matches!(
                self,
                Self::Draft
                    | Self::ConsentPending
                    | Self::RecordsCollecting
                    | Self::RecordsCheck
                    | Self::RecordsDeficient
            )
    }

    /// Says whether records may be added: neither to a draft nor to a case whose result went out already.
    pub const fn takes_records(self) -> bool {
        self.why_no_records().is_none()
    }

    /// Returns why no records may be added, for whoever sends some, by whichever door; `None` where they may.
    pub const fn why_no_records(self) -> Option<&'static str> {
        match self {
            Self::Draft => Some(
                "This case takes no records yet: its request is not sent. Send the request first, then the records.",
            ),
            Self::Delivered => Some(
                "This case takes no records any more: its result went out. Ask the coordinator where they belong.",
            ),
            _ if self.is_end() => Some(
                "This case takes no records any more: it is closed. Ask the coordinator where they belong.",
            ),
            _ => None,
        }
    }
}

/// Says that a text names no state of a case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a state of a case")]
pub struct NotAState;

impl FromStr for CaseState {
    type Err = NotAState;

    fn from_str(text: &str) -> Result<Self, NotAState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(NotAState)
    }
}

impl fmt::Display for CaseState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
