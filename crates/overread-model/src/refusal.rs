//! What was sent for a case and not kept.

/// What it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusedSort {
    /// An instance whose UID was not kept yet.
    Instance,
    /// An instance with the UID of one that is kept, and other content.
    OtherContent,
    /// A document or picture.
    Paper,
    /// A file that says no SOP Instance UID.
    Unnamed,
    /// A whole request, or what was not read of one.
    Request,
    /// Whatever came once the list of a case was full.
    Further,
}

impl RefusedSort {
    /// Every sort.
    pub const ALL: [Self; 6] = [
        Self::Instance,
        Self::OtherContent,
        Self::Paper,
        Self::Unnamed,
        Self::Request,
        Self::Further,
    ];

    /// Returns the stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::OtherContent => "other_content",
            Self::Paper => "paper",
            Self::Unnamed => "unnamed",
            Self::Request => "request",
            Self::Further => "further",
        }
    }

    /// Returns what a word stands for.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == word)
    }

    /// Says whether one line stands for as many as were refused, since nothing tells them apart: only a person can say that they
    /// have come.
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Unnamed | Self::Request | Self::Further)
    }
}

/// Why it was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalReason {
    /// The case held as much as it may.
    NoRoom,
    /// Its exam was deleted and could still be restored.
    Deleted,
    /// It was no whole DICOM instance, or not the one that its sender had announced.
    Unusable,
}

impl RefusalReason {
    /// Every reason, the gravest first.
    pub const ALL: [Self; 3] = [Self::NoRoom, Self::Deleted, Self::Unusable];

    /// Returns the stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRoom => "no_room",
            Self::Deleted => "deleted",
            Self::Unusable => "unusable",
        }
    }

    /// Returns what a word stands for.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}
