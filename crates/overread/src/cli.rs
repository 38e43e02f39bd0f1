//! The command line: what can be asked, and the help a person reads.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use overread_model::access::Role;
use overread_model::ids::{CaseId, DeletionId, LegalHoldId, TokenId};
use overread_model::time::CalendarDate;
use overread_model::uid::StudyInstanceUid;

/// The version, and the commit when it was built from one.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("OVERREAD_COMMIT"));

/// Radiology second opinions, from a disc of images to a decision.
///
/// Exit codes of every command: 0 done, 1 failed, 2 wrong usage, 3 nothing usable was found, 4 `ingest` had to refuse something, or to leave it out of its case.
#[derive(Debug, Parser)]
#[command(
    name = "overread",
    version = VERSION,
    max_term_width = 100,
    propagate_version = true
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the pages, the viewer, DICOMweb and, when asked, DICOM from one data folder.
    Serve(Serve),
    /// Take in a disc, a folder, a ZIP or single files.
    Ingest(Ingest),
    /// Tell what a disc or a case holds and what is missing; writes nothing.
    Check(Check),
    /// Write a letter (second-opinion request, records request and more) as PDF or text.
    Letter(Letter),
    /// Compare report pairs: JSON lines in, JSON lines out.
    #[command(after_long_help = CONCORDANCE_FIELDS, after_help = CONCORDANCE_FIELDS)]
    Concordance(Lines),
    /// List the statements of reports: JSON lines in, JSON lines out.
    #[command(after_long_help = STATEMENTS_FIELDS, after_help = STATEMENTS_FIELDS)]
    Statements(Lines),
    /// Prove that every stored byte and row is whole.
    Verify(Verify),
    /// Make the index anew from the packs, or complete one that is an older copy.
    #[command(after_help = REBUILD_LEAVES, after_long_help = REBUILD_LEAVES)]
    Rebuild(Data),
    /// Make, list and revoke tokens for machines.
    Token(Token),
    /// Delete, restore, hold and give room, as the administrator's page Keeping does.
    Keeping(Keeping),
    /// Print what was done and read, by whom, the newest first, as the administrator's page Audit does.
    Audit(Audit),
    /// Ask another DICOM archive: echo, find, pull a study from it, send one to it.
    Pacs(Pacs),
    /// Bring the tables of a data folder up to date, or move everything to another.
    Migrate(Migrate),
    /// Open a demonstration on an empty data folder: a synthetic case and people of every role.
    Demo(Demo),
    /// Print the configuration as it would be used, without secrets.
    CheckConfig(Data),
    /// Reads one PDF from standard input and writes its text: the program calls itself so, in a process of its own.
    #[command(hide = true)]
    PdfText,
    /// Decodes frames from standard input to standard output: the program calls itself so, in processes of their own.
    #[command(hide = true)]
    PixelWorker,
}

/// What is not in the packs.
pub(crate) const REBUILD_LEAVES: &str = "\
Images and papers come back as they were, with the deliveries they came in. People, cases, consents, grants, letters' states,
reports, decisions and the audit stand in the database alone: back it up (SQLite: `sqlite3 overread.sqlite \".backup FILE\"`;
PostgreSQL: pg_dump) beside the packs, put the backup in place first, and run this to take in what is newer than it.";

/// Which data folder.
#[derive(Debug, Clone, Args)]
pub(crate) struct Data {
    /// Data folder.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "overread-data",
        env = "OVERREAD_DATA"
    )]
    pub(crate) data: PathBuf,
    /// Print facts as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `overread serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Data folder; made when it is not there.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "overread-data",
        env = "OVERREAD_DATA"
    )]
    pub(crate) data: PathBuf,
    /// Address and port to listen at; port 0 takes a free one. The address is printed when ready.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        env = "OVERREAD_LISTEN"
    )]
    pub(crate) listen: SocketAddr,
    /// Address and port for DICOM (C-ECHO, C-STORE, C-FIND, C-GET, C-MOVE, storage commitment); port 0 takes a free one.
    /// The address is printed when ready.
    ///
    /// Without `dimse.callers` in config.toml only programs on this machine may store, and nobody may find or retrieve.
    #[arg(long, value_name = "ADDRESS", env = "OVERREAD_DIMSE")]
    pub(crate) dimse: Option<SocketAddr>,
    /// A further address and port for DICOM over TLS; `dimse.tls` in config.toml names the certificate.
    #[arg(
        long,
        value_name = "ADDRESS",
        requires = "dimse",
        env = "OVERREAD_DIMSE_TLS"
    )]
    pub(crate) dimse_tls: Option<SocketAddr>,
    /// On an empty data folder, register the secret in this file as an archive token.
    #[arg(long, value_name = "FILE")]
    pub(crate) bootstrap_token: Option<PathBuf>,
}

/// `overread ingest`.
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// Folders, ZIP files or single files, in any mixture.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The case the records belong to.
    #[arg(long, value_name = "ID", value_parser = case_id)]
    pub(crate) case: Option<CaseId>,
    /// List every file that is missing because an archive is cut off, too.
    #[arg(long)]
    pub(crate) details: bool,
    /// Where to keep them.
    #[command(flatten)]
    pub(crate) data: Data,
}

/// `overread check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Folders, ZIP files or single files to look at.
    #[arg(
        value_name = "PATH",
        required_unless_present = "case",
        conflicts_with = "case"
    )]
    pub(crate) paths: Vec<PathBuf>,
    /// Check what is stored for this case instead.
    #[arg(long, value_name = "ID", value_parser = case_id)]
    pub(crate) case: Option<CaseId>,
    /// Where the case is.
    #[command(flatten)]
    pub(crate) data: Data,
}

/// `overread letter`.
#[derive(Debug, Args)]
pub(crate) struct Letter {
    /// Which letter; `--list` names them.
    #[arg(required_unless_present = "list", value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// List the letters that can be written and the facts each needs.
    #[arg(long)]
    pub(crate) list: bool,
    /// Print a facts file for this letter to start from.
    #[arg(long, requires = "kind")]
    pub(crate) sample: bool,
    /// The facts, as TOML; `--sample` prints a file to start from.
    #[arg(long, value_name = "FILE.toml", required_unless_present_any = ["list", "sample"])]
    pub(crate) facts: Option<PathBuf>,
    /// Language of the letter.
    #[arg(long, value_enum, default_value_t = LetterLanguage::En)]
    pub(crate) language: LetterLanguage,
    /// Where to write it; the ending says how: .pdf or .txt.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["list", "sample"])]
    pub(crate) out: Option<PathBuf>,
    /// Print facts as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Languages of letters.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LetterLanguage {
    /// English.
    En,
    /// Spanish.
    Es,
}

/// Every field of `overread concordance`, in and out.
const CONCORDANCE_FIELDS: &str = "\
In, one object a line:
  id        any value, given back as it came (may be left out)
  exam      name of the exam, such as \"MRI lumbar spine\" (may be left out)
  original  text of the first report
  second    text of the second report

Out, one object a line:
  id                       as it came
  comparable               false when the reports could not be compared: then nothing is called the same
  overall                  confirms, refines or changes_management: a proposal
  items                    what stands in the reports, row by row
  recommendations          advice, in the same form as items
  reasons                  why this overall, in plain words
  coverage                 share of finding-bearing sentences that were understood, 0 to 1
  not_compared             passages left out: report (original or second), span, reason
  guard                    problems: doubts before comparing, each with kind and message
  internal_contradictions  report, finding, what (side, polarity, site), first, second, sentence
  engine                   version of rules and lexicon

Each item:
  n                   row number, from 1
  kind                finding, normal, device, category, measurement or recommendation
  class               contradicted, laterality, location, interpretation, severity, size, certainty, more_detail, agree,
                      only_original or only_second
  critical            true when it may change what is done
  finding, site, side what, where, which side; site and side may be null
  denied_on           opposite side on which the other report denies the finding, or null
  polarity            present or absent
  original, second    where each report says so: list of spans, or null
  rule_id             which rule decided
  sentence            one plain sentence
  importance          none, unimportant_detection, unimportant_interpretation, important_detection or
                      important_interpretation
  variation           true for a usual difference between readers
  variation_note      what is known about that difference, or null
  needs_reader_check  true when place or side was inferred on one side only

Each span:
  start, end          Unicode code points, from 0, end exclusive
  text                the words

A line that cannot be answered is answered with:
  id                       as it came, or null when it could not be read
  line                     number of the line, from 1
  error                    why, in plain words
The others are answered all the same; the exit code is 1 at the end.";

/// Every field of `overread statements`, in and out.
const STATEMENTS_FIELDS: &str = "\
In, one object a line, either a report or one sentence with a phrase:
  id        any value, given back as it came (may be left out)
  text      text of a report
  sentence  one sentence
  concept   a phrase of that sentence; when no word of it stands there, the answer is an error

Out for a report:
  id          as it came
  statements  list of:
    kind         finding, normal, device, category, measurement or recommendation
    finding      what
    site, side   where, which side; may be null
    polarity     present or absent
    certainty    5 firm, 4 likely, 3 possible, 2 unlikely, 1 denied
    severity     lowest and highest grade (1 mild, 2 moderate, 3 severe), or null
    sizes_mm     sizes in mm, as written
    temporality  recent or historical
    section      findings, impression, body or recommendation
    span         start, end (Unicode code points, from 0, end exclusive) and text

Out for a sentence with a concept:
  id           as it came
  negation     negated or affirmed
  temporality  historical or recent
  experiencer  patient or other

A line that cannot be answered is answered with:
  id           as it came, or null when it could not be read
  line         number of the line, from 1
  error        why, in plain words
The others are answered all the same; the exit code is 1 at the end.";

/// `overread concordance` and `overread statements`.
#[derive(Debug, Args)]
pub(crate) struct Lines {
    /// Read one JSON object a line from standard input and answer with one a line.
    #[arg(long, required = true)]
    pub(crate) jsonl: bool,
}

/// `overread verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// What to prove.
    #[command(flatten)]
    pub(crate) data: Data,
}

/// `overread migrate`.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Copy everything into the installation that this data folder's config.toml describes: PostgreSQL, a bucket, or neither.
    ///
    /// Nothing may serve either of them meanwhile. What was interrupted goes on when it is started again; the installation
    /// that is copied stays as it is.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// What to bring up to date or to copy.
    #[command(flatten)]
    pub(crate) data: Data,
}

/// `overread token`.
#[derive(Debug, Args)]
pub(crate) struct Token {
    /// What to do with tokens.
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print its secret, which is shown this once.
    Create {
        /// What the token may do: archive, coordinator, reviewer and so on.
        #[arg(long)]
        role: Role,
        /// What people call it.
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// Let it reach this case alone; not for roles that see every case (archive, coordinator).
        #[arg(long, value_name = "ID", value_parser = case_id)]
        case: Option<CaseId>,
        /// Which installation.
        #[command(flatten)]
        data: Data,
    },
    /// List tokens, never their secrets.
    List {
        /// Which installation.
        #[command(flatten)]
        data: Data,
    },
    /// Revoke a token at once.
    Revoke {
        /// Its id, as `list` shows it.
        id: TokenId,
        /// Which installation.
        #[command(flatten)]
        data: Data,
    },
}

/// `overread keeping`.
#[derive(Debug, Args)]
pub(crate) struct Keeping {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: KeepingCommand,
}

/// In whose name something is done, and where.
#[derive(Debug, Args)]
pub(crate) struct InTheNameOf {
    /// E-mail address of the administrator in whose name it is done; the audit names that person.
    #[arg(long, value_name = "EMAIL")]
    pub(crate) by: String,
    /// Which installation.
    #[command(flatten)]
    pub(crate) data: Data,
}

/// `overread audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// From this day on, UTC: 2026-03-02.
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<CalendarDate>,
    /// Until the end of this day, UTC.
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<CalendarDate>,
    /// In this case alone: its number or id.
    #[arg(long, value_name = "CASE")]
    pub(crate) case: Option<String>,
    /// What this person did alone: the e-mail address of an account, or the id of an account, a token or a link.
    #[arg(long, value_name = "WHO")]
    pub(crate) person: Option<String>,
    /// Of this kind alone, as the first word of an event: study, session, case.
    #[arg(long, value_name = "WORD")]
    pub(crate) kind: Option<String>,
    /// Who reads it; that it was read is on record, too.
    #[command(flatten)]
    pub(crate) who: InTheNameOf,
}

/// What can be done about what is kept. Each follows the rules of the page, and is refused where the page refuses.
#[derive(Debug, Subcommand)]
pub(crate) enum KeepingCommand {
    /// List what is deleted and can be restored, legal holds and requests for deletion, with their ids.
    List {
        /// Who asks.
        #[command(flatten)]
        who: InTheNameOf,
    },
    /// Delete an exam, or the images of a case that no other case holds: nobody reaches them from now on, and they can be
    /// restored until the period of grace is over. What a legal hold covers is not deleted.
    Delete {
        /// Study Instance UID, or number of a case.
        named: String,
        /// Why; people of the case may read it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who deletes.
        #[command(flatten)]
        who: InTheNameOf,
    },
    /// Restore a deleted exam.
    Restore {
        /// Id of the deletion, as `list` shows it.
        deletion: DeletionId,
        /// Who restores.
        #[command(flatten)]
        who: InTheNameOf,
    },
    /// Place a legal hold: nothing that it covers is erased.
    Hold {
        /// Study Instance UID, or number of a case.
        named: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who places it.
        #[command(flatten)]
        who: InTheNameOf,
    },
    /// Lift a legal hold.
    Lift {
        /// Id of the hold, as `list` shows it.
        hold: LegalHoldId,
        /// Why it may be lifted.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who lifts it.
        #[command(flatten)]
        who: InTheNameOf,
    },
    /// Show how much a case holds and may hold, or set how much it may; what is not set stays as it is.
    #[command(group(ArgGroup::new("amount").args(["gb", "images"]).multiple(true)))]
    Room {
        /// Number of the case, or its id, which stands in the address of its page: a request that is not sent has no number.
        #[arg(value_name = "CASE")]
        number: String,
        /// GB that it may hold from now on.
        #[arg(long, value_name = "NUMBER", requires = "reason", value_parser = whole_number)]
        gb: Option<u64>,
        /// Images that it may hold from now on.
        #[arg(long, value_name = "NUMBER", requires = "reason", value_parser = whole_number)]
        images: Option<u64>,
        /// Why it may hold another amount than other cases.
        #[arg(long, value_name = "TEXT", requires = "amount")]
        reason: Option<String>,
        /// Who asks or sets it.
        #[command(flatten)]
        who: InTheNameOf,
    },
}

/// Reads the id of a case.
fn case_id(text: &str) -> Result<CaseId, String> {
    let told = "not the id of a case, which stands in the address of its page, behind /cases/ (its number is not taken here)";
    text.parse().map_err(|_| told.to_owned())
}

/// Reads what is looked for: nothing would match everything.
fn asked(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.is_empty() {
        true => Err("nothing is written there".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// Reads how much a case may hold.
fn whole_number(text: &str) -> Result<u64, String> {
    let expected = || "a whole number from 1 on is expected, as 40".to_owned();
    let number = text.parse().map_err(|_| expected())?;
    if number == 0 {
        Err(expected())
    } else {
        Ok(number)
    }
}

/// `overread pacs`.
#[derive(Debug, Args)]
pub(crate) struct Pacs {
    /// What to ask.
    #[command(subcommand)]
    pub(crate) command: PacsCommand,
}

/// What can be asked of another archive; `dimse.peers` in config.toml names them.
#[derive(Debug, Subcommand)]
pub(crate) enum PacsCommand {
    /// Ask whether it is there and lets us in.
    Echo {
        /// Which archive.
        peer: String,
        /// Which installation.
        #[command(flatten)]
        data: Data,
    },
    /// Look for studies; what is asked must match, `*` and `?` stand for any letters.
    #[command(group = ArgGroup::new("asked").required(true).multiple(true)
        .args(["patient_id", "patient_name", "date", "accession", "modality"]))]
    Find {
        /// Which archive.
        peer: String,
        /// Patient ID.
        #[arg(long, value_name = "ID", value_parser = asked)]
        patient_id: Option<String>,
        /// Patient's name, as `Doe^Jane` or `Doe*`.
        #[arg(long, value_name = "NAME", value_parser = asked)]
        patient_name: Option<String>,
        /// Day of the study, or a range of days: 20260302 or 20260301-20260331.
        #[arg(long, value_name = "DAYS", value_parser = asked)]
        date: Option<String>,
        /// Accession number.
        #[arg(long, value_name = "NUMBER", value_parser = asked)]
        accession: Option<String>,
        /// Modality: CT, MR and so on.
        #[arg(long, value_name = "CODE", value_parser = asked)]
        modality: Option<String>,
        /// Which installation.
        #[command(flatten)]
        data: Data,
    },
    /// Fetch a study from it; what is here already is not asked for again.
    Pull {
        /// Which archive.
        peer: String,
        /// Study Instance UID.
        #[arg(long, value_name = "UID")]
        study: StudyInstanceUid,
        /// Which installation.
        #[command(flatten)]
        data: Data,
    },
    /// Send a study, or all studies of a case, to it; what is there already is not sent again. The second opinion is no DICOM
    /// object, and is not sent.
    Send {
        /// Which archive.
        peer: String,
        /// Study Instance UID.
        #[arg(long, value_name = "UID", required_unless_present = "case")]
        study: Option<StudyInstanceUid>,
        /// Number of the case whose studies are sent, or its id, which stands in the address of its page.
        #[arg(long, value_name = "CASE", conflicts_with = "study", value_parser = asked)]
        case: Option<String>,
        /// Which installation.
        #[command(flatten)]
        data: Data,
    },
}

/// `overread demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Data folder; must be empty or not there.
    #[arg(long, value_name = "DIR", default_value = "overread-demo")]
    pub(crate) data: PathBuf,
    /// Address and port to listen at; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Print addresses and sign-ins as one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
