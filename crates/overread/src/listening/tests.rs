//! Slow, silent and many clients, in HTTP/1.1; HTTP/2 and TLS have modules of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

mod secret;
mod sharing;
mod two;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_rustls::TlsAcceptor;

use super::{Listening, Patience, serve};

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
    assert!(is_answered_soon(address).await, "a place was given back");
}

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(60);
const PATIENT: Patience = Patience {
    connections: 8,
    of_one_network: 8,
    is_shared: |_| false,
    first: LONG,
    ahead: LONG,
    header: LONG,
    body: LONG,
    answer: LONG,
};

/// Serves a router; returns the address, and what stops it.
async fn door(router: Router, patience: Patience) -> (SocketAddr, oneshot::Sender<()>) {
    door_with(router, patience, None).await
}

async fn door_with(
    router: Router,
    patience: Patience,
    tls: Option<TlsAcceptor>,
) -> (SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let listening = Listening {
        listener,
        router,
        tls,
        patience,
    };
    tokio::spawn(serve(listening, async {
        drop(stopped.await);
    }));
    (address, stop)
}

/// Sends a start, then nothing, and returns what came until the server closed.
async fn sent(address: SocketAddr, start: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _late = stream.write_all(start.as_bytes()).await;
    String::from_utf8(rest_of(&mut stream).await).unwrap()
}

/// Reads until the server closes; how it closes matters to nobody.
async fn rest_of(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(LONG / 4, stream.read_to_end(&mut rest)).await;
    let _reset = read.expect("the server closes");
    rest
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
    assert!(is_answered_soon(address).await, "a whole one");
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

/// Answers without end; the channel ends once nobody serves it and no answer is left.
fn endless() -> (Router, mpsc::Receiver<()>) {
    let (alive, ended) = mpsc::channel::<()>(1);
    let endless = move || {
        let alive = alive.clone();
        async move {
            Body::from_stream(stream::repeat_with(move || {
                let _held = &alive;
                Ok::<_, std::io::Error>(Bytes::from_static(&[0; 8192]))
            }))
        }
    };
    (Router::new().route("/", get(endless)), ended)
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_dropped() {
    let (router, mut ended) = endless();
    let patience = Patience {
        answer: SHORT,
        header: SHORT,
        ..PATIENT
    };
    let (address, stop) = door(router, patience).await;
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

/// Asks until it is answered: who comes a moment early, or on a machine that stood still in between, is hung up on.
async fn is_answered_soon(address: SocketAddr) -> bool {
    let asks = async { while !is_answered(TcpStream::connect(address).await.unwrap()).await {} };
    tokio::time::timeout(LONG / 4, asks).await.is_ok()
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
    assert!(is_answered_soon(address).await);
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
        assert!(is_answered_soon(address).await);
    }
    let mut busy = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _refused = stream.write_all(start.as_bytes()).await;
        busy.push(stream);
    }
    assert!(is_answered_soon(address).await);
}

/// Answers "done" once it is let go, and says when it is asked.
fn slow() -> (Router, mpsc::Receiver<()>, watch::Sender<bool>) {
    let (asked, is_asked) = mpsc::channel::<()>(1);
    let (go, gone) = watch::channel(false);
    let slow = move || {
        let (asked, mut gone) = (asked.clone(), gone.clone());
        async move {
            asked.send(()).await.unwrap();
            gone.wait_for(|go| *go).await.unwrap();
            "done"
        }
    };
    (Router::new().route("/", get(slow)), is_asked, go)
}

#[tokio::test]
async fn a_stop_lets_running_requests_end() {
    let (router, mut is_asked, go) = slow();
    let (address, stop) = door(router, PATIENT).await;
    let client =
        tokio::spawn(async move { sent(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await });
    is_asked.recv().await.unwrap();
    drop(stop);
    go.send(true).unwrap();
    assert!(client.await.unwrap().ends_with("done"));
}
