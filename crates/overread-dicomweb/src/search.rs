//! QIDO-RS: searching studies, series and instances (PS3.18 10.6).

mod instances;
mod keys;
mod metadata;
mod parents;
mod series;
mod studies;

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use overread_dicom::matching::matches_value;
use overread_store::Tx;
use overread_store::studies::{InstanceFilter, SeriesFilter};
use serde::Deserialize;
use serde_json::Value;

use crate::accept::{Accept, Form, XML};
use crate::blinding::Withheld;
use crate::caller::{Caller, RawQuery};
use crate::conditional::not_kept;
use crate::limits::QUICK_RESULTS;
use crate::multipart::{Boundary, answer, body_of};
use crate::params::Query;
use crate::refusal::{Answer, Refusal};
use crate::results::Found;
use crate::state::DicomWebState;
use keys::asks;
pub(crate) use keys::paged;

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
    let (query, labels, form) = prepared(&state, &caller, &headers, &query, None).await?;
    let search = async move |tx: &mut Tx| {
        let mut results = studies::studies(tx, &caller, &query).await?;
        leave_out(tx, &caller, &mut results).await?;
        Ok((results, caller, query))
    };
    written(state.store.ask(search).await?, labels, form).await
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
    let (query, labels, form) = prepared(&state, &caller, &headers, &query, study).await?;
    let filter = SeriesFilter {
        study_instance_uid: parents.study,
        ..SeriesFilter::default()
    };
    let search = async move |tx: &mut Tx| {
        let mut results = series::series(tx, &caller, &query, filter).await?;
        leave_out(tx, &caller, &mut results).await?;
        Ok((results, caller, query))
    };
    written(state.store.ask(search).await?, labels, form).await
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
    let (query, labels, form) = prepared(&state, &caller, &headers, &query, study).await?;
    let filter = InstanceFilter {
        study_instance_uid: parents.study,
        series_instance_uid: parents.series,
        ..InstanceFilter::default()
    };
    let search = async move |tx: &mut Tx| {
        let mut results = instances::instances(tx, &caller, &query, filter).await?;
        leave_out(tx, &caller, &mut results).await?;
        Ok((results, caller, query))
    };
    written(state.store.ask(search).await?, labels, form).await
}

/// Writes what a search found; a long answer where it holds up nobody, and not while others wait to ask the database.
async fn written(found: Answer<(Results, Caller, Query)>, labels: Labels, form: Form) -> Answer {
    let (results, caller, query) = found?;
    let is_long = results.page.len() > QUICK_RESULTS;
    let write = move || answered(&labels.keep(results)?, &query, form, &caller);
    if !is_long {
        return write();
    }
    let writing = tokio::task::spawn_blocking(write);
    writing.await.map_err(|_| Refusal::internal())?
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
        let hides =
            |path: &[u32], value: &str| asks(value) && path.iter().any(|tag| caller.may_hide(*tag));
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

    fn keep(&self, results: Results) -> Answer<Results> {
        if self.matches.is_empty() {
            return Ok(results);
        }
        if results.remaining > 0 {
            return Err(Refusal::too_large(
                "the search matches too many results to look at each; narrow it, by patient or date",
            ));
        }
        let mut all = results.page;
        all.retain(|found| {
            let shown = found.to_json();
            let mut matches = self.matches.iter();
            matches.all(|(path, value)| matches_value(&shown, path, value))
        });
        Ok(paged(all, self.limit, self.offset))
    }
}

/// Takes out of the results what a reader does not get before the lock.
async fn leave_out(tx: &mut Tx, caller: &Caller, results: &mut Results) -> Answer<()> {
    if !caller.reach.is_without_reports() {
        return Ok(());
    }
    let mut known: BTreeMap<String, Withheld> = BTreeMap::new();
    for found in &mut results.page {
        let study = found.uid(0x0020_000D);
        let withheld = match known.get(&study) {
            Some(withheld) => withheld.clone(),
            None => caller.withheld(tx, &study).await?,
        };
        if withheld.is_any() {
            *found = found.without(&withheld)?;
        }
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
) -> Answer<(Query, Labels, Form)> {
    let form = Accept::of_request(headers, query)?.json_or_xml()?;
    let mut query = Query::parse(query)?;
    let labels = Labels::out_of(&mut query, caller);
    caller
        .note_reading(state, "studies.searched", study)
        .await?;
    Ok((query, labels, form))
}

/// Writes the page; 204 when it is empty (PS3.18 10.6.3.1).
pub(crate) fn answered(results: &Results, query: &Query, form: Form, caller: &Caller) -> Answer {
    let mut response = match form {
        _ if results.page.is_empty() => StatusCode::NO_CONTENT.into_response(),
        Form::Json => {
            let mut body = vec![b'['];
            for (index, found) in results.page.iter().enumerate() {
                if index > 0 {
                    body.push(b',');
                }
                found.write(&mut body);
            }
            body.push(b']');
            let json = HeaderValue::from_static("application/dicom+json");
            ([(header::CONTENT_TYPE, json)], body).into_response()
        }
        Form::Xml => in_xml(results, caller)?,
    };
    not_kept(&mut response);
    let headers = response.headers_mut();
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
    Ok(response)
}

/// Writes one part of Native DICOM Model a result (PS3.18 10.6.4).
fn in_xml(results: &Results, caller: &Caller) -> Answer {
    let boundary = Boundary::new()?;
    let mut pieces = Vec::with_capacity(results.page.len() * 2 + 1);
    for (index, found) in results.page.iter().enumerate() {
        let json = found.to_json();
        let place = json.pointer("/00081190/Value/0").and_then(Value::as_str);
        let place = place.unwrap_or_else(|| caller.address.root());
        let xml = overread_dicom::xml::write(&json);
        let length_bytes = xml.len() as u64;
        pieces.push(boundary.opening(index == 0, XML, place, length_bytes));
        pieces.push(Bytes::from(xml));
    }
    pieces.push(boundary.closing());
    let (body, length_bytes) = body_of(pieces);
    Ok(answer(body, boundary.content_type(XML)?, length_bytes))
}

fn append_warning(headers: &mut HeaderMap, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.append(header::WARNING, value);
    }
}
