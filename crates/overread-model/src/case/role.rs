//! The hats people wear in one case. A person can wear several; the sign-in role alone does not say which.

use serde::{Deserialize, Serialize};

use crate::access::{Actor, Role};

/// What an actor is to one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseRole {
    /// On the side that asked.
    Requester,
    /// Sent the patient to the exam.
    ReferringPhysician,
    /// Decides on treatment.
    TreatingPhysician,
    /// Pays.
    Insurer,
    /// Runs the case.
    Coordinator,
    /// Was offered, or does, the review.
    Reviewer,
    /// Jobs of the program.
    System,
}

/// How a signed-in person is tied to one case, as the store knows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ties {
    /// Asked for this case (or acts for who asked).
    pub asked: bool,
    /// Is the reviewer the case was offered to or who reads it.
    pub reviews: bool,
    /// Referred the patient to the exam, or is to be told the result.
    pub refers_or_treats: bool,
    /// Belongs to the insurer of this case.
    pub insures: bool,
}

impl CaseRole {
    /// Every hat, in the order of the data file.
    pub const ALL: [Self; 7] = [
        Self::Requester,
        Self::ReferringPhysician,
        Self::TreatingPhysician,
        Self::Insurer,
        Self::Coordinator,
        Self::Reviewer,
        Self::System,
    ];

    /// Returns the hat as the data file writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::ReferringPhysician => "referring_physician",
            Self::TreatingPhysician => "treating_physician",
            Self::Insurer => "insurer",
            Self::Coordinator => "coordinator",
            Self::Reviewer => "reviewer",
            Self::System => "system",
        }
    }

    /// Returns the hat in words, as in "waiting for the reviewer".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Requester => "the person who asked",
            Self::ReferringPhysician => "the referring physician",
            Self::TreatingPhysician => "the treating physician",
            Self::Insurer => "the insurer",
            Self::Coordinator => "the coordinator",
            Self::Reviewer => "the reviewer",
            Self::System => "the program",
        }
    }

    /// Returns the hats an actor wears in a case it is tied to this way.
    ///
    /// A patient or representative reaches a case only by a grant of that case, and is then always on the asking side, so
    /// that consent can be taken back whoever asked. A reviewer who is not this case's reviewer wears no hat.
    pub fn worn_by(actor: &Actor, ties: Ties) -> Vec<Self> {
        let mut hats = match actor {
            Actor::System => vec![Self::System],
            Actor::Link { .. } => vec![Self::TreatingPhysician],
            Actor::Person { role, .. } | Actor::Machine { role, .. } => match role {
                Role::Patient | Role::Representative => vec![Self::Requester],
                Role::ReferringPhysician if ties.refers_or_treats => {
                    vec![Self::ReferringPhysician, Self::TreatingPhysician]
                }
                Role::Insurer if ties.insures => vec![Self::Insurer],
                Role::Reviewer if ties.reviews => vec![Self::Reviewer],
                Role::Coordinator => vec![Self::Coordinator],
                Role::ReferringPhysician
                | Role::Insurer
                | Role::Reviewer
                | Role::Administrator
                | Role::Archive => Vec::new(),
            },
        };
        let may_ask = matches!(
            actor.role(),
            Some(Role::ReferringPhysician | Role::Insurer | Role::Coordinator)
        );
        if ties.asked && may_ask {
            hats.push(Self::Requester);
        }
        hats
    }
}
