//! After the result: follow-up, third opinion, outcome, and the list of what is overdue.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use overread_model::access::Role;
use overread_model::case::{CaseEvent, CaseFacts, CaseRole, CaseState, Outcome};
use overread_store::cases::{self, Which};
use overread_store::{Tx, grants, letters, links, original_reports};

use crate::casework::{self, CaseFile, Said};
use crate::{StepError, StepResult, Workflow, asking, delivering, limits};

/// One thing that waits too long.
pub struct OverdueRow {
    /// The case.
    pub case_id: CaseId,
    /// Its number.
    pub number: Option<String>,
    /// Case title.
    pub title: String,
    /// What waits: `Report not opened by Dr. Ruiz`, `Records letter not answered`, `Reviewer has not answered`.
    pub what: String,
    /// Since when it is overdue.
    pub due_at: Timestamp,
    /// Page where it is solved.
    pub path: String,
}

/// Opens the follow-up: delivered -> follow_up.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid`.
pub async fn open(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.expect(version)?;
    if file.wears(CaseRole::Requester) {
        file.row.follow_up_wanted = 1;
        file.facts.follow_up.wanted = true;
    }
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::OpenFollowUp,
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Asks for a third opinion: a child case with the same studies, first and second reader excluded.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` without a discordance.
pub async fn third_opinion(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<CaseId> {
    let mut tx = ctx.store.begin().await?;
    let mut parent = casework::load(&mut tx, actor, case_id, now).await?;
    parent.expect(version)?;
    casework::apply(
        &mut tx,
        ctx,
        &mut parent,
        actor,
        CaseEvent::ThirdOpinion,
        Said::default(),
        now,
    )
    .await?;
    let child_id = casework::new_id(CaseId::from_random)?;
    let due_at = CaseState::Draft.due_at(&CaseFacts::default(), &ctx.config.calendar, now);
    let mut row = asking::draft_row(&child_id, actor.id(), &parent.intake, due_at, now)?;
    row.parent_id = Some(parent.row.id.clone());
    row.urgency.clone_from(&parent.row.urgency);
    row.title.clone_from(&parent.row.title);
    row.patient_name.clone_from(&parent.row.patient_name);
    cases::insert(&mut tx, &row).await?;
    hand_down(&mut tx, actor, &parent, &child_id, now).await?;
    let mut child = casework::load(&mut tx, &Actor::System, &child_id, now).await?;
    // Asking was decided in the parent; the child is asked for in the same breath, by the same person.
    child.hats = vec![CaseRole::Requester];
    casework::apply(
        &mut tx,
        ctx,
        &mut child,
        actor,
        CaseEvent::Submit,
        Said::default(),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(child_id)
}

/// Closes with an outcome: `original_confirmed`, `second_confirmed`, `both_partly`, `undetermined`, `unknown`.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid`.
pub async fn close(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    outcome: &str,
    now: Timestamp,
) -> StepResult<()> {
    let outcome = Outcome::from_text(outcome)
        .ok_or_else(|| StepError::invalid("outcome", "Choose what came out."))?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.expect(version)?;
    file.row.outcome = Some(outcome.as_str().to_owned());
    file.facts.follow_up.outcome = Some(outcome);
    let event = if file.state == CaseState::FollowUp {
        CaseEvent::Resolve
    } else {
        CaseEvent::Close
    };
    if event == CaseEvent::Close && file.wears(CaseRole::Requester) {
        // Closing a result that differs is the requester's own way to say that no follow-up is wanted.
        file.row.follow_up_declined = 1;
        file.facts.follow_up.declined = true;
    }
    casework::apply(&mut tx, ctx, &mut file, actor, event, Said::default(), now).await?;
    Ok(tx.commit().await?)
}

/// Lists what waits too long in the cases the actor may see, longest first.
///
/// # Errors
/// Fails when the store does.
pub async fn overdue(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<Vec<OverdueRow>> {
    let mut tx = ctx.store.read().await?;
    let mut list = Vec::new();
    for row in cases::list(&mut tx, actor, Which::Overdue, now, limits::OVERDUE_ROWS).await? {
        let file = match casework::load_or_offer(&mut tx, actor, &row.case_id()?, now).await {
            Ok(file) => file,
            Err(StepError::NotFound) => continue,
            Err(error) => return Err(error),
        };
        let due_at = row.due_at.map(Timestamp::from_micros).unwrap_or(now);
        let path = format!("/cases/{}", file.case_id);
        list.push(overdue_row(
            &file,
            format!("{} since too long", file.state.title()),
            due_at,
            path,
        ));
    }
    for letter in letters::overdue(&mut tx, actor, now, limits::OVERDUE_ROWS).await? {
        let case_id: CaseId = letter.case_id.parse().map_err(StepError::internal)?;
        let Ok(file) = casework::load(&mut tx, actor, &case_id, now).await else {
            continue;
        };
        let due_at = letter
            .answer_due_at
            .map(Timestamp::from_micros)
            .unwrap_or(now);
        let path = format!("/cases/{case_id}/letters");
        list.push(overdue_row(
            &file,
            format!("Letter not answered by {}", letter.recipient),
            due_at,
            path,
        ));
    }
    let made_before = now.plus_days(-limits::LINK_UNREAD_DAYS);
    for link in links::unread(&mut tx, actor, made_before, now, limits::OVERDUE_ROWS).await? {
        let case_id: CaseId = link.case_id.parse().map_err(StepError::internal)?;
        let Ok(file) = casework::load(&mut tx, actor, &case_id, now).await else {
            continue;
        };
        let due_at = Timestamp::from_micros(link.not_before).plus_days(limits::LINK_UNREAD_DAYS);
        let path = format!("/cases/{case_id}/act");
        list.push(overdue_row(
            &file,
            format!("Result not opened by {}", link.recipient_name),
            due_at,
            path,
        ));
    }
    list.extend(unread_changes(&mut tx, actor, now).await?);
    list.sort_by_key(|row| row.due_at);
    Ok(list)
}

/// Lists the receivers of links who had the result before it was changed and have not confirmed it in time.
async fn unread_changes(tx: &mut Tx, actor: &Actor, now: Timestamp) -> StepResult<Vec<OverdueRow>> {
    let mut list = Vec::new();
    let signed_before = now.plus_days(-limits::LINK_UNREAD_DAYS);
    for case_id in
        links::unread_changes(tx, actor, signed_before, now, limits::OVERDUE_ROWS).await?
    {
        let case_id: CaseId = case_id.parse().map_err(StepError::internal)?;
        let Ok(file) = casework::load(tx, actor, &case_id, now).await else {
            continue;
        };
        let changes = delivering::changes(tx, &case_id, file.row.delivered_at).await?;
        let of_case = links::list(tx, &case_id).await?;
        // A new link may have brought it to the same person.
        let missed = delivering::missed_by(&of_case, &changes, now);
        for link in &of_case {
            let Some(at) = missed.of(link, &changes).filter(|at| *at <= signed_before) else {
                continue;
            };
            list.push(overdue_row(
                &file,
                format!("Changed result not confirmed by {}", link.recipient_name),
                at.plus_days(limits::LINK_UNREAD_DAYS),
                format!("/cases/{case_id}/act"),
            ));
        }
    }
    Ok(list)
}

fn overdue_row(file: &CaseFile, what: String, due_at: Timestamp, path: String) -> OverdueRow {
    OverdueRow {
        case_id: file.case_id.clone(),
        number: file.row.number.clone(),
        title: file.row.title.clone(),
        what,
        due_at,
        path,
    }
}

/// Gives the child what it shares with its parent: people, studies, the original report. Never the second report.
async fn hand_down(
    tx: &mut Tx,
    actor: &Actor,
    parent: &CaseFile,
    child_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    for (tie, role) in [
        ("asked", Role::Patient),
        ("treats", Role::ReferringPhysician),
    ] {
        for person in grants::tied(tx, &parent.case_id, tie).await? {
            grants::tie(tx, child_id, &person, tie).await?;
            let person_id: overread_model::ids::PersonId =
                person.parse().map_err(StepError::internal)?;
            let had =
                grants::rights_of(tx, &Actor::Person { person_id, role }, &parent.case_id, now)
                    .await?;
            let grant = grants::NewGrant {
                case_id: child_id,
                subject_kind: "person",
                subject_id: &person,
                rights: &had,
                until_at: None,
            };
            grants::give(tx, grant, actor, now).await?;
        }
    }
    cases::share_studies(tx, &parent.case_id, child_id, now).await?;
    if let Some(mut original) = original_reports::newest(tx, &parent.case_id).await? {
        (original.version, original.document_id) = (1, None);
        original_reports::insert(tx, child_id, &original).await?;
    }
    Ok(())
}
