//! Machine tokens: the secret is shown once and kept only as a digest.

use overread_model::access::{Actor, Right, Role};
use overread_model::ids::{CaseId, TokenId};
use overread_model::time::Timestamp;

use crate::error::{StoreError, StoreResult};
use crate::script::values;
use crate::{Tx, limits};

/// What a new token is for.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// What people call it.
    pub name: &'a str,
    /// What it may do.
    pub role: Role,
    /// The one case it is for, if any.
    pub case_id: Option<&'a CaseId>,
}

/// A token as lists show it; never its secret.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its role, as `Role::as_str`.
    pub role: String,
    /// The one case it is for.
    pub case_id: Option<String>,
    /// UTC µs.
    pub created_at: i64,
    /// UTC µs; a revoked token opens nothing.
    pub revoked_at: Option<i64>,
    /// UTC µs, to the minute.
    pub last_used_at: Option<i64>,
}

/// Returns 16 random bytes for a row's id.
///
/// # Errors
/// When the operating system has none.
pub fn random_id() -> StoreResult<[u8; 16]> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| StoreError::Random)?;
    Ok(random)
}

fn hash(secret: &str) -> Vec<u8> {
    blake3::hash(secret.as_bytes()).as_bytes().to_vec()
}

/// Writes bytes as base64url without padding.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 6 {
            count -= 6;
            let index = ((bits >> count) & 63) as usize;
            text.push(ALPHABET.get(index).copied().map_or('A', char::from));
        }
    }
    if count > 0 {
        let index = ((bits << (6 - count)) & 63) as usize;
        text.push(ALPHABET.get(index).copied().map_or('A', char::from));
    }
    text
}

/// Makes a token and returns its id and its secret (`ovr_` and 43 characters), which is kept nowhere.
///
/// A token for one case gets the grants of its role there; a token with an archive-wide role needs none.
///
/// # Errors
/// When the database or the random source fails.
pub async fn create(
    tx: &mut Tx,
    new: &NewToken<'_>,
    now: Timestamp,
) -> StoreResult<(TokenId, String)> {
    let mut random = [0; limits::TOKEN_SECRET_BYTES];
    getrandom::fill(&mut random).map_err(|_| StoreError::Random)?;
    let secret = format!("ovr_{}", base64url(&random));
    let id = insert(tx, new, &secret, now).await?;
    Ok((id, secret))
}

/// Registers a secret that was made elsewhere (provisioning); the same secret again returns the same token.
///
/// The caller makes sure that it has at least [`limits::TOKEN_SECRET_MIN_BYTES`] bytes.
///
/// # Errors
/// When the database fails.
pub async fn register(
    tx: &mut Tx,
    new: &NewToken<'_>,
    secret: &str,
    now: Timestamp,
) -> StoreResult<TokenId> {
    let known: Option<(String,)> = on!(tx, c => sqlx::query_as("select id from token where secret_hash = $1")
        .bind(hash(secret)).fetch_optional(&mut *c).await?);
    match known {
        Some((id,)) => id
            .parse()
            .map_err(|_| StoreError::Damaged { table: "token" }),
        None => insert(tx, new, secret, now).await,
    }
}

/// Returns what a token for one case may do there: never more than people of its role.
const fn rights_of(role: Role) -> &'static [Right] {
    use Right::{AddRecords, ViewCase, ViewDocuments, ViewImages};
    match role {
        Role::Coordinator | Role::Archive | Role::Patient | Role::Representative => {
            &[ViewCase, ViewImages, ViewDocuments, AddRecords]
        }
        Role::ReferringPhysician => &[ViewCase, ViewImages, ViewDocuments],
        // Documents may hold the original report, which opens only after the first impression.
        Role::Reviewer => &[ViewCase, ViewImages],
        Role::Insurer => &[ViewCase],
        Role::Administrator => &[],
    }
}

async fn insert(
    tx: &mut Tx,
    new: &NewToken<'_>,
    secret: &str,
    now: Timestamp,
) -> StoreResult<TokenId> {
    let id = TokenId::from_random(random_id()?);
    let name: String = new.name.chars().take(limits::TOKEN_NAME_CHARS).collect();
    let case_id = new.case_id.map(CaseId::as_str);
    on!(tx, c => sqlx::query(
            "insert into token (id, name, role, case_id, secret_hash, created_at) values ($1, $2, $3, $4, $5, $6)")
        .bind(id.as_str()).bind(name).bind(new.role.as_str()).bind(case_id).bind(hash(secret)).bind(now.as_micros())
        .execute(&mut *c).await?.rows_affected());
    let Some(case_id) = case_id else {
        return Ok(id);
    };
    for right in rights_of(new.role) {
        let grant_id = CaseId::from_random(random_id()?);
        on!(tx, c => sqlx::query(
                "insert into case_grant (id, case_id, subject_kind, subject_id, right_, from_at, granted_by, granted_at) \
                 values ($1, $2, 'machine', $3, $4, $5, 'system', $5)")
            .bind(grant_id.as_str()).bind(case_id).bind(id.as_str()).bind(right.as_str()).bind(now.as_micros())
            .execute(&mut *c).await?.rows_affected());
    }
    Ok(id)
}

/// Returns who the secret stands for; `None` when it is unknown or revoked. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn find_by_secret(tx: &mut Tx, secret: &str) -> StoreResult<Option<Actor>> {
    let sql = "select id, role from token where secret_hash = $1 and revoked_at is null";
    let rows: Vec<(String, String)> = tx.rows(sql.to_owned(), values![&hash(secret)[..]]).await?;
    let Some((id, role)) = rows.into_iter().next() else {
        return Ok(None);
    };
    let damaged = || StoreError::Damaged { table: "token" };
    Ok(Some(Actor::Machine {
        token_id: id.parse().map_err(|_| damaged())?,
        role: role.parse().map_err(|_| damaged())?,
    }))
}

/// Returns who a token stands for that is named by its id, not proven by its secret: for callers that an operator ties to one;
/// `None` when it is unknown or revoked.
///
/// # Errors
/// When the database fails.
pub async fn find_by_id(tx: &mut Tx, id: &TokenId) -> StoreResult<Option<Actor>> {
    let row: Option<(String,)> = on!(tx, c => sqlx::query_as(
            "select role from token where id = $1 and revoked_at is null")
        .bind(id.as_str()).fetch_optional(&mut *c).await?);
    row.map(|(role,)| {
        Ok(Actor::Machine {
            token_id: id.clone(),
            role: role
                .parse()
                .map_err(|_| StoreError::Damaged { table: "token" })?,
        })
    })
    .transpose()
}

/// Returns what people call a token, also one that is revoked.
///
/// # Errors
/// When the database fails.
pub async fn name_of(tx: &mut Tx, id: &str) -> StoreResult<Option<String>> {
    let row: Option<(String,)> = on!(tx, c => sqlx::query_as("select name from token where id = $1")
        .bind(id).fetch_optional(&mut *c).await?);
    Ok(row.map(|(name,)| name))
}

/// Notes that the token was used; writes at most once a minute for each token.
///
/// # Errors
/// When the database fails.
pub async fn note_use(tx: &mut Tx, id: &TokenId, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query("update token set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $3)")
        .bind(id.as_str()).bind(now.as_micros()).bind(now.plus_seconds(-60).as_micros())
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Revokes a token; says whether there was one in force.
///
/// # Errors
/// When the database fails.
pub async fn revoke(tx: &mut Tx, id: &TokenId, now: Timestamp) -> StoreResult<bool> {
    let changed = on!(tx, c => sqlx::query("update token set revoked_at = $2 where id = $1 and revoked_at is null")
        .bind(id.as_str()).bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    on!(tx, c => sqlx::query(
            "update case_grant set revoked_at = $2 where subject_kind = 'machine' and subject_id = $1 and revoked_at is null")
        .bind(id.as_str()).bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(changed > 0)
}

/// Lists every token, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx) -> StoreResult<Vec<TokenRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, name, role, case_id, created_at, revoked_at, last_used_at from token order by created_at desc, id")
        .fetch_all(&mut *c).await?))
}
