//! The comparison: the decision first, critical rows with both quotes, both reports with linked marks.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_workflow::comparing::{
    self, ComparisonView, Correction, DecideComparison, OwnStatement,
};
use overread_workflow::reporting::AddendumRow;
use overread_workflow::sessions::SignedIn;

use super::InCase;
use super::letters::pdf_file;
use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Posted, Problems, Signed, to_correct};
use crate::shell::{CasePlace, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

mod marks;
mod sheet;
mod words;

pub(super) use overread_concordance::plain::Reader;
pub(super) use sheet::{Compared, Sheet};

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}/concordance", get(show))
        .route("/cases/{case}/concordance/compare", post(compare))
        .route("/cases/{case}/concordance/decide", post(decide))
        .route("/cases/{case}/concordance.pdf", get(pdf))
}

#[derive(Template)]
#[template(path = "concordance/concordance.html")]
struct ConcordancePage {
    shell: Shell,
    path: String,
    concordance_id: String,
    exam: String,
    sheet: Sheet,
    decided: Option<String>,
    note: String,
    may_decide: bool,
    may_compare_again: bool,
    addenda: Vec<AddendumRow>,
    addendum_missing: Option<Timestamp>,
    replaces_delivered: bool,
    own: Option<Own>,
    overalls: [(&'static str, &'static str); 3],
    overall: String,
    problems: Problems,
}

/// What the reviewer's own report says about the first one.
struct Own {
    statement: OwnStatement,
    /// It does not fit the category that is chosen or proposed.
    contradicts: bool,
}

impl ConcordancePage {
    async fn new(
        state: &WebState,
        session: &SignedIn,
        case_id: &CaseId,
        view: ComparisonView,
    ) -> Self {
        let decision = view.decision;
        // Nothing is chosen beforehand: what the rules propose is read, and then the reviewer chooses.
        let overall = decision
            .as_ref()
            .map(|decision| decision.overall.clone())
            .unwrap_or_default();
        let proposed = view.concordance.overall.map(|overall| overall.name());
        let signed = decision.as_ref().map(|one| one.overall.clone());
        let remark = decision
            .as_ref()
            .map(|one| one.note.clone())
            .unwrap_or_default();
        let chosen = signed.as_deref().or(proposed).unwrap_or_default();
        let own = view.own_statement.map(|statement| Own {
            contradicts: comparing::contradicts(&statement, chosen),
            statement,
        });
        let decided = decision
            .as_ref()
            .map(|one| format!("Signed by {}, {}.", one.decided_by, one.decided_at.moment()));
        let shell = Shell::in_case(
            state,
            session,
            "Comparison",
            case_id,
            CasePlace::Concordance,
        )
        .await;
        Self {
            shell: shell.wide(),
            path: format!("/cases/{case_id}/concordance"),
            concordance_id: view.concordance_id.as_str().to_owned(),
            exam: view.exam,
            sheet: Sheet::new(Compared {
                concordance: view.concordance,
                corrections: &view.corrections,
                signed: signed.as_deref(),
                remark: &remark,
                original: &view.original_text,
                second: &view.second_text,
                reader: reader(session.role),
                glossary: &state.workflow.knowledge.glossary,
            }),
            decided,
            note: decision.map(|one| one.note).unwrap_or_default(),
            may_decide: view.may_decide,
            may_compare_again: view.may_compare_again,
            addenda: view.addenda,
            addendum_missing: view.addendum_missing,
            replaces_delivered: view.may_decide && view.replaces_delivered,
            own,
            overalls: sheet::OVERALLS,
            overall,
            problems: Problems::default(),
        }
    }
}

fn reader(role: Role) -> Reader {
    match role {
        Role::Patient | Role::Representative => Reader::Patient,
        Role::ReferringPhysician => Reader::Physician,
        Role::Insurer
        | Role::Coordinator
        | Role::Reviewer
        | Role::Administrator
        | Role::Archive => Reader::Staff,
    }
}

#[derive(Template)]
#[template(path = "concordance/none.html")]
struct NonePage {
    shell: Shell,
    path: String,
    case_path: String,
    may_compare: bool,
    problems: Problems,
}

impl NonePage {
    async fn new(
        state: &WebState,
        session: &SignedIn,
        case_id: &CaseId,
        problems: Problems,
    ) -> Self {
        let title = "Comparison";
        Self {
            shell: Shell::in_case(state, session, title, case_id, CasePlace::Concordance).await,
            path: format!("/cases/{case_id}/concordance"),
            case_path: format!("/cases/{case_id}"),
            may_compare: matches!(session.role, Role::Coordinator | Role::Reviewer),
            problems,
        }
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    match comparing::view(ctx, actor, &case_id, now).await {
        Ok(view) => page(&ConcordancePage::new(&state, &session, &case_id, view).await),
        Err(overread_workflow::StepError::NotFound) => {
            comparing::require_reader(ctx, actor, &case_id, now).await?;
            page(&NonePage::new(&state, &session, &case_id, Problems::default()).await)
        }
        Err(error) => Err(error.into()),
    }
}

async fn compare(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    match to_correct(comparing::compare(ctx, actor, &case_id, now).await)? {
        Ok(_) => Ok(go(&format!("/cases/{case_id}/concordance"))),
        Err(problems) => {
            page_to_correct(&NonePage::new(&state, &session, &case_id, problems).await)
        }
    }
}

/// What the reviewer sends; corrections come as `class.N` and `note.N`, N from 0.
type Typed = std::collections::BTreeMap<String, String>;

fn decision(typed: &Typed) -> DecideComparison {
    let text = |key: &str| typed.get(key).cloned().unwrap_or_default();
    let corrections = typed
        .iter()
        .filter_map(|(key, class)| {
            let item_idx: usize = key.strip_prefix("class.")?.parse().ok()?;
            (!class.is_empty()).then(|| Correction {
                item_idx,
                class: class.clone(),
                note: text(&format!("note.{item_idx}")),
            })
        })
        .collect();
    DecideComparison {
        concordance_id: text("concordance"),
        overall: text("overall"),
        note: text("note"),
        corrections,
    }
}

async fn decide(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<Typed>,
) -> PageResult {
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    let form = decision(&form);
    match to_correct(comparing::decide(ctx, actor, &case_id, &form, now).await)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}/concordance"))),
        Err(problems) => {
            let view = comparing::view(ctx, actor, &case_id, now).await?;
            let mut page = ConcordancePage::new(&state, &session, &case_id, view).await;
            if let Some(own) = &mut page.own {
                own.contradicts = comparing::contradicts(&own.statement, &form.overall);
            }
            (page.overall, page.note, page.problems) = (form.overall, form.note, problems);
            page_to_correct(&page)
        }
    }
}

async fn pdf(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let bytes = comparing::pdf(ctx, &session.actor, &case_id, now)
        .await
        .map_err(PageError::from)?;
    Ok(pdf_file(bytes, "comparison.pdf"))
}
