//! Runs the program as a script does.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, viewer_junk, write_folder};
use serde_json::Value;

/// Returns the program, free of the caller's settings.
pub(crate) fn overread(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overread"));
    command
        .args(arguments)
        .env_remove("OVERREAD_DATA")
        .env_remove("OVERREAD_LOG");
    command
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    overread(arguments).output().unwrap()
}

/// Runs it with something to read.
pub(crate) fn run_with(arguments: &[&str], input: &str) -> Output {
    let mut child = overread(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// Reads what it printed as JSON.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {} {}", text(&output.stdout), text(&output.stderr))
    })
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes a small disc: five slices, a report, a viewer.
pub(crate) fn small_disc(folder: &Path) {
    write_folder(folder, &small_files()).unwrap();
}

/// The files of a small disc.
pub(crate) fn small_files() -> Vec<DiscFile> {
    let mut files: Vec<DiscFile> = (1..=5)
        .map(|number| {
            let spec = InstanceSpec::mr(71, 2, number).at_z_mm(number as f64 * 4.0);
            DiscFile::new(format!("DICOM/IM{number:04}"), spec.part10().unwrap())
        })
        .collect();
    files.push(DiscFile::new(
        "REPORT.TXT",
        "MRI LUMBAR SPINE\r\nFINDINGS: Normal.\r\nIMPRESSION: Normal.\r\n",
    ));
    files.extend(viewer_junk());
    files
}
