//! Results of the check, overrides, and studies held back for a person to decide.

use std::collections::HashMap;

use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::error::StoreResult;
use crate::studies::StudyKey;
use crate::studies::search::shown::{self, Among};
use crate::tokens::random_id;
use crate::{Tx, deletions};

/// The result of one check.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CheckRow {
    /// UTC µs.
    pub checked_at: i64,
    /// Nothing blocks (0, 1).
    pub ready: i32,
    /// The result as JSON.
    pub result: String,
}

/// Keeps a result; of two in the same microsecond the later one counts as later.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, case_id: &CaseId, row: &CheckRow) -> StoreResult<()> {
    let id = CaseId::from_random(random_id()?);
    let last = newest(tx, case_id)
        .await?
        .map_or(i64::MIN, |last| last.checked_at);
    let checked_at = row.checked_at.max(last.saturating_add(1));
    on!(tx, c => sqlx::query("insert into case_check (id, case_id, checked_at, ready, result) values ($1, $2, $3, $4, $5)")
        .bind(id.as_str()).bind(case_id.as_str()).bind(checked_at).bind(row.ready).bind(&row.result)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns the newest result.
///
/// # Errors
/// When the database fails.
pub async fn newest(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Option<CheckRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select checked_at, ready, result from case_check where case_id = $1 order by checked_at desc, id limit 1")
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?))
}

/// An override of one rule. The reason and the finding may speak of the patient; its `Debug` hides them.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OverrideRow {
    /// Which rule.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// What the rule had found, in the words of the check.
    pub found: String,
}

impl std::fmt::Debug for OverrideRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("OverrideRow")
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

/// Waves a rule through; the newest reason stands.
///
/// # Errors
/// When the database fails.
pub async fn override_rule(
    tx: &mut Tx,
    case_id: &CaseId,
    row: &OverrideRow,
    made_by: &str,
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into check_override (case_id, rule, reason, found, made_by, made_at) values ($1, $2, $3, $4, $5, $6) \
             on conflict (case_id, rule) do update set reason = excluded.reason, found = excluded.found, \
             made_by = excluded.made_by, made_at = excluded.made_at")
        .bind(case_id.as_str()).bind(&row.rule).bind(&row.reason).bind(&row.found).bind(made_by).bind(now.as_micros())
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Takes back the override of one rule.
///
/// # Errors
/// When the database fails.
pub async fn drop_override(tx: &mut Tx, case_id: &CaseId, rule: &str) -> StoreResult<()> {
    on!(tx, c => sqlx::query("delete from check_override where case_id = $1 and rule = $2")
        .bind(case_id.as_str()).bind(rule).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lists the overrides of a case by rule.
///
/// # Errors
/// When the database fails.
pub async fn overrides(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<OverrideRow>> {
    Ok(
        on!(tx, c => sqlx::query_as("select rule, reason, found from check_override where case_id = $1 order by rule")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?),
    )
}

/// A study in or near a case.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StudyRow {
    /// Our row.
    pub id: i64,
    /// DICOM's name.
    pub study_instance_uid: String,
    /// As the images write it.
    pub patient_name: Option<String>,
    /// As the images write it.
    pub patient_id: Option<String>,
    /// As the images write it.
    pub patient_birth_date: Option<String>,
    /// As the images write it.
    pub patient_sex: Option<String>,
    /// YYYYMMDD; empty when unknown.
    pub study_date: String,
    /// Description.
    pub study_description: Option<String>,
    /// Institution.
    pub institution_name: Option<String>,
    /// Modalities, separated by backslashes.
    pub modalities: String,
    /// How many.
    pub series_count: i64,
    /// How many.
    pub instance_count: i64,
}

macro_rules! study_columns {
    () => {
        "s.id, s.study_instance_uid, s.patient_name, s.patient_id, s.patient_birth_date, s.patient_sex, s.study_date, \
         s.study_description, s.institution_name, s.modalities, s.series_count, s.instance_count"
    };
}
pub(crate) use study_columns;

/// Lists every study that belongs to a case or arrived for it and is not judged yet; for judging, never for reading.
///
/// # Errors
/// When the database fails.
pub async fn studies_to_judge(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<StudyRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", study_columns!(),
            " from study s join case_study cs on cs.study_id = s.id where cs.case_id = $1 order by s.id"))
        .bind(case_id.as_str()).fetch_all(&mut *c).await?),
    )
}

/// Lists the studies of a case in which an instance names another patient than the rest does, and which no person has called
/// the right patient's since.
///
/// # Errors
/// When the database fails.
pub async fn mixed_studies(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<i64>> {
    let rows: Vec<(i64,)> = on!(tx, c => sqlx::query_as(
            "select s.id from study s join case_study cs on cs.study_id = s.id \
             where cs.case_id = $1 and s.mixed = 1 and not exists (select 1 from quarantine q \
             where q.case_id = cs.case_id and q.study_id = s.id and q.decision = 'right_patient')")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Shows a judged study in its case, unless it waits for a person or a person called it another patient's.
///
/// # Errors
/// When the database fails.
pub async fn show_judged(tx: &mut Tx, case_id: &CaseId, study_id: i64) -> StoreResult<()> {
    take_out_held(tx, case_id, study_id).await?;
    on!(tx, c => sqlx::query(
            "update case_study set pending = 0 where case_id = $1 and study_id = $2 and pending = 1")
        .bind(case_id.as_str()).bind(study_id).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lists cases with studies that nobody has judged yet, since their delivery goes on or broke off, and those of whose refused
/// files no check has told.
///
/// # Errors
/// When the database fails.
pub async fn cases_to_judge(tx: &mut Tx, limit: i64) -> StoreResult<Vec<CaseId>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select k.id from case_ k where k.id in (select case_id from case_study where pending = 1 \
             union select case_id from refused_file where standing = 'new') order by k.id limit $1")
        .bind(limit).fetch_all(&mut *c).await?);
    deletions::to_cases(rows, "case_study")
}

/// Lists the cases that hold a study, or in which it waits for a decision.
///
/// # Errors
/// When the database fails.
pub async fn cases_of_study(tx: &mut Tx, study: StudyKey) -> StoreResult<Vec<CaseId>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select case_id from case_study where study_id = $1 union select case_id from quarantine \
             where study_id = $1 and decided_at is null order by 1")
        .bind(study.0).fetch_all(&mut *c).await?);
    deletions::to_cases(rows, "case_study")
}

/// Lists the studies of a case that were judged to be its patient's, newest first.
///
/// # Errors
/// When the database fails.
pub async fn studies(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<StudyRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", study_columns!(),
            " from study s join case_study cs on cs.study_id = s.id where cs.case_id = $1 \
             and cs.pending = 0 order by s.study_date desc, s.id desc"))
        .bind(case_id.as_str()).fetch_all(&mut *c).await?),
    )
}

/// Finds a study by its UID.
///
/// # Errors
/// When the database fails.
pub async fn study_by_uid(tx: &mut Tx, study_instance_uid: &str) -> StoreResult<Option<StudyRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", study_columns!(), " from study s \
            where s.study_instance_uid = $1 and s.id not in (select study_id from deletion where ended_at is null)"))
        .bind(study_instance_uid).fetch_optional(&mut *c).await?),
    )
}

/// Counts which instances of these studies are no images: reports, notes, marks and the like. A study without such is missing in
/// the answer.
///
/// # Errors
/// When the database fails.
pub async fn others(tx: &mut Tx, ids: &[i64]) -> StoreResult<HashMap<i64, i64>> {
    shown::others_of(tx, ids, Among::All).await
}

/// As [`others`], as if the reports among the images did not exist.
///
/// # Errors
/// When the database fails.
pub async fn others_without_reports(tx: &mut Tx, ids: &[i64]) -> StoreResult<HashMap<i64, i64>> {
    shown::others_of(tx, ids, Among::NoReports).await
}

/// Keeps of studies what there is as if the reports among the images did not exist.
///
/// # Errors
/// When the database fails.
pub async fn without_reports(tx: &mut Tx, rows: Vec<StudyRow>) -> StoreResult<Vec<StudyRow>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut shown = shown::of_studies(tx, &ids, None).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let study = shown.remove(&row.id)?;
            Some(StudyRow {
                modalities: study.modalities,
                series_count: study.series_count,
                instance_count: study.instance_count,
                ..row
            })
        })
        .collect())
}

/// A series, for the viewer.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SeriesRow {
    /// DICOM's name.
    pub series_instance_uid: String,
    /// Modality.
    pub modality: String,
    /// Description.
    pub series_description: Option<String>,
    /// How many instances.
    pub instance_count: i64,
}

/// Lists the series of a study in order of number.
///
/// # Errors
/// When the database fails.
pub async fn series(tx: &mut Tx, study_id: i64) -> StoreResult<Vec<SeriesRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select series_instance_uid, modality, series_description, instance_count from series where study_id = $1 \
             order by coalesce(series_number, 2147483647), id")
        .bind(study_id).fetch_all(&mut *c).await?))
}

/// A study held back.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HeldRow {
    /// The study.
    #[sqlx(flatten)]
    pub study: StudyRow,
    /// Why.
    pub reason: String,
    /// UTC µs.
    pub held_at: i64,
    /// Its images name more than one patient (0, 1), so that the study gives no one's name and birth date for certain.
    pub mixed: i32,
}

/// Takes a study out of a case until a person decides. Does nothing when a person has decided on it already, unless that was
/// before the patient's name or birth date was corrected.
///
/// # Errors
/// When the database fails.
pub async fn hold_back(
    tx: &mut Tx,
    case_id: &CaseId,
    study_id: i64,
    reason: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = on!(&mut *tx, c => sqlx::query(
            "insert into quarantine (case_id, study_id, reason, held_at) values ($1, $2, $3, $4) \
             on conflict (case_id, study_id) do update set reason = $3, held_at = $4, decided_at = null, decided_by = null, \
             decision = null, decision_reason = null, outdated = 0 where quarantine.outdated = 1")
        .bind(case_id.as_str()).bind(study_id).bind(reason).bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    take_out_held(tx, case_id, study_id).await?;
    Ok(done == 1)
}

/// Takes a study out of a case that waits there for a person, or that one called another patient's: it stays out however often
/// it arrives.
async fn take_out_held(tx: &mut Tx, case_id: &CaseId, study_id: i64) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "delete from case_study where case_id = $1 and study_id = $2 and study_id in (select study_id from quarantine \
             where case_id = $1 and (decided_at is null or decision = 'other_patient'))")
        .bind(case_id.as_str()).bind(study_id).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lists the studies held back and not decided on.
///
/// # Errors
/// When the database fails.
pub async fn held_back(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<HeldRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", study_columns!(), ", q.reason, q.held_at, s.mixed \
            from quarantine q join study s on s.id = q.study_id where q.case_id = $1 and q.decided_at is null \
            and s.id not in (select study_id from deletion where ended_at is null) \
            order by q.held_at, s.id"))
        .bind(case_id.as_str()).fetch_all(&mut *c).await?),
    )
}

/// Lists which deliveries (ids) brought images of studies (UIDs) that are held back.
///
/// # Errors
/// When the database fails.
pub async fn held_by_delivery(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<(String, String)>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select distinct i.delivery_id, s.study_instance_uid from quarantine q join study s on s.id = q.study_id \
             join series r on r.study_id = s.id join instance i on i.series_id = r.id \
             where q.case_id = $1 and q.decided_at is null order by i.delivery_id, s.study_instance_uid")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?))
}

/// Lists the studies (UIDs) that a person called the right patient's in this case, as its name and birth date are now.
///
/// # Errors
/// When the database fails.
pub async fn confirmed_studies(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<String>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select s.study_instance_uid from quarantine q join study s on s.id = q.study_id \
             where q.case_id = $1 and q.decision = 'right_patient' and q.outdated = 0 order by s.id")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(uid,)| uid).collect())
}

/// Lets [`confirmed_studies`] forget what was decided so far: the patient's name or birth date is another one now.
///
/// # Errors
/// When the database fails.
pub async fn outdate_confirmed(tx: &mut Tx, case_id: &CaseId) -> StoreResult<()> {
    on!(tx, c => sqlx::query("update quarantine set outdated = 1 where case_id = $1 and decision = 'right_patient'")
        .bind(case_id.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns a decision on what was held back as its columns write it.
pub(crate) const fn decision_word(right_patient: bool) -> &'static str {
    if right_patient {
        "right_patient"
    } else {
        "other_patient"
    }
}

/// A decision on a study held back.
#[derive(Clone, Copy)]
pub struct HeldDecision<'a> {
    /// The study.
    pub study_id: i64,
    /// It is the right patient: into the case with it.
    pub right_patient: bool,
    /// Why.
    pub reason: &'a str,
    /// Who.
    pub decided_by: &'a str,
}

/// Decides on a study held back; says whether it was still undecided.
///
/// # Errors
/// When the database fails.
pub async fn decide_held(
    tx: &mut Tx,
    case_id: &CaseId,
    decision: HeldDecision<'_>,
    now: Timestamp,
) -> StoreResult<bool> {
    let word = decision_word(decision.right_patient);
    let done = on!(tx, c => sqlx::query(
            "update quarantine set decided_at = $1, decided_by = $2, decision = $3, decision_reason = $4 \
             where case_id = $5 and study_id = $6 and decided_at is null \
             and study_id not in (select study_id from deletion where ended_at is null)")
        .bind(now.as_micros()).bind(decision.decided_by).bind(word).bind(decision.reason).bind(case_id.as_str())
        .bind(decision.study_id).execute(&mut *c).await?.rows_affected());
    if done == 1 && decision.right_patient {
        on!(tx, c => sqlx::query(
                "insert into case_study (case_id, study_id, linked_at) values ($1, $2, $3) \
                 on conflict (case_id, study_id) do update set pending = 0")
            .bind(case_id.as_str()).bind(decision.study_id).bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    }
    Ok(done == 1)
}
