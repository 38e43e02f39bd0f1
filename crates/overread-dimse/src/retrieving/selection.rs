//! The instances that a retrieval names, within the reach of who asks.

use overread_store::StoreResult;
use overread_store::studies::{
    InstanceFilter, Page, StudyFilter, TextMatch, search_instances, search_studies,
};

use crate::asker::{Asker, database};
use crate::command::{CANNOT_COUNT_MATCHES, Status};
use crate::instance::Wanted;
use crate::limits;
use crate::query::{
    Identifier, Level, PATIENT_ID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID,
};
use crate::retrieving::is_too_many;
use crate::server::Shared;

/// Lists what an identifier names, by study, series and number.
///
/// # Errors
/// The status to be answered: too much, or the database fails.
pub(super) async fn select(
    shared: &Shared,
    asker: &Asker,
    asked: &Identifier,
) -> Result<Vec<Wanted>, Status> {
    let studies = studies(shared, asker, asked)
        .await
        .map_err(|error| database(&error))?;
    let mut wanted = Vec::new();
    for study in studies {
        for filter in filters(asked, study.as_deref()) {
            let found = instances(shared, asker, &filter, &mut wanted).await;
            if !found.map_err(|error| database(&error))? {
                return Err(Status::failure(
                    CANNOT_COUNT_MATCHES,
                    "too many instances; retrieve them study by study",
                ));
            }
        }
    }
    Ok(wanted)
}

/// Lists the studies to look into; `None` stands for whichever holds what a lower level names.
async fn studies(
    shared: &Shared,
    asker: &Asker,
    asked: &Identifier,
) -> StoreResult<Vec<Option<String>>> {
    let uids = asked.values(STUDY_INSTANCE_UID);
    let Some(patient_id) = asked.values(PATIENT_ID).first() else {
        return Ok(if uids.is_empty() {
            vec![None]
        } else {
            uids.iter().cloned().map(Some).collect()
        });
    };
    let mut found = Vec::new();
    let chunks: Vec<&[String]> = if uids.is_empty() {
        vec![&[]]
    } else {
        uids.chunks(limits::UIDS_A_SEARCH).collect()
    };
    let mut tx = shared.ingest.store().read().await?;
    for chunk in chunks {
        let filter = StudyFilter {
            patient_id: Some(TextMatch(patient_id.clone())),
            study_instance_uids: chunk.to_vec(),
            ..StudyFilter::default()
        };
        let mut page = Page {
            limit: limits::SEARCH_ROWS,
            ..Page::default()
        };
        loop {
            let rows = search_studies(&mut tx, &asker.reach, &filter, &page).await?;
            let Some(last) = rows.last() else { break };
            page.after = Some(last.place());
            found.extend(rows.into_iter().map(|row| Some(row.study_instance_uid)));
            if is_too_many(found.len()) {
                break;
            }
        }
    }
    Ok(found)
}

/// Returns the searches that find what an identifier names in a study.
fn filters(asked: &Identifier, study: Option<&str>) -> Vec<InstanceFilter> {
    let of = |series: Option<&String>, instances: &[String]| InstanceFilter {
        study_instance_uid: study.map(str::to_owned),
        series_instance_uid: series.cloned(),
        sop_instance_uids: instances.to_vec(),
        ..InstanceFilter::default()
    };
    let series = asked.values(SERIES_INSTANCE_UID);
    match asked.level {
        Level::Patient | Level::Study => vec![of(None, &[])],
        Level::Series => series.iter().map(|uid| of(Some(uid), &[])).collect(),
        Level::Image => {
            let chunks = asked.values(SOP_INSTANCE_UID).chunks(limits::UIDS_A_SEARCH);
            chunks.map(|chunk| of(series.first(), chunk)).collect()
        }
    }
}

/// Adds what a search finds; `false` when it becomes too much.
async fn instances(
    shared: &Shared,
    asker: &Asker,
    filter: &InstanceFilter,
    wanted: &mut Vec<Wanted>,
) -> StoreResult<bool> {
    let mut page = Page::default();
    let mut tx = shared.ingest.store().read().await?;
    loop {
        let rows = search_instances(&mut tx, &asker.reach, filter, &page).await?;
        let is_last = rows.len() < page.limit as usize;
        wanted.extend(rows.into_iter().map(|row| Wanted {
            study_instance_uid: row.study_instance_uid,
            series_instance_uid: row.series_instance_uid,
            sop_instance_uid: row.sop_instance_uid,
            sop_class_uid: row.sop_class_uid,
            transfer_syntax_uid: row.transfer_syntax_uid,
        }));
        if is_too_many(wanted.len()) {
            return Ok(false);
        }
        if is_last {
            return Ok(true);
        }
        page.offset = page.offset.saturating_add(page.limit);
    }
}
