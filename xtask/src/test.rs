//! Everything CI runs.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::machine::{BUILDING, CHROMIUM, CURL, DCMTK, NGINX, OPENSSL, ensure};
use crate::postgres::{self, Server};
use crate::run::{check, command, part, root, say};
use crate::{clients, ohif, s3, tidy, web};

const PARTS: [&str; 11] = [
    "fmt", "web", "clippy", "doc", "tidy", "rust", "fuzz", "nodes", "e2e", "ohif", "clients",
];

/// Runs the named parts, or all of them.
pub(crate) fn test(wanted: &[String]) -> Result<()> {
    if let Some(unknown) = wanted.iter().find(|name| !PARTS.contains(&name.as_str())) {
        bail!("unknown part `{unknown}`; parts are {}", PARTS.join(", "));
    }
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    ensure(&BUILDING)?;
    if wants("rust") || wants("nodes") {
        postgres::ready()?;
        s3::ready()?;
    }
    if wants("rust") {
        ensure(&[DCMTK])?;
    }
    if wants("nodes") {
        ensure(&[NGINX])?;
    }
    if wants("e2e") || wants("ohif") {
        ensure(&[CHROMIUM])?;
    }
    if wants("clients") {
        ensure(&[CURL, DCMTK, OPENSSL])?;
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
    run("fuzz", fuzz)?;
    run("nodes", nodes)?;
    run("e2e", end_to_end)?;
    run("ohif", || built().and_then(|()| ohif::test()))?;
    run("clients", || built().and_then(|()| clients::test()))?;
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

/// Runs the Rust tests on both databases and both sorts of archive, and those that need DCMTK or direct writes.
fn rust() -> Result<()> {
    let (server, bucket) = (Server::start()?, s3::Server::start()?);
    // A test that hangs must not keep what it found so far from whoever reads this.
    let arguments = [
        "--kill-after=10",
        "2700",
        env!("CARGO"),
        "test",
        "--workspace",
        "--no-fail-fast",
    ];
    let mut tests = command(&root(), "timeout", &arguments);
    tests.env("OVERREAD_TEST_POSTGRES", &server.url);
    tests.env("OVERREAD_TEST_S3", &bucket.url);
    tests.env("OVERREAD_TEST_DCMTK", "needed");
    tests.env("OVERREAD_TEST_DIRECT", "needed");
    check(tests)?;
    // The same tests once more, with everything they keep in PostgreSQL and a bucket.
    for package in ["overread-ingest", "overread-dicomweb"] {
        let mut again = built_tests(package)?;
        again.env("OVERREAD_TEST_PLACE", "shared");
        again.env("OVERREAD_TEST_POSTGRES", &server.url);
        again.env("OVERREAD_TEST_S3", &bucket.url);
        check(again)?;
    }
    Ok(())
}

/// Builds what is fuzzed, which the workspace does not, and runs each target for a moment; docs/bench/fuzz.md tells of long runs.
fn fuzz() -> Result<()> {
    let seeds = root().join("../shared/dicom");
    let mutate = |arguments: &[&str]| {
        let build = [
            "run",
            "--quiet",
            "--locked",
            "--no-default-features",
            "--bin",
            "mutate",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--",
        ];
        command(&root(), env!("CARGO"), &[&build, arguments].concat())
    };
    let listed = mutate(&[]).stderr(Stdio::inherit()).output()?;
    let targets = String::from_utf8(listed.stdout)?;
    if !listed.status.success() || targets.is_empty() {
        bail!("the targets that are fuzzed could not be listed");
    }
    for target in targets.lines() {
        let mut mutate = mutate(&[target, "2"]);
        if seeds.is_dir() {
            mutate.arg(&seeds);
        }
        check(mutate)?;
    }
    Ok(())
}

/// Kills two nodes that share PostgreSQL and a bucket, again and again.
fn nodes() -> Result<()> {
    let (server, bucket) = (Server::start()?, s3::Server::start()?);
    let mut tests = built_tests("overread")?;
    tests.arg("nodes::");
    tests.env("OVERREAD_TEST_NODES", "needed");
    tests.env("OVERREAD_TEST_POSTGRES", &server.url);
    tests.env("OVERREAD_TEST_S3", &bucket.url);
    check(tests)
}

/// Returns the integration tests of one package, built with all others: asked for alone, cargo would build what they need anew
/// with fewer features.
fn built_tests(package: &str) -> Result<Command> {
    let arguments = [
        "test",
        "--workspace",
        "--no-run",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ];
    let built = command(&root(), env!("CARGO"), &arguments)
        .stderr(Stdio::inherit())
        .output()?;
    let folder = root().join("crates").join(package);
    let manifest = folder.join("Cargo.toml");
    let program = String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| {
            let text = |at| message.pointer(at).and_then(Value::as_str);
            text("/manifest_path").map(Path::new) == Some(&manifest)
                && text("/target/name") == Some("main")
        })
        .find_map(|message| Some(message.get("executable")?.as_str()?.to_owned()));
    let program = program.with_context(|| format!("the tests of {package} were not built"))?;
    let arguments = ["--kill-after=10", "900", &program];
    Ok(command(&folder, "timeout", &arguments))
}

/// Builds the program with its pages.
fn built() -> Result<()> {
    web::build()?;
    cargo(&["build", "--quiet", "--package", "overread"])
}

/// Walks the whole way in a browser, on the program as it is built here.
fn end_to_end() -> Result<()> {
    built()?;
    let folder = root().join("e2e");
    web::install(&folder)?;
    let mut walk = command(&folder, "npm", &["test", "--silent"]);
    walk.env("OVERREAD_BIN", root().join("target/debug/overread"));
    check(walk)
}
