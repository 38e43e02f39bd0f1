//! Takes connections in, no more than fit, and ends those that stand still.
//!
//! A sender may be slow, but every header, every next piece of a body and every reading of an answer has its time; so
//! half-open connections free their place again. When every place is taken, a connection that finds none is closed at
//! once: waiting for a place would keep everybody else waiting too.

mod guest;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use overread_network::Places;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt;

use crate::limits;
use guest::{Guest, Phase, Running};

/// What connections may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Connections at once; one more is closed, or the newest of the network that has most.
    pub(crate) connections: usize,
    /// Connections at once from one network, so that no stranger takes every place.
    pub(crate) of_one_network: usize,
    /// Addresses behind which many callers stand, so that they are no one network: a proxy's. When every place is taken, a
    /// connection from there that waits for its next request, or asks or sends next to nothing in its time, makes room.
    pub(crate) is_shared: fn(IpAddr) -> bool,
    /// How long a connection may ask nothing, or send next to nothing, before it makes room, when every place is taken.
    pub(crate) first: Duration,
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
            header: limits::HEADER_TIME,
            body: limits::BODY_TIME,
            answer: limits::ANSWER_TIME,
        }
    }
}

/// Serves until `stop` ends, then lets running requests end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Patience,
    stop: impl Future<Output = ()>,
) {
    let places = Places::new(patience.connections, patience.of_one_network)
        .by_harm(Guest::harm)
        .shared_by_many(patience.is_shared);
    let connections = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(patience.header)
        .max_buf_size(limits::BUFFER_BYTES);
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
        let phase = Phase::fresh();
        let guest = Guest {
            _open: open,
            is_shared: (patience.is_shared)(address.ip()),
            first: patience.first,
            phase: phase.clone(),
        };
        let Some(place) = places.take(address.ip(), guest) else {
            continue;
        };
        let router = router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let running = Running::start(&phase, !request.body().is_end_stream());
            let request = request.map(|body| in_time(body, patience.body, phase.clone()));
            let answered = answer(router.clone(), request, address);
            async move { Ok::<_, Infallible>(running.until_read(answered.await?)) }
        });
        let stream = Watched::new(stream, patience.answer);
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // How a connection ended is the client's affair.
            tokio::select! {
                _ = connection => {}
                _ = ended => {}
            }
            drop(place);
        });
    }
    drop(listener);
    connections.shutdown().await;
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

async fn answer(
    router: Router,
    mut request: Request,
    address: SocketAddr,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(address));
    router.oneshot(request).await
}

/// Ends a body whose next piece does not come.
fn in_time(body: Incoming, patience: Duration, phase: Phase) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let pieces = Body::new(body).into_data_stream();
    let start = (pieces, phase);
    Body::from_stream(stream::unfold(
        start,
        move |(mut pieces, phase)| async move {
            let piece = match tokio::time::timeout(patience, pieces.next()).await {
                Ok(None) => {
                    phase.is_whole();
                    return None;
                }
                Ok(Some(Ok(piece))) => {
                    phase.arrived(piece.len());
                    Ok(piece)
                }
                Ok(Some(Err(error))) => Err(io::Error::other(error)),
                Err(_) => Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the sender stopped sending",
                )),
            };
            Some((piece, (pieces, phase)))
        },
    ))
}

/// A connection whose reader may not fall asleep.
struct Watched {
    stream: TcpStream,
    patience: Duration,
    /// Runs while nothing can be written.
    stall: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Watched {
    fn new(stream: TcpStream, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            stall: None,
        }
    }

    fn judge<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let patience = self.patience;
        let stall = self
            .stall
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        stall
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.judge(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::extract::ConnectInfo;
    use axum::routing::{get, post};
    use futures_util::stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::sync::{mpsc, oneshot};

    use super::{Patience, serve};

    #[tokio::test]
    async fn one_network_takes_no_more_than_its_share() {
        let patience = Patience {
            of_one_network: 2,
            ..PATIENT
        };
        let (address, _stop) = door(hello(), patience).await;
        let mut sleepers = Vec::new();
        for _ in 0..2 {
            sleepers.push(TcpStream::connect(address).await.unwrap());
        }
        let mut third = TcpStream::connect(address).await.unwrap();
        assert_eq!(third.read(&mut [0; 8]).await.unwrap_or(0), 0, "hung up on");
        sleepers.pop();
        for _ in 0..100 {
            let mut next = TcpStream::connect(address).await.unwrap();
            let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
            if next.write_all(request).await.is_ok()
                && next.read(&mut [0; 8]).await.is_ok_and(|count| count > 0)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("a place that was given back stays taken");
    }

    const SHORT: Duration = Duration::from_millis(150);
    const LONG: Duration = Duration::from_secs(60);
    const PATIENT: Patience = Patience {
        connections: 8,
        of_one_network: 8,
        is_shared: |_| false,
        first: LONG,
        header: LONG,
        body: LONG,
        answer: LONG,
    };

    /// Serves a router; returns the address, and what stops it.
    async fn door(router: Router, patience: Patience) -> (SocketAddr, oneshot::Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(listener, router, patience, async {
            drop(stopped.await);
        }));
        (address, stop)
    }

    /// Sends a start, then nothing, and returns what came until the server closed.
    async fn sent(address: SocketAddr, start: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        tokio::time::timeout(LONG / 4, read)
            .await
            .expect("the server closes")
            .unwrap();
        String::from_utf8(answer).unwrap()
    }

    fn hello() -> Router {
        let say = |ConnectInfo(from): ConnectInfo<SocketAddr>| async move { from.ip().to_string() };
        Router::new()
            .route("/", get(say))
            .route("/", post(|body: Bytes| async move { body }))
    }

    #[tokio::test]
    async fn half_a_header_is_closed() {
        let patience = Patience {
            header: SHORT,
            ..PATIENT
        };
        let (address, _stop) = door(hello(), patience).await;
        for start in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\nX-Half"] {
            assert!(!sent(address, start).await.contains("200"), "{start}");
        }
        let got = sent(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(got.starts_with("HTTP/1.1 200"), "{got}");
        assert!(got.ends_with("127.0.0.1"), "{got}");
    }

    #[tokio::test]
    async fn half_a_body_is_closed() {
        let patience = Patience {
            body: SHORT,
            ..PATIENT
        };
        let (address, _stop) = door(hello(), patience).await;
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n";
        let got = sent(address, &format!("{head}\r\nhal")).await;
        assert!(got.starts_with("HTTP/1.1 400"), "{got}");
        let got = sent(address, &format!("{head}Connection: close\r\n\r\nfull")).await;
        assert!(got.ends_with("\r\n\r\nfull"), "{got}");
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_is_dropped() {
        let (alive, mut ended) = mpsc::channel::<()>(1);
        let endless = move || {
            let alive = alive.clone();
            async move {
                Body::from_stream(stream::repeat_with(move || {
                    let _held = &alive;
                    Ok::<_, std::io::Error>(Bytes::from_static(&[0; 8192]))
                }))
            }
        };
        let patience = Patience {
            answer: SHORT,
            header: SHORT,
            ..PATIENT
        };
        let (address, stop) = door(Router::new().route("/", get(endless)), patience).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        // Once the server stops, only the answer keeps the channel open.
        assert!(stream.read_u8().await.is_ok());
        drop(stop);
        let end = tokio::time::timeout(LONG / 4, ended.recv()).await;
        assert_eq!(end, Ok(None));
    }

    /// Connects from an address of this machine.
    async fn from(host: u8, to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, host], 0).into()).unwrap();
        socket.connect(to).await.unwrap()
    }

    async fn is_answered(mut stream: TcpStream) -> bool {
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let asked = stream.write_all(request).await;
        asked.is_ok() && stream.read(&mut [0; 8]).await.is_ok_and(|count| count > 0)
    }

    #[tokio::test]
    async fn networks_that_take_every_place_do_not_shut_the_door() {
        let patience = Patience {
            connections: 4,
            of_one_network: 2,
            ..PATIENT
        };
        let (address, _stop) = door(hello(), patience).await;
        let mut idle = Vec::new();
        for host in [2, 2, 3, 3] {
            idle.push(from(host, address).await);
        }
        assert!(is_answered(from(4, address).await).await);
        let mut ended = 0;
        for mut stream in idle {
            let end = tokio::time::timeout(SHORT, stream.read(&mut [0; 8])).await;
            ended += usize::from(end.is_ok());
        }
        assert_eq!(ended, 1, "one made room, the others stay");
    }

    #[tokio::test]
    async fn a_full_proxy_lets_in_who_comes_next() {
        let patience = Patience {
            connections: 3,
            of_one_network: 1,
            is_shared: |address| address.is_loopback(),
            ..PATIENT
        };
        let (address, _stop) = door(hello(), patience).await;
        // One is answered and kept, one is in the middle of a request, one has just come.
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 512];
        let mut length = 0;
        while !answer[..length].ends_with(b"127.0.0.1") {
            length += idle.read(&mut answer[length..]).await.unwrap();
        }
        let mut busy = TcpStream::connect(address).await.unwrap();
        let start = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfu";
        busy.write_all(start).await.unwrap();
        let fresh = TcpStream::connect(address).await.unwrap();
        // The answer arrives a moment before the server is done with it.
        let comes_in =
            async { while !is_answered(TcpStream::connect(address).await.unwrap()).await {} };
        assert!(tokio::time::timeout(LONG, comes_in).await.is_ok());
        assert_eq!(idle.read(&mut [0; 8]).await.unwrap_or(0), 0, "it made room");
        busy.write_all(b"ll").await.unwrap();
        assert!(busy.read(&mut [0; 8]).await.is_ok_and(|count| count > 0));
        assert!(is_answered(fresh).await);
    }

    #[tokio::test]
    async fn a_proxy_full_of_those_who_ask_nothing_is_open_again_soon() {
        let patience = Patience {
            connections: 3,
            is_shared: |address| address.is_loopback(),
            first: SHORT,
            ..PATIENT
        };
        let (address, _stop) = door(hello(), patience).await;
        let mut silent = Vec::new();
        let start = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\na";
        for begun in ["", "GET / HT", start] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            silent.push(stream);
        }
        for _ in 0..2 {
            let comes_in =
                async { while !is_answered(TcpStream::connect(address).await.unwrap()).await {} };
            assert!(tokio::time::timeout(LONG / 4, comes_in).await.is_ok());
        }
        let mut busy = Vec::new();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _refused = stream.write_all(start.as_bytes()).await;
            busy.push(stream);
        }
        let comes_in =
            async { while !is_answered(TcpStream::connect(address).await.unwrap()).await {} };
        assert!(tokio::time::timeout(LONG / 4, comes_in).await.is_ok());
    }

    #[tokio::test]
    async fn a_stop_lets_running_requests_end() {
        let (asked, mut is_asked) = mpsc::channel::<()>(1);
        let (go, gone) = tokio::sync::watch::channel(false);
        let slow = move || {
            let (asked, mut gone) = (asked.clone(), gone.clone());
            async move {
                asked.send(()).await.unwrap();
                gone.wait_for(|go| *go).await.unwrap();
                "done"
            }
        };
        let (address, stop) = door(Router::new().route("/", get(slow)), PATIENT).await;
        let client =
            tokio::spawn(async move { sent(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await });
        is_asked.recv().await.unwrap();
        drop(stop);
        go.send(true).unwrap();
        assert!(client.await.unwrap().ends_with("done"));
    }
}
