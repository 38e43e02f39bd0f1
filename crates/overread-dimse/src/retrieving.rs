//! C-GET and C-MOVE: what is asked for, and the instances one after another, each a C-STORE of ours.

mod moving;
mod progress;
mod selection;

use std::collections::BTreeSet;
use std::sync::Arc;

use overread_model::ids::TokenId;
use overread_store::StoreResult;
use overread_store::access::{Reach, is_there_for};
use tokio::task::JoinHandle;

use crate::Remote;
use crate::asker::{Asker, database};
use crate::callers::Admitted;
use crate::command::{
    C_CANCEL_RQ, C_GET_RQ, C_STORE_RQ, Command, CommandSet, DESTINATION_UNKNOWN, Status,
};
use crate::instance::{NotSent, Reader, Ready, Wanted};
use crate::limits;
use crate::link::{Link, out_of_place};
use crate::negotiation::Context;
use crate::query::{Identifier, Purpose};
use crate::server::Shared;
use crate::service::{Root, Service};
use crate::wire::Ended;

pub(crate) use moving::{Push, Watch};
use progress::Progress;
use selection::select;

/// Where sub-operations go.
pub(crate) struct Retrieval<'a> {
    pub(crate) request: &'a Command,
    pub(crate) context: &'a Context,
    pub(crate) root: Root,
    pub(crate) identifier: Vec<u8>,
    pub(crate) calling: &'a str,
}

/// A retrieval's last answer with its data set, which may be empty; or why nothing was retrieved.
pub(crate) type Retrieved = Result<(CommandSet, Vec<u8>), Status>;

/// Answers a C-GET or C-MOVE.
///
/// # Errors
/// The association ended.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    caller: &Admitted,
    link: &mut Link,
    retrieval: Retrieval<'_>,
) -> Result<Retrieved, Ended> {
    let (asker, wanted) = match begin(shared, caller, &retrieval).await {
        Ok(begun) => begun,
        Err(status) => return Ok(Err(status)),
    };
    let destination = match destination(shared, &retrieval, &asker, &wanted).await {
        Ok(destination) => destination,
        Err(status) => return Ok(Err(status)),
    };
    let to = destination.as_ref().map(|(remote, ..)| *remote);
    let noted = match note(shared, &asker, &wanted, to).await {
        Ok(noted) => noted,
        Err(error) => return Ok(Err(database(&error))),
    };
    let is_sent = to.is_some();
    let mut progress = Progress::new(retrieval.request, retrieval.context, wanted.len());
    let reader = Reader::new(&shared.rooms(), &shared.rewrites, asker.clone());
    let ended = match destination {
        None => get(link, reader, wanted, &mut progress).await,
        Some((remote, to, receivers)) => {
            let originator = Some((retrieval.calling, retrieval.request.message_id));
            let mut push = Push {
                calling: shared.calling(remote),
                reader: reader.within(to, receivers),
                originator,
            };
            push.run(wanted, &mut moving::Origin::new(link, &mut progress))
                .await
        }
    };
    for study in noted.iter().filter(|study| !progress.may_be_taken(study)) {
        // What is on record says too much then, and is known to nobody but the log.
        if let Err(error) = asker.note_not_taken(shared, study, is_sent).await {
            database(&error);
        }
    }
    ended?;
    Ok(Ok(progress.last_answer()))
}

/// Finds out who asks and for what.
async fn begin(
    shared: &Shared,
    caller: &Admitted,
    retrieval: &Retrieval<'_>,
) -> Result<(Asker, Vec<Wanted>), Status> {
    let asker = Asker::of(shared, caller).await?;
    let asked = Identifier::parse(
        &retrieval.identifier,
        retrieval.context.transfer_syntax_uid.as_str(),
        retrieval.root,
        retrieval.context.is_relational,
        Purpose::Fetch,
    )?;
    let wanted = select(shared, &asker, &asked).await?;
    Ok((asker, wanted))
}

/// Returns where a C-MOVE goes to, the tokens of that entry, and what they reach; `None` for a C-GET.
///
/// # Errors
/// The status to be answered: nobody is known by this title, or what is asked for is out of its own reach.
async fn destination<'a>(
    shared: &'a Shared,
    retrieval: &Retrieval<'_>,
    asker: &Asker,
    wanted: &[Wanted],
) -> Result<Option<(&'a Remote, Vec<TokenId>, Vec<Reach>)>, Status> {
    if retrieval.request.command_field == C_GET_RQ {
        return Ok(None);
    }
    let unknown = |words: &str| Status::failure(DESTINATION_UNKNOWN, words);
    let title = retrieval.request.move_destination.trim_matches([' ', '\0']);
    let Some(remote) = shared.config.callers.listening(title) else {
        return Err(unknown("the move destination is not known here"));
    };
    let to = shared.config.callers.tokens_listening(&remote.ae_title);
    let to: Vec<TokenId> = to.cloned().collect();
    let reaches = reaches_of_all(shared, asker, &to, wanted).await;
    let reaches = reaches.map_err(|error| database(&error))?;
    let reaches = reaches.ok_or_else(|| unknown(OUT_OF_ITS_REACH))?;
    Ok(Some((remote, to, reaches)))
}

/// Returns what the tokens of whom a move goes to reach; `None` when a study of what is wanted is out of one's reach.
async fn reaches_of_all(
    shared: &Shared,
    asker: &Asker,
    to: &[TokenId],
    wanted: &[Wanted],
) -> StoreResult<Option<Vec<Reach>>> {
    let reaches = asker.reaches_of(shared.ingest.store(), to).await?;
    let uids = wanted.iter().map(|one| one.study_instance_uid.as_str());
    let studies: BTreeSet<&str> = uids.collect();
    let mut tx = shared.ingest.store().read().await?;
    for reach in &reaches {
        for study in &studies {
            if !is_there_for(&mut tx, reach, study).await? {
                return Ok(None);
            }
        }
    }
    Ok(Some(reaches))
}

/// A machine is sent nothing that it could not fetch: whoever moves would open to it what its own token does not.
const OUT_OF_ITS_REACH: &str = "the token of the move destination does not reach this study; nothing was sent. Give the entry of the destination in dimse.callers a token that reaches it, if it may have it";

/// Writes down what is read, before any of it is sent; returns the studies of which a row tells this reading alone.
async fn note(
    shared: &Shared,
    asker: &Asker,
    wanted: &[Wanted],
    to: Option<&Remote>,
) -> StoreResult<BTreeSet<String>> {
    let mut studies = BTreeSet::new();
    let mut last: Option<(&str, &str)> = None;
    for one in wanted {
        let place = (
            one.study_instance_uid.as_str(),
            one.series_instance_uid.as_str(),
        );
        if last == Some(place) {
            continue;
        }
        let is_same_study = last.is_some_and(|(study, _)| study == place.0);
        last = Some(place);
        let place = (place.0, Some(place.1), None);
        let is_new = match to {
            _ if is_same_study => {
                asker.note_reports(shared, place).await?;
                continue;
            }
            Some(to) => {
                asker.note_sending(shared, place, to).await?;
                true
            }
            None => asker.note_reading(shared, place).await?,
        };
        if is_new {
            studies.insert(place.0.to_owned());
        }
    }
    Ok(studies)
}

/// An instance that is being made ready while the one before it is sent.
pub(crate) struct Ahead(Option<JoinHandle<Result<Ready, NotSent>>>);

impl Ahead {
    pub(crate) fn of(reader: &Reader, wanted: Option<&Wanted>, contexts: &Arc<[Context]>) -> Self {
        let Some(wanted) = wanted.cloned() else {
            return Self(None);
        };
        let (reader, contexts) = (reader.clone(), Arc::clone(contexts));
        Self(Some(tokio::spawn(async move {
            reader.ready(&wanted, &contexts).await
        })))
    }

    pub(crate) async fn ready(mut self) -> Result<Ready, NotSent> {
        match &mut self.0 {
            None => Err(NotSent::Gone),
            Some(task) => task.await.unwrap_or(Err(NotSent::Unreadable)),
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Sends on the association of the request itself.
async fn get(
    link: &mut Link,
    mut reader: Reader,
    wanted: Vec<Wanted>,
    progress: &mut Progress<'_>,
) -> Result<(), Ended> {
    let is_ours =
        |context: &&Context| context.service == Service::Storage && context.peer_is_provider;
    let contexts: Arc<[Context]> = link.contexts.iter().filter(is_ours).cloned().collect();
    let mut ahead = Ahead::of(&reader, wanted.first(), &contexts);
    let mut message_id = progress.message_id();
    for (index, one) in wanted.iter().enumerate() {
        if progress.is_cancelled || link.is_cancelled(progress.message_id()).await? {
            progress.is_cancelled = true;
            return Ok(());
        }
        match reader.ask_again().await {
            Ok(false) => {}
            Ok(true) => ahead = Ahead::of(&reader, Some(one), &contexts),
            Err(why) => {
                for left in wanted.get(index..).unwrap_or_default() {
                    progress.count(left, Err(why));
                }
                return Ok(());
            }
        }
        let next = Ahead::of(&reader, wanted.get(index + 1), &contexts);
        let ready = std::mem::replace(&mut ahead, next).ready().await;
        let status = match ready {
            Ok(ready) => {
                message_id = message_id.checked_add(1).unwrap_or(1);
                let set = CommandSet::request(C_STORE_RQ, message_id, &one.sop_class_uid)
                    .affected_instance(&one.sop_instance_uid)
                    .with_data_set();
                progress.begin(one);
                link.send(ready.context_id, &set).await?;
                reader.send(link, ready).await?;
                Ok(stored(link, message_id, progress).await?)
            }
            Err(why) => Err(why),
        };
        progress.count(one, status);
        progress.tell(link).await?;
    }
    Ok(())
}

/// Waits for the answer to a C-STORE of ours; a cancellation that comes before it is remembered.
async fn stored(
    link: &mut Link,
    message_id: u16,
    progress: &mut Progress<'_>,
) -> Result<u16, Ended> {
    loop {
        let Some((command, context)) = link.next().await? else {
            return Err(out_of_place("a release inside an operation"));
        };
        link.read_past(&command, &context).await?;
        if command.command_field == C_CANCEL_RQ {
            progress.is_cancelled |= command.message_id == progress.message_id();
        } else if command.is_response() && command.message_id == message_id {
            return Ok(command.status);
        } else {
            return Err(out_of_place("what came is no answer to our message"));
        }
    }
}

/// Says whether a retrieval may still grow.
pub(crate) const fn is_too_many(count: usize) -> bool {
    count > limits::RETRIEVED_INSTANCES
}
