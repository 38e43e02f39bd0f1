//! What programs and browsers of other places see: DICOMweb and TLS.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use overread_dicomweb::Origins;
use serde::{Deserialize, Serialize};

use super::At;

/// DICOMweb.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DicomWeb {
    /// Origins, as `https://viewer.example`, whose pages may ask with a token; cookies count for nothing there.
    pub(crate) cors_origins: Vec<String>,
}

impl DicomWeb {
    /// Returns the origins as the door takes them.
    pub(crate) fn origins(&self) -> Result<Origins> {
        Origins::parse(&self.cors_origins).context(At::key("dicomweb.cors_origins"))
    }
}

/// TLS: without files, a proxy speaks it, or nobody does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// PEM file with the certificate and those that signed it; from the data folder, unless the path is whole.
    pub(crate) certificate: PathBuf,
    /// PEM file with its private key.
    pub(crate) key: PathBuf,
}

impl Tls {
    /// Returns where the certificate and the key stand, when they are set.
    pub(crate) fn files(&self) -> Option<(&Path, &Path)> {
        let is_set = self.certificate != Path::new("");
        is_set.then_some((&self.certificate, &self.key))
    }
}
