//! One data folder, opened: facts, bytes, and the rooms that stand on them.

use std::fs::{File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use overread_archive::Archive;
use overread_dicom::FirstReading;
use overread_dimse::Rooms;
use overread_ingest::{Ingest, RebuildReport};
use overread_knowledge::Knowledge;
use overread_model::duration::WorkCalendar;
use overread_model::peers::Peers;
use overread_model::text::counted;
use overread_store::nodes::{self, Mark};
use overread_store::{Store, StoreError, Tx, transfer};
use overread_workflow::{MailConfig, PasswordCost, SmtpConfig, Workflow, WorkflowConfig};

use crate::clock;
use crate::config::{Config, Mail};
use crate::limits::DATABASE_ANSWERS;
use crate::output::remark;

/// Where things lie in a data folder.
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Describes a data folder; touches nothing.
    pub(crate) fn of(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    fn database(&self) -> PathBuf {
        self.root.join("overread.sqlite")
    }

    /// Says whether there is a database, as far as this folder knows.
    pub(crate) fn has_database(&self, config: &Config) -> bool {
        !config.database_url.reveal().is_empty() || self.database().exists()
    }

    fn archive(&self) -> PathBuf {
        self.root.join("archive")
    }

    fn mail(&self) -> PathBuf {
        self.root.join("mail")
    }

    /// Says whether this was a data folder before, or was made ready to be one by a configuration.
    ///
    /// # Errors
    /// When this account may not look into the folder.
    fn is_there(&self) -> Result<bool> {
        // With PostgreSQL the folder holds the archive alone.
        let marks = [
            self.database(),
            self.archive(),
            self.root.join("config.toml"),
        ];
        for mark in marks {
            let is_there = mark.try_exists().with_context(|| {
                let folder = self.root.display();
                format!("this account may not look into the folder {folder}")
            })?;
            if is_there {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Says whether the folder is missing or holds nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        std::fs::read_dir(&self.root).map_or(true, |mut entries| entries.next().is_none())
    }
}

/// The right to serve a data folder; the system takes it back when the process ends, however it ends.
pub(crate) struct ServeLock {
    _file: File,
}

impl ServeLock {
    /// Takes the right, making the data folder when it is not there. Other commands need none: packs have locks of
    /// their own.
    pub(crate) fn take(data: &Path) -> Result<Self> {
        make_folder(data)?;
        let path = data.join("serve.lock");
        let fail = || format!("the lock file {} cannot be used", path.display());
        let mut options = File::options();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another overread serves the data folder {} already; stop it first, or choose another folder with --data",
                data.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).with_context(fail),
        }
    }
}

/// Opens the settings and facts of a data folder, making it when it is not there.
async fn facts_of(data: &Path) -> Result<(Config, Layout, Store)> {
    make_folder(data)?;
    let layout = Layout::of(data);
    let config = Config::load(data)?;
    let store = open_store(&config, &layout).await?;
    Ok((config, layout, store))
}

/// Marks this program as one that works on the database beside others, as nodes do; refuses while one must be alone.
async fn beside_others(store: &Store) -> Result<Mark> {
    nodes::beside_others(store).await?.context(
        "another overread moves or rebuilds what is in this database at the moment; start again when it has ended",
    )
}

/// Marks this program as the only one that works on the database; refuses while any other does, on whatever machine.
pub(crate) async fn alone(store: &Store) -> Result<Mark> {
    nodes::alone(store).await?.context(
        "another overread works on this database, maybe on another machine: stop every node first, so that nothing comes in meanwhile",
    )
}

/// Makes the data folder for this account alone: every file below it may hold records.
fn make_folder(data: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("the data folder {} cannot be made", data.display()))
}

/// Refuses a folder that was never used: a name that was mistyped is the usual reason.
pub(crate) fn check_is_there(data: &Path) -> Result<()> {
    if !Layout::of(data).is_there()? {
        bail!(
            "{} is no data folder: nothing was ever kept there. Check --data; `overread serve` and `overread ingest` make a new one",
            data.display()
        );
    }
    Ok(())
}

/// Asks the PostgreSQL server whether it is there; the address holds a password and is not repeated.
async fn ask(url: &str) -> Result<()> {
    const HINT: &str = "the PostgreSQL server cannot be reached; check that it runs, and `database_url` in config.toml or \
        OVERREAD_DATABASE_URL";
    match tokio::time::timeout(DATABASE_ANSWERS, Store::ask_postgres(url)).await {
        Ok(asked) => asked.context(HINT),
        Err(_) => bail!(
            "{HINT} (no answer in {} seconds)",
            DATABASE_ANSWERS.as_secs()
        ),
    }
}

/// Opens the facts of a data folder, wherever its configuration says they are.
pub(crate) async fn open_store(config: &Config, layout: &Layout) -> Result<Store> {
    let opened = match config.database_url.reveal() {
        "" => Store::open_sqlite(&layout.database()).await,
        url => {
            ask(url).await?;
            Store::open_postgres(url).await
        }
    };
    if let Some(version) = opened.as_ref().ok().and_then(Store::brought_up_from) {
        remark(&format!(
            "the tables of the database were those of an earlier version of Overread ({version}) and were brought up to date; a program \
             of that version refuses them from now on, so keep the copy that was made before"
        ));
    }
    opened
    .map_err(|error| match error {
        StoreError::Newer { .. } => anyhow::Error::new(error).context(
            "nothing was changed: start the later version again, or put back the copy of the database that was made before it",
        ),
        error => error.into(),
    })
    .context("the database cannot be opened")
}

/// Looks into the facts of a data folder as they are, whichever version wrote them.
pub(crate) async fn look_into_store(config: &Config, layout: &Layout) -> Result<Tx> {
    Ok(match config.database_url.reveal() {
        "" => Store::look_into_sqlite(&layout.database()).await?,
        url => {
            ask(url).await?;
            Store::look_into_postgres(url).await?
        }
    })
}

/// Nobody works in an installation that a transfer has not finished: what is not there yet would look lost.
pub(crate) async fn refuse_half_moved(store: &Store) -> Result<()> {
    let mut tx = store.read().await?;
    if transfer::underway(&mut tx).await?.is_some() {
        bail!(
            "everything of another installation is being moved into this one, and that has not ended; run `overread migrate --to` \
             once more until it has"
        );
    }
    Ok(())
}

/// Tells whoever watches that the packs held more than the database knew.
pub(crate) fn tell_recovered(report: &RebuildReport) {
    if report.batches > 0 {
        remark(&recovered(report));
    }
}

fn recovered(report: &RebuildReport) -> String {
    let count = |count, one, many| {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        (count > 0).then(|| counted(count, one, many))
    };
    let found = [
        count(report.instances, "image", "images"),
        count(
            report.aside,
            "image that waits for a person's decision",
            "images that wait for a person's decision",
        ),
        count(report.documents, "paper", "papers"),
    ];
    let found: Vec<String> = found.into_iter().flatten().collect();
    let held = match found.split_last() {
        None => "batches of images and papers, all there or deleted already,".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    };
    format!(
        "the archive held {held} that the database did not know, and they were taken in: a failure came before they were acknowledged, or the \
         database is an older copy. If it is a copy, what people decided since it was made is missing: look for a later one"
    )
}

/// Opens the bytes of a data folder, wherever its configuration says they are.
pub(crate) async fn open_archive(config: &Config, layout: &Layout) -> Result<Archive> {
    match &config.archive.s3 {
        None => Archive::open(&layout.archive())
            .await
            .context("the archive cannot be opened"),
        Some(s3) => Archive::open_s3(&layout.archive(), &s3.settings())
            .await
            .context("the bucket of the archive cannot be used; check archive.s3 in config.toml"),
    }
}

/// An open installation.
pub(crate) struct Home {
    /// Its settings.
    pub(crate) config: Config,
    /// The facts.
    pub(crate) store: Store,
    /// The bytes.
    pub(crate) archive: Archive,
    /// Takes deliveries in.
    pub(crate) ingest: Ingest,
    /// Who called over the DICOM network.
    pub(crate) peers: Peers,
    layout: Layout,
    mark: Option<Mark>,
}

impl Home {
    /// Opens a data folder that was used before; makes none.
    pub(crate) async fn open_existing(data: &Path) -> Result<Self> {
        check_is_there(data)?;
        Self::open(data).await
    }

    /// Opens a data folder, making it when it is not there, beside whoever else works on its database; its tables are brought up
    /// to date.
    pub(crate) async fn open(data: &Path) -> Result<Self> {
        let (config, layout, store) = facts_of(data).await?;
        let mark = beside_others(&store).await?;
        Self::of(config, layout, store, mark).await
    }

    /// Opens a data folder on whose database nobody else works.
    pub(crate) async fn open_alone(data: &Path) -> Result<Self> {
        let (config, layout, store) = facts_of(data).await?;
        let mark = alone(&store).await?;
        Self::of(config, layout, store, mark).await
    }

    async fn of(config: Config, layout: Layout, store: Store, mark: Mark) -> Result<Self> {
        refuse_half_moved(&store).await?;
        if let Some(reserve) = store.reserve() {
            reserve.keep();
        }
        let archive = open_archive(&config, &layout).await?;
        let ingest = Ingest::open_with(store.clone(), archive.clone(), config.keeping.quota())
            .await
            .context("the archive and the index do not fit")?;
        Ok(Self {
            peers: Peers::default(),
            config,
            store,
            archive,
            ingest,
            layout,
            mark: Some(mark),
        })
    }

    /// Takes what marks this program on its database, for whoever keeps it.
    pub(crate) const fn take_mark(&mut self) -> Option<Mark> {
        self.mark.take()
    }

    /// Makes the steps' context; `address` is where the server listens.
    pub(crate) fn workflow(&self, address: &str) -> Workflow {
        let public_url = match self.config.public_url.as_str() {
            "" => address.to_owned(),
            set => set.to_owned(),
        };
        Workflow {
            store: self.store.clone(),
            archive: self.archive.clone(),
            ingest: self.ingest.clone(),
            knowledge: Knowledge::embedded(),
            config: Arc::new(WorkflowConfig {
                public_url,
                organisation: self.config.organisation.clone(),
                mail: mail(&self.config.mail, self.layout.mail()),
                calendar: WorkCalendar::default(),
                password_cost: PasswordCost::STANDARD,
                keeping: self
                    .config
                    .keeping
                    .settings(&Knowledge::embedded().retention.rules),
            }),
        }
    }

    /// Returns what the DICOM network door, and calling others, works with.
    pub(crate) fn dimse_rooms(&self) -> Rooms {
        Rooms {
            ingest: self.ingest.clone(),
            first_reading: FirstReading {
                list: Arc::new(Knowledge::embedded().first_reading.clone()),
                names_finding: overread_concordance::names_finding,
            },
            peers: self.peers.clone(),
            clock: clock::now,
        }
    }

    /// Closes the database; what was acknowledged is durable already.
    pub(crate) async fn close(self) {
        self.store.close().await;
    }
}

fn mail(config: &Mail, folder: PathBuf) -> MailConfig {
    const SUBMISSION_PORT: u16 = 587;
    if config.host.is_empty() {
        return MailConfig::Folder(folder);
    }
    let credentials = (!config.user.is_empty())
        .then(|| (config.user.clone(), config.password.reveal().to_owned()));
    MailConfig::Smtp(SmtpConfig {
        host: config.host.clone(),
        port: if config.port == 0 {
            SUBMISSION_PORT
        } else {
            config.port
        },
        from: config.from.clone(),
        credentials,
        plain_text: config.plain_text,
    })
}

#[cfg(test)]
mod tests {
    use overread_ingest::RebuildReport;

    use super::recovered;

    #[test]
    fn papers_are_not_told_as_images() {
        let check = |[instances, aside, documents]: [u64; 3], words: &str| {
            let report = RebuildReport {
                batches: 1,
                instances,
                aside,
                documents,
                ..RebuildReport::default()
            };
            let told = recovered(&report);
            assert!(
                told.starts_with(&format!("the archive held {words} that")),
                "{told}"
            );
        };
        check([3, 0, 0], "3 images");
        check([0, 0, 2], "2 papers");
        check(
            [0, 0, 0],
            "batches of images and papers, all there or deleted already,",
        );
        check(
            [1, 1, 1],
            "1 image, 1 image that waits for a person's decision and 1 paper",
        );
    }
}
