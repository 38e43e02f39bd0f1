//! Here one Delivery (disc, ZIP, STOW, C-STORE) becomes stored Instances and a list of Problems.
//!
//! Files are judged by content, read and hashed in parallel, handed to one committer that writes what is ready into
//! packs, syncs it, commits one transaction and only then answers everybody. What is wrong with a file is a
//! [`Problem`](overread_model::problem::Problem) in the receipt and never stops the others.

mod buffers;
mod collect;
mod commit;
mod content;
mod differing;
mod erase;
mod error;
mod inflating;
mod joining;
mod kept;
pub mod limits;
mod paths;
pub mod pdf;
mod prepare;
mod rebuild;
mod receipt;
mod receiving;
mod recover;
mod scrub;
mod session;
mod settle;
mod stow;
mod survey;
mod told;
mod trouble;
mod unsaid;
pub mod verify;
mod whole;
mod zip;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use overread_archive::Archive;
use overread_model::access::Actor;
use overread_model::ids::{CaseId, DeliveryId};
use overread_model::keeping::Quota;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::studies::DeliveryScope;
use overread_store::tokens::random_id;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio_util::io::SyncIoBridge;

pub use collect::without_what_follows;
pub use commit::NO_ROOM;
pub use differing::differing_attributes;
pub use erase::{erase_study, overwrite_erased};
pub use error::{DISC_FULL, IngestError};
pub use inflating::{RoomToInflate, room_to_inflate};
pub use kept::facts_of;
pub use pdf::{PdfText, text_of_pdf};
pub use rebuild::{RebuildReport, rebuild};
pub use receipt::{Receipt, ReceiptDocument, ReceiptSeries, ReceiptStudy};
pub use receiving::{Received, Receiving};
pub use scrub::scrub_some;
pub use session::Progress;
pub use stow::{Came, OneByOne, StowOutcome, Stowed, Wanted};
pub use survey::{Survey, SurveyDocument, survey};
pub use told::directory_of_document;
pub use trouble::Trouble;
pub use verify::{VerifyReport, verify};
pub use whole::is_whole;

use session::Session;

/// The way in; a clone is another handle on the same queue.
#[derive(Debug, Clone)]
pub struct Ingest {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    archive: Archive,
    queue: mpsc::Sender<commit::Item>,
    bench: session::Bench,
    quota: Quota,
    left: Arc<recover::Left>,
    troubles: Arc<trouble::Troubles>,
    /// Damage that was looked at.
    judged: tokio::sync::Mutex<Option<BTreeSet<scrub::Place>>>,
    /// How many studies had been erased when the cache of this node was looked at.
    forgotten: tokio::sync::Mutex<Option<i64>>,
}

/// For whom, by whom and when something is delivered.
#[derive(Debug, Clone)]
pub struct DeliveryOptions {
    /// The case whose records it adds to. The caller has checked that the actor may.
    pub case_id: Option<CaseId>,
    /// Who brings it.
    pub actor: Actor,
    /// When it began.
    pub now: Timestamp,
    /// Where it comes from.
    pub source: DeliverySource,
}

/// Where a delivery comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliverySource {
    /// The command line: folders, files, ZIPs.
    Paths,
    /// A ZIP that was uploaded.
    Zip,
    /// One file that was uploaded.
    File,
    /// STOW-RS.
    Stow,
    /// C-STORE.
    Dimse,
}

impl DeliverySource {
    /// Every source.
    pub(crate) const ALL: [Self; 5] = [Self::Paths, Self::Zip, Self::File, Self::Stow, Self::Dimse];

    /// Returns the source as a column writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paths => "paths",
            Self::Zip => "zip",
            Self::File => "file",
            Self::Stow => "stow",
            Self::Dimse => "dimse",
        }
    }
}

impl Ingest {
    /// Settles what an earlier run left behind and starts the committer; needs a running Tokio.
    ///
    /// # Errors
    /// When the archive or the index cannot be read.
    pub async fn open(store: Store, archive: Archive) -> Result<Self, IngestError> {
        let quota = Quota {
            bytes: limits::CASE_BYTES,
            instances: limits::CASE_INSTANCES,
        };
        Self::open_with(store, archive, quota).await
    }

    /// As [`Ingest::open`]; a case may hold this much, unless something else was set for it.
    ///
    /// # Errors
    /// As [`Ingest::open`].
    pub async fn open_with(
        store: Store,
        archive: Archive,
        quota: Quota,
    ) -> Result<Self, IngestError> {
        let left = Arc::new(recover::Left::default());
        settle::settle(&store, &archive, &left).await?;
        scrub::shun_listed(&store, &archive).await?;
        let troubles = Arc::new(trouble::Troubles::of(&store));
        let (queue, items) = mpsc::channel(limits::BATCH_INSTANCES);
        let place = commit::Place {
            store: store.clone(),
            archive: archive.clone(),
            quota,
            left: Arc::clone(&left),
            troubles: Arc::clone(&troubles),
        };
        tokio::spawn(commit::run(place, items));
        let bench = session::Bench::new(archive.spool_folder(), &troubles);
        Ok(Self {
            shared: Arc::new(Shared {
                store,
                archive,
                queue,
                bench,
                quota,
                left,
                troubles,
                judged: tokio::sync::Mutex::default(),
                forgotten: tokio::sync::Mutex::default(),
            }),
        })
    }

    /// Takes in whole batches that a failure left in the packs without their rows; quick where there are none. To be called
    /// again and again: some can only be taken in later, and what fails is tried again.
    ///
    /// # Errors
    /// When the archive or the index cannot be asked.
    pub async fn recover(&self, now: Timestamp) -> Result<RebuildReport, IngestError> {
        let shared = &self.shared;
        shared.troubles.make_room().await;
        // That it is full stands in the log also while nobody sends anything.
        let _ = shared.troubles.check_room();
        recover::recover(&shared.store, &shared.archive, &shared.left, now).await
    }

    /// Refuses what is new while the disc is full.
    ///
    /// # Errors
    /// When it is full.
    pub fn check_room(&self) -> Result<(), IngestError> {
        self.shared.troubles.check_room()
    }

    /// Returns why nothing can be stored; cheap while all is well.
    pub async fn trouble(&self) -> Option<Trouble> {
        let shared = &self.shared;
        trouble::now(&shared.troubles, &shared.store, &shared.archive).await
    }

    /// Lets the next [`Ingest::recover`] look at every pack, as the first one after a start does.
    pub fn look_anywhere(&self) {
        self.shared.left.look_anywhere();
    }

    /// Gives out no bytes that the proof beside everything else found damaged, on whichever node. To be called again and again.
    ///
    /// # Errors
    /// When the archive or the index cannot be asked.
    pub async fn shun_damaged(&self) -> Result<(), IngestError> {
        let shared = &self.shared;
        scrub::shun_damaged(&shared.store, &shared.archive, &shared.judged).await
    }

    /// Forgets what the cache of this node holds of packs in which another node erased something. To be called again and again.
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub async fn forget_erased(&self) -> Result<(), IngestError> {
        let shared = &self.shared;
        erase::forget_erased(&shared.store, &shared.archive, &shared.forgotten).await
    }

    /// Returns how much a case may hold, unless something else was set for it.
    pub fn quota(&self) -> Quota {
        self.shared.quota
    }

    /// Returns the store it writes to.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Returns the archive it writes to.
    pub fn archive(&self) -> &Archive {
        &self.shared.archive
    }

    fn scope(options: &DeliveryOptions) -> Result<Arc<DeliveryScope>, IngestError> {
        let id = random_id().map_err(IngestError::Store)?;
        Ok(Arc::new(DeliveryScope {
            delivery_id: DeliveryId::from_random(id),
            case_id: options.case_id.clone(),
            actor: options.actor.clone(),
        }))
    }

    /// Takes in folders, files and ZIPs of this machine. Links are not followed; nothing is changed in them.
    ///
    /// # Errors
    /// When the archive cannot store; what is wrong with the files is in the receipt.
    pub async fn paths(
        &self,
        paths: &[PathBuf],
        options: DeliveryOptions,
        progress: impl Progress,
    ) -> Result<Receipt, IngestError> {
        let session = Session::start(self, Self::scope(&options)?, &options, Box::new(progress));
        let paths = paths.to_vec();
        session
            .run(move |session| paths::read(session, &paths))
            .await
    }

    /// Takes in a ZIP while it arrives; memory stays bounded, and nothing counts before it is durable.
    ///
    /// # Errors
    /// When the body breaks off by an error or the archive cannot store. A ZIP that merely ends early is a receipt with
    /// a problem: what was whole is stored.
    pub async fn zip_stream(
        &self,
        body: impl AsyncRead + Send + Unpin + 'static,
        options: DeliveryOptions,
    ) -> Result<Receipt, IngestError> {
        let session = Session::start(self, Self::scope(&options)?, &options, Box::new(()));
        let mut body = SyncIoBridge::new(body);
        session
            .run(move |session| zip::read(session, &mut body, "", 1))
            .await
    }

    /// Takes in one file of whatever sort (DICOM, ZIP, PDF); the name is only shown.
    ///
    /// # Errors
    /// As [`Ingest::zip_stream`].
    pub async fn one_file(
        &self,
        name: &str,
        body: impl AsyncRead + Send + Unpin + 'static,
        options: DeliveryOptions,
    ) -> Result<Receipt, IngestError> {
        let session = Session::start(self, Self::scope(&options)?, &options, Box::new(()));
        let mut body = SyncIoBridge::new(body);
        let name = overread_dicom::media::printable(name);
        session
            .run(move |session| {
                session.saw_file(&name, 0);
                content::take(session, &name, &mut body, None, 1)
            })
            .await
    }
}
