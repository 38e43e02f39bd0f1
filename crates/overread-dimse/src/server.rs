//! Listens, and keeps count of who is served.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use overread_dicom::FirstReading;
use overread_ingest::Ingest;
use overread_model::peers::{Peer, Peers};
use overread_model::time::Timestamp;
use overread_network::{Place, Places, network_of};
use overread_store::audit::ReadingLog;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::association;
use crate::callers::Known;
use crate::calling::Calling;
use crate::committing;
use crate::stream::Stream;
use crate::{AeTitle, Callers, Incoming, Outgoing, Remote, limits};

/// How the door is set up.
#[derive(Debug, Clone)]
pub struct DoorConfig {
    /// Our title; it is written into the files that are kept.
    pub ae_title: AeTitle,
    /// Who calls another title is refused.
    pub only_own_title: bool,
    /// Who may call, and what for.
    pub callers: Callers,
    /// With what peers are called over TLS.
    pub outgoing: Outgoing,
    /// How long a PDU may take to arrive.
    pub idle: Duration,
    /// How long a peer may take for its association request.
    pub request: Duration,
}

/// What the door works with.
#[derive(Debug, Clone)]
pub struct Rooms {
    /// Takes in what is stored; its store and archive are read.
    pub ingest: Ingest,
    /// Withheld from readers until their lock.
    pub first_reading: FirstReading,
    /// Hears who calls.
    pub peers: Peers,
    /// The only clock.
    pub clock: fn() -> Timestamp,
}

/// A door that listens to nobody yet.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    /// A port of its own for associations over TLS.
    tls: Option<(TcpListener, Incoming)>,
    shared: Arc<Shared>,
}

/// What all associations share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: DoorConfig,
    pub(crate) ingest: Ingest,
    pub(crate) clock: fn() -> Timestamp,
    pub(crate) first_reading: FirstReading,
    pub(crate) readings: ReadingLog,
    pub(crate) rewrites: Arc<Semaphore>,
    /// A request for commitment was kept.
    pub(crate) asked: Notify,
    /// Of callers by network and title.
    associations: Places<Guest, (IpAddr, AeTitle)>,
    pub(crate) peers: Peers,
    named: Places<Guest>,
    unnamed: Places<Guest>,
    strangers: Places<Guest>,
}

impl Shared {
    /// Returns who calls when we call somebody.
    pub(crate) fn calling<'a>(&'a self, remote: &'a Remote) -> Calling<'a> {
        Calling {
            own: &self.config.ae_title,
            remote,
            outgoing: &self.config.outgoing,
            store: self.ingest.store(),
            clock: self.clock,
        }
    }

    /// Takes a place for an association; `None` when there is none for this caller.
    pub(crate) fn associate(
        &self,
        (peer, calling): (IpAddr, &AeTitle),
        progress: &Progress,
    ) -> Option<AssociationPlace> {
        let (open, ended) = oneshot::channel();
        let guest = Guest {
            standing: progress.standing.subscribe(),
            is_named: progress.is_named,
            _open: open,
        };
        let caller = (network_of(peer), calling.clone());
        Some(AssociationPlace {
            _place: self.associations.take_for(caller, guest)?,
            ended,
        })
    }

    /// Notes a connection on which no association was asked for.
    pub(crate) fn unopened(&self, peer: SocketAddr, is_tls: bool, why: &str, advice: &str) {
        self.peers.note(Peer {
            calling: "?".to_owned(),
            called: String::new(),
            address: peer.ip(),
            asked_at: (self.clock)(),
            count: 0,
            is_tls,
            refused: why.to_owned(),
            advice: advice.to_owned(),
            remarks: Vec::new(),
            implementation: String::new(),
            pdu_bytes: 0,
            contexts: Vec::new(),
            ended: None,
            failure: None,
        });
    }

    /// Returns what the door works with.
    pub(crate) fn rooms(&self) -> Rooms {
        Rooms {
            ingest: self.ingest.clone(),
            first_reading: self.first_reading.clone(),
            peers: self.peers.clone(),
            clock: self.clock,
        }
    }
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It has no association.
    Unopened,
    /// It has one, and has asked for nothing.
    Open,
    /// A message has begun, and none has been answered well.
    Asking,
    /// A message was answered well, or its answer takes its time; it surely goes on until then.
    Served(Instant),
}

/// A connection as who else wants its place sees it.
#[derive(Debug)]
struct Guest {
    standing: watch::Receiver<Standing>,
    /// The list names where it comes from.
    is_named: bool,
    /// Ends it when dropped.
    _open: oneshot::Sender<()>,
}

impl Guest {
    /// Says what harm is done when it ends for another. Whom the list names is never cut off once it was served.
    fn harm(&self) -> Option<u8> {
        match *self.standing.borrow() {
            Standing::Unopened => Some(0),
            Standing::Open => Some(1),
            Standing::Asking => Some(2),
            Standing::Served(until) if self.is_named || until > Instant::now() => None,
            Standing::Served(_) => Some(3),
        }
    }
}

/// What one connection and the door tell each other.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) progress: Progress,
    /// Done when another network needs the place.
    pub(crate) ended: oneshot::Receiver<()>,
}

/// Tells the door how far a connection has come.
#[derive(Debug)]
pub(crate) struct Progress {
    standing: watch::Sender<Standing>,
    is_named: bool,
}

impl Progress {
    /// An association is agreed on.
    pub(crate) fn opened(&self) {
        self.standing.send_replace(Standing::Open);
    }

    /// A message begins.
    pub(crate) fn asks(&self) {
        self.standing.send_if_modified(|standing| {
            let is_first = *standing == Standing::Open;
            if is_first {
                *standing = Standing::Asking;
            }
            is_first
        });
    }

    /// A message was answered well, or its answer begins.
    pub(crate) fn served(&self) {
        self.standing.send_if_modified(|standing| {
            let is_first = !matches!(standing, Standing::Served(_));
            if is_first {
                *standing = Standing::Served(Instant::now());
            }
            is_first
        });
    }

    /// An instance was stored, and the next may be on its way until then.
    pub(crate) fn stored(&self, until: Instant) {
        self.standing.send_replace(Standing::Served(until));
    }
}

/// The place of an association.
#[derive(Debug)]
pub(crate) struct AssociationPlace {
    _place: Place<Guest, (IpAddr, AeTitle)>,
    /// Done when another caller needs it.
    pub(crate) ended: oneshot::Receiver<()>,
}

impl Door {
    /// Makes a door of a listening socket.
    pub fn new(listener: TcpListener, config: DoorConfig, rooms: Rooms) -> Self {
        let shared = Shared {
            config,
            ingest: rooms.ingest,
            clock: rooms.clock,
            first_reading: rooms.first_reading,
            readings: ReadingLog::default(),
            rewrites: Arc::new(Semaphore::new(limits::REWRITES)),
            asked: Notify::new(),
            associations: Places::new(limits::ASSOCIATIONS, limits::ASSOCIATIONS_OF_ONE_CALLER)
                .by_harm(Guest::harm)
                .oldest_first(),
            peers: rooms.peers,
            named: Places::new(limits::CONNECTIONS, limits::CONNECTIONS_OF_ONE_NETWORK)
                .by_harm(Guest::harm)
                .oldest_first(),
            unnamed: Places::new(limits::UNNAMED, limits::UNNAMED_OF_ONE_NETWORK)
                .by_harm(Guest::harm),
            strangers: Places::new(limits::STRANGERS, limits::STRANGERS_OF_ONE_NETWORK)
                .by_harm(Guest::harm),
        };
        Self {
            listener,
            tls: None,
            shared: Arc::new(shared),
        }
    }

    /// Takes associations over TLS on a port of its own, too.
    #[must_use]
    pub fn with_tls(mut self, listener: TcpListener, incoming: Incoming) -> Self {
        self.tls = Some((listener, incoming));
        self
    }

    /// Waits for the next connection on either port.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr, Option<Incoming>)> {
        let Some((listener, incoming)) = &self.tls else {
            let (stream, peer) = self.listener.accept().await?;
            return Ok((stream, peer, None));
        };
        tokio::select! {
            accepted = self.listener.accept() => accepted.map(|(stream, peer)| (stream, peer, None)),
            accepted = listener.accept() => {
                accepted.map(|(stream, peer)| (stream, peer, Some(incoming.clone())))
            }
        }
    }

    /// Serves until `stop` is done; then running messages may end, and every association is released.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(false);
        let mut running = JoinSet::new();
        let reporting = tokio::spawn(committing::report_all(Arc::clone(&self.shared)));
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(ended) = running.join_next() => note(ended),
                accepted = self.accept() => match accepted {
                    Ok((stream, peer, tls)) => self.take(&mut running, (stream, tls), peer, &stopped),
                    Err(error) => {
                        tracing::error!(%error, "a DICOM connection could not be taken");
                        sleep(limits::ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop((self.listener, self.tls));
        // A report that was not taken stays due.
        reporting.abort();
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
        (stream, tls): (TcpStream, Option<Incoming>),
        peer: SocketAddr,
        stopped: &watch::Receiver<bool>,
    ) {
        // Strangers are told that they may not store, but they take no place from those who may.
        let known = self.shared.config.callers.known_at(peer.ip());
        let places = match known {
            Known::Named => &self.shared.named,
            Known::Anywhere => &self.shared.unnamed,
            Known::Stranger => &self.shared.strangers,
        };
        let (open, ended) = oneshot::channel();
        let (progress, standing) = watch::channel(Standing::Unopened);
        let is_named = known == Known::Named;
        let guest = Guest {
            standing,
            is_named,
            _open: open,
        };
        let Some(place) = places.take(peer.ip(), guest) else {
            tracing::warn!(peer = %peer.ip(), "too many DICOM connections; one was closed");
            let why = "there were as many connections as may be at once from where it is";
            let advice = "It may call again when others have ended. If it opens many without need, that is to be mended there.";
            self.shared.unopened(peer, tls.is_some(), why, advice);
            return;
        };
        let (shared, stopped) = (Arc::clone(&self.shared), stopped.clone());
        running.spawn(async move {
            let mut seat = Seat {
                progress: Progress {
                    standing: progress,
                    is_named,
                },
                ended,
            };
            let shaken = match tls {
                None => Ok(Stream::Plain(stream)),
                Some(incoming) => shake_hands(&shared, &incoming, stream, &mut seat).await,
            };
            match shaken {
                Ok(stream) => association::serve(shared, stream, peer, seat, stopped).await,
                Err((why, advice)) => {
                    tracing::warn!(peer = %peer.ip(), why, "a DICOM connection spoke no TLS that is taken");
                    let was_tls = why != crate::tls::SPOKE_NONE && why != BEGAN_NO_TLS;
                    shared.unopened(peer, was_tls, why, advice);
                }
            }
            drop(place);
        });
    }
}

/// Begins TLS, in the time that a peer has for its association request.
///
/// # Errors
/// Why it could not begin, and what to do about it.
async fn shake_hands(
    shared: &Shared,
    incoming: &Incoming,
    stream: TcpStream,
    seat: &mut Seat,
) -> Result<Stream, (&'static str, &'static str)> {
    let accepting = TlsAcceptor::from(Arc::clone(&incoming.0)).accept(stream);
    let shaken = tokio::select! {
        shaken = timeout(shared.config.request, accepting) => shaken,
        _ = &mut seat.ended => return Err(MADE_ROOM),
    };
    match shaken {
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream.into()))),
        Ok(Err(error)) => Err(crate::tls::why_not(&error)),
        Err(_) => Err((
            BEGAN_NO_TLS,
            "Let it speak TLS there, or call the other port.",
        )),
    }
}

const BEGAN_NO_TLS: &str = "it connected to the port for TLS and did not begin it in time";

/// Why a connection ended before its association began.
pub(crate) const MADE_ROOM: (&str, &str) = (
    "it made room for another caller, as long as it had asked for nothing that could be done",
    "It may call again; nothing has to be changed.",
);

fn note(ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a DICOM association failed inside the program");
    }
}
