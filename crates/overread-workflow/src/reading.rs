//! Reading: the viewer, the first impression, and the original report that opens only after it.

mod changed;
mod original;

use overread_model::access::{Actor, Right};
use overread_model::case::{CaseRole, CaseState};
use overread_model::ids::CaseId;
use overread_model::report::{FirstImpression, lock_first_impression as lock};
use overread_model::time::Timestamp;
use overread_store::access::{self, Reach};
use overread_store::original_reports;
use overread_store::studies::{self, Page, SeriesFilter};
use overread_store::{Tx, cases, checks, review_tasks};
use serde::Serialize;

use crate::casework::{self, CaseFile, Intake, Said};
use crate::{StepError, StepResult, Workflow, exams, records, treating};

pub use changed::OriginalChange;
pub(crate) use changed::after_lock;
pub use original::{
    OriginalFacts, OriginalInput, OriginalReport, OriginalView, declare_original_missing,
    enter_original, original,
};

/// The data of the viewer page, as its script element holds them.
#[derive(Serialize)]
pub struct ViewerData {
    /// The case.
    pub case_id: CaseId,
    /// `/dicom-web`.
    pub dicomweb_root: &'static str,
    /// Studies: those of the exam asked about, then the others, newest first.
    pub studies: Vec<ViewerStudy>,
    /// Whose images.
    pub patient: ViewerPatient,
}

/// A study for the viewer.
#[derive(Serialize)]
pub struct ViewerStudy {
    /// DICOM's name.
    pub study_instance_uid: String,
    /// Description.
    pub description: String,
    /// Day, 2026-03-02.
    pub date: String,
    /// Series in order of number.
    pub series: Vec<ViewerSeries>,
}

/// A series for the viewer.
#[derive(Serialize)]
pub struct ViewerSeries {
    /// DICOM's name.
    pub series_instance_uid: String,
    /// Modality.
    pub modality: String,
    /// Description.
    pub description: String,
    /// How many instances.
    pub instances: i64,
}

/// Whose images, shown on every picture.
#[derive(Serialize)]
pub struct ViewerPatient {
    /// Name as the images give it, for reading.
    pub name: String,
    /// Birth date, 2026-03-02.
    pub birth_date: String,
    /// Patient ID.
    pub id: String,
}

/// The state of the first impression for this reviewer.
pub struct FirstImpressionView {
    /// Locked text and when, once locked.
    pub locked: Option<(String, Timestamp)>,
    /// This reader is the reviewer who may lock.
    pub may_lock: bool,
    /// There is an original report to open afterwards.
    pub original_exists: bool,
    /// This reader may open the original report now.
    pub may_open_original: bool,
}

/// Returns the viewer's data; the opening is audited and noted as read.
///
/// A reviewer's list leaves out reports among the images, as `/dicom-web` does.
///
/// # Errors
/// `NotFound`, also for a link that does not open or shares no images; `Forbidden` without the right to see images.
pub async fn viewer(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ViewerData> {
    let mut tx = ctx.store.begin().await?;
    if let Actor::Link { .. } = actor {
        treating::require_images(&mut tx, actor, case_id, now).await?;
    } else {
        let file = casework::load(&mut tx, actor, case_id, now).await?;
        file.require(Right::ViewImages)?;
    }
    let reach = access::reach(&mut tx, actor, now).await?;
    let data = viewer_data(&mut tx, ctx, &reach, case_id).await?;
    casework::note_read(&mut tx, actor, case_id, "images", now).await?;
    tx.commit().await?;
    Ok(data)
}

/// Returns the state of the first impression.
///
/// # Errors
/// `NotFound`.
pub async fn first_impression(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<FirstImpressionView> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let locked = locked_impression(&file).filter(|_| may_see_impression(&file));
    let mine = file.own_task().is_ok();
    let original_exists = original_reports::exists(&mut tx, case_id).await?;
    Ok(FirstImpressionView {
        may_lock: mine && locked.is_none() && is_being_read(file.state),
        original_exists,
        may_open_original: original_exists && may_open(&file),
        locked: locked.map(|impression| (impression.text, impression.locked_at)),
    })
}

/// Locks the reviewer's first impression, time-stamped; from now on the original report opens.
///
/// # Errors
/// `NotFound`, `Forbidden` unless the accepted reviewer, `Invalid` when empty or locked already.
pub async fn lock_first_impression(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    text: &str,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let task = file.own_task()?;
    file.require_state(
        &[
            CaseState::InReview,
            CaseState::InfoRequested,
            CaseState::ReportPreliminary,
        ],
        "The review is over.",
    )?;
    let impression = lock(text, locked_impression(&file).as_ref(), now)
        .map_err(|problem| StepError::Invalid(vec![problem]))?;
    if !review_tasks::lock_first_impression(&mut tx, &task.id, &impression.text, now).await? {
        return Err(StepError::Stale);
    }
    let what = "The reviewer locked a first impression";
    casework::note(
        &mut tx,
        &file,
        actor,
        "report.first_impression_locked",
        what,
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Gathers what the viewer shows of a case: the series that `/dicom-web` answers to the same reader.
async fn viewer_data(
    tx: &mut Tx,
    ctx: &Workflow,
    reach: &Reach,
    case_id: &CaseId,
) -> StepResult<ViewerData> {
    let mut listed = Vec::new();
    for row in checks::studies(tx, case_id).await? {
        let filter = SeriesFilter {
            study_instance_uid: Some(row.study_instance_uid.clone()),
            ..SeriesFilter::default()
        };
        let series = studies::search_series(tx, reach, &filter, &Page::default()).await?;
        if !series.is_empty() {
            listed.push((row, series));
        }
    }
    let case = cases::find(tx, case_id).await?.ok_or(StepError::NotFound)?;
    let intake: Intake = serde_json::from_str(&case.intake).map_err(StepError::internal)?;
    let listed = exams::asked_first(listed, ctx, &intake);
    let patient = listed.first().map_or_else(
        || ViewerPatient {
            name: String::new(),
            birth_date: String::new(),
            id: String::new(),
        },
        |(row, _)| ViewerPatient {
            name: records::readable_name(row.patient_name.as_deref()),
            birth_date: records::readable_date(row.patient_birth_date.as_deref()),
            id: row.patient_id.clone().unwrap_or_default(),
        },
    );
    let mut shown = Vec::new();
    for (row, series) in listed {
        let is_blind = access::is_blind_to(tx, reach, &row.study_instance_uid).await?;
        let label = |text: Option<String>| {
            let kept = text.filter(|text| !(is_blind && tells(text)));
            kept.unwrap_or_default()
        };
        let series = series.into_iter().map(|row| ViewerSeries {
            series_instance_uid: row.series_instance_uid,
            modality: row.modality,
            description: label(row.series_description),
            instances: row.instance_count,
        });
        shown.push(ViewerStudy {
            study_instance_uid: row.study_instance_uid,
            description: label(row.study_description),
            date: records::readable_date(Some(&row.study_date)),
            series: series.collect(),
        });
    }
    Ok(ViewerData {
        case_id: case_id.clone(),
        dicomweb_root: "/dicom-web",
        studies: shown,
        patient,
    })
}

const fn is_being_read(state: CaseState) -> bool {
    matches!(
        state,
        CaseState::InReview | CaseState::InfoRequested | CaseState::ReportPreliminary
    )
}

/// Returns the first impression of the task in hand.
pub(crate) fn locked_impression(file: &CaseFile) -> Option<FirstImpression> {
    let task = file.task.as_ref()?;
    let locked_at = Timestamp::from_micros(task.first_impression_at?);
    Some(FirstImpression {
        text: task.first_impression.clone()?,
        locked_at,
    })
}

/// The first impression is the reviewer's alone until the report is signed.
pub(crate) fn may_see_impression(file: &CaseFile) -> bool {
    file.own_task().is_ok()
        || (file.wears(CaseRole::Coordinator) && file.facts.report.signed_at.is_some())
}

/// Says whether this person reads the case and has not locked a first impression: the first reading stays hidden until then,
/// whatever other role the person holds.
pub(crate) const fn is_before_lock(file: &CaseFile) -> bool {
    file.reads && !file.facts.report.first_impression_locked
}

/// Says whether this person may see the original report: who reads the case, only after the lock.
pub(crate) fn may_open(file: &CaseFile) -> bool {
    file.rights.contains(&Right::ViewDocuments) && !is_before_lock(file)
}

/// Says whether a label, such as the name of an exam, names a finding and so tells of the first reading: `/dicom-web` leaves it
/// out before the lock too.
pub(crate) fn tells(label: &str) -> bool {
    overread_concordance::names_finding(label)
}

/// Returns a study as this person may know it: before the lock without a name that tells of the first reading.
fn study_shown(file: &CaseFile, mut study: checks::StudyRow) -> checks::StudyRow {
    if is_before_lock(file) {
        study.study_description = study.study_description.filter(|name| !tells(name));
    }
    study
}

/// Lists the studies of the case as this person may know them: before the lock without the reports among them and without names
/// that tell of the first reading.
pub(crate) async fn studies_shown(
    tx: &mut Tx,
    file: &CaseFile,
) -> StepResult<Vec<checks::StudyRow>> {
    let studies = checks::studies(tx, &file.case_id).await?;
    as_shown(tx, file, studies).await
}

/// Returns studies as this person may know them, as [`studies_shown`]; those of reports alone are left out before the lock.
pub(crate) async fn as_shown(
    tx: &mut Tx,
    file: &CaseFile,
    mut studies: Vec<checks::StudyRow>,
) -> StepResult<Vec<checks::StudyRow>> {
    if is_before_lock(file) {
        studies = checks::without_reports(tx, studies).await?;
    }
    let shown = studies.into_iter().map(|study| study_shown(file, study));
    Ok(shown.collect())
}
