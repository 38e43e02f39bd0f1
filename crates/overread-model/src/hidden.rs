//! Values that must never reach a log line.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Holds patient data; its `Debug` never shows the value.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden<T>(pub T);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(hidden)")
    }
}

impl<T> From<T> for Hidden<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> Hidden<T> {
    /// Returns the value for a place that may show it.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Hidden;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Hidden("Doe^Jane".to_owned())), "(hidden)");
    }
}
