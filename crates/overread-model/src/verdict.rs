//! Which of two is right: the image that is stored, or the one that was set aside since it contradicts that.

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// What is stored is.
    StoredKept,
    /// What was set aside is: it must be sent anew, since originals are never changed.
    NewerIsRight,
}

impl Verdict {
    /// Returns the stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StoredKept => "stored_kept",
            Self::NewerIsRight => "newer_is_right",
        }
    }

    /// Returns what a word stands for.
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::StoredKept, Self::NewerIsRight];
        all.into_iter().find(|one| one.as_str() == word)
    }
}
