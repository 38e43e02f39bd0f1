//! Finds what a reader asks for by UID: where the bytes lie, the frames, the facts.

use std::collections::HashSet;

use overread_model::extent::{Digest, Extent};
use overread_model::ids::CaseId;
use overread_model::imaging::InstanceFacts;

use super::enter::to_digest;
use super::sql::{Arg, Clause};
use super::{StudyKey, StudyRow, block};
use crate::access::{Level, NO_REPORT, Reach, no_report, restrict};
use crate::error::{StoreError, StoreResult};
use crate::quick::quick_row;
use crate::{Tx, packs};

/// One instance, with where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredInstance {
    /// Our key.
    pub id: i64,
    /// Our key of its study.
    pub study: StudyKey,
    /// (0020,000D).
    pub study_instance_uid: String,
    /// (0020,000E).
    pub series_instance_uid: String,
    /// (0008,0018).
    pub sop_instance_uid: String,
    /// (0008,0016).
    pub sop_class_uid: String,
    /// (0002,0010).
    pub transfer_syntax_uid: String,
    /// (0028,0008).
    pub number_of_frames: u32,
    /// Where its bytes are.
    pub extent: Extent,
    /// Of those bytes.
    pub digest: Digest,
    /// Its frame table, as ingest writes it.
    pub frames: Vec<u8>,
    /// It is a report, or the marks of somebody who read before.
    pub is_report: bool,
}

#[derive(sqlx::FromRow)]
struct InstanceColumns {
    id: i64,
    study_id: i64,
    study_instance_uid: String,
    series_instance_uid: String,
    sop_instance_uid: String,
    sop_class_uid: String,
    transfer_syntax_uid: String,
    number_of_frames: i64,
    pack_id: i64,
    offset_bytes: i64,
    length_bytes: i64,
    digest: Vec<u8>,
    frames: Vec<u8>,
    is_report: i64,
}

quick_row!(InstanceColumns {
    id,
    study_id,
    study_instance_uid,
    series_instance_uid,
    sop_instance_uid,
    sop_class_uid,
    transfer_syntax_uid,
    number_of_frames,
    pack_id,
    offset_bytes,
    length_bytes,
    digest,
    frames,
    is_report,
});

impl TryFrom<InstanceColumns> for StoredInstance {
    type Error = StoreError;

    fn try_from(row: InstanceColumns) -> StoreResult<Self> {
        Ok(Self {
            id: row.id,
            study: StudyKey(row.study_id),
            study_instance_uid: row.study_instance_uid,
            series_instance_uid: row.series_instance_uid,
            sop_instance_uid: row.sop_instance_uid,
            sop_class_uid: row.sop_class_uid,
            transfer_syntax_uid: row.transfer_syntax_uid,
            number_of_frames: u32::try_from(row.number_of_frames).unwrap_or(0),
            extent: packs::to_extent(row.pack_id, row.offset_bytes, row.length_bytes)?,
            digest: to_digest(&row.digest, "instance")?,
            frames: row.frames,
            is_report: row.is_report != 0,
        })
    }
}

const COLUMNS: &str = concat!(
    "select instance.id, series.study_id, study.study_instance_uid, series.series_instance_uid, \
    instance.sop_instance_uid, instance.sop_class_uid, instance.transfer_syntax_uid, instance.number_of_frames, \
    instance.pack_id, instance.offset_bytes, instance.length_bytes, instance.digest, instance.frames, \
    cast(case when ",
    no_report!("instance", "series"),
    " then 0 else 1 end as bigint) as is_report \
    from instance join series on series.id = instance.series_id join study on study.id = series.study_id"
);

/// The order in which instances are listed, whatever of them.
pub(super) const ORDER: &str = " order by series.series_number is null, series.series_number, series.id, \
    instance.instance_number is null, instance.instance_number, instance.id";

/// Narrows to a study, a series, an instance, as far as they are given.
pub(super) fn narrow(
    clause: &mut Clause,
    study_uid: &str,
    series_uid: Option<&str>,
    sop_uid: Option<&str>,
) {
    if let Some(uid) = sop_uid {
        clause.equal("instance.sop_instance_uid", Arg::Text(uid.to_owned()));
    }
    if let Some(uid) = series_uid {
        clause.equal("series.series_instance_uid", Arg::Text(uid.to_owned()));
    }
    clause.equal("study.study_instance_uid", Arg::Text(study_uid.to_owned()));
}

/// Finds one instance. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn find_instance(
    tx: &mut Tx,
    reach: &Reach,
    study_uid: &str,
    series_uid: &str,
    sop_uid: &str,
) -> StoreResult<Option<StoredInstance>> {
    let mut clause = Clause::new(COLUMNS);
    narrow(&mut clause, study_uid, Some(series_uid), Some(sop_uid));
    restrict(&mut clause, reach, Level::Instance);
    let mut rows: Vec<InstanceColumns> = clause.rows(tx).await?;
    rows.pop().map(StoredInstance::try_from).transpose()
}

/// Lists the instances of a study or series, by series and number.
///
/// # Errors
/// When the database fails.
pub async fn instances_of(
    tx: &mut Tx,
    reach: &Reach,
    study_uid: &str,
    series_uid: Option<&str>,
) -> StoreResult<Vec<StoredInstance>> {
    let mut clause = Clause::new(COLUMNS);
    narrow(&mut clause, study_uid, series_uid, None);
    restrict(&mut clause, reach, Level::Instance);
    clause.push(ORDER);
    let rows: Vec<InstanceColumns> = clause.rows(tx).await?;
    rows.into_iter().map(StoredInstance::try_from).collect()
}

/// Lists the reports and marks among the instances of a study, a series or of one instance.
///
/// # Errors
/// When the database fails.
pub async fn reports_among(
    tx: &mut Tx,
    reach: &Reach,
    study_uid: &str,
    series_uid: Option<&str>,
    sop_uid: Option<&str>,
) -> StoreResult<Vec<i64>> {
    let mut clause = Clause::new(
        "select instance.id from instance join series on series.id = instance.series_id \
         join study on study.id = series.study_id",
    );
    narrow(&mut clause, study_uid, series_uid, sop_uid);
    restrict(&mut clause, reach, Level::Instance);
    clause.and("not (");
    clause.push(NO_REPORT);
    clause.push(") order by instance.id");
    let rows: Vec<(i64,)> = clause.rows(tx).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Returns the facts of every instance of a study.
///
/// # Errors
/// When the database fails or a block is damaged.
pub async fn facts_of_study(tx: &mut Tx, study: StudyKey) -> StoreResult<Vec<InstanceFacts>> {
    let rows: Vec<(i64, String)> = on!(&mut *tx, c => sqlx::query_as(
            "select i.block_id, i.sop_instance_uid from instance i join series s on s.id = i.series_id \
             where s.study_id = $1").bind(study.0).fetch_all(&mut *c).await?);
    // A block may also hold the facts of a twin that was not stored, or was kept aside.
    let stored: HashSet<(i64, String)> = rows.into_iter().collect();
    let rows: Vec<(i64, Vec<u8>)> = on!(tx, c => sqlx::query_as(
            "select b.id, b.facts from metadata_block b join series s on s.id = b.series_id where s.study_id = $1 order by b.id")
        .bind(study.0).fetch_all(&mut *c).await?);
    let (mut facts, mut seen) = (Vec::new(), HashSet::new());
    for (block_id, block) in rows {
        facts.extend(block::facts(&block)?.into_iter().filter(|facts| {
            let key = (block_id, facts.sop_instance_uid.as_str().to_owned());
            stored.contains(&key) && seen.insert(key.1)
        }));
    }
    Ok(facts)
}

/// Lists the studies of a case, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn studies_of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<StudyRow>> {
    let reach = Reach::Case(case_id.clone());
    super::search_studies(
        tx,
        &reach,
        &super::StudyFilter::default(),
        &super::Page::default(),
    )
    .await
}

/// Returns the facts of every instance of a case.
///
/// # Errors
/// When the database fails or a block is damaged.
pub async fn facts_of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<InstanceFacts>> {
    let mut facts = Vec::new();
    for study in studies_of_case(tx, case_id).await? {
        facts.extend(facts_of_study(tx, StudyKey(study.id)).await?);
    }
    Ok(facts)
}

/// Returns which instances of a case are reports or marks of somebody who read before, by their UIDs.
///
/// # Errors
/// When the database fails.
pub async fn reports_of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<HashSet<String>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(concat!(
            "select instance.sop_instance_uid from case_study cs join series on series.study_id = cs.study_id \
             join instance on instance.series_id = series.id where cs.case_id = $1 and not (",
            no_report!("instance", "series"), ")"))
        .bind(case_id.as_str()).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(uid,)| uid).collect())
}

/// Returns how many instances a study has and how many bytes; `None` when there is no such study.
///
/// # Errors
/// When the database fails.
pub async fn study_counts(tx: &mut Tx, study: StudyKey) -> StoreResult<Option<(u64, u64)>> {
    let row: Option<(i64, i64)> = on!(tx, c => sqlx::query_as(
            "select instance_count, length_bytes from study where id = $1").bind(study.0).fetch_optional(&mut *c).await?);
    Ok(row.map(|(count, bytes)| (count.unsigned_abs(), bytes.unsigned_abs())))
}
