//! What is said on one connection: TLS when it is set up, then HTTP/1.1 or HTTP/2, whichever the client begins.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use overread_dicomweb::SendsFiles;
use overread_web::TellsAsker;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::Patience;
use super::guest::{Arriving, Phase, Running};
use super::watched::Watched;
use crate::limits;

/// One connection, and what it is answered by.
pub(super) struct Conversation {
    pub(super) router: Router,
    pub(super) address: SocketAddr,
    pub(super) patience: Patience,
    pub(super) phase: Phase,
    pub(super) tls: Option<TlsAcceptor>,
    /// Changes when the server stops.
    pub(super) stopped: watch::Receiver<()>,
}

/// A connection that is ready for requests.
enum Opened {
    Plain(Watched),
    Secret(Box<tokio_rustls::server::TlsStream<Watched>>),
}

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    /// HTTP/1.1.
    One,
    /// As [`Self::One`], on a connection that also sends files.
    OneWithFiles,
    /// HTTP/2.
    Two,
}

impl Spoken {
    const fn is_two(is_two: bool) -> Self {
        if is_two { Self::Two } else { Self::One }
    }
}

impl Conversation {
    /// Answers until the client goes, asks nothing any more, or the server stops. How it ended is the client's affair.
    pub(super) async fn run(mut self, stream: TcpStream) {
        let mut stopped = self.stopped.clone();
        let opened = tokio::select! {
            opened = timeout(self.patience.header, self.open(stream)) => opened,
            _ = stopped.changed() => return,
        };
        match opened {
            Ok(Ok((Opened::Plain(stream), Spoken::One))) => {
                // Only here do the bytes of an answer reach the connection as they are.
                self.answer_all(stream, Spoken::OneWithFiles).await;
            }
            Ok(Ok((Opened::Plain(stream), spoken))) => self.answer_all(stream, spoken).await,
            Ok(Ok((Opened::Secret(stream), spoken))) => self.answer_all(*stream, spoken).await,
            Ok(Err(_)) | Err(_) => {}
        }
    }

    /// Shakes hands, and says what the client speaks.
    async fn open(&mut self, stream: TcpStream) -> io::Result<(Opened, Spoken)> {
        let mut stream = Watched::new(stream, self.phase.clone(), self.patience.answer);
        let Some(tls) = &self.tls else {
            let is_two = stream.begins_two().await?;
            return Ok((Opened::Plain(stream), Spoken::is_two(is_two)));
        };
        let stream = tls.accept(stream).await?;
        let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Opened::Secret(Box::new(stream)), Spoken::is_two(is_two)))
    }

    async fn answer_all<I>(self, stream: I, spoken: Spoken)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            router,
            address,
            patience,
            phase,
            stopped,
            ..
        } = self;
        let end = End {
            phase: phase.clone(),
            patience,
            stopped,
        };
        let places = Arc::new(Semaphore::new(limits::REQUESTS_OF_ONE_CONNECTION));
        let service = service_fn(move |request: Request<Incoming>| {
            let running = Running::start(&phase);
            let arriving = (!request.body().is_end_stream()).then(|| Arriving::start(&phase));
            let mut request = request.map(|body| in_time(body, patience, arriving));
            let asked = phase.clone();
            let told = TellsAsker::to(move |asker| asked.asked_by(asker));
            request.extensions_mut().insert(told);
            if spoken == Spoken::OneWithFiles {
                request.extensions_mut().insert(SendsFiles);
            }
            let (router, places) = (router.clone(), Arc::clone(&places));
            async move {
                let place = places.acquire_owned().await.ok();
                let response = answer(router, request, address).await?;
                Ok::<_, Infallible>(running.until_read(response, place))
            }
        });
        let stream = TokioIo::new(stream);
        if spoken == Spoken::Two {
            let connection = http_2().serve_connection(stream, service);
            end.reached(connection, |connection| connection.graceful_shutdown())
                .await;
        } else {
            // A channel to a subscriber takes the connection over.
            let connection = http_1(patience).serve_connection(stream, service);
            let connection = connection.with_upgrades();
            end.reached(connection, |connection| connection.graceful_shutdown())
                .await;
        }
    }
}

fn http_1(patience: Patience) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(patience.header)
        // Never copied together: bytes may stand for a piece of a file.
        .writev(true)
        .max_buf_size(limits::BUFFER_BYTES);
    http
}

fn http_2() -> http2::Builder<TokioExecutor> {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(limits::STREAMS_OF_ONE_CONNECTION)
        .max_pending_accept_reset_streams(limits::RESET_STREAMS)
        .max_local_error_reset_streams(limits::RESET_STREAMS)
        .max_header_list_size(limits::HEADER_BYTES)
        .initial_connection_window_size(limits::UNREAD_BYTES)
        .initial_stream_window_size(limits::UNREAD_BYTES_OF_ONE)
        .max_send_buf_size(limits::BUFFER_BYTES);
    http
}

/// When a conversation ends, if the client does not end it.
struct End {
    phase: Phase,
    patience: Patience,
    stopped: watch::Receiver<()>,
}

impl End {
    /// Runs a connection to its end; `wind_up` lets it end what runs and take in nothing more.
    async fn reached<C: Future>(mut self, connection: C, wind_up: fn(Pin<&mut C>)) {
        let mut connection = pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = self.stopped.changed() => wind_up(connection.as_mut()),
            () = until(&self.patience, || self.phase.is_over(&self.patience)) => {
                wind_up(connection.as_mut());
                // What was handed over may still be on its way to a slow client.
                tokio::select! {
                    _ = connection => {}
                    () = until(&self.patience, || self.phase.is_still(self.patience.answer)) => {}
                }
                return;
            }
        }
        tokio::select! {
            _ = connection => {}
            () = until(&self.patience, || self.phase.is_over(&self.patience)) => {}
        }
    }
}

/// Asks again and again.
async fn until(patience: &Patience, is_so: impl Fn() -> bool) {
    let pause = patience.header.min(patience.answer) / limits::LOOKS;
    while !is_so() {
        sleep(pause).await;
    }
}

async fn answer(
    router: Router,
    mut request: Request,
    address: SocketAddr,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(address));
    name_host(&mut request);
    router.oneshot(request).await
}

/// Says the host as HTTP/1.1 does, where HTTP/2 says it in the address (RFC 9113 8.3.1).
fn name_host(request: &mut Request) {
    let Some(authority) = request.uri().authority() else {
        return;
    };
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        request.headers_mut().insert(header::HOST, host);
    }
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
}

/// Ends a body whose next piece does not come.
fn in_time(body: Incoming, patience: Patience, arriving: Option<Arriving>) -> Body {
    let Some(arriving) = arriving else {
        return Body::empty();
    };
    let pieces = Body::new(body).into_data_stream();
    let start = Some((pieces, arriving));
    Body::from_stream(stream::unfold(start, move |state| async move {
        let (mut pieces, mut arriving) = state?;
        arriving.want(true);
        match timeout(patience.body, pieces.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) => {
                arriving.arrived(piece.len());
                Some((Ok(piece), Some((pieces, arriving))))
            }
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Err(_) => {
                let stopped = io::Error::new(io::ErrorKind::TimedOut, "the sender stopped sending");
                Some((Err(stopped), None))
            }
        }
    }))
}
