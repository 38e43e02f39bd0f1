//! Clients that others wrote (dicomweb-client, pynetdicom, DCMTK, curl) on a real server with an empty folder.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::machine::{self, find_python};
use crate::run::{check, command, root, say};

/// Drives every client.
pub(crate) fn test() -> Result<()> {
    let python = environment()?;
    let work = root().join("target/clients");
    let disc = work.join("disc");
    if disc.exists() {
        std::fs::remove_dir_all(&disc)?;
    }
    let example = [
        "run",
        "--quiet",
        "-p",
        "overread-testkit",
        "--example",
        "lumbar_disc",
        "--",
    ];
    let mut made = command(&root(), env!("CARGO"), &example);
    made.arg(&disc);
    check(made)?;
    let folder = root().join("e2e/clients");
    let program = python.to_string_lossy();
    let arguments = ["-B", "-m", "unittest", "discover", "--verbose"];
    let mut drive = command(&folder, &program, &arguments);
    drive.env("OVERREAD_BIN", root().join("target/debug/overread"));
    drive.env("OVERREAD_DISC", &disc);
    let real = root().join("../shared/dicom");
    if real.is_dir() {
        drive.env("OVERREAD_REAL_FILES", real);
    }
    check(drive)
}

/// Returns a Python with the packages that are pinned, installed once for each list of them.
fn environment() -> Result<PathBuf> {
    let wanted = root().join("e2e/clients/requirements.txt");
    let folder = root().join("target/clients/python");
    let (program, stamp) = (folder.join("bin/python"), folder.join("requirements.txt"));
    let is_current = std::fs::read(&stamp).ok() == Some(std::fs::read(&wanted)?);
    if is_current && program.is_file() {
        return Ok(program);
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    machine::ensure_python()?;
    let Some(python) = find_python() else {
        bail!("no Python was found that can make an environment of its own");
    };
    say("installing the Python clients")?;
    let folder = folder.to_string_lossy();
    let python = python.to_string_lossy();
    check(command(&root(), &python, &["-m", "venv", &folder]))?;
    let list = wanted.to_string_lossy();
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        &list,
    ];
    check(command(&root(), &program.to_string_lossy(), &arguments))?;
    std::fs::copy(&wanted, &stamp)?;
    Ok(program)
}
