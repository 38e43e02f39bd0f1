//! Takes connections in, no more than fit, and ends those that stand still.
//!
//! A sender may be slow, but every header, every next piece of a body and every reading of an answer has its time; so
//! half-open connections free their place again. When every place is taken, a connection that finds none is closed at
//! once: waiting for a place would keep everybody else waiting too. In HTTP/2 the requests of one connection share its
//! place, so their number has its limit too.

mod askers;
mod conversation;
mod guest;
#[cfg(test)]
mod tests;
mod tls;
mod watched;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use overread_network::Places;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsAcceptor;

use crate::limits;
use askers::Askers;
use conversation::Conversation;
use guest::{Guest, Phase};
pub(crate) use tls::Certificate;

/// What connections may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Connections at once; one more is closed, or the newest of the network that has most.
    pub(crate) connections: usize,
    /// Connections at once from one network, so that no stranger takes every place.
    pub(crate) of_one_network: usize,
    /// Addresses behind which many callers stand, so that they are no one network: a proxy's. When every place is taken, a
    /// connection from there makes room that waits for its next request, asks nothing in its time, sends or takes next to
    /// nothing, or is one of too many of one asker.
    pub(crate) is_shared: fn(IpAddr) -> bool,
    /// How long a connection may ask nothing, or send or take next to nothing, before it makes room, when every place is
    /// taken.
    pub(crate) first: Duration,
    /// How much of such time it may pay ahead by what it sends and takes.
    pub(crate) ahead: Duration,
    /// How long a whole header may take, also from the end of the request before.
    pub(crate) header: Duration,
    /// How long the next piece of a body may take.
    pub(crate) body: Duration,
    /// How long a client may leave an answer unread.
    pub(crate) answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS,
            of_one_network: limits::CONNECTIONS_OF_ONE_NETWORK,
            // What connects from this machine is a proxy, or somebody who could do worse.
            is_shared: |address| address.to_canonical().is_loopback(),
            first: limits::FIRST_TIME,
            ahead: limits::PAID_AHEAD,
            header: limits::HEADER_TIME,
            body: limits::BODY_TIME,
            answer: limits::ANSWER_TIME,
        }
    }
}

/// What listens: at an address, with a router behind it, and TLS in front of it when it is set up.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) patience: Patience,
}

/// Serves until `stop` ends, then lets running requests end.
pub(crate) async fn serve(listening: Listening, stop: impl Future<Output = ()>) {
    let Listening {
        listener,
        router,
        tls,
        patience,
    } = listening;
    let places = Places::new(patience.connections, patience.of_one_network)
        .by_harm(Guest::harm)
        .shared_by_many(patience.is_shared);
    let askers = Askers::new(patience.connections / limits::ASKERS);
    let (end, stopped) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let (stream, address) = tokio::select! {
            accepted = accept(&listener) => match accepted {
                Some(accepted) => accepted,
                None => continue,
            },
            () = &mut stop => break,
        };
        let (open, ended) = oneshot::channel::<()>();
        let phase = Phase::fresh(&askers, patience.ahead);
        let guest = Guest {
            _open: open,
            is_shared: (patience.is_shared)(address.ip()),
            first: patience.first,
            phase: phase.clone(),
        };
        let Some(place) = places.take(address.ip(), guest) else {
            continue;
        };
        let conversation = Conversation {
            router: router.clone(),
            address,
            patience,
            phase,
            tls: tls.clone(),
            stopped: stopped.clone(),
        };
        tokio::spawn(async move {
            tokio::select! {
                () = conversation.run(stream) => {}
                _ = ended => {}
            }
            drop(place);
        });
    }
    drop((listener, stopped));
    end.send_replace(());
    // Every conversation holds a receiver until it ends.
    end.closed().await;
}

/// Waits for somebody who comes.
async fn accept(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok((stream, address)) => {
            // Small answers must not wait for a full packet.
            let _ = stream.set_nodelay(true);
            Some((stream, address))
        }
        Err(error) if is_of_the_client(&error) => None,
        Err(error) => {
            tracing::error!(%error, "a connection could not be taken in");
            tokio::time::sleep(limits::REFUSED_PAUSE).await;
            None
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
