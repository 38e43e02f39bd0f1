//! Who acts, and what each role may do before any grant is asked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{CaseId, LinkId, PersonId, TokenId};

/// What a person or machine is to Overread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person whose images they are.
    Patient,
    /// Acts for the patient: parent, guardian, holder of a power of attorney.
    Representative,
    /// Referred or treats the patient; reads and acknowledges the result.
    ReferringPhysician,
    /// Pays, and may ask for a second opinion.
    Insurer,
    /// Runs the cases: records, letters, reviewer choice.
    Coordinator,
    /// Gives the second opinion.
    Reviewer,
    /// Runs the installation: people and settings, no clinical content.
    Administrator,
    /// A machine that may store and read every study (tokens only).
    Archive,
}

impl Role {
    /// Every role, in the order in which pages list them.
    pub const ALL: [Self; 8] = [
        Self::Patient,
        Self::Representative,
        Self::ReferringPhysician,
        Self::Insurer,
        Self::Coordinator,
        Self::Reviewer,
        Self::Administrator,
        Self::Archive,
    ];

    /// Returns the role as columns, JSON and the command line write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Representative => "representative",
            Self::ReferringPhysician => "referring_physician",
            Self::Insurer => "insurer",
            Self::Coordinator => "coordinator",
            Self::Reviewer => "reviewer",
            Self::Administrator => "administrator",
            Self::Archive => "archive",
        }
    }

    /// Returns the role in words for a page.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Representative => "Representative",
            Self::ReferringPhysician => "Referring physician",
            Self::Insurer => "Insurer",
            Self::Coordinator => "Coordinator",
            Self::Reviewer => "Reviewer",
            Self::Administrator => "Administrator",
            Self::Archive => "Archive (machine)",
        }
    }

    /// Says whether the role reaches every case and study without a grant.
    pub const fn sees_every_case(self) -> bool {
        matches!(self, Self::Coordinator | Self::Archive)
    }
}

/// Says that a text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a role: patient, representative, referring_physician, insurer, coordinator, reviewer, administrator or archive is expected"
)]
pub struct NotARole;

impl FromStr for Role {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        let folded = text.replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == folded)
            .ok_or(NotARole)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A signed-in person, in one role.
    Person {
        /// Who.
        person_id: PersonId,
        /// As what.
        role: Role,
    },
    /// A machine with a bearer token.
    Machine {
        /// Which token.
        token_id: TokenId,
        /// As what.
        role: Role,
    },
    /// A holder of a share link; reaches one case only.
    Link {
        /// Which link.
        link_id: LinkId,
        /// The case it opens.
        case_id: CaseId,
    },
    /// The program itself: jobs and first start.
    System,
}

impl Actor {
    /// Returns the role; links and the system have none.
    pub const fn role(&self) -> Option<Role> {
        match self {
            Self::Person { role, .. } | Self::Machine { role, .. } => Some(*role),
            Self::Link { .. } | Self::System => None,
        }
    }

    /// Says whether every case is reachable without a grant.
    pub fn sees_every_case(&self) -> bool {
        matches!(self, Self::System) || self.role().is_some_and(Role::sees_every_case)
    }

    /// Returns `person`, `machine`, `link` or `system`, as audit rows and grants write it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Person { .. } => "person",
            Self::Machine { .. } => "machine",
            Self::Link { .. } => "link",
            Self::System => "system",
        }
    }

    /// Returns the id behind the actor; empty for the system.
    pub fn id(&self) -> &str {
        match self {
            Self::Person { person_id, .. } => person_id.as_str(),
            Self::Machine { token_id, .. } => token_id.as_str(),
            Self::Link { link_id, .. } => link_id.as_str(),
            Self::System => "",
        }
    }
}

/// What a grant lets its holder do in one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Open the case page and its journey.
    ViewCase,
    /// Open images.
    ViewImages,
    /// Open documents and letters.
    ViewDocuments,
    /// Add images, documents, answers.
    AddRecords,
    /// Write and finalise letters.
    WriteLetters,
    /// Write and sign the second report.
    WriteReport,
    /// Read signed reports and the comparison.
    ViewReport,
    /// Acknowledge and decide as the treating physician.
    Acknowledge,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 8] = [
        Self::ViewCase,
        Self::ViewImages,
        Self::ViewDocuments,
        Self::AddRecords,
        Self::WriteLetters,
        Self::WriteReport,
        Self::ViewReport,
        Self::Acknowledge,
    ];

    /// Returns the right as a column writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ViewCase => "view_case",
            Self::ViewImages => "view_images",
            Self::ViewDocuments => "view_documents",
            Self::AddRecords => "add_records",
            Self::WriteLetters => "write_letters",
            Self::WriteReport => "write_report",
            Self::ViewReport => "view_report",
            Self::Acknowledge => "acknowledge",
        }
    }
}
