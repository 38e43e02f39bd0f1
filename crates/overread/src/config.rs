//! Settings: defaults, then `config.toml` of the data folder, then `OVERREAD_*` variables. Read once.

mod fault;
mod warnings;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use overread_archive::{S3Secret, S3Settings};
use overread_dicomweb::Origins;
use overread_dimse::{
    AddressRange, AeTitle, Caller, Callers, DoorConfig, Identity, Incoming, May, Outgoing, Remote,
    limits,
};
use overread_model::ids::{CaseId, TokenId};
use overread_model::keeping::{Quota, RetentionRule};
use serde::{Deserialize, Serialize};

pub(crate) use warnings::open_folder;

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

/// How long images are kept, and how many of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Keeping {
    /// Days in which a deleted exam can be restored.
    pub(crate) grace_days: u32,
    /// GB that one case may hold, as the pages show them.
    pub(crate) case_gb: u64,
    /// Images that one case may hold.
    pub(crate) case_images: u64,
    /// The rules that laws ask for count, too.
    pub(crate) cited_rules: bool,
    /// How long images are kept once their cases have ended; without a rule about them, for ever.
    pub(crate) rules: Vec<RetentionRule>,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            grace_days: 30,
            case_gb: overread_ingest::limits::CASE_BYTES / GB,
            case_images: overread_ingest::limits::CASE_INSTANCES,
            cited_rules: true,
            rules: Vec::new(),
        }
    }
}

const GB: u64 = 1_000_000_000;
const GRACE_DAYS: u32 = 3_650;

impl Keeping {
    /// Returns how much a case may hold.
    pub(crate) fn quota(&self) -> Quota {
        Quota {
            bytes: self.case_gb.saturating_mul(GB),
            instances: self.case_images,
        }
    }

    /// Returns the settings as the steps take them.
    pub(crate) fn settings(&self, cited: &[RetentionRule]) -> overread_workflow::keeping::Keeping {
        let mut rules = self.rules.clone();
        if self.cited_rules {
            rules.extend_from_slice(cited);
        }
        overread_workflow::keeping::Keeping {
            grace_days: self.grace_days,
            rules,
        }
    }

    fn check(&self) -> Result<()> {
        if !(1..=GRACE_DAYS).contains(&self.grace_days) {
            bail!("keeping.grace_days must be from 1 to {GRACE_DAYS}");
        }
        if self.case_gb == 0 || self.case_images == 0 {
            bail!("keeping.case_gb and keeping.case_images must be at least 1");
        }
        for (number, rule) in (1..).zip(&self.rules) {
            if let Some(fault) = rule.fault() {
                bail!("keeping.rules, rule {number}: {fault}");
            }
        }
        Ok(())
    }
}

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
        Origins::parse(&self.cors_origins).context("dicomweb.cors_origins")
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
    fn read_secret(&mut self, data: &Path) -> Result<()> {
        if self.secret_file.as_os_str().is_empty() || !self.secret.0.is_empty() {
            return Ok(());
        }
        let path = data.join(&self.secret_file);
        // Its name is not repeated: the key itself may stand there by mistake.
        let text = std::fs::read_to_string(&path)
            .context("the file that archive.s3.secret_file names cannot be read")?;
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

/// The DICOM network door, which `serve --dimse` opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Dimse {
    /// Our AE title.
    pub(crate) ae_title: String,
    /// Who calls another title than ours is refused.
    pub(crate) only_own_title: bool,
    /// Seconds that a PDU may take to arrive, from the end of the one before.
    pub(crate) idle_seconds: u32,
    /// Seconds that a peer may take for its association request.
    pub(crate) request_seconds: u32,
    /// Who may call; without an entry, any program on this machine may store, and nobody else may do anything.
    pub(crate) callers: Vec<DimseCaller>,
    /// Whom `overread pacs` calls.
    pub(crate) peers: Vec<DimsePeer>,
    /// Certificates for associations over TLS.
    pub(crate) tls: DimseTls,
}

/// An application entity that `overread pacs` calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DimsePeer {
    /// What we call it.
    pub(crate) name: String,
    /// Its AE title.
    pub(crate) ae_title: String,
    /// Name or address of its machine.
    pub(crate) address: String,
    /// Its port.
    pub(crate) port: u16,
    /// It speaks TLS.
    #[serde(default)]
    pub(crate) tls: bool,
}

/// Certificates for associations over TLS, as PEM files, from the data folder unless the path is whole; an empty one means
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DimseTls {
    /// What we show, here and to peers that ask.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
    /// Callers must show a certificate that this CA vouches for.
    pub(crate) client_ca: PathBuf,
    /// Peers that we call must show one that this CA vouches for.
    pub(crate) ca: PathBuf,
}

impl DimseTls {
    /// Takes the paths from the data folder, unless they are whole.
    fn start_at(&mut self, data: &Path) {
        for file in [
            &mut self.certificate,
            &mut self.key,
            &mut self.client_ca,
            &mut self.ca,
        ] {
            if path(file).is_some() {
                *file = data.join(&*file);
            }
        }
    }

    fn identity(&self) -> Result<Option<Identity<'_>>> {
        match (path(&self.certificate), path(&self.key)) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(Identity { certificate, key })),
            _ => bail!("dimse.tls needs both `certificate` and `key`, or none of them"),
        }
    }

    /// Reads how associations over TLS are taken.
    pub(crate) fn incoming(&self) -> Result<Incoming> {
        let own = self
            .identity()?
            .context("DICOM over TLS needs dimse.tls.certificate and dimse.tls.key")?;
        Incoming::read(own, path(&self.client_ca)).context("dimse.tls")
    }

    fn outgoing(&self) -> Result<Outgoing> {
        match path(&self.ca) {
            None => Ok(Outgoing::default()),
            Some(ca) => Outgoing::read(ca, self.identity()?).context("dimse.tls"),
        }
    }
}

fn path(path: &Path) -> Option<&Path> {
    (!path.as_os_str().is_empty()).then_some(path)
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DimseRight {
    /// C-STORE, and asking for storage commitment.
    Store,
    /// C-FIND.
    Find,
    /// C-GET and C-MOVE.
    Retrieve,
}

/// One application entity that may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DimseCaller {
    /// How it calls itself.
    pub(crate) ae_title: String,
    /// Where it calls from: addresses, and networks as 10.1.0.0/16; without an entry, from anywhere.
    #[serde(default)]
    pub(crate) addresses: Vec<String>,
    /// What it may do.
    #[serde(default = "store_alone")]
    pub(crate) may: Vec<DimseRight>,
    /// Id of the machine token whose role and grants say what it finds and retrieves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<TokenId>,
    /// The case that what it stores belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) case: Option<CaseId>,
    /// Where it listens: for what is moved to it and for reports on commitments.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) address: String,
    /// Its port there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) port: u16,
    /// It speaks TLS there.
    #[serde(default)]
    pub(crate) tls: bool,
}

fn store_alone() -> Vec<DimseRight> {
    vec![DimseRight::Store]
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(port: &u16) -> bool {
    *port == 0
}

impl DimseCaller {
    /// Returns where it calls from. One that is no address is not repeated, as nothing of the settings is.
    pub(crate) fn addresses(&self) -> Result<Vec<AddressRange>> {
        let numbered = (1..).zip(&self.addresses);
        let range = |(number, text): (usize, &String)| {
            text.parse::<AddressRange>().with_context(|| {
                format!("dimse.callers, entry {}: address {number}", self.ae_title)
            })
        };
        numbered.map(range).collect()
    }

    fn caller(&self) -> Result<Caller> {
        let ae_title = title(&self.ae_title, "dimse.callers")?;
        let addresses = self.addresses()?;
        let may = |right| self.may.contains(&right);
        let may = May {
            store: may(DimseRight::Store),
            find: may(DimseRight::Find),
            retrieve: may(DimseRight::Retrieve),
        };
        if (may.find || may.retrieve) && self.token.is_none() {
            bail!(
                "dimse: {ae_title} may find or retrieve, but names no token; make one with `overread token create` and \
                 write its id as `token`"
            );
        }
        if self.address.is_empty() != (self.port == 0) {
            bail!("dimse: {ae_title} needs both `address` and `port`, or none of them");
        }
        let listens = (self.port != 0).then(|| Remote {
            ae_title: ae_title.clone(),
            host: self.address.clone(),
            port: self.port,
            tls: self.tls,
        });
        Ok(Caller {
            ae_title,
            addresses,
            may,
            token_id: self.token.clone(),
            case_id: self.case.clone(),
            listens,
        })
    }
}

/// Reads an AE title; one that is none is not repeated, since it may be anything that was pasted there.
fn title(text: &str, place: &str) -> Result<AeTitle> {
    text.parse::<AeTitle>()
        .with_context(|| format!("{place}, ae_title"))
}

impl Default for Dimse {
    fn default() -> Self {
        Self {
            ae_title: "OVERREAD".to_owned(),
            only_own_title: false,
            idle_seconds: limits::IDLE_TIME.as_secs() as u32,
            request_seconds: limits::REQUEST_TIME.as_secs() as u32,
            callers: Vec::new(),
            peers: Vec::new(),
            tls: DimseTls::default(),
        }
    }
}

impl Dimse {
    /// Returns a peer by the name that we call it.
    pub(crate) fn peer(&self, name: &str) -> Result<Remote> {
        let mut peers = self.peers.iter();
        let Some(peer) = peers.find(|peer| peer.name == name) else {
            let known: Vec<&str> = self.peers.iter().map(|peer| peer.name.as_str()).collect();
            bail!(
                "config.toml names no such peer under dimse.peers; it names: {}",
                if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                }
            );
        };
        Ok(Remote {
            ae_title: title(&peer.ae_title, "dimse.peers")?,
            host: peer.address.clone(),
            port: peer.port,
            tls: peer.tls,
        })
    }

    /// Returns the settings as the door takes them.
    pub(crate) fn door(&self) -> Result<DoorConfig> {
        if self.idle_seconds == 0 || self.request_seconds == 0 {
            bail!("dimse.idle_seconds and dimse.request_seconds must be at least 1");
        }
        Ok(DoorConfig {
            ae_title: title(&self.ae_title, "dimse")?,
            only_own_title: self.only_own_title,
            callers: Callers(
                self.callers
                    .iter()
                    .map(DimseCaller::caller)
                    .collect::<Result<_>>()?,
            ),
            outgoing: self.tls.outgoing()?,
            idle: Duration::from_secs(self.idle_seconds.into()),
            request: Duration::from_secs(self.request_seconds.into()),
        })
    }
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
        let mut config: Self = toml::from_str(&text)
            .map_err(|error| fault::hide_values(&error, &text))
            .with_context(|| format!("{} is not a valid configuration", path.display()))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where variables are read"
        )]
        config.overlay(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
        // Its files are read by the check.
        config.dimse.tls.start_at(data);
        if let Some(s3) = &mut config.archive.s3 {
            s3.read_secret(data)?;
        }
        config.check()?;
        if config.tls.files().is_some() {
            config.tls.certificate = data.join(&config.tls.certificate);
            config.tls.key = data.join(&config.tls.key);
        }
        Ok(config)
    }

    fn overlay(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<()> {
        let texts = [
            ("OVERREAD_PUBLIC_URL", &mut self.public_url),
            ("OVERREAD_ORGANISATION", &mut self.organisation),
            ("OVERREAD_EMERGENCY_NUMBER", &mut self.emergency_number),
            ("OVERREAD_DATABASE_URL", &mut self.database_url.0),
            ("OVERREAD_DIMSE_AE_TITLE", &mut self.dimse.ae_title),
            ("OVERREAD_MAIL_HOST", &mut self.mail.host),
            ("OVERREAD_MAIL_FROM", &mut self.mail.from),
            ("OVERREAD_MAIL_USER", &mut self.mail.user),
            ("OVERREAD_MAIL_PASSWORD", &mut self.mail.password.0),
        ];
        for (name, field) in texts {
            if let Some(value) = variable(name) {
                *field = value;
            }
        }
        for (name, path) in [
            ("OVERREAD_TLS_CERTIFICATE", &mut self.tls.certificate),
            ("OVERREAD_TLS_KEY", &mut self.tls.key),
        ] {
            if let Some(value) = variable(name) {
                *path = PathBuf::from(value);
            }
        }
        if let (Some(s3), Some(secret)) =
            (&mut self.archive.s3, variable("OVERREAD_ARCHIVE_S3_SECRET"))
        {
            s3.secret.0 = secret;
        }
        if let Some(port) = variable("OVERREAD_MAIL_PORT") {
            self.mail.port = port
                .parse()
                .context("OVERREAD_MAIL_PORT is not a port number")?;
        }
        for (name, field) in [
            ("OVERREAD_BEHIND_PROXY", &mut self.behind_proxy),
            ("OVERREAD_MAIL_PLAIN_TEXT", &mut self.mail.plain_text),
        ] {
            match variable(name).as_deref() {
                None => {}
                Some("true" | "1") => *field = true,
                Some("false" | "0") => *field = false,
                Some(_) => bail!("{name} is neither true nor false"),
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if !self.public_url.is_empty()
            && !self.public_url.starts_with("http://")
            && !self.public_url.starts_with("https://")
        {
            bail!("public_url must start with http:// or https://");
        }
        if self.public_url.ends_with('/') {
            bail!("public_url must not end with a slash");
        }
        if !self.mail.host.is_empty() && self.mail.from.is_empty() {
            bail!("mail.from is needed when mail.host is set");
        }
        self.keeping.check()?;
        self.dicomweb.origins()?;
        if self.dicomweb.cors_origins.contains(&self.public_url) {
            bail!(
                "dicomweb.cors_origins is for other origins, not for public_url: its own pages sign in by cookie"
            );
        }
        let is_set = |path: &Path| path != Path::new("");
        if is_set(&self.tls.certificate) != is_set(&self.tls.key) {
            bail!("tls.certificate and tls.key are set together, or neither");
        }
        for peer in &self.dimse.peers {
            self.dimse.peer(&peer.name)?;
        }
        self.dimse.tls.identity()?;
        if let Some(s3) = &self.archive.s3 {
            s3.settings().check().context("archive.s3")?;
        }
        self.dimse.door().map(drop)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::Config;

    #[test]
    fn variables_win_and_secrets_stay_hidden() {
        let mut config = Config::default();
        let variable = |name: &str| match name {
            "OVERREAD_DATABASE_URL" => Some("postgres://user:password@host/overread".to_owned()),
            "OVERREAD_BEHIND_PROXY" => Some("true".to_owned()),
            _ => None,
        };
        config.overlay(variable).unwrap();
        assert!(config.behind_proxy);
        assert_eq!(
            config.database_url.reveal(),
            "postgres://user:password@host/overread"
        );
        assert!(!format!("{config:?}{}", toml::to_string(&config).unwrap()).contains("password@"));
    }

    #[test]
    fn a_bucket_is_read_and_its_key_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let text = "[archive]\ns3 = { endpoint = 'https://objects.example', bucket = 'images', \
                    access_key_id = 'overread', secret_file = 'key', cache_mib = 100 }\n";
        std::fs::write(dir.path().join("config.toml"), text).unwrap();
        assert!(Config::load(dir.path()).is_err(), "the file is missing");
        std::fs::write(dir.path().join("key"), "from-a-file\n").unwrap();
        let mut config = Config::load(dir.path()).unwrap();
        let settings = |config: &Config| config.archive.s3.as_ref().unwrap().settings();
        assert_eq!(settings(&config).cache_bytes, 100 * 1024 * 1024);
        let key = |name: &str| (name == "OVERREAD_ARCHIVE_S3_SECRET").then(|| "won".to_owned());
        assert_eq!(
            settings(&config).secret,
            super::S3Secret::new("from-a-file")
        );
        config.overlay(key).unwrap();
        assert_eq!(settings(&config).secret, super::S3Secret::new("won"));
        let shown = format!(
            "{config:?}{}{:?}",
            toml::to_string(&config).unwrap(),
            settings(&config)
        );
        assert!(
            shown.contains("images") && !shown.contains("won"),
            "{shown}"
        );
        for wrong in [
            "archive.s3 = { bucket = '' }",
            "archive.s3 = { bucket = 'images', endpoint = 'http://objects.example' }",
            "archive.s3 = { bucket = 'images', access_key_id = 'overread' }",
            "archive.s3 = { bucket = 'images', cache_mib = 1 }",
            "archive.s3 = { bucket = 'images', patience_seconds = 0 }",
        ] {
            let config: Config = toml::from_str(wrong).unwrap();
            assert!(config.check().is_err(), "{wrong}");
        }
    }

    #[test]
    fn wrong_settings_are_refused() {
        assert!(toml::from_str::<Config>("publik_url = 'x'").is_err());
        let config = Config {
            public_url: "example.org".to_owned(),
            ..Config::default()
        };
        assert!(config.check().is_err());
        for text in [
            "dimse.ae_title = 'SEVENTEEN LETTERS'",
            "dimse.idle_seconds = 0",
            "dimse.callers = [{ ae_title = '' }]",
            "tls.certificate = 'fullchain.pem'",
            "tls.key = 'key.pem'",
            "dicomweb.cors_origins = ['*']",
            "public_url = 'https://a.example'\ndicomweb.cors_origins = ['https://a.example']",
            "dimse.callers = [{ ae_title = 'MR1', may = ['find'] }]",
            "dimse.callers = [{ ae_title = 'MR1', address = '10.0.0.5' }]",
            "dimse.peers = [{ name = 'pacs', ae_title = '', address = 'pacs', port = 104 }]",
            "dimse.tls.certificate = 'cert.pem'",
            "keeping.grace_days = 0",
            "keeping.case_gb = 0",
            "keeping.rules = [{ name = 'all', years = 7, source = '' }]",
            "keeping.rules = [{ name = 'all', source = 'our lawyer' }]",
        ] {
            let config: Config = toml::from_str(text).unwrap();
            assert!(config.check().is_err(), "{text}");
        }
        let nowhere = "dimse.callers = [{ ae_title = 'MR1', addresses = ['radiology'] }]";
        assert!(toml::from_str::<Config>(nowhere).unwrap().check().is_err());
        let host_bits = "dimse.callers = [{ ae_title = 'MR1', addresses = ['10.1.0.7/16'] }]";
        assert!(
            toml::from_str::<Config>(host_bits)
                .unwrap()
                .check()
                .is_err()
        );
        let network =
            "dimse.callers = [{ ae_title = 'MR1', addresses = ['10.1.0.0/16', '2001:db8::/32'] }]";
        assert!(toml::from_str::<Config>(network).unwrap().check().is_ok());
    }

    #[test]
    fn no_error_shows_what_stands_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        for text in [
            "[mail]\npassword=hunter2\n",
            "[mail]\npassword = 'hunter2\n",
            "[mail]\nport = 'hunter2'\n",
            "[mail]\nport = 'a, expected hunter2'\n",
            "[mail]\npassword = 'x' hunter2\n",
            "[mail]\nhunter2\n",
            "hunter2 = 1\n",
            "[[dimse.callers]]\nae_title = 'MR1'\ntoken = 'ovr_hunter2'\n",
            "[[dimse.callers]]\nae_title = 'MR1'\nmay = ['hunter2']\n",
            "[[dimse.callers]]\nae_title = 'MR1'\naddresses = ['hunter2']\n",
            "[[dimse.callers]]\nae_title = 'ovr_hunter2hunter2hunter2'\n",
            "[dicomweb]\ncors_origins = ['hunter2']\n",
            "[archive]\ns3 = { bucket = 'images', secret_file = 'hunter2' }\n",
            "[archive]\ns3 = { bucket = 'images', endpoint = 'http://hunter2' }\n",
            "[[keeping.rules]]\nname = 'hunter2'\nsource = ''\n",
        ] {
            std::fs::write(dir.path().join("config.toml"), text).unwrap();
            let told = format!("{:#}", Config::load(dir.path()).unwrap_err());
            assert!(!told.contains("hunter2"), "{text}: {told}");
        }
        std::fs::write(dir.path().join("config.toml"), "[mail]\nport = 'x'\n").unwrap();
        let told = format!("{:#}", Config::load(dir.path()).unwrap_err());
        assert!(told.contains("line 2, column 8: u16 is expected"), "{told}");
    }

    #[test]
    fn rules_of_retention_are_read_and_those_of_laws_count_too() {
        let text = "[keeping]\ngrace_days = 60\n[[keeping.rules]]\nname = 'all'\nyears = 7\n\
                    counts_from = 'last_use'\nsource = 'our lawyer'\n";
        let mut config: Config = toml::from_str(text).unwrap();
        config.check().unwrap();
        let cited = &overread_knowledge::Knowledge::embedded().retention.rules;
        let settings = config.keeping.settings(cited);
        assert_eq!(
            (settings.grace_days, settings.rules.len()),
            (60, 1 + cited.len())
        );
        assert!(!settings.rules[0].unconfirmed, "nothing is erased unasked");
        config.keeping.cited_rules = false;
        assert_eq!(config.keeping.settings(cited).rules.len(), 1);
        let shown = toml::to_string_pretty(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&shown).unwrap(), config);
    }

    #[test]
    fn callers_are_read_and_shown() {
        let text = "[[dimse.callers]]\nae_title = 'MR1'\naddresses = ['10.0.0.5']\n";
        let config: Config = toml::from_str(text).unwrap();
        let door = config.dimse.door().unwrap();
        let (mr, other) = ("MR1".parse().unwrap(), "MR2".parse().unwrap());
        assert!(door.callers.admit(&mr, "10.0.0.5".parse().unwrap()));
        assert!(!door.callers.admit(&other, "10.0.0.5".parse().unwrap()));
        let shown = toml::to_string_pretty(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&shown).unwrap(), config);
    }
}
