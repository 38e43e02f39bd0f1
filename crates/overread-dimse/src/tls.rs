//! TLS for associations in both directions (PS3.15 B.9 to B.12, BCP 195: TLS 1.2 and 1.3 with what rustls holds safe).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};

use crate::Outgoing;

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM.
    #[error("{} cannot be read as PEM", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A file holds no certificate.
    #[error("{} holds no certificate", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// Certificate and key do not fit, or one of them is of no use.
    #[error("certificate, key or CA cannot be used")]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A certificate chain and its private key, both as PEM files.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// The certificate, then those that vouch for it.
    pub certificate: &'a Path,
    /// Its private key.
    pub key: &'a Path,
}

/// How associations over TLS are taken.
#[derive(Debug, Clone)]
pub struct Incoming(pub(crate) Arc<ServerConfig>);

impl Incoming {
    /// Reads what we show; with a CA, callers must show a certificate that it vouches for.
    ///
    /// # Errors
    /// When a file cannot be read or used.
    pub fn read(own: Identity<'_>, client_ca: Option<&Path>) -> Result<Self, TlsError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(roots(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                builder.with_client_cert_verifier(verifier.build().map_err(unusable)?)
            }
        };
        let config = builder.with_single_cert(certificates(own.certificate)?, key(own.key)?);
        Ok(Self(Arc::new(config.map_err(unusable)?)))
    }
}

impl Outgoing {
    /// Reads whom we trust, and what we show where a peer asks.
    ///
    /// # Errors
    /// When a file cannot be read or used.
    pub fn read(ca: &Path, own: Option<Identity<'_>>) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots(ca)?);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => builder
                .with_client_auth_cert(certificates(own.certificate)?, key(own.key)?)
                .map_err(unusable)?,
        };
        Ok(Self(Some(Arc::new(config))))
    }
}

/// What is told of a peer that was never encrypted, on the port where it should have been.
pub(crate) const SPOKE_NONE: &str = "it spoke no TLS on the port for TLS";

/// Says why TLS did not begin, and what to do about it; repeats nothing that the peer sent.
pub(crate) fn why_not(error: &std::io::Error) -> (&'static str, &'static str) {
    let cause = error.get_ref();
    match cause.and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::NoCertificatesPresented) => (
            "it showed no certificate, and dimse.tls.client_ca asks for one",
            "Give the sender a certificate that this CA vouches for.",
        ),
        Some(rustls::Error::InvalidCertificate(_)) => (
            "dimse.tls.client_ca does not vouch for the certificate that it showed, or that is over",
            "Compare the sender's certificate with the CA, and the clocks.",
        ),
        Some(rustls::Error::AlertReceived(_)) => (
            "it ended TLS: most likely it does not trust the certificate of dimse.tls.certificate",
            "Let the sender trust the CA of our certificate; its name must be the one that the sender calls.",
        ),
        Some(rustls::Error::InvalidMessage(_)) => (
            SPOKE_NONE,
            "Let it speak TLS there, or call the other port.",
        ),
        Some(rustls::Error::PeerIncompatible(_)) => (
            "it speaks no version of TLS, or no cipher suite, that is safe: TLS 1.2 or 1.3 is needed",
            "Let the sender use TLS 1.2 or newer.",
        ),
        _ => (
            "the connection broke while TLS was begun",
            "Look into the sender's log.",
        ),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> TlsError {
    TlsError::Unusable(Box::new(error))
}

fn unread(path: &Path) -> impl Fn(rustls::pki_types::pem::Error) -> TlsError {
    move |source| TlsError::File {
        path: path.to_path_buf(),
        source,
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unread(path))?
        .collect::<Result<_, _>>()
        .map_err(unread(path))?;
    if found.is_empty() {
        return Err(TlsError::Empty {
            path: path.to_path_buf(),
        });
    }
    Ok(found)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(unread(path))
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(unusable)?;
    }
    Ok(roots)
}
