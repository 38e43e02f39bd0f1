//! QIDO-RS: searching studies, series and instances (PS3.18 10.6).

mod instances;
mod keys;
mod metadata;
mod parents;
mod series;
mod studies;
mod text;

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use overread_dicom::matching::matches_value;
use overread_store::Tx;
use overread_store::studies::{InstanceFilter, SeriesFilter};
use serde::Deserialize;

use crate::accept::{Accept, Form};
use crate::blinding::Withheld;
use crate::caller::{Caller, RawQuery};
use crate::compression::{Written, takes_gzip, unpacked};
use crate::conditional::not_kept;
use crate::limits::QUICK_RESULTS;
use crate::multipart::answer;
use crate::pace::body_of_held;
use crate::params::Query;
use crate::refusal::{Answer, Refusal};
use crate::results::Found;
use crate::room::{Held, Room};
use crate::state::DicomWebState;
use crate::warning::warn;
use keys::asks;
pub(crate) use keys::paged;
use text::Text;

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
    let asked = Asked::of(&state, caller, &headers, &query, None).await?;
    let search = async |tx: &mut Tx, caller: &Caller, query: &Query| {
        studies::studies(tx, caller, query).await
    };
    asked.answered(&state, search).await
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
    let asked = Asked::of(&state, caller, &headers, &query, study).await?;
    let filter = SeriesFilter {
        study_instance_uid: parents.study,
        ..SeriesFilter::default()
    };
    let search = async move |tx: &mut Tx, caller: &Caller, query: &Query| {
        series::series(tx, caller, query, filter).await
    };
    asked.answered(&state, search).await
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
    let asked = Asked::of(&state, caller, &headers, &query, study).await?;
    let filter = InstanceFilter {
        study_instance_uid: parents.study,
        series_instance_uid: parents.series,
        ..InstanceFilter::default()
    };
    let search = async move |tx: &mut Tx, caller: &Caller, query: &Query| {
        instances::instances(tx, caller, query, filter).await
    };
    asked.answered(&state, search).await
}

/// A search, before anything is looked for.
struct Asked {
    caller: Caller,
    query: Query,
    labels: Labels,
    form: Form,
    is_gzip: bool,
}

impl Asked {
    async fn of(
        state: &DicomWebState,
        caller: Caller,
        headers: &HeaderMap,
        query: &str,
        study: Option<&str>,
    ) -> Answer<Self> {
        let form = Accept::of_request(headers, query)?.json_or_xml()?;
        let mut query = Query::parse(query)?;
        let labels = Labels::out_of(&mut query, &caller);
        caller
            .note_reading(state, "studies.searched", study)
            .await?;
        Ok(Self {
            caller,
            query,
            labels,
            form,
            is_gzip: takes_gzip(headers),
        })
    }

    /// Looks, and writes what is found in the same turn: results are held for as many as may ask at once. What readers who take
    /// their time have not got yet is held compressed, in a room of its own; nobody waits for that within a turn.
    async fn answered(
        self,
        state: &DicomWebState,
        search: impl AsyncFnOnce(&mut Tx, &Caller, &Query) -> Answer<Results> + Send + 'static,
    ) -> Answer {
        let room = state.search_room.clone();
        let caller = self.caller.clone();
        let asked = async move |tx: &mut Tx| {
            let mut results = search(tx, &self.caller, &self.query).await?;
            leave_out(tx, &self.caller, &mut results).await?;
            let results = self.labels.keep(results)?;
            let form = (self.form, self.is_gzip);
            answered(results, &self.query, form, &self.caller, &room)
        };
        caller.ask(state, asked).await?
    }
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

/// Writes the page; 204 when it is empty (PS3.18 10.6.3.1), compressed when it is long.
pub(crate) fn answered(
    results: Results,
    query: &Query,
    (form, is_gzip): (Form, bool),
    caller: &Caller,
    room: &Room,
) -> Answer {
    let Results { page, remaining } = results;
    let is_long = page.len() > QUICK_RESULTS;
    if page.is_empty() {
        let mut response = StatusCode::NO_CONTENT.into_response();
        told(&mut response, query, 0);
        return Ok(response);
    }
    let mut text = Text::new(form, caller, Written::new(is_long, 0))?;
    for found in page {
        text.add(&found);
    }
    let (content_type, length_bytes, body) = text.ended();
    let mut response = match is_long {
        true => {
            let taken = room.take_at_once(&caller.asker(), body.len() as u64)?;
            packed((content_type, length_bytes), taken.around(body), is_gzip)
        }
        false => answer(Body::from(body), content_type, length_bytes),
    };
    told(&mut response, query, remaining);
    Ok(response)
}

/// Sends a compressed answer; who does not take it so gets it unpacked piece by piece.
fn packed((content_type, length_bytes): (HeaderValue, u64), body: Held, is_gzip: bool) -> Response {
    if !is_gzip {
        return answer(body_of_held(unpacked(body)), content_type, length_bytes);
    }
    let packed_bytes = body.left_bytes();
    let body = body_of_held(stream::iter(body.map(Ok)));
    let mut response = answer(body, content_type, packed_bytes);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// Says how long the answer may be kept, what of the question was not understood, and how many results are left behind it.
fn told(response: &mut Response, query: &Query, remaining: u64) {
    not_kept(response);
    let headers = response.headers_mut();
    for name in &query.unsupported {
        let text = format!(
            "The {name} parameter is not supported. Only literal matching has been performed."
        );
        warn(headers, &text);
    }
    if remaining > 0 {
        let text = format!("There are {remaining} additional results that can be requested");
        warn(headers, &text);
    }
}
