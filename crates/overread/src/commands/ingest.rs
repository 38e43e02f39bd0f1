//! `overread ingest`: discs, folders, ZIPs and files into the archive.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use overread_ingest::{DeliveryOptions, DeliverySource, Progress, Receipt, without_what_follows};
use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::problem::{Problem, ProblemKind};
use overread_model::text::counted;
use overread_workflow::{StepError, Workflow, records};

use crate::cli::Ingest;
use crate::clock;
use crate::config::open_folder;
use crate::home::{Home, tell_recovered};
use crate::output::{is_watched, json, line, plain, remark};

/// Nothing usable was found.
pub(crate) const NOTHING_USABLE: u8 = 3;

/// Something that may be a record was not taken in, or not into its case.
const NOT_ALL_KEPT: u8 = 4;

/// What to do with images that nobody sees yet.
const NO_CASE: &str = "\
These images belong to no case yet, so only coordinators see them, and machines whose token is for the whole archive.
Coordinators find them under “Images without a case”, and can put them into one there. Or run this again with --case ID; the id stands in the address of the case's page, and nothing is stored twice.";

/// Takes the paths in and says what came of it.
pub(crate) async fn run(arguments: Ingest) -> Result<ExitCode> {
    all_there(&arguments.paths)?;
    let home = Home::open(&arguments.data.data).await?;
    if let Some(warning) = open_folder(&arguments.data.data) {
        remark(&format!("warning: {warning}"));
    }
    let workflow = home.workflow("");
    if let Some(case_id) = &arguments.case {
        may_receive(&workflow, case_id).await?;
    }
    let options = DeliveryOptions {
        case_id: arguments.case.clone(),
        actor: Actor::System,
        now: clock::now(),
        source: DeliverySource::Paths,
    };
    // A command that was killed may have left whole batches in the packs.
    let recovered = home.ingest.recover(clock::now()).await;
    tell_recovered(&recovered.context("nothing was taken in")?);
    let bar = Bar::new("files looked at");
    let receipt = home
        .ingest
        .paths(&arguments.paths, options, bar.clone())
        .await;
    bar.clear();
    let mut receipt = receipt?;
    if let Some(case_id) = &arguments.case {
        records::arrived(
            &workflow,
            &Actor::System,
            case_id,
            &mut receipt,
            clock::now(),
        )
        .await?;
    }
    home.close().await;
    if arguments.data.json {
        json(&receipt)?;
    } else {
        tell(&receipt, arguments.details)?;
    }
    if arguments.case.is_none() && receipt.is_usable() {
        remark(NO_CASE);
    }
    Ok(ended(&receipt))
}

/// Says what was refused, and returns the exit code for it.
fn ended(receipt: &Receipt) -> ExitCode {
    let words =
        |number: u64, one, many| counted(usize::try_from(number).unwrap_or(usize::MAX), one, many);
    if receipt.not_kept > 0 {
        let files = words(receipt.not_kept, "file was", "files were");
        remark(&format!("{files} not kept; the problems above say why"));
    }
    if receipt.left_outside > 0 {
        let images = words(
            receipt.left_outside,
            "image that is stored here already was",
            "images that are stored here already were",
        );
        remark(&format!(
            "{images} not put into the case, which has no room for the whole exam; they stay stored"
        ));
    }
    let is_whole = receipt.not_kept == 0 && receipt.left_outside == 0;
    let is_kept = receipt.is_usable() || !receipt.documents.is_empty();
    match (is_kept || receipt.is_refused(), is_whole) {
        (false, _) => ExitCode::from(NOTHING_USABLE),
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(NOT_ALL_KEPT),
    }
}

/// Refuses a case that is not there or takes no records, as every other door does, before anything is taken in.
async fn may_receive(workflow: &Workflow, case_id: &CaseId) -> Result<()> {
    match records::may_receive(workflow, &Actor::System, case_id, clock::now()).await {
        Err(StepError::NotFound) => bail!("there is no such case; nothing was taken in"),
        Err(why @ StepError::Invalid(_)) => bail!(
            "nothing was taken in. {why} Without --case the images wait until a coordinator puts them into one"
        ),
        may => may.context("nothing was taken in"),
    }
}

/// Says which path does not exist, before anything else is judged missing.
pub(crate) fn all_there(paths: &[PathBuf]) -> Result<()> {
    match paths.iter().find(|path| !path.exists()) {
        Some(path) => bail!("{} does not exist", path.display()),
        None => Ok(()),
    }
}

/// A progress bar that is quiet when nobody watches.
#[derive(Clone)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Makes a bar that counts things and bytes.
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = if is_watched() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {prefix}  {msg}  {bytes} ({bytes_per_sec})")
        {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        Self(bar)
    }

    /// Says how far it is.
    pub(crate) fn say(&self, how_far: String) {
        self.0.set_message(how_far);
        self.0.tick();
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn file(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

fn tell(receipt: &Receipt, details: bool) -> Result<()> {
    let megabytes = receipt.bytes_stored as f64 / 1e6;
    let words =
        |number: u64, one, many| counted(usize::try_from(number).unwrap_or(usize::MAX), one, many);
    line(&format!(
        "{} seen, {} stored ({megabytes:.1} MB), {} known already, in {:.1} s",
        words(receipt.files_seen, "file", "files"),
        words(
            receipt.instances_stored,
            "image or other DICOM object",
            "images and other DICOM objects"
        ),
        receipt.duplicates,
        receipt.seconds
    ))?;
    for study in &receipt.studies {
        let name = study.patient_name.as_ref().map_or("", |name| name.reveal());
        line(&format!(
            "\nStudy {}  {}",
            study.study_instance_uid,
            plain(name)
        ))?;
        for series in &study.series {
            let description = plain(series.description.as_deref().unwrap_or("(no description)"));
            line(&format!(
                "  {:<4} {:>5} objects  {description}",
                plain(&series.modality),
                series.instances
            ))?;
        }
    }
    if !receipt.documents.is_empty() {
        line("\nDocuments and pictures kept")?;
    }
    for document in &receipt.documents {
        line(&format!(
            "  {}  {}",
            plain(&document.name),
            plain(&document.media_type)
        ))?;
    }
    if receipt.other_files > 0 {
        line(&format!(
            "\n{} other files (viewer, icons) were counted and not kept",
            receipt.other_files
        ))?;
    }
    tell_problems(&receipt.problems, details)
}

fn tell_problems(problems: &[Problem], details: bool) -> Result<()> {
    let told = match details {
        true => problems.iter().collect(),
        false => without_what_follows(problems),
    };
    let left_out = problems.len() - told.len();
    let (waiting, unusable): (Vec<&Problem>, Vec<&Problem>) = told
        .into_iter()
        .partition(|problem| problem.kind == ProblemKind::HeldBack);
    for problem in waiting {
        line(&format!("\n{}", plain(&problem.message)))?;
    }
    if !unusable.is_empty() {
        line("\nWhat could not be used")?;
    }
    for problem in unusable {
        let message = plain(&problem.message);
        line(&match problem.path.as_str() {
            "" => format!("  {message}"),
            path => format!("  {}: {message}", plain(path)),
        })?;
    }
    if left_out > 0 {
        let files = counted(left_out, "file that is", "files that are");
        line(&format!(
            "  ({files} missing for this reason: --details lists them)"
        ))?;
    }
    Ok(())
}
