//! One stored instance made ready to be sent, in a transfer syntax that the other side takes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use overread_archive::Archive;
use overread_dicom::{
    FirstReading, ParseLimits, Syntax, data_set_start, syntax, to_explicit_little_endian_without,
    to_implicit_little_endian_without,
};
use overread_model::extent::Extent;
use overread_model::ids::TokenId;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::access::{Reach, is_blind_to};
use overread_store::studies::{StoredInstance, find_instance};
use tokio::sync::Semaphore;

use crate::asker::Asker;
use crate::command::NOT_AUTHORISED;
use crate::limits;
use crate::link::Link;
use crate::negotiation::Context;
use crate::server::Rooms;
use crate::wire::Ended;

/// Why an instance cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSent {
    #[error("the instance is not there any more")]
    Gone,
    #[error("the peer takes none of the transfer syntaxes in which the instance could go")]
    Syntax,
    #[error("the instance is too large to be written anew for this peer")]
    TooLarge,
    #[error("the instance cannot be read")]
    Unreadable,
    #[error("what allowed this has ended meanwhile")]
    Over,
    #[error("the association to the peer was lost")]
    Lost,
}

/// One instance that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) study_instance_uid: String,
    pub(crate) series_instance_uid: String,
    pub(crate) sop_instance_uid: String,
    pub(crate) sop_class_uid: String,
    pub(crate) transfer_syntax_uid: String,
}

/// An instance that is ready to go.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) context_id: u8,
    body: Body,
}

/// The data set of an instance.
#[derive(Debug)]
enum Body {
    /// In memory.
    Whole(Bytes),
    /// In the archive, behind the head of its file.
    Streamed { extent: Extent, skipped: u64 },
}

/// What instances are read with; a clone is a handle.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    store: Store,
    archive: Archive,
    first_reading: FirstReading,
    rewrites: Arc<Semaphore>,
    asker: Asker,
    /// The tokens of whoever it is sent to.
    to: Arc<[TokenId]>,
    /// What they reach; nothing else is sent.
    receivers: Arc<[Reach]>,
    clock: fn() -> Timestamp,
}

/// How an instance goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Stored,
    Explicit,
    Implicit,
}

impl Reader {
    pub(crate) fn new(rooms: &Rooms, rewrites: &Arc<Semaphore>, asker: Asker) -> Self {
        Self {
            store: rooms.ingest.store().clone(),
            archive: rooms.ingest.archive().clone(),
            first_reading: rooms.first_reading.clone(),
            rewrites: Arc::clone(rewrites),
            asker,
            to: Arc::default(),
            receivers: Arc::default(),
            clock: rooms.clock,
        }
    }

    /// Gives out only what is within the reaches of these tokens, too.
    pub(crate) fn within(self, to: Vec<TokenId>, receivers: Vec<Reach>) -> Self {
        Self {
            to: to.into(),
            receivers: receivers.into(),
            ..self
        }
    }

    /// Asks again, now and then, whether sending may go on, and what whoever it is sent to reaches by now; `true` when it was
    /// asked, and what was made ready before may be out of reach.
    ///
    /// # Errors
    /// Why nothing more may be sent; asked once more, it is asked anew.
    pub(crate) async fn ask_again(&mut self) -> Result<bool, NotSent> {
        let asked = self.asker.ask_again(&self.store, (self.clock)()).await;
        let was_asked = asked.map_err(|status| match status.code {
            NOT_AUTHORISED => NotSent::Over,
            _ => NotSent::Unreadable,
        })?;
        if !was_asked && !self.receivers.contains(&Reach::Nothing) {
            return Ok(false);
        }
        // Nothing goes to them until it is known what they reach, also where this question fails or is never answered.
        self.receivers = [Reach::Nothing].into();
        let receivers = self.asker.reaches_of(&self.store, &self.to).await;
        let receivers = receivers.map_err(|error| not_found(&error))?;
        if receivers.contains(&Reach::Nothing) {
            return Err(NotSent::Over);
        }
        self.receivers = receivers.into();
        Ok(true)
    }

    /// Makes an instance ready for one of the contexts of its class.
    ///
    /// # Errors
    /// When it is out of reach by now, cannot be read, or fits none of the contexts.
    pub(crate) async fn ready(
        &self,
        wanted: &Wanted,
        contexts: &[Context],
    ) -> Result<Ready, NotSent> {
        let (found, is_blind) = self.find(wanted).await?;
        let offers: Vec<&Context> = contexts
            .iter()
            .filter(|context| context.sop_class_uid.as_str() == found.sop_class_uid)
            .collect();
        let stored = found.transfer_syntax_uid.as_str();
        let (context_id, form) = form_for(stored, is_blind, &offers).ok_or(NotSent::Syntax)?;
        let body = match form {
            Form::Stored => self.as_stored(&found).await?,
            form => self.rewritten(&found, form, is_blind).await?,
        };
        Ok(Ready { context_id, body })
    }

    async fn find(&self, wanted: &Wanted) -> Result<(StoredInstance, bool), NotSent> {
        let found = async {
            let mut tx = self.store.read().await?;
            let (study, series) = (&wanted.study_instance_uid, &wanted.series_instance_uid);
            let uid = &wanted.sop_instance_uid;
            let mut found = find_instance(&mut tx, &self.asker.reach, study, series, uid).await?;
            let mut is_blind = self.asker.is_blind_to(&mut tx, study).await?;
            for reach in self.receivers.iter() {
                let seen = find_instance(&mut tx, reach, study, series, uid).await?;
                found = found.and(seen);
                is_blind |= is_blind_to(&mut tx, reach, study).await?;
            }
            overread_store::StoreResult::Ok((found, is_blind))
        };
        match found.await {
            Ok((Some(found), is_blind)) => Ok((found, is_blind)),
            Ok((None, _)) => Err(NotSent::Gone),
            Err(error) => Err(not_found(&error)),
        }
    }

    async fn as_stored(&self, found: &StoredInstance) -> Result<Body, NotSent> {
        let extent = found.extent;
        let is_long = extent.length_bytes > limits::WHOLE_INSTANCE_BYTES;
        let read_bytes = if is_long {
            limits::FILE_HEAD_BYTES
        } else {
            extent.length_bytes
        };
        let bytes = self
            .archive
            .read(extent, 0..read_bytes)
            .await
            .map_err(|error| unreadable(&error))?;
        let (start, _) = data_set_start(&bytes).ok_or(NotSent::Unreadable)?;
        if is_long {
            return Ok(Body::Streamed {
                extent,
                skipped: start,
            });
        }
        let start = usize::try_from(start).map_err(|_| NotSent::Unreadable)?;
        if start > bytes.len() {
            return Err(NotSent::Unreadable);
        }
        Ok(Body::Whole(bytes.slice(start..)))
    }

    async fn rewritten(
        &self,
        found: &StoredInstance,
        form: Form,
        is_blind: bool,
    ) -> Result<Body, NotSent> {
        let extent = found.extent;
        if extent.length_bytes > limits::REWRITTEN_BYTES {
            return Err(NotSent::TooLarge);
        }
        // Two at a time in the whole door: each may need several times its length.
        let turn = Arc::clone(&self.rewrites).acquire_owned().await;
        let turn = turn.map_err(|_| NotSent::Unreadable)?;
        let bytes = self
            .archive
            .read(extent, 0..extent.length_bytes)
            .await
            .map_err(|error| unreadable(&error))?;
        let first_reading = self.first_reading.clone();
        let written = tokio::task::spawn_blocking(move || {
            let leave_out = |tag: u32, vr: &str, value: &[u8]| {
                is_blind && first_reading.holds_bytes(tag, vr, value)
            };
            let limits = ParseLimits::default();
            let written = match form {
                Form::Implicit => to_implicit_little_endian_without(&bytes, &limits, &leave_out),
                _ => to_explicit_little_endian_without(&bytes, &limits, &leave_out),
            };
            drop(turn);
            written
        });
        let written = written.await.map_err(|_| NotSent::Unreadable)?;
        let written = Bytes::from(written.map_err(|_| NotSent::Unreadable)?);
        let (start, _) = data_set_start(&written).ok_or(NotSent::Unreadable)?;
        let start = usize::try_from(start).map_err(|_| NotSent::Unreadable)?;
        if start > written.len() {
            return Err(NotSent::Unreadable);
        }
        Ok(Body::Whole(written.slice(start..)))
    }

    /// Sends the data set of an instance.
    ///
    /// # Errors
    /// The association ended; an instance that can be read only in part ends it too, since it cannot be taken back.
    pub(crate) async fn send(&self, link: &mut Link, ready: Ready) -> Result<(), Ended> {
        let id = ready.context_id;
        let (extent, mut skipped) = match ready.body {
            Body::Whole(bytes) => return link.send_data(id, &bytes, true).await,
            Body::Streamed { extent, skipped } => (extent, skipped),
        };
        let mut pieces = std::pin::pin!(self.archive.stream(extent));
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            let from = skipped.min(piece.len() as u64);
            skipped -= from;
            let rest = piece.get(from as usize..).unwrap_or_default();
            if !rest.is_empty() {
                link.send_data(id, rest, false).await?;
            }
        }
        link.send_data(id, &[], true).await
    }
}

/// Chooses the context and the form in which an instance goes out.
fn form_for(stored: &str, is_blind: bool, offers: &[&Context]) -> Option<(u8, Form)> {
    let offered = |uid: &str| {
        let fits = |context: &&&Context| context.transfer_syntax_uid.as_str() == uid;
        offers.iter().find(fits).map(|context| context.id)
    };
    let syntax = Syntax::of_uid(stored);
    let must_change = is_blind && (!syntax.encapsulated || syntax.deflated);
    let same = offered(stored).filter(|_| !must_change);
    if let Some(id) = same {
        // What is left out is left out of compressed images too; they keep their transfer syntax.
        let form = if is_blind {
            Form::Explicit
        } else {
            Form::Stored
        };
        return Some((id, form));
    }
    if syntax.encapsulated && !syntax.deflated {
        return None;
    }
    offered(syntax::EXPLICIT_VR_LITTLE_ENDIAN)
        .map(|id| (id, Form::Explicit))
        .or_else(|| offered(syntax::IMPLICIT_VR_LITTLE_ENDIAN).map(|id| (id, Form::Implicit)))
}

fn not_found(error: &overread_store::StoreError) -> NotSent {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, "an instance could not be found");
    NotSent::Unreadable
}

fn unreadable(error: &overread_archive::ArchiveError) -> NotSent {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, "an instance could not be read");
    NotSent::Unreadable
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use overread_dicom::syntax::{
        EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN,
    };

    use std::sync::Arc;

    use overread_archive::Archive;
    use overread_dicom::FirstReading;
    use overread_model::access::{Actor, Role};
    use overread_model::time::Timestamp;
    use overread_store::Store;
    use overread_store::access::Reach;
    use overread_store::tokens::{self, NewToken};
    use tokio::sync::Semaphore;

    use super::{Form, NotSent, Reader, form_for};
    use crate::asker::Asker;
    use crate::negotiation::Context;
    use crate::service::Service;

    /// A clock that stands: what was asked just now is not asked again because time went.
    fn clock() -> Timestamp {
        Timestamp::from_micros(1_772_446_500_000_000)
    }

    #[tokio::test]
    async fn who_lost_its_token_is_sent_no_further_group_either() {
        let dir = tempfile::tempdir().unwrap();
        let index = dir.path().join("overread.sqlite");
        let store = Store::open_sqlite(&index).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let token = |name| NewToken {
            name,
            role: Role::Archive,
            case_id: None,
        };
        let (asking, _) = tokens::create(&mut tx, &token("a"), clock()).await.unwrap();
        let (taking, _) = tokens::create(&mut tx, &token("b"), clock()).await.unwrap();
        tokens::revoke(&mut tx, &taking, clock()).await.unwrap();
        tx.commit().await.unwrap();
        let list = r#"{"source":"a test","vrs":[],"groups":[],"attributes":[],
            "labels":{"vrs":[],"why":""},"private":{"kept_vrs":[],"kept_values_max":0,"why":""}}"#;
        let mut reader = Reader {
            archive: Archive::open(dir.path()).await.unwrap(),
            store,
            first_reading: FirstReading {
                list: Arc::new(serde_json::from_str(list).unwrap()),
                names_finding: |_| false,
            },
            rewrites: Arc::new(Semaphore::new(1)),
            asker: Asker {
                actor: Actor::Machine {
                    token_id: asking,
                    role: Role::Archive,
                },
                reach: Reach::Everything,
                now: clock().plus_seconds(-60),
            },
            to: [taking].into(),
            receivers: Arc::default(),
            clock,
        };
        // As before each group, and before each instance of it.
        for _ in 0..2 {
            assert_eq!(reader.ask_again().await, Err(NotSent::Over));
            assert_eq!(*reader.receivers, [Reach::Nothing]);
        }
    }

    const JPEG: &str = "1.2.840.10008.1.2.4.70";

    #[test]
    fn an_instance_goes_out_as_it_is_stored_whenever_it_can() {
        let contexts = |syntaxes: &[&str]| -> Vec<Context> {
            let context = |(index, uid): (usize, &&str)| Context {
                id: index as u8 * 2 + 1,
                service: Service::Storage,
                sop_class_uid: "1.2.840.10008.5.1.4.1.1.4".parse().unwrap(),
                transfer_syntax_uid: uid.parse().unwrap(),
                peer_is_user: false,
                peer_is_provider: true,
                is_relational: false,
                joins_date_and_time: false,
            };
            syntaxes.iter().enumerate().map(context).collect()
        };
        let check = |stored: &str, is_blind, offered: &[&str], expect: Option<(u8, Form)>| {
            let contexts = contexts(offered);
            let offers: Vec<&Context> = contexts.iter().collect();
            let got = form_for(stored, is_blind, &offers);
            assert_eq!(got, expect, "{stored} {is_blind} {offered:?}");
        };
        let (explicit, implicit) = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN);
        check(
            implicit,
            false,
            &[explicit, implicit],
            Some((3, Form::Stored)),
        );
        check(implicit, false, &[explicit], Some((1, Form::Explicit)));
        check(explicit, false, &[implicit], Some((1, Form::Implicit)));
        check(
            EXPLICIT_VR_BIG_ENDIAN,
            false,
            &[implicit, explicit],
            Some((3, Form::Explicit)),
        );
        check(JPEG, false, &[explicit, JPEG], Some((3, Form::Stored)));
        check(JPEG, true, &[explicit, JPEG], Some((3, Form::Explicit)));
        check(JPEG, false, &[explicit], None);
        check(explicit, true, &[explicit], Some((1, Form::Explicit)));
        check(implicit, true, &[implicit], Some((1, Form::Implicit)));
    }
}
