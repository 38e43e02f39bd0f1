//! Sending studies: what the peer has not yet, again until it has all; and asking whether it is safe there.

use std::collections::HashSet;

use overread_dicom::{data_set_of_json, syntax};
use overread_model::access::Actor;
use overread_store::StoreError;
use overread_store::access::Reach;
use overread_store::tokens::random_id;
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

use super::{Scu, ScuError};
use crate::asker::{Asker, note_sent};
use crate::command::{CommandSet, N_EVENT_REPORT_RQ, Status};
use crate::committing::{Heard, REQUEST_STORAGE_COMMITMENT, note_heard};
use crate::instance::{NotSent, Reader, Wanted};
use crate::link::Link;
use crate::requestor::{Proposal, Requestor};
use crate::retrieving::{Push, Watch};
use crate::service::{COMMITMENT, COMMITMENT_INSTANCE};
use crate::wire::Ended;
use crate::{Remote, limits};

/// What became of a sending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Instances that the study has here.
    pub held_count: usize,
    /// Of them, at the peer before.
    pub known_count: usize,
    /// Of them, not taken at the end.
    pub failed_count: usize,
    /// Why, for the first of them.
    pub why: String,
}

/// What a peer says of the safety of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It promises to keep so many; the second number is what it does not promise.
    Reported(usize, usize),
    /// It took the question and answers later, to our own door.
    Later,
    /// It does not offer storage commitment.
    NotOffered,
}

/// Remembers what was not taken.
#[derive(Default)]
struct Failures {
    again: Vec<Wanted>,
    never: usize,
    why: String,
}

impl Watch for Failures {
    fn count(&mut self, wanted: &Wanted, status: Result<u16, NotSent>) {
        let why = match status {
            // PS3.4 B.2.3: warnings are stored.
            Ok(code) if code == 0 || code >> 12 == 0xB => return,
            Ok(code) => format!("the peer answered with status {code:04X}"),
            Err(why) => why.to_string(),
        };
        if self.why.is_empty() {
            self.why = why;
        }
        match status {
            Err(NotSent::Syntax | NotSent::TooLarge | NotSent::Unreadable | NotSent::Gone) => {
                self.never += 1;
            }
            _ => self.again.push(wanted.clone()),
        }
    }

    async fn goes_on(&mut self) -> Result<bool, Ended> {
        Ok(true)
    }
}

impl Scu {
    /// Sends a study; tries again what was not taken.
    ///
    /// # Errors
    /// When our index fails; what the peer did not take is counted.
    pub async fn send(&self, remote: &Remote, study: &str) -> Result<Sent, ScuError> {
        let now = (self.rooms.clock)();
        let mut waiting = self.held(study).await?;
        let held_count = waiting.len();
        // A peer that cannot be asked gets everything: the same instance twice does no harm.
        let known: HashSet<String> = match self.listed(remote, study).await {
            Ok(listed) => listed.into_keys().collect(),
            Err(_) => HashSet::new(),
        };
        waiting.retain(|one| !known.contains(&one.sop_instance_uid));
        let mut sent = Sent {
            held_count,
            known_count: held_count - waiting.len(),
            ..Sent::default()
        };
        let store = self.rooms.ingest.store();
        if !waiting.is_empty() {
            note_sent(store, &Actor::System, study, remote, now).await?;
        }
        let asker = Asker {
            actor: Actor::System,
            reach: Reach::Everything,
            now,
        };
        let reader = Reader::new(&self.rooms, &self.rewrites, asker);
        for turn in 0..limits::TRIES {
            if waiting.is_empty() {
                break;
            }
            if turn > 0 {
                sleep(limits::PAUSE_BEFORE_TRY).await;
            }
            let mut failures = Failures::default();
            let mut push = Push {
                calling: self.calling(remote),
                reader: reader.clone(),
                originator: None,
            };
            push.run(std::mem::take(&mut waiting), &mut failures)
                .await?;
            waiting = failures.again;
            sent.failed_count += failures.never;
            sent.why = failures.why;
        }
        sent.failed_count += waiting.len();
        Ok(sent)
    }

    /// Asks a peer whether the instances of a study are safe there.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses the question.
    pub async fn commit(&self, remote: &Remote, study: &str) -> Result<Committed, ScuError> {
        let held = self.held(study).await?;
        let opened = self.open(remote, &[Proposal::plain(COMMITMENT)]).await;
        let mut requestor = match opened {
            Ok(requestor) => requestor,
            Err(crate::requestor::NotOpened::NoService) => return Ok(Committed::NotOffered),
            Err(error) => return Err(error.into()),
        };
        let committed = self.commit_on(&mut requestor, remote, &held).await;
        requestor.release_with(committed).await
    }

    async fn commit_on(
        &self,
        requestor: &mut Requestor,
        remote: &Remote,
        held: &[Wanted],
    ) -> Result<Committed, ScuError> {
        let (mut safe, mut unsafe_count) = (0, 0);
        for chunk in held.chunks(limits::COMMITMENT_INSTANCES) {
            let transaction_uid = transaction_uid()?;
            ask(requestor, &transaction_uid, chunk).await?;
            let heard = hear(&mut requestor.link, &transaction_uid);
            let Ok(heard) = timeout(limits::COMMITMENT_WAIT, heard).await else {
                return Ok(Committed::Later);
            };
            let heard = heard?;
            let (store, now) = (self.rooms.ingest.store(), (self.rooms.clock)());
            let peer = remote.ae_title.as_str();
            note_heard(store, &Actor::System, peer, &heard, now).await?;
            safe += heard.safe.len();
            unsafe_count += heard.failed.len();
        }
        Ok(Committed::Reported(safe, unsafe_count))
    }
}

/// Makes a UID of a random UUID.
// PS3.5 B.2.
fn transaction_uid() -> Result<String, StoreError> {
    Ok(format!("2.25.{}", u128::from_be_bytes(random_id()?)))
}

async fn ask(
    requestor: &mut Requestor,
    transaction_uid: &str,
    instances: &[Wanted],
) -> Result<(), ScuError> {
    let context = requestor
        .context_of(COMMITMENT)
        .ok_or_else(|| ScuError::NotOpened("it does not offer storage commitment".to_owned()))?;
    let uid = |uid: &str| json!({ "vr": "UI", "Value": [uid] });
    let items: Vec<Value> = instances
        .iter()
        .map(|one| {
            json!({
                "00081150": uid(&one.sop_class_uid),
                "00081155": uid(&one.sop_instance_uid),
            })
        })
        .collect();
    let object = Map::from_iter([
        ("00081195".to_owned(), uid(transaction_uid)),
        ("00081199".to_owned(), json!({ "vr": "SQ", "Value": items })),
    ]);
    let is_explicit = context.transfer_syntax_uid.as_str() != syntax::IMPLICIT_VR_LITTLE_ENDIAN;
    let message_id = requestor.next_message_id();
    let action = REQUEST_STORAGE_COMMITMENT;
    let set = CommandSet::action(message_id, COMMITMENT, COMMITMENT_INSTANCE, action);
    requestor
        .link
        .send(context.id, &set.with_data_set())
        .await?;
    let data = data_set_of_json(&object, is_explicit);
    requestor.link.send_data(context.id, &data, true).await?;
    let (answer, context) = requestor.response(message_id).await?;
    requestor.link.read_past(&answer, &context).await?;
    if answer.status == 0 {
        return Ok(());
    }
    Err(ScuError::Failed {
        status: answer.status,
        comment: answer.comment,
    })
}

/// Waits for the report on a request, and answers it.
async fn hear(link: &mut Link, transaction_uid: &str) -> Result<Heard, Ended> {
    loop {
        let Some((command, context)) = link.next().await? else {
            return Err(crate::link::out_of_place("a release inside an operation"));
        };
        let data = link.read_data(&command, &context).await?;
        if command.command_field != N_EVENT_REPORT_RQ {
            return Err(crate::link::out_of_place("what came is no report"));
        }
        link.send(context.id, &command.answer(&Status::SUCCESS))
            .await?;
        let heard = Heard::parse(&data, context.transfer_syntax_uid.as_str());
        if let Some(heard) = heard.filter(|heard| heard.transaction_uid == transaction_uid) {
            return Ok(heard);
        }
    }
}
