//! One sentence on what happens now, and the next thing to do, for each state and reader.

use serde::Serialize;

use super::super::event::CaseEvent;
use super::super::facts::{CaseFacts, ConsentSigner};
use super::super::role::CaseRole;
use super::super::state::CaseState;
use super::{addendum, has_decision_open, is_with_physician, may_sign_consent, waits_for_decision};
use crate::duration::WorkCalendar;
use crate::time::Timestamp;

/// The side a sentence speaks to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Requester,
    Coordinator,
    Reviewer,
    Physician,
    Other,
}

impl Reader {
    /// Picks the side that does most in a case; a coordinator who asked still reads as coordinator.
    fn of(hats: &[CaseRole]) -> Self {
        if hats.contains(&CaseRole::Coordinator) {
            Self::Coordinator
        } else if hats.contains(&CaseRole::Reviewer) {
            Self::Reviewer
        } else if hats.contains(&CaseRole::Requester) {
            Self::Requester
        } else if hats.contains(&CaseRole::TreatingPhysician)
            || hats.contains(&CaseRole::ReferringPhysician)
        {
            Self::Physician
        } else {
            Self::Other
        }
    }

    /// Picks the side in a state: an insurer who asked signs no consent, and is not spoken to as if it did.
    fn in_state(state: CaseState, hats: &[CaseRole]) -> Self {
        match Self::of(hats) {
            Self::Requester if state == CaseState::ConsentPending && !may_sign_consent(hats) => {
                Self::Other
            }
            reader => reader,
        }
    }
}

/// Returns what happens now, in one or two plain sentences for somebody with these hats.
pub fn now_sentence(
    state: CaseState,
    facts: &CaseFacts,
    hats: &[CaseRole],
    calendar: &WorkCalendar,
    now: Timestamp,
) -> String {
    let reader = Reader::in_state(state, hats);
    let base = if waits_for_decision(state, facts) {
        held_back(facts, reader).to_owned()
    } else if let Some(text) = addendum::sentence(state, facts, reader) {
        text.to_owned()
    } else if before_review(state) {
        early(state, facts, reader, calendar)
    } else {
        late(state, facts, reader)
    };
    let text = match due_words(state, facts, reader, calendar, now) {
        Some(due) => format!("{base} {due}"),
        None => base,
    };
    // Others go on meanwhile; the coordinator has a decision of their own, and who sent something hears that it is here.
    let hears = match reader {
        Reader::Coordinator => true,
        Reader::Requester => before_review(state),
        Reader::Reviewer | Reader::Physician | Reader::Other => false,
    };
    if hears && has_decision_open(state, facts) && !waits_for_decision(state, facts) {
        return format!("{text} {}", held_back(facts, reader));
    }
    text
}

const fn before_review(state: CaseState) -> bool {
    matches!(
        state,
        CaseState::Draft
            | CaseState::ConsentPending
            | CaseState::RecordsCollecting
            | CaseState::RecordsCheck
            | CaseState::RecordsDeficient
            | CaseState::Matching
            | CaseState::CoveragePending
            | CaseState::Offered
    )
}

/// Returns the sentence for the states before somebody reads.
fn early(state: CaseState, facts: &CaseFacts, reader: Reader, calendar: &WorkCalendar) -> String {
    let mine = reader == Reader::Requester;
    let text = match state {
        CaseState::Draft if mine => "Your request is not sent yet.",
        CaseState::Draft => "The request is still being written.",
        CaseState::ConsentPending if mine => {
            "We need your signature before a reviewer, doctor or insurer may see your records."
        }
        CaseState::ConsentPending if reader == Reader::Coordinator => {
            return unsigned(facts).to_owned();
        }
        CaseState::ConsentPending => "We are waiting for the signed consent.",
        CaseState::RecordsCollecting => return collecting(facts, reader, calendar),
        CaseState::RecordsCheck => match reader {
            Reader::Coordinator => {
                "The records are here. Look at the check and accept them, or ask for what is missing."
            }
            _ => "The records are here. We are checking that they are complete.",
        },
        CaseState::RecordsDeficient if mine => {
            "Something is missing that the reviewer needs. The list below says what, and how to get it."
        }
        CaseState::RecordsDeficient => "Something is missing that the reviewer needs.",
        CaseState::Matching => match reader {
            Reader::Coordinator => "Choose a reviewer from the list.",
            _ => "We are choosing a reviewer who knows this part of the body.",
        },
        CaseState::CoveragePending if mine => "Before anyone reads, we settle what you will pay.",
        CaseState::CoveragePending => "Who pays is being settled.",
        CaseState::Offered => match reader {
            Reader::Reviewer => "You are asked to give a second opinion on this exam.",
            _ => "The reviewer has been asked and has not answered yet.",
        },
        _ => "",
    };
    text.to_owned()
}

/// Returns the sentence for the coordinator while nobody has signed.
const fn unsigned(facts: &CaseFacts) -> &'static str {
    if facts.consent.signer_joined {
        return "We are waiting for the signed consent.";
    }
    if facts.consent.signer_invited {
        return "We are waiting for the signed consent. Who was invited to sign it has not joined yet.";
    }
    match facts.consent.signer {
        ConsentSigner::Representative => {
            "We are waiting for the signed consent. Nobody who may sign it has joined this case: invite the representative, or enter a consent signed on paper."
        }
        ConsentSigner::Asker | ConsentSigner::Patient => {
            "We are waiting for the signed consent. Nobody who may sign it has joined this case: invite the patient, or enter a consent signed on paper."
        }
    }
}

/// Returns the sentence while what arrived may be another patient's; nothing of that patient is told.
const fn held_back(facts: &CaseFacts, reader: Reader) -> &'static str {
    let images = facts.records.held_study_count > 0;
    match reader {
        Reader::Coordinator if images => {
            "Images arrived of which it is not certain whose they are. Only coordinators, and machines whose token is for the whole archive, see them until you decide."
        }
        Reader::Coordinator => {
            "Papers arrived of which it is not certain whose they are. Only coordinators see them until you decide."
        }
        _ if images => {
            "Images arrived safely. Somebody is checking that they belong to this patient; until then they are not shown."
        }
        _ => {
            "Papers arrived safely. Somebody is checking that they belong to this patient; until then they are not shown."
        }
    }
}

/// Returns the sentence for the time in which records are fetched; names the day when a letter went out.
fn collecting(facts: &CaseFacts, reader: Reader, calendar: &WorkCalendar) -> String {
    let mine = reader == Reader::Requester;
    let Some(requested_at) = facts.records.requested_at else {
        let text = if mine {
            "Add your images, or write to the hospital for them."
        } else {
            "We are waiting for the images and the first report."
        };
        return text.to_owned();
    };
    let day = calendar.day_of(requested_at).in_english();
    if mine {
        format!("We are waiting for the hospital's images. You asked on {day}.")
    } else {
        format!("We are waiting for the hospital's images. They were asked for on {day}.")
    }
}

/// Returns the sentence for the states from reading on.
fn late(state: CaseState, facts: &CaseFacts, reader: Reader) -> String {
    let mine = reader == Reader::Requester;
    let text = match state {
        CaseState::InReview => match reader {
            Reader::Reviewer if facts.report.first_impression_locked => {
                "Your first impression is locked. Write and sign your report."
            }
            Reader::Reviewer => {
                "Look at the images and lock your first impression. The first report opens after that."
            }
            _ => "The reviewer is reading the images.",
        },
        CaseState::InfoRequested if mine => {
            "The reviewer has a question for you. The clock stands still until you answer."
        }
        CaseState::InfoRequested => {
            "The reviewer asked for more. The clock stands still until the answer is here."
        }
        CaseState::ReportPreliminary => match reader {
            Reader::Reviewer => "Your report is preliminary. It counts only when you sign it.",
            _ => "A preliminary report is written. It is not signed yet.",
        },
        CaseState::ReportFinal => match reader {
            Reader::Coordinator => "The report is signed. Deliver it when the comparison is ready.",
            Reader::Reviewer => "You signed the report. It will be delivered with the comparison.",
            _ => {
                "The second report is signed. You will get it with the comparison of both reports."
            }
        },
        CaseState::Delivered => return delivered(facts, reader),
        CaseState::FollowUp if mine && facts.report.decided_at.is_some() => decided_words(facts),
        CaseState::FollowUp if mine => {
            "Talk with your doctor about both reports and what to do next."
        }
        CaseState::FollowUp if facts.report.decided_at.is_some() => match reader {
            Reader::Physician => "You recorded what was decided.",
            _ => "What was decided is recorded.",
        },
        CaseState::FollowUp => match reader {
            Reader::Physician => "Both reports are with you. Please record what was decided.",
            _ => "The treating doctor settles what to do next.",
        },
        CaseState::OnHold => "The case is on hold. All clocks stand still.",
        CaseState::Closed => "The case is closed.",
        CaseState::Withdrawn if mine => {
            "You took this request back. Reviewers, doctors and insurers can no longer see your records through it. The practice itself still can; you can ask on the page of the case that the images be deleted."
        }
        CaseState::Withdrawn => "The request was taken back.",
        CaseState::Declined if mine && facts.intake.red_flag_raised => {
            "Your answers point to an emergency. Please get help now; a second opinion can wait."
        }
        CaseState::Declined => "This case was not accepted. The reason is below.",
        CaseState::Expired if mine => {
            "This request ran out of time. Ask us within 30 days to open it again."
        }
        CaseState::Expired => "The request ran out of time. It can be opened again for 30 days.",
        _ => "",
    };
    text.to_owned()
}

/// Tells the patient of a decision, and of the reading only when that was confirmed.
const fn decided_words(facts: &CaseFacts) -> &'static str {
    if facts.report.acknowledged_at.is_some() {
        "Your doctor has read the result and recorded what was decided."
    } else {
        "Your doctor recorded what was decided, and has not confirmed reading the result."
    }
}

/// Returns the sentence once the result is out, by who has read it.
fn delivered(facts: &CaseFacts, reader: Reader) -> String {
    let differs = facts
        .report
        .result
        .is_some_and(|result| result.is_discordant());
    let read = facts.report.acknowledged_at.is_some();
    let decided = facts.report.decided_at.is_some();
    let shared = is_with_physician(facts);
    let text = match (reader, differs, read) {
        (Reader::Physician, ..) if decided => "You recorded what was decided.",
        (Reader::Coordinator | Reader::Reviewer | Reader::Other, ..) if decided => {
            "The result is delivered, and what was decided is recorded."
        }
        (Reader::Physician, true, false) => {
            "The two reports differ. Please read both, then confirm that you have read them."
        }
        (Reader::Physician, false, false) => {
            "The second report is here. Please read it and confirm."
        }
        (Reader::Physician, ..) => "You confirmed that you have read the second report.",
        (Reader::Requester, ..) if decided => decided_words(facts),
        (Reader::Requester, true, _) => {
            "The two reports differ. Make an appointment with your doctor soon to go through both."
        }
        (Reader::Requester, false, _) => "Your second report is ready.",
        (_, _, true) => {
            "The result is delivered, and the treating doctor has confirmed reading it."
        }
        (Reader::Coordinator, ..) if !shared => {
            "The result is released. The treating doctor has no way to it yet: make a link for the doctor."
        }
        (_, _, false) => {
            "The result is delivered. The treating doctor has not confirmed reading it yet."
        }
    };
    text.to_owned()
}

/// Returns the sentence on the due day, where one helps.
fn due_words(
    state: CaseState,
    facts: &CaseFacts,
    reader: Reader,
    calendar: &WorkCalendar,
    now: Timestamp,
) -> Option<String> {
    let due_at = facts.clocks.due_at.filter(|_| !state.is_end())?;
    let planned = treatment_words(state, facts, reader, due_at, calendar);
    let day = calendar.day_of(due_at).in_english();
    let late = due_at < now;
    let words = match state {
        // The day is that of the records, not of the decision on them.
        _ if waits_for_decision(state, facts) => return None,
        CaseState::RecordsCollecting if facts.records.requested_at.is_some() && late => {
            format!("They had until {day}. It is time for a reminder.")
        }
        CaseState::RecordsCollecting if facts.records.requested_at.is_some() => {
            format!("They have until {day}.")
        }
        CaseState::Delivered | CaseState::FollowUp if reader == Reader::Requester => return None,
        CaseState::Delivered | CaseState::FollowUp if facts.report.decided_at.is_some() => {
            return None;
        }
        _ if late => format!("This was due on {day}."),
        CaseState::InReview | CaseState::Offered if reader != Reader::Reviewer => {
            format!("We expect an answer by {day}.")
        }
        _ if is_own_turn(state, reader) => format!("Please do this by {day}."),
        _ => format!("This is due by {day}."),
    };
    Some(format!("{words}{planned}"))
}

/// Tells that a treatment to come is why something is due. A reviewer learns it from the urgency alone: that an operation
/// is planned tells of the first reading.
fn treatment_words(
    state: CaseState,
    facts: &CaseFacts,
    reader: Reader,
    due_at: Timestamp,
    calendar: &WorkCalendar,
) -> String {
    let answered_at = due_at.plus_seconds(state.later_seconds(facts, calendar, due_at));
    let planned = facts.treatment_on.filter(|day| {
        state.serves_treatment()
            && reader != Reader::Reviewer
            && *day <= calendar.day_of(answered_at).plus_days(1)
    });
    planned.map_or_else(String::new, |day| {
        format!(" The treatment is planned for {}.", day.in_english())
    })
}

/// Says whether the reader is the one who must act.
const fn is_own_turn(state: CaseState, reader: Reader) -> bool {
    match reader {
        Reader::Requester => matches!(
            state,
            CaseState::Draft
                | CaseState::ConsentPending
                | CaseState::RecordsCollecting
                | CaseState::RecordsDeficient
                | CaseState::InfoRequested
        ),
        Reader::Coordinator => matches!(
            state,
            CaseState::RecordsCheck
                | CaseState::Matching
                | CaseState::ReportFinal
                | CaseState::OnHold
        ),
        Reader::Reviewer => matches!(
            state,
            CaseState::Offered | CaseState::InReview | CaseState::ReportPreliminary
        ),
        Reader::Physician => matches!(state, CaseState::Delivered | CaseState::FollowUp),
        Reader::Other => false,
    }
}

/// The one thing somebody should do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextAction {
    /// What the button says.
    pub label: &'static str,
    /// The event it leads to; `None` when it only opens a page.
    pub event: Option<CaseEvent>,
    /// The page under `/cases/{case}` where it is done; empty for the case page itself.
    pub page: &'static str,
}

const fn action(
    label: &'static str,
    event: Option<CaseEvent>,
    page: &'static str,
) -> Option<NextAction> {
    Some(NextAction { label, event, page })
}

/// Returns the next thing to do for somebody with these hats; `None` when others must act.
pub fn next_action(state: CaseState, facts: &CaseFacts, hats: &[CaseRole]) -> Option<NextAction> {
    use CaseEvent as E;
    use CaseState as S;
    match Reader::in_state(state, hats) {
        Reader::Requester => match state {
            _ if waits_for_decision(state, facts) => action("See what arrived", None, "records"),
            S::Draft if facts.consent.is_complete() => action(
                "Finish your request",
                Some(E::SubmitWithConsent),
                "ask/review",
            ),
            S::Draft => action("Finish your request", Some(E::Submit), "ask/review"),
            S::ConsentPending => action("Sign the consent", Some(E::ConsentSigned), ""),
            S::RecordsCollecting if facts.records.requested_at.is_some() => {
                action("Add images or papers", Some(E::RecordsReceived), "records")
            }
            S::RecordsCollecting => action("Add your images", Some(E::RecordsReceived), "records"),
            S::RecordsDeficient => {
                action("See what is missing", Some(E::RecordsReceived), "records")
            }
            S::CoveragePending => action("See the cost", Some(E::CoverageCleared), ""),
            S::InfoRequested => action("Answer the reviewer", Some(E::InfoSupplied), ""),
            S::Delivered | S::FollowUp | S::Closed => {
                action("Read both reports", None, "concordance")
            }
            _ => None,
        },
        Reader::Coordinator => coordinators_action(state, facts),
        Reader::Reviewer => match state {
            S::Offered => action("Accept or decline", Some(E::Accept), "offer"),
            S::InReview if facts.report.first_impression_locked => {
                action("Write the report", Some(E::Sign), "report")
            }
            S::InReview => action("Open the images", None, "viewer"),
            S::ReportPreliminary => action("Sign the report", Some(E::Sign), "report"),
            S::ReportFinal if facts.report.comparison_built && facts.report.result.is_none() => {
                action("Sign the comparison", None, "concordance")
            }
            _ if addendum::awaits_signature(state, facts) => {
                action("Sign the comparison with the addendum", None, "concordance")
            }
            _ => None,
        },
        Reader::Physician => match state {
            S::Delivered | S::FollowUp => action("Read both reports", None, "concordance"),
            _ => None,
        },
        Reader::Other => None,
    }
}

/// Returns what brings somebody to the consent who may sign it.
const fn to_sign(facts: &CaseFacts) -> Option<NextAction> {
    if facts.consent.signer_joined {
        return None;
    }
    if facts.consent.signer_invited {
        return action("See who was invited", None, "invite");
    }
    match facts.consent.signer {
        ConsentSigner::Representative => {
            action("Invite the representative to sign", None, "invite")
        }
        ConsentSigner::Asker | ConsentSigner::Patient => {
            action("Invite the patient to sign", None, "invite")
        }
    }
}

/// Returns the next thing to do for a coordinator.
fn coordinators_action(state: CaseState, facts: &CaseFacts) -> Option<NextAction> {
    use CaseEvent as E;
    use CaseState as S;
    // Once somebody reads, what others wait for comes first; the sentence tells of the decision.
    if has_decision_open(state, facts) && before_review(state) {
        let label = match facts.records.held_study_count {
            0 => "Decide whose papers these are",
            _ => "Decide whose images these are",
        };
        return action(label, None, "records");
    }
    if let Some(label) = addendum::coordinators_label(state, facts) {
        return action(label, None, "act");
    }
    match state {
        S::ConsentPending => to_sign(facts),
        S::RecordsCollecting => action("Ask for the records", Some(E::RecordsReceived), "letters"),
        S::RecordsCheck if facts.records.open_blocker_count > 0 => {
            action("Ask for what is missing", Some(E::BlockingIssue), "records")
        }
        S::RecordsCheck => action("Accept the records", Some(E::RecordsAccepted), "records"),
        S::RecordsDeficient => action("Ask for what is missing", None, "letters"),
        S::Matching => action("Choose a reviewer", Some(E::ReviewerSelected), "reviewers"),
        S::CoveragePending => action("Settle the cost", Some(E::CoverageCleared), ""),
        S::ReportFinal => action("Deliver the result", Some(E::Release), "act"),
        S::Delivered | S::FollowUp if facts.report.decided_at.is_some() => {
            action("Close the case", None, "act")
        }
        S::Delivered if !is_with_physician(facts) => {
            action("Make the link for the doctor", None, "act")
        }
        S::Delivered | S::FollowUp => action("See who has read it", None, "act"),
        S::OnHold => action("Resume the case", Some(E::Resume), ""),
        S::Expired => action("Open the case again", Some(E::Reopen), ""),
        _ => None,
    }
}
