//! The certificate that the server shows, read again when its files change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, Result, bail};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use crate::limits;

/// A certificate with its key, as two files hold them.
pub(crate) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    shown: RwLock<Shown>,
}

struct Shown {
    /// What the files held.
    text: [Vec<u8>; 2],
    key: Arc<CertifiedKey>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.certificate.display();
        write!(formatter, "Certificate({path}, key hidden)")
    }
}

impl Certificate {
    /// Reads a certificate and its key.
    pub(crate) fn read(certificate: &Path, key: &Path) -> Result<Arc<Self>> {
        let shown = Shown::read(certificate, key)?;
        Ok(Arc::new(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            shown: RwLock::new(shown),
        }))
    }

    /// Returns what shakes hands with it; HTTP/2 is offered before HTTP/1.1.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor> {
        let resolver = Arc::<Self>::clone(self);
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .context("TLS cannot be set up")?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Looks at the files again and again; what cannot be shown leaves the certificate before it in use.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(limits::CERTIFICATE_PAUSE);
        loop {
            ticks.tick().await;
            match self.read_again() {
                Ok(true) => tracing::info!("the certificate was renewed"),
                Ok(false) => {}
                Err(error) => {
                    let error: &(dyn std::error::Error + Send + Sync) = error.as_ref();
                    tracing::error!(
                        error = error as &dyn std::error::Error,
                        "the renewed certificate cannot be used; the one before it stays in use"
                    );
                }
            }
        }
    }

    /// Takes what the files hold now; says whether it is something else.
    pub(crate) fn read_again(&self) -> Result<bool> {
        let next = Shown::read(&self.certificate, &self.key)?;
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = shown.text != next.text;
        if is_new {
            *shown = next;
        }
        Ok(is_new)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown.key))
    }
}

impl Shown {
    fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let read = |name: &str, path: &Path| {
            std::fs::read(path)
                .with_context(|| format!("{name}: {} cannot be read", path.display()))
        };
        let text = [read("tls.certificate", certificate)?, read("tls.key", key)?];
        let [chain_text, key_text] = &text;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain_text)
            .collect::<Result<_, _>>()
            .with_context(|| format!("tls.certificate: {} is damaged", certificate.display()))?;
        if chain.is_empty() {
            let path = certificate.display();
            bail!("tls.certificate: {path} holds no certificate in PEM form");
        }
        let private = PrivateKeyDer::from_pem_slice(key_text).with_context(|| {
            format!(
                "tls.key: {} holds no private key in PEM form",
                key.display()
            )
        })?;
        let key = CertifiedKey::from_der(chain, private, &provider()).context(
            "tls.key: the key is of no kind that is known, or belongs to another certificate",
        )?;
        Ok(Self {
            text,
            key: Arc::new(key),
        })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
