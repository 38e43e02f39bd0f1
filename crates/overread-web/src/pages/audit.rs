//! What was done and read, by whom, for administrators.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use overread_workflow::StepError;
use overread_workflow::auditing::{self, Asked, AuditPage, KINDS};
use overread_workflow::limits::AUDIT_ON_A_PAGE;

use crate::errors::PageResult;
use crate::forms::{Problems, Signed, to_correct};
use crate::shell::{Place, Shell, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this page.
pub(super) fn routes() -> Router<WebState> {
    Router::new().route("/audit", get(show))
}

#[derive(Template)]
#[template(path = "people/audit.html")]
struct Shown {
    shell: Shell,
    asked: Asked,
    kinds: &'static [(&'static str, &'static str)],
    rows: AuditPage,
    problems: Problems,
    /// Address of the next page; empty on the last.
    next: String,
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    Query(asked): Query<Asked>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let found = auditing::list(ctx, &session.actor, &asked, AUDIT_ON_A_PAGE, now).await;
    let mut shown = Shown {
        shell: Shell::new(&state, &session, "Audit", Place::Audit),
        kinds: KINDS,
        rows: AuditPage::default(),
        problems: Problems::default(),
        next: String::new(),
        asked,
    };
    match to_correct(found)? {
        Ok(rows) => {
            if let Some(before) = rows.next {
                let asked = Asked {
                    before,
                    ..shown.asked.clone()
                };
                let query = serde_html_form::to_string(&asked).map_err(StepError::internal)?;
                shown.next = format!("/audit?{query}");
            }
            shown.rows = rows;
            page(&shown)
        }
        Err(problems) => {
            shown.problems = problems;
            page_to_correct(&shown)
        }
    }
}
