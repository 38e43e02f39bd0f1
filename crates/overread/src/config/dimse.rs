//! The DICOM network door, and whom it calls.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use overread_dimse::{
    AddressRange, AeTitle, Caller, Callers, DoorConfig, Identity, Incoming, May, Outgoing, Remote,
    limits,
};
use overread_model::ids::{CaseId, TokenId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{At, both};

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
    pub(super) fn start_at(&mut self, data: &Path) {
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

    pub(super) fn identity(&self) -> Result<Option<Identity<'_>>> {
        match (path(&self.certificate), path(&self.key)) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(Identity { certificate, key })),
            (certificate, key) => {
                let (certificate, key) = (certificate.is_some(), key.is_some());
                let tls = |key: &str| At::key(&format!("dimse.tls.{key}"));
                both(tls, ("certificate", certificate), ("key", key)).map(|()| None)
            }
        }
    }

    /// Reads how associations over TLS are taken.
    pub(crate) fn incoming(&self) -> Result<Incoming> {
        let own = self
            .identity()?
            .context("DICOM over TLS needs dimse.tls.certificate and dimse.tls.key")?;
        Incoming::read(own, path(&self.client_ca)).context(At::key("dimse.tls"))
    }

    fn outgoing(&self) -> Result<Outgoing> {
        match path(&self.ca) {
            None => Ok(Outgoing::default()),
            Some(ca) => Outgoing::read(ca, self.identity()?).context(At::key("dimse.tls")),
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
    #[serde(
        default,
        deserialize_with = "token_id",
        skip_serializing_if = "Option::is_none"
    )]
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

/// Reads the id of a token. Who wrote the secret there is told what belongs there; the secret is not repeated.
fn token_id<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<TokenId>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.starts_with("ovr_") {
        return Err(D::Error::custom(
            "this is the secret of a token, and its id is wanted: overread token list shows it",
        ));
    }
    text.parse().map(Some).map_err(D::Error::custom)
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
            text.parse::<AddressRange>()
                .with_context(|| format!("address {number}"))
        };
        numbered.map(range).collect()
    }

    /// Returns the caller as the door takes it; `number` is that of its entry.
    fn caller(&self, number: usize) -> Result<Caller> {
        let at = |key: &str| At::entry("dimse.callers", number, key);
        let ae_title = title(&self.ae_title, at("ae_title"))?;
        let addresses = self.addresses().context(at("addresses"))?;
        let may = |right| self.may.contains(&right);
        let may = May {
            store: may(DimseRight::Store),
            find: may(DimseRight::Find),
            retrieve: may(DimseRight::Retrieve),
        };
        if (may.find || may.retrieve) && self.token.is_none() {
            return Err(anyhow!(
                "it may find or retrieve, but names no token; make one with `overread token create` and write its id as `token`"
            ))
            .context(at("may"));
        }
        let (address, port) = (!self.address.is_empty(), self.port != 0);
        both(at, ("address", address), ("port", port))?;
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
fn title(text: &str, at: At) -> Result<AeTitle> {
    text.parse::<AeTitle>().context(at)
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
        let mut named = (1..).zip(&self.peers).filter(|(_, peer)| peer.name == name);
        let Some((number, peer)) = named.next() else {
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
        if let Some((other, _)) = named.next() {
            let error = anyhow!(
                "entries {number} and {other} of dimse.peers have one name, so that nothing says which of them is meant"
            );
            return Err(error).context(At::entry("dimse.peers", other, "name"));
        }
        Ok(Remote {
            ae_title: title(&peer.ae_title, At::entry("dimse.peers", number, "ae_title"))?,
            host: peer.address.clone(),
            port: peer.port,
            tls: peer.tls,
        })
    }

    /// Returns the settings as the door takes them.
    pub(crate) fn door(&self) -> Result<DoorConfig> {
        for (key, seconds) in [
            ("dimse.idle_seconds", self.idle_seconds),
            ("dimse.request_seconds", self.request_seconds),
        ] {
            if seconds == 0 {
                return Err(anyhow!("0 was read; 1 or more is expected")).context(At::key(key));
            }
        }
        let callers = (1..).zip(&self.callers);
        let callers = callers.map(|(number, caller)| caller.caller(number));
        let callers = Callers(callers.collect::<Result<_>>()?);
        if let Some(found) = callers.contradiction() {
            let at = At::entry("dimse.callers", found.last(), "ae_title");
            return Err(found).context(at);
        }
        Ok(DoorConfig {
            ae_title: title(&self.ae_title, At::key("dimse.ae_title"))?,
            only_own_title: self.only_own_title,
            callers,
            outgoing: self.tls.outgoing()?,
            idle: Duration::from_secs(self.idle_seconds.into()),
            request: Duration::from_secs(self.request_seconds.into()),
        })
    }
}
