//! A door with a store and an archive for one test.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use overread_archive::Archive;
use overread_dicom::FirstReading;
use overread_dimse::{
    Caller, Callers, Door, DoorConfig, Incoming, May, Outgoing, Remote, Rooms, Scu, limits,
};
use overread_ingest::Ingest;
use overread_model::access::Role;
use overread_model::ids::{CaseId, TokenId};
use overread_model::peers::{Peer, Peers, Purpose};
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::access::Reach;
use overread_store::tokens::{self, NewToken, TokenRow};
use overread_store::{audit, peer_calls, studies};
use overread_testkit::dicom::InstanceSpec;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const SHORT: Duration = Duration::from_millis(150);

/// How long a test waits for what the door does behind its answer.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_772_446_500_000_000);

/// A clock that goes on by more than [`limits::ASK_AGAIN`] each time it is read.
fn clock() -> Timestamp {
    static READ: AtomicI64 = AtomicI64::new(0);
    let seconds = 6 * READ.fetch_add(1, Ordering::Relaxed);
    Timestamp::from_micros(NOW.as_micros() + seconds * 1_000_000)
}

/// A list of what is withheld as short as a test can do with.
fn first_reading() -> FirstReading {
    let list = r#"{"source":"a test","vrs":[{"vr":"LT","why":"text"}],"groups":[],"attributes":[],
        "labels":{"vrs":["LO"],"why":"short text"},"private":{"kept_vrs":["DS"],"kept_values_max":2,"why":"unknown"}}"#;
    FirstReading {
        list: Arc::new(serde_json::from_str(list).unwrap()),
        names_finding: |label| label.contains("carcinoma"),
    }
}

fn rooms(ingest: &Ingest, peers: &Peers) -> Rooms {
    Rooms {
        peers: peers.clone(),
        ingest: ingest.clone(),
        first_reading: first_reading(),
        clock,
    }
}

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) tls_port: u16,
    runtime: Runtime,
    pub(crate) ingest: Ingest,
    peers: Peers,
    stop: Option<oneshot::Sender<()>>,
    door: Option<JoinHandle<()>>,
    _dir: TempDir,
}

pub(crate) fn config() -> DoorConfig {
    DoorConfig {
        ae_title: "OVERREAD".parse().unwrap(),
        only_own_title: false,
        callers: Callers::default(),
        outgoing: Outgoing::default(),
        idle: limits::IDLE_TIME,
        request: limits::REQUEST_TIME,
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: DoorConfig) -> Self {
        Self::prepared(config, |_, _| {})
    }

    /// A door for a caller `READER` that may do everything here, by a token of this role for this case.
    pub(crate) fn for_reader(role: Role, case_id: Option<&CaseId>, listens: u16) -> Self {
        let listens = Remote {
            ae_title: "STORESCP".parse().unwrap(),
            host: "127.0.0.1".to_owned(),
            port: listens,
            tls: false,
        };
        Self::prepared(config(), |config, token| {
            let caller = |title: &str, token_id: Option<TokenId>| Caller {
                may: May {
                    store: true,
                    find: true,
                    retrieve: true,
                },
                case_id: case_id.filter(|_| token_id.is_some()).cloned(),
                token_id,
                listens: Some(listens.clone()).filter(|remote| remote.ae_title.as_str() == title),
                ..Caller::storing(title.parse().unwrap(), Vec::new())
            };
            let new = |name: &str| {
                Some(token(&NewToken {
                    name,
                    role,
                    case_id,
                }))
            };
            config.callers = Callers(vec![
                caller("READER", new("READER")),
                caller("STORESCP", new("STORESCP")),
                caller("TOKENLESS", None),
            ]);
        })
    }

    /// A door that takes associations over TLS, too.
    pub(crate) fn with_tls(incoming: Incoming) -> Self {
        Self::built(config(), |_, _| {}, Some(incoming))
    }

    pub(crate) fn prepared(
        config: DoorConfig,
        change: impl FnOnce(&mut DoorConfig, &dyn Fn(&NewToken<'_>) -> TokenId),
    ) -> Self {
        Self::built(config, change, None)
    }

    fn built(
        mut config: DoorConfig,
        change: impl FnOnce(&mut DoorConfig, &dyn Fn(&NewToken<'_>) -> TokenId),
        incoming: Option<Incoming>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let index = dir.path().join("overread.sqlite");
        let store = runtime.block_on(Store::open_sqlite(&index)).unwrap();
        let token = |new: &NewToken<'_>| {
            runtime.block_on(async {
                let mut tx = store.begin().await.unwrap();
                let (id, _) = tokens::create(&mut tx, new, NOW).await.unwrap();
                tx.commit().await.unwrap();
                id
            })
        };
        change(&mut config, &token);
        let peers = Peers::default();
        let (address, tls_port, ingest, door) = runtime.block_on(async {
            let archive = Archive::open(dir.path()).await.unwrap();
            let ingest = Ingest::open(store, archive).await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut door = Door::new(listener, config, rooms(&ingest, &peers));
            let mut tls_port = 0;
            if let Some(incoming) = incoming {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tls_port = listener.local_addr().unwrap().port();
                door = door.with_tls(listener, incoming);
            }
            let serving = door.serve(async { drop(stopped.await) });
            (address, tls_port, ingest, tokio::spawn(serving))
        });
        Self {
            address,
            tls_port,
            runtime,
            ingest,
            peers,
            stop: Some(stop),
            door: Some(door),
            _dir: dir,
        }
    }

    /// Waits until the page of peers would show one of whom this is true, and returns it.
    pub(crate) fn seen(&self, is_it: impl Fn(&Peer) -> bool) -> Peer {
        let peer = self.peers.wait_for(is_it, PATIENCE);
        peer.unwrap_or_else(|| panic!("{:?}", self.peers.list()))
    }

    /// Returns the store behind the door.
    pub(crate) fn store(&self) -> &Store {
        self.ingest.store()
    }

    /// Revokes every token.
    pub(crate) fn revoke_tokens(&self) {
        self.revoke(|_| true);
    }

    /// Revokes the tokens of which this is true.
    pub(crate) fn revoke(&self, is_meant: impl Fn(&TokenRow) -> bool) {
        self.wait_for(async {
            let mut tx = self.store().begin().await.unwrap();
            for token in tokens::list(&mut tx).await.unwrap() {
                if !is_meant(&token) {
                    continue;
                }
                let id = token.id.parse().unwrap();
                tokens::revoke(&mut tx, &id, NOW).await.unwrap();
            }
            tx.commit().await.unwrap();
        });
    }

    /// Returns where it listens.
    pub(crate) fn remote(&self) -> Remote {
        Remote {
            ae_title: "OVERREAD".parse().unwrap(),
            host: "127.0.0.1".to_owned(),
            port: self.address.port(),
            tls: false,
        }
    }

    /// Returns what calls other doors from here.
    pub(crate) fn scu(&self, own: &str) -> Scu {
        self.scu_over(own, Outgoing::default())
    }

    /// As [`Self::scu`], with what connections over TLS trust and show.
    pub(crate) fn scu_over(&self, own: &str, outgoing: Outgoing) -> Scu {
        Scu::new(
            own.parse().unwrap(),
            outgoing,
            rooms(&self.ingest, &Peers::default()),
        )
    }

    /// Lists whom it called: what for, why in vain, whether it ended, and why it broke off.
    pub(crate) fn calls(&self) -> Vec<(Purpose, String, bool, String)> {
        self.wait_for(async {
            let mut tx = self.ingest.store().read().await.unwrap();
            let calls = peer_calls::list(&mut tx).await.unwrap();
            let told = calls.into_iter();
            told.map(|call| {
                let has_ended = call.ended_at.is_some();
                (call.purpose, call.refused, has_ended, call.reason)
            })
            .collect()
        })
    }

    /// Waits for something that calls other doors.
    pub(crate) fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Counts the audit rows, whose chain holds.
    pub(crate) fn audit_rows(&self) -> u64 {
        self.runtime.block_on(async {
            let mut tx = self.ingest.store().read().await.unwrap();
            let proof = audit::prove(&mut tx).await.unwrap();
            assert_eq!(proof.broken_at, None);
            proof.rows
        })
    }

    /// Lists what is on record of a study, the oldest first.
    pub(crate) fn events_of(&self, study_instance_uid: &str) -> Vec<String> {
        self.wait_for(async {
            let mut tx = self.ingest.store().read().await.unwrap();
            let wanted = audit::Wanted::default();
            let page = audit::list(&mut tx, &wanted, i64::MAX, 1000).await.unwrap();
            let rows = page.rows.into_iter().rev();
            rows.filter(|row| row.subject_id.as_deref() == Some(study_instance_uid))
                .map(|row| row.event)
                .collect()
        })
    }

    /// Makes a study part of a case, as a person would.
    pub(crate) fn link(&self, study_instance_uid: &str, case_id: &CaseId) {
        self.runtime.block_on(async {
            let mut tx = self.ingest.store().begin().await.unwrap();
            let filter = studies::StudyFilter {
                study_instance_uids: vec![study_instance_uid.to_owned()],
                ..studies::StudyFilter::default()
            };
            let page = studies::Page::default();
            let found = studies::search_studies(&mut tx, &Reach::Everything, &filter, &page);
            let key = studies::StudyKey(found.await.unwrap()[0].id);
            studies::link_to_case(&mut tx, key, case_id, NOW)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        });
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

    /// Gives out nothing of an instance any more, as when a proof finds it damaged.
    pub(crate) fn shun(&self, spec: &InstanceSpec) {
        let extent = self.runtime.block_on(async {
            let mut tx = self.ingest.store().read().await.unwrap();
            let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
            let reach = Reach::Everything;
            let uid = &spec.sop_instance_uid;
            let found = studies::find_instance(&mut tx, &reach, study, series, uid);
            found.await.unwrap().unwrap().extent
        });
        let place = (extent.pack_id, extent.offset_bytes);
        self.ingest.archive().shun([place].into());
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
