//! House rules that a machine can check.

mod imports;
mod licences;
mod migrations;
mod sources;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{root, say};

/// What one rule found: a place and a sentence.
type Findings = Vec<String>;

/// Checks every rule and lists everything that is found.
pub(crate) fn tidy() -> Result<()> {
    let root = root();
    let mut findings = Findings::new();
    findings.extend(imports::check(&root)?);
    findings.extend(migrations::check(&root)?);
    findings.extend(sources::check(&root)?);
    findings.extend(words::check(&root)?);
    findings.extend(licences::check(&root)?);
    if findings.is_empty() {
        return Ok(());
    }
    for finding in &findings {
        say(finding)?;
    }
    bail!("{} places are not tidy", findings.len())
}

/// Returns the files below a folder whose name ends so, sorted.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "node_modules" | "dist" | ".git") {
                found.extend(files(&path, ending)?);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn short(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}
