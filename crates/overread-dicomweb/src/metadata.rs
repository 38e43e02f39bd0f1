//! The metadata of studies, series and instances: one JSON array, made of what ingest wrote (PS3.18 10.4.1.1.2).

mod body;
mod shown;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use overread_store::Tx;
use overread_store::studies::{Page, SeriesFilter, StudyFilter, search_series, search_studies};
use serde::Deserialize;

pub(crate) use body::sop_instance_uid;
use body::{Json, in_xml, json};
pub(crate) use shown::shown;

use crate::accept::{Accept, Form, JSON};
use crate::blinding::Withheld;
use crate::cache::Ready;
use crate::caller::{Caller, RawQuery};
use crate::compression::takes_gzip;
use crate::conditional::{Tag, not_kept};
use crate::limits::{METADATA_AHEAD_BYTES, METADATA_PACKED_BYTES, METADATA_WHOLE_BYTES};
use crate::multipart::answer;
use crate::refusal::Answer;
use crate::room::Taken;
use crate::state::DicomWebState;

const DICOM_JSON: HeaderValue = HeaderValue::from_static(JSON);

/// What a path names.
#[derive(Deserialize, Clone)]
pub(crate) struct Named {
    pub(crate) study: String,
    pub(crate) series: Option<String>,
    pub(crate) instance: Option<String>,
}

impl Named {
    fn uids(&self) -> (&str, Option<&str>, Option<&str>) {
        (
            &self.study,
            self.series.as_deref(),
            self.instance.as_deref(),
        )
    }
}

/// GET .../metadata on every level.
pub(crate) async fn metadata(
    State(state): State<DicomWebState>,
    Path(named): Path<Named>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let form = Accept::of_request(&headers, &query)?.json_or_xml()?;
    let is_gzip = form == Form::Json && takes_gzip(&headers);
    let known = if caller.reach.is_without_reports() {
        // What is shown is counted among all instances.
        let (asker, named) = (caller.clone(), named.clone());
        let asked = async move |tx: &mut Tx| known_version(tx, &asker, &named).await;
        caller.ask(&state, asked).await??
    } else {
        known_version(&mut state.store.peek().await?, &caller, &named).await?
    };
    let Some((version, _)) = known else {
        return Err(caller.not_there(&state, &named.study).await);
    };
    let read = named.uids();
    caller
        .note_reading(&state, "study.metadata_read", Some(read.0))
        .await?;
    if form == Form::Xml {
        let shown = shown(&state, &caller, &named, METADATA_AHEAD_BYTES).await?;
        caller.note_reports(&state, read.0, &shown.reports).await?;
        return in_xml(&caller, &named, shown);
    }
    let root = caller.address.root();
    let key = |version: &str| format!("{version}|{root}|{is_gzip}");
    let tag = Tag::strong((&version, root, is_gzip));
    let kept = state.cache.get(&key(&version));
    if kept.is_some() || tag.is_known(&headers) {
        let reports = match &kept {
            Some(kept) => kept.reports().to_vec(),
            None => caller.reports(&state, read).await?,
        };
        caller.note_reports(&state, read.0, &reports).await?;
    }
    if tag.is_known(&headers) {
        return Ok(finished(tag.not_modified(), false));
    }
    if let Some(kept) = kept {
        let response = in_json(&state, &caller, &kept, None).await?;
        return Ok(finished(tag.on(response), is_gzip));
    }
    // Asked anew and as a whole: what may be shown may have changed since, and is kept for everybody who may see as much.
    let whole_bytes = if is_gzip {
        METADATA_PACKED_BYTES
    } else {
        METADATA_WHOLE_BYTES
    };
    let shown = shown(&state, &caller, &named, whole_bytes).await?;
    caller.note_reports(&state, read.0, &shown.reports).await?;
    let (key, tag) = (
        key(&shown.version),
        Tag::strong((&shown.version, root, is_gzip)),
    );
    let reports = Arc::from(shown.reports.as_slice());
    let response = match json(&caller, &named, shown, is_gzip).await? {
        Json::Whole(body, taken) => {
            let ready = Ready::new(body, reports);
            if named.instance.is_none() {
                state.cache.put(key, ready.clone());
            }
            in_json(&state, &caller, &ready, Some(taken)).await?
        }
        Json::Long(body) => ([(header::CONTENT_TYPE, DICOM_JSON)], body).into_response(),
    };
    Ok(finished(tag.on(response), is_gzip))
}

async fn in_json(
    state: &DicomWebState,
    caller: &Caller,
    ready: &Ready,
    taken: Option<Taken>,
) -> Answer {
    let asker = caller.asker();
    let body = ready.body(&state.metadata_room, &asker, taken).await?;
    Ok(answer(body, DICOM_JSON, ready.length_bytes() as u64))
}

fn finished(mut response: Response, is_gzip: bool) -> Response {
    // Asked again each time, answered by 304.
    not_kept(&mut response);
    let headers = response.headers_mut();
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Accept, Accept-Encoding"),
    );
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Names the version of what is asked for, and says what of it is withheld; nothing when it is not there or not to be seen.
async fn known_version(
    tx: &mut Tx,
    caller: &Caller,
    named: &Named,
) -> Answer<Option<(String, Withheld)>> {
    let Named {
        study,
        series,
        instance,
    } = named;
    let page = Page {
        limit: 1,
        ..Page::default()
    };
    let found = if let Some(series) = series {
        let filter = SeriesFilter {
            study_instance_uid: Some(study.clone()),
            series_instance_uids: vec![series.clone()],
            ..SeriesFilter::default()
        };
        let instance = instance.as_deref().unwrap_or_default();
        let rows = search_series(tx, &caller.reach, &filter, &page).await?;
        rows.first().map(|row| {
            let changed = changed(caller, row.changed_at, row.length_bytes);
            format!(
                "series {} {changed} {} {instance}",
                row.id, row.instance_count
            )
        })
    } else {
        let filter = StudyFilter {
            study_instance_uids: vec![study.clone()],
            ..StudyFilter::default()
        };
        let rows = search_studies(tx, &caller.reach, &filter, &page).await?;
        rows.first().map(|row| {
            let changed = changed(caller, row.changed_at, row.length_bytes);
            format!("study {} {changed} {}", row.id, row.instance_count)
        })
    };
    let Some(mut version) = found else {
        return Ok(None);
    };
    let withheld = caller.withheld(tx, study).await?;
    // Without its reports, or without the words of the first reading, a study answers less: another answer, another tag.
    match (withheld.is_any(), caller.reach.is_without_reports()) {
        (true, _) => version.push_str(" without the first reading"),
        (false, true) => version.push_str(" without reports"),
        (false, false) => {}
    }
    Ok(Some((version, withheld)))
}

/// Says what changes with what is shown: for who sees no reports not the moment at which one came, but how much is shown.
fn changed(caller: &Caller, changed_at: i64, length_bytes: i64) -> i64 {
    match caller.reach.is_without_reports() {
        true => length_bytes,
        false => changed_at,
    }
}
