//! People with an account, their roles, and the throttle on guessing passwords.

use overread_model::access::Role;
use overread_model::ids::PersonId;
use overread_model::time::Timestamp;

use crate::error::{StoreError, StoreResult};
use crate::{Store, Tx};

/// A person's row. No `Debug`: names and addresses are nobody's log line.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PersonRow {
    /// `PersonId`.
    pub id: String,
    /// Full name.
    pub name: String,
    /// E-mail address as typed.
    pub email: String,
    /// E-mail address as compared.
    pub email_folded: String,
    /// argon2id, PHC text.
    pub password_hash: String,
    /// `en` or `es`.
    pub language: String,
    /// UTC µs.
    pub created_at: i64,
    /// UTC µs.
    pub password_changed_at: i64,
    /// UTC µs.
    pub last_signed_in_at: Option<i64>,
    /// UTC µs; a closed account opens nothing.
    pub disabled_at: Option<i64>,
}

impl PersonRow {
    /// Returns the id.
    ///
    /// # Errors
    /// When the row is damaged.
    pub fn person_id(&self) -> StoreResult<PersonId> {
        self.id
            .parse()
            .map_err(|_| StoreError::Damaged { table: "person" })
    }
}

macro_rules! columns {
    () => {
        "id, name, email, email_folded, password_hash, language, created_at, password_changed_at, last_signed_in_at, disabled_at"
    };
}

/// Returns an e-mail address as it is compared: trimmed, lower case.
pub fn fold_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Adds a person.
///
/// # Errors
/// When the database fails or the address is taken ([`StoreError::is_unique_violation`]).
pub async fn insert(tx: &mut Tx, row: &PersonRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into person (id, name, email, email_folded, password_hash, language, created_at, password_changed_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(&row.id).bind(&row.name).bind(&row.email).bind(&row.email_folded).bind(&row.password_hash)
        .bind(&row.language).bind(row.created_at).bind(row.password_changed_at)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Finds a person by id.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &PersonId) -> StoreResult<Option<PersonRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from person where id = $1"))
        .bind(id.as_str()).fetch_optional(&mut *c).await?),
    )
}

/// Finds a person by folded e-mail address.
///
/// # Errors
/// When the database fails.
pub async fn find_by_email(tx: &mut Tx, email_folded: &str) -> StoreResult<Option<PersonRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from person where email_folded = $1"))
        .bind(email_folded).fetch_optional(&mut *c).await?),
    )
}

/// Lists everybody by name.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, limit: i64) -> StoreResult<Vec<PersonRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from person order by name, id limit $1"))
        .bind(limit).fetch_all(&mut *c).await?),
    )
}

/// Counts people.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx) -> StoreResult<i64> {
    let (count,): (i64,) =
        on!(tx, c => sqlx::query_as("select count(*) from person").fetch_one(&mut *c).await?);
    Ok(count)
}

/// Returns the name behind a person's id; `None` when nobody has it.
///
/// # Errors
/// When the database fails.
pub async fn name_of(tx: &mut Tx, id: &str) -> StoreResult<Option<String>> {
    let row: Option<(String,)> = on!(tx, c => sqlx::query_as("select name from person where id = $1")
        .bind(id).fetch_optional(&mut *c).await?);
    Ok(row.map(|(name,)| name))
}

/// Sets a new password hash.
///
/// # Errors
/// When the database fails.
pub async fn set_password(
    tx: &mut Tx,
    id: &PersonId,
    hash: &str,
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query("update person set password_hash = $1, password_changed_at = $2 where id = $3")
        .bind(hash).bind(now.as_micros()).bind(id.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Notes a sign-in.
///
/// # Errors
/// When the database fails.
pub async fn note_sign_in(tx: &mut Tx, id: &PersonId, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query("update person set last_signed_in_at = $1 where id = $2")
        .bind(now.as_micros()).bind(id.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Closes or reopens an account.
///
/// # Errors
/// When the database fails.
pub async fn set_disabled(tx: &mut Tx, id: &PersonId, at: Option<Timestamp>) -> StoreResult<()> {
    on!(tx, c => sqlx::query("update person set disabled_at = $1 where id = $2")
        .bind(at.map(Timestamp::as_micros)).bind(id.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns the roles of a person, in the order of [`Role::ALL`].
///
/// # Errors
/// When the database fails or a role is unknown.
pub async fn roles(tx: &mut Tx, id: &PersonId) -> StoreResult<Vec<Role>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as("select role from person_role where person_id = $1")
        .bind(id.as_str()).fetch_all(&mut *c).await?);
    let mut roles = rows
        .iter()
        .map(|(role,)| {
            role.parse().map_err(|_| StoreError::Damaged {
                table: "person_role",
            })
        })
        .collect::<StoreResult<Vec<Role>>>()?;
    roles.sort_unstable();
    Ok(roles)
}

/// Gives a person a role; twice is as once.
///
/// # Errors
/// When the database fails.
pub async fn add_role(tx: &mut Tx, id: &PersonId, role: Role) -> StoreResult<()> {
    on!(tx, c => sqlx::query("insert into person_role (person_id, role) values ($1, $2) on conflict do nothing")
        .bind(id.as_str()).bind(role.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Takes every role from a person.
///
/// # Errors
/// When the database fails.
pub async fn clear_roles(tx: &mut Tx, id: &PersonId) -> StoreResult<()> {
    on!(tx, c => sqlx::query("delete from person_role where person_id = $1")
        .bind(id.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lists the open accounts with a role.
///
/// # Errors
/// When the database fails.
pub async fn with_role(tx: &mut Tx, role: Role) -> StoreResult<Vec<PersonRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from person where disabled_at is null \
            and id in (select person_id from person_role where role = $1) order by name, id"))
        .bind(role.as_str()).fetch_all(&mut *c).await?),
    )
}

/// Failed tries under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct ThrottleRow {
    /// How many in a row.
    pub failure_count: i64,
    /// The last one, UTC µs.
    pub last_at: i64,
    /// Nothing is tried before, UTC µs.
    pub blocked_until: i64,
}

/// Returns the failed tries under a key.
///
/// # Errors
/// When the database fails.
pub async fn throttle(tx: &mut Tx, key_hash: &[u8]) -> StoreResult<Option<ThrottleRow>> {
    Ok(
        on!(tx, c => sqlx::query_as("select failure_count, last_at, blocked_until from throttle where key_hash = $1")
        .bind(key_hash).fetch_optional(&mut *c).await?),
    )
}

/// Notes the failed tries under a key.
///
/// # Errors
/// When the database fails.
pub async fn set_throttle(tx: &mut Tx, key_hash: &[u8], row: ThrottleRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into throttle (key_hash, failure_count, last_at, blocked_until) values ($1, $2, $3, $4) \
             on conflict (key_hash) do update set failure_count = excluded.failure_count, last_at = excluded.last_at, \
             blocked_until = excluded.blocked_until")
        .bind(key_hash).bind(row.failure_count).bind(row.last_at).bind(row.blocked_until)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Forgets the failed tries under a key.
///
/// # Errors
/// When the database fails.
pub async fn clear_throttle(tx: &mut Tx, key_hash: &[u8]) -> StoreResult<()> {
    on!(tx, c => sqlx::query("delete from throttle where key_hash = $1").bind(key_hash).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Forgets failed tries older than an instant.
///
/// # Errors
/// When the database fails.
pub async fn sweep_throttle(tx: &mut Tx, before: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query("delete from throttle where last_at < $1 and blocked_until < $1")
        .bind(before.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Sets the one setup secret, replacing the one before.
///
/// # Errors
/// When the database fails.
pub async fn set_setup_secret(tx: &mut Tx, secret_hash: &[u8], now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into setup_secret (id, secret_hash, created_at) values (1, $1, $2) \
             on conflict (id) do update set secret_hash = excluded.secret_hash, created_at = excluded.created_at")
        .bind(secret_hash).bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns the digest of the setup secret, while there is one.
///
/// # Errors
/// When the database fails.
pub async fn setup_secret(tx: &mut Tx) -> StoreResult<Option<Vec<u8>>> {
    let row: Option<(Vec<u8>,)> = on!(tx, c => sqlx::query_as("select secret_hash from setup_secret where id = 1")
        .fetch_optional(&mut *c).await?);
    Ok(row.map(|(hash,)| hash))
}

/// Removes the setup secret; says whether it was this one (so that it works once).
///
/// # Errors
/// When the database fails.
pub async fn take_setup_secret(tx: &mut Tx, secret_hash: &[u8]) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query("delete from setup_secret where id = 1 and secret_hash = $1")
        .bind(secret_hash).execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Says whether anybody has an account, in a transaction of its own.
///
/// # Errors
/// When the database fails.
pub async fn anybody(store: &Store) -> StoreResult<bool> {
    let mut tx = store.read().await?;
    Ok(count(&mut tx).await? > 0)
}
