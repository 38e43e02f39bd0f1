//! Settings: defaults, then `config.toml` of the data folder, then `OVERREAD_*` variables. Read once.

mod bytes;
mod dimse;
mod fault;
mod keeping;
mod known;
mod warnings;
mod web;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use bytes::Bytes;
pub(crate) use dimse::Dimse;
use dimse::{DimseCaller, DimseRight};
use fault::{At, both};
use keeping::Keeping;
pub(crate) use warnings::open_folder;
use web::{DicomWeb, Tls};

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Address at which people reach this installation; empty means the address it listens at.
    pub(crate) public_url: String,
    /// Name of the practice or hospital, on pages, mails and letters.
    pub(crate) organisation: String,
    /// Telephone number for emergencies where the patients live.
    pub(crate) emergency_number: String,
    /// A proxy in front sets `X-Forwarded-For`.
    pub(crate) behind_proxy: bool,
    /// Address of a PostgreSQL database; empty means SQLite in the data folder.
    pub(crate) database_url: Secret,
    /// Where images and papers are kept.
    pub(crate) archive: Bytes,
    /// Where mails go.
    pub(crate) mail: Mail,
    /// The DICOM network door.
    pub(crate) dimse: Dimse,
    /// DICOMweb.
    pub(crate) dicomweb: DicomWeb,
    /// TLS in front of pages and DICOMweb.
    pub(crate) tls: Tls,
    /// How long images are kept, and how many of them.
    pub(crate) keeping: Keeping,
}

/// Where mails go: without a host, each becomes a file in the data folder's `mail`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mail {
    /// Mail server.
    pub(crate) host: String,
    /// Its port; 0 means 587.
    pub(crate) port: u16,
    /// Sender.
    pub(crate) from: String,
    /// Name to sign in with, when the server asks.
    pub(crate) user: String,
    /// Password, better given as `OVERREAD_MAIL_PASSWORD`.
    pub(crate) password: Secret,
    /// Without TLS; only for a server on this machine.
    pub(crate) plain_text: bool,
}

/// A setting that is never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// Returns the value; empty when not set.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    fn shown(&self) -> &'static str {
        if self.0.is_empty() {
            ""
        } else {
            "(set, not shown)"
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.shown())
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: String::new(),
            organisation: "Second Opinion Practice".to_owned(),
            emergency_number: "911".to_owned(),
            behind_proxy: false,
            database_url: Secret::default(),
            archive: Bytes::default(),
            mail: Mail::default(),
            dimse: Dimse::default(),
            dicomweb: DicomWeb::default(),
            tls: Tls::default(),
            keeping: Keeping::default(),
        }
    }
}

/// Settings that came from variables: their keys with points between them.
type OfVariables = BTreeSet<&'static str>;

/// Names the variable of a setting: `OVERREAD_MAIL_HOST` that of `mail.host`.
fn variable_of(key: &str) -> String {
    format!("OVERREAD_{}", key.replace('.', "_").to_uppercase())
}

impl Config {
    /// Reads the settings of a data folder.
    pub(crate) fn load(data: &Path) -> Result<Self> {
        let path = data.join("config.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("{} could not be read", path.display()));
            }
        };
        let invalid = || format!("{} cannot be used", path.display());
        let config: Self = toml::from_str(&text)
            .map_err(|error| fault::hide_values(&error, &text))
            .with_context(invalid)?;
        let mut of_variables = OfVariables::new();
        let checked = config.complete(data, &mut of_variables);
        checked.map_err(|error| fault::place(error, &text, invalid(), &of_variables))
    }

    /// Puts variables and files in, and checks everything.
    fn complete(mut self, data: &Path, of_variables: &mut OfVariables) -> Result<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where settings are read"
        )]
        self.overlay(
            |name| std::env::var(name).ok().filter(|value| !value.is_empty()),
            of_variables,
        )?;
        // Its files are read by the check.
        self.dimse.tls.start_at(data);
        if let Some(s3) = &mut self.archive.s3 {
            s3.read_secret(data)?;
        }
        self.check()?;
        if self.tls.files().is_some() {
            self.tls.certificate = data.join(&self.tls.certificate);
            self.tls.key = data.join(&self.tls.key);
        }
        Ok(self)
    }

    /// Puts in what stands in variables, and notes which settings that are.
    fn overlay(
        &mut self,
        variable: impl Fn(&str) -> Option<String>,
        of_variables: &mut OfVariables,
    ) -> Result<()> {
        let mut variable = |key: &'static str| {
            let value = variable(&variable_of(key))?;
            of_variables.insert(key);
            Some(value)
        };
        for (key, field) in [
            ("public_url", &mut self.public_url),
            ("organisation", &mut self.organisation),
            ("emergency_number", &mut self.emergency_number),
            ("database_url", &mut self.database_url.0),
            ("dimse.ae_title", &mut self.dimse.ae_title),
            ("mail.host", &mut self.mail.host),
            ("mail.from", &mut self.mail.from),
            ("mail.user", &mut self.mail.user),
            ("mail.password", &mut self.mail.password.0),
        ] {
            if let Some(value) = variable(key) {
                *field = value;
            }
        }
        for (key, path) in [
            ("tls.certificate", &mut self.tls.certificate),
            ("tls.key", &mut self.tls.key),
        ] {
            if let Some(value) = variable(key) {
                *path = PathBuf::from(value);
            }
        }
        let secret = variable("archive.s3.secret");
        if let (Some(s3), Some(secret)) = (&mut self.archive.s3, secret) {
            s3.secret.0 = secret;
        }
        if let Some(port) = variable("mail.port") {
            let port = port.parse().ok();
            self.mail.port =
                port.context("OVERREAD_MAIL_PORT: a whole number from 0 to 65535 is expected")?;
        }
        for (key, field) in [
            ("behind_proxy", &mut self.behind_proxy),
            ("mail.plain_text", &mut self.mail.plain_text),
        ] {
            match variable(key).as_deref() {
                None => {}
                Some("true" | "1") => *field = true,
                Some("false" | "0") => *field = false,
                Some(_) => bail!("{}: true or false is expected", variable_of(key)),
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let public_url = At::key("public_url");
        let url = self.public_url.as_str();
        if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(anyhow!(
                "what was read begins otherwise; an address that begins with https:// or http:// is expected"
            ))
            .context(public_url);
        }
        if url.ends_with('/') {
            return Err(anyhow!(
                "what was read ends with a slash; an address without it is expected"
            ))
            .context(public_url);
        }
        if !self.mail.host.is_empty() && self.mail.from.is_empty() {
            return Err(anyhow!(
                "a mail server is named, and no sender: set mail.from, too"
            ))
            .context(At::key("mail.host"));
        }
        self.keeping.check()?;
        self.dicomweb.origins()?;
        if self.dicomweb.cors_origins.contains(&self.public_url) {
            return Err(anyhow!(
                "public_url stands there; others are expected, since its own pages sign in by cookie"
            ))
            .context(At::key("dicomweb.cors_origins"));
        }
        let is_set = |path: &Path| path != Path::new("");
        let (certificate, key) = (is_set(&self.tls.certificate), is_set(&self.tls.key));
        let tls = |key: &str| At::key(&format!("tls.{key}"));
        both(tls, ("certificate", certificate), ("key", key))?;
        for peer in &self.dimse.peers {
            self.dimse.peer(&peer.name)?;
        }
        self.dimse.tls.identity()?;
        if let Some(s3) = &self.archive.s3 {
            s3.settings().check().context(At::key("archive.s3"))?;
        }
        self.dimse.door().map(drop)
    }
}

#[cfg(test)]
mod tests;
