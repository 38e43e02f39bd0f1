//! How long images are kept, and how many of them.

use anyhow::{Result, bail};
use overread_model::keeping::{Quota, RetentionRule};
use serde::{Deserialize, Serialize};

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
            bail!("keeping.grace_days must be from 1 to {GRACE_DAYS}");
        }
        if self.case_gb == 0 || self.case_images == 0 {
            bail!("keeping.case_gb and keeping.case_images must be at least 1");
        }
        for (number, rule) in (1..).zip(&self.rules) {
            if let Some(fault) = rule.fault() {
                bail!("keeping.rules, rule {number}: {fault}");
            }
        }
        Ok(())
    }
}
