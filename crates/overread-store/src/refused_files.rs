//! What was sent for a case and not kept: listed until it has come, or a coordinator lets the case through without it.

use overread_model::extent::Digest;
use overread_model::ids::{CaseId, DeliveryId};
use overread_model::refusal::{RefusalReason, RefusedSort};
use overread_model::time::Timestamp;

use crate::deletions::to_cases;
use crate::error::{StoreError, StoreResult};
use crate::script::values;
use crate::{Tx, limits};

/// A file that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What it was, as far as its sender or its bytes say.
    pub sort: RefusedSort,
    /// Why.
    pub reason: RefusalReason,
    /// (0008,0018).
    pub sop_instance_uid: Option<String>,
    /// (0020,000E).
    pub series_instance_uid: Option<String>,
    /// (0020,000D).
    pub study_instance_uid: Option<String>,
    /// Of its bytes; `None` when they were not read.
    pub digest: Option<Digest>,
    /// The delivery that it was part of.
    pub delivery_id: DeliveryId,
}

impl Refused {
    /// Returns the name under which it is kept in its case; what has neither UID nor digest shares one.
    fn name(&self) -> String {
        match (self.sort, &self.sop_instance_uid, self.digest) {
            (RefusedSort::Instance, Some(uid), _) => uid.clone(),
            (RefusedSort::OtherContent | RefusedSort::Paper, _, Some(digest)) => digest.to_string(),
            (sort, ..) => format!("{} {}", sort.as_str(), self.reason.as_str()),
        }
    }
}

/// What has not come: it is in no exam of the case, and not set aside for it, under the UID or with the digest that was refused.
/// What is about an exam that the case held, and that is deleted, says nothing until that is restored.
macro_rules! is_open {
    () => {
        "(r.study_instance_uid is null or r.study_instance_uid not in (select s.study_instance_uid from deletion d \
         join study s on s.id = d.study_id join deletion_case dc on dc.deletion_id = d.id \
         where d.ended_at is null and dc.case_id = r.case_id)) \
         and not (r.sort = 'instance' and (exists (select 1 from instance i join series s on s.id = i.series_id \
         where i.sop_instance_uid = r.sop_instance_uid and (s.study_id in (select cs.study_id from case_study cs \
         where cs.case_id = r.case_id) or s.study_id in (select q.study_id from quarantine q \
         where q.case_id = r.case_id and q.decided_at is null))) or exists (select 1 from conflict c \
         where c.sop_instance_uid = r.sop_instance_uid and c.case_id = r.case_id))) \
         and not (r.sort = 'other_content' and exists (select 1 from conflict c \
         where c.sop_instance_uid = r.sop_instance_uid and c.digest = r.digest)) \
         and not (r.sort = 'paper' and exists (select 1 from document d where d.case_id = r.case_id and d.digest = r.digest))"
    };
}

/// The sorts of [`RefusedSort::is_counted`].
macro_rules! counted {
    () => {
        "('unnamed', 'request', 'further')"
    };
}

/// Notes files that were refused for a case. What was refused before is counted again; when the list is full, further ones are
/// counted only. Part of a batch.
///
/// # Errors
/// When the database fails.
pub async fn note(
    tx: &mut Tx,
    case_id: &CaseId,
    refused: &[Refused],
    now: Timestamp,
) -> StoreResult<()> {
    let sql = "select count(*) from refused_file where case_id = $1";
    let rows: Vec<(i64,)> = tx.rows(sql, values![case_id.as_str()]).await?;
    let mut listed = rows.first().map_or(0, |(count,)| *count);
    for one in refused {
        let mut one = one.clone();
        if one.sort == RefusedSort::Instance && is_known(tx, case_id, &one).await? {
            one.sort = RefusedSort::OtherContent;
        }
        if again(tx, case_id, &one.name(), now).await? {
            continue;
        }
        if listed >= limits::REFUSED_FILES && !one.sort.is_counted() {
            one.sort = RefusedSort::Further;
            (one.sop_instance_uid, one.digest) = (None, None);
            (one.series_instance_uid, one.study_instance_uid) = (None, None);
            if again(tx, case_id, &one.name(), now).await? {
                continue;
            }
        }
        listed += 1;
        insert(tx, case_id, &one, now).await?;
    }
    Ok(())
}

/// Lists cases that had no room for something which has not come since, and which no coordinator let them through without.
///
/// # Errors
/// When the database fails.
pub async fn without_room(tx: &mut Tx, limit: i64) -> StoreResult<Vec<CaseId>> {
    let sql = concat!(
        "select f.case_id from (select distinct case_id from refused_file where reason = $1 and standing <> 'let_through') f \
         where exists (select 1 from refused_file r where r.case_id = f.case_id and r.reason = $1 \
         and r.standing <> 'let_through' and ",
        is_open!(),
        ") order by f.case_id limit $2"
    );
    let rows: Vec<(String,)> = tx
        .rows(sql, values![RefusalReason::NoRoom.as_str(), limit])
        .await?;
    to_cases(rows, "refused_file")
}

/// Says whether the case holds an instance of this UID, so that it was refused for its other content.
async fn is_known(tx: &mut Tx, case_id: &CaseId, one: &Refused) -> StoreResult<bool> {
    let sql = "select i.id from instance i join series s on s.id = i.series_id join case_study cs \
        on cs.study_id = s.study_id where i.sop_instance_uid = $1 and cs.case_id = $2 limit 1";
    let values = values![&one.sop_instance_uid, case_id.as_str()];
    let rows: Vec<(i64,)> = tx.rows(sql, values).await?;
    Ok(!rows.is_empty())
}

/// Counts what was refused before; says whether it was. What a person let through stays so, unless nothing tells it from others.
async fn again(tx: &mut Tx, case_id: &CaseId, name: &str, now: Timestamp) -> StoreResult<bool> {
    let sql = concat!(
        "update refused_file set refused_count = refused_count + 1, last_at = $3, standing = case when sort in ",
        counted!(),
        " then 'new' else standing end where case_id = $1 and name = $2"
    );
    let changed = tx.run(sql, values![case_id.as_str(), name, now.as_micros()]);
    Ok(changed.await? > 0)
}

async fn insert(tx: &mut Tx, case_id: &CaseId, one: &Refused, now: Timestamp) -> StoreResult<()> {
    let sql = "insert into refused_file (case_id, name, sort, reason, sop_instance_uid, series_instance_uid, \
        study_instance_uid, digest, delivery_id, first_at, last_at, refused_count, standing) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 1, 'new') on conflict (case_id, name) do update \
        set refused_count = refused_file.refused_count + 1, last_at = excluded.last_at";
    let values = values![
        case_id.as_str(),
        one.name(),
        one.sort.as_str(),
        one.reason.as_str(),
        &one.sop_instance_uid,
        &one.series_instance_uid,
        &one.study_instance_uid,
        one.digest
            .as_ref()
            .map_or(&[][..], |digest| digest.as_bytes()),
        one.delivery_id.as_str(),
        now.as_micros(),
    ];
    tx.run(sql, values).await?;
    Ok(())
}

/// What a case lacks of one sort and for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lacking {
    /// What.
    pub sort: RefusedSort,
    /// Why it was not kept.
    pub reason: RefusalReason,
    /// How many files; of what nothing tells apart, how often one was refused.
    pub count: i64,
    /// When the first of them was refused first.
    pub first_at: Timestamp,
    /// When the last of them was refused last.
    pub last_at: Timestamp,
}

/// Says what a case lacks since it was refused and has not come.
///
/// # Errors
/// When the database fails.
pub async fn lacking(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<Lacking>> {
    let sql = concat!(
        "select r.sort, r.reason, cast(sum(case when r.sort in ",
        counted!(),
        " then r.refused_count else 1 end) as bigint), min(r.first_at), max(r.last_at) from refused_file r where r.case_id = $1 and ",
        is_open!(),
        " group by r.sort, r.reason order by r.reason, r.sort"
    );
    let rows: Vec<(String, String, i64, i64, i64)> = on!(tx, c => sqlx::query_as(sql)
        .bind(case_id.as_str()).fetch_all(&mut *c).await?);
    rows.into_iter()
        .map(|(sort, reason, count, first_at, last_at)| {
            Ok(Lacking {
                sort: RefusedSort::of(&sort).ok_or(DAMAGED)?,
                reason: RefusalReason::of(&reason).ok_or(DAMAGED)?,
                count,
                first_at: Timestamp::from_micros(first_at),
                last_at: Timestamp::from_micros(last_at),
            })
        })
        .collect()
}

const DAMAGED: StoreError = StoreError::Damaged {
    table: "refused_file",
};

/// A series of which a case lacks instances.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LackingSeries {
    /// (0020,000D).
    pub study_instance_uid: String,
    /// (0020,000E).
    pub series_instance_uid: String,
    /// How many.
    pub instance_count: i64,
}

/// Lists the series of which a case lacks instances, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn lacking_series(
    tx: &mut Tx,
    case_id: &CaseId,
    limit: i64,
) -> StoreResult<Vec<LackingSeries>> {
    let sql = concat!(
        "select r.study_instance_uid, r.series_instance_uid, count(*) as instance_count from refused_file r \
         where r.case_id = $1 and r.study_instance_uid is not null and r.series_instance_uid is not null and ",
        is_open!(),
        " group by r.study_instance_uid, r.series_instance_uid order by 1, 2 limit $2"
    );
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(case_id.as_str()).bind(limit).fetch_all(&mut *c).await?),
    )
}

/// Says whether anything that was refused is noted of a case, come or not.
///
/// # Errors
/// When the database fails.
pub async fn has_any(tx: &mut Tx, case_id: &CaseId) -> StoreResult<bool> {
    let sql = "select name from refused_file where case_id = $1 limit 1";
    let rows: Vec<(String,)> = tx.rows(sql, values![case_id.as_str()]).await?;
    Ok(!rows.is_empty())
}

/// Forgets what has come, and marks the rest as told by the check that follows.
///
/// # Errors
/// When the database fails.
pub async fn tell(tx: &mut Tx, case_id: &CaseId) -> StoreResult<()> {
    let forget = concat!(
        "delete from refused_file where case_id = $1 and (study_instance_uid is null or study_instance_uid not in \
         (select s.study_instance_uid from deletion d join study s on s.id = d.study_id where d.ended_at is null)) \
         and name not in (select r.name from refused_file r where r.case_id = $1 and ",
        is_open!(),
        ")"
    );
    let told = "update refused_file set standing = 'told' where case_id = $1 and standing = 'new'";
    for sql in [forget, told] {
        on!(&mut *tx, c => sqlx::query(sql).bind(case_id.as_str()).execute(&mut *c).await?.rows_affected());
    }
    Ok(())
}

/// Lets a case through without what a check has told of.
///
/// # Errors
/// When the database fails.
pub async fn let_through(tx: &mut Tx, case_id: &CaseId) -> StoreResult<()> {
    let sql =
        "update refused_file set standing = 'let_through' where case_id = $1 and standing = 'told'";
    on!(tx, c => sqlx::query(sql).bind(case_id.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Says whether a case lacks something without which nobody has let it through.
///
/// # Errors
/// When the database fails.
pub async fn is_undecided(tx: &mut Tx, case_id: &CaseId) -> StoreResult<bool> {
    let sql = concat!(
        "select r.name from refused_file r where r.case_id = $1 and r.standing <> 'let_through' and ",
        is_open!(),
        " limit 1"
    );
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(sql)
        .bind(case_id.as_str()).fetch_all(&mut *c).await?);
    Ok(!rows.is_empty())
}

#[cfg(test)]
mod tests {
    use super::RefusedSort;

    #[test]
    fn the_database_counts_what_the_model_counts() {
        let counted = RefusedSort::ALL
            .into_iter()
            .filter(|sort| sort.is_counted());
        let words: Vec<String> = counted.map(|sort| format!("'{}'", sort.as_str())).collect();
        assert_eq!(counted!(), format!("({})", words.join(", ")));
    }
}
