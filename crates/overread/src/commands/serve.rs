//! `overread serve`: the pages, the viewer, DICOMweb and DICOM from one data folder.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use overread_dicomweb::DicomWebState;
use overread_model::access::Role;
use overread_store::tokens::{self, NewToken};
use overread_web::{WebConfig, WebState};
use overread_workflow::{Workflow, jobs, mailing, setup};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Serve;
use crate::clock;
use crate::home::{Home, Layout, ServeLock};
use crate::listening::{self, Patience};
use crate::output::{line, remark};

/// The shortest secret that is taken from a bootstrap file.
const BOOTSTRAP_SECRET_MIN_BYTES: usize = 32;

/// Serves until told to stop.
pub(crate) async fn run(arguments: Serve) -> Result<ExitCode> {
    let _lock = ServeLock::take(&arguments.data)?;
    let is_new = Layout::of(&arguments.data).is_new();
    let home = Home::open(&arguments.data).await?;
    if let Some(file) = arguments.bootstrap_token.as_deref().filter(|_| is_new) {
        bootstrap(&home, file).await?;
    }
    let door = Door::open(&home, arguments.listen).await?;
    let dimse = match arguments.dimse {
        Some(listen) => Some(open_dimse(&home, listen).await?),
        None => None,
    };
    if let Some(secret) = setup::prepare(&door.workflow, clock::now()).await? {
        let address = &door.workflow.config.public_url;
        remark(&format!(
            "first start: make the administrator's account at {address}/setup/{}",
            secret.reveal()
        ));
        remark("(the link works once, and only until this start of the program ends)");
    }
    let stop = Stop::new()?;
    line(&format!("listening on {}", door.address))?;
    match dimse {
        Some((dimse, address)) => {
            let dimse_stop = Stop::new()?;
            line(&format!("listening on dicom://{address}"))?;
            tokio::join!(door.serve(stop), dimse.serve(dimse_stop.told()));
        }
        None => door.serve(stop).await,
    }
    home.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Listens for DICOM associations; returns where.
async fn open_dimse(home: &Home, listen: SocketAddr) -> Result<(overread_dimse::Door, SocketAddr)> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen for DICOM at {listen}"))?;
    let address = listener.local_addr()?;
    let config = home.config.dimse.door()?;
    let ingest = home.ingest.clone();
    let door = overread_dimse::Door::new(listener, config, ingest, clock::now);
    Ok((door, address))
}

/// Registers the secret of a file as an archive token.
async fn bootstrap(home: &Home, file: &Path) -> Result<()> {
    let secret = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let secret = secret.trim();
    if secret.len() < BOOTSTRAP_SECRET_MIN_BYTES {
        bail!(
            "the secret in {} is shorter than {BOOTSTRAP_SECRET_MIN_BYTES} characters",
            file.display()
        );
    }
    let mut tx = home.store.begin().await?;
    let new = NewToken {
        name: "bootstrap",
        role: Role::Archive,
        case_id: None,
    };
    tokens::register(&mut tx, &new, secret, clock::now()).await?;
    tx.commit().await?;
    Ok(())
}

/// A listening server that serves nothing yet.
pub(crate) struct Door {
    listener: TcpListener,
    router: axum::Router,
    behind_proxy: bool,
    /// The steps' context.
    pub(crate) workflow: Workflow,
    /// Where it listens: `http://127.0.0.1:8080`.
    pub(crate) address: String,
}

impl Door {
    /// Listens, and puts the rooms behind the door together.
    pub(crate) async fn open(home: &Home, listen: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen at {listen}"))?;
        let address = format!("http://{}", listener.local_addr()?);
        let workflow = home.workflow(&address);
        let config = WebConfig {
            public_url: workflow.config.public_url.clone(),
            cookie_secure: workflow.config.public_url.starts_with("https://"),
            organisation: home.config.organisation.clone(),
            emergency_number: home.config.emergency_number.clone(),
            behind_proxy: home.config.behind_proxy,
        };
        let state = WebState {
            workflow: workflow.clone(),
            dicomweb: DicomWebState::new(
                home.store.clone(),
                home.archive.clone(),
                home.ingest.clone(),
                workflow.knowledge.first_reading.clone(),
                overread_concordance::names_finding,
                clock::now,
            )
            .with_public_url(&workflow.config.public_url),
            config: Arc::new(config),
            clock: clock::now,
        };
        Ok(Self {
            listener,
            router: overread_web::router(state),
            behind_proxy: home.config.behind_proxy,
            workflow,
            address,
        })
    }

    /// Serves until the program is told to stop, then lets running requests end.
    pub(crate) async fn serve(self, stop: Stop) {
        let rounds = tokio::spawn(go_round(self.workflow.clone()));
        let mut patience = Patience::default();
        if self.behind_proxy {
            patience.is_shared = |_| true;
        }
        listening::serve(self.listener, self.router, patience, stop.told()).await;
        rounds.abort();
    }
}

/// Sends mails and ends what ran out of time, again and again.
async fn go_round(workflow: Workflow) {
    const PAUSE: std::time::Duration = std::time::Duration::from_secs(20);
    let mut ticks = tokio::time::interval(PAUSE);
    loop {
        ticks.tick().await;
        if let Err(error) = mailing::send_due(&workflow, clock::now()).await {
            tracing::error!(%error, "mails could not be sent");
        }
        if let Err(error) = jobs::run_due(&workflow, clock::now()).await {
            tracing::error!(%error, "what ran out of time could not be ended");
        }
    }
}

/// Hears SIGTERM and Ctrl-C from its making on, so that who reads the address may send one at once.
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub(crate) fn new() -> Result<Self> {
        let hear = |kind| signal(kind).context("cannot hear when the program is to end");
        Ok(Self {
            terminate: hear(SignalKind::terminate())?,
            interrupt: hear(SignalKind::interrupt())?,
        })
    }

    /// Waits until the program is told to stop.
    async fn told(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
