//! By when each state must be left, and what happens to clocks that stop.

use super::facts::{CaseFacts, Clocks};
use super::state::CaseState;
use super::track::Agreement;
use crate::duration::{Span, WorkCalendar};
use crate::time::{CalendarDate, Timestamp};

/// Days a facility has to answer a request for records (45 CFR 164.524(b)(2), see the letters catalog).
const ACCESS_SPAN: Span = Span::Days(30);
/// The one extension a facility may take.
const ACCESS_EXTENSION_DAYS: i64 = 30;
/// What we ask of a facility when a treating physician asks.
const PROVIDER_SPAN: Span = Span::BusinessDays(5);
/// Within what a discordant answer must have been read.
const READ_SPAN: Span = Span::Days(7);

impl CaseState {
    /// Returns when a case that enters the state now must leave it; `None` when nothing is due.
    ///
    /// What serves a planned treatment is due so early that the states behind it are over on the day before: when their usual
    /// spans do not fit, each gets its share of the time there is.
    pub fn due_at(
        self,
        facts: &CaseFacts,
        calendar: &WorkCalendar,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let due_at = self.usual_due_at(facts, calendar, now);
        self.before_treatment(facts, calendar, now, due_at)
    }

    /// As [`due_at`](Self::due_at), whatever treatment is planned: no case is ended by itself before.
    ///
    /// The payer's clock is a fact (`coverage.payer_due_at`), since it depends on the plan.
    pub fn usual_due_at(
        self,
        facts: &CaseFacts,
        calendar: &WorkCalendar,
        now: Timestamp,
    ) -> Option<Timestamp> {
        match self {
            Self::RecordsCollecting => Some(records_due_at(facts, calendar, now)),
            Self::CoveragePending => facts.coverage.payer_due_at,
            _ => self.span(facts).map(|span| calendar.after(now, span)),
        }
    }

    /// Says whether what is done in the state must be done before a treatment.
    pub(super) const fn serves_treatment(self) -> bool {
        !self.is_end() && !matches!(self, Self::Draft | Self::FollowUp | Self::OnHold)
    }

    /// Returns when the state must be left so that a treatment to come finds the answer read; for a treatment of this day, now.
    fn before_treatment(
        self,
        facts: &CaseFacts,
        calendar: &WorkCalendar,
        now: Timestamp,
        due_at: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let to_come = |day: &CalendarDate| *day >= calendar.day_of(now);
        let Some(day) = facts
            .treatment_on
            .filter(to_come)
            .filter(|_| self.serves_treatment())
        else {
            return due_at;
        };
        let last = calendar.start_of(day).last_moment_before().max(now);
        let there_is = seconds_between(now, last);
        let later = self.later_seconds(facts, calendar, due_at.unwrap_or(now));
        let own = due_at.map_or_else(
            // Whoever has no clock gets what the others leave, and half where they leave less.
            || (there_is - later).max(later),
            |due_at| seconds_between(now, due_at),
        );
        if due_at.is_some() && (own <= 0 || own + later <= there_is) {
            return due_at;
        }
        let whole = i128::from(own) + i128::from(later);
        let share = i128::from(there_is) * i128::from(own) / whole.max(1);
        Some(now.plus_seconds(i64::try_from(share).unwrap_or(there_is)))
    }

    /// Returns how long the states behind this one usually take until the answer was read, in seconds, when they begin at `from`.
    pub(super) fn later_seconds(
        self,
        facts: &CaseFacts,
        calendar: &WorkCalendar,
        from: Timestamp,
    ) -> i64 {
        let (mut state, mut at) = (self, from);
        while let Some(next) = state.next_on_the_way() {
            let left = match next {
                Self::Delivered => Some(calendar.after(at, READ_SPAN)),
                _ => next.usual_due_at(facts, calendar, at),
            };
            at = left.map_or(at, |left| left.max(at));
            state = next;
        }
        seconds_between(from, at)
    }

    /// Returns the state a case goes to when nothing goes wrong, up to the delivery.
    const fn next_on_the_way(self) -> Option<Self> {
        match self {
            Self::ConsentPending => Some(Self::RecordsCollecting),
            Self::RecordsCollecting | Self::RecordsDeficient => Some(Self::RecordsCheck),
            Self::RecordsCheck => Some(Self::Matching),
            Self::Matching => Some(Self::CoveragePending),
            Self::CoveragePending => Some(Self::Offered),
            Self::Offered | Self::InfoRequested => Some(Self::InReview),
            Self::InReview => Some(Self::ReportPreliminary),
            Self::ReportPreliminary => Some(Self::ReportFinal),
            Self::ReportFinal => Some(Self::Delivered),
            _ => None,
        }
    }

    /// Returns the fixed span of the state.
    fn span(self, facts: &CaseFacts) -> Option<Span> {
        use crate::intake::UrgencyLevel::{Emergent, Expedited, Standard, Urgent};
        let urgency = facts.urgency;
        match self {
            Self::Draft | Self::RecordsDeficient => Some(Span::Days(30)),
            Self::ConsentPending | Self::InfoRequested => Some(Span::Days(14)),
            Self::RecordsCheck | Self::Matching => Some(Span::BusinessDays(2)),
            Self::Offered => Some(match urgency {
                Urgent | Emergent => Span::Hours(4),
                Expedited | Standard => Span::BusinessDays(2),
            }),
            Self::InReview => Some(match urgency {
                // An emergency is not a second-opinion case; if one gets here it runs as urgent.
                Urgent | Emergent => Span::BusinessDays(1),
                Expedited => Span::BusinessDays(3),
                Standard => Span::BusinessDays(5),
            }),
            Self::ReportPreliminary | Self::ReportFinal => Some(Span::BusinessDays(1)),
            Self::Delivered => Some(
                if facts.report.result.is_some_and(Agreement::is_discordant) {
                    READ_SPAN
                } else {
                    Span::Days(30)
                },
            ),
            Self::FollowUp => Some(Span::Days(90)),
            Self::OnHold => Some(Span::Days(60)),
            Self::RecordsCollecting
            | Self::CoveragePending
            | Self::Closed
            | Self::Withdrawn
            | Self::Declined
            | Self::Expired => None,
        }
    }
}

/// Returns when the facility must have answered: counted from the day the letter went out, else from now.
fn records_due_at(facts: &CaseFacts, calendar: &WorkCalendar, now: Timestamp) -> Timestamp {
    let records = &facts.records;
    let start = records.requested_at.unwrap_or(now);
    if records.provider_to_provider {
        return calendar.after(start, PROVIDER_SPAN);
    }
    let due = calendar.after(start, ACCESS_SPAN);
    if records.extended {
        due.plus_days(ACCESS_EXTENSION_DAYS)
    } else {
        due
    }
}

/// Returns the clocks after a move: what stops is remembered, what resumes gets its rest back.
pub(super) fn clocks_after(
    from: CaseState,
    to: CaseState,
    facts: &CaseFacts,
    calendar: &WorkCalendar,
    now: Timestamp,
) -> Clocks {
    let old = facts.clocks;
    let left = old.due_at.map(|due_at| seconds_between(now, due_at));
    let fresh = to.due_at(facts, calendar, now);
    let rest = |seconds: Option<i64>| {
        let due_at = seconds.map(|seconds| now.plus_seconds(seconds)).or(fresh);
        to.before_treatment(facts, calendar, now, due_at)
    };
    match (from, to) {
        (_, CaseState::OnHold) => Clocks {
            due_at: fresh,
            hold_left_seconds: left,
            ..old
        },
        (CaseState::OnHold, _) if !to.is_end() => Clocks {
            due_at: rest(old.hold_left_seconds),
            hold_left_seconds: None,
            ..old
        },
        (CaseState::InReview, CaseState::InfoRequested) => Clocks {
            due_at: fresh,
            review_left_seconds: left,
            ..old
        },
        (CaseState::InfoRequested, CaseState::InReview) => Clocks {
            due_at: rest(old.review_left_seconds),
            review_left_seconds: None,
            ..old
        },
        // An event that stays in its state, as an addendum or a denial, gives no new time.
        _ if from == to => Clocks {
            due_at: old.due_at.or(fresh),
            ..old
        },
        _ => Clocks {
            due_at: fresh,
            ..Clocks::default()
        },
    }
}

/// Returns the seconds from one instant to a later one; negative when it is earlier.
const fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_micros().saturating_sub(from.as_micros()) / 1_000_000
}
