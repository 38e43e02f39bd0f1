//! How long images are kept, and how many of them.

use anyhow::{Context, Result, anyhow};
use overread_model::keeping::{Quota, RetentionRule};
use serde::{Deserialize, Serialize};

use super::At;

/// How long images are kept, and how many of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Keeping {
    /// Days in which a deleted exam can be restored.
    pub(crate) grace_days: u32,
    /// GB that one case may hold, as the pages show them.
    pub(crate) case_gb: u64,
    /// Images that one case may hold.
    pub(crate) case_images: u64,
    /// The rules that laws ask for count, too.
    pub(crate) cited_rules: bool,
    /// How long images are kept once their cases have ended; without a rule about them, for ever.
    pub(crate) rules: Vec<RetentionRule>,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            grace_days: 30,
            case_gb: overread_ingest::limits::CASE_BYTES / GB,
            case_images: overread_ingest::limits::CASE_INSTANCES,
            cited_rules: true,
            rules: Vec::new(),
        }
    }
}

const GB: u64 = 1_000_000_000;
const GRACE_DAYS: u32 = 3_650;

impl Keeping {
    /// Returns how much a case may hold.
    pub(crate) fn quota(&self) -> Quota {
        Quota {
            bytes: self.case_gb.saturating_mul(GB),
            instances: self.case_images,
        }
    }

    /// Returns the settings as the steps take them.
    pub(crate) fn settings(&self, cited: &[RetentionRule]) -> overread_workflow::keeping::Keeping {
        let mut rules = self.rules.clone();
        if self.cited_rules {
            rules.extend_from_slice(cited);
        }
        overread_workflow::keeping::Keeping {
            grace_days: self.grace_days,
            rules,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if !(1..=GRACE_DAYS).contains(&self.grace_days) {
            return Err(anyhow!(
                "{} was read; a whole number from 1 to {GRACE_DAYS} is expected",
                self.grace_days
            ))
            .context(At::key("keeping.grace_days"));
        }
        for (key, amount) in [
            ("keeping.case_gb", self.case_gb),
            ("keeping.case_images", self.case_images),
        ] {
            if amount == 0 {
                return Err(anyhow!("0 was read; 1 or more is expected")).context(At::key(key));
            }
        }
        for (number, rule) in (1..).zip(&self.rules) {
            if let Some(fault) = rule.fault() {
                return Err(anyhow!(fault)).context(At::entry("keeping.rules", number, ""));
            }
        }
        Ok(())
    }
}
