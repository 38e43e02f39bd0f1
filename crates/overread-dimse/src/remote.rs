//! Where another application entity listens, and connecting to it.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::stream::Stream;
use crate::{AeTitle, limits};

/// An application entity that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// How it is called.
    pub ae_title: AeTitle,
    /// Name or address of its machine.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// It speaks TLS.
    pub tls: bool,
}

/// What connections over TLS trust and show.
#[derive(Debug, Clone, Default)]
pub struct Outgoing(pub(crate) Option<Arc<ClientConfig>>);

impl Remote {
    /// Connects.
    ///
    /// # Errors
    /// When it cannot be reached in time, or is not who its certificate should say.
    pub(crate) async fn connect(&self, outgoing: &Outgoing) -> io::Result<Stream> {
        let connecting = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            if !self.tls {
                return Ok(Stream::Plain(stream));
            }
            let config = outgoing.0.clone().ok_or_else(|| {
                io::Error::other(
                    "it speaks TLS, and dimse.tls.ca in config.toml says nobody whom to trust",
                )
            })?;
            let name = match self.host.parse::<IpAddr>() {
                Ok(address) => ServerName::IpAddress(address.into()),
                Err(_) => ServerName::try_from(self.host.clone()).map_err(io::Error::other)?,
            };
            let stream = TlsConnector::from(config).connect(name, stream).await?;
            Ok(Stream::Tls(Box::new(stream.into())))
        };
        timeout(limits::CONNECT_TIME, connecting)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}
