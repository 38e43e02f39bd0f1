//! Tells the program which commit it is built from; without git, or outside its repository, nothing.

use std::path::Path;
use std::process::Command;

fn main() {
    let commit = commit().map_or_else(String::new, |commit| format!(" ({commit})"));
    println!("cargo:rustc-env=OVERREAD_COMMIT={commit}");
    println!("cargo:rerun-if-changed=build.rs");
    // It is written whenever the commit changes, also in a further work tree.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&log).exists()
    {
        println!("cargo:rerun-if-changed={log}");
    }
}

/// Returns the commit, unless these files lie in the repository of somebody else.
fn commit() -> Option<String> {
    let prefix = git(&["rev-parse", "--show-prefix"])?;
    (prefix == "crates/overread/").then(|| git(&["describe", "--always", "--abbrev=12"]))?
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
