//! `overread migrate --to`: everything of one installation copied into another, proven, the first left as it is.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use futures_util::{TryStreamExt, stream};
use overread_archive::{Archive, Digest, PackId, TakenOver};
use overread_ingest::{Ingest, VerifyReport};
use overread_model::text::counted;
use overread_store::nodes::Mark;
use overread_store::transfer::{self, Copied};
use overread_store::{Store, packs};
use serde::Serialize;

use super::ingest::Bar;
use crate::cli::Data;
use crate::clock;
use crate::config::Config;
use crate::home::{Layout, ServeLock, alone, check_is_there, open_archive, open_store};
use crate::output::{in_words, json, line, remark};

/// Packs that are copied at once.
const PACKS_AT_ONCE: usize = 2;

/// An installation whose rooms are not in use.
struct Place {
    store: Store,
    archive: Archive,
    _lock: ServeLock,
    _mark: Mark,
}

/// What was moved.
#[derive(Debug, Serialize)]
struct Moved {
    packs: u64,
    bytes: u64,
    /// Packs that were not whole in the installation that was copied: which, and what became of them.
    incomplete: Vec<Incomplete>,
    #[serde(flatten)]
    facts: Copied,
    verified: VerifyReport,
}

/// A pack that could not be copied as the index says it is.
#[derive(Debug, Serialize)]
struct Incomplete {
    pack: String,
    why: String,
}

impl Place {
    async fn open(data: &Path) -> Result<Self> {
        let lock = ServeLock::take(data)?;
        let (layout, config) = (Layout::of(data), Config::load(data)?);
        let store = open_store(&config, &layout).await?;
        let mark = alone(&store).await?;
        let archive = open_archive(&config, &layout).await?;
        Ok(Self {
            store,
            archive,
            _lock: lock,
            _mark: mark,
        })
    }
}

/// Moves everything and says what.
pub(crate) async fn run(data: &Data, to: &Path) -> Result<ExitCode> {
    check_is_there(&data.data)?;
    refuse_same_folder(&data.data, to)?;
    let fail = || format!("the installation of {} cannot be opened", to.display());
    refuse_same(
        &Config::load(&data.data)?,
        &Config::load(to).with_context(fail)?,
    )?;
    let source = Place::open(&data.data).await?;
    let target = Place::open(to).await.with_context(fail)?;
    recover(&source).await;
    let bar = Bar::new("moving");
    let moved = moved(&source, &target).await;
    bar.clear();
    let moved = moved?;
    source.store.close().await;
    target.store.close().await;
    if data.json {
        json(&moved)?;
    } else {
        tell(&moved, to)?;
    }
    Ok(if moved.verified.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Refuses one folder as both, by whatever names.
fn refuse_same_folder(data: &Path, to: &Path) -> Result<()> {
    let is_same =
        matches!((data.canonicalize(), to.canonicalize()), (Ok(one), Ok(other)) if one == other);
    if is_same {
        bail!(
            "{} is both what is copied and where it is copied to; name another folder with --to",
            data.display()
        );
    }
    Ok(())
}

/// Takes in what a failure left in the packs, as a start of the server would: only what the index knows is moved. A disc that
/// cannot be written any more is all the more to be copied.
async fn recover(source: &Place) {
    let recovered = async {
        let ingest = Ingest::open(source.store.clone(), source.archive.clone()).await?;
        ingest.look_anywhere();
        anyhow::Ok(ingest.recover(clock::now()).await?)
    };
    if let Err(error) = recovered.await {
        remark(&format!(
            "what a failure may have left in the packs could not be taken in ({}); only what the index knows is moved",
            in_words(&error)
        ));
    }
}

/// What stands beside database and archive, and is not moved with them.
const NOT_COPIED: &str = "Not copied: config.toml, with the rules of retention, the DICOM callers and peers, the mail server and \
     TLS, and the mails in the folder mail/. Write into the config.toml of the copy what shall count there, too.";

fn tell(moved: &Moved, to: &Path) -> Result<()> {
    tell_of_all(moved, to)?;
    line(NOT_COPIED)
}

fn tell_of_all(moved: &Moved, to: &Path) -> Result<()> {
    for table in moved.facts.tables.iter().filter(|table| table.rows > 0) {
        line(&format!("{}: {} rows", table.name, table.rows))?;
    }
    line(&format!(
        "{} packs, {:.1} MB; digest of all rows {}",
        moved.packs,
        moved.bytes as f64 / 1e6,
        moved.facts.digest
    ))?;
    let verified = &moved.verified;
    if verified.ok {
        return line(&format!(
            "everything is there and whole: {}, {} audit rows. Serve it with --data {} from now on, and never both",
            counted(verified.instances as usize, "instance", "instances"),
            verified.audit_rows,
            to.display()
        ));
    }
    for pack in &moved.incomplete {
        line(&format!("incomplete: pack {}: {}", pack.pack, pack.why))?;
    }
    for damage in &verified.damaged {
        line(&format!("damaged: {damage}"))?;
    }
    for (study, images) in &verified.damaged_studies {
        let images = counted(*images as usize, "image", "images");
        line(&format!(
            "Study Instance UID {study}: {images} damaged or missing"
        ))?;
    }
    let at_least = match verified.more_damage {
        0 => "",
        _ => "at least ",
    };
    line(&format!(
        "not everything is whole in the copy; damaged or missing: {at_least}{} of {}. There and whole: {}, {} audit rows",
        counted(
            verified.damaged_studies.values().sum::<u64>() as usize,
            "image",
            "images"
        ),
        counted(verified.damaged_studies.len(), "study", "studies"),
        counted(verified.instances as usize, "instance", "instances"),
        verified.audit_rows
    ))?;
    line(
        "What is damaged in the copy was damaged before: the installation that was copied was not changed, and holds no more. \
         If a backup has these packs, put them in their place there and run the same command again: it copies them alone. \
         Otherwise serve the copy as it is: these images answer with an error, all others as before, and `overread verify` \
         goes on naming them. Never serve both.",
    )
}

/// Two data folders that name the same database or bucket are one installation.
fn refuse_same(source: &Config, target: &Config) -> Result<()> {
    let database = target.database_url.reveal();
    if !database.is_empty() && source.database_url.reveal() == database {
        bail!(
            "both installations name the same database; look at both files config.toml, and at OVERREAD_DATABASE_URL, which \
             counts for both"
        );
    }
    let place = |config: &Config| {
        let s3 = config.archive.s3.as_ref();
        s3.map(|s3| (s3.endpoint.clone(), s3.bucket.clone(), s3.prefix.clone()))
    };
    if place(target).is_some() && place(source) == place(target) {
        bail!(
            "both installations name the same part of the same bucket; give the new one another prefix"
        );
    }
    Ok(())
}

async fn moved(source: &Place, target: &Place) -> Result<Moved> {
    // Begun before anything is copied, so that every pack that a row names is among the packs.
    let mut from = source.store.snapshot().await?;
    if transfer::underway(&mut from).await?.is_some() {
        bail!(
            "everything of another installation is being moved into the one that is to be copied; end that first"
        );
    }
    let origin = transfer::origin(&mut from).await?;
    let wanted = packs::list(&mut from).await?;
    let mut incomplete = Vec::new();
    let (facts, was_moved) = match is_moved(&mut from, target, &origin).await? {
        Some(facts) => (facts, true),
        None => {
            begin(target, &origin, &wanted).await?;
            incomplete = copy_packs(source, target, &wanted).await?;
            target.archive.take_over_deletions(&source.archive).await?;
            let mut into = target.store.begin().await?;
            let facts = transfer::copy(&mut from, &mut into)
                .await
                .context("the facts could not be copied; nothing of them was kept")?;
            into.commit().await?;
            (facts, false)
        }
    };
    let mut verified = overread_ingest::verify(&target.store, &target.archive).await?;
    if was_moved && !verified.damaged_packs.is_empty() {
        // What was damaged the last time may have been mended since.
        let again = wanted.iter().copied();
        let again: Vec<_> = again
            .filter(|(pack_id, _)| verified.damaged_packs.contains(pack_id))
            .collect();
        incomplete = copied(source, target, again, async |_, _, _| Ok(())).await?;
        verified = overread_ingest::verify(&target.store, &target.archive).await?;
    }
    Ok(Moved {
        packs: wanted.len() as u64,
        bytes: wanted.iter().map(|(_, bytes)| bytes).sum(),
        incomplete,
        facts,
        verified,
    })
}

/// Says whether the copy was ended before, and only its proof was interrupted.
async fn is_moved(
    from: &mut overread_store::Tx,
    target: &Place,
    origin: &str,
) -> Result<Option<Copied>> {
    let mut tx = target.store.snapshot().await?;
    let is_begun = transfer::underway(&mut tx).await?.is_some();
    if is_begun
        || transfer::is_untouched(&mut tx).await?
        || transfer::origin(&mut tx).await? != origin
    {
        return Ok(None);
    }
    let copied = transfer::count(&mut tx).await?;
    Ok((transfer::count(from).await? == copied).then_some(copied))
}

/// Notes in the target that it is being filled; refuses one that holds anything else.
async fn begin(target: &Place, origin: &str, wanted: &[(PackId, u64)]) -> Result<()> {
    let mut tx = target.store.begin().await?;
    let begun = transfer::underway(&mut tx).await?;
    if begun.as_deref().is_some_and(|begun| begun != origin) {
        bail!(
            "everything of a third installation is being moved into the new one already; take another"
        );
    }
    let wanted: HashSet<PackId> = wanted.iter().map(|(pack_id, _)| *pack_id).collect();
    let found = target.archive.list_packs().await?;
    let is_ours = |pack_id| begun.is_some() && wanted.contains(&pack_id);
    if !transfer::is_untouched(&mut tx).await? || !found.iter().all(|pack| is_ours(pack.pack_id)) {
        bail!("the new installation holds other things already; take an empty one");
    }
    if begun.is_none() {
        transfer::begin(&mut tx, origin, clock::now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Copies what is not copied yet; each pack is noted once it was read back, unless it is not whole.
async fn copy_packs(
    source: &Place,
    target: &Place,
    wanted: &[(PackId, u64)],
) -> Result<Vec<Incomplete>> {
    let done = transfer::packs(&mut target.store.read().await?).await?;
    let missing = wanted.iter().copied();
    let missing: Vec<_> = missing
        .filter(|(pack_id, bytes)| done.get(pack_id) != Some(bytes))
        .collect();
    copied(source, target, missing, async |pack_id, bytes, digest| {
        let mut tx = target.store.begin().await?;
        transfer::note_pack(&mut tx, pack_id, bytes, digest).await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// Copies packs, and returns those that are not whole; of the others `note` hears.
async fn copied(
    source: &Place,
    target: &Place,
    packs: Vec<(PackId, u64)>,
    note: impl AsyncFn(PackId, u64, Digest) -> Result<()>,
) -> Result<Vec<Incomplete>> {
    let note = &note;
    stream::iter(packs.into_iter().map(Ok::<_, anyhow::Error>))
        .map_ok(|(pack_id, bytes)| async move {
            let taken = target.archive.take_over(&source.archive, pack_id, bytes);
            let taken = taken.await.with_context(|| {
                format!(
                    "pack {pack_id} could not be copied; what is copied is kept, and the same command goes on where it was"
                )
            })?;
            if let Some(taken) = taken.filter(TakenOver::is_whole) {
                note(pack_id, bytes, taken.digest).await?;
                return Ok(None);
            }
            Ok(Some(Incomplete {
                pack: pack_id.to_string(),
                why: why_incomplete(taken),
            }))
        })
        .try_buffer_unordered(PACKS_AT_ONCE)
        .try_filter_map(async |incomplete| Ok(incomplete))
        .try_collect()
        .await
}

fn why_incomplete(taken: Option<TakenOver>) -> String {
    match taken {
        None => "it is not there".to_owned(),
        Some(taken) => format!(
            "{} bytes are missing at its end, and {} cannot be read from the disc; the rest was copied",
            taken.short_bytes, taken.unread_bytes
        ),
    }
}
