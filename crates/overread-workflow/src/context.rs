//! What every step needs at hand.

use std::path::PathBuf;
use std::sync::Arc;

use overread_archive::Archive;
use overread_ingest::Ingest;
use overread_knowledge::Knowledge;
use overread_model::duration::WorkCalendar;
use overread_store::Store;

use crate::keeping::Keeping;
use crate::limits;

/// Handles to the rooms below, cheap to clone.
#[derive(Clone)]
pub struct Workflow {
    /// The facts.
    pub store: Store,
    /// The bytes.
    pub archive: Archive,
    /// Takes deliveries in.
    pub ingest: Ingest,
    /// Cited facts.
    pub knowledge: &'static Knowledge,
    /// Settings, read once.
    pub config: Arc<WorkflowConfig>,
}

/// Settings the steps depend on.
#[derive(Debug, Clone)]
pub struct WorkflowConfig {
    /// Address at which people reach this installation, no slash at the end: `https://overread.example`.
    pub public_url: String,
    /// Name of the practice or hospital, on mails and letters.
    pub organisation: String,
    /// Where mails go.
    pub mail: MailConfig,
    /// Working days, for deadlines.
    pub calendar: WorkCalendar,
    /// What a new password's hash costs.
    pub password_cost: PasswordCost,
    /// How long images are kept.
    pub keeping: Keeping,
}

/// What it costs to hash a password; a kept hash is checked at the cost it was made with.
#[derive(Debug, Clone, Copy)]
pub struct PasswordCost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
}

impl PasswordCost {
    /// What every installation pays; tests that sign in hundreds of people may pay less.
    pub const STANDARD: Self = Self {
        memory_kib: limits::PASSWORD_MEMORY_KIB,
        passes: limits::PASSWORD_PASSES,
    };
}

/// Where mails go.
#[derive(Debug, Clone)]
pub enum MailConfig {
    /// Each mail becomes an `.eml` file in this folder.
    Folder(PathBuf),
    /// Each mail is handed to a mail server.
    Smtp(SmtpConfig),
}

/// How to reach the mail server.
#[derive(Clone)]
pub struct SmtpConfig {
    /// Host name.
    pub host: String,
    /// Port, 587 as a rule.
    pub port: u16,
    /// Sender, `Overread <overread@hospital.example>`.
    pub from: String,
    /// Name and password, when the server asks for them.
    pub credentials: Option<(String, String)>,
    /// Plain text instead of TLS: only for a server on this very machine.
    pub plain_text: bool,
}

impl std::fmt::Debug for SmtpConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SmtpConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("from", &self.from)
            .field(
                "credentials",
                &self.credentials.as_ref().map(|_| "(hidden)"),
            )
            .field("plain_text", &self.plain_text)
            .finish()
    }
}
