//! Sending instances to another application entity, over an association of ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use overread_dicom::{Syntax, syntax};

use super::Ahead;
use super::progress::Progress;
use crate::calling::Calling;
use crate::command::{C_STORE_RQ, CommandSet};
use crate::instance::{NotSent, Reader, Wanted};
use crate::limits;
use crate::link::Link;
use crate::negotiation::Context;
use crate::requestor::{Proposal, Requestor};
use crate::wire::Ended;

/// Who wants to know how a sending goes, and may stop it.
pub(crate) trait Watch {
    /// Hears that an instance goes out.
    fn begin(&mut self, _wanted: &Wanted) {}
    /// Hears what became of one instance.
    fn count(&mut self, wanted: &Wanted, status: Result<u16, NotSent>);
    /// Says whether the sending is to stop here; called between two instances.
    async fn goes_on(&mut self) -> Result<bool, Ended>;
}

/// A C-MOVE whose peer is told how far it is.
pub(super) struct Origin<'l, 'p, 'r> {
    link: &'l mut Link,
    progress: &'p mut Progress<'r>,
}

impl<'l, 'p, 'r> Origin<'l, 'p, 'r> {
    pub(super) fn new(link: &'l mut Link, progress: &'p mut Progress<'r>) -> Self {
        Self { link, progress }
    }
}

impl Watch for Origin<'_, '_, '_> {
    fn begin(&mut self, wanted: &Wanted) {
        self.progress.begin(wanted);
    }

    fn count(&mut self, wanted: &Wanted, status: Result<u16, NotSent>) {
        self.progress.count(wanted, status);
    }

    async fn goes_on(&mut self) -> Result<bool, Ended> {
        if self.link.is_cancelled(self.progress.message_id()).await? {
            self.progress.is_cancelled = true;
            return Ok(false);
        }
        self.progress.tell(self.link).await?;
        Ok(true)
    }
}

/// A sending to another application entity.
pub(crate) struct Push<'a> {
    pub(crate) calling: Calling<'a>,
    pub(crate) reader: Reader,
    /// On whose behalf, and the number of its C-MOVE.
    pub(crate) originator: Option<(&'a str, u16)>,
}

impl Push<'_> {
    /// Sends instances; what the other side does not take, or misses because it cannot be reached, is counted as failed.
    ///
    /// # Errors
    /// The association of who watches ended.
    pub(crate) async fn run(
        &mut self,
        wanted: Vec<Wanted>,
        watch: &mut impl Watch,
    ) -> Result<(), Ended> {
        for (proposals, group) in groups(wanted) {
            if !watch.goes_on().await? {
                return Ok(());
            }
            if let Err(why) = self.reader.ask_again().await {
                count_all(watch, &group, why);
                continue;
            }
            let opened = Requestor::open(self.calling, &proposals).await;
            match opened {
                Ok(mut requestor) => {
                    if self.send_all(&mut requestor, &group, watch).await? {
                        requestor.release().await;
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    let to = self.calling.remote.ae_title.as_str();
                    tracing::warn!(to, error, "no association to a DICOM peer was made");
                    count_all(watch, &group, NotSent::Lost);
                }
            }
        }
        Ok(())
    }

    /// Sends over an open association; `false` when that is of no use any more.
    async fn send_all(
        &mut self,
        requestor: &mut Requestor,
        group: &[Wanted],
        watch: &mut impl Watch,
    ) -> Result<bool, Ended> {
        let contexts: Arc<[Context]> = requestor.link.contexts.clone().into();
        let mut ahead = Ahead::of(&self.reader, group.first(), &contexts);
        for (index, one) in group.iter().enumerate() {
            if !watch.goes_on().await? {
                return Ok(true);
            }
            let left = group.get(index..).unwrap_or_default();
            match self.reader.ask_again().await {
                Ok(false) => {}
                Ok(true) => ahead = Ahead::of(&self.reader, Some(one), &contexts),
                Err(why) => {
                    count_all(watch, left, why);
                    return Ok(true);
                }
            }
            let next = Ahead::of(&self.reader, group.get(index + 1), &contexts);
            let ready = std::mem::replace(&mut ahead, next).ready().await;
            let status = match ready {
                Ok(ready) => {
                    watch.begin(one);
                    self.store(requestor, one, ready).await
                }
                Err(why) => Ok(Err(why)),
            };
            match status {
                Ok(status) => watch.count(one, status),
                Err(reason) => {
                    let to = self.calling.remote.ae_title.as_str();
                    requestor.lost(&reason.to_string()).await;
                    tracing::warn!(to, %reason, "an association to a DICOM peer was lost");
                    count_all(watch, left, NotSent::Lost);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    async fn store(
        &self,
        requestor: &mut Requestor,
        one: &Wanted,
        ready: crate::instance::Ready,
    ) -> Result<Result<u16, NotSent>, Ended> {
        let message_id = requestor.next_message_id();
        let mut set = CommandSet::request(C_STORE_RQ, message_id, &one.sop_class_uid)
            .affected_instance(&one.sop_instance_uid)
            .with_data_set();
        if let Some((title, number)) = self.originator {
            set = set.originator(title, number);
        }
        requestor.link.send(ready.context_id, &set).await?;
        self.reader.send(&mut requestor.link, ready).await?;
        let (answer, context) = requestor.response(message_id).await?;
        requestor.link.read_past(&answer, &context).await?;
        Ok(Ok(answer.status))
    }
}

/// Counts instances that are not sent for one reason.
fn count_all(watch: &mut impl Watch, instances: &[Wanted], why: NotSent) {
    for one in instances {
        watch.count(one, Err(why));
    }
}

/// Parts instances so that the contexts of each group fit into one association.
fn groups(wanted: Vec<Wanted>) -> Vec<(Vec<Proposal>, Vec<Wanted>)> {
    let mut by_class: BTreeMap<String, Vec<Wanted>> = BTreeMap::new();
    for one in wanted {
        by_class
            .entry(one.sop_class_uid.clone())
            .or_default()
            .push(one);
    }
    let mut groups: Vec<(Vec<Proposal>, Vec<Wanted>)> = Vec::new();
    for (class, mut instances) in by_class {
        let mut proposals = proposals(&class, &instances);
        match groups.last_mut() {
            Some((open, group)) if open.len() + proposals.len() <= limits::CONTEXTS => {
                open.append(&mut proposals);
                group.append(&mut instances);
            }
            _ => groups.push((proposals, instances)),
        }
    }
    groups
}

/// Asks for each stored transfer syntax by itself, so that nothing need be changed; and for one that can be made of others.
fn proposals(class: &str, instances: &[Wanted]) -> Vec<Proposal> {
    let mut stored: Vec<&str> = instances
        .iter()
        .map(|one| one.transfer_syntax_uid.as_str())
        .collect();
    stored.sort_unstable();
    stored.dedup();
    let is_plain = |uid: &str| {
        let syntax = Syntax::of_uid(uid);
        !syntax.encapsulated || syntax.deflated
    };
    let mut proposals: Vec<Proposal> = stored
        .iter()
        .map(|uid| Proposal {
            transfer_syntax_uids: vec![(*uid).to_owned()],
            ..Proposal::plain(class)
        })
        .collect();
    // A peer may take only one of the two.
    if stored.iter().any(|uid| is_plain(uid)) {
        for uid in [
            syntax::EXPLICIT_VR_LITTLE_ENDIAN,
            syntax::IMPLICIT_VR_LITTLE_ENDIAN,
        ] {
            if !stored.contains(&uid) {
                proposals.push(Proposal {
                    transfer_syntax_uids: vec![uid.to_owned()],
                    ..Proposal::plain(class)
                });
            }
        }
    }
    proposals
}
