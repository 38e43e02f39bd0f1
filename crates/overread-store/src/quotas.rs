//! How much each case holds and may hold.

use std::collections::HashMap;

use overread_model::ids::CaseId;
use overread_model::keeping::{Quota, Usage};
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;
use crate::script::values;
use crate::studies::StudyKey;

/// Sets how much a case may hold, whatever others may.
///
/// # Errors
/// When the database fails.
pub async fn set(
    tx: &mut Tx,
    case_id: &CaseId,
    quota: Quota,
    reason: &str,
    set_by: &str,
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into case_quota (case_id, max_bytes, max_instances, reason, set_by, set_at) values ($1, $2, $3, $4, $5, $6) \
             on conflict (case_id) do update set max_bytes = excluded.max_bytes, max_instances = excluded.max_instances, \
             reason = excluded.reason, set_by = excluded.set_by, set_at = excluded.set_at")
        .bind(case_id.as_str()).bind(signed(quota.bytes)).bind(signed(quota.instances)).bind(reason).bind(set_by)
        .bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns how much was set for a case; `None` where what is usual counts. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Option<Quota>> {
    let sql = "select max_bytes, max_instances from case_quota where case_id = $1";
    let rows: Vec<(i64, i64)> = tx.rows(sql.to_owned(), values![case_id.as_str()]).await?;
    Ok(rows.first().map(|(bytes, instances)| Quota {
        bytes: bytes.unsigned_abs(),
        instances: instances.unsigned_abs(),
    }))
}

/// Returns how much a case holds: its studies, those held back from it, what was set aside for it, and papers; nothing of what
/// was deleted. A study of two cases counts in both. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn usage(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Usage> {
    let sql = "select cast(coalesce(sum(held.bytes), 0) as bigint), cast(coalesce(sum(held.instances), 0) as bigint) from ( \
        select length_bytes as bytes, instance_count as instances from study where id in (select study_id from case_study \
        where case_id = $1 union select study_id from quarantine where case_id = $1 and decided_at is null) \
        and id not in (select study_id from deletion where ended_at is null) \
        union all select length_bytes, 1 from conflict where case_id = $1 \
        union all select length_bytes, 0 from document where case_id = $1) held";
    let rows: Vec<(i64, i64)> = tx.rows(sql.to_owned(), values![case_id.as_str()]).await?;
    let (bytes, instances) = rows.first().copied().unwrap_or_default();
    Ok(Usage {
        bytes: bytes.unsigned_abs(),
        instances: instances.unsigned_abs(),
    })
}

/// Returns how much a stored study would add to a case; nothing where the case holds it. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn of_joining(tx: &mut Tx, study: StudyKey, case_id: &CaseId) -> StoreResult<Usage> {
    let sql = "select length_bytes, cast(instance_count as bigint) from study where id = $2 \
        and id not in (select study_id from case_study where case_id = $1) \
        and id not in (select study_id from quarantine where case_id = $1 and decided_at is null) \
        and id not in (select study_id from deletion where ended_at is null)";
    let rows: Vec<(i64, i64)> = tx.rows(sql, values![case_id.as_str(), study.0]).await?;
    let (bytes, instances) = rows.first().copied().unwrap_or_default();
    Ok(Usage {
        bytes: bytes.unsigned_abs(),
        instances: instances.unsigned_abs(),
    })
}

/// The room that is left in cases while one batch is stored.
#[derive(Debug)]
pub struct Rooms {
    /// `None` where none counts.
    usual: Option<Quota>,
    cases: HashMap<CaseId, (Quota, Usage)>,
}

impl Rooms {
    /// Begins a batch; each case may hold this much, unless something else was set for it.
    pub fn new(usual: Quota) -> Self {
        Self {
            usual: Some(usual),
            cases: HashMap::new(),
        }
    }

    /// Begins a batch of what was stored before: there is room for it.
    pub fn of_stored() -> Self {
        Self {
            usual: None,
            cases: HashMap::new(),
        }
    }

    /// Says whether it is a batch of what was stored before.
    pub(crate) const fn is_of_stored(&self) -> bool {
        self.usual.is_none()
    }

    /// Takes room in a case; says whether there was any. What is for no case needs none. Asks quick questions alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(
        &mut self,
        tx: &mut Tx,
        case_id: Option<&CaseId>,
        more: Usage,
    ) -> StoreResult<bool> {
        let (Some(case_id), Some(usual)) = (case_id, self.usual) else {
            return Ok(true);
        };
        if !self.cases.contains_key(case_id) {
            let quota = of_case(tx, case_id).await?.unwrap_or(usual);
            let used = usage(tx, case_id).await?;
            self.cases.insert(case_id.clone(), (quota, used));
        }
        Ok(self
            .cases
            .get_mut(case_id)
            .is_some_and(|(quota, used)| used.take(*quota, more)))
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
