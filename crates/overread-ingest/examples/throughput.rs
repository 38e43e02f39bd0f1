//! How fast deliveries come in, without HTTP: `throughput FOLDER SCRATCH` reads every file of a folder of DICOM files
//! into memory, then takes them in as a stored ZIP, as a deflated ZIP and by STOW (20 a request, 4 at once), each into a
//! new archive below SCRATCH, and prints MB/s, instances/s and the peak of memory.
#![allow(clippy::print_stdout, reason = "it is a measurement on a terminal")]

use std::error::Error;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::StreamExt;
use overread_archive::Archive;
use overread_ingest::{DeliveryOptions, DeliverySource, Ingest};
use overread_model::access::Actor;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_testkit::disc::{DiscFile, zip_of};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn options(source: DeliverySource) -> DeliveryOptions {
    DeliveryOptions {
        case_id: None,
        actor: Actor::System,
        now: Timestamp::from_micros(1),
        source,
    }
}

fn files(folder: &Path, into: &mut Vec<DiscFile>) -> Outcome<()> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    names.sort();
    for path in names {
        if path.is_dir() {
            files(&path, into)?;
            continue;
        }
        let bytes = std::fs::read(&path)?;
        if bytes.get(128..132) == Some(b"DICM") {
            into.push(DiscFile::new(format!("DICOM/{:06}", into.len()), bytes));
        }
    }
    Ok(())
}

async fn open(scratch: &Path, name: &str) -> Outcome<Ingest> {
    let folder = scratch.join(name);
    std::fs::create_dir_all(&folder)?;
    let store = Store::open_sqlite(&folder.join("overread.sqlite")).await?;
    Ok(Ingest::open(store, Archive::open(&folder).await?).await?)
}

fn tell(what: &str, started: Instant, files: &[DiscFile]) {
    let seconds = started.elapsed().as_secs_f64();
    let megabytes = files.iter().map(|file| file.bytes.len()).sum::<usize>() as f64 / 1e6;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    println!(
        "{what}: {:.0} MB/s, {:.0} instances/s; {peak}",
        megabytes / seconds,
        files.len() as f64 / seconds
    );
}

async fn stow(ingest: &Ingest, files: &[DiscFile]) -> Outcome<()> {
    let lanes: Vec<Vec<Vec<Bytes>>> = (0..4)
        .map(|lane| {
            let requests = files.chunks(20).skip(lane).step_by(4);
            requests
                .map(|request| {
                    request
                        .iter()
                        .map(|file| Bytes::from(file.bytes.clone()))
                        .collect()
                })
                .collect()
        })
        .collect();
    let ingest = Arc::new(ingest.clone());
    let mut tasks = tokio::task::JoinSet::new();
    let started = Instant::now();
    for lane in lanes {
        let ingest = Arc::clone(&ingest);
        tasks.spawn(async move {
            for request in lane {
                let ingest = &ingest;
                let parts = futures_util::stream::iter(request).then(|bytes| async move {
                    let mut part = ingest.receive().await?;
                    for piece in bytes.chunks(64 * 1024) {
                        part.push(piece).await?;
                    }
                    part.finish().await
                });
                let outcomes = ingest
                    .stow(parts, None, options(DeliverySource::Stow))
                    .await?;
                if outcomes.iter().any(|outcome| outcome.result.is_err()) {
                    return Err("a part was refused".into());
                }
            }
            Outcome::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    tell("STOW 20 x 4", started, files);
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(scratch)) = (arguments.next(), arguments.next()) else {
        return Err("two folders are expected: the DICOM files, and where to write".into());
    };
    let mut all = Vec::new();
    files(&folder, &mut all)?;
    for (name, deflate) in [("stored", false), ("deflated", true)] {
        let zip = zip_of(&all, deflate)?;
        let ingest = open(&scratch, name).await?;
        let started = Instant::now();
        let receipt = ingest
            .zip_stream(Cursor::new(zip), options(DeliverySource::Zip))
            .await?;
        tell(
            &format!("ZIP {name} ({} stored)", receipt.instances_stored),
            started,
            &all,
        );
    }
    stow(&open(&scratch, "stow").await?, &all).await
}
