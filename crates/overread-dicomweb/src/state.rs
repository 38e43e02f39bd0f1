//! What the handlers share.

use std::ops::Deref;
use std::sync::Arc;

use overread_archive::Archive;
use overread_dicom::FirstReading;
use overread_ingest::Ingest;
use overread_model::reading::FirstReadingAttributes;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::audit::ReadingLog;
use overread_store::shares::Shares;
use tokio::sync::{Notify, Semaphore};

use crate::cache::Cache;
use crate::cors::Origins;
use crate::limits::{
    CHANNELS, COMPOSED_AT_ONCE, METADATA_ROOM_PIECES, ROOM_ASKERS, SEARCH_ROOM_PIECES,
};
use crate::room::Room;

/// What the DICOMweb door works with; a clone is one pointer, since every request takes its own.
#[derive(Clone)]
pub struct DicomWebState(Arc<Rooms>);

impl Deref for DicomWebState {
    type Target = Rooms;

    fn deref(&self) -> &Rooms {
        &self.0
    }
}

/// The rooms behind the door.
#[derive(Clone)]
pub struct Rooms {
    pub(crate) store: Store,
    pub(crate) archive: Archive,
    pub(crate) ingest: Ingest,
    pub(crate) clock: fn() -> Timestamp,
    pub(crate) first_reading: FirstReading,
    /// Scheme, host and port that URLs in answers start with; the request's own when absent.
    pub(crate) public_url: Option<Arc<str>>,
    /// `https` where connections are encrypted here, for URLs that start with the host of the request.
    pub(crate) scheme: &'static str,
    origins: Origins,
    pub(crate) readings: Arc<ReadingLog>,
    pub(crate) cache: Arc<Cache>,
    /// For metadata that are unpacked and sent.
    pub(crate) metadata_room: Room,
    /// For results of long searches.
    pub(crate) search_room: Room,
    /// Turns to put an instance together in memory.
    pub(crate) composing: Arc<Semaphore>,
    /// Places for channels to subscribers.
    pub(crate) channels: Arc<Shares>,
    /// Wakes the channels of this node when something happened to a work item here.
    pub(crate) work_items: Arc<Notify>,
}

impl DicomWebState {
    /// Puts the rooms together; `first_reading` is withheld from readers until their lock, and so are labels that name a
    /// finding.
    pub fn new(
        store: Store,
        archive: Archive,
        ingest: Ingest,
        first_reading: FirstReadingAttributes,
        names_finding: fn(&str) -> bool,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self(Arc::new(Rooms {
            store,
            archive,
            ingest,
            clock,
            first_reading: FirstReading {
                list: Arc::new(first_reading),
                names_finding,
            },
            public_url: None,
            scheme: "http",
            origins: Origins::default(),
            readings: Arc::new(ReadingLog::default()),
            cache: Arc::new(Cache::default()),
            metadata_room: Room::new(METADATA_ROOM_PIECES),
            search_room: Room::new(SEARCH_ROOM_PIECES),
            composing: Arc::new(Semaphore::new(COMPOSED_AT_ONCE)),
            channels: Arc::new(Shares::new(CHANNELS, CHANNELS / ROOM_ASKERS)),
            work_items: Arc::new(Notify::new()),
        }))
    }

    /// Sets what URLs in answers start with (`https://overread.example`), for servers behind a proxy.
    #[must_use]
    pub fn with_public_url(mut self, public_url: &str) -> Self {
        Arc::make_mut(&mut self.0).public_url = Some(Arc::from(public_url.trim_end_matches('/')));
        self
    }

    /// Says that connections are encrypted here: without a public URL, what URLs in answers start with is `https://` and the host
    /// that was asked.
    #[must_use]
    pub fn over_tls(mut self) -> Self {
        Arc::make_mut(&mut self.0).scheme = "https";
        self
    }

    /// Sets the origins whose pages may ask.
    #[must_use]
    pub fn with_origins(mut self, origins: Origins) -> Self {
        Arc::make_mut(&mut self.0).origins = origins;
        self
    }

    /// Returns the origins whose pages may ask.
    pub fn origins(&self) -> Origins {
        self.origins.clone()
    }
}
