//! Gathers from the store what the rules of a case ask for.

use overread_model::case::{
    CaseFacts, CaseState, Clocks, ConsentFacts, ConsentSigner, CoverageFacts, CoverageTrack,
    FollowUpFacts, IntakeFacts, Outcome, RecordsFacts, ReportFacts, ReviewerFacts,
};
use overread_model::ids::CaseId;
use overread_model::intake::UrgencyLevel;
use overread_model::letter::Requester;
use overread_model::time::Timestamp;
use overread_store::cases::CaseRow;
use overread_store::review_tasks::TaskRow;
use overread_store::{
    Tx, checks, consents, coverages, grants, held_papers, invitations, letters, links,
    original_reports, reports, reviewers,
};

use crate::casework::Intake;
use crate::comparing::Comparisons;
use crate::{StepResult, checking, delivering, exams, inviting, reviewers as directory};

/// Gathers the facts of a case at one moment.
pub(crate) async fn gather(
    tx: &mut Tx,
    row: &CaseRow,
    intake: &Intake,
    task: Option<&TaskRow>,
    now: Timestamp,
) -> StepResult<CaseFacts> {
    let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let facts = CaseFacts {
        intake: intake_facts(row, intake),
        consent: consent_facts(tx, row, intake, now).await?,
        records: records_facts(tx, row).await?,
        reviewer: reviewer_facts(tx, row, intake, task).await?,
        coverage: coverage(tx, row).await?,
        report: report_facts(tx, row, intake, task, now).await?,
        follow_up: FollowUpFacts {
            wanted: row.follow_up_wanted != 0,
            declined: row.follow_up_declined != 0,
            outcome: row.outcome.as_deref().and_then(Outcome::from_text),
        },
        urgency: UrgencyLevel::from_text(&row.urgency).unwrap_or_default(),
        treatment_on: intake.urgency.treatment_date.parse().ok(),
        clocks: Clocks {
            due_at: at(row.due_at),
            review_left_seconds: row.review_left_seconds,
            hold_left_seconds: row.hold_left_seconds,
        },
        held_from: row
            .held_from
            .as_deref()
            .and_then(|state| state.parse::<CaseState>().ok()),
        expired_at: at(row.expired_at),
        ..CaseFacts::default()
    };
    Ok(facts)
}

fn intake_facts(row: &CaseRow, intake: &Intake) -> IntakeFacts {
    let filled = |text: &str| !text.trim().is_empty();
    let (who, why) = (&intake.who, &intake.why);
    IntakeFacts {
        identity_complete: filled(&who.patient_name) && filled(&who.patient_birth_date),
        requester_kind_set: filled(&who.requester),
        question_or_reason_set: filled(&why.question)
            || filled(&why.reason)
            || !why.triggers.is_empty(),
        red_flags_answered: intake.urgency.answered || row.emergency != 0,
        red_flag_raised: !intake.urgency.red_flags.is_empty() || row.emergency != 0,
        submitted_at: row.submitted_at.map(Timestamp::from_micros),
    }
}

/// Gathers what is known of the consent: what was signed, and while nothing is, who can.
async fn consent_facts(
    tx: &mut Tx,
    row: &CaseRow,
    intake: &Intake,
    now: Timestamp,
) -> StepResult<ConsentFacts> {
    let case_id = row.case_id()?;
    let mut facts = signed_facts(tx, &case_id, now).await?;
    if row.state == CaseState::ConsentPending.as_str() {
        facts.signer_joined = grants::has_signer(tx, &case_id, now).await?;
        let invited = invitations::open_of_case(tx, &case_id, now).await?;
        facts.signer_invited = invited.iter().any(|row| inviting::may_sign(&row.role));
        facts.signer = signer_of(intake, facts.signer_joined);
    }
    Ok(facts)
}

/// A physician who asks with an account signs as the asking side; one for whom somebody wrote the request down cannot.
fn signer_of(intake: &Intake, joined: bool) -> ConsentSigner {
    match intake.who.requester.parse() {
        Ok(Requester::ParentGuardian | Requester::PersonalRepresentative) => {
            ConsentSigner::Representative
        }
        Ok(Requester::ReferringPhysician) if joined => ConsentSigner::Asker,
        Ok(Requester::Patient | Requester::Insurer | Requester::ReferringPhysician) => {
            ConsentSigner::Patient
        }
        Err(_) => ConsentSigner::Asker,
    }
}

async fn signed_facts(tx: &mut Tx, case_id: &CaseId, now: Timestamp) -> StepResult<ConsentFacts> {
    let rows = consents::list(tx, case_id).await?;
    let in_force = rows
        .iter()
        .find(|row| row.revoked_at.is_none() && row.expires_at > now.as_micros());
    let Some(newest) = in_force.or(rows.first()) else {
        return Ok(ConsentFacts::default());
    };
    Ok(ConsentFacts {
        signed: !newest.signature.trim().is_empty(),
        dated: true,
        expiry_set: true,
        expired: newest.expires_at <= now.as_micros(),
        revoked: newest.revoked_at.is_some(),
        authority_needed: newest.authority_needed != 0,
        authority_shown: !newest.authority.trim().is_empty(),
        ..ConsentFacts::default()
    })
}

async fn records_facts(tx: &mut Tx, row: &CaseRow) -> StepResult<RecordsFacts> {
    let case_id = row.case_id()?;
    let studies = checks::studies(tx, &case_id).await?;
    let check = checking::newest(tx, &case_id).await?;
    let asked: Vec<_> = letters::list(tx, &case_id)
        .await?
        .into_iter()
        .filter(|letter| letter.sent_at.is_some() && crate::letters::asks_for_records(&letter.kind))
        .collect();
    let first = asked.iter().min_by_key(|letter| letter.sent_at);
    let (held_studies, held_papers) = held_papers::count_waiting(tx, &case_id).await?;
    Ok(RecordsFacts {
        held_study_count: u32::try_from(held_studies).unwrap_or(u32::MAX),
        held_paper_count: u32::try_from(held_papers).unwrap_or(u32::MAX),
        study_count: u32::try_from(studies.len()).unwrap_or(u32::MAX),
        import_running: false,
        open_blocker_count: check.as_ref().map_or(0, |check| check.open_blockers),
        identity_score: check.as_ref().and_then(|check| check.identity_score),
        identity_confirmed: row.identity_confirmed != 0
            && !check.as_ref().is_some_and(|check| check.is_identity_open),
        requested_at: first
            .and_then(|letter| letter.sent_at)
            .map(Timestamp::from_micros),
        extended: first.is_some_and(|letter| letter.extended_at.is_some()),
        provider_to_provider: first
            .is_some_and(|letter| letter.kind == crate::letters::PROVIDER_REQUEST),
    })
}

async fn reviewer_facts(
    tx: &mut Tx,
    row: &CaseRow,
    intake: &Intake,
    task: Option<&TaskRow>,
) -> StepResult<ReviewerFacts> {
    let Some(task) = task else {
        return Ok(ReviewerFacts::default());
    };
    let Ok(id) = task.reviewer_id.parse() else {
        return Ok(ReviewerFacts::default());
    };
    let Some(entry) = reviewers::find(tx, &id).await? else {
        return Ok(ReviewerFacts::default());
    };
    let institutions = exams::institutions(tx, &row.case_id()?).await?;
    let mut facts = directory::facts_of(&entry, intake, institutions)?;
    facts.conflict_stated = task.independent != 0;
    Ok(facts)
}

/// Gathers what is known about who pays.
pub(crate) async fn coverage(tx: &mut Tx, row: &CaseRow) -> StepResult<CoverageFacts> {
    let Some(coverage) = coverages::find(tx, &row.case_id()?).await? else {
        return Ok(CoverageFacts::default());
    };
    let agreed = coverage.accepted_at.is_some() || coverage.share_cents == Some(0);
    let (covered, charity) = (
        coverage.status == "covered" || coverage.kind == "covered",
        coverage.kind == "charity",
    );
    let none_needed = coverage
        .reference
        .trim()
        .eq_ignore_ascii_case("none needed");
    Ok(CoverageFacts {
        track: match coverage.status.as_str() {
            "quoted" => CoverageTrack::SelfPayQuoted,
            "accepted" => CoverageTrack::SelfPayAccepted,
            "covered" if none_needed => CoverageTrack::CoveredNoPa,
            "covered" => CoverageTrack::PaApproved,
            "denied" => CoverageTrack::NotCovered,
            _ => CoverageTrack::NotAsked,
        },
        authorization_valid: covered && agreed && !none_needed && coverage.status != "denied",
        none_needed: covered && agreed && none_needed && coverage.status != "denied",
        self_pay_settled: coverage.kind == "self_pay" && agreed && coverage.status != "denied",
        sponsor_pays: charity && agreed && coverage.status != "denied",
        denial_reason_stored: !coverage.denial_reason.trim().is_empty(),
        payer_due_at: None,
    })
}

async fn report_facts(
    tx: &mut Tx,
    row: &CaseRow,
    intake: &Intake,
    task: Option<&TaskRow>,
    now: Timestamp,
) -> StepResult<ReportFacts> {
    let case_id = row.case_id()?;
    let original_present = original_reports::exists(tx, &case_id).await?;
    let known = Comparisons::of(tx, &case_id).await?;
    let comparison = known.counted(row.delivered_at.is_some());
    let signed = reports::signed(tx, &case_id).await?;
    let opened = links::list(tx, &case_id).await?;
    let after = changes_after_release(tx, row).await?;
    let earliest = |of: fn(&links::LinkRow) -> Option<i64>| {
        opened
            .iter()
            .filter_map(of)
            .map(Timestamp::from_micros)
            .min()
    };
    // What was said before the newest change was said of another result.
    let earliest_of_all = |of: fn(&links::LinkRow) -> Option<i64>| {
        let said = opened.iter().filter_map(of).map(Timestamp::from_micros);
        said.filter(|at| after.last().is_none_or(|change| at >= change))
            .min()
    };
    let missed = delivering::missed_by(&opened, &after, now);
    let plain = match &signed {
        Some(report) => crate::reporting::signed_content(report)?
            .sections
            .contains_key("plain"),
        None => false,
    };
    Ok(ReportFacts {
        original_present,
        original_unavailable: !original_present,
        first_impression_locked: task.is_some_and(|task| task.first_impression_at.is_some()),
        plain_text_present: plain,
        comparison_built: comparison.is_some(),
        comparison_impossible: !original_present && row.original_missing != 0,
        result: comparison
            .and_then(|row| row.overall.as_deref())
            .and_then(crate::comparing::agreement_of),
        signed_at: signed
            .and_then(|report| report.signed_at)
            .map(Timestamp::from_micros),
        delivered_at: row.delivered_at.map(Timestamp::from_micros),
        with_physician: intake.who.requester == "referring_physician"
            || opened.iter().any(|link| opens(link, now))
            || !grants::tied(tx, &case_id, "treats").await?.is_empty(),
        opened_at: earliest(|link| link.opened_at),
        acknowledged_at: earliest_of_all(|link| link.acknowledged_at),
        decided_at: earliest_of_all(|link| link.decided_at),
        change_missed: !missed.links.is_empty(),
        change_needs_link: missed.without_link,
        comparison_outdated: row.delivered_at.is_some() && known.is_outdated(),
        changed_at: after.last().copied(),
        ..ReportFacts::default()
    })
}

/// Returns when the result was changed after the release, in order.
async fn changes_after_release(tx: &mut Tx, row: &CaseRow) -> StepResult<Vec<Timestamp>> {
    let Some(released) = row.delivered_at else {
        return Ok(Vec::new());
    };
    let mut changes = delivering::changes(tx, &row.case_id()?, row.delivered_at).await?;
    changes.retain(|at| at.as_micros() > released);
    Ok(changes)
}

/// Says whether a link leads to the result, now or from a day to come.
pub(crate) const fn opens(link: &links::LinkRow, now: Timestamp) -> bool {
    link.revoked_at.is_none() && link.expires_at > now.as_micros()
}
