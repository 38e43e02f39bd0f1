//! What the rules of retention ask of studies whose cases have all ended.

use overread_model::keeping::StudyUse;
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;
use crate::studies::StudyKey;

/// A study whose cases have all ended; no patient data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedStudy {
    /// The study.
    pub key: StudyKey,
    /// The number of one of its cases.
    pub case_number: Option<String>,
    /// (0008,0020); empty when unknown.
    pub study_date: String,
    /// How many instances.
    pub instance_count: i64,
    /// How many bytes.
    pub length_bytes: i64,
    /// What the rules ask.
    pub of: StudyUse,
}

type Columns = (i64, Option<String>, String, String, i64, i64, i64, i64);

/// Lists studies behind this one whose cases have all ended before then; none that is deleted or held.
///
/// # Errors
/// When the database fails.
pub async fn ended_studies(
    tx: &mut Tx,
    after: StudyKey,
    ended_before: Timestamp,
    limit: i64,
) -> StoreResult<Vec<EndedStudy>> {
    let rows: Vec<Columns> = on!(tx, c => sqlx::query_as(include_str!("retention/ended_studies.sql"))
        .bind(after.0).bind(ended_before.as_micros()).bind(limit).fetch_all(&mut *c).await?);
    Ok(rows
        .into_iter()
        .map(
            |(id, case_number, study_date, modalities, instances, bytes, ended_at, used_at)| {
                let modalities = modalities.split('\\').map(str::to_owned).collect();
                EndedStudy {
                    key: StudyKey(id),
                    case_number,
                    study_date,
                    instance_count: instances,
                    length_bytes: bytes,
                    of: StudyUse {
                        modalities,
                        ended_at: Timestamp::from_micros(ended_at),
                        last_used_at: Timestamp::from_micros(used_at),
                    },
                }
            },
        )
        .collect())
}
