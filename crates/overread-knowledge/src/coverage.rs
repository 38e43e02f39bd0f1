//! Clocks of payers: by when they decide, and by when one may appeal. Configuration with sources, no legal advice.

use std::collections::BTreeMap;

use overread_model::duration::Span;
use serde::Deserialize;

/// By when plans of some types decide on a request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DecisionClock {
    /// Types of plans.
    pub plan: Vec<String>,
    /// A standard request; `None` when no clock is known.
    pub standard: Option<Span>,
    /// An expedited request.
    #[serde(default)]
    pub expedited: Option<Span>,
    /// How much longer the plan may take when it says so.
    #[serde(default)]
    pub extension: Option<Span>,
    /// A claim after the service.
    #[serde(default)]
    pub post_service: Option<Span>,
    /// In force from, 2026-01-01.
    #[serde(default)]
    pub from: Option<String>,
    /// Where it comes from.
    pub source: String,
}

/// By when one may appeal, and by when it is decided.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AppealClock {
    /// Types of plans.
    pub plan: Vec<String>,
    /// The appeal must be there within.
    pub file_within: Span,
    /// Decided within, by kind of appeal.
    pub decide: BTreeMap<String, Span>,
    /// An external review must be asked for within.
    #[serde(default)]
    pub external_review_within: Option<Span>,
    /// Where it comes from.
    pub source: String,
}

/// What is known of payers' clocks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CoverageTables {
    /// Types of plans.
    pub plan_types: Vec<String>,
    /// Clocks of decisions.
    pub decision_clocks: Vec<DecisionClock>,
    /// Clocks of appeals.
    pub appeal_clocks: Vec<AppealClock>,
    /// What everybody should know of Medicare.
    pub medicare_facts: Vec<String>,
    /// What everybody should know of billing.
    pub billing_facts: Vec<String>,
}

impl CoverageTables {
    /// Returns the clock of a type of plan.
    pub fn decision_clock(&self, plan_type: &str) -> Option<&DecisionClock> {
        let has = |clock: &&DecisionClock| clock.plan.iter().any(|plan| plan == plan_type);
        self.decision_clocks.iter().find(has)
    }

    /// Returns the clock of appeals of a type of plan.
    pub fn appeal_clock(&self, plan_type: &str) -> Option<&AppealClock> {
        let has = |clock: &&AppealClock| clock.plan.iter().any(|plan| plan == plan_type);
        self.appeal_clocks.iter().find(has)
    }
}
