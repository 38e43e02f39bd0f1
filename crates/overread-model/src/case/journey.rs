//! The way of a case as people see it: ten stations, what is done, what is next, whose turn, by when.

mod addendum;
mod sentence;

pub use sentence::{NextAction, next_action, now_sentence};
use serde::Serialize;

use super::facts::{CaseFacts, ConsentSigner};
use super::role::CaseRole;
use super::state::CaseState;
use super::track::Agreement;
use crate::time::Timestamp;

/// One of the ten stations on the way from a question to a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Station {
    /// Say who, which exam, why.
    Ask,
    /// Sign that the records may be shared.
    Consent,
    /// Get images and report.
    Records,
    /// See that they are complete and the right ones.
    Check,
    /// Choose who reads.
    Choose,
    /// Settle who pays.
    Cost,
    /// The reviewer accepts and reads.
    Read,
    /// The second report is written and signed.
    Report,
    /// Both reports are set side by side.
    Compare,
    /// The treating physician reads, and it is decided what to do.
    Act,
}

impl Station {
    /// Every station, in order.
    pub const ALL: [Self; 10] = [
        Self::Ask,
        Self::Consent,
        Self::Records,
        Self::Check,
        Self::Choose,
        Self::Cost,
        Self::Read,
        Self::Report,
        Self::Compare,
        Self::Act,
    ];

    /// Returns the station as addresses and style classes write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Consent => "consent",
            Self::Records => "records",
            Self::Check => "check",
            Self::Choose => "choose",
            Self::Cost => "cost",
            Self::Read => "read",
            Self::Report => "report",
            Self::Compare => "compare",
            Self::Act => "act",
        }
    }

    /// Returns the title, English.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ask => "Ask your question",
            Self::Consent => "Give consent",
            Self::Records => "Collect images and report",
            Self::Check => "Check the records",
            Self::Choose => "Choose a reviewer",
            Self::Cost => "Settle the cost",
            Self::Read => "Read the images",
            Self::Report => "Write the second report",
            Self::Compare => "Compare both reports",
            Self::Act => "Decide with the doctor",
        }
    }

    /// Returns the title, Spanish.
    pub const fn title_es(self) -> &'static str {
        match self {
            Self::Ask => "Hacer la pregunta",
            Self::Consent => "Dar el consentimiento",
            Self::Records => "Reunir imágenes e informe",
            Self::Check => "Revisar los registros",
            Self::Choose => "Elegir revisor",
            Self::Cost => "Acordar el costo",
            Self::Read => "Leer las imágenes",
            Self::Report => "Escribir el segundo informe",
            Self::Compare => "Comparar los dos informes",
            Self::Act => "Decidir con el médico",
        }
    }
}

/// How far a station is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Behind the case.
    Done,
    /// Here it is.
    Current,
    /// Still to come.
    Waiting,
    /// Left out, or no longer needed since the case ended.
    NotNeeded,
}

impl StepState {
    /// Returns the state as style classes write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Current => "current",
            Self::Waiting => "waiting",
            Self::NotNeeded => "not_needed",
        }
    }

    /// Returns the state in words, so that it is never told by colour alone.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Current => "now",
            Self::Waiting => "later",
            Self::NotNeeded => "not needed",
        }
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Whoever looks at the page.
    You,
    /// The side that asked.
    Requester,
    /// The person whose images they are.
    Patient,
    /// Who acts for the patient.
    Representative,
    /// The hospital or practice that has the records.
    Facility,
    /// The coordinator.
    Coordinator,
    /// The reviewer.
    Reviewer,
    /// The payer.
    Payer,
    /// The doctor who treats the patient.
    TreatingPhysician,
}

impl Party {
    /// Returns the party in words, as in "It is the turn of …".
    pub const fn words(self) -> &'static str {
        match self {
            Self::You => "you",
            Self::Requester => "the person who asked",
            Self::Patient => "the patient",
            Self::Representative => "the representative",
            Self::Facility => "the hospital or practice",
            Self::Coordinator => "the coordinator",
            Self::Reviewer => "the reviewer",
            Self::Payer => "the payer",
            Self::TreatingPhysician => "the treating doctor",
        }
    }

    /// Returns `You` when the reader wears the hat of the party.
    fn seen_by(self, hats: &[CaseRole]) -> Self {
        let hat = match self {
            Self::Requester | Self::Patient | Self::Representative => CaseRole::Requester,
            Self::Coordinator => CaseRole::Coordinator,
            Self::Reviewer => CaseRole::Reviewer,
            Self::Payer => CaseRole::Insurer,
            Self::TreatingPhysician => CaseRole::TreatingPhysician,
            Self::You | Self::Facility => return self,
        };
        if hats.contains(&hat) { Self::You } else { self }
    }
}

/// How a due time stands to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// Nothing is due.
    NoDeadline,
    /// More than a day is left.
    OnTime,
    /// Due within a day.
    Soon,
    /// The time has passed.
    Overdue,
}

impl Timing {
    /// Judges a due time.
    pub fn of(due_at: Option<Timestamp>, now: Timestamp) -> Self {
        match due_at {
            None => Self::NoDeadline,
            Some(due_at) if due_at < now => Self::Overdue,
            Some(due_at) if due_at <= now.plus_days(1) => Self::Soon,
            Some(_) => Self::OnTime,
        }
    }

    /// Returns the judgement as style classes write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoDeadline => "no_deadline",
            Self::OnTime => "on_time",
            Self::Soon => "soon",
            Self::Overdue => "overdue",
        }
    }
}

/// One station of the journey, as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which station.
    pub station: Station,
    /// Its title, English.
    pub title: &'static str,
    /// How far it is.
    pub state: StepState,
    /// Whose turn it is; `None` unless the station is current.
    pub whose_turn: Option<Party>,
    /// By when; `None` unless the station is current and something is due.
    pub due: Option<Timestamp>,
}

/// Returns the ten stations of a case, as somebody with these hats sees them.
pub fn journey(state: CaseState, facts: &CaseFacts, hats: &[CaseRole]) -> Vec<Step> {
    let here = station_of(state, facts);
    let ended = state.is_end() && state != CaseState::Closed;
    Station::ALL
        .into_iter()
        .map(|station| {
            let step_state = match here {
                _ if left_out(station, facts) => StepState::NotNeeded,
                None if ended && !was_reached(station, facts) => StepState::NotNeeded,
                None => StepState::Done,
                Some(current) if station < current => StepState::Done,
                Some(current) if station == current => StepState::Current,
                Some(_) => StepState::Waiting,
            };
            let is_current = step_state == StepState::Current;
            Step {
                station,
                title: station.title(),
                state: step_state,
                whose_turn: is_current.then(|| turn_of(state, facts, hats)),
                due: facts.clocks.due_at.filter(|_| is_current),
            }
        })
        .collect()
}

/// Returns the station where the case is; `None` once it has ended.
fn station_of(state: CaseState, facts: &CaseFacts) -> Option<Station> {
    Some(match state {
        CaseState::Draft => Station::Ask,
        CaseState::ConsentPending => Station::Consent,
        CaseState::RecordsCollecting => Station::Records,
        CaseState::RecordsCheck | CaseState::RecordsDeficient => Station::Check,
        CaseState::Matching => Station::Choose,
        CaseState::CoveragePending => Station::Cost,
        CaseState::Offered => Station::Read,
        CaseState::InReview | CaseState::InfoRequested => {
            if facts.report.first_impression_locked {
                Station::Report
            } else {
                Station::Read
            }
        }
        CaseState::ReportPreliminary => Station::Report,
        CaseState::ReportFinal => {
            // What the rules propose is no comparison before the reviewer has signed it.
            let compared = facts.report.result.is_some() || facts.report.comparison_impossible;
            if compared {
                Station::Act
            } else {
                Station::Compare
            }
        }
        CaseState::Delivered | CaseState::FollowUp => Station::Act,
        CaseState::OnHold => {
            return facts
                .held_from
                .filter(|source| *source != CaseState::OnHold)
                .and_then(|source| station_of(source, facts));
        }
        CaseState::Closed | CaseState::Withdrawn | CaseState::Declined | CaseState::Expired => {
            return None;
        }
    })
}

/// Says whether a station plays no part in this case.
const fn left_out(station: Station, facts: &CaseFacts) -> bool {
    matches!(station, Station::Compare) && facts.report.comparison_impossible
}

/// Says whether a case that ended early had passed the station.
const fn was_reached(station: Station, facts: &CaseFacts) -> bool {
    match station {
        Station::Ask => facts.intake.submitted_at.is_some(),
        Station::Consent => facts.consent.signed,
        Station::Records | Station::Check => facts.records.study_count > 0,
        Station::Choose => facts.reviewer.conflict_stated,
        Station::Cost => {
            facts.coverage.authorization_valid
                || facts.coverage.none_needed
                || facts.coverage.self_pay_settled
                || facts.coverage.sponsor_pays
        }
        Station::Read => facts.report.first_impression_locked,
        Station::Report => facts.report.signed_at.is_some(),
        Station::Compare => facts.report.result.is_some(),
        Station::Act => facts.report.acknowledged_at.is_some() || facts.report.decided_at.is_some(),
    }
}

/// Says whether the treating physician has the result, or a way to it.
const fn is_with_physician(facts: &CaseFacts) -> bool {
    let report = &facts.report;
    report.with_physician || report.acknowledged_at.is_some() || report.decided_at.is_some()
}

/// Says whether a coordinator must decide whose images these are before the case can go on.
const fn waits_for_decision(state: CaseState, facts: &CaseFacts) -> bool {
    facts.records.has_only_held_images()
        && matches!(
            state,
            CaseState::RecordsCollecting
                | CaseState::RecordsCheck
                | CaseState::RecordsDeficient
                | CaseState::Matching
        )
}

/// Says whether a coordinator has something to decide here, also while others go on with the case.
const fn has_decision_open(state: CaseState, facts: &CaseFacts) -> bool {
    facts.records.awaits_decision()
        && !state.is_end()
        && !matches!(state, CaseState::Draft | CaseState::OnHold)
}

/// Returns who must do something now, as somebody with these hats sees it.
fn turn_of(state: CaseState, facts: &CaseFacts, hats: &[CaseRole]) -> Party {
    if hats.contains(&CaseRole::Coordinator) && has_decision_open(state, facts) {
        return Party::You;
    }
    if hats.contains(&CaseRole::Reviewer) && addendum::awaits_signature(state, facts) {
        return Party::You;
    }
    let party = whose_turn(state, facts);
    if state == CaseState::ConsentPending && !may_sign_consent(hats) {
        return party;
    }
    party.seen_by(hats)
}

/// Says whether somebody with these hats may sign the consent: on the asking side, and neither who runs the case (also when they
/// wrote the request down) nor an insurer.
fn may_sign_consent(hats: &[CaseRole]) -> bool {
    hats.contains(&CaseRole::Requester)
        && !hats.contains(&CaseRole::Coordinator)
        && !hats.contains(&CaseRole::Insurer)
}

/// Returns who must do something now.
fn whose_turn(state: CaseState, facts: &CaseFacts) -> Party {
    match state {
        _ if waits_for_decision(state, facts) => Party::Coordinator,
        CaseState::ConsentPending => match facts.consent.signer {
            ConsentSigner::Asker => Party::Requester,
            ConsentSigner::Patient => Party::Patient,
            ConsentSigner::Representative => Party::Representative,
        },
        CaseState::Draft | CaseState::RecordsDeficient | CaseState::InfoRequested => {
            Party::Requester
        }
        CaseState::RecordsCollecting if facts.records.requested_at.is_some() => Party::Facility,
        CaseState::RecordsCollecting => Party::Requester,
        CaseState::CoveragePending if facts.coverage.payer_due_at.is_some() => Party::Payer,
        CaseState::CoveragePending => Party::Requester,
        CaseState::Offered | CaseState::InReview | CaseState::ReportPreliminary => Party::Reviewer,
        CaseState::ReportFinal
            if facts.report.result.is_none() && facts.report.comparison_built =>
        {
            Party::Reviewer
        }
        _ if addendum::is_unread(state, facts) => Party::Coordinator,
        // What was decided is known: somebody closes the case.
        CaseState::Delivered | CaseState::FollowUp if facts.report.decided_at.is_some() => {
            Party::Coordinator
        }
        CaseState::Delivered if !is_with_physician(facts) => Party::Coordinator,
        CaseState::Delivered if facts.report.acknowledged_at.is_none() => Party::TreatingPhysician,
        CaseState::Delivered if !facts.report.result.is_some_and(Agreement::is_discordant) => {
            Party::Requester
        }
        CaseState::Delivered | CaseState::FollowUp => Party::TreatingPhysician,
        CaseState::RecordsCheck
        | CaseState::Matching
        | CaseState::ReportFinal
        | CaseState::OnHold
        | CaseState::Closed
        | CaseState::Withdrawn
        | CaseState::Declined
        | CaseState::Expired => Party::Coordinator,
    }
}
