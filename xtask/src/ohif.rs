//! OHIF as its makers publish it: fetched once, unpacked, and driven in a browser on our archive.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::run::{check, command, root, say};
use crate::web;

const VERSION: &str = "3.13.2";
/// What the registry says of the package; another one is not unpacked.
const INTEGRITY: &str = "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==";

/// Drives OHIF on the program as it is built here. Outside CI a machine without the registry goes without, and says so.
pub(crate) fn test() -> Result<()> {
    let dist = match unpacked() {
        Ok(dist) => dist,
        Err(error) if std::env::var_os("CI").is_none() => {
            return say(&format!(
                "!! SKIPPED: OHIF could not be fetched, so no other viewer was tried ({error:#})"
            ));
        }
        Err(error) => return Err(error),
    };
    let folder = root().join("e2e");
    web::install(&folder)?;
    let arguments = ["playwright", "test", "--config", "ohif.config.ts"];
    let mut drive = command(&folder, "npx", &arguments);
    drive.env("OVERREAD_BIN", root().join("target/debug/overread"));
    drive.env("OVERREAD_OHIF", dist);
    check(drive)
}

/// Returns the unpacked package, kept below `target` from one run to the next.
fn unpacked() -> Result<PathBuf> {
    let folder = root().join("target/ohif").join(VERSION);
    let dist = folder.join("package/dist");
    if dist.join("index.html").is_file() {
        return Ok(dist);
    }
    // Under another name until it is whole.
    let begun = folder.with_extension("begun");
    if begun.exists() {
        std::fs::remove_dir_all(&begun)?;
    }
    std::fs::create_dir_all(&begun)?;
    let tarball = fetched(&begun)?;
    // Two thirds of it compute what only segmentation asks for.
    let arguments = ["-xzf", &tarball, "--exclude=package/dist/ort"];
    check(command(&begun, "tar", &arguments))?;
    std::fs::remove_file(begun.join(&tarball))?;
    std::fs::rename(&begun, &folder)?;
    Ok(dist)
}

/// Fetches the package and returns its file's name.
fn fetched(folder: &Path) -> Result<String> {
    let package = format!("@ohif/app@{VERSION}");
    let arguments = ["pack", &package, "--json", "--loglevel=error"];
    let output = command(folder, "npm", &arguments).output()?;
    if !output.status.success() {
        bail!("`npm pack {package}` failed ({})", output.status);
    }
    let told = String::from_utf8_lossy(&output.stdout);
    if !told.contains(INTEGRITY) {
        bail!("the registry sent another {package} than the one that is known here");
    }
    let packed = std::fs::read_dir(folder)?.flatten().next();
    match packed.map(|entry| entry.file_name().into_string()) {
        Some(Ok(name)) => Ok(name),
        _ => bail!("`npm pack {package}` left no file"),
    }
}
