//! Calling other application entities: echo, find, pull, send, and asking whether what was sent is safe.

mod asking;
mod pulling;
mod sending;

use std::sync::Arc;

use overread_dicom::text_of;
use overread_ingest::IngestError;
use overread_store::StoreError;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::calling::Calling;
use crate::requestor::{NotOpened, Proposal, Requestor};
use crate::server::Rooms;
use crate::service::VERIFICATION;
use crate::wire::Ended;
use crate::{AeTitle, Outgoing, Remote, limits};

pub use pulling::Fetched;
pub use sending::{Committed, Sent};

/// Why a peer did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ScuError {
    /// No association was made.
    #[error("{0}")]
    NotOpened(String),
    /// The association ended in the middle.
    #[error("the association broke off: {0}")]
    Broke(String),
    /// The peer answered with a failure.
    #[error("the peer answered with status {status:04X}{}", quoted(comment))]
    Failed {
        /// (0000,0900).
        status: u16,
        /// (0000,0902), the peer's words.
        comment: String,
    },
    /// More than can be taken at once.
    #[error(
        "the peer answers with more than {} results; narrow the question",
        limits::HEARD_ANSWERS
    )]
    TooMany,
    /// The peer knows no such study.
    #[error("the peer has no such study")]
    NoSuchStudy,
    /// Our index failed.
    #[error("the index could not answer")]
    Store(#[from] StoreError),
    /// Our archive failed.
    #[error("the archive could not store")]
    Ingest(#[from] IngestError),
}

impl ScuError {
    /// Says why, without what the peer wrote itself: that may name a patient.
    pub(crate) fn without_words_of_the_peer(&self) -> String {
        match self {
            Self::Failed { status, .. } => format!("the peer answered with status {status:04X}"),
            Self::Broke(why) => why.clone(),
            other => other.to_string(),
        }
    }
}

fn quoted(comment: &str) -> String {
    if comment.is_empty() {
        String::new()
    } else {
        format!(" ({comment})")
    }
}

impl From<NotOpened> for ScuError {
    fn from(error: NotOpened) -> Self {
        Self::NotOpened(error.words())
    }
}

impl From<Ended> for ScuError {
    fn from(ended: Ended) -> Self {
        Self::Broke(ended.to_string())
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindLevel {
    /// Studies.
    Study,
    /// Series of a study.
    Series,
    /// Instances of a series.
    Image,
}

impl FindLevel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Image => "IMAGE",
        }
    }
}

/// What a peer found. Patient data: never log it.
#[derive(Clone)]
pub struct Answer(Map<String, Value>);

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Answer(hidden)")
    }
}

impl Answer {
    /// Returns an attribute as text, its values parted by backslashes; empty when it is not told.
    pub fn text(&self, tag: u32) -> String {
        let values = self.0.get(&format!("{tag:08X}"));
        let values = values
            .and_then(|element| element.get("Value"))
            .and_then(Value::as_array);
        let texts: Vec<String> = values.into_iter().flatten().map(text_of).collect();
        texts.join("\\")
    }
}

/// Calls other application entities; a clone is a handle.
#[derive(Debug, Clone)]
pub struct Scu {
    own: AeTitle,
    outgoing: Outgoing,
    rooms: Rooms,
    rewrites: Arc<Semaphore>,
}

impl Scu {
    /// Makes one that calls itself so.
    pub fn new(own: AeTitle, outgoing: Outgoing, rooms: Rooms) -> Self {
        Self {
            own,
            outgoing,
            rooms,
            rewrites: Arc::new(Semaphore::new(limits::REWRITES)),
        }
    }

    async fn open(&self, remote: &Remote, proposals: &[Proposal]) -> Result<Requestor, NotOpened> {
        Requestor::open(self.calling(remote), proposals).await
    }

    fn calling<'a>(&'a self, remote: &'a Remote) -> Calling<'a> {
        Calling {
            own: &self.own,
            remote,
            outgoing: &self.outgoing,
            store: self.rooms.ingest.store(),
            clock: self.rooms.clock,
        }
    }

    /// Asks a peer for an echo.
    ///
    /// # Errors
    /// When it cannot be reached, refuses, or answers with a failure.
    pub async fn echo(&self, remote: &Remote) -> Result<(), ScuError> {
        let mut requestor = self.open(remote, &[Proposal::plain(VERIFICATION)]).await?;
        let status = requestor.echo().await.map_err(ScuError::from);
        let status = requestor.release_with(status).await?;
        if status == 0 {
            return Ok(());
        }
        Err(ScuError::Failed {
            status,
            comment: String::new(),
        })
    }
}
