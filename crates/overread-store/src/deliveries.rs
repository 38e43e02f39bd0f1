//! Deliveries: packages of records that arrived, what came of them and what was wrong.

use overread_model::extent::{Digest, Extent};
use overread_model::ids::{CaseId, DeliveryId};
use overread_model::time::Timestamp;
use overread_model::verdict::Verdict;

use crate::audit::{self, AuditEvent};
use crate::error::StoreResult;
use crate::script::values;
use crate::studies::DeliveryScope;
use crate::{Script, Tx, held_papers, packs};

/// What a delivery amounts to so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files looked at.
    pub files_seen: u64,
    /// Instances that are new.
    pub instances_stored: u64,
    /// Instances that were there already, byte for byte.
    pub duplicates: u64,
    /// Bytes of the new ones.
    pub bytes_stored: u64,
    /// Things that were wrong.
    pub problems: u64,
}

/// A delivery, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeliveryRow {
    /// Its id.
    pub id: String,
    /// The case it adds to.
    pub case_id: Option<String>,
    /// Where it came from: `folder`, `zip`, `file`, `stow`.
    pub source: String,
    /// Who brought it.
    pub actor_kind: String,
    /// The id behind the actor.
    pub actor_id: String,
    /// UTC µs.
    pub started_at: i64,
    /// UTC µs; `None` while it runs, or when it was cut off.
    pub finished_at: Option<i64>,
    /// Files looked at.
    pub files_seen: i64,
    /// Instances that are new.
    pub instances_stored: i64,
    /// Instances that were there already.
    pub duplicates: i64,
    /// Bytes of the new ones.
    pub bytes_stored: i64,
    /// Things that were wrong.
    pub problem_count: i64,
    /// The receipt as JSON, when finished. Patient data.
    pub receipt: Option<String>,
}

/// Makes the row of a delivery and its audit row; again does nothing. Part of a batch.
///
/// # Errors
/// When the database fails.
pub async fn start(
    tx: &mut Tx,
    scope: &DeliveryScope,
    source: &'static str,
    now: Timestamp,
) -> StoreResult<()> {
    let sql = "insert into delivery (id, case_id, source, actor_kind, actor_id, started_at) \
        values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing";
    let values = values![
        scope.delivery_id.as_str(),
        scope.case_id.as_ref().map(CaseId::as_str),
        source,
        scope.actor.kind(),
        scope.actor.id(),
        now.as_micros(),
    ];
    if tx.run(sql, values).await? == 0 {
        return Ok(());
    }
    let mut event = AuditEvent::new("delivery.started").on("delivery", &scope.delivery_id);
    event.case_id.clone_from(&scope.case_id);
    audit::record(tx, &scope.actor, &event, now).await
}

/// Writes what came of a delivery, and its receipt.
///
/// # Errors
/// When the database fails.
pub async fn finish(
    tx: &mut Tx,
    scope: &DeliveryScope,
    tally: &Tally,
    receipt_json: &str,
    now: Timestamp,
) -> StoreResult<()> {
    on!(&mut *tx, c => sqlx::query(
            "update delivery set finished_at = $2, files_seen = $3, instances_stored = $4, duplicates = $5, \
             bytes_stored = $6, problem_count = $7, receipt = $8 where id = $1")
        .bind(scope.delivery_id.as_str()).bind(now.as_micros()).bind(tally.files_seen as i64)
        .bind(tally.instances_stored as i64).bind(tally.duplicates as i64).bind(tally.bytes_stored as i64)
        .bind(tally.problems as i64).bind(receipt_json).execute(&mut *c).await?.rows_affected());
    let detail = serde_json::json!({"stored": tally.instances_stored, "duplicates": tally.duplicates,
        "problems": tally.problems});
    let mut event = AuditEvent::new("delivery.finished")
        .on("delivery", &scope.delivery_id)
        .with(detail);
    event.case_id.clone_from(&scope.case_id);
    audit::record(tx, &scope.actor, &event, now).await
}

/// Adds to a delivery that has no receipt (STOW): it is finished with each answer.
pub fn add(script: &mut Script, id: &DeliveryId, tally: &Tally, now: Timestamp) {
    script.add(
        "update delivery set finished_at = $2, files_seen = files_seen + $3, instances_stored = instances_stored + $4, \
         duplicates = duplicates + $5, bytes_stored = bytes_stored + $6, problem_count = problem_count + $7 where id = $1",
        values![
            id.as_str(),
            now.as_micros(),
            tally.files_seen as i64,
            tally.instances_stored as i64,
            tally.duplicates as i64,
            tally.bytes_stored as i64,
            tally.problems as i64,
        ],
    );
}

/// Keeps a receipt of what a delivery that is finished with each answer (STOW) left outside its case, and counts its problems.
///
/// # Errors
/// When the database fails.
pub async fn left_outside(
    tx: &mut Tx,
    id: &DeliveryId,
    (problems, receipt_json): (u64, &str),
) -> StoreResult<()> {
    let sql = "update delivery set receipt = $2, problem_count = problem_count + $3 where id = $1";
    let values = values![id.as_str(), receipt_json, problems as i64];
    tx.run(sql, values).await?;
    Ok(())
}

/// Finds a delivery.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &DeliveryId) -> StoreResult<Option<DeliveryRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, case_id, source, actor_kind, actor_id, started_at, finished_at, files_seen, instances_stored, \
             duplicates, bytes_stored, problem_count, receipt from delivery where id = $1")
        .bind(id.as_str()).fetch_optional(&mut *c).await?))
}

/// Lists the deliveries of a case, the newest first. Of one that is not finished, what is stored of it is counted.
///
/// # Errors
/// When the database fails.
pub async fn list_of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<DeliveryRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, case_id, source, actor_kind, actor_id, started_at, finished_at, files_seen, \
             case when finished_at is null then (select count(*) from instance where delivery_id = delivery.id) \
             else instances_stored end as instances_stored, \
             duplicates, bytes_stored, problem_count, receipt from delivery where case_id = $1 order by started_at desc, id")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?))
}

/// An instance that waits for a person's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Its id.
    pub id: String,
    /// The delivery that brought it.
    pub delivery_id: String,
    /// Why it waits.
    pub reason: String,
    /// (0020,000D).
    pub study_instance_uid: String,
    /// (0008,0018).
    pub sop_instance_uid: String,
    /// Where its bytes are.
    pub extent: Extent,
    /// Of those bytes.
    pub digest: Digest,
    /// UTC µs.
    pub created_at: i64,
}

impl Aside {
    /// Says whether it names another patient than its study; else other bytes are stored under its UID.
    pub fn names_another_patient(&self) -> bool {
        self.reason == held_papers::OTHER_PATIENT
    }
}

type AsideColumns = (
    String,
    String,
    String,
    String,
    String,
    i64,
    i64,
    i64,
    Vec<u8>,
    i64,
);

/// Lists the instances that wait for a decision, all or of one case, the newest first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn list_aside(
    tx: &mut Tx,
    case_id: Option<&CaseId>,
    limit: u32,
) -> StoreResult<Vec<Aside>> {
    let rows: Vec<AsideColumns> = on!(tx, c => sqlx::query_as(
            "select id, delivery_id, reason, study_instance_uid, sop_instance_uid, pack_id, offset_bytes, length_bytes, \
             digest, created_at from conflict where resolved_at is null and \
             study_instance_uid not in (select s.study_instance_uid from deletion d join study s on s.id = d.study_id \
             where d.ended_at is null) and ($1 = '' or case_id = $1) \
             order by created_at desc, id limit $2")
        .bind(case_id.map_or("", CaseId::as_str)).bind(i64::from(limit)).fetch_all(&mut *c).await?);
    rows.into_iter().map(aside_of).collect()
}

fn aside_of(row: AsideColumns) -> StoreResult<Aside> {
    Ok(Aside {
        id: row.0,
        delivery_id: row.1,
        reason: row.2,
        study_instance_uid: row.3,
        sop_instance_uid: row.4,
        extent: packs::to_extent(row.5, row.6, row.7)?,
        digest: crate::studies::to_digest(&row.8, "conflict")?,
        created_at: row.9,
    })
}

/// Lists the instances that wait for a decision since they contradict what is stored: other bytes under a known UID, or another
/// patient than their study's. They were brought for this case, or for none into a study of it; the newest first, at most
/// `limit`.
///
/// # Errors
/// When the database fails.
pub async fn list_conflicts(tx: &mut Tx, case_id: &CaseId, limit: u32) -> StoreResult<Vec<Aside>> {
    let rows: Vec<AsideColumns> = on!(tx, c => sqlx::query_as(
            "select id, delivery_id, reason, study_instance_uid, sop_instance_uid, pack_id, offset_bytes, length_bytes, \
             digest, created_at from conflict where resolved_at is null and \
             study_instance_uid not in (select s.study_instance_uid from deletion d join study s on s.id = d.study_id \
             where d.ended_at is null) and reason <> $2 and (case_id = $1 \
             or (case_id is null and study_instance_uid in (select s.study_instance_uid from case_study l \
             join study s on s.id = l.study_id where l.case_id = $1))) order by created_at desc, id limit $3")
        .bind(case_id.as_str()).bind(held_papers::OUTSIDE).bind(i64::from(limit)).fetch_all(&mut *c).await?);
    rows.into_iter().map(aside_of).collect()
}

/// Notes what a person decided about an instance that was kept aside, and why; says whether it still waited.
///
/// Its bytes stay where they are, so that the decision can be looked at again.
///
/// # Errors
/// When the database fails.
pub async fn settle_aside(
    tx: &mut Tx,
    id: &str,
    verdict: Verdict,
    reason: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    // `commitments` looks for the word that it begins with.
    let resolution = format!("{}: {reason}", verdict.as_str());
    let changed = on!(tx, c => sqlx::query(
            "update conflict set resolved_at = $2, resolution = $3 where id = $1 and resolved_at is null")
        .bind(id).bind(now.as_micros()).bind(resolution).execute(&mut *c).await?.rows_affected());
    Ok(changed > 0)
}

/// An instance that was set aside outside of every case, beside the one that is stored under its UID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideWithoutCase {
    /// What was set aside.
    pub aside: Aside,
    /// What is stored under the same UID.
    pub stored: Option<StoredBeside>,
    /// Modalities of the stored exam; empty when it is not stored.
    pub modalities: String,
    /// Its day, YYYYMMDD; empty when that is not known.
    pub study_date: String,
}

/// What is stored under the UID of what was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBeside {
    /// The delivery that brought it.
    pub delivery_id: String,
    /// Where its bytes are.
    pub extent: Extent,
    /// Of those bytes.
    pub digest: Digest,
    /// UTC µs.
    pub created_at: i64,
}

#[derive(sqlx::FromRow)]
struct AsideRow {
    id: String,
    delivery_id: String,
    reason: String,
    study_instance_uid: String,
    sop_instance_uid: String,
    pack_id: i64,
    offset_bytes: i64,
    length_bytes: i64,
    digest: Vec<u8>,
    created_at: i64,
    stored_delivery_id: Option<String>,
    stored_pack_id: Option<i64>,
    stored_offset_bytes: Option<i64>,
    stored_length_bytes: Option<i64>,
    stored_digest: Option<Vec<u8>>,
    stored_at: Option<i64>,
    modalities: Option<String>,
    study_date: Option<String>,
}

impl AsideRow {
    fn stored(&self) -> StoreResult<Option<StoredBeside>> {
        let columns = (
            self.stored_pack_id,
            self.stored_offset_bytes,
            self.stored_length_bytes,
        );
        let (Some(pack), Some(offset), Some(length)) = columns else {
            return Ok(None);
        };
        let digest = self.stored_digest.as_deref().unwrap_or_default();
        Ok(Some(StoredBeside {
            delivery_id: self.stored_delivery_id.clone().unwrap_or_default(),
            extent: packs::to_extent(pack, offset, length)?,
            digest: crate::studies::to_digest(digest, "instance")?,
            created_at: self.stored_at.unwrap_or_default(),
        }))
    }
}

/// Lists the instances that wait for a decision and that no case shows, the newest first, at most `limit` after the first so
/// many: they were brought for none, and their exam is in none, or is none that whoever brought them may add to.
///
/// # Errors
/// When the database fails.
pub async fn list_aside_without_case(
    tx: &mut Tx,
    after: u32,
    limit: u32,
) -> StoreResult<Vec<AsideWithoutCase>> {
    aside_without_case(tx, "", after, limit).await
}

/// Says whether an instance is one of those that [`list_aside_without_case`] lists.
///
/// # Errors
/// When the database fails.
pub async fn is_aside_without_case(tx: &mut Tx, id: &str) -> StoreResult<bool> {
    Ok(!id.is_empty() && !aside_without_case(tx, id, 0, 1).await?.is_empty())
}

/// Lists all of them, or the one with this id.
async fn aside_without_case(
    tx: &mut Tx,
    id: &str,
    after: u32,
    limit: u32,
) -> StoreResult<Vec<AsideWithoutCase>> {
    let rows: Vec<AsideRow> = on!(tx, c => sqlx::query_as(include_str!("deliveries/aside_without_case.sql"))
        .bind(held_papers::OUTSIDE).bind(i64::from(limit)).bind(i64::from(after)).bind(id).fetch_all(&mut *c).await?);
    rows.into_iter()
        .map(|row| {
            Ok(AsideWithoutCase {
                stored: row.stored()?,
                modalities: row.modalities.unwrap_or_default(),
                study_date: row.study_date.unwrap_or_default(),
                aside: aside_of((
                    row.id,
                    row.delivery_id,
                    row.reason,
                    row.study_instance_uid,
                    row.sop_instance_uid,
                    row.pack_id,
                    row.offset_bytes,
                    row.length_bytes,
                    row.digest,
                    row.created_at,
                ))?,
            })
        })
        .collect()
}
