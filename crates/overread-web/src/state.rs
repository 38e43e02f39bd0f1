//! What every handler needs at hand.

use std::ops::Deref;
use std::sync::Arc;

use overread_dicomweb::DicomWebState;
use overread_model::peers::Peers;
use overread_model::time::Timestamp;
use overread_workflow::{MailConfig, Workflow};

/// Settings of the people's door, read once.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// Address at which people reach this installation, no slash at the end: `https://overread.example`.
    pub public_url: String,
    /// The address is https: cookies are sent over TLS only and carry the `__Host-` prefix.
    pub cookie_secure: bool,
    /// Name of the practice or hospital, shown in the foot of every page.
    pub organisation: String,
    /// Telephone number for emergencies where the patients live: `911`, `112`.
    pub emergency_number: String,
    /// A proxy in front sets `X-Forwarded-For`; believe its last entry.
    pub behind_proxy: bool,
}

/// The rooms behind the door.
pub struct WebRooms {
    /// The steps, with store, archive, ingest and knowledge.
    pub workflow: Workflow,
    /// What the DICOMweb door needs.
    pub dicomweb: DicomWebState,
    /// Who called over the DICOM network.
    pub peers: Peers,
    /// Settings.
    pub config: Arc<WebConfig>,
    /// The only clock.
    pub clock: fn() -> Timestamp,
}

/// A handle to the rooms: one pointer, since every layer and handler takes its own with each request.
#[derive(Clone)]
pub(crate) struct WebState(Arc<WebRooms>);

impl From<WebRooms> for WebState {
    fn from(rooms: WebRooms) -> Self {
        Self(Arc::new(rooms))
    }
}

impl Deref for WebState {
    type Target = WebRooms;

    fn deref(&self) -> &WebRooms {
        &self.0
    }
}

impl WebRooms {
    /// Returns the present instant.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Says whether mail leaves this installation; without a server it only becomes files.
    pub(crate) fn mails(&self) -> bool {
        matches!(self.workflow.config.mail, MailConfig::Smtp(_))
    }
}
