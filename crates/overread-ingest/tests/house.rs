//! A store and an archive for one test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use overread_archive::{Archive, S3Secret, S3Settings};
use overread_ingest::{
    DeliveryOptions, DeliverySource, Ingest, IngestError, Receipt, Received, StowOutcome,
};
use overread_model::access::{Actor, Role};
use overread_model::extent::Extent;
use overread_model::ids::{CaseId, DeletionId, PersonId};
use overread_model::problem::ProblemKind;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::access::Reach;
use overread_store::deletions::{self, NewDeletion};
use overread_store::studies::{self, StoredInstance};
use overread_testkit::dicom::InstanceSpec;
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_772_446_500_000_000);

pub(crate) struct House {
    pub(crate) dir: TempDir,
    pub(crate) ingest: Ingest,
}

/// Opens the archive of a folder beside a database in which nothing ever was.
pub(crate) async fn place_with_new_database(dir: &Path) -> (Store, Archive) {
    let (store, archive) = place(dir).await;
    store.close().await;
    let Some(shared) = overread_testkit::place::shared(dir) else {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(dir.join(format!("overread.sqlite{end}")));
        }
        let store = Store::open_sqlite(&dir.join("overread.sqlite")).await;
        return (store.unwrap(), archive);
    };
    let schema = format!("{}_new", shared.name);
    let store = Store::open_postgres_in(&shared.database_url, &schema).await;
    (store.unwrap(), archive)
}

/// Opens the place of a folder as another node does, whose own folder is another.
pub(crate) async fn open_beside(dir: &Path, own: &Path) -> Ingest {
    let (store, archive) = place_with(dir, own).await;
    Ingest::open(store, archive).await.unwrap()
}

/// Opens the place of a folder: SQLite and a disc, or PostgreSQL and a bucket.
pub(crate) async fn place(dir: &Path) -> (Store, Archive) {
    place_with(dir, dir).await
}

async fn place_with(dir: &Path, own: &Path) -> (Store, Archive) {
    let Some(shared) = overread_testkit::place::shared(dir) else {
        let store = Store::open_sqlite(&dir.join("overread.sqlite")).await;
        return (store.unwrap(), Archive::open(dir).await.unwrap());
    };
    let settings = S3Settings {
        endpoint: shared.endpoint,
        region: "eu-central-1".to_owned(),
        bucket: overread_testkit::s3::BUCKET.to_owned(),
        prefix: shared.name.clone(),
        access_key_id: "test".to_owned(),
        secret: S3Secret::new("test"),
        allow_http: true,
        cache_bytes: overread_archive::limits::CACHE_MIN_BYTES,
        patience: overread_archive::limits::PATIENCE,
    };
    let store = Store::open_postgres_in(&shared.database_url, &shared.name).await;
    let archive = Archive::open_s3(own, &settings).await;
    (store.unwrap(), archive.unwrap())
}

pub(crate) async fn open(dir: &Path) -> Ingest {
    let (store, archive) = place(dir).await;
    Ingest::open(store, archive).await.unwrap()
}

/// Opens on PostgreSQL, in a schema of its own, when a server is offered.
pub(crate) async fn postgres(test: &str) -> Option<House> {
    let url = overread_testkit::postgres::server_url(test)?;
    let dir = tempfile::tempdir().unwrap();
    let schema = format!("t_{}_{}", test, std::process::id());
    let store = Store::open_postgres_in(&url, &schema).await.unwrap();
    let ingest = Ingest::open(store, Archive::open(dir.path()).await.unwrap())
        .await
        .unwrap();
    Some(House { dir, ingest })
}

pub(crate) fn machine() -> Actor {
    Actor::Machine {
        token_id: overread_model::ids::TokenId::from_random([1; 16]),
        role: Role::Archive,
    }
}

pub(crate) fn patient(number: u8) -> Actor {
    Actor::Person {
        person_id: PersonId::from_random([number; 16]),
        role: Role::Patient,
    }
}

pub(crate) fn options(source: DeliverySource) -> DeliveryOptions {
    DeliveryOptions {
        case_id: None,
        actor: machine(),
        now: NOW,
        source,
    }
}

pub(crate) fn of_case(source: DeliverySource, actor: Actor, case_id: &CaseId) -> DeliveryOptions {
    DeliveryOptions {
        case_id: Some(case_id.clone()),
        actor,
        now: NOW,
        source,
    }
}

/// Takes in a part as the network would.
pub(crate) async fn received(ingest: &Ingest, bytes: &[u8]) -> Received {
    let mut part = ingest.receive().await.unwrap();
    for piece in bytes.chunks(64 * 1024) {
        part.push(piece).await.unwrap();
    }
    part.finish().await.unwrap()
}

impl House {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ingest = open(dir.path()).await;
        Self { dir, ingest }
    }

    /// Returns the packs on the disc.
    pub(crate) fn packs(&self) -> Vec<PathBuf> {
        packs(self.dir.path())
    }

    /// Returns the pack on the disc that holds an extent; batches that overlap write packs of their own.
    pub(crate) fn pack_of(&self, extent: Extent) -> PathBuf {
        let name = format!("{}.pack", extent.pack_id);
        let mut packs = self.packs().into_iter();
        packs.find(|pack| pack.ends_with(&name)).unwrap()
    }

    /// Ends it, so that its folder can be opened anew.
    pub(crate) async fn end(self) -> TempDir {
        let Self { dir, ingest } = self;
        ingest.store().close().await;
        drop(ingest);
        // The committer ends a moment later; until then its packs are as those of another process.
        let unlocked = async {
            for pack in packs(dir.path()) {
                while File::open(&pack).unwrap().try_lock().is_err() {
                    tokio::task::yield_now().await;
                }
            }
        };
        let unlocked = tokio::time::timeout(Duration::from_secs(60), unlocked).await;
        unlocked.expect("the committer ends");
        dir
    }

    pub(crate) async fn folder(&self, path: &Path) -> Receipt {
        self.ingest
            .paths(&[path.to_owned()], options(DeliverySource::Paths), ())
            .await
            .unwrap()
    }

    pub(crate) async fn zip(&self, bytes: Vec<u8>) -> Receipt {
        self.ingest
            .zip_stream(std::io::Cursor::new(bytes), options(DeliverySource::Zip))
            .await
            .unwrap()
    }

    /// Takes a study out of everybody's reach; it can be erased at once.
    pub(crate) async fn delete(&self, study: studies::StudyKey) -> DeletionId {
        let mut random = [0; 16];
        random[..8].copy_from_slice(&study.0.to_le_bytes());
        let id = DeletionId::from_random(random);
        let new = NewDeletion {
            id: &id,
            study,
            reason: "a test",
            erase_at: NOW,
        };
        let mut tx = self.ingest.store().begin().await.unwrap();
        assert!(
            deletions::mark(&mut tx, &new, &machine(), NOW)
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        id
    }

    /// Erases a deleted study, rows and bytes; says whether it did.
    pub(crate) async fn erase(&self, deletion: &DeletionId) -> bool {
        let (store, archive) = (self.ingest.store(), self.ingest.archive());
        let erased = overread_ingest::erase_study(store, archive, deletion, NOW).await;
        overread_ingest::overwrite_erased(store, archive, NOW)
            .await
            .unwrap();
        erased.unwrap()
    }

    pub(crate) async fn stow(&self, parts: Vec<Vec<u8>>) -> Vec<StowOutcome> {
        self.try_stow(parts).await.unwrap()
    }

    pub(crate) async fn try_stow(
        &self,
        parts: Vec<Vec<u8>>,
    ) -> Result<Vec<StowOutcome>, IngestError> {
        let parts = futures_util::stream::iter(parts)
            .then(|part| async move { Ok(received(&self.ingest, &part).await) });
        self.ingest
            .stow(parts, None, options(DeliverySource::Stow))
            .await
    }

    pub(crate) async fn find(&self, spec: &InstanceSpec) -> Option<StoredInstance> {
        self.find_as(&Reach::Everything, spec).await
    }

    pub(crate) async fn find_as(
        &self,
        reach: &Reach,
        spec: &InstanceSpec,
    ) -> Option<StoredInstance> {
        let mut tx = self.ingest.store().read().await.unwrap();
        let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
        studies::find_instance(&mut tx, reach, study, series, &spec.sop_instance_uid)
            .await
            .unwrap()
    }

    /// Reads an instance back whole.
    pub(crate) async fn bytes_of(&self, spec: &InstanceSpec) -> Vec<u8> {
        let found = self.find(spec).await.expect("the instance is there");
        let extent = found.extent;
        self.ingest
            .archive()
            .read(extent, 0..extent.length_bytes)
            .await
            .unwrap()
            .to_vec()
    }

    /// Proves that nothing is damaged.
    pub(crate) async fn prove(&self) -> overread_ingest::VerifyReport {
        let report = overread_ingest::verify(self.ingest.store(), self.ingest.archive())
            .await
            .unwrap();
        assert!(report.ok, "{:?}", report.damaged);
        report
    }
}

fn packs(dir: &Path) -> Vec<PathBuf> {
    let shelves = std::fs::read_dir(dir.join("packs")).into_iter().flatten();
    let files = shelves.flat_map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

pub(crate) fn kinds(receipt: &Receipt) -> Vec<ProblemKind> {
    receipt
        .problems
        .iter()
        .map(|problem| problem.kind)
        .collect()
}

pub(crate) fn mr(study: u64, series: u64, instance: u64) -> InstanceSpec {
    InstanceSpec::mr(study, series, instance)
}

pub(crate) fn part10(spec: &InstanceSpec) -> Vec<u8> {
    spec.part10().unwrap()
}
