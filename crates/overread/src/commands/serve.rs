//! `overread serve`: the pages, the viewer, DICOMweb and DICOM from one data folder.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use overread_dicomweb::DicomWebState;
use overread_ingest::Ingest;
use overread_model::access::Role;
use overread_model::peers::Peers;
use overread_model::time::Timestamp;
use overread_store::tokens::{self, NewToken};
use overread_store::{people, work_items};
use overread_web::{WebConfig, WebRooms};
use overread_workflow::{Workflow, callers, jobs, keeping, mailing, setup};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Serve;
use crate::clock;
use crate::config::open_folder;
use crate::home::{Home, ServeLock, tell_recovered};
use crate::limits::{
    CALLERS_PAUSE, EVERY_PACK_PAUSE, OTHERS_PAUSE, PROOF_IDLE, PROOF_PAUSE, PROOF_REST,
    RECOVERY_LONGEST, RECOVERY_PAUSE,
};
use crate::listening::{self, Certificate, Listening, Patience};
use crate::output::{line, remark};

/// The shortest secret that is taken from a bootstrap file.
const BOOTSTRAP_SECRET_MIN_BYTES: usize = 32;

/// Serves until told to stop.
pub(crate) async fn run(arguments: Serve) -> Result<ExitCode> {
    let _lock = ServeLock::take(&arguments.data)?;
    let mut home = Home::open(&arguments.data).await?;
    if let Some(mark) = home.take_mark() {
        let store = home.store.clone();
        tokio::spawn(async move {
            mark.keep(&store).await;
            tracing::error!(
                "another overread moves or rebuilds what is in this database; this one ends, so that nothing comes in beside it"
            );
            // As when it is killed: what was acknowledged is durable.
            std::process::exit(1)
        });
    }
    if let Some(file) = arguments.bootstrap_token.as_deref() {
        bootstrap(&home, file).await?;
    }
    let door = Door::open(&home, arguments.listen).await?;
    let dimse = match arguments.dimse {
        Some(listen) => Some(open_dimse(&home, listen, arguments.dimse_tls).await?),
        None => None,
    };
    if let Some(setup) = setup::prepare(&door.workflow, clock::now()).await? {
        let address = &door.workflow.config.public_url;
        remark(&format!(
            "first start: make the administrator's account at {address}/setup/{}",
            setup.secret.reveal()
        ));
        remark("(the link works once, and only until another start prints a new one)");
        if setup.replaces_another {
            remark(
                "a link that an earlier start printed, or another node, does not work any more: use this one",
            );
        }
    }
    warn(&home, &arguments.data).await?;
    let stop = Stop::new()?;
    line(&format!("listening on {}", door.address))?;
    match dimse {
        Some((dimse, addresses)) => {
            let dimse_stop = Stop::new()?;
            for address in addresses {
                line(&format!("listening on {address}"))?;
            }
            let (served, ()) = tokio::join!(door.serve(stop), dimse.serve(dimse_stop.told()));
            served?;
        }
        None => door.serve(stop).await?,
    }
    home.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Logs what of the settings and the data folder is probably not meant.
async fn warn(home: &Home, data: &Path) -> Result<()> {
    let mut tx = home.store.read().await?;
    let callers = home.config.caller_warnings(&mut tx).await?;
    drop(tx);
    let warnings = open_folder(data).into_iter().chain(home.config.warnings());
    for warning in warnings.chain(callers) {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// Listens for DICOM associations; returns where.
async fn open_dimse(
    home: &Home,
    listen: SocketAddr,
    tls: Option<SocketAddr>,
) -> Result<(overread_dimse::Door, Vec<String>)> {
    let config = home.config.dimse.door()?;
    let (listener, address) = listen_for_dicom(listen).await?;
    let mut addresses = vec![format!("dicom://{address}")];
    let mut door = overread_dimse::Door::new(listener, config, home.dimse_rooms());
    if let Some(listen) = tls {
        let incoming = home.config.dimse.tls.incoming()?;
        let (listener, address) = listen_for_dicom(listen).await?;
        addresses.push(format!("dicom-tls://{address}"));
        door = door.with_tls(listener, incoming);
    }
    Ok((door, addresses))
}

async fn listen_for_dicom(listen: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen for DICOM at {listen}"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Registers the secret of a file as an archive token in a new installation; several nodes may begin at once.
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
    // Once anybody has an account or a token, only they make further ones.
    let is_new = people::count(&mut tx).await? == 0 && tokens::list(&mut tx).await?.is_empty();
    if !is_new {
        return Ok(());
    }
    let new = NewToken {
        name: "bootstrap",
        role: Role::Archive,
        case_id: None,
    };
    match tokens::register(&mut tx, &new, secret, clock::now()).await {
        Ok(_) => Ok(tx.commit().await?),
        // Another node was faster with the same secret.
        Err(error) if error.is_unique_violation() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Puts the reads on the worklist that were offered by a version that had none.
async fn adopt_reads(home: &Home) -> Result<()> {
    let mut tx = home.store.begin().await?;
    work_items::adopt(&mut tx, clock::now()).await?;
    Ok(tx.commit().await?)
}

/// A listening server that serves nothing yet.
pub(crate) struct Door {
    listener: TcpListener,
    router: axum::Router,
    certificate: Option<Arc<Certificate>>,
    behind_proxy: bool,
    /// Days between two proofs of the whole archive.
    verify_days: u32,
    /// Who called over the DICOM network.
    peers: Peers,
    /// The steps' context.
    pub(crate) workflow: Workflow,
    /// Where it listens: `http://127.0.0.1:8080`.
    pub(crate) address: String,
}

impl Door {
    /// Listens, and puts the rooms behind the door together.
    pub(crate) async fn open(home: &Home, listen: SocketAddr) -> Result<Self> {
        let certificate = match home.config.tls.files() {
            Some((certificate, key)) => Some(Certificate::read(certificate, key)?),
            None => None,
        };
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen at {listen}"))?;
        let scheme = if certificate.is_some() {
            "https"
        } else {
            "http"
        };
        let address = format!("{scheme}://{}", listener.local_addr()?);
        let is_anywhere = listener.local_addr()?.ip().is_unspecified();
        // 0.0.0.0 is an address to listen on, and none to go to.
        let reached_at = if is_anywhere {
            format!("{scheme}://localhost:{}", listener.local_addr()?.port())
        } else {
            address.clone()
        };
        let workflow = home.workflow(&reached_at);
        let is_nameless = home.config.public_url.is_empty() && is_anywhere;
        if is_nameless {
            tracing::warn!(
                "public_url is not set in config.toml, and this server listens on every address: links in letters, in mails and \
                 for the first account begin with {reached_at}, which opens on this machine alone; set public_url to what people type"
            );
        }
        adopt_reads(home).await?;
        let mut dicomweb = DicomWebState::new(
            home.store.clone(),
            home.archive.clone(),
            home.ingest.clone(),
            workflow.knowledge.first_reading.clone(),
            overread_concordance::names_finding,
            clock::now,
        )
        .with_origins(home.config.dicomweb.origins()?);
        // Without an address that can be opened, answers name the one that was asked.
        dicomweb = match (is_nameless, certificate.is_some()) {
            (false, _) => dicomweb.with_public_url(&workflow.config.public_url),
            (true, true) => dicomweb.over_tls(),
            (true, false) => dicomweb,
        };
        let config = WebConfig {
            public_url: workflow.config.public_url.clone(),
            cookie_secure: workflow.config.public_url.starts_with("https://"),
            organisation: home.config.organisation.clone(),
            emergency_number: home.config.emergency_number.clone(),
            behind_proxy: home.config.behind_proxy,
        };
        let rooms = WebRooms {
            workflow: workflow.clone(),
            dicomweb,
            peers: home.peers.clone(),
            config: Arc::new(config),
            clock: clock::now,
        };
        Ok(Self {
            listener,
            router: overread_web::router(rooms),
            certificate,
            behind_proxy: home.config.behind_proxy,
            verify_days: home.config.archive.verify_days,
            peers: home.peers.clone(),
            workflow,
            address,
        })
    }

    /// Serves until the program is told to stop, then lets running requests end.
    pub(crate) async fn serve(self, stop: Stop) -> Result<()> {
        let tls = self.certificate.as_ref().map(Certificate::acceptor);
        let tls = tls.transpose()?;
        let rounds = tokio::spawn(go_round(self.workflow.clone()));
        let callers = tokio::spawn(keep_callers(self.workflow.clone(), self.peers.clone()));
        let recovery = tokio::spawn(recover_again(self.workflow.ingest.clone()));
        let others = tokio::spawn(hear_others(self.workflow.ingest.clone()));
        let proof = tokio::spawn(prove_again(self.workflow.clone(), self.verify_days));
        let mut patience = Patience::default();
        if self.behind_proxy {
            patience.is_shared = |_| true;
        }
        let followed = self.certificate.map(|one| tokio::spawn(one.follow()));
        let listening = Listening {
            listener: self.listener,
            router: self.router,
            tls,
            patience,
        };
        listening::serve(listening, stop.told()).await;
        rounds.abort();
        callers.abort();
        // Those of the last moments; again is harmless.
        let (start, now) = (Timestamp::from_micros(0), clock::now());
        if let Err(error) = callers::keep(&self.workflow, &self.peers, start, now).await {
            tracing::warn!(%error, "who was refused could not be kept");
        }
        proof.abort();
        recovery.abort();
        others.abort();
        if let Some(followed) = followed {
            followed.abort();
        }
        Ok(())
    }
}

/// Sends mails, ends what ran out of time and erases what was deleted, again and again.
async fn go_round(workflow: Workflow) {
    const PAUSE: std::time::Duration = std::time::Duration::from_secs(20);
    /// Rounds from one look at the rules of retention to the next.
    const RETENTION_ROUNDS: u64 = 180;
    let mut ticks = tokio::time::interval(PAUSE);
    for round in 0_u64.. {
        ticks.tick().await;
        if round.is_multiple_of(RETENTION_ROUNDS)
            && let Err(error) = keeping::apply_rules(&workflow, clock::now()).await
        {
            tracing::error!(%error, "the rules of retention could not be applied");
        }
        if let Err(error) = mailing::send_due(&workflow, clock::now()).await {
            tracing::error!(%error, "mails could not be sent");
        }
        if let Err(error) = jobs::run_due(&workflow, clock::now()).await {
            tracing::error!(%error, "what ran out of time could not be ended");
        }
    }
}

/// Keeps who was refused, so that the page of peers shows it after a restart, too.
async fn keep_callers(workflow: Workflow, peers: Peers) {
    let mut ticks = tokio::time::interval(CALLERS_PAUSE);
    let mut since = Timestamp::from_micros(0);
    loop {
        ticks.tick().await;
        let now = clock::now();
        match callers::keep(&workflow, &peers, since, now).await {
            Ok(()) => since = now,
            Err(error) => {
                tracing::warn!(%error, "who was refused could not be kept; it is tried again")
            }
        }
    }
}

/// Takes in what a failure left in the packs: that of an earlier run at once, that of this one when the trouble is over.
async fn recover_again(ingest: Ingest) {
    let mut pause = RECOVERY_PAUSE;
    let mut looked_at = Instant::now();
    loop {
        if looked_at.elapsed() >= EVERY_PACK_PAUSE {
            ingest.look_anywhere();
            looked_at = Instant::now();
        }
        pause = match ingest.recover(clock::now()).await {
            Ok(report) => {
                tell_recovered(&report);
                RECOVERY_PAUSE
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "what a failure left could not be taken in; it is tried again"
                );
                RECOVERY_LONGEST.min(2 * pause)
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Hears what other nodes erased or found damaged.
async fn hear_others(ingest: Ingest) {
    loop {
        for heard in [ingest.forget_erased().await, ingest.shun_damaged().await] {
            if let Err(error) = heard {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "what other nodes did could not be asked; it is tried again"
                );
            }
        }
        tokio::time::sleep(OTHERS_PAUSE).await;
    }
}

/// Reads every byte of the archive again, a pack at a time, with pauses that leave disc and processor to whoever waits.
async fn prove_again(workflow: Workflow, every_days: u32) {
    if every_days == 0 {
        return;
    }
    let (store, archive) = (&workflow.store, &workflow.archive);
    loop {
        let begun = Instant::now();
        let some =
            overread_ingest::scrub_some(store, archive, every_days.into(), clock::now()).await;
        if let Err(error) = workflow.ingest.shun_damaged().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "what is damaged could not be looked at; it is tried again"
            );
        }
        let pause = match some {
            Ok(true) => (begun.elapsed() * PROOF_REST).max(PROOF_PAUSE),
            Ok(false) => PROOF_IDLE,
            Err(error) => {
                tracing::warn!(%error, "the archive could not be proven; it is tried again");
                PROOF_IDLE
            }
        };
        tokio::time::sleep(pause).await;
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
