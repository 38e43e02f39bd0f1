//! Where images and papers are kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use overread_archive::{S3Secret, S3Settings};
use serde::{Deserialize, Serialize};

use super::{At, Secret};

/// Where images and papers are kept: without `s3`, in the data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Bytes {
    /// Days after which a running server has read every byte again and compared it with its digest; 0 for never.
    pub(crate) verify_days: u32,
    /// A bucket that every node of an installation reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) s3: Option<S3>,
}

impl Default for Bytes {
    fn default() -> Self {
        Self {
            verify_days: 30,
            s3: None,
        }
    }
}

/// An S3 bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct S3 {
    /// Address of the object store; empty means Amazon's own of the region.
    pub(crate) endpoint: String,
    /// Its region.
    pub(crate) region: String,
    /// The bucket.
    pub(crate) bucket: String,
    /// What the names of our objects begin with.
    pub(crate) prefix: String,
    /// Name of the key; empty means what Amazon gives a machine of its own.
    pub(crate) access_key_id: String,
    /// The key, better given as `OVERREAD_ARCHIVE_S3_SECRET` or by `secret_file`.
    pub(crate) secret: Secret,
    /// A file with the key alone; its name may be relative to the data folder.
    pub(crate) secret_file: PathBuf,
    /// The endpoint may be reached without TLS.
    pub(crate) allow_http: bool,
    /// MiB that the read cache of this node may have.
    pub(crate) cache_mib: u64,
    /// How long the object store may take to answer before it counts as away.
    pub(crate) patience_seconds: u64,
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            bucket: String::new(),
            prefix: "overread".to_owned(),
            access_key_id: String::new(),
            secret: Secret::default(),
            secret_file: PathBuf::new(),
            allow_http: false,
            cache_mib: overread_archive::limits::CACHE_BYTES / MIB,
            patience_seconds: overread_archive::limits::PATIENCE.as_secs(),
        }
    }
}

const MIB: u64 = 1024 * 1024;

impl S3 {
    /// Reads the key from its file, when one is named.
    pub(super) fn read_secret(&mut self, data: &Path) -> Result<()> {
        if self.secret_file.as_os_str().is_empty() || !self.secret.0.is_empty() {
            return Ok(());
        }
        let path = data.join(&self.secret_file);
        // Its name is not repeated: the key itself may stand there by mistake.
        let text = std::fs::read_to_string(&path)
            .context("the file that it names cannot be read")
            .context(At::key("archive.s3.secret_file"))?;
        text.trim().clone_into(&mut self.secret.0);
        Ok(())
    }

    /// Returns the settings as the archive takes them.
    pub(crate) fn settings(&self) -> S3Settings {
        S3Settings {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            access_key_id: self.access_key_id.clone(),
            secret: S3Secret::new(self.secret.reveal()),
            allow_http: self.allow_http,
            cache_bytes: self.cache_mib.saturating_mul(MIB),
            patience: Duration::from_secs(self.patience_seconds),
        }
    }
}
