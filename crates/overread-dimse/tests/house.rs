//! A door with a store and an archive for one test.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use overread_archive::Archive;
use overread_dimse::{Callers, Door, DoorConfig, limits};
use overread_ingest::Ingest;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::access::Reach;
use overread_store::studies;
use overread_testkit::dicom::InstanceSpec;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const SHORT: Duration = Duration::from_millis(150);

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    runtime: Runtime,
    ingest: Ingest,
    stop: Option<oneshot::Sender<()>>,
    door: Option<JoinHandle<()>>,
    _dir: TempDir,
}

pub(crate) fn config() -> DoorConfig {
    DoorConfig {
        ae_title: "OVERREAD".parse().unwrap(),
        callers: Callers::default(),
        idle: limits::IDLE_TIME,
        request: limits::REQUEST_TIME,
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: DoorConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (address, ingest, door) = runtime.block_on(async {
            let index = dir.path().join("overread.sqlite");
            let store = Store::open_sqlite(&index).await.unwrap();
            let archive = Archive::open(dir.path()).await.unwrap();
            let ingest = Ingest::open(store, archive).await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let now = || Timestamp::from_micros(1_772_446_500_000_000);
            let door = Door::new(listener, config, ingest.clone(), now);
            let serving = door.serve(async { drop(stopped.await) });
            (address, ingest, tokio::spawn(serving))
        });
        Self {
            address,
            runtime,
            ingest,
            stop: Some(stop),
            door: Some(door),
            _dir: dir,
        }
    }

    /// Connects from an address of this machine, and says nothing.
    pub(crate) fn idle_from(&self, host: u8) -> TcpStream {
        let connected = self.runtime.block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(([127, 0, 0, host], 0).into()).unwrap();
            socket.connect(self.address).await.unwrap().into_std()
        });
        let stream = connected.unwrap();
        stream.set_nonblocking(false).unwrap();
        stream
    }

    /// Tells the door to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until the door has stopped.
    pub(crate) fn wait(&mut self) {
        let door = self.door.take().unwrap();
        self.runtime.block_on(door).unwrap();
    }

    /// Reads an instance back whole.
    pub(crate) fn bytes_of(&self, spec: &InstanceSpec) -> Option<Vec<u8>> {
        self.runtime.block_on(async {
            let mut tx = self.ingest.store().read().await.unwrap();
            let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
            let reach = Reach::Everything;
            let uid = &spec.sop_instance_uid;
            let found = studies::find_instance(&mut tx, &reach, study, series, uid);
            let extent = found.await.unwrap()?.extent;
            let bytes = self.ingest.archive().read(extent, 0..extent.length_bytes);
            Some(bytes.await.unwrap().to_vec())
        })
    }

    /// Proves the archive and returns how many instances it holds.
    pub(crate) fn instance_count(&self) -> u64 {
        let (store, archive) = (self.ingest.store(), self.ingest.archive());
        let report = self
            .runtime
            .block_on(overread_ingest::verify(store, archive))
            .unwrap();
        assert!(report.ok, "{:?}", report.damaged);
        report.instances
    }
}
