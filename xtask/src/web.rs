//! The web assets: npm packages, Vite, and the stamp that says they are current.

use std::path::Path;
use std::time::SystemTime;

use anyhow::Result;

use crate::machine::ensure_node;
use crate::run::{check, command, root};

/// Builds `web/dist` when something below `web/` is newer.
pub(crate) fn build() -> Result<()> {
    let web = root().join("web");
    let manifest = web.join("dist/.vite/manifest.json");
    let built = std::fs::metadata(&manifest)
        .and_then(|facts| facts.modified())
        .ok();
    if built.is_some_and(|built| newest(&web).is_some_and(|newest| newest <= built)) {
        return Ok(());
    }
    install(&web)?;
    check(command(&web, "npm", &["run", "--silent", "build"]))
}

/// Checks types, style and unit tests of the TypeScript.
pub(crate) fn test() -> Result<()> {
    let web = root().join("web");
    install(&web)?;
    check(command(&web, "npm", &["run", "--silent", "check"]))?;
    check(command(&web, "npm", &["test", "--silent"]))
}

/// Installs exactly the packages of the lock file, once for each lock file.
pub(crate) fn install(folder: &Path) -> Result<()> {
    ensure_node()?;
    let installed = folder.join("node_modules/.package-lock.json");
    let modified = |path: &Path| {
        std::fs::metadata(path)
            .and_then(|facts| facts.modified())
            .ok()
    };
    if modified(&installed) >= modified(&folder.join("package-lock.json")) && installed.exists() {
        return Ok(());
    }
    check(command(
        folder,
        "npm",
        &[
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
        ],
    ))
}

fn newest(folder: &Path) -> Option<SystemTime> {
    let mut latest = None;
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let name = entry.file_name();
        if name == "node_modules" || name == "dist" {
            continue;
        }
        let path = entry.path();
        let found = if path.is_dir() {
            newest(&path)
        } else {
            entry.metadata().and_then(|facts| facts.modified()).ok()
        };
        latest = latest.max(found);
    }
    latest
}
