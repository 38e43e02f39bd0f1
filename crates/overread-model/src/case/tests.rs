use std::collections::BTreeSet;

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;

use super::{
    Agreement, CaseEvent, CaseFacts, CaseRole, CaseState, Guard, Outcome, Party, Refusal, Station,
    StepState, TRANSITIONS, Target, Ties, Timing, Transition, UrgentCategory, UrgentTrack, decide,
    journey, next_action, now_sentence, possible_events,
};
use crate::access::{Actor, Role};
use crate::duration::WorkCalendar;
use crate::ids::{CaseId, LinkId, PersonId, TokenId};
use crate::intake::UrgencyLevel;
use crate::time::{CalendarDate, Timestamp};

/// Monday, 2 March 2026, 10:00 UTC.
fn monday() -> Timestamp {
    CalendarDate::new(2026, 3, 2)
        .unwrap()
        .start()
        .plus_seconds(36_000)
}

fn go(
    state: CaseState,
    event: CaseEvent,
    hat: CaseRole,
    facts: &CaseFacts,
) -> Result<Transition, Refusal> {
    decide(
        state,
        event,
        &[hat],
        facts,
        &WorkCalendar::default(),
        monday(),
    )
}

/// A case in which every guard that can hold together holds.
fn everything() -> CaseFacts {
    let mut facts = CaseFacts::default();
    facts.intake.identity_complete = true;
    facts.intake.requester_kind_set = true;
    facts.intake.question_or_reason_set = true;
    facts.intake.red_flags_answered = true;
    facts.consent.signed = true;
    facts.consent.dated = true;
    facts.consent.expiry_set = true;
    facts.records.study_count = 1;
    facts.records.identity_score = Some(0.95);
    facts.reviewer.credential_active = true;
    facts.reviewer.licence_fits = true;
    facts.reviewer.conflict_stated = true;
    facts.coverage.self_pay_settled = true;
    facts.coverage.denial_reason_stored = true;
    facts.report.mandatory_sections_filled = true;
    facts.report.quality_assessed = true;
    facts.report.non_diagnostic_listed = true;
    facts.report.agreement_set = true;
    facts.report.reauthenticated = true;
    facts.report.plain_text_present = true;
    facts.report.comparison_built = true;
    facts.report.result = Some(Agreement::DiscordantMinor);
    facts.follow_up.declined = true;
    facts.follow_up.outcome = Some(Outcome::SecondConfirmed);
    facts.given.reason = true;
    facts.given.question = true;
    facts.given.overridden_rule_count = 1;
    facts.expired_at = Some(monday().plus_days(-29));
    facts.held_from = Some(CaseState::InReview);
    facts
}

#[test]
fn the_whole_way_can_be_gone() {
    use CaseEvent as E;
    use CaseRole as R;
    use CaseState as S;
    let way = [
        (E::Submit, R::Requester, S::ConsentPending),
        (E::ConsentSigned, R::Requester, S::RecordsCollecting),
        (E::RecordsReceived, R::System, S::RecordsCheck),
        (E::RecordsAccepted, R::Coordinator, S::Matching),
        (E::ReviewerSelected, R::Coordinator, S::CoveragePending),
        (E::CoverageCleared, R::Coordinator, S::Offered),
        (E::Accept, R::Reviewer, S::InReview),
        (E::RequestInfo, R::Reviewer, S::InfoRequested),
        (E::InfoSupplied, R::Requester, S::InReview),
        (E::SavePreliminary, R::Reviewer, S::ReportPreliminary),
        (E::Sign, R::Reviewer, S::ReportFinal),
        (E::Release, R::Coordinator, S::Delivered),
        (E::OpenFollowUp, R::TreatingPhysician, S::FollowUp),
        (E::Resolve, R::TreatingPhysician, S::Closed),
        (E::Reopen, R::Coordinator, S::FollowUp),
    ];
    let mut state = S::Draft;
    let mut facts = everything();
    for (event, hat, expect) in way {
        let moved = go(state, event, hat, &facts).unwrap();
        assert_eq!(moved.to, expect);
        facts.clocks = moved.clocks;
        state = moved.to;
    }
}

#[test]
fn every_state_is_reached_from_the_draft_and_reaches_an_end() {
    let next = |state: CaseState| -> Vec<CaseState> {
        TRANSITIONS
            .iter()
            .filter(|rule| rule.from == state)
            .flat_map(|rule| match rule.to {
                Target::State(to) => vec![to],
                Target::Source => TRANSITIONS
                    .iter()
                    .filter(|other| other.to == Target::State(CaseState::OnHold))
                    .map(|other| other.from)
                    .collect(),
            })
            .collect()
    };
    let reach = |start: CaseState| -> BTreeSet<CaseState> {
        let mut seen = BTreeSet::from([start]);
        let mut open = vec![start];
        while let Some(state) = open.pop() {
            open.extend(next(state).into_iter().filter(|to| seen.insert(*to)));
        }
        seen
    };
    assert_eq!(reach(CaseState::Draft).len(), CaseState::ALL.len());
    for state in CaseState::ALL {
        assert!(reach(state).iter().any(|to| to.is_end()), "{state}");
    }
}

#[test]
fn no_event_is_twice_in_a_state() {
    let arrows: BTreeSet<(CaseState, CaseEvent)> = TRANSITIONS
        .iter()
        .map(|rule| (rule.from, rule.event))
        .collect();
    assert_eq!(arrows.len(), TRANSITIONS.len());
}

#[test]
fn a_wrong_hat_is_refused_whatever_the_facts() {
    for rule in &TRANSITIONS {
        for hat in CaseRole::ALL
            .into_iter()
            .filter(|hat| !rule.actors.contains(hat))
        {
            let refused = go(rule.from, rule.event, hat, &everything());
            assert!(
                matches!(refused, Err(Refusal::NotYours { .. })),
                "{} {} {hat:?}",
                rule.from,
                rule.event
            );
        }
        assert!(
            decide(
                rule.from,
                rule.event,
                &[],
                &everything(),
                &WorkCalendar::default(),
                monday()
            )
            .is_err()
        );
    }
}

#[test]
fn ends_stay_ends_but_for_a_coordinator_who_reopens() {
    for state in CaseState::ALL.into_iter().filter(|state| state.is_end()) {
        for event in CaseEvent::ALL {
            for hat in CaseRole::ALL {
                let moved = go(state, event, hat, &everything());
                let may = event == CaseEvent::Reopen
                    && hat == CaseRole::Coordinator
                    && matches!(state, CaseState::Closed | CaseState::Expired);
                assert_eq!(moved.is_ok(), may, "{state} {event} {hat:?}");
            }
        }
    }
}

/// Checks that the event fails with exactly this guard when one fact is taken away.
fn guard(
    state: CaseState,
    event: CaseEvent,
    hat: CaseRole,
    spoil: fn(&mut CaseFacts),
    expect: Guard,
) {
    let mut facts = everything();
    if event == CaseEvent::BlockingIssue {
        facts.records.open_blocker_count = 1;
    }
    if event == CaseEvent::EmergencyFlagged {
        facts.intake.red_flag_raised = true;
    }
    assert!(go(state, event, hat, &facts).is_ok(), "{state} {event}");
    spoil(&mut facts);
    let refusal = go(state, event, hat, &facts).unwrap_err();
    assert_eq!(refusal.guards(), [expect], "{state} {event}");
    assert_eq!(refusal.to_string(), expect.refusal());
}

#[expect(clippy::too_many_lines, reason = "one line for each guard")]
#[test]
fn each_guard_is_named_when_it_fails() {
    use CaseEvent as E;
    use CaseRole as R;
    use CaseState as S;
    guard(
        S::Draft,
        E::Submit,
        R::Requester,
        |f| f.intake.identity_complete = false,
        Guard::IdentityComplete,
    );
    guard(
        S::Draft,
        E::Submit,
        R::Requester,
        |f| f.intake.requester_kind_set = false,
        Guard::RequesterKindSet,
    );
    guard(
        S::Draft,
        E::Submit,
        R::Requester,
        |f| f.intake.question_or_reason_set = false,
        Guard::QuestionOrReasonSet,
    );
    guard(
        S::Draft,
        E::Submit,
        R::Requester,
        |f| f.intake.red_flags_answered = false,
        Guard::NoRedFlag,
    );
    guard(
        S::Draft,
        E::Submit,
        R::Requester,
        |f| f.intake.red_flag_raised = true,
        Guard::NoRedFlag,
    );
    guard(
        S::Draft,
        E::SubmitWithConsent,
        R::Requester,
        |f| f.consent.signed = false,
        Guard::ConsentOnFile,
    );
    guard(
        S::Draft,
        E::EmergencyFlagged,
        R::System,
        |f| f.intake.red_flag_raised = false,
        Guard::RedFlagRaised,
    );
    guard(
        S::ConsentPending,
        E::ConsentSigned,
        R::System,
        |f| f.consent.dated = false,
        Guard::ConsentComplete,
    );
    guard(
        S::ConsentPending,
        E::ConsentSigned,
        R::System,
        |f| f.consent.expiry_set = false,
        Guard::ConsentComplete,
    );
    guard(
        S::ConsentPending,
        E::ConsentSigned,
        R::System,
        |f| f.consent.authority_needed = true,
        Guard::ConsentComplete,
    );
    guard(
        S::ConsentPending,
        E::ConsentSigned,
        R::System,
        |f| f.consent.revoked = true,
        Guard::ConsentComplete,
    );
    guard(
        S::RecordsCollecting,
        E::RecordsReceived,
        R::System,
        |f| f.records.study_count = 0,
        Guard::StudyImported,
    );
    guard(
        S::RecordsCollecting,
        E::RecordsReceived,
        R::System,
        |f| f.records.import_running = true,
        Guard::ImportFinished,
    );
    guard(
        S::RecordsCheck,
        E::BlockingIssue,
        R::System,
        |f| f.records.open_blocker_count = 0,
        Guard::BlockerOpen,
    );
    guard(
        S::RecordsDeficient,
        E::Override,
        R::Coordinator,
        |f| f.given.reason = false,
        Guard::OverrideReason,
    );
    guard(
        S::RecordsDeficient,
        E::Override,
        R::Coordinator,
        |f| f.given.overridden_rule_count = 0,
        Guard::OverrideRulesListed,
    );
    guard(
        S::RecordsCheck,
        E::RecordsAccepted,
        R::System,
        |f| f.records.open_blocker_count = 1,
        Guard::NoBlockerOpen,
    );
    guard(
        S::RecordsCheck,
        E::RecordsAccepted,
        R::System,
        |f| f.records.identity_score = Some(0.89),
        Guard::IdentityMatches,
    );
    guard(
        S::RecordsCheck,
        E::RecordsAccepted,
        R::System,
        |f| f.records.identity_score = None,
        Guard::IdentityMatches,
    );
    guard(
        S::Matching,
        E::ReviewerSelected,
        R::Requester,
        |f| f.reviewer.credential_active = false,
        Guard::ReviewerCredentialActive,
    );
    guard(
        S::Matching,
        E::ReviewerSelected,
        R::Requester,
        |f| f.reviewer.licence_fits = false,
        Guard::LicenceFits,
    );
    guard(
        S::Matching,
        E::ReviewerSelected,
        R::Requester,
        |f| f.reviewer.is_first_reader = true,
        Guard::NoConflict,
    );
    guard(
        S::Matching,
        E::ReviewerSelected,
        R::Requester,
        |f| f.reviewer.same_group = true,
        Guard::NoConflict,
    );
    guard(
        S::CoveragePending,
        E::CoverageCleared,
        R::Insurer,
        |f| f.coverage.self_pay_settled = false,
        Guard::CoverageSettled,
    );
    guard(
        S::CoveragePending,
        E::CoverageDenied,
        R::Insurer,
        |f| f.coverage.denial_reason_stored = false,
        Guard::DenialReasonStored,
    );
    guard(
        S::Offered,
        E::Accept,
        R::Reviewer,
        |f| f.reviewer.conflict_stated = false,
        Guard::ConflictStatement,
    );
    guard(
        S::Offered,
        E::Accept,
        R::Reviewer,
        |f| f.reviewer.credential_active = false,
        Guard::CredentialActive,
    );
    guard(
        S::Offered,
        E::Decline,
        R::Reviewer,
        |f| f.given.reason = false,
        Guard::ReasonGiven,
    );
    guard(
        S::InReview,
        E::RequestInfo,
        R::Reviewer,
        |f| f.given.question = false,
        Guard::QuestionText,
    );
    guard(
        S::InReview,
        E::ImagesInadequate,
        R::Reviewer,
        |f| f.report.non_diagnostic_listed = false,
        Guard::ImagesNonDiagnostic,
    );
    guard(
        S::InReview,
        E::Sign,
        R::Reviewer,
        |f| f.report.reauthenticated = false,
        Guard::Reauthenticated,
    );
    guard(
        S::InReview,
        E::Sign,
        R::Reviewer,
        |f| f.report.mandatory_sections_filled = false,
        Guard::MandatorySectionsFilled,
    );
    guard(
        S::InReview,
        E::Sign,
        R::Reviewer,
        |f| f.report.quality_assessed = false,
        Guard::QualityAssessed,
    );
    guard(
        S::ReportPreliminary,
        E::Sign,
        R::Reviewer,
        |f| f.report.agreement_set = false,
        Guard::AgreementSet,
    );
    guard(
        S::ReportFinal,
        E::Release,
        R::System,
        |f| f.report.comparison_built = false,
        Guard::ComparisonBuilt,
    );
    guard(
        S::ReportFinal,
        E::Release,
        R::System,
        |f| f.report.plain_text_present = false,
        Guard::PlainTextPresent,
    );
    guard(
        S::ReportFinal,
        E::Release,
        R::System,
        |f| f.report.urgent = UrgentTrack::Opened,
        Guard::UrgentClosed,
    );
    guard(
        S::Delivered,
        E::OpenFollowUp,
        R::Requester,
        |f| f.report.result = Some(Agreement::Concordant),
        Guard::FollowUpWanted,
    );
    guard(
        S::FollowUp,
        E::ThirdOpinion,
        R::Requester,
        |f| f.report.result = None,
        Guard::DiscordancePresent,
    );
    guard(
        S::FollowUp,
        E::Resolve,
        R::Requester,
        |f| f.follow_up.outcome = Some(Outcome::Unknown),
        Guard::OutcomeSet,
    );
    guard(
        S::Delivered,
        E::Close,
        R::System,
        |f| f.follow_up.declined = false,
        Guard::ConcordantOrDeclined,
    );
    guard(
        S::Expired,
        E::Reopen,
        R::Coordinator,
        |f| f.expired_at = Some(monday().plus_days(-31)),
        Guard::WithinReopenTime,
    );
}

#[test]
fn what_may_stand_in_for_a_fact() {
    let ok = |state, event, hat, change: fn(&mut CaseFacts)| {
        let mut facts = everything();
        change(&mut facts);
        assert!(go(state, event, hat, &facts).is_ok(), "{state} {event}");
    };
    use CaseRole as R;
    use CaseState as S;
    ok(
        S::RecordsCheck,
        CaseEvent::RecordsAccepted,
        R::Coordinator,
        |f| {
            f.records.identity_score = Some(0.1);
            f.records.identity_confirmed = true;
        },
    );
    ok(
        S::Matching,
        CaseEvent::ReviewerSelected,
        R::Coordinator,
        |f| {
            f.reviewer.licence_fits = false;
            f.reviewer.consults_physician = true;
        },
    );
    ok(
        S::Matching,
        CaseEvent::ReviewerSelected,
        R::Coordinator,
        |f| {
            f.reviewer.same_group = true;
            f.reviewer.tie_disclosed = true;
        },
    );
    ok(S::ReportFinal, CaseEvent::Release, R::Coordinator, |f| {
        f.report.urgent = UrgentTrack::Opened;
        f.report.urgent_category = Some(UrgentCategory::Days);
    });
    ok(S::ReportFinal, CaseEvent::Release, R::Coordinator, |f| {
        f.report.urgent = UrgentTrack::Communicated
    });
    ok(S::ReportFinal, CaseEvent::Release, R::Coordinator, |f| {
        f.report.comparison_built = false;
        f.report.comparison_impossible = true;
    });
    ok(S::InReview, CaseEvent::Sign, R::Reviewer, |f| {
        f.report.agreement_set = false;
        f.report.original_unavailable = true;
    });
    ok(S::Delivered, CaseEvent::Close, R::Coordinator, |f| {
        f.follow_up.declined = false;
        f.report.result = Some(Agreement::Concordant);
    });
    ok(S::Delivered, CaseEvent::Close, R::Coordinator, |f| {
        f.follow_up.declined = false;
        f.report.result = None;
        f.report.comparison_impossible = true;
    });
}

#[test]
fn refusals_name_everything_that_is_missing() {
    let refusal = go(
        CaseState::Draft,
        CaseEvent::Submit,
        CaseRole::Requester,
        &CaseFacts::default(),
    )
    .unwrap_err();
    assert_eq!(refusal.guards().len(), 4);
    assert_eq!(
        go(
            CaseState::Draft,
            CaseEvent::Sign,
            CaseRole::Reviewer,
            &everything()
        )
        .unwrap_err()
        .to_string(),
        "a case that is \"Draft\" cannot do this: Sign the report"
    );
    assert_eq!(
        go(
            CaseState::InReview,
            CaseEvent::Sign,
            CaseRole::Coordinator,
            &everything()
        )
        .unwrap_err()
        .to_string(),
        "only the reviewer can do this: Sign the report"
    );
}

#[test]
fn what_serves_a_treatment_leaves_time_for_what_comes_before_its_day() {
    use CaseState as S;
    let operated = |day: &str| {
        let facts = CaseFacts {
            treatment_on: day.parse().ok(),
            ..CaseFacts::default()
        };
        move |state: CaseState| {
            let due = state.due_at(&facts, &WorkCalendar::default(), monday());
            due.map(|due| due.date().to_string()).unwrap_or_default()
        }
    };
    let before = operated("2026-03-05");
    assert_eq!(before(S::Delivered), "2026-03-04");
    assert_eq!(operated("2026-03-12")(S::ReportFinal), "2026-03-03");
    assert_eq!(operated("2026-03-12")(S::Delivered), "2026-03-11");
    assert_eq!(operated("2026-12-24")(S::InReview), "2026-03-09", "usual");
    let way = [
        S::ConsentPending,
        S::RecordsCollecting,
        S::RecordsCheck,
        S::Matching,
        S::CoveragePending,
        S::Offered,
        S::InReview,
        S::ReportPreliminary,
        S::ReportFinal,
    ];
    let facts = CaseFacts {
        treatment_on: "2026-03-22".parse().ok(),
        ..CaseFacts::default()
    };
    let mut at = monday();
    for state in way {
        let due_at = state.due_at(&facts, &WorkCalendar::default(), at).unwrap();
        assert!(due_at >= at.plus_seconds(4 * 3_600), "{state} has no time");
        at = due_at;
    }
    assert!(at <= monday().plus_days(19), "no time to read it: {at:?}");
    assert_eq!(before(S::FollowUp), "2026-05-31", "after the treatment");
    assert_eq!(operated("2026-03-02")(S::InReview), "2026-03-02");
    assert_eq!(operated("2026-03-01")(S::InReview), "2026-03-09", "over");
    let usual = S::InReview.usual_due_at(&everything(), &WorkCalendar::default(), monday());
    assert_eq!(usual.unwrap().date().to_string(), "2026-03-09");
}

#[test]
fn deadlines_follow_the_state() {
    let check = |state: CaseState, change: fn(&mut CaseFacts), expect: Option<&str>| {
        let mut facts = CaseFacts::default();
        change(&mut facts);
        let due = state.due_at(&facts, &WorkCalendar::default(), monday());
        assert_eq!(
            due.map(|due| due.date().to_string()).as_deref(),
            expect,
            "{state}"
        );
    };
    use CaseState as S;
    check(S::Draft, |_| {}, Some("2026-04-01"));
    check(
        S::RecordsCollecting,
        |f| f.records.requested_at = Some(monday().plus_days(-10)),
        Some("2026-03-22"),
    );
    check(
        S::RecordsCollecting,
        |f| {
            f.records.requested_at = Some(monday().plus_days(-10));
            f.records.extended = true;
        },
        Some("2026-04-21"),
    );
    check(
        S::RecordsCollecting,
        |f| f.records.provider_to_provider = true,
        Some("2026-03-09"),
    );
    check(S::Offered, |_| {}, Some("2026-03-04"));
    check(
        S::Offered,
        |f| f.urgency = UrgencyLevel::Urgent,
        Some("2026-03-02"),
    );
    check(
        S::InReview,
        |f| f.urgency = UrgencyLevel::Expedited,
        Some("2026-03-05"),
    );
    check(S::InReview, |_| {}, Some("2026-03-09"));
    check(
        S::Delivered,
        |f| f.report.result = Some(Agreement::DiscordantMajor),
        Some("2026-03-09"),
    );
    check(S::CoveragePending, |_| {}, None);
    check(
        S::CoveragePending,
        |f| f.coverage.payer_due_at = Some(monday()),
        Some("2026-03-02"),
    );
    check(S::Closed, |_| {}, None);
}

#[test]
fn clocks_stop_and_go_on() {
    let at = |days: i64| monday().plus_days(days);
    let step = |state, event, hat, facts: &CaseFacts, now| {
        decide(state, event, &[hat], facts, &WorkCalendar::default(), now).unwrap()
    };
    let mut facts = everything();
    facts.clocks.due_at = Some(at(5));
    // The reviewer asks for more after two days: three days are left.
    let asked = step(
        CaseState::InReview,
        CaseEvent::RequestInfo,
        CaseRole::Reviewer,
        &facts,
        at(2),
    );
    assert_eq!(asked.clocks.due_at, Some(at(16)));
    facts.clocks = asked.clocks;
    // A hold on top of it.
    let held = step(
        CaseState::InfoRequested,
        CaseEvent::Hold,
        CaseRole::Coordinator,
        &facts,
        at(4),
    );
    assert_eq!(
        (held.to, held.held_from),
        (CaseState::OnHold, Some(CaseState::InfoRequested))
    );
    facts.clocks = held.clocks;
    facts.held_from = held.held_from;
    let resumed = step(
        CaseState::OnHold,
        CaseEvent::Resume,
        CaseRole::Coordinator,
        &facts,
        at(20),
    );
    assert_eq!(
        (resumed.to, resumed.held_from),
        (CaseState::InfoRequested, None)
    );
    assert_eq!(resumed.clocks.due_at, Some(at(32)));
    facts.clocks = resumed.clocks;
    let back = step(
        CaseState::InfoRequested,
        CaseEvent::InfoSupplied,
        CaseRole::Requester,
        &facts,
        at(21),
    );
    assert_eq!(back.clocks.due_at, Some(at(24)));
    assert_eq!(back.clocks.review_left_seconds, None);
    // An addendum gives nobody more time.
    facts.clocks = back.clocks;
    let addendum = step(
        CaseState::Delivered,
        CaseEvent::Addendum,
        CaseRole::Reviewer,
        &facts,
        at(22),
    );
    assert_eq!(addendum.clocks.due_at, Some(at(24)));
}

#[test]
fn a_hold_without_a_source_cannot_be_left_by_resuming() {
    for source in [
        None,
        Some(CaseState::Closed),
        Some(CaseState::OnHold),
        Some(CaseState::Draft),
    ] {
        let facts = CaseFacts {
            held_from: source,
            ..everything()
        };
        assert!(
            go(
                CaseState::OnHold,
                CaseEvent::Resume,
                CaseRole::Coordinator,
                &facts
            )
            .is_err()
        );
        assert!(
            go(
                CaseState::OnHold,
                CaseEvent::Withdraw,
                CaseRole::Requester,
                &facts
            )
            .is_ok()
        );
    }
}

#[test]
fn hats_follow_role_and_tie() {
    let person = |role| Actor::Person {
        person_id: PersonId::from_random([1; 16]),
        role,
    };
    let check = |actor: Actor, ties: Ties, expect: &[CaseRole]| {
        assert_eq!(CaseRole::worn_by(&actor, ties), expect)
    };
    let none = Ties::default();
    check(Actor::System, none, &[CaseRole::System]);
    check(person(Role::Patient), none, &[CaseRole::Requester]);
    check(person(Role::Reviewer), none, &[]);
    check(
        person(Role::Reviewer),
        Ties {
            reviews: true,
            ..none
        },
        &[CaseRole::Reviewer],
    );
    check(person(Role::Coordinator), none, &[CaseRole::Coordinator]);
    check(
        person(Role::Coordinator),
        Ties {
            asked: true,
            ..none
        },
        &[CaseRole::Coordinator, CaseRole::Requester],
    );
    check(
        person(Role::ReferringPhysician),
        Ties {
            asked: true,
            refers_or_treats: true,
            ..none
        },
        &[
            CaseRole::ReferringPhysician,
            CaseRole::TreatingPhysician,
            CaseRole::Requester,
        ],
    );
    check(person(Role::Insurer), none, &[]);
    check(
        person(Role::Administrator),
        Ties {
            asked: true,
            reviews: true,
            refers_or_treats: true,
            insures: true,
        },
        &[],
    );
    check(
        Actor::Machine {
            token_id: TokenId::from_random([1; 16]),
            role: Role::Archive,
        },
        none,
        &[],
    );
    let link = Actor::Link {
        link_id: LinkId::from_random([1; 16]),
        case_id: CaseId::from_random([1; 16]),
    };
    check(link, none, &[CaseRole::TreatingPhysician]);
}

fn states(state: CaseState, facts: &CaseFacts) -> Vec<StepState> {
    journey(state, facts, &[])
        .into_iter()
        .map(|step| step.state)
        .collect()
}

#[test]
fn the_journey_shows_where_a_case_is() {
    use StepState::{Current, Done, NotNeeded, Waiting};
    let facts = CaseFacts::default();
    assert_eq!(
        states(CaseState::Draft, &facts),
        [vec![Current], vec![Waiting; 9]].concat()
    );
    assert_eq!(states(CaseState::Closed, &facts), vec![Done; 10]);
    assert_eq!(states(CaseState::Expired, &facts), vec![NotNeeded; 10]);
    let mut facts = everything();
    facts.intake.submitted_at = Some(monday());
    facts.clocks.due_at = Some(monday().plus_days(3));
    let steps = journey(CaseState::InReview, &facts, &[CaseRole::Reviewer]);
    let here = steps.iter().find(|step| step.state == Current).unwrap();
    assert_eq!(
        (here.station, here.whose_turn, here.due),
        (Station::Read, Some(Party::You), facts.clocks.due_at)
    );
    facts.report.first_impression_locked = true;
    let steps = journey(CaseState::InReview, &facts, &[CaseRole::Requester]);
    let here = steps.iter().find(|step| step.state == Current).unwrap();
    assert_eq!(
        (here.station, here.whose_turn),
        (Station::Report, Some(Party::Reviewer))
    );
    // On hold it stays where it was.
    facts.held_from = Some(CaseState::Matching);
    let steps = journey(CaseState::OnHold, &facts, &[CaseRole::Coordinator]);
    let here = steps.iter().find(|step| step.state == Current).unwrap();
    assert_eq!(
        (here.station, here.whose_turn),
        (Station::Choose, Some(Party::You))
    );
    // A comparison is done once it is signed.
    facts.report.comparison_built = true;
    facts.report.result = None;
    let unsigned = states(CaseState::ReportFinal, &facts);
    assert_eq!((unsigned[8], unsigned[9]), (Current, Waiting));
    facts.report.result = Some(Agreement::DiscordantMinor);
    let signed = states(CaseState::ReportFinal, &facts);
    assert_eq!((signed[8], signed[9]), (Done, Current));
    facts.report.comparison_impossible = true;
    assert_eq!(states(CaseState::ReportFinal, &facts)[8], NotNeeded);
    // What was done before a withdrawal stays done.
    facts.report.signed_at = None;
    let withdrawn = states(CaseState::Withdrawn, &facts);
    assert_eq!(
        (withdrawn[0], withdrawn[2], withdrawn[7]),
        (Done, Done, NotNeeded)
    );
}

#[test]
fn sentences_say_what_happens_now() {
    let check = |state, facts: &CaseFacts, hat, expect: &str| {
        let text = now_sentence(state, facts, &[hat], &WorkCalendar::default(), monday());
        assert_eq!(text, expect);
    };
    let mut facts = everything();
    // Coordinators go on seeing what is kept: the patient is not told otherwise.
    check(
        CaseState::Withdrawn,
        &facts,
        CaseRole::Requester,
        "You took this request back. Reviewers, doctors and insurers can no longer see your records through it. \
         The practice itself still can; you can ask on the page of the case that the images be deleted.",
    );
    facts.records.requested_at = Some(monday().plus_days(-5));
    facts.clocks.due_at = Some(monday().plus_days(25));
    check(
        CaseState::RecordsCollecting,
        &facts,
        CaseRole::Requester,
        "We are waiting for the hospital's images. You asked on February 25, 2026. They have until March 27, 2026.",
    );
    facts.clocks.due_at = Some(monday().plus_days(-1));
    check(
        CaseState::RecordsCollecting,
        &facts,
        CaseRole::Coordinator,
        "We are waiting for the hospital's images. They were asked for on February 25, 2026. They had until March 1, 2026. It is time for a reminder.",
    );
    check(
        CaseState::InReview,
        &facts,
        CaseRole::Requester,
        "The reviewer is reading the images. This was due on March 1, 2026.",
    );
    facts.clocks.due_at = Some(monday().plus_days(4));
    check(
        CaseState::InReview,
        &facts,
        CaseRole::Requester,
        "The reviewer is reading the images. We expect an answer by March 6, 2026.",
    );
    check(
        CaseState::InReview,
        &facts,
        CaseRole::Reviewer,
        "Look at the images and lock your first impression. The first report opens after that. Please do this by March 6, 2026.",
    );
    check(
        CaseState::Matching,
        &facts,
        CaseRole::Coordinator,
        "Choose a reviewer from the list. Please do this by March 6, 2026.",
    );
}

#[test]
fn a_treatment_to_come_is_told_with_the_day_it_presses() {
    let mut facts = everything();
    facts.treatment_on = "2026-03-05".parse().ok();
    let calendar = WorkCalendar::default();
    facts.clocks.due_at = CaseState::InReview.due_at(&facts, &calendar, monday());
    let sentence = |facts: &CaseFacts, hat| {
        now_sentence(CaseState::InReview, facts, &[hat], &calendar, monday())
    };
    let told = sentence(&facts, CaseRole::Coordinator);
    let expect =
        "We expect an answer by March 3, 2026. The treatment is planned for March 5, 2026.";
    assert!(told.ends_with(expect), "{told}");
    assert!(!sentence(&facts, CaseRole::Reviewer).contains("treatment"));
    facts.treatment_on = "2026-06-01".parse().ok();
    assert!(!sentence(&facts, CaseRole::Coordinator).contains("treatment"));
}

#[test]
fn the_way_goes_on_behind_the_release() {
    let check = |facts: &CaseFacts, hat, expect: &str| {
        let calendar = WorkCalendar::default();
        let text = now_sentence(CaseState::Delivered, facts, &[hat], &calendar, monday());
        assert_eq!(text, expect);
    };
    let mut facts = everything();
    facts.clocks.due_at = Some(monday().plus_days(4));
    facts.report.acknowledged_at = None;
    check(
        &facts,
        CaseRole::Coordinator,
        "The result is released. The treating doctor has no way to it yet: make a link for the doctor. This is due by March 6, 2026.",
    );
    let turn = |facts: &CaseFacts| {
        let steps = journey(CaseState::Delivered, facts, &[]);
        steps.iter().find_map(|step| step.whose_turn)
    };
    let label = |facts: &CaseFacts| {
        next_action(CaseState::Delivered, facts, &[CaseRole::Coordinator]).map(|next| next.label)
    };
    assert_eq!(turn(&facts), Some(Party::Coordinator));
    assert_eq!(label(&facts), Some("Make the link for the doctor"));
    facts.report.with_physician = true;
    assert_eq!(turn(&facts), Some(Party::TreatingPhysician));
    assert_eq!(label(&facts), Some("See who has read it"));
    facts.report.decided_at = Some(monday());
    assert_eq!(turn(&facts), Some(Party::Coordinator));
    assert_eq!(label(&facts), Some("Close the case"));
    check(
        &facts,
        CaseRole::Requester,
        "Your doctor recorded what was decided, and has not confirmed reading the result.",
    );
    facts.report.acknowledged_at = Some(monday());
    check(
        &facts,
        CaseRole::Requester,
        "Your doctor has read the result and recorded what was decided.",
    );
    check(
        &facts,
        CaseRole::Coordinator,
        "The result is delivered, and what was decided is recorded.",
    );
    check(
        &facts,
        CaseRole::TreatingPhysician,
        "You recorded what was decided.",
    );
}

#[test]
fn what_is_held_back_is_the_coordinators_to_decide() {
    let mut facts = CaseFacts::default();
    facts.records.held_study_count = 1;
    facts.clocks.due_at = Some(monday().plus_days(4));
    let turn = |state, facts: &CaseFacts, hat| {
        let steps = journey(state, facts, &[hat]);
        steps.iter().find_map(|step| step.whose_turn)
    };
    let label =
        |state, facts: &CaseFacts, hat| next_action(state, facts, &[hat]).map(|next| next.label);
    let sentence = |state, facts: &CaseFacts, hat| {
        now_sentence(state, facts, &[hat], &WorkCalendar::default(), monday())
    };
    use CaseRole::{Coordinator, Requester, Reviewer};
    for state in [
        CaseState::RecordsCollecting,
        CaseState::RecordsCheck,
        CaseState::RecordsDeficient,
        CaseState::Matching,
    ] {
        assert_eq!(turn(state, &facts, Coordinator), Some(Party::You));
        assert_eq!(turn(state, &facts, Requester), Some(Party::Coordinator));
        assert_eq!(
            label(state, &facts, Coordinator),
            Some("Decide whose images these are")
        );
        assert_eq!(label(state, &facts, Requester), Some("See what arrived"));
        assert_eq!(
            sentence(state, &facts, Requester),
            "Images arrived safely. Somebody is checking that they belong to this patient; until then they are not shown."
        );
    }
    // The reviewer goes on with what is there; the coordinator has something to do all the same.
    let state = CaseState::InReview;
    assert_eq!(turn(state, &facts, Reviewer), Some(Party::You));
    assert_eq!(turn(state, &facts, Requester), Some(Party::Reviewer));
    assert_eq!(turn(state, &facts, Coordinator), Some(Party::You));
    assert!(sentence(state, &facts, Coordinator).ends_with("until you decide."));
    assert!(!sentence(state, &facts, Reviewer).contains("whose they are"));
    // Nothing is decided in what has ended.
    assert_eq!(label(CaseState::Withdrawn, &facts, Coordinator), None);
    assert_eq!(
        label(CaseState::ReportFinal, &facts, Coordinator),
        Some("Deliver the result"),
        "what others wait for comes first"
    );
    facts.records.held_study_count = 0;
    facts.records.held_paper_count = 2;
    facts.records.study_count = 1;
    // A stray paper takes nothing from who must send what is missing.
    let state = CaseState::RecordsDeficient;
    assert_eq!(turn(state, &facts, Requester), Some(Party::You));
    assert_eq!(label(state, &facts, Requester), Some("See what is missing"));
    let said = sentence(state, &facts, Requester);
    assert!(said.contains("Something is missing") && said.contains("Papers arrived safely"));
    assert_eq!(
        label(CaseState::RecordsCheck, &facts, Coordinator),
        Some("Decide whose papers these are")
    );
    facts.records.held_paper_count = 0;
    assert_eq!(
        label(CaseState::RecordsCheck, &facts, Coordinator),
        Some("Accept the records")
    );
}

#[test]
fn every_state_has_a_sentence_for_everybody() {
    for state in CaseState::ALL {
        for hat in CaseRole::ALL {
            let text = now_sentence(
                state,
                &everything(),
                &[hat],
                &WorkCalendar::default(),
                monday(),
            );
            assert!(
                text.len() > 15 && text.ends_with('.'),
                "{state} {hat:?}: {text}"
            );
            // A next action must be one the hat can cause, or only open a page.
            if let Some(action) = next_action(state, &everything(), &[hat]) {
                let Some(event) = action.event else { continue };
                let possible = possible_events(state, &[hat], &everything(), monday());
                assert!(
                    possible.iter().any(|(known, _)| *known == event),
                    "{state} {hat:?} {event}"
                );
            }
        }
    }
}

#[test]
fn lateness_is_told() {
    assert_eq!(Timing::of(None, monday()), Timing::NoDeadline);
    assert_eq!(
        Timing::of(Some(monday().plus_days(2)), monday()),
        Timing::OnTime
    );
    assert_eq!(
        Timing::of(Some(monday().plus_days(1)), monday()),
        Timing::Soon
    );
    assert_eq!(
        Timing::of(Some(monday().plus_seconds(-1)), monday()),
        Timing::Overdue
    );
}

/// Facts of every sort, so that walks meet guards that hold and guards that fail.
fn any_facts() -> impl Strategy<Value = CaseFacts> {
    (
        any::<[bool; 24]>(),
        0_u32..3,
        proptest::option::of(0.0_f64..1.0),
        select(&UrgencyLevel::ALL[..]),
        proptest::option::of(select(&CaseState::ALL[..])),
    )
        .prop_map(|(flags, count, score, urgency, held_from)| {
            let mut facts = everything();
            facts.intake.identity_complete = flags[0];
            facts.intake.red_flag_raised = flags[1];
            facts.consent.signed = flags[2];
            facts.consent.revoked = flags[3];
            facts.records.study_count = count;
            facts.records.import_running = flags[4];
            facts.records.open_blocker_count = u32::from(flags[5]);
            facts.records.identity_score = score;
            facts.reviewer.credential_active = flags[6];
            facts.reviewer.is_first_reader = flags[7];
            facts.coverage.self_pay_settled = flags[8];
            facts.report.reauthenticated = flags[9];
            facts.report.agreement_set = flags[10];
            facts.report.comparison_built = flags[11];
            facts.report.plain_text_present = flags[12];
            facts.report.result = flags[13].then_some(Agreement::DiscordantMajor);
            facts.follow_up.declined = flags[14];
            facts.given.reason = flags[15];
            facts.records.requested_at = flags[16].then(monday);
            facts.report.first_impression_locked = flags[17];
            facts.urgency = urgency;
            facts.held_from = held_from;
            facts
        })
}

proptest! {
    #[test]
    fn random_walks_stay_on_the_map(
        steps in proptest::collection::vec((select(&CaseEvent::ALL[..]), select(&CaseRole::ALL[..]), any_facts(), 0_i64..4_000_000), 1..60)
    ) {
        let mut state = CaseState::Draft;
        let mut held_from = None;
        let mut clocks = super::Clocks::default();
        let mut now = monday();
        let mut signed = false;
        for (event, hat, mut facts, seconds) in steps {
            now = now.plus_seconds(seconds);
            facts.held_from = held_from;
            facts.clocks = clocks;
            let Ok(moved) = decide(state, event, &[hat], &facts, &WorkCalendar::default(), now) else { continue };
            prop_assert_eq!(moved.from, state);
            prop_assert_eq!(moved.acted_as, hat);
            prop_assert_eq!(moved.held_from.is_some(), moved.to == CaseState::OnHold);
            // The clock of a records request runs from the letter, which may be long ago; every other one runs from now.
            let fresh = moved.from != moved.to && moved.to != CaseState::RecordsCollecting && moved.from != CaseState::OnHold && moved.from != CaseState::InfoRequested;
            prop_assert!(!fresh || moved.clocks.due_at.is_none_or(|due| due > now));
            // A result that anybody else sees was signed by a reviewer.
            signed |= event == CaseEvent::Sign && hat == CaseRole::Reviewer;
            prop_assert!(signed || !matches!(moved.to, CaseState::ReportFinal | CaseState::Delivered | CaseState::FollowUp | CaseState::Closed));
            state = moved.to;
            held_from = moved.held_from;
            clocks = moved.clocks;
            prop_assert!(CaseState::ALL.contains(&state));
            prop_assert_eq!(journey(state, &facts, &[hat]).len(), 10);
            let current = journey(state, &facts, &[]).iter().filter(|step| step.state == StepState::Current).count();
            prop_assert!(current <= 1);
        }
    }

    #[test]
    fn what_is_decided_is_what_was_offered(state in select(&CaseState::ALL[..]), hat in select(&CaseRole::ALL[..]), facts in any_facts()) {
        for (event, failed) in possible_events(state, &[hat], &facts, monday()) {
            match decide(state, event, &[hat], &facts, &WorkCalendar::default(), monday()) {
                Ok(_) => prop_assert!(failed.is_empty()),
                Err(Refusal::NotYet(guards)) => prop_assert_eq!(guards, failed),
                Err(Refusal::NotPossible { .. }) => prop_assert_eq!(event, CaseEvent::Resume),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}

#[test]
fn an_addendum_after_the_release_waits_until_it_is_confirmed() {
    let mut facts = everything();
    facts.report.delivered_at = Some(monday());
    facts.report.with_physician = true;
    let coordinator = [CaseRole::Coordinator];
    let label = |facts: &CaseFacts, hats: &[CaseRole]| {
        next_action(CaseState::Delivered, facts, hats).map(|next| next.label)
    };
    let turn = |facts: &CaseFacts, hats: &[CaseRole]| {
        let steps = journey(CaseState::Delivered, facts, hats);
        steps.iter().find_map(|step| step.whose_turn)
    };
    let sentence = |facts: &CaseFacts, hats: &[CaseRole]| {
        let calendar = WorkCalendar::default();
        now_sentence(CaseState::Delivered, facts, hats, &calendar, monday())
    };
    assert_eq!(label(&facts, &coordinator), Some("See who has read it"));
    facts.report.changed_at = Some(monday());
    assert_eq!(
        label(&facts, &coordinator),
        Some("Make sure the addendum was read")
    );
    assert_eq!(turn(&facts, &coordinator), Some(Party::You));
    assert_eq!(
        turn(&facts, &[CaseRole::Requester]),
        Some(Party::Coordinator)
    );
    for hat in [
        CaseRole::Requester,
        CaseRole::TreatingPhysician,
        CaseRole::Insurer,
    ] {
        let text = sentence(&facts, &[hat]);
        assert!(text.contains("ddendum") || text.contains("added"), "{text}");
    }
    // One doctor confirmed, another who had read before did not, and has no link any more.
    facts.report.acknowledged_at = Some(monday());
    facts.report.change_missed = true;
    facts.report.change_needs_link = true;
    assert_eq!(
        label(&facts, &coordinator),
        Some("Make a new link for the doctor")
    );
    assert!(sentence(&facts, &coordinator).contains("a new link is needed"));
    facts.report.change_missed = false;
    assert_eq!(label(&facts, &coordinator), Some("See who has read it"));

    let reviewer = [CaseRole::Reviewer];
    assert_eq!(label(&facts, &reviewer), None);
    facts.report.comparison_outdated = true;
    assert_eq!(
        label(&facts, &reviewer),
        Some("Sign the comparison with the addendum")
    );
    assert_eq!(turn(&facts, &reviewer), Some(Party::You));
}

#[test]
fn a_consent_waits_for_who_signs_it_and_never_for_who_runs_the_case() {
    use super::ConsentSigner;
    let state = CaseState::ConsentPending;
    let mut facts = everything();
    let turn = |facts: &CaseFacts, hats: &[CaseRole]| {
        let steps = journey(state, facts, hats);
        steps.iter().find_map(|step| step.whose_turn)
    };
    let wrote_it_down = [CaseRole::Coordinator, CaseRole::Requester];
    let insurer = [CaseRole::Insurer, CaseRole::Requester];
    let label = |facts: &CaseFacts, hats: &[CaseRole]| {
        next_action(state, facts, hats).map(|next| next.label)
    };
    facts.consent.signer_joined = false;
    for (signer, party, words) in [
        (
            ConsentSigner::Patient,
            Party::Patient,
            "Invite the patient to sign",
        ),
        (
            ConsentSigner::Representative,
            Party::Representative,
            "Invite the representative to sign",
        ),
    ] {
        facts.consent.signer = signer;
        assert_eq!(turn(&facts, &wrote_it_down), Some(party));
        assert_eq!(turn(&facts, &insurer), Some(party));
        assert_eq!(turn(&facts, &[CaseRole::Requester]), Some(Party::You));
        assert_eq!(label(&facts, &wrote_it_down), Some(words));
        assert_eq!(label(&facts, &insurer), None);
    }
    facts.consent.signer_invited = true;
    assert_eq!(label(&facts, &wrote_it_down), Some("See who was invited"));
    facts.consent.signer_joined = true;
    assert_eq!(label(&facts, &wrote_it_down), None);
}
