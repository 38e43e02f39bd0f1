//! How long laws ask that images be kept.

use overread_model::keeping::RetentionRule;
use serde::Deserialize;

/// Everything `retention/rules.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RetentionTables {
    /// The rules; each names the law.
    pub rules: Vec<RetentionRule>,
}
