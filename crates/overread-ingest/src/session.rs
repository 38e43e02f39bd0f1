//! One delivery on its way: files go in in order, are read in parallel, committed in order and collected.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use overread_dicom::ContentKind;
use overread_model::problem::{Problem, ProblemKind};
use overread_store::studies::DeliveryScope;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::buffers::{Buffers, Lent};
use crate::collect::Collector;
use crate::commit::{self, Item};
use crate::content::Held;
use crate::prepare::{self, Prepared};
use crate::trouble::Troubles;
use crate::{DeliveryOptions, Ingest, IngestError, Receipt, limits, zip};

/// Is told how a delivery advances.
pub trait Progress: Send + Sync + 'static {
    /// One more file was looked at; its size where it is known, else 0.
    fn file(&self, _bytes: u64) {}
}

impl Progress for () {}

/// A file on its way, in the order of the medium.
enum Slot {
    Reading {
        path: String,
        task: JoinHandle<Prepared>,
    },
}

/// A file whose answer is awaited.
pub(crate) struct Pending {
    pub(crate) path: String,
    pub(crate) about: commit::About,
    pub(crate) answer: oneshot::Receiver<commit::Answer>,
}

/// What reading a delivery needs of the machine, whether or not anything is stored.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    /// KiB of files in memory that still arrive; a sender that falls asleep keeps its share.
    pub(crate) arriving: Arc<Semaphore>,
    /// The last who waited for memory got none.
    is_jammed: Arc<AtomicBool>,
    /// KiB of files in memory that are whole; no sender keeps them from being stored.
    pub(crate) whole: Arc<Semaphore>,
    /// Temporary files that are whole and wait for being stored.
    pub(crate) files: Arc<Semaphore>,
    /// Files that are parsed and hashed at once.
    pub(crate) readers: Arc<Semaphore>,
    /// Memory that is used again.
    pub(crate) buffers: Buffers,
    /// Folder for temporary files.
    pub(crate) spool: Arc<Path>,
    /// Hears of temporary files that could not be written.
    pub(crate) troubles: Arc<Troubles>,
}

impl Bench {
    /// Makes room for one reader of deliveries.
    pub(crate) fn new(spool: &Path, troubles: &Arc<Troubles>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            arriving: Arc::new(Semaphore::new((limits::ARRIVING_BYTES / 1024) as usize)),
            is_jammed: Arc::default(),
            whole: Arc::new(Semaphore::new((limits::BUDGET_BYTES / 1024) as usize)),
            files: Arc::new(Semaphore::new(limits::TEMPORARY_FILES)),
            readers: Arc::new(Semaphore::new(cores)),
            buffers: Buffers::default(),
            spool: Arc::from(spool),
            troubles: Arc::clone(troubles),
        }
    }

    /// Waits a while for memory for a file of this length that arrives; `None` when a temporary file must do.
    pub(crate) async fn room(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let share = share_of(bytes);
        if let Ok(room) = Arc::clone(&self.arriving).try_acquire_many_owned(share) {
            self.is_jammed.store(false, Ordering::Relaxed);
            return Some(room);
        }
        // Somebody waited in vain already: sleepers hold the memory, and not everybody need find that out.
        if self.is_jammed.load(Ordering::Relaxed) {
            return None;
        }
        let wanted = Arc::clone(&self.arriving).acquire_many_owned(share);
        match tokio::time::timeout(limits::ROOM_WAIT, wanted).await {
            Ok(room) => room.ok(),
            Err(_) => {
                self.is_jammed.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    /// Takes more memory for a file that arrives, when there is some at this moment.
    pub(crate) fn more_room(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let arriving = Arc::clone(&self.arriving);
        arriving.try_acquire_many_owned(share_of(bytes)).ok()
    }

    /// Waits until a whole file of this length may stay in memory. Those before it are whole, so no sender is waited for.
    pub(crate) async fn keep(&self, bytes: u64) -> Result<OwnedSemaphorePermit, IngestError> {
        let room = Arc::clone(&self.whole).acquire_many_owned(share_of(bytes));
        room.await.map_err(|_| IngestError::Interrupted)
    }

    /// Waits until one more temporary file may wait for being stored. Those before it are whole, so no sender is waited for.
    pub(crate) async fn file_turn(&self) -> Result<OwnedSemaphorePermit, IngestError> {
        let turn = Arc::clone(&self.files).acquire_owned().await;
        turn.map_err(|_| IngestError::Interrupted)
    }
}

pub(crate) struct Session {
    bench: Bench,
    handle: Handle,
    slots: mpsc::Sender<Slot>,
    collector: Arc<Mutex<Collector>>,
    totals: Mutex<zip::Totals>,
    progress: Box<dyn Progress>,
}

/// A session with the tasks behind it.
pub(crate) struct Running {
    ingest: Ingest,
    session: Session,
    ticket: commit::Ticket,
    started: Instant,
    forwarder: JoinHandle<Result<(), IngestError>>,
}

impl Session {
    /// Makes a session and the queue of what it reads.
    fn new(bench: Bench, progress: Box<dyn Progress>) -> (Self, mpsc::Receiver<Slot>) {
        let (slots, queue) = mpsc::channel(limits::FILES_ON_THE_WAY);
        let session = Self {
            bench,
            handle: Handle::current(),
            slots,
            collector: Arc::default(),
            totals: Mutex::default(),
            progress,
        };
        (session, queue)
    }

    /// Starts a delivery.
    pub(crate) fn start(
        ingest: &Ingest,
        scope: Arc<DeliveryScope>,
        options: &DeliveryOptions,
        progress: Box<dyn Progress>,
    ) -> Running {
        let (session, queue) = Self::new(ingest.shared.bench.clone(), progress);
        let ticket = commit::Ticket {
            scope,
            source: options.source.as_str(),
            counted: false,
            now: options.now,
        };
        let forwarder = tokio::spawn(forward(
            ingest.clone(),
            queue,
            ticket.clone(),
            Arc::clone(&session.collector),
        ));
        Running {
            ingest: ingest.clone(),
            session,
            ticket,
            started: Instant::now(),
            forwarder,
        }
    }

    fn collect<T>(&self, with: impl FnOnce(&mut Collector) -> T) -> T {
        with(
            &mut self
                .collector
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn totals(&self) -> std::sync::MutexGuard<'_, zip::Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an entry of an archive; says whether there may be one more.
    pub(crate) fn count_entry(&self) -> bool {
        let mut totals = self.totals();
        totals.entries += 1;
        totals.entries <= limits::ENTRIES && totals.strikes <= limits::STRIKES
    }

    /// Counts an entry that unpacks to a suspicious size; a delivery full of them is left.
    pub(crate) fn strike(&self) {
        self.totals().strikes += 1;
    }

    /// Counts unpacked bytes; says whether the delivery may have them.
    pub(crate) fn count_bytes(&self, bytes: u64) -> bool {
        let mut totals = self.totals();
        totals.bytes += bytes;
        totals.bytes <= limits::TOTAL_BYTES
    }

    /// Counts a file and remembers its name for the DICOMDIR.
    pub(crate) fn saw_file(&self, path: &str, bytes: u64) {
        self.collect(|collector| collector.saw_file(path));
        self.progress.file(bytes);
    }

    /// Returns how many files were counted.
    pub(crate) fn files_seen(&self) -> u64 {
        self.collect(|collector| collector.files_seen())
    }

    /// Takes back the count of a file that is an archive.
    pub(crate) fn count_no_file(&self) {
        self.collect(Collector::count_no_file);
    }

    /// Notes a problem of a file.
    pub(crate) fn problem(&self, path: &str, kind: ProblemKind, message: impl Into<String>) {
        let problem = Problem {
            path: path.to_owned(),
            kind,
            message: message.into(),
        };
        self.collect(|collector| collector.problem(problem));
    }

    /// Says whether a file of this kind is read at all.
    pub(crate) fn wants(&self, path: &str, kind: ContentKind, length_bytes: Option<u64>) -> bool {
        match kind {
            ContentKind::Part10 | ContentKind::NoPreamble => true,
            _ => {
                prepare::document_type(kind).is_some()
                    && prepare::is_likely_document(path, kind, length_bytes)
            }
        }
    }

    /// Counts a file that is not kept; says so when its name promised an image.
    pub(crate) fn leave(&self, path: &str, kind: ContentKind) {
        let name = path
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let promised = name.ends_with(".dcm") || name.ends_with(".dicom") || name.ends_with(".ima");
        if name == "dicomdir" {
            let message =
                "the index of the disc cannot be read; the files were looked at one by one";
            self.problem(path, ProblemKind::BadDicomdir, message);
        } else if kind == ContentKind::Empty && (promised || !name.contains('.')) {
            self.problem(
                path,
                ProblemKind::Truncated,
                "the file is empty; ask for a new copy",
            );
        } else if promised {
            self.problem(
                path,
                ProblemKind::Unreadable,
                "named like an image, but it holds none; ask for a new copy",
            );
        }
        self.collect(|collector| collector.other_file());
    }

    /// Remembers where a temporary file could not be written.
    pub(crate) fn hear<T>(&self, spooled: Result<T, IngestError>) -> Result<T, IngestError> {
        self.bench.troubles.hear(spooled, limits::IN_MEMORY_BYTES)
    }

    /// Refuses to write more while the disc is full.
    pub(crate) fn check_room(&self) -> Result<(), IngestError> {
        self.bench.troubles.check_room()
    }

    /// Returns the folder for temporary files.
    pub(crate) fn spool_folder(&self) -> &Path {
        &self.bench.spool
    }

    /// Lends a buffer for so many bytes; the caller holds the share of the memory for them.
    pub(crate) fn lend(&self, bytes: u64) -> Lent {
        self.bench.buffers.lend(bytes)
    }

    /// Waits a while for memory for these bytes (at most [`limits::IN_MEMORY_BYTES`] are ever asked for at once).
    pub(crate) fn reserve(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        self.handle.block_on(self.bench.room(bytes))
    }

    /// Waits until a whole file of this length may stay in memory.
    pub(crate) fn keep(&self, bytes: u64) -> Result<OwnedSemaphorePermit, IngestError> {
        self.handle.block_on(self.bench.keep(bytes))
    }

    /// Waits until one more temporary file may wait for being stored.
    pub(crate) fn file_turn(&self) -> Result<OwnedSemaphorePermit, IngestError> {
        self.handle.block_on(self.bench.file_turn())
    }

    /// Hands a whole file on.
    pub(crate) fn submit(
        &self,
        path: &str,
        held: Held,
        kind: ContentKind,
    ) -> Result<(), IngestError> {
        self.read(path, move || prepare::prepare(held, kind))
    }

    /// Hands an entry on that is still packed; its faults are told like those of any file.
    pub(crate) fn submit_packed(
        &self,
        path: &str,
        packed: zip::Packed,
        room: OwnedSemaphorePermit,
        kind: ContentKind,
    ) -> Result<(), IngestError> {
        self.read(path, move || match packed.hold(room) {
            Ok(held) => prepare::prepare(held, kind),
            Err(fault) => {
                let (kind, message) = fault.words();
                Prepared::unusable(kind, message)
            }
        })
    }

    /// Reads a file beside the receiving, in its turn.
    fn read(
        &self,
        path: &str,
        read: impl FnOnce() -> Prepared + Send + 'static,
    ) -> Result<(), IngestError> {
        let readers = Arc::clone(&self.bench.readers);
        let turn = self
            .handle
            .block_on(readers.acquire_owned())
            .map_err(|_| IngestError::Interrupted)?;
        let task = self.handle.spawn_blocking(move || {
            let prepared = read();
            drop(turn);
            prepared
        });
        let slot = Slot::Reading {
            path: path.to_owned(),
            task,
        };
        self.slots
            .blocking_send(slot)
            .map_err(|_| IngestError::NotStored)
    }
}

/// Returns how many permits (KiB) these bytes cost; never more than there are.
pub(crate) fn share_of(bytes: u64) -> u32 {
    let kib = bytes.div_ceil(1024).clamp(1, limits::BUDGET_BYTES / 1024);
    u32::try_from(kib).unwrap_or(u32::MAX)
}

impl Running {
    /// Runs the reader on a thread that may wait, then waits for every answer and writes the receipt.
    pub(crate) async fn run(
        self,
        read: impl FnOnce(&Session) -> Result<(), IngestError> + Send + 'static,
    ) -> Result<Receipt, IngestError> {
        let Self {
            ingest,
            session,
            ticket,
            started,
            forwarder,
        } = self;
        let reading = tokio::task::spawn_blocking(move || {
            let room = session.bench.troubles.check_room();
            let outcome = room.and_then(|()| read(&session));
            // The session ends here, and with it the queue behind it.
            (outcome, session.collector)
        });
        let (outcome, collector) = reading.await.map_err(|_| IngestError::Interrupted)?;
        let forwarded = forwarder.await.map_err(|_| IngestError::Interrupted)?;
        // A store that failed is the cause when both complain.
        forwarded?;
        outcome?;
        let collector =
            std::mem::take(&mut *collector.lock().unwrap_or_else(PoisonError::into_inner));
        collector.finish(&ingest, &ticket, started).await
    }
}

/// Takes files in order, hands instances to the committer, and collects the answers beside it.
async fn forward(
    ingest: Ingest,
    mut slots: mpsc::Receiver<Slot>,
    ticket: commit::Ticket,
    collector: Arc<Mutex<Collector>>,
) -> Result<(), IngestError> {
    let (pending, answers) = mpsc::unbounded_channel();
    let collecting = tokio::spawn(collect_answers(answers, Arc::clone(&collector)));
    while let Some(Slot::Reading { path, task }) = slots.recv().await {
        let prepared = task.await.map_err(|_| IngestError::Interrupted)?;
        let with = |work: &mut dyn FnMut(&mut Collector)| {
            work(&mut collector.lock().unwrap_or_else(PoisonError::into_inner));
        };
        let payload = match prepared {
            Prepared::Unusable(problem) => {
                let (kind, message) = (problem.kind, problem.message);
                with(&mut |collector| {
                    collector.problem(Problem {
                        path: path.clone(),
                        kind,
                        message: message.clone(),
                    });
                });
                continue;
            }
            Prepared::Dicomdir(directory) => {
                let mut directory = Some(directory);
                with(&mut |collector| {
                    if let Some(directory) = directory.take() {
                        collector.directory(&path, directory);
                    }
                });
                continue;
            }
            Prepared::Instance(readied) => commit::Payload::Instance(readied),
            Prepared::Document {
                held,
                digest,
                media_type,
                kind,
            } => commit::Payload::document(&path, held, digest, media_type, kind)?,
        };
        let (answer_to, answer) = oneshot::channel();
        let about = payload.about();
        let item = Item {
            ticket: ticket.clone(),
            payload,
            answer_to,
        };
        ingest
            .shared
            .queue
            .send(item)
            .await
            .map_err(|_| IngestError::NotStored)?;
        pending
            .send(Pending {
                path,
                about,
                answer,
            })
            .map_err(|_| IngestError::NotStored)?;
    }
    drop(pending);
    collecting.await.map_err(|_| IngestError::Interrupted)?
}

async fn collect_answers(
    mut answers: mpsc::UnboundedReceiver<Pending>,
    collector: Arc<Mutex<Collector>>,
) -> Result<(), IngestError> {
    while let Some(pending) = answers.recv().await {
        let answer = pending.answer.await.unwrap_or(commit::Answer::NotStored);
        if matches!(answer, commit::Answer::NotStored | commit::Answer::Full) {
            return Err(answer.why_not());
        }
        collector
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answered(&pending.path, pending.about, answer);
    }
    Ok(())
}

/// Reads without storing: every file that is read goes to `take`, in order.
///
/// # Errors
/// When the work is interrupted or a temporary file cannot be written.
pub(crate) async fn look(
    bench: Bench,
    progress: Box<dyn Progress>,
    read: impl FnOnce(&Session) -> Result<(), IngestError> + Send + 'static,
    mut take: impl FnMut(&str, Prepared),
) -> Result<Collector, IngestError> {
    let (session, mut queue) = Session::new(bench, progress);
    let reading = tokio::task::spawn_blocking(move || {
        let outcome = read(&session);
        (outcome, session.collector)
    });
    while let Some(Slot::Reading { path, task }) = queue.recv().await {
        take(&path, task.await.map_err(|_| IngestError::Interrupted)?);
    }
    let (outcome, collector) = reading.await.map_err(|_| IngestError::Interrupted)?;
    outcome?;
    let collector = std::mem::take(&mut *collector.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(collector)
}
