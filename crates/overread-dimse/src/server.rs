//! Listens, and keeps count of who is served.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use overread_ingest::Ingest;
use overread_model::time::Timestamp;
use overread_network::Places;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::association;
use crate::callers::Known;
use crate::{AeTitle, Callers, limits};

/// How the door is set up.
#[derive(Debug, Clone)]
pub struct DoorConfig {
    /// Our title; it is written into the files that are kept.
    pub ae_title: AeTitle,
    /// Who may store.
    pub callers: Callers,
    /// How long a PDU may take to arrive.
    pub idle: Duration,
    /// How long a peer may take for its association request.
    pub request: Duration,
}

/// A door that listens to nobody yet.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// What all associations share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: DoorConfig,
    pub(crate) ingest: Ingest,
    pub(crate) clock: fn() -> Timestamp,
    pub(crate) associations: Arc<Semaphore>,
    named: Places<Guest>,
    unnamed: Places<Guest>,
    strangers: Places<Guest>,
}

/// A connection as who else wants its place sees it.
#[derive(Debug)]
struct Guest {
    /// Until when it is surely storing; `None` while it has no association.
    storing_until: watch::Receiver<Option<Instant>>,
    /// Ends it when dropped.
    _open: oneshot::Sender<()>,
}

impl Guest {
    /// Says what harm is done when it ends for another.
    fn harm(&self) -> Option<u8> {
        match *self.storing_until.borrow() {
            None => Some(0),
            Some(at) if at <= Instant::now() => Some(1),
            Some(_) => None,
        }
    }
}

/// What one connection and the door tell each other.
#[derive(Debug)]
pub(crate) struct Seat {
    /// Until when it is surely storing; `None` while it has no association.
    pub(crate) storing_until: watch::Sender<Option<Instant>>,
    /// Done when another network needs the place.
    pub(crate) ended: oneshot::Receiver<()>,
}

impl Door {
    /// Makes a door of a listening socket.
    pub fn new(
        listener: TcpListener,
        config: DoorConfig,
        ingest: Ingest,
        clock: fn() -> Timestamp,
    ) -> Self {
        let shared = Shared {
            config,
            ingest,
            clock,
            associations: Arc::new(Semaphore::new(limits::ASSOCIATIONS)),
            // Whom the list names is never cut off for another.
            named: Places::new(limits::CONNECTIONS, limits::CONNECTIONS).by_harm(|_| None),
            unnamed: Places::new(limits::UNNAMED, limits::UNNAMED_OF_ONE_NETWORK)
                .by_harm(Guest::harm),
            strangers: Places::new(limits::STRANGERS, limits::STRANGERS_OF_ONE_NETWORK)
                .by_harm(Guest::harm),
        };
        Self {
            listener,
            shared: Arc::new(shared),
        }
    }

    /// Serves until `stop` is done; then running messages may end, and every association is released.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(false);
        let mut running = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(ended) = running.join_next() => note(ended),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.take(&mut running, stream, peer, &stopped),
                    Err(error) => {
                        tracing::error!(%error, "a DICOM connection could not be taken");
                        sleep(limits::ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(self.listener);
        stopping.send_replace(true);
        let all = async {
            while let Some(ended) = running.join_next().await {
                note(ended);
            }
        };
        if timeout(limits::GRACE_TIME, all).await.is_err() {
            tracing::warn!("DICOM associations that did not end in time were cut off");
        }
        running.shutdown().await;
    }

    /// Serves one connection beside the others, or closes it when there are too many.
    fn take(
        &self,
        running: &mut JoinSet<()>,
        stream: TcpStream,
        peer: SocketAddr,
        stopped: &watch::Receiver<bool>,
    ) {
        // Strangers are told that they may not store, but they take no place from those who may.
        let places = match self.shared.config.callers.known_at(peer.ip()) {
            Known::Named => &self.shared.named,
            Known::Anywhere => &self.shared.unnamed,
            Known::Stranger => &self.shared.strangers,
        };
        let (open, ended) = oneshot::channel();
        let (storing_until, is_storing) = watch::channel(None);
        let guest = Guest {
            storing_until: is_storing,
            _open: open,
        };
        let Some(place) = places.take(peer.ip(), guest) else {
            tracing::warn!(peer = %peer.ip(), "too many DICOM connections; one was closed");
            return;
        };
        let (shared, stopped) = (Arc::clone(&self.shared), stopped.clone());
        running.spawn(async move {
            let seat = Seat {
                storing_until,
                ended,
            };
            association::serve(shared, stream, peer, seat, stopped).await;
            drop(place);
        });
    }
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a DICOM association failed inside the program");
    }
}
