//! The demonstration and the ingest measurement: build, then hand over to the program.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::machine::{BUILDING, ensure};
use crate::run::{check, command, root, say};
use crate::web;

/// Builds everything and starts the demonstration on an empty data folder.
pub(crate) fn demo(arguments: &[String]) -> Result<()> {
    ensure(&BUILDING)?;
    say("building the web assets")?;
    web::build()?;
    say("building the program (the first time takes a few minutes)")?;
    check(command(
        &root(),
        env!("CARGO"),
        &["build", "--package", "overread"],
    ))?;
    let data = std::env::temp_dir().join(format!("overread-demo-{}", std::process::id()));
    let mut demo = command(&root(), "target/debug/overread", &["demo", "--data"]);
    demo.arg(&data).args(arguments);
    check(demo)
}

/// Measures `overread ingest` beside a copy with fsync of the same files.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    const RUNS: usize = 3;
    ensure(&BUILDING)?;
    let work = std::env::temp_dir().join(format!("overread-bench-{}", std::process::id()));
    check(command(
        &root(),
        env!("CARGO"),
        &["build", "--release", "--package", "overread"],
    ))?;
    let source = match arguments.first() {
        Some(folder) => PathBuf::from(folder),
        None => bail!("a folder with DICOM files is expected"),
    };
    let files = files_below(&source)?;
    let bytes: u64 = files
        .iter()
        .filter_map(|file| fs::metadata(file).ok())
        .map(|facts| facts.len())
        .sum();
    say(&format!(
        "{} files, {:.1} MB; best of {RUNS} runs",
        files.len(),
        bytes as f64 / 1e6
    ))?;
    let mut best = [f64::MAX; 2];
    for run in 0..RUNS {
        let copy = work.join(format!("copy-{run}"));
        let data = work.join(format!("data-{run}"));
        let copied = timed(|| copy_and_sync(&files, &copy))?;
        let ingested = timed(|| {
            let mut ingest = command(
                &root(),
                "target/release/overread",
                &["ingest", "--json", "--data"],
            );
            ingest
                .arg(&data)
                .arg(&source)
                .stdout(File::create(work.join("receipt.json"))?);
            check(ingest)
        })?;
        best = [best[0].min(copied), best[1].min(ingested)];
    }
    for (name, seconds) in [
        ("cp + fsync of each file", best[0]),
        ("overread ingest", best[1]),
    ] {
        let (rate, count) = (bytes as f64 / 1e6 / seconds, files.len() as f64 / seconds);
        say(&format!(
            "{name:<26} {seconds:7.2} s {rate:8.1} MB/s {count:8.0} files/s"
        ))?;
    }
    fs::remove_dir_all(&work).context("the measurement's folder could not be removed")
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn copy_and_sync(files: &[PathBuf], target: &Path) -> Result<()> {
    fs::create_dir_all(target)?;
    for (index, file) in files.iter().enumerate() {
        let mut copy = File::create(target.join(format!("{index}.dcm")))?;
        copy.write_all(&fs::read(file)?)?;
        copy.sync_all()?;
    }
    File::open(target)?.sync_all()?;
    Ok(())
}
