//! Words that must not stand in the project: other machines' paths and unescaped page text.

use std::path::Path;

use anyhow::Result;

use super::{Findings, files, read, short};

/// Checks templates for unescaped text and lock files for addresses of one machine's registry.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let mut findings = Findings::new();
    for path in files(&root.join("crates/overread-web/templates"), ".html")? {
        let text = read(&path)?;
        let place = short(root, &path);
        if text.contains("|safe") || text.contains("| safe") {
            findings.push(format!("{place}: `|safe` shows text unescaped"));
        }
        if text.contains(" style=\"") || text.contains(" onclick=") || text.contains("<script>") {
            findings.push(format!(
                "{place}: inline style or script, which the content policy refuses"
            ));
        }
    }
    for lock in ["web/package-lock.json", "e2e/package-lock.json"] {
        let path = root.join(lock);
        if path.is_file() && read(&path)?.contains("\"resolved\": \"http") {
            findings.push(format!(
                "{lock}: names a registry's address; it must work with any"
            ));
        }
    }
    Ok(findings)
}
