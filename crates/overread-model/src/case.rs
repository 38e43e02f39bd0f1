//! Here lives the way of a case: 19 states, 69 transitions, and the one function that decides whether it may move.
//!
//! `decide` is pure: the workflow loads a `CaseState` and its `CaseFacts`, asks, then saves what the `Transition` says and
//! writes one audit row, in one transaction. Nothing clinical is released without a person's signature: the only way to
//! `delivered` leads through `report_final`, and the only way there is `sign`, by a reviewer who proved identity again.

mod deadline;
mod effect;
mod event;
mod facts;
mod guard;
mod journey;
mod role;
mod state;
mod table;
mod track;

pub use effect::{AuditKind, Effect, Notify};
pub use event::{CaseEvent, NotAnEvent};
pub use facts::{
    CaseFacts, Clocks, ConsentFacts, ConsentSigner, CoverageFacts, FollowUpFacts, Given,
    IntakeFacts, RecordsFacts, ReportFacts, ReviewerFacts,
};
pub use guard::{Guard, IDENTITY_SURE};
pub use journey::{
    NextAction, Party, Station, Step, StepState, Timing, journey, next_action, now_sentence,
};
pub use role::{CaseRole, Ties};
use serde::Serialize;
pub use state::{CaseState, NotAState};
pub use table::{Rule, TRANSITIONS, Target};
pub use track::{
    Agreement, ConsentTrack, CoverageTrack, Outcome, QualityTrack, RecordsTrack, UrgentCategory,
    UrgentTrack,
};

use crate::duration::WorkCalendar;
use crate::time::Timestamp;

/// A move that was allowed: what to save and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transition {
    /// The state left.
    pub from: CaseState,
    /// What happened.
    pub event: CaseEvent,
    /// The state reached.
    pub to: CaseState,
    /// The hat in which the actor did it.
    pub acted_as: CaseRole,
    /// What to do with it, in this order.
    pub effects: Vec<Effect>,
    /// Whom to tell.
    pub notify: Vec<Notify>,
    /// Which audit message to write.
    pub audit: AuditKind,
    /// The clocks to save.
    pub clocks: Clocks,
    /// The state to come back to; `Some` exactly when the case is now on hold.
    pub held_from: Option<CaseState>,
    /// When the case expired; `Some` exactly when it just did.
    pub expired_at: Option<Timestamp>,
}

/// Why a case does not move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The event does not belong to the state.
    #[error("a case that is \"{}\" cannot do this: {}", state.title(), event.label())]
    NotPossible {
        /// Where the case stands.
        state: CaseState,
        /// What was tried.
        event: CaseEvent,
    },
    /// The actor may not do it.
    #[error("only {} can do this: {}", list_of_roles(needs), event.label())]
    NotYours {
        /// What was tried.
        event: CaseEvent,
        /// Who could.
        needs: Vec<CaseRole>,
    },
    /// Something must be true first; every failed condition is named.
    #[error("{}", list_of_guards(.0))]
    NotYet(Vec<Guard>),
}

impl Refusal {
    /// Returns the failed conditions, when it is about conditions.
    pub fn guards(&self) -> &[Guard] {
        match self {
            Self::NotYet(guards) => guards,
            Self::NotPossible { .. } | Self::NotYours { .. } => &[],
        }
    }
}

fn list_of_roles(roles: &[CaseRole]) -> String {
    let words: Vec<&str> = roles.iter().map(|role| role.words()).collect();
    words.join(" or ")
}

fn list_of_guards(guards: &[Guard]) -> String {
    let words: Vec<&str> = guards.iter().map(|guard| guard.refusal()).collect();
    words.join("; ")
}

/// Returns the arrow for an event in a state.
pub fn rule_for(state: CaseState, event: CaseEvent) -> Option<&'static Rule> {
    TRANSITIONS
        .iter()
        .find(|rule| rule.from == state && rule.event == event)
}

/// Decides whether a case moves, and how.
///
/// `hats` are the roles the actor wears in this case (`CaseRole::worn_by`); business days follow `calendar`.
///
/// # Errors
/// The refusal says whether the event, the actor or a condition is wrong; conditions are all named.
pub fn decide(
    state: CaseState,
    event: CaseEvent,
    hats: &[CaseRole],
    facts: &CaseFacts,
    calendar: &WorkCalendar,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let rule = rule_for(state, event).ok_or(Refusal::NotPossible { state, event })?;
    let acted_as = rule
        .actors
        .iter()
        .copied()
        .find(|actor| hats.contains(actor))
        .ok_or_else(|| Refusal::NotYours {
            event,
            needs: rule.actors.to_vec(),
        })?;
    let failed: Vec<Guard> = rule
        .guards
        .iter()
        .copied()
        .filter(|guard| !guard.holds(facts, now))
        .collect();
    if !failed.is_empty() {
        return Err(Refusal::NotYet(failed));
    }
    let to = match rule.to {
        Target::State(to) => to,
        Target::Source => facts
            .held_from
            .filter(|source| can_be_held(*source))
            .ok_or(Refusal::NotPossible { state, event })?,
    };
    Ok(Transition {
        from: state,
        event,
        to,
        acted_as,
        effects: rule.effects.to_vec(),
        notify: rule.notify.to_vec(),
        audit: rule.audit,
        clocks: deadline::clocks_after(state, to, facts, calendar, now),
        held_from: (to == CaseState::OnHold).then_some(state),
        expired_at: (to == CaseState::Expired).then_some(now),
    })
}

/// Says whether some arrow leads from the state to the hold, so that coming back there makes sense.
fn can_be_held(state: CaseState) -> bool {
    TRANSITIONS
        .iter()
        .any(|rule| rule.from == state && rule.to == Target::State(CaseState::OnHold))
}

/// Returns the events a person could cause now, with what is still missing for each; the program's own are left out.
///
/// A page shows a button for each; those with missing conditions are shown with the reason.
pub fn possible_events(
    state: CaseState,
    hats: &[CaseRole],
    facts: &CaseFacts,
    now: Timestamp,
) -> Vec<(CaseEvent, Vec<Guard>)> {
    TRANSITIONS
        .iter()
        .filter(|rule| rule.from == state && rule.actors.iter().any(|actor| hats.contains(actor)))
        .map(|rule| {
            let failed = rule.guards.iter().copied();
            let failed = failed.filter(|guard| !guard.holds(facts, now)).collect();
            (rule.event, failed)
        })
        .collect()
}

#[cfg(test)]
mod tests;
