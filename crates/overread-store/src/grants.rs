//! Grants: what a person, machine or link may do in one case, from when, until when.

use overread_model::access::{Actor, Right};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;
use crate::tokens::random_id;

/// A grant to give.
#[derive(Debug, Clone, Copy)]
pub struct NewGrant<'a> {
    /// In which case.
    pub case_id: &'a CaseId,
    /// `person`, `machine` or `link`.
    pub subject_kind: &'static str,
    /// The id behind it.
    pub subject_id: &'a str,
    /// To do what; one row each.
    pub rights: &'a [Right],
    /// Until when; `None` until revoked.
    pub until_at: Option<Timestamp>,
}

/// Gives a grant, replacing what the subject had of the same rights in the case.
///
/// # Errors
/// When the database fails.
pub async fn give(
    tx: &mut Tx,
    new: NewGrant<'_>,
    actor: &Actor,
    now: Timestamp,
) -> StoreResult<()> {
    for right in new.rights {
        on!(tx, c => sqlx::query(
                "update case_grant set revoked_at = $1 where case_id = $2 and subject_kind = $3 and subject_id = $4 \
                 and right_ = $5 and revoked_at is null")
            .bind(now.as_micros()).bind(new.case_id.as_str()).bind(new.subject_kind).bind(new.subject_id)
            .bind(right.as_str()).execute(&mut *c).await?.rows_affected());
        let id = CaseId::from_random(random_id()?);
        on!(tx, c => sqlx::query(
                "insert into case_grant (id, case_id, subject_kind, subject_id, right_, from_at, until_at, granted_by, granted_at) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $6)")
            .bind(id.as_str()).bind(new.case_id.as_str()).bind(new.subject_kind).bind(new.subject_id)
            .bind(right.as_str()).bind(now.as_micros()).bind(new.until_at.map(Timestamp::as_micros)).bind(actor.id())
            .execute(&mut *c).await?.rows_affected());
    }
    Ok(())
}

/// Returns the rights the actor has in the case at `now` by grants alone.
///
/// # Errors
/// When the database fails.
pub async fn rights_of(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StoreResult<Vec<Right>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select distinct right_ from case_grant where subject_kind = $1 and subject_id = $2 and case_id = $3 \
             and revoked_at is null and from_at <= $4 and (until_at is null or until_at > $4)")
        .bind(actor.kind()).bind(actor.id()).bind(case_id.as_str()).bind(now.as_micros())
        .fetch_all(&mut *c).await?);
    let known = |text: &str| Right::ALL.into_iter().find(|right| right.as_str() == text);
    Ok(rows.iter().filter_map(|(text,)| known(text)).collect())
}

/// Ends every grant of one subject in a case.
///
/// # Errors
/// When the database fails.
pub async fn revoke_of(
    tx: &mut Tx,
    case_id: &CaseId,
    subject_kind: &str,
    subject_id: &str,
    now: Timestamp,
) -> StoreResult<u64> {
    Ok(on!(tx, c => sqlx::query(
            "update case_grant set revoked_at = $1 where case_id = $2 and subject_kind = $3 and subject_id = $4 \
             and revoked_at is null")
        .bind(now.as_micros()).bind(case_id.as_str()).bind(subject_kind).bind(subject_id)
        .execute(&mut *c).await?.rows_affected()))
}

/// Ends every grant in a case but those of people tied to it as askers.
///
/// # Errors
/// When the database fails.
pub async fn revoke_all_but_askers(
    tx: &mut Tx,
    case_id: &CaseId,
    now: Timestamp,
) -> StoreResult<u64> {
    Ok(on!(tx, c => sqlx::query(
            "update case_grant set revoked_at = $1 where case_id = $2 and revoked_at is null and not (subject_kind = 'person' \
             and subject_id in (select person_id from case_tie where case_id = $2 and tie = 'asked'))")
        .bind(now.as_micros()).bind(case_id.as_str()).execute(&mut *c).await?.rows_affected()))
}

/// Sets the end of every running grant of one subject in a case.
///
/// # Errors
/// When the database fails.
pub async fn set_end(
    tx: &mut Tx,
    case_id: &CaseId,
    subject_id: &str,
    until_at: Timestamp,
) -> StoreResult<u64> {
    Ok(on!(tx, c => sqlx::query(
            "update case_grant set until_at = $1 where case_id = $2 and subject_id = $3 and revoked_at is null")
        .bind(until_at.as_micros()).bind(case_id.as_str()).bind(subject_id).execute(&mut *c).await?.rows_affected()))
}

/// Ties a person to a case: `asked`, `treats`, `insures`; twice is as once.
///
/// # Errors
/// When the database fails.
pub async fn tie(
    tx: &mut Tx,
    case_id: &CaseId,
    person_id: &str,
    tie: &'static str,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query("insert into case_tie (case_id, person_id, tie) values ($1, $2, $3) on conflict do nothing")
        .bind(case_id.as_str()).bind(person_id).bind(tie).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns how a person is tied to a case.
///
/// # Errors
/// When the database fails.
pub async fn ties_of(tx: &mut Tx, case_id: &CaseId, person_id: &str) -> StoreResult<Vec<String>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as("select tie from case_tie where case_id = $1 and person_id = $2")
        .bind(case_id.as_str()).bind(person_id).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(tie,)| tie).collect())
}

/// Says whether somebody on the asking side reaches the case who may sign a consent: a patient, a representative or a physician
/// with an open account. An insurer and whoever merely wrote the request down may not.
///
/// # Errors
/// When the database fails.
pub async fn has_signer(tx: &mut Tx, case_id: &CaseId, now: Timestamp) -> StoreResult<bool> {
    let (count,): (i64,) = on!(tx, c => sqlx::query_as(include_str!("grants/has_signer.sql"))
        .bind(case_id.as_str()).bind(now.as_micros()).fetch_one(&mut *c).await?);
    Ok(count > 0)
}

/// Lists who is tied to a case, by name: the name, and how.
///
/// # Errors
/// When the database fails.
pub async fn people_of(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<(String, String)>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select p.name, t.tie from case_tie t join person p on p.id = t.person_id where t.case_id = $1 \
             order by p.name, p.id, t.tie")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?))
}

/// Lists the people tied to a case in one way.
///
/// # Errors
/// When the database fails.
pub async fn tied(tx: &mut Tx, case_id: &CaseId, tie: &'static str) -> StoreResult<Vec<String>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select person_id from case_tie where case_id = $1 and tie = $2 order by person_id")
        .bind(case_id.as_str()).bind(tie).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(person_id,)| person_id).collect())
}
