//! Settings: defaults, then `config.toml` of the data folder, then `OVERREAD_*` variables. Read once.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use overread_dimse::{AeTitle, Caller, Callers, DoorConfig, limits};
use serde::{Deserialize, Serialize};

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
    /// Where mails go.
    pub(crate) mail: Mail,
    /// The DICOM network door.
    pub(crate) dimse: Dimse,
}

/// The DICOM network door, which `serve --dimse` opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Dimse {
    /// Our AE title.
    pub(crate) ae_title: String,
    /// Seconds that a PDU may take to arrive, from the end of the one before.
    pub(crate) idle_seconds: u32,
    /// Seconds that a peer may take for its association request.
    pub(crate) request_seconds: u32,
    /// Who may store; without an entry, any program on this machine and nobody else.
    pub(crate) callers: Vec<DimseCaller>,
}

/// One application entity that may store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DimseCaller {
    /// How it calls itself.
    pub(crate) ae_title: String,
    /// Where it calls from; without an entry, from anywhere.
    #[serde(default)]
    pub(crate) addresses: Vec<IpAddr>,
}

impl Default for Dimse {
    fn default() -> Self {
        Self {
            ae_title: "OVERREAD".to_owned(),
            idle_seconds: limits::IDLE_TIME.as_secs() as u32,
            request_seconds: limits::REQUEST_TIME.as_secs() as u32,
            callers: Vec::new(),
        }
    }
}

impl Dimse {
    /// Returns the settings as the door takes them.
    pub(crate) fn door(&self) -> Result<DoorConfig> {
        let title = |text: &str| {
            text.parse::<AeTitle>()
                .with_context(|| format!("dimse: {text:?}"))
        };
        if self.idle_seconds == 0 || self.request_seconds == 0 {
            bail!("dimse.idle_seconds and dimse.request_seconds must be at least 1");
        }
        let caller = |caller: &DimseCaller| {
            Ok(Caller {
                ae_title: title(&caller.ae_title)?,
                addresses: caller.addresses.clone(),
            })
        };
        Ok(DoorConfig {
            ae_title: title(&self.ae_title)?,
            callers: Callers(self.callers.iter().map(caller).collect::<Result<_>>()?),
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
            mail: Mail::default(),
            dimse: Dimse::default(),
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
            .with_context(|| format!("{} is not a valid configuration", path.display()))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where variables are read"
        )]
        config.overlay(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
        config.check()?;
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
        ] {
            let config: Config = toml::from_str(text).unwrap();
            assert!(config.check().is_err(), "{text}");
        }
        let nowhere = "dimse.callers = [{ ae_title = 'MR1', addresses = ['radiology'] }]";
        assert!(toml::from_str::<Config>(nowhere).is_err());
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
