//! Storage commitment, push model (PS3.4 annex J): a peer asks whether instances are safe before it deletes its own.
//!
//! A request is kept before it is answered. Its report says of each instance whether its bytes were read back and are what
//! arrived; it goes to the address that the list of callers names, or over the association of the request when there is
//! none, and again until the peer takes it.

mod proof;

use std::sync::Arc;
use std::time::Duration;

use overread_dicom::{ParseLimits, data_set_to_json, syntax};
use overread_model::access::Actor;
use overread_model::time::Timestamp;
use overread_model::uid::SopInstanceUid;
use overread_store::audit::{self, AuditEvent};
use overread_store::commitments::{self, Asked, Due, NewCommitment, Reference};
use overread_store::{Store, StoreError, StoreResult};
use serde_json::{Value, json};

use crate::asker::database;
use crate::command::{
    CANNOT_UNDERSTAND, Command, CommandSet, INVALID_ARGUMENT, N_EVENT_REPORT_RQ, NO_SUCH_ACTION,
    OUT_OF_RESOURCES, PROCESSING_FAILURE, Status,
};
use crate::limits;
use crate::link::{Link, out_of_place};
use crate::negotiation::Context;
use crate::requestor::{NotOpened, Proposal, Requestor};
use crate::server::Shared;
use crate::service::{COMMITMENT, COMMITMENT_INSTANCE, Service};
use crate::wire::Ended;
use proof::{Report, data_of, prove};

/// The one action: to ask for commitment.
// PS3.4 J.3.2.1.1.
pub(crate) const REQUEST_STORAGE_COMMITMENT: u16 = 1;
/// The events: everything is safe, or not everything.
const SUCCESSFUL: u16 = 1;
const FAILURES_EXIST: u16 = 2;
/// Waiting times between tries; then a report is given up after some three days.
const PAUSES: [i64; 6] = [60, 300, 900, 3_600, 14_400, 43_200];
const TRIES: usize = 12;
/// How long one node may take for a report before another may try.
const CLAIM_SECONDS: i64 = 3_600;

/// Keeps a request; answers once it is durable.
pub(crate) async fn ask(
    shared: &Shared,
    calling: &str,
    request: &Command,
    data: &[u8],
    context: &Context,
) -> Status {
    if request.type_id != REQUEST_STORAGE_COMMITMENT {
        return Status::failure(NO_SUCH_ACTION, "only a request for commitment is known");
    }
    if request.sop_instance_uid != COMMITMENT_INSTANCE {
        return Status::failure(INVALID_ARGUMENT, "this is not the instance to ask");
    }
    let syntax = context.transfer_syntax_uid.as_str();
    let Some((transaction_uid, instances)) = parse(data, syntax) else {
        return Status::failure(
            CANNOT_UNDERSTAND,
            "transaction UID or referenced instances are missing",
        );
    };
    let new = NewCommitment {
        ae_title: calling,
        transaction_uid: &transaction_uid,
        instances: &instances,
    };
    let kept = async {
        let mut tx = shared.ingest.store().begin().await?;
        let most = limits::COMMITMENTS_OF_ONE_PEER;
        let asked = commitments::keep(&mut tx, &new, most, (shared.clock)()).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(asked)
    };
    match kept.await {
        Ok(Asked::Kept) => Status::SUCCESS,
        Ok(Asked::Reused) => Status::failure(
            PROCESSING_FAILURE,
            "this transaction UID stands for other instances",
        ),
        Ok(Asked::TooMany) => Status::failure(
            OUT_OF_RESOURCES,
            "too many reports wait for this peer to take them",
        ),
        Err(error) => database(&error),
    }
}

/// What a peer says of instances that we asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) transaction_uid: String,
    pub(crate) safe: Vec<String>,
    pub(crate) failed: Vec<String>,
}

impl Heard {
    /// Reads a report.
    pub(crate) fn parse(data: &[u8], transfer_syntax_uid: &str) -> Option<Self> {
        let json = data_set_to_json(data, transfer_syntax_uid, &ParseLimits::default()).ok()?;
        let object: Value = serde_json::from_slice(&json).ok()?;
        let uids = |tag: &str| {
            let items = object.pointer(&format!("/{tag}/Value"));
            let items = items.and_then(Value::as_array).into_iter().flatten();
            items
                .filter_map(|item| item.pointer("/00081155/Value/0")?.as_str())
                .map(str::to_owned)
                .collect()
        };
        let transaction_uid = object.pointer("/00081195/Value/0")?.as_str()?.to_owned();
        Some(Self {
            transaction_uid,
            safe: uids("00081199"),
            failed: uids("00081198"),
        })
    }
}

/// Hears a report on an association that the peer opened, and writes it down.
pub(crate) async fn hear(shared: &Shared, calling: &str, data: &[u8], context: &Context) -> Status {
    let Some(heard) = Heard::parse(data, context.transfer_syntax_uid.as_str()) else {
        return Status::failure(CANNOT_UNDERSTAND, "the report cannot be read");
    };
    let noted = note_heard(
        shared.ingest.store(),
        &Actor::System,
        calling,
        &heard,
        (shared.clock)(),
    );
    match noted.await {
        Ok(()) => Status::SUCCESS,
        Err(error) => database(&error),
    }
}

/// Writes down what a peer says of instances that we asked about.
pub(crate) async fn note_heard(
    store: &Store,
    actor: &Actor,
    peer: &str,
    heard: &Heard,
    now: Timestamp,
) -> StoreResult<()> {
    let event = AuditEvent::new("commitment.reported").with(json!({
        "by": peer,
        "transaction": heard.transaction_uid,
        "safe": heard.safe.len(),
        "failed": heard.failed.len(),
    }));
    let mut tx = store.begin().await?;
    audit::record(&mut tx, actor, &event, now).await?;
    tx.commit().await
}

/// Reads transaction UID and referenced instances; `None` when they are not there or too many.
fn parse(data: &[u8], transfer_syntax_uid: &str) -> Option<(String, Vec<Reference>)> {
    let json = data_set_to_json(data, transfer_syntax_uid, &ParseLimits::default()).ok()?;
    let object: Value = serde_json::from_slice(&json).ok()?;
    let text = |object: &Value, tag: &str| {
        let value = object.pointer(&format!("/{tag}/Value/0"))?.as_str()?;
        value.parse::<SopInstanceUid>().ok()?;
        Some(value.to_owned())
    };
    let transaction_uid = text(&object, "00081195")?;
    let items = object.pointer("/00081199/Value")?.as_array()?;
    if items.is_empty() || items.len() > limits::COMMITMENT_INSTANCES {
        return None;
    }
    let instances: Option<Vec<Reference>> = items
        .iter()
        .map(|item| Some((text(item, "00081150")?, text(item, "00081155")?)))
        .collect();
    Some((transaction_uid, instances?))
}

/// Sends a report; returns the status of the answer.
async fn tell(
    shared: &Shared,
    link: &mut Link,
    context: &Context,
    message_id: u16,
    (due, report): (&Due, &Report),
) -> Result<u16, Ended> {
    let event = if report.failed.is_empty() {
        SUCCESSFUL
    } else {
        FAILURES_EXIST
    };
    let set = CommandSet::request(N_EVENT_REPORT_RQ, message_id, COMMITMENT)
        .affected_instance(COMMITMENT_INSTANCE)
        .event_type(event)
        .with_data_set();
    let is_explicit = context.transfer_syntax_uid.as_str() != syntax::IMPLICIT_VR_LITTLE_ENDIAN;
    let title = shared.config.ae_title.as_str();
    let data = data_of(due, report, title, is_explicit);
    link.send(context.id, &set).await?;
    link.send_data(context.id, &data, true).await?;
    let Some((answer, context)) = link.next().await? else {
        return Err(out_of_place("a report was not answered"));
    };
    if !answer.is_response() || answer.message_id != message_id {
        return Err(out_of_place("a report was not answered"));
    }
    link.read_past(&answer, &context).await?;
    Ok(answer.status)
}

async fn claimed(shared: &Shared, ae_titles: &[String]) -> StoreResult<Vec<Due>> {
    let now = (shared.clock)();
    let mut tx = shared.ingest.store().begin().await?;
    let until = now.plus_seconds(CLAIM_SECONDS);
    let due = commitments::claim(&mut tx, ae_titles, now, until).await?;
    tx.commit().await?;
    Ok(due)
}

/// Writes down whether a report was taken.
async fn settle(shared: &Shared, due: &Due, is_taken: bool) -> StoreResult<()> {
    let now = (shared.clock)();
    let mut tx = shared.ingest.store().begin().await?;
    if is_taken {
        commitments::reported(&mut tx, &due.id, now).await?;
    } else {
        let tries = usize::try_from(due.try_count).unwrap_or(TRIES);
        let pause = PAUSES.get(tries).or(PAUSES.last()).copied();
        let pause = pause.filter(|_| tries + 1 < TRIES);
        if pause.is_none() {
            tracing::error!(
                to = due.ae_title,
                "a report on storage commitment was given up"
            );
        }
        let next = pause.map(|seconds| now.plus_seconds(seconds));
        commitments::failed(&mut tx, &due.id, next, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Sends what is due to a caller without an address over the association that it opened, while it waits there.
///
/// # Errors
/// The association ended; the reports stay due.
pub(crate) async fn report_here(
    shared: &Shared,
    link: &mut Link,
    calling: &str,
) -> Result<(), Ended> {
    let is_for_it = |context: &&Context| context.service == Service::Commitment;
    let context = link.contexts.iter().find(is_for_it).cloned();
    let Some(context) = context.filter(|_| shared.config.callers.listening(calling).is_none())
    else {
        return Ok(());
    };
    let due = claimed(shared, &[calling.to_owned()]).await;
    let mut due = due.unwrap_or_else(|error| {
        database(&error);
        Vec::new()
    });
    while let Some(one) = due.pop() {
        let told = report_one(shared, link, &context, &one).await;
        let is_taken = matches!(told, Ok(true));
        if let Err(error) = settle(shared, &one, is_taken).await {
            database(&error);
        }
        if let Err(ended) = told {
            for rest in &due {
                drop(settle(shared, rest, false).await);
            }
            return Err(ended);
        }
    }
    Ok(())
}

async fn report_one(
    shared: &Shared,
    link: &mut Link,
    context: &Context,
    due: &Due,
) -> Result<bool, Ended> {
    let report = match prove(shared, due).await {
        Ok(report) => report,
        Err(error) => {
            database(&error);
            return Ok(false);
        }
    };
    // Whoever goes on speaking, or leaves, gets it at its next association.
    if link.wire.has_input().await? {
        return Ok(false);
    }
    Ok(tell(shared, link, context, 1, (due, &report)).await? == 0)
}

/// Sends reports to peers with an address, again and again.
pub(crate) async fn report_all(shared: Arc<Shared>) {
    let listening = shared.config.callers.0.iter();
    let titles: Vec<String> = listening
        .filter_map(|caller| caller.listens.as_ref())
        .map(|remote| remote.ae_title.as_str().to_owned())
        .collect();
    if titles.is_empty() {
        return;
    }
    let round: Duration = limits::COMMITMENT_ROUND;
    loop {
        match claimed(&shared, &titles).await {
            Ok(due) if due.is_empty() => {}
            Ok(due) => {
                for one in due {
                    let is_taken = send(&shared, &one).await;
                    if let Err(error) = settle(&shared, &one, is_taken).await {
                        database(&error);
                    }
                }
                continue;
            }
            Err(error) => {
                database(&error);
            }
        }
        tokio::select! {
            () = shared.asked.notified() => {}
            () = tokio::time::sleep(round) => {}
        }
    }
}

/// Sends a report over an association of our own; says whether it was taken.
async fn send(shared: &Shared, due: &Due) -> bool {
    match try_to_send(shared, due).await {
        Ok(0) => true,
        Ok(status) => {
            let to = due.ae_title.as_str();
            tracing::warn!(to, status, "a report on storage commitment was not taken");
            false
        }
        Err(error) => {
            let (to, error) = (due.ae_title.as_str(), &error as &dyn std::error::Error);
            tracing::warn!(
                to,
                error,
                "a report on storage commitment was not delivered"
            );
            false
        }
    }
}

async fn try_to_send(shared: &Shared, due: &Due) -> Result<u16, NotOpened> {
    let config = &shared.config;
    let remote = config.callers.listening(&due.ae_title);
    let remote = remote.ok_or(NotOpened::NoService)?;
    let report = match prove(shared, due).await {
        Ok(report) => report,
        Err(error) => {
            database(&error);
            return Ok(PROCESSING_FAILURE);
        }
    };
    // PS3.4 J.3.3: who asked for commitment accepts that we are its provider.
    let proposal = Proposal {
        as_provider: true,
        ..Proposal::plain(COMMITMENT)
    };
    let proposals = [proposal];
    let mut requestor = Requestor::open(shared.calling(remote), &proposals).await?;
    let context = requestor.context_of(COMMITMENT);
    let context = context.ok_or(NotOpened::NoService)?;
    let message_id = requestor.next_message_id();
    let link = &mut requestor.link;
    let told = tell(shared, link, &context, message_id, (due, &report)).await;
    if let Err(reason) = &told {
        requestor.lost(&reason.to_string()).await;
    }
    requestor.release().await;
    Ok(told?)
}
