//! Images that arrived for no case, for coordinators: whose they seem to be, and the case they are put into.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use overread_model::ids::CaseId;
use overread_store::studies::StudyKey;
use overread_workflow::cases::{self, CaseFilter, CaseRow};
use overread_workflow::filing::{self, Unfiled};
use overread_workflow::sessions::SignedIn;
use serde::Deserialize;

use crate::errors::{PageError, PageResult};
use crate::forms::{Posted, Problems, Signed, to_correct};
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;

/// Returns the routes of this page.
pub(super) fn routes() -> Router<WebState> {
    Router::new().route("/unfiled", get(show).post(put))
}

#[derive(Template)]
#[template(path = "records/unfiled.html")]
struct UnfiledPage {
    shell: Shell,
    unfiled: Unfiled,
    /// Cases that are open.
    cases: Vec<CaseRow>,
    /// The one of them that the buttons put studies into.
    chosen: String,
    /// Behind which study this page begins.
    after: i64,
    problems: Problems,
}

/// What is shown.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shown {
    case: String,
    after: i64,
}

impl UnfiledPage {
    async fn of(
        state: &WebState,
        session: &SignedIn,
        Shown { case, after }: Shown,
    ) -> Result<Self, PageError> {
        let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
        let unfiled = filing::list(ctx, actor, StudyKey(after), now).await?;
        let cases = cases::list(ctx, actor, CaseFilter::Open, now).await?;
        Ok(Self {
            shell: Shell::new(state, session, "Images without a case", Place::Unfiled),
            chosen: case,
            cases,
            unfiled,
            after,
            problems: Problems::default(),
        })
    }

    fn chosen(&self) -> Option<&CaseRow> {
        let mut cases = self.cases.iter();
        cases.find(|row| row.case_id.as_str() == self.chosen)
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    Query(shown): Query<Shown>,
) -> PageResult {
    page(&UnfiledPage::of(&state, &session, shown).await?)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filed {
    study: String,
    case: String,
    after: i64,
}

async fn put(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<Filed>,
) -> PageResult {
    let case_id: CaseId = form.case.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, actor, now) = (&state.workflow, &session.actor, state.now());
    match to_correct(filing::put(ctx, actor, &case_id, &form.study, now).await)? {
        Ok(()) => Ok(go(&format!("/cases/{case_id}/records"))),
        Err(problems) => {
            let shown = Shown {
                case: form.case,
                after: form.after,
            };
            let mut unfiled = UnfiledPage::of(&state, &session, shown).await?;
            unfiled.problems = problems;
            page_to_correct(&unfiled)
        }
    }
}
