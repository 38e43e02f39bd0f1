//! Everything CI runs.

use anyhow::{Result, bail};

use crate::machine::{CHROMIUM, COMPILER, DCMTK, ensure};
use crate::postgres::{self, Server};
use crate::run::{check, command, part, root, say};
use crate::{tidy, web};

const PARTS: [&str; 7] = ["fmt", "web", "clippy", "doc", "tidy", "rust", "e2e"];

/// Runs the named parts, or all of them.
pub(crate) fn test(wanted: &[String]) -> Result<()> {
    if let Some(unknown) = wanted.iter().find(|name| !PARTS.contains(&name.as_str())) {
        bail!("unknown part `{unknown}`; parts are {}", PARTS.join(", "));
    }
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    ensure(&[COMPILER])?;
    if wants("rust") {
        postgres::ready()?;
        ensure(&[DCMTK])?;
    }
    if wants("e2e") {
        ensure(&[CHROMIUM])?;
    }
    let run = |name: &str, work: fn() -> Result<()>| {
        if wants(name) {
            part(name, work)
        } else {
            Ok(())
        }
    };
    run("fmt", || cargo(&["fmt", "--all", "--check"]))?;
    run("tidy", tidy::tidy)?;
    run("web", || web::test().and_then(|()| web::build()))?;
    run("clippy", || {
        cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ])
    })?;
    run("doc", documentation)?;
    run("rust", rust)?;
    run("e2e", end_to_end)?;
    say("all parts passed")
}

fn cargo(arguments: &[&str]) -> Result<()> {
    check(command(&root(), env!("CARGO"), arguments))
}

fn documentation() -> Result<()> {
    let arguments = [
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
        "--quiet",
    ];
    let mut doc = command(&root(), env!("CARGO"), &arguments);
    doc.env(
        "RUSTDOCFLAGS",
        "--deny warnings --allow rustdoc::private_intra_doc_links",
    );
    check(doc)
}

/// Runs the Rust tests on both databases, and those that need DCMTK or direct writes.
fn rust() -> Result<()> {
    let server = Server::start()?;
    let mut tests = command(
        &root(),
        env!("CARGO"),
        &["test", "--workspace", "--no-fail-fast"],
    );
    tests.env("OVERREAD_TEST_POSTGRES", &server.url);
    tests.env("OVERREAD_TEST_DCMTK", "needed");
    tests.env("OVERREAD_TEST_DIRECT", "needed");
    check(tests)
}

/// Walks the whole way in a browser, on the program as it is built here.
fn end_to_end() -> Result<()> {
    web::build()?;
    cargo(&["build", "--quiet", "--package", "overread"])?;
    let folder = root().join("e2e");
    web::install(&folder)?;
    let mut walk = command(&folder, "npm", &["test", "--silent"]);
    walk.env("OVERREAD_BIN", root().join("target/debug/overread"));
    check(walk)
}
