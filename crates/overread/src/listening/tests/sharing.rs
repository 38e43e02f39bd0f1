//! Who has to make room when every connection behind a proxy is busy: who is slow, and who has too many.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use overread_web::TellsAsker;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{
    LONG, PATIENT, Patience, SHORT, door, endless, hello, is_answered, is_answered_soon, rest_of,
};

const SHARED: Patience = Patience {
    connections: 4,
    is_shared: |address| address.is_loopback(),
    ..PATIENT
};

/// Begins a request whose body does not end.
async fn sending(to: SocketAddr, asker: &str, start: usize) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head =
        format!("POST / HTTP/1.1\r\nHost: a\r\nAsker: {asker}\r\nContent-Length: 1000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![7; start]).await.unwrap();
    stream
}

async fn reading(to: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    stream.read_u8().await.unwrap();
    stream
}

#[tokio::test]
async fn who_sends_slowly_makes_room() {
    let patience = Patience {
        first: SHORT,
        ahead: SHORT,
        ..SHARED
    };
    let (address, _stop) = door(hello(), patience).await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        // As many bytes as a trickle of 256 a second brings in 32 seconds.
        slow.push(sending(address, "a", 8192).await);
    }
    assert!(is_answered_soon(address).await);
}

#[tokio::test]
async fn who_reads_slowly_makes_room() {
    let (router, _ended) = endless();
    let patience = Patience {
        first: SHORT,
        ahead: SHORT,
        ..SHARED
    };
    let (address, _stop) = door(router, patience).await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push(reading(address).await);
    }
    assert!(is_answered_soon(address).await);
}

/// Tells who asks as the pages do, of whoever says it.
fn named(router: Router) -> Router {
    router.layer(from_fn(|request: Request, next: Next| {
        let asker = request.headers().get("asker");
        let asker = asker.and_then(|asker| asker.to_str().ok());
        if let (Some(tells), Some(asker)) = (request.extensions().get::<TellsAsker>(), asker) {
            tells.tell(asker);
        }
        next.run(request)
    }))
}

/// Waits until as many are taken in as the server has places for.
async fn is_full(address: SocketAddr) -> bool {
    let full = async { while is_answered(TcpStream::connect(address).await.unwrap()).await {} };
    tokio::time::timeout(LONG / 4, full).await.is_ok()
}

#[tokio::test]
async fn one_asker_keeps_no_more_than_its_share_from_others() {
    let (address, _stop) = door(named(hello()), SHARED).await;
    let mut of_one = Vec::new();
    for _ in 0..4 {
        of_one.push(sending(address, "a", 100_000).await);
    }
    assert!(is_answered_soon(address).await, "the newest makes room");
    rest_of(&mut of_one.pop().unwrap()).await;
    let _other = sending(address, "b", 10).await;
    assert!(is_answered_soon(address).await, "and the one before it");
    rest_of(&mut of_one.pop().unwrap()).await;
    let _third = sending(address, "c", 10).await;
    assert!(is_full(address).await, "nobody has more than its share");
    for mut kept in of_one {
        kept.write_all(&vec![7; 900_000]).await.unwrap();
        let mut answer = [0; 12];
        kept.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}
