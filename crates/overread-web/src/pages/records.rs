//! Records: what the disc holds in plain words, what is missing and the letter for it, the way in.

use askama::Template;
use axum::Router;
use axum::extract::{Multipart, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use overread_model::ids::{CaseId, DocumentId};
use overread_model::problem::Problem;
use overread_model::time::CalendarDate;
use overread_workflow::checking::{self, FindingRow};
use overread_workflow::records::{
    self, DeletedBy, DeliveryRow, DocumentBytes, HeldBackDecision, QuarantineDecision, RecordsView,
    StudyRow,
};
use overread_workflow::sessions::SignedIn;
use overread_workflow::{covering, filing};
use serde::Deserialize;

use super::{InCase, part};
use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Posted, Problems, Signed, to_correct};
use crate::shell::{CasePlace, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::{Written as _, count};

mod set_aside;
mod upload;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}/records", get(show))
        .route("/cases/{case}/records/check", post(check))
        .route("/cases/{case}/records/override", post(override_rules))
        .route("/cases/{case}/records/held-back", post(decide))
        .route("/cases/{case}/records/take-in", post(take_in))
        .route("/cases/{case}/records/set-aside", post(set_aside::close))
        .route(
            "/cases/{case}/records/set-aside/{image}",
            get(set_aside::file),
        )
        .route("/cases/{case}/records/received", post(received))
        .route("/cases/{case}/records/accept", post(accept))
        .route("/cases/{case}/documents/{document}", get(document))
}

/// Returns the route that takes as long as the upload takes.
pub(super) fn slow_routes() -> Router<WebState> {
    Router::new().route("/cases/{case}/records/upload", post(send))
}

#[derive(Template)]
#[template(path = "records/records.html")]
struct RecordsPage {
    shell: Shell,
    path: String,
    case_id: CaseId,
    view: RecordsView,
    /// State of the case: what no longer fits it is not offered.
    state: String,
    /// Deliveries; those that one person brought in one sitting count as one.
    arrivals: Vec<DeliveryRow>,
    problems: Problems,
}

/// Seconds between two deliveries of one person that still count as one sitting.
const SITTING_SECONDS: i64 = 15 * 60;

/// Puts together what one person brought in one sitting: a browser sends loose files one by one.
fn sittings(deliveries: Vec<DeliveryRow>) -> Vec<DeliveryRow> {
    let mut sittings: Vec<DeliveryRow> = Vec::new();
    for row in deliveries {
        match sittings.last_mut() {
            Some(last)
                if last.from == row.from
                    && !(last.is_open || row.is_open)
                    && row.received_at.plus_seconds(SITTING_SECONDS) >= last.received_at =>
            {
                last.received_at = row.received_at;
                last.instances_stored += row.instances_stored;
                last.duplicates += row.duplicates;
                last.refused += row.refused;
                last.problems.extend(row.problems);
                last.waiting.extend(row.waiting);
            }
            _ => sittings.push(row),
        }
    }
    sittings
}

impl RecordsPage {
    async fn of(state: &WebState, session: &SignedIn, case_id: &CaseId) -> Result<Self, PageError> {
        let now = state.now();
        let mut view = records::view(&state.workflow, &session.actor, case_id, now).await?;
        let known = covering::view(&state.workflow, &session.actor, case_id, now).await?;
        Ok(Self {
            state: known.state,
            shell: Shell::in_case(state, session, "Records", case_id, CasePlace::Records).await,
            path: format!("/cases/{case_id}"),
            case_id: case_id.clone(),
            arrivals: sittings(std::mem::take(&mut view.deliveries)),
            view,
            problems: Problems::default(),
        })
    }

    /// Returns notes, each text once, with how often it was said.
    fn said_once(notes: &[String]) -> Vec<(&str, i64)> {
        let mut once: Vec<(&str, i64)> = Vec::new();
        for note in notes {
            match once.iter_mut().find(|(known, _)| *known == note) {
                Some((_, count)) => *count += 1,
                None => once.push((note, 1)),
            }
        }
        once
    }

    /// Returns what could not be used, each reason once, with the files of which it is true.
    fn reasons(problems: &[Problem]) -> Vec<(&str, Vec<&str>)> {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for problem in problems {
            let known = reasons.iter_mut();
            let known = known.into_iter().find(|(why, _)| *why == problem.message);
            match known {
                Some((_, paths)) => paths.push(&problem.path),
                None => reasons.push((&problem.message, vec![&problem.path])),
            }
        }
        reasons
    }

    /// Returns how many images there are.
    fn images(&self) -> String {
        let of = |count: fn(&StudyRow) -> i64| self.view.studies.iter().map(count).sum();
        images_of(of(|one| one.instance_count), of(|one| one.other_count))
    }

    /// Returns how many images a study of the case has.
    fn images_in(study: &StudyRow) -> String {
        images_of(study.instance_count, study.other_count)
    }

    /// Returns the findings of one severity that nobody waved through.
    fn open(&self, severity: &str) -> Vec<&FindingRow> {
        let findings = self.view.check.iter().flat_map(|check| &check.findings);
        findings
            .filter(|row| row.severity == severity && row.overridden.is_none())
            .collect()
    }

    /// Returns how many images are set aside, as a sentence begins.
    fn aside_words(&self) -> String {
        let groups = self.view.set_aside.iter();
        let all = groups.map(|group| group.images.len() as i64).sum();
        count(&all, "image is", "images are")
    }

    /// Says whether images were sent that were here already, and none of them is in the case.
    fn has_only_known(&self) -> bool {
        self.view.studies.is_empty() && self.arrivals.iter().any(|row| row.duplicates > 0)
    }

    /// Says when and on whose word the images were deleted, once they were.
    fn deleted(&self) -> Option<String> {
        let deleted = self.view.deleted?;
        let why = match deleted.by {
            DeletedBy::Reader => "as you asked",
            DeletedBy::Asked => "as was asked for in this case",
            DeletedBy::Administrator => "by an administrator",
            DeletedBy::Rule => "by a rule on how long images are kept",
        };
        let day = deleted.at.day();
        Some(format!("The images were deleted on {day}, {why}."))
    }

    /// Says whether images arrived and every one of them waits for a person's decision.
    fn is_all_held(&self) -> bool {
        self.view.quarantine_count > 0 && self.view.studies.is_empty()
    }

    /// Returns how many files were sent, were not kept and have not come since, as a sentence begins.
    fn refused(&self) -> Option<String> {
        match self.view.not_kept.file_count {
            0 => None,
            files => Some(count(
                &files,
                "file that was sent was",
                "files that were sent were",
            )),
        }
    }

    /// Returns what blocks and can be solved or let through; what is held back has a section of its own.
    fn blockers(&self) -> Vec<&FindingRow> {
        let mut rows = self.open("blocker");
        rows.retain(|row| row.rule != checking::HELD_BACK_RULE);
        rows
    }

    /// Says whether this reader may bring more: once the request is sent, until the report is signed.
    fn takes_records(&self) -> bool {
        let closed = ["draft", "report_final", "delivered", "follow_up"];
        self.view.may_add && !closed.contains(&self.state.as_str())
    }

    /// Says whether the case waits for somebody to bring records.
    fn waits_for_records(&self) -> bool {
        matches!(
            self.state.as_str(),
            "records_collecting" | "records_deficient"
        )
    }

    /// Says whether the records are there to be accepted.
    fn is_checking(&self) -> bool {
        self.state == "records_check"
    }

    /// Returns what blocks nothing but would help: warnings, and what a letter can still bring.
    fn helpful(&self) -> Vec<&FindingRow> {
        let mut rows = self.open("warning");
        rows.extend(self.open("info").into_iter().filter(|row| self.lacks(row)));
        rows
    }

    /// Returns the small remarks.
    fn remarks(&self) -> Vec<&FindingRow> {
        let mut rows = self.open("info");
        rows.retain(|row| !self.lacks(row));
        rows
    }

    /// Says whether a finding names something that is missing.
    fn lacks(&self, row: &FindingRow) -> bool {
        let missing = self.view.check.iter().flat_map(|check| &check.missing);
        missing.into_iter().any(|text| *text == row.message)
    }

    /// Returns the findings that somebody waved through.
    fn overridden(&self) -> Vec<&FindingRow> {
        let findings = self.view.check.iter().flat_map(|check| &check.findings);
        findings.filter(|row| row.overridden.is_some()).collect()
    }
}

/// Returns how many images and how many other objects there are.
fn images_of(all: i64, others: i64) -> String {
    let images = count(&(all - others), "image", "images");
    match others {
        0 => images,
        _ => format!(
            "{images} and {}",
            count(&others, "other object", "other objects")
        ),
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    page(&RecordsPage::of(&state, &session, &case_id).await?)
}

/// Shows the page again after a step: on success by going to it, else with what is wrong.
async fn again<T>(
    state: &WebState,
    session: &SignedIn,
    case_id: &CaseId,
    result: overread_workflow::StepResult<T>,
) -> PageResult {
    match to_correct(result)? {
        Ok(_) => Ok(go(&format!("/cases/{case_id}/records"))),
        Err(problems) => {
            let mut page = RecordsPage::of(state, session, case_id).await?;
            page.problems = problems;
            page_to_correct(&page)
        }
    }
}

async fn check(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let result = checking::run(&state.workflow, &session.actor, &case_id, state.now()).await;
    again(&state, &session, &case_id, result).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OverrideForm {
    rules: Vec<String>,
    reason: String,
}

async fn override_rules(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session,
        version,
        form,
    }: Posted<OverrideForm>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let (rules, reason) = (&form.rules, &form.reason);
    let result = checking::override_rules(ctx, actor, &case_id, version, rules, reason, now).await;
    again(&state, &session, &case_id, result).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HeldBackForm {
    /// DICOM's name of a study; empty when papers alone are decided on.
    study: String,
    /// `other`, `right`, or `right:` and the birth date that is true where the images give another one than the request.
    decision: String,
    /// `right:` or `other:` and the id of a paper, once for each paper; empty for one that goes on waiting.
    papers: Vec<String>,
    reason: String,
}

impl HeldBackForm {
    /// Returns the study, if one is decided on, and whose it is.
    fn study(&self) -> Result<Option<(&str, QuarantineDecision)>, PageError> {
        if self.study.is_empty() {
            return Ok(None);
        }
        let word = self.decision.split(':').next().unwrap_or_default();
        Ok(Some((self.study.as_str(), whose(word)?)))
    }

    /// Returns the birth date that is true, where one was asked for.
    fn birth_date(&self) -> Result<Option<CalendarDate>, PageError> {
        let date = self.decision.split_once(':').map(|(_, date)| date.parse());
        date.transpose().map_err(|_| PageError::Unreadable)
    }

    /// Returns the papers that are decided on, and whose they are.
    fn papers(&self) -> Result<Vec<(DocumentId, QuarantineDecision)>, PageError> {
        let filled = self.papers.iter().filter(|text| !text.is_empty());
        filled
            .map(|text| {
                let (word, id) = text.split_once(':').ok_or(PageError::Unreadable)?;
                let id = id.parse().map_err(|_| PageError::Unreadable)?;
                Ok((id, whose(word)?))
            })
            .collect()
    }
}

fn whose(word: &str) -> Result<QuarantineDecision, PageError> {
    match word {
        "right" => Ok(QuarantineDecision::RightPatient),
        "other" => Ok(QuarantineDecision::OtherPatient),
        _ => Err(PageError::Unreadable),
    }
}

async fn decide(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<HeldBackForm>,
) -> PageResult {
    let decision = HeldBackDecision {
        study: form.study()?,
        birth_date: form.birth_date()?,
        papers: &form.papers()?,
        reason: &form.reason,
    };
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let result = records::decide_quarantine(ctx, actor, &case_id, &decision, now).await;
    again(&state, &session, &case_id, result).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Outside {
    study: String,
    /// How many images the page showed.
    count: i64,
    reason: String,
    is_patient_known: bool,
}

async fn take_in(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Outside>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let wanted = filing::TakeIn {
        study: &form.study,
        image_count: form.count,
        reason: &form.reason,
        is_patient_known: form.is_patient_known,
    };
    let result = filing::take_in(ctx, &session.actor, &case_id, wanted, now).await;
    again(&state, &session, &case_id, result).await
}

async fn received(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session, version, ..
    }: Posted<Nothing>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let result = records::received(ctx, &session.actor, &case_id, version, now).await;
    again(&state, &session, &case_id, result).await
}

async fn accept(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted {
        session, version, ..
    }: Posted<Nothing>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let result = records::accept(ctx, &session.actor, &case_id, version, now).await;
    again(&state, &session, &case_id, result).await
}

async fn send(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
    form: Multipart,
) -> PageResult {
    let result = upload::receive_all(&state, &session, &case_id, form).await?;
    again(&state, &session, &case_id, result).await
}

/// The document an address names.
struct InDocument(DocumentId);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for InDocument {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, PageError> {
        part(parts, state, "document").await.map(Self)
    }
}

async fn document(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
    InDocument(document_id): InDocument,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let found = records::document(ctx, &session.actor, &case_id, &document_id, now).await?;
    Ok(as_file(found))
}

/// Sends a document for saving; what came from outside is never shown as a page of ours.
fn as_file(document: DocumentBytes) -> Response {
    let kind = match document.media_type.as_str() {
        kind @ ("application/pdf" | "image/png" | "image/jpeg") => kind.to_owned(),
        kind if kind.starts_with("text/") => "text/plain; charset=utf-8".to_owned(),
        _ => "application/octet-stream".to_owned(),
    };
    let ending = match kind.as_str() {
        "application/pdf" => "pdf",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "text/plain; charset=utf-8" => "txt",
        _ => "bin",
    };
    // The name came with the file and may hold the patient's name: it is not repeated in a header.
    let disposition = format!("attachment; filename=\"document.{ending}\"");
    let mut response = document.bytes.into_response();
    let headers = response.headers_mut();
    for (name, value) in [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers.insert(
        http::header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    response
}
