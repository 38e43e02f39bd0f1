//! The licences of what we build upon, against the list in `deny.toml`.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Findings, read};
use crate::run::command;

/// Checks that each package offers at least one licence of the list.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let deny: toml::Table = read(&root.join("deny.toml"))?
        .parse()
        .context("deny.toml")?;
    let allowed: Vec<&str> = deny
        .get("licenses")
        .and_then(|licenses| licenses.get("allow"))
        .and_then(toml::Value::as_array)
        .map(|list| list.iter().filter_map(toml::Value::as_str).collect())
        .unwrap_or_default();
    let output = command(
        root,
        env!("CARGO"),
        &["metadata", "--format-version=1", "--locked", "--quiet"],
    )
    .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut findings = Findings::new();
    for package in packages {
        let field = |name| {
            package
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        if !offers(field("license"), &allowed) {
            findings.push(format!(
                "{}: licence `{}` is not on the list in deny.toml",
                field("name"),
                field("license")
            ));
        }
    }
    Ok(findings)
}

/// Reads an SPDX expression as far as crates use it: every `AND` part needs one allowed `OR` part.
fn offers(expression: &str, allowed: &[&str]) -> bool {
    let plain = expression.replace('/', " OR ").replace(['(', ')'], " ");
    !plain.trim().is_empty()
        && plain.split(" AND ").all(|part| {
            part.split(" OR ")
                .any(|licence| allowed.contains(&licence.trim()))
        })
}

#[cfg(test)]
mod tests {
    use super::offers;

    #[test]
    fn expressions_are_read() {
        let allowed = ["MIT", "BSD-3-Clause"];
        assert!(offers("MIT OR Apache-2.0", &allowed));
        assert!(offers("MIT/Apache-2.0", &allowed));
        assert!(offers("(Apache-2.0 OR MIT) AND BSD-3-Clause", &allowed));
        assert!(!offers("AGPL-3.0-or-later", &allowed));
        assert!(!offers("MIT AND AGPL-3.0-or-later", &allowed));
        assert!(!offers("", &allowed));
    }
}
