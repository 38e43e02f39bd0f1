//! The directory of reviewers; the profile is JSON that the workflow reads.

use overread_model::ids::ReviewerId;
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;

/// A reviewer's row.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReviewerRow {
    /// `ReviewerId`.
    pub id: String,
    /// Name with which lists are sorted.
    pub name: String,
    /// Address that ties the entry to an account.
    pub email_folded: String,
    /// `radiologist` or `clinical_specialist`.
    pub kind: String,
    /// Everything else as JSON.
    pub profile: String,
    /// Takes cases (0, 1).
    pub active: i32,
    /// Counts up with each change.
    pub version: i64,
    /// The account with this address, when it is open and has the role.
    pub person_id: Option<String>,
    /// Tasks that are offered or being read.
    pub open_tasks: i64,
}

macro_rules! select {
    () => {
        "select r.id, r.name, r.email_folded, r.kind, r.profile, r.active, r.version, \
         (select p.id from person p join person_role pr on pr.person_id = p.id and pr.role = 'reviewer' \
          where p.email_folded = r.email_folded and p.disabled_at is null) as person_id, \
         (select count(*) from review_task t where t.reviewer_id = r.id and t.state in ('offered', 'accepted')) as open_tasks \
         from reviewer r"
    };
}

/// Adds an entry.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, row: &ReviewerRow, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into reviewer (id, name, email_folded, kind, profile, active, version, created_at, changed_at) \
             values ($1, $2, $3, $4, $5, $6, 1, $7, $7)")
        .bind(&row.id).bind(&row.name).bind(&row.email_folded).bind(&row.kind).bind(&row.profile).bind(row.active)
        .bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Changes an entry when its version is still the one that was read; says whether it was.
///
/// # Errors
/// When the database fails.
pub async fn update(tx: &mut Tx, row: &ReviewerRow, now: Timestamp) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update reviewer set name = $1, email_folded = $2, kind = $3, profile = $4, active = $5, changed_at = $6, \
             version = version + 1 where id = $7 and version = $8")
        .bind(&row.name).bind(&row.email_folded).bind(&row.kind).bind(&row.profile).bind(row.active)
        .bind(now.as_micros()).bind(&row.id).bind(row.version)
        .execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Finds an entry.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &ReviewerId) -> StoreResult<Option<ReviewerRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(select!(), " where r.id = $1"))
        .bind(id.as_str()).fetch_optional(&mut *c).await?),
    )
}

/// Lists the directory by name.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, limit: i64) -> StoreResult<Vec<ReviewerRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(select!(), " order by r.name, r.id limit $1"))
        .bind(limit).fetch_all(&mut *c).await?),
    )
}

/// Returns the ids of the entries a person is behind.
///
/// # Errors
/// When the database fails.
pub async fn of_person(tx: &mut Tx, person_id: &str) -> StoreResult<Vec<String>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select r.id from reviewer r join person p on p.email_folded = r.email_folded where p.id = $1")
        .bind(person_id).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
