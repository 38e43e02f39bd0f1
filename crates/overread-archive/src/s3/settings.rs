//! Where the bucket is and how it is reached.

use std::fmt;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use crate::error::ArchiveError;
use crate::limits;

/// Where the bucket is and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// Address of the object store; empty means Amazon's own of the region.
    pub endpoint: String,
    /// Its region; many other object stores take any.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What the names of our objects begin with, so that a bucket may hold other things.
    pub prefix: String,
    /// Name of the key; empty means what Amazon gives a machine of its own.
    pub access_key_id: String,
    /// The key.
    pub secret: S3Secret,
    /// The endpoint may be reached without TLS: bytes of patients then travel as they are.
    pub allow_http: bool,
    /// Bytes that the read cache of this node may have.
    pub cache_bytes: u64,
    /// How long the object store may take to answer, what travels aside.
    pub patience: Duration,
}

/// The secret half of a key, which is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct S3Secret(String);

impl S3Secret {
    /// Takes a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for S3Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(hidden)")
    }
}

impl S3Settings {
    /// Makes a client; asks nobody yet.
    pub(super) fn connect(&self) -> Result<AmazonS3, ArchiveError> {
        // The second archive of a process finds it chosen already.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        self.check()?;
        let (first, most) = limits::REQUEST_PAUSES;
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: first,
                max_backoff: most,
                base: 2.0,
            },
            max_retries: limits::REQUEST_RETRIES,
            retry_timeout: limits::REQUEST_PATIENCE,
        };
        let client = ClientOptions::new()
            .with_allow_http(self.allow_http)
            .with_connect_timeout(limits::CONNECT_TIME)
            .with_timeout(limits::REQUEST_TIME);
        let mut builder = AmazonS3Builder::new()
            .with_region(self.region.as_str())
            .with_bucket_name(self.bucket.as_str())
            .with_client_options(client)
            .with_retry(retry);
        if !self.endpoint.is_empty() {
            builder = builder.with_endpoint(self.endpoint.as_str());
        }
        if !self.access_key_id.is_empty() {
            builder = builder
                .with_access_key_id(self.access_key_id.as_str())
                .with_secret_access_key(self.secret.0.as_str());
        }
        builder.build().map_err(|error| ArchiveError::Settings {
            reason: error.to_string(),
        })
    }

    /// Says what would only show when the first patient's images come.
    ///
    /// # Errors
    /// When a setting is missing or contradicts another.
    pub fn check(&self) -> Result<(), ArchiveError> {
        let refuse = |reason: &str| {
            Err(ArchiveError::Settings {
                reason: reason.to_owned(),
            })
        };
        if self.bucket.is_empty() {
            return refuse("the bucket is missing");
        }
        if self.region.is_empty() {
            return refuse(
                "the region is missing; where the object store has none, any word will do",
            );
        }
        let is_plain = self.endpoint.starts_with("http://");
        if !self.endpoint.is_empty() && !is_plain && !self.endpoint.starts_with("https://") {
            return refuse("the endpoint must start with https:// or http://");
        }
        if is_plain && !self.allow_http {
            return refuse("the endpoint is without TLS; set allow_http to say that this is meant");
        }
        if self.access_key_id.is_empty() != self.secret.0.is_empty() {
            return refuse("access_key_id and the secret belong together");
        }
        if self.cache_bytes < limits::CACHE_MIN_BYTES {
            return refuse("the cache is too small: 64 MiB are the least");
        }
        if self.patience.is_zero() || self.patience >= limits::REQUEST_TIME {
            return refuse("the patience must be from 1 to 599 seconds");
        }
        Ok(())
    }
}
