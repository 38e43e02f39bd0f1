//! What was sent for a case and refused, as far as it has not come since.

use overread_model::completeness::NotKept;
use overread_model::ids::CaseId;
use overread_model::keeping::{Quota, Usage};
use overread_model::refusal::RefusalReason;
use overread_store::refused_files::{self, Lacking};
use overread_store::{Tx, checks, quotas};

use crate::{StepResult, Workflow, limits};

/// What was sent for a case and not kept, for its page; nothing once a coordinator has let the case through without it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotKeptView {
    /// How many files, at least.
    pub file_count: i64,
    /// Series of which images were refused, at most `limits::REFUSED_SERIES_SHOWN`; for coordinators alone.
    pub series: Vec<SeriesNotKept>,
    /// What the case holds and may hold, where it had no room for some of them; for coordinators alone.
    pub room: Option<(Usage, Quota)>,
}

/// A series of which images were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesNotKept {
    /// DICOM's name of its exam.
    pub study_instance_uid: String,
    /// DICOM's name.
    pub series_instance_uid: String,
    /// Other images of its exam are in the case.
    pub is_begun: bool,
    /// How many images.
    pub image_count: i64,
}

/// Returns what a case lacks, as the rules see it.
pub(super) async fn lines(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<NotKept>> {
    let lacking = refused_files::lacking(tx, case_id).await?;
    let line = |one: &Lacking| NotKept {
        sort: one.sort,
        reason: one.reason,
        count: usize::try_from(one.count).unwrap_or_default(),
        from: one.first_at.date(),
        until: one.last_at.date(),
    };
    Ok(lacking.iter().map(line).collect())
}

/// Returns what a case lacks, for its page; the series only where they are asked for.
pub(crate) async fn not_kept_of(
    tx: &mut Tx,
    ctx: &Workflow,
    case_id: &CaseId,
    with_series: bool,
) -> StepResult<NotKeptView> {
    if !refused_files::is_undecided(tx, case_id).await? {
        return Ok(NotKeptView::default());
    }
    let lacking = refused_files::lacking(tx, case_id).await?;
    let mut view = NotKeptView {
        file_count: lacking.iter().map(|one| one.count).sum(),
        ..NotKeptView::default()
    };
    if !with_series {
        return Ok(view);
    }
    let mut reasons = lacking.iter().map(|one| one.reason);
    if reasons.any(|reason| reason == RefusalReason::NoRoom) {
        let quota = quotas::of_case(tx, case_id).await?;
        let quota = quota.unwrap_or(ctx.ingest.quota());
        view.room = Some((quotas::usage(tx, case_id).await?, quota));
    }
    let studies = checks::studies(tx, case_id).await?;
    for row in refused_files::lacking_series(tx, case_id, limits::REFUSED_SERIES_SHOWN).await? {
        let mut begun = studies.iter();
        view.series.push(SeriesNotKept {
            is_begun: begun.any(|study| study.study_instance_uid == row.study_instance_uid),
            study_instance_uid: row.study_instance_uid,
            series_instance_uid: row.series_instance_uid,
            image_count: row.instance_count,
        });
    }
    Ok(view)
}
