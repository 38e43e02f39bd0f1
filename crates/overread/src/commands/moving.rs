//! `overread migrate --to`: everything of one installation copied into another, proven, the first left as it is.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use futures_util::{TryStreamExt, stream};
use overread_archive::{Archive, PackId};
use overread_ingest::VerifyReport;
use overread_store::transfer::{self, Copied};
use overread_store::{Store, packs};
use serde::Serialize;

use super::ingest::Bar;
use crate::cli::Data;
use crate::clock;
use crate::config::Config;
use crate::home::{Layout, ServeLock, check_is_there, open_archive, open_store};
use crate::output::{json, line};

/// Packs that are copied at once.
const PACKS_AT_ONCE: usize = 2;

/// An installation whose rooms are not in use.
struct Place {
    config: Config,
    store: Store,
    archive: Archive,
    _lock: ServeLock,
}

/// What was moved.
#[derive(Debug, Serialize)]
struct Moved {
    packs: u64,
    bytes: u64,
    #[serde(flatten)]
    facts: Copied,
    verified: VerifyReport,
}

impl Place {
    async fn open(data: &Path) -> Result<Self> {
        let lock = ServeLock::take(data)?;
        let (layout, config) = (Layout::of(data), Config::load(data)?);
        let store = open_store(&config, &layout).await?;
        let archive = open_archive(&config, &layout).await?;
        Ok(Self {
            config,
            store,
            archive,
            _lock: lock,
        })
    }
}

/// Moves everything and says what.
pub(crate) async fn run(data: &Data, to: &Path) -> Result<ExitCode> {
    check_is_there(&data.data)?;
    let source = Place::open(&data.data).await?;
    let target = Place::open(to)
        .await
        .with_context(|| format!("the installation of {} cannot be opened", to.display()))?;
    refuse_same(&source.config, &target.config)?;
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

fn tell(moved: &Moved, to: &Path) -> Result<()> {
    for table in moved.facts.tables.iter().filter(|table| table.rows > 0) {
        line(&format!("{}: {} rows", table.name, table.rows))?;
    }
    line(&format!(
        "{} packs, {:.1} MB; digest of all rows {}",
        moved.packs,
        moved.bytes as f64 / 1e6,
        moved.facts.digest
    ))?;
    for damage in &moved.verified.damaged {
        line(&format!("damaged: {damage}"))?;
    }
    if moved.verified.ok {
        line(&format!(
            "everything is there and whole: {} instances, {} audit rows. Serve it with --data {} from now on, and never both",
            moved.verified.instances,
            moved.verified.audit_rows,
            to.display()
        ))
    } else {
        line("not everything is whole in the copy; go on serving the installation that was copied")
    }
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
    let facts = match is_moved(&mut from, target, &origin).await? {
        Some(facts) => facts,
        None => {
            begin(target, &origin, &wanted).await?;
            copy_packs(source, target, &wanted).await?;
            target.archive.take_over_deletions(&source.archive).await?;
            let mut into = target.store.begin().await?;
            let facts = transfer::copy(&mut from, &mut into)
                .await
                .context("the facts could not be copied; nothing of them was kept")?;
            into.commit().await?;
            facts
        }
    };
    let verified = overread_ingest::verify(&target.store, &target.archive).await?;
    Ok(Moved {
        packs: wanted.len() as u64,
        bytes: wanted.iter().map(|(_, bytes)| bytes).sum(),
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

/// Copies what is not copied yet; each pack is noted once it was read back.
async fn copy_packs(source: &Place, target: &Place, wanted: &[(PackId, u64)]) -> Result<()> {
    let done = transfer::packs(&mut target.store.read().await?).await?;
    let missing = wanted
        .iter()
        .copied()
        .filter(|(pack_id, bytes)| done.get(pack_id) != Some(bytes));
    stream::iter(missing.map(Ok::<_, anyhow::Error>))
        .map_ok(|(pack_id, bytes)| async move {
            let digest = target.archive.take_over(&source.archive, pack_id, bytes);
            let digest = digest
                .await
                .with_context(|| format!("pack {pack_id} could not be copied"))?;
            let mut tx = target.store.begin().await?;
            transfer::note_pack(&mut tx, pack_id, bytes, digest).await?;
            Ok(tx.commit().await?)
        })
        .try_buffer_unordered(PACKS_AT_ONCE)
        .try_for_each(|()| async { Ok(()) })
        .await
}
