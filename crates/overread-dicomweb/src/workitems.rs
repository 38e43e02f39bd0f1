//! UPS-RS: the list of what is to be read or done (PS3.18 11), for reading workstations and the systems that order work.
//!
//! A read of a case is an item here from the moment a reviewer is asked. It is claimed by that reviewer alone, completed by the
//! signature of the second report alone, and given up into a new item: see `docs/decisions/0015-work-items.md`.

mod body;
mod cancel;
mod channel;
mod data_set;
mod rules;
mod search;
mod state;
mod subscribing;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use overread_model::uid::SopInstanceUid;
use overread_store::Tx;
use overread_store::audit::{self, AuditEvent};
use overread_store::studies::{Page, StudyFilter, search_studies};
use overread_store::work_items::{self, EventType, IN_PROGRESS, NewWorkItem, WorkItem};
use serde_json::{Map, Value};

use crate::accept::{Accept, Form, JSON, XML};
use crate::caller::{Caller, RawQuery};
use crate::conditional::not_kept;
use crate::limits::WORK_ITEM_BYTES;
use crate::params::percent_decoded;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;
use crate::warning::warn;

pub(crate) use cancel::request_cancellation;
pub(crate) use channel::open as open_channel;
pub(crate) use search::search;
pub(crate) use state::change_state;
pub(crate) use subscribing::{subscribe, suspend, unsubscribe};

const INCONSISTENT: &str =
    "The submitted request is inconsistent with the current state of the Workitem.";

/// Attributes of an item as DICOM JSON.
type Attributes = Map<String, Value>;

/// Refuses with one of the standard's texts as Warning.
fn refused(status: StatusCode, text: &str) -> Refusal {
    Refusal::new(status, text).with_warning(text)
}

fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is no such work item")
}

fn forbidden(message: &str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, message)
}

/// Returns the item, or 404 for who may not see it.
async fn load(tx: &mut Tx, caller: &Caller, uid: &str) -> Answer<WorkItem> {
    let found = work_items::find(tx, &caller.actor, &caller.reach, uid).await?;
    found.ok_or_else(not_found)
}

/// Writes down what was done with an item, in the transaction that does it.
async fn record(tx: &mut Tx, caller: &Caller, event: &'static str, uid: &str) -> Answer<()> {
    let event = AuditEvent::new(event).on("work_item", uid);
    Ok(audit::record(tx, &caller.actor, &event, caller.now).await?)
}

fn place(caller: &Caller, uid: &str) -> String {
    format!("{}/workitems/{uid}", caller.address.root())
}

/// Answers without content, saying where the item is.
fn done(status: StatusCode, location: &str) -> Response {
    let mut response = status.into_response();
    if let Ok(value) = HeaderValue::try_from(location) {
        response
            .headers_mut()
            .insert(header::CONTENT_LOCATION, value);
    }
    response
}

/// The UID that a query names: `?1.2.3`, or after one of these names.
fn uid_of_query(query: &str, names: &[&str]) -> Option<String> {
    query
        .split('&')
        .find_map(|pair| match pair.split_once('=') {
            Some((name, value)) => names.contains(&name).then(|| percent_decoded(value)),
            None => pair
                .bytes()
                .next()
                .filter(u8::is_ascii_digit)
                .map(|_| pair.to_owned()),
        })
}

/// POST /workitems (PS3.18 11.4).
pub(crate) async fn create(
    State(state): State<DicomWebState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answer {
    if !caller.actor.sees_every_case() {
        return Err(forbidden(
            "only systems that see every case order work here",
        ));
    }
    let mut attributes = body::required(request).await?;
    let stated = uid_of_query(&query, &["workitem", "AffectedSOPInstanceUID"])
        .or_else(|| rules::text(&attributes, "00080018").map(str::to_owned));
    let uid = match stated {
        Some(uid) => {
            let read: Result<SopInstanceUid, _> = uid.parse();
            read.map_err(|_| Refusal::bad_request("the UID of the work item is none"))?;
            uid
        }
        None => work_items::new_uid()?,
    };
    let added = rules::check_new(&mut attributes)?;
    let study = rules::study_of(&attributes).map(str::to_owned);
    let mut tx = state.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    if work_items::exists(&mut tx, &uid).await? {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "there is a work item of this UID already",
        ));
    }
    check_patient(&mut tx, &caller, &attributes).await?;
    let text = Value::Object(attributes.clone()).to_string();
    let new = NewWorkItem {
        uid: &uid,
        study_instance_uid: study.as_deref(),
        attributes: &text,
    };
    work_items::insert(&mut tx, &caller.actor, &new, caller.now).await?;
    let report = rules::state_report(work_items::SCHEDULED, &attributes);
    work_items::add_event(&mut tx, &uid, EventType::StateReport, &report, caller.now).await?;
    record(&mut tx, &caller, "work_item.created", &uid).await?;
    tx.commit().await?;
    state.work_items.notify_waiters();
    let location = place(&caller, &uid);
    let mut response = done(StatusCode::CREATED, &location);
    if let Ok(value) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    if let Some(keyword) = added {
        let headers = response.headers_mut();
        warn(headers, "The Workitem was created with modifications.");
        warn(headers, &format!("It had no {keyword}, and was given one."));
    }
    Ok(response)
}

/// Refuses an item that names another patient than the study it is about: its images would be read for the wrong person.
async fn check_patient(tx: &mut Tx, caller: &Caller, attributes: &Attributes) -> Answer<()> {
    let (Some(study), Some(patient_id)) = (
        rules::study_of(attributes),
        rules::text(attributes, "00100020"),
    ) else {
        return Ok(());
    };
    let filter = StudyFilter {
        study_instance_uids: vec![study.to_owned()],
        ..StudyFilter::default()
    };
    let page = Page {
        limit: 1,
        ..Page::default()
    };
    let found = search_studies(tx, &caller.reach, &filter, &page).await?;
    let other = found.first().and_then(|row| row.patient_id.as_deref());
    match other.filter(|other| !other.is_empty() && other.trim() != patient_id.trim()) {
        Some(_) => Err(Refusal::new(
            StatusCode::CONFLICT,
            "the study that the work item is about is of another patient ID",
        )),
        None => Ok(()),
    }
}

/// GET /workitems/{workitem} (PS3.18 11.5).
pub(crate) async fn retrieve(
    State(state): State<DicomWebState>,
    Path(uid): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let form = Accept::of_request(&headers, &query)?.json_or_plain_xml()?;
    let mut tx = state.store.read().await?;
    let item = load(&mut tx, &caller, &uid).await?;
    let shown = data_set::shown(&mut tx, &caller, &[item]).await?;
    drop(tx);
    let event = AuditEvent::new("work_item.read").on("work_item", &uid);
    let noted = state
        .readings
        .note(&state.store, &caller.actor, &event, caller.now);
    noted.await?;
    let object = shown.into_iter().next().ok_or_else(not_found)?;
    let (content_type, bytes) = match form {
        Form::Json => (JSON, Value::Array(vec![object]).to_string().into_bytes()),
        Form::Xml => (XML, overread_dicom::xml::write(&object)),
    };
    let location = HeaderValue::try_from(place(&caller, &uid)).map_err(|_| Refusal::internal())?;
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_LOCATION, location),
    ];
    let mut response = (headers, bytes).into_response();
    not_kept(&mut response);
    Ok(response)
}

/// POST /workitems/{workitem} (PS3.18 11.6).
pub(crate) async fn update(
    State(state): State<DicomWebState>,
    Path(uid): Path<String>,
    caller: Caller,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answer {
    let mut change = body::required(request).await?;
    let in_body = rules::text(&change, "00081195").map(str::to_owned);
    change.remove("00081195");
    let transaction = uid_of_query(&query, &["transaction-uid", "transaction"]).or(in_body);
    let mut tx = state.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let item = load(&mut tx, &caller, &uid).await?;
    may_update(&caller, &item, transaction.as_deref())?;
    rules::check_change(&change, &item)?;
    let mut attributes = data_set::stored(&item)?;
    for (name, element) in &change {
        attributes.insert(name.clone(), element.clone());
    }
    if !item.is_read() {
        rules::check_kept(&attributes)?;
        check_patient(&mut tx, &caller, &attributes).await?;
    }
    let study = rules::study_of(&attributes).filter(|_| !item.is_read());
    let text = Value::Object(attributes.clone()).to_string();
    if text.len() > WORK_ITEM_BYTES {
        return Err(body::too_large());
    }
    if !work_items::update(&mut tx, &uid, study, &text, caller.now).await? {
        return Err(refused(StatusCode::BAD_REQUEST, INCONSISTENT));
    }
    for (kind, report) in rules::reports_of_change(&change, &item, &attributes) {
        work_items::add_event(&mut tx, &uid, kind, &report, caller.now).await?;
    }
    record(&mut tx, &caller, "work_item.updated", &uid).await?;
    tx.commit().await?;
    state.work_items.notify_waiters();
    Ok(done(StatusCode::OK, &place(&caller, &uid)))
}

/// Refuses who may not update an item in its state.
// PS3.18 11.6.3.1 and PS3.4 CC.2.6.3.
fn may_update(caller: &Caller, item: &WorkItem, transaction: Option<&str>) -> Answer<()> {
    if item.is_over() {
        return Err(refused(StatusCode::BAD_REQUEST, INCONSISTENT));
    }
    if item.state == IN_PROGRESS {
        return proves_claim(item, transaction);
    }
    if item.is_read() {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "this read is ordered by its case; change it there, or claim it first",
        )
        .with_warning("The target URI did not reference a claimed Workitem."));
    }
    if transaction.is_some() {
        return Err(refused(
            StatusCode::CONFLICT,
            "The target URI did not reference a claimed Workitem.",
        ));
    }
    match caller.actor.sees_every_case() {
        true => Ok(()),
        false => Err(forbidden("claim the work item before you change it")),
    }
}

/// Refuses who does not know the transaction UID of a claimed item.
fn proves_claim(item: &WorkItem, transaction: Option<&str>) -> Answer<()> {
    match transaction {
        None => Err(refused(
            StatusCode::BAD_REQUEST,
            "The Transaction UID is missing.",
        )),
        Some(uid) if item.transaction_uid.as_deref() == Some(uid) => Ok(()),
        Some(_) => Err(refused(
            StatusCode::BAD_REQUEST,
            "The Transaction UID is incorrect.",
        )),
    }
}
