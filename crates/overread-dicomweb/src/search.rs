//! QIDO-RS: searching studies, series and instances (PS3.18 10.6).

mod instances;
mod keys;
mod parents;
mod series;
mod studies;

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use overread_store::Tx;
use overread_store::studies::{InstanceFilter, SeriesFilter, StudyFilter};
use serde::Deserialize;
use serde_json::Value;

use crate::accept::Accept;
use crate::blinding::Withheld;
use crate::caller::{Caller, RawQuery};
use crate::params::Query;
use crate::refusal::Answer;
use crate::results::{Found, matches_value};
use crate::state::DicomWebState;
use keys::{asks, paged};

const SERVICE: &str = "Overread";

/// The UIDs that a search path may name.
#[derive(Deserialize, Default)]
pub(crate) struct Parents {
    study: Option<String>,
    series: Option<String>,
}

/// What a search found: one page, and how many results are left behind it.
pub(crate) struct Results {
    pub(crate) page: Vec<Found>,
    pub(crate) remaining: u64,
}

/// GET /studies.
pub(crate) async fn studies(
    State(state): State<DicomWebState>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let (query, labels) = prepared(&state, &caller, &headers, &query, None).await?;
    let mut tx = state.store.read().await?;
    let mut results = studies::studies(&mut tx, &caller, &query, StudyFilter::default()).await?;
    leave_out(&mut tx, &caller, &mut results).await?;
    Ok(answered(&labels.keep(results), &query))
}

/// GET /series and /studies/{study}/series.
pub(crate) async fn series(
    State(state): State<DicomWebState>,
    Path(parents): Path<Parents>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let study = parents.study.as_deref();
    let (query, labels) = prepared(&state, &caller, &headers, &query, study).await?;
    let mut tx = state.store.read().await?;
    let filter = SeriesFilter {
        study_instance_uid: parents.study,
        ..SeriesFilter::default()
    };
    let mut results = series::series(&mut tx, &caller, &query, filter).await?;
    leave_out(&mut tx, &caller, &mut results).await?;
    Ok(answered(&labels.keep(results), &query))
}

/// GET /instances, /studies/{study}/instances and /studies/{study}/series/{series}/instances.
pub(crate) async fn instances(
    State(state): State<DicomWebState>,
    Path(parents): Path<Parents>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let study = parents.study.as_deref();
    let (query, labels) = prepared(&state, &caller, &headers, &query, study).await?;
    let mut tx = state.store.read().await?;
    let filter = InstanceFilter {
        study_instance_uid: parents.study,
        series_instance_uid: parents.series,
        ..InstanceFilter::default()
    };
    let mut results = instances::instances(&mut tx, &caller, &query, filter).await?;
    leave_out(&mut tx, &caller, &mut results).await?;
    Ok(answered(&labels.keep(results), &query))
}

/// What a reader who sees no labels before the lock asks of labels: compared with what is shown, since a search that matched
/// what is withheld would tell it letter by letter.
struct Labels {
    matches: Vec<(Vec<u32>, String)>,
    limit: Option<u32>,
    offset: u32,
}

impl Labels {
    fn out_of(query: &mut Query, caller: &Caller) -> Self {
        let (limit, offset) = (query.limit, query.offset);
        let hides = |path: &[u32], value: &str| {
            asks(value) && path.first().is_some_and(|tag| caller.may_hide(*tag))
        };
        let matches: Vec<_> = query
            .matches
            .extract_if(.., |(path, value)| hides(path, value))
            .collect();
        if !matches.is_empty() {
            (query.limit, query.offset) = (None, 0);
        }
        Self {
            matches,
            limit,
            offset,
        }
    }

    fn keep(&self, results: Results) -> Results {
        if self.matches.is_empty() {
            return results;
        }
        let mut all = results.page;
        all.retain(|found| {
            let shown = found.to_json();
            let mut matches = self.matches.iter();
            matches.all(|(path, value)| matches_value(&shown, path, value))
        });
        paged(all, self.limit, self.offset)
    }
}

/// Takes out of the results what a reader does not get before the lock.
async fn leave_out(tx: &mut Tx, caller: &Caller, results: &mut Results) -> Answer<()> {
    let mut known: BTreeMap<String, Withheld> = BTreeMap::new();
    for found in &mut results.page {
        let study = found.study_instance_uid();
        let withheld = match known.get(&study) {
            Some(withheld) => withheld.clone(),
            None => caller.withheld(tx, &study).await?,
        };
        found.keep(|tag, vr, element| !withheld.holds_json(tag, vr, element));
        known.insert(study, withheld);
    }
    Ok(())
}

async fn prepared(
    state: &DicomWebState,
    caller: &Caller,
    headers: &HeaderMap,
    query: &str,
    study: Option<&str>,
) -> Answer<(Query, Labels)> {
    Accept::of_request(headers, query)?.require_json()?;
    let mut query = Query::parse(query)?;
    let labels = Labels::out_of(&mut query, caller);
    caller
        .note_reading(state, "studies.searched", study)
        .await?;
    Ok((query, labels))
}

/// Writes the page; 204 when it is empty (PS3.18 10.6.3.1).
fn answered(results: &Results, query: &Query) -> Response {
    let mut response = if results.page.is_empty() {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let page: Vec<Value> = results.page.iter().map(Found::to_json).collect();
        let body = serde_json::to_vec(&page).unwrap_or_default();
        let json = HeaderValue::from_static("application/dicom+json");
        ([(header::CONTENT_TYPE, json)], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    for name in &query.unsupported {
        let text = format!(
            "299 {SERVICE}: The {name} parameter is not supported. Only literal matching has been performed."
        );
        append_warning(headers, &text);
    }
    if results.remaining > 0 && !results.page.is_empty() {
        let text = format!(
            "299 {SERVICE}: There are {} additional results that can be requested",
            results.remaining
        );
        append_warning(headers, &text);
    }
    response
}

fn append_warning(headers: &mut HeaderMap, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.append(header::WARNING, value);
    }
}

/// Reads the metadata of the first instance of a study or series, as JSON.
pub(crate) async fn first_metadata(
    tx: &mut Tx,
    caller: &Caller,
    study: &str,
    series: Option<&str>,
    instance: Option<&str>,
) -> Answer<Value> {
    let places =
        overread_store::studies::list_metadata(tx, &caller.reach, study, series, instance).await?;
    let Some(place) = places.first() else {
        return Ok(Value::Null);
    };
    let block = overread_store::studies::read_block(tx, place.block_id).await?;
    let json = place.cut(&block)?;
    let withheld = caller.withheld(tx, study).await?;
    if withheld.is_any() {
        return Ok(serde_json::from_slice(&withheld.without(&json)?).unwrap_or(Value::Null));
    }
    Ok(serde_json::from_slice(&json).unwrap_or(Value::Null))
}
