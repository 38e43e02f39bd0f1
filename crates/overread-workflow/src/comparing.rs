//! Comparing both reports: the engine proposes, the reviewer signs the category.

use bytes::Bytes;
use overread_concordance::{Concordance, Subject};
use overread_model::access::Actor;
use overread_model::ids::{CaseId, ConcordanceId};
use overread_model::time::Timestamp;
use serde::{Deserialize, Serialize};

use overread_model::access::Right;
use overread_model::case::{CaseRole, Notify};
use overread_model::report::SignedReport;
use overread_store::concordances::{self, ConcordanceRow};
use overread_store::original_reports::OriginalRow;
use overread_store::reports::ReportRow;
use overread_store::{Tx, checks, original_reports, reports};

use crate::casework::{self, CaseFile, Said, checked_text};
use crate::reporting::{self, AddendumRow};
use crate::{StepError, StepResult, Workflow, choosing, delivering, limits, news, printing};

mod addenda;
mod judging;

pub(crate) use addenda::{Comparisons, lacks, missing, second_text_of};
use judging::Judged;
pub use judging::{OwnStatement, class_named, contradicts};
pub(crate) use judging::{agreement_of, overall_named};

/// A reviewer's correction of one item.
#[derive(Clone, Serialize, Deserialize)]
pub struct Correction {
    /// Position of the item in the comparison, from 0.
    pub item_idx: usize,
    /// Class in the reviewer's judgement.
    pub class: String,
    /// Why; may be empty.
    pub note: String,
}

/// Returns a comparison with the reviewer's corrections in it, as every page and paper shows it.
#[must_use]
pub fn as_judged(concordance: Concordance, corrections: &[Correction]) -> Concordance {
    let judged: Vec<_> = corrections
        .iter()
        .filter_map(|one| Some((one.item_idx, class_named(&one.class)?)))
        .collect();
    concordance.as_judged(&judged)
}

/// What the reviewer decided.
pub struct Decision {
    /// Category the reviewer signed.
    pub overall: String,
    /// Remark; may be empty.
    pub note: String,
    /// Who.
    pub decided_by: String,
    /// When.
    pub decided_at: Timestamp,
}

/// What the comparison page shows.
pub struct ComparisonView {
    /// Names the comparison.
    pub concordance_id: ConcordanceId,
    /// Version of the case.
    pub case_version: i64,
    /// The engine's result.
    pub concordance: Concordance,
    /// Version of the engine that made it.
    pub engine_version: String,
    /// When.
    pub made_at: Timestamp,
    /// `MRI lumbar spine`.
    pub exam: String,
    /// Original report, verbatim, as it was compared.
    pub original_text: String,
    /// Second report, verbatim, as it was compared.
    pub second_text: String,
    /// Corrections by the reviewer.
    pub corrections: Vec<Correction>,
    /// The reviewer's decision, once made.
    pub decision: Option<Decision>,
    /// What the second report itself says about the first; only for who decides.
    pub own_statement: Option<OwnStatement>,
    /// Addenda to the second report.
    pub addenda: Vec<AddendumRow>,
    /// The newest addendum that is not part of this comparison was signed at.
    pub addendum_missing: Option<Timestamp>,
    /// This reader may correct and decide.
    pub may_decide: bool,
    /// A signed comparison was delivered; until this one is signed, others are shown that one.
    pub replaces_delivered: bool,
    /// Older rules made it, or without an addendum, and this reader may have it made anew.
    pub may_compare_again: bool,
}

/// What the reviewer sends.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct DecideComparison {
    /// The comparison that was looked at.
    pub concordance_id: String,
    /// `confirms`, `refines` or `changes_management`.
    pub overall: String,
    /// Remark.
    pub note: String,
    /// Corrections of single items.
    pub corrections: Vec<Correction>,
}

/// Compares the signed report and its addenda with the original report and keeps the result; asked twice, the first result
/// stands unless a text changed or older rules made it. What was delivered stands until an addendum comes.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` when either report is missing.
pub async fn compare(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ConcordanceId> {
    let Inputs {
        about,
        original,
        signed_row,
        second_text,
        settled,
    } = inputs(ctx, actor, case_id, now).await?;
    if let Some(id) = settled {
        return id.parse().map_err(StepError::internal);
    }
    let digest = inputs_digest(&about, &original.body, &second_text);
    let known = |row: &ConcordanceRow| row.inputs_digest == digest && current(row);
    {
        let mut tx = ctx.store.read().await?;
        if let Some(row) = concordances::newest(&mut tx, case_id).await?.filter(known) {
            return row.id.parse().map_err(StepError::internal);
        }
    }
    let (first, second) = (original.body.clone(), second_text.clone());
    let worked = tokio::task::spawn_blocking(move || about.compare(&first, &second));
    let concordance = worked.await.map_err(StepError::internal)?;
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    // Another click may have been faster.
    if let Some(row) = concordances::newest(&mut tx, case_id).await?.filter(known) {
        return row.id.parse().map_err(StepError::internal);
    }
    let id = casework::new_id(ConcordanceId::from_random)?;
    let texts = Texts {
        original: original.body,
        second: second_text,
        digest,
    };
    let row = new_row(
        &id,
        &file,
        &signed_row,
        original.version,
        &concordance,
        texts,
        now,
    )?;
    concordances::insert(&mut tx, &row).await?;
    let what = "Both reports were set side by side";
    casework::note(
        &mut tx,
        &file,
        actor,
        "concordance.made",
        what,
        Said {
            note: "",
            staff_only: true,
        },
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(id)
}

/// Whom and which examination both reports should be about.
struct About {
    exam: String,
    patient_name: String,
    birth_date: String,
    exam_dates: Vec<String>,
}

impl About {
    async fn load(tx: &mut Tx, file: &CaseFile) -> StepResult<Self> {
        let studies = checks::studies(tx, &file.case_id).await?;
        let made = studies.into_iter().map(|study| study.study_date);
        Ok(Self {
            exam: file.row.title.clone(),
            patient_name: file.row.patient_name.clone(),
            birth_date: file.intake.who.patient_birth_date.clone(),
            exam_dates: std::iter::once(file.intake.exam.date.clone())
                .chain(made)
                .filter(|date| !date.is_empty())
                .collect(),
        })
    }

    fn compare(&self, original: &str, second: &str) -> Concordance {
        let dates: Vec<&str> = self.exam_dates.iter().map(String::as_str).collect();
        let subject = Subject {
            exam: &self.exam,
            patient_name: &self.patient_name,
            birth_date: &self.birth_date,
            exam_dates: &dates,
        };
        overread_concordance::compare_case(&subject, original, second)
    }
}

/// Doubts that speak of a wrong patient, a wrong side or a wrong exam: nobody signs over them unseen.
const DOUBTS_OF_HARM: [&str; 7] = [
    "patient",
    "birth_date",
    "patient_number",
    "accession_number",
    "sex",
    "body_part",
    "side",
];

/// Returns what speaks against a report being about this patient and exam, in plain words: beside the first report, or
/// alone when there is none.
pub(crate) async fn doubts_of_harm(
    tx: &mut Tx,
    file: &CaseFile,
    signed: &SignedReport,
) -> StepResult<Vec<String>> {
    let about = About::load(tx, file).await?;
    let second = second_text_of(signed, &[]);
    let original = original_reports::newest(tx, &file.case_id).await?;
    let original = original.map_or_else(|| second.clone(), |row| row.body);
    let compared = about.compare(&original, &second);
    let doubts = compared.guard.problems.into_iter();
    Ok(doubts
        .filter(|doubt| DOUBTS_OF_HARM.contains(&doubt.kind.as_str()))
        .map(|doubt| doubt.message)
        .collect())
}

/// What is compared, as it stands now.
struct Inputs {
    about: About,
    original: OriginalRow,
    signed_row: ReportRow,
    second_text: String,
    /// The comparison that was delivered, when no addendum came since.
    settled: Option<String>,
}

async fn inputs(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<Inputs> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    if !file.wears(CaseRole::Coordinator) && file.own_task().is_err() {
        return Err(StepError::Forbidden);
    }
    let missing =
        |what: &str| StepError::invalid("", format!("There is no {what} to compare yet."));
    let original = original_reports::newest(&mut tx, case_id)
        .await?
        .ok_or_else(|| missing("original report"))?;
    let signed_row = reports::signed(&mut tx, case_id)
        .await?
        .ok_or_else(|| missing("signed second report"))?;
    let signed = reporting::signed_content(&signed_row)?;
    let about = About::load(&mut tx, &file).await?;
    let known = Comparisons::of(&mut tx, case_id).await?;
    let stands = file.row.delivered_at.is_some() && !known.is_outdated();
    Ok(Inputs {
        about,
        original,
        signed_row,
        second_text: second_text_of(&signed, &known.addenda),
        settled: known.signed.filter(|_| stands).map(|row| row.id),
    })
}

/// Returns the comparison; noted as read.
///
/// # Errors
/// `NotFound` while there is none this reader may see.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ComparisonView> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let known = Comparisons::of(&mut tx, case_id).await?;
    let decides = decides(&mut tx, actor, &file, &known).await?;
    let row = readable(&file, &known, decides).ok_or(StepError::NotFound)?;
    let may_decide = decides && current(row) && missing(row, &known.addenda).is_none();
    let own_statement = match reports::signed(&mut tx, case_id).await? {
        Some(signed) if may_decide => Some(OwnStatement::of(&reporting::signed_content(&signed)?)),
        _ => None,
    };
    casework::note_read(&mut tx, actor, case_id, "comparison", now).await?;
    tx.commit().await?;
    let mut view = view_of(&file, &known, row.clone())?;
    (view.may_decide, view.own_statement) = (may_decide, own_statement);
    Ok(view)
}

/// Lets pass who reads the case, for the page that says that nothing was compared yet.
///
/// # Errors
/// `NotFound`.
pub async fn require_reader(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.read().await?;
    casework::load(&mut tx, actor, case_id, now).await?;
    Ok(())
}

/// Signs the overall category, with corrections kept beside the engine's result.
///
/// # Errors
/// `NotFound`, `Forbidden` unless the reviewer who signed, `Invalid` for an unknown category, `Stale` when another comparison
/// was made since this one was looked at.
pub async fn decide(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    form: &DecideComparison,
    now: Timestamp,
) -> StepResult<()> {
    let overall = overall_named(&form.overall)
        .ok_or_else(|| StepError::invalid("overall", "Choose what both reports together say."))?;
    let note = checked_text("note", &form.note, limits::LONG_TEXT_CHARACTERS, None)?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    let known = Comparisons::of(&mut tx, case_id).await?;
    if !decides(&mut tx, actor, &file, &known).await? {
        return Err(StepError::Forbidden);
    }
    let mut row = known.newest.ok_or(StepError::NotFound)?;
    if row.id != form.concordance_id {
        return Err(StepError::Stale);
    }
    if missing(&row, &known.addenda).is_some() {
        return Err(StepError::invalid(
            "",
            "An addendum was signed since this comparison was made. Have both reports compared again before you sign.",
        ));
    }
    let signed_row = reports::signed(&mut tx, case_id)
        .await?
        .ok_or(StepError::NotFound)?;
    let signed = reporting::signed_content(&signed_row)?;
    let result: Concordance = serde_json::from_str(&row.result).map_err(StepError::internal)?;
    judging::check(&Judged {
        result: &result,
        corrections: &form.corrections,
        overall,
        note,
        own: &OwnStatement::of(&signed),
    })?;
    let signer = signed.signer;
    row.corrections = serde_json::to_string(&form.corrections).map_err(StepError::internal)?;
    row.overall = Some(overall.name().to_owned());
    row.note = note.to_owned();
    row.decided_by = Some(actor.id().to_owned());
    row.decided_name = Some(choosing::signed_name(&signer.name, &signer.credentials));
    let decided_at = delivering::sign_time(&mut tx, &file, now).await?;
    row.decided_at = Some(decided_at.as_micros());
    if !concordances::decide(&mut tx, &row).await? {
        return Err(StepError::Stale);
    }
    file.save(&mut tx).await?;
    let what = if file.row.delivered_at.is_some() {
        news::tell_of_more(&mut tx, ctx, &file, Notify::Requester, now).await?;
        news::tell_of_more(&mut tx, ctx, &file, Notify::Coordinator, now).await?;
        news::tell_of_more(&mut tx, ctx, &file, Notify::InsurerForOwnRequest, now).await?;
        let change = format!("comparison:{}", row.id);
        delivering::tell_receivers(&mut tx, ctx, &file, &change, now).await?;
        "The reviewer signed again what both reports together say, with the addendum"
    } else {
        "The reviewer signed what both reports together say"
    };
    casework::note(
        &mut tx,
        &file,
        actor,
        "concordance.decided",
        what,
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Returns both reports side by side as one PDF; noted as read.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn pdf(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<Bytes> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let known = Comparisons::of(&mut tx, case_id).await?;
    let decides = decides(&mut tx, actor, &file, &known).await?;
    let row = readable(&file, &known, decides).ok_or(StepError::NotFound)?;
    let signed_row = reports::signed(&mut tx, case_id)
        .await?
        .ok_or(StepError::NotFound)?;
    let signed = reporting::signed_content(&signed_row)?;
    let paper = printing::comparison(&mut tx, ctx, &file, (row, &known.addenda), &signed).await?;
    casework::note_read(&mut tx, actor, case_id, "comparison", now).await?;
    tx.commit().await?;
    printing::print_comparison(paper).await
}

fn inputs_digest(about: &About, original: &str, second: &str) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    let known = [&about.exam, &about.patient_name, &about.birth_date];
    let parts = known.into_iter().chain(&about.exam_dates);
    for part in parts.map(String::as_str).chain([original, second]) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().as_bytes().to_vec()
}

/// Both texts as compared.
struct Texts {
    original: String,
    second: String,
    digest: Vec<u8>,
}

fn new_row(
    id: &ConcordanceId,
    file: &CaseFile,
    report: &ReportRow,
    original_version: i64,
    concordance: &Concordance,
    texts: Texts,
    now: Timestamp,
) -> StepResult<ConcordanceRow> {
    Ok(ConcordanceRow {
        id: id.as_str().to_owned(),
        case_id: file.case_id.as_str().to_owned(),
        report_id: report.id.clone(),
        original_version,
        inputs_digest: texts.digest,
        engine_version: concordance.engine.clone(),
        result: serde_json::to_string(concordance).map_err(StepError::internal)?,
        original_text: texts.original,
        second_text: texts.second,
        made_at: now.as_micros(),
        version: 1,
        corrections: "[]".to_owned(),
        overall: None,
        note: String::new(),
        decided_by: None,
        decided_name: None,
        decided_at: None,
    })
}

/// Returns the comparison when this reader may see it: staff once it is made; once the result is delivered, the one that was
/// signed, and only who signs it again the proposal.
fn readable<'a>(
    file: &CaseFile,
    known: &'a Comparisons,
    decides: bool,
) -> Option<&'a ConcordanceRow> {
    let staff = file.wears(CaseRole::Coordinator) || file.own_task().is_ok();
    if !file.rights.contains(&Right::ViewReport) {
        None
    } else if file.row.delivered_at.is_some() && !decides {
        known.signed.as_ref()
    } else {
        known.newest.as_ref().filter(|_| staff)
    }
}

/// The reviewer who signed the report signs the category: until the release, and again after an addendum to it.
async fn decides(
    tx: &mut Tx,
    actor: &Actor,
    file: &CaseFile,
    known: &Comparisons,
) -> StepResult<bool> {
    if file.own_task().is_err() {
        return Ok(false);
    }
    let signed = reports::signed(tx, &file.case_id).await?;
    Ok(signed.is_some_and(|report| report.person_id == actor.id())
        && (file.row.delivered_at.is_none() || known.is_outdated()))
}

/// Whether the rules of today made it.
fn current(row: &ConcordanceRow) -> bool {
    row.engine_version == overread_concordance::ENGINE
}

fn view_of(
    file: &CaseFile,
    known: &Comparisons,
    row: ConcordanceRow,
) -> StepResult<ComparisonView> {
    let decision = decision_of(&row);
    let staff = file.wears(CaseRole::Coordinator) || file.own_task().is_ok();
    let is_open = file.row.delivered_at.is_none() || known.is_outdated();
    let newest = known.newest.as_ref();
    let is_stale = newest.is_some_and(|row| !current(row)) || known.complete().is_none();
    let addendum_missing = missing(&row, &known.addenda).map(|addendum| addendum.signed_at);
    Ok(ComparisonView {
        may_compare_again: staff && is_open && is_stale,
        addenda: known.addenda.iter().map(reporting::addendum_row).collect(),
        addendum_missing,
        replaces_delivered: file.row.delivered_at.is_some() && decision.is_none(),
        concordance_id: row.id.parse().map_err(StepError::internal)?,
        case_version: file.row.version,
        concordance: serde_json::from_str(&row.result).map_err(StepError::internal)?,
        engine_version: row.engine_version,
        made_at: Timestamp::from_micros(row.made_at),
        exam: file.row.title.clone(),
        original_text: row.original_text,
        second_text: row.second_text,
        corrections: serde_json::from_str(&row.corrections).map_err(StepError::internal)?,
        decision,
        own_statement: None,
        may_decide: false,
    })
}

fn decision_of(row: &ConcordanceRow) -> Option<Decision> {
    Some(Decision {
        overall: row.overall.clone()?,
        note: row.note.clone(),
        decided_by: row.decided_name.clone().unwrap_or_default(),
        decided_at: Timestamp::from_micros(row.decided_at?),
    })
}
