//! HTTP/2, from a real client.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::routing::get;
use futures_util::future::join_all;
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::{LONG, PATIENT, Patience, SHORT, door, endless, hello, is_answered, rest_of, slow};
use crate::limits;

/// Begins HTTP/2 by prior knowledge; the task ends with the connection.
async fn two(address: SocketAddr) -> (SendRequest<Body>, JoinHandle<()>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let shake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = shake.await.unwrap();
    let ends = tokio::spawn(async move { drop(connection.await) });
    (sender, ends)
}

fn ask(address: SocketAddr) -> Request<Body> {
    let uri = format!("http://{address}/");
    Request::builder().uri(uri).body(Body::empty()).unwrap()
}

async fn text(sender: &mut SendRequest<Body>, request: Request<Body>) -> (StatusCode, String) {
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Begins anew until it is answered: who asks late, as on a machine that stood still in between, is hung up on.
async fn answered(address: SocketAddr) -> (Response<Incoming>, SendRequest<Body>, JoinHandle<()>) {
    let asks = async {
        loop {
            let (mut sender, ends) = two(address).await;
            if let Ok(response) = sender.send_request(ask(address)).await {
                return (response, sender, ends);
            }
        }
    };
    tokio::time::timeout(LONG / 4, asks)
        .await
        .expect("an answer")
}

async fn ended(task: JoinHandle<()>) -> bool {
    tokio::time::timeout(LONG / 4, task).await.is_ok()
}

#[tokio::test]
async fn both_versions_are_spoken_at_one_address() {
    let say_host = |headers: HeaderMap, uri: axum::http::Uri| async move {
        let host = headers.get("host").unwrap().to_str().unwrap().to_owned();
        format!("{host} {uri}")
    };
    let router = hello().route("/host", get(say_host));
    let (address, _stop) = door(router, PATIENT).await;
    let (mut sender, _ends) = two(address).await;
    let got = text(&mut sender, ask(address)).await;
    assert_eq!(got, (StatusCode::OK, "127.0.0.1".to_owned()));
    let mut request = ask(address);
    *request.uri_mut() = format!("http://{address}/host?a=b").parse().unwrap();
    let got = text(&mut sender, request).await.1;
    assert_eq!(got, format!("{address} /host?a=b"), "as in HTTP/1.1");
    let mut request = ask(address);
    *request.method_mut() = axum::http::Method::POST;
    *request.body_mut() = Body::from("sent");
    assert_eq!(text(&mut sender, request).await.1, "sent");
    assert!(is_answered(TcpStream::connect(address).await.unwrap()).await);
}

#[tokio::test]
async fn a_connection_that_asks_nothing_ends() {
    let patience = Patience {
        header: SHORT,
        answer: SHORT,
        ..PATIENT
    };
    let (address, _stop) = door(hello(), patience).await;
    let (response, _sender, ends) = answered(address).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(ended(ends).await, "it rests");
    let (_sender, ends) = two(address).await;
    assert!(ended(ends).await, "it never asked");
    for begun in ["P", "PRI", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _late = stream.write_all(begun.as_bytes()).await;
        rest_of(&mut stream).await;
    }
}

/// A client that answers every word of the protocol, but reads no answer.
#[tokio::test]
async fn an_answer_that_nobody_reads_ends_the_connection() {
    let (router, mut is_dropped) = endless();
    let patience = Patience {
        answer: SHORT,
        header: SHORT,
        ..PATIENT
    };
    let (address, stop) = door(router, patience).await;
    let (unread, _sender, ends) = answered(address).await;
    assert!(ended(ends).await);
    drop(stop);
    let end = tokio::time::timeout(LONG / 4, is_dropped.recv()).await;
    assert_eq!(end, Ok(None));
    drop(unread);
}

#[tokio::test]
async fn a_slow_reader_is_waited_for() {
    let pieces = || async {
        let pieces =
            stream::iter((0..64).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![7; 65_536]))));
        Body::from_stream(pieces)
    };
    let patience = Patience {
        answer: SHORT * 2,
        header: SHORT * 2,
        ..PATIENT
    };
    let (address, _stop) = door(Router::new().route("/", get(pieces)), patience).await;
    // Who is held up by the machine is no slow reader, and reads again.
    for _ in 0..20 {
        let (response, _sender, _ends) = answered(address).await;
        let mut body = response.into_body();
        let (begun, mut pause, mut length) = (Instant::now(), Duration::ZERO, 0);
        let mut last = begun;
        while let Some(Ok(frame)) = body.frame().await {
            length += frame.into_data().unwrap().len();
            tokio::time::sleep(Duration::from_millis(3)).await;
            pause = pause.max(last.elapsed());
            last = Instant::now();
        }
        if length == 64 * 65_536 {
            assert!(begun.elapsed() > patience.answer, "it was no slow reader");
            return;
        }
        assert!(pause > SHORT / 4, "cut off after {length} bytes");
    }
    panic!("the machine stands still all the time");
}

#[tokio::test]
async fn a_body_that_stops_is_given_up() {
    let patience = Patience {
        body: SHORT,
        ..PATIENT
    };
    let (address, _stop) = door(hello(), patience).await;
    let (mut sender, _ends) = two(address).await;
    let (_more, rest) = mpsc::channel::<Bytes>(1);
    let start = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"ha"))]);
    let rest = stream::unfold(rest, |mut rest| async move {
        let piece = rest.recv().await?;
        Some((Ok(piece), rest))
    });
    let mut request = ask(address);
    *request.method_mut() = axum::http::Method::POST;
    *request.body_mut() = Body::from_stream(futures_util::StreamExt::chain(start, rest));
    let got = tokio::time::timeout(LONG / 4, text(&mut sender, request)).await;
    assert_eq!(got.unwrap().0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn few_requests_of_a_connection_run_at_once() {
    // How many run, and how many did at once at most; nobody ends before so many have come.
    let (count, _) = watch::channel((0, 0));
    let counted = count.clone();
    let wait = move || {
        let count = counted.clone();
        async move {
            count.send_modify(|(running, most)| {
                *running += 1;
                *most = (*most).max(*running);
            });
            let enough = |(_, most): &_| *most >= limits::REQUESTS_OF_ONE_CONNECTION;
            count.subscribe().wait_for(enough).await.unwrap();
            count.send_modify(|(running, _)| *running -= 1);
        }
    };
    let (address, _stop) = door(Router::new().route("/", get(wait)), PATIENT).await;
    let (sender, _ends) = two(address).await;
    let all = (0..limits::STREAMS_OF_ONE_CONNECTION).map(|_| {
        let mut sender = sender.clone();
        async move { text(&mut sender, ask(address)).await.0 }
    });
    let all = tokio::time::timeout(LONG / 4, join_all(all)).await;
    let all = all.expect("so many run at once");
    assert!(all.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(count.borrow().1, limits::REQUESTS_OF_ONE_CONNECTION);
}

/// CVE-2023-44487: a client that asks and breaks off, again and again.
#[tokio::test]
async fn a_flood_of_broken_requests_ends_the_connection() {
    let (asked, mut is_asked) = mpsc::channel::<()>(1);
    let never = move || {
        let asked = asked.clone();
        async move {
            let _full = asked.try_send(());
            std::future::pending::<()>().await;
        }
    };
    let router = Router::new()
        .route("/", get(|| async {}))
        .route("/never", get(never));
    // Looked at often; nobody leaves an answer unread here.
    let patience = Patience {
        answer: SHORT,
        ..PATIENT
    };
    let (address, _stop) = door(router, patience).await;
    let (mut sender, ends) = two(address).await;
    let mut sent = 0;
    while !ends.is_finished() && sent < 100_000 {
        let mut request = ask(address);
        *request.uri_mut() = format!("http://{address}/never").parse().unwrap();
        tokio::select! {
            _none = sender.send_request(request) => {}
            _ = is_asked.recv() => {}
        }
        sent += 1;
    }
    assert!(ended(ends).await, "after {sent}");
    assert!(
        sent as u64 > limits::BROKEN_OFF / 2,
        "{sent} may be broken off"
    );
    let (mut sender, _ends) = two(address).await;
    assert_eq!(text(&mut sender, ask(address)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_stop_lets_running_requests_end() {
    let (router, mut is_asked, go) = slow();
    let (address, stop) = door(router, PATIENT).await;
    let (mut sender, ends) = two(address).await;
    let client = tokio::spawn(async move { text(&mut sender, ask(address)).await });
    is_asked.recv().await.unwrap();
    drop(stop);
    go.send(true).unwrap();
    assert_eq!(client.await.unwrap().1, "done");
    assert!(ended(ends).await);
}
