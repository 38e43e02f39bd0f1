//! Requests of DICOM peers for storage commitment, kept until their report went out (PS3.4 annex J).

use overread_model::extent::{Digest, Extent};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_model::verdict::Verdict;
use sqlx::AssertSqlSafe;

use crate::error::{StoreError, StoreResult};
use crate::studies::sql::{Arg, Clause, bind, padded};
use crate::studies::to_digest;
use crate::tokens::random_id;
use crate::{Tx, packs};

/// A SOP class and a SOP instance.
pub type Reference = (String, String);

/// A request that came.
#[derive(Debug, Clone, Copy)]
pub struct NewCommitment<'a> {
    /// Who asks.
    pub ae_title: &'a str,
    /// The peer's name for the request.
    pub transaction_uid: &'a str,
    /// What it asks for.
    pub instances: &'a [Reference],
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is kept, or was kept already.
    Kept,
    /// The peer used this transaction UID for something else.
    Reused,
    /// As many of this peer's requests wait as may.
    TooMany,
}

/// A request whose report is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Names it.
    pub id: String,
    /// Who asked.
    pub ae_title: String,
    /// The peer's name for the request.
    pub transaction_uid: String,
    /// What it asks for.
    pub instances: Vec<Reference>,
    /// Tries so far.
    pub try_count: i64,
}

/// What the index says of an instance that a peer asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// (0008,0016).
    pub sop_class_uid: String,
    /// (0008,0018).
    pub sop_instance_uid: String,
    /// Where its bytes are.
    pub extent: Extent,
    /// Of those bytes.
    pub digest: Digest,
    /// Other content came under the same UID, and nobody decided yet which is right; or it was decided that the other is, or it
    /// was not kept.
    pub is_disputed: bool,
}

/// Keeps a request, so that its report goes out even after a restart. The same request again is due again.
///
/// # Errors
/// When the database fails.
pub async fn keep(
    tx: &mut Tx,
    new: &NewCommitment<'_>,
    waiting_max: u64,
    now: Timestamp,
) -> StoreResult<Asked> {
    let instances = serde_json::to_string(new.instances).map_err(|_| damaged())?;
    let known: Option<(String, String)> = on!(&mut *tx, c => sqlx::query_as(
            "select id, instances from commitment where ae_title = $1 and transaction_uid = $2")
        .bind(new.ae_title).bind(new.transaction_uid).fetch_optional(&mut *c).await?);
    if let Some((id, known)) = known {
        if known != instances {
            return Ok(Asked::Reused);
        }
        on!(tx, c => sqlx::query(
                "update commitment set reported_at = null, given_up_at = null, due_at = $1, try_count = 0 where id = $2")
            .bind(now.as_micros()).bind(id).execute(&mut *c).await?.rows_affected());
        return Ok(Asked::Kept);
    }
    let (waiting,): (i64,) = on!(&mut *tx, c => sqlx::query_as(
            "select count(*) from commitment where ae_title = $1 and reported_at is null and given_up_at is null")
        .bind(new.ae_title).fetch_one(&mut *c).await?);
    if waiting.unsigned_abs() >= waiting_max {
        return Ok(Asked::TooMany);
    }
    let id = CaseId::from_random(random_id()?);
    on!(tx, c => sqlx::query(
            "insert into commitment (id, ae_title, transaction_uid, instances, asked_at, due_at) values ($1, $2, $3, $4, $5, $5)")
        .bind(id.as_str()).bind(new.ae_title).bind(new.transaction_uid).bind(instances).bind(now.as_micros())
        .execute(&mut *c).await?.rows_affected());
    Ok(Asked::Kept)
}

/// Claims the reports that are due to these peers, so that nobody else sends them until `claimed_until`.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    tx: &mut Tx,
    ae_titles: &[String],
    now: Timestamp,
    claimed_until: Timestamp,
) -> StoreResult<Vec<Due>> {
    if ae_titles.is_empty() {
        return Ok(Vec::new());
    }
    let mut clause = Clause::new("update commitment set claimed_until = ");
    clause.arg(Arg::Int(claimed_until.as_micros()));
    clause.push(
        " where id in (select id from commitment where reported_at is null and given_up_at is null and due_at <= ",
    );
    clause.arg(Arg::Int(now.as_micros()));
    clause.push(" and claimed_until <= ");
    clause.arg(Arg::Int(now.as_micros()));
    clause.push(" and ae_title in (");
    clause.list(&padded(ae_titles.to_vec()));
    clause.push(") order by due_at, id limit 10) and claimed_until <= ");
    clause.arg(Arg::Int(now.as_micros()));
    clause.push(" returning id, ae_title, transaction_uid, instances, try_count");
    let rows: Vec<(String, String, String, String, i64)> = on!(tx, c => bind!(
            sqlx::query_as(AssertSqlSafe(clause.sql.clone())), clause.args).fetch_all(&mut *c).await?);
    rows.into_iter()
        .map(|(id, ae_title, transaction_uid, instances, try_count)| {
            Ok(Due {
                id,
                ae_title,
                transaction_uid,
                instances: serde_json::from_str(&instances).map_err(|_| damaged())?,
                try_count,
            })
        })
        .collect()
}

/// Notes that a report was taken by the peer.
///
/// # Errors
/// When the database fails.
pub async fn reported(tx: &mut Tx, id: &str, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query("update commitment set reported_at = $1, try_count = try_count + 1 where id = $2")
        .bind(now.as_micros()).bind(id).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Notes that a report could not be delivered; without a time for the next try it is given up.
///
/// # Errors
/// When the database fails.
pub async fn failed(
    tx: &mut Tx,
    id: &str,
    next_try_at: Option<Timestamp>,
    now: Timestamp,
) -> StoreResult<()> {
    let given_up_at = next_try_at.is_none().then_some(now.as_micros());
    on!(tx, c => sqlx::query(
            "update commitment set try_count = try_count + 1, claimed_until = 0, due_at = $1, given_up_at = $2 where id = $3")
        .bind(next_try_at.unwrap_or(now).as_micros()).bind(given_up_at).bind(id)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

#[derive(sqlx::FromRow)]
struct HeldColumns {
    sop_class_uid: String,
    sop_instance_uid: String,
    pack_id: i64,
    offset_bytes: i64,
    length_bytes: i64,
    digest: Vec<u8>,
    dispute_count: i64,
}

/// Finds instances by their UIDs, in whatever study, or in the studies of some cases.
///
/// # Errors
/// When the database fails.
pub async fn held(
    tx: &mut Tx,
    sop_instance_uids: &[String],
    cases: Option<&[CaseId]>,
) -> StoreResult<Vec<Held>> {
    let mut clause = Clause::new(
        "select instance.sop_class_uid, instance.sop_instance_uid, instance.pack_id, instance.offset_bytes, \
         instance.length_bytes, instance.digest, (select count(*) from conflict where conflict.sop_instance_uid = \
         instance.sop_instance_uid and (conflict.resolved_at is null or conflict.resolution like ",
    );
    clause.arg(Arg::Text(format!("{}:%", Verdict::NewerIsRight.as_str())));
    clause.push(
        ")) + (select count(*) from refused_file where refused_file.sop_instance_uid = instance.sop_instance_uid \
         and refused_file.sort = 'other_content') as dispute_count from instance",
    );
    clause.any_of(
        "instance.sop_instance_uid",
        &padded(sop_instance_uids.to_vec()),
    );
    // Nobody is told that what will be erased is kept.
    clause.and(
        "instance.series_id not in (select series.id from series join deletion on deletion.study_id = series.study_id \
         where deletion.ended_at is null)",
    );
    if let Some(cases) = cases {
        let ids: Vec<String> = cases.iter().map(|case| case.as_str().to_owned()).collect();
        clause.and(
            "instance.series_id in (select series.id from series join case_study \
             on case_study.study_id = series.study_id where case_study.case_id in (",
        );
        clause.list(&ids);
        clause.push("))");
    }
    let rows: Vec<HeldColumns> = on!(tx, c => bind!(
            sqlx::query_as(AssertSqlSafe(clause.sql.clone())), clause.args).fetch_all(&mut *c).await?);
    rows.into_iter()
        .map(|row| {
            Ok(Held {
                sop_class_uid: row.sop_class_uid,
                sop_instance_uid: row.sop_instance_uid,
                extent: packs::to_extent(row.pack_id, row.offset_bytes, row.length_bytes)?,
                digest: to_digest(&row.digest, "instance")?,
                is_disputed: row.dispute_count > 0,
            })
        })
        .collect()
}

const fn damaged() -> StoreError {
    StoreError::Damaged {
        table: "commitment",
    }
}
