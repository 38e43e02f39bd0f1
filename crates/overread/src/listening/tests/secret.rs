//! TLS: which version is chosen, a renewed certificate, files that hold none.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{PATIENT, Patience, SHORT, door_with, hello, rest_of};
use crate::listening::Certificate;

/// Writes a certificate for `localhost` and its key, and returns the certificate.
fn write_pair(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap()
}

fn read(folder: &Path) -> anyhow::Result<Arc<Certificate>> {
    Certificate::read(&folder.join("certificate.pem"), &folder.join("key.pem"))
}

async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

#[tokio::test]
async fn the_version_is_chosen_while_shaking_hands() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_pair(folder.path());
    let tls = read(folder.path()).unwrap().acceptor().unwrap();
    let (address, _stop) = door_with(hello(), PATIENT, Some(tls)).await;
    let ask = || {
        let uri = "https://localhost/";
        Request::builder().uri(uri).body(Body::empty()).unwrap()
    };
    let stream = connect(address, &trusted, &[b"h2", b"http/1.1"])
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let shake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = shake.await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(ask()).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "127.0.0.1");
    for alpn in [&[&b"http/1.1"[..]][..], &[]] {
        let stream = connect(address, &trusted, alpn).await.unwrap();
        let shake = http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = shake.await.unwrap();
        tokio::spawn(connection);
        let mut request = ask();
        request
            .headers_mut()
            .insert("host", "localhost".parse().unwrap());
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.version(), axum::http::Version::HTTP_11);
    }
}

#[tokio::test]
async fn half_a_handshake_and_plain_text_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path());
    let tls = read(folder.path()).unwrap().acceptor().unwrap();
    let patience = Patience {
        header: SHORT,
        ..PATIENT
    };
    let (address, _stop) = door_with(hello(), patience, Some(tls)).await;
    for begun in [
        &b""[..],
        b"\x16\x03\x01",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _late = stream.write_all(begun).await;
        let rest = rest_of(&mut stream).await;
        assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_pair(folder.path());
    let certificate = read(folder.path()).unwrap();
    let tls = certificate.acceptor().unwrap();
    let (address, _stop) = door_with(hello(), PATIENT, Some(tls)).await;
    assert!(!certificate.read_again().unwrap(), "nothing is new");
    let key = std::fs::read(folder.path().join("key.pem")).unwrap();
    let second = write_pair(folder.path());
    let next_key = std::fs::read(folder.path().join("key.pem")).unwrap();
    std::fs::write(folder.path().join("key.pem"), key).unwrap();
    assert!(certificate.read_again().is_err(), "half of it is new");
    assert!(connect(address, &first, &[]).await.is_ok());
    std::fs::write(folder.path().join("key.pem"), next_key).unwrap();
    assert!(certificate.read_again().unwrap());
    assert!(connect(address, &second, &[]).await.is_ok());
    assert!(connect(address, &first, &[]).await.is_err());
}

#[test]
fn what_cannot_be_shown_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let check = |expect: &str| {
        let error = format!("{:#}", read(folder.path()).unwrap_err());
        assert!(error.contains(expect), "{error}");
        assert!(!error.contains("PRIVATE KEY"), "{error}");
    };
    check("tls.certificate: ");
    write_pair(folder.path());
    let at = |name: &str| folder.path().join(name);
    let certificate = std::fs::read(at("certificate.pem")).unwrap();
    let key = std::fs::read(at("key.pem")).unwrap();
    std::fs::write(at("key.pem"), &certificate).unwrap();
    check("holds no private key in PEM form");
    std::fs::write(at("certificate.pem"), &key).unwrap();
    check("holds no certificate in PEM form");
    write_pair(folder.path());
    std::fs::write(at("key.pem"), &key).unwrap();
    check("belongs to another certificate");
    std::fs::remove_file(at("key.pem")).unwrap();
    check("tls.key: ");
}
