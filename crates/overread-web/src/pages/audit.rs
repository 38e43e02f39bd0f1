//! What was done and read, by whom, for administrators.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use overread_workflow::StepError;
use overread_workflow::auditing::{self, Asked, AuditPage, KINDS};
use overread_workflow::limits::AUDIT_ON_A_PAGE;
use overread_workflow::sessions::SignedIn;

use crate::errors::PageResult;
use crate::forms::{Posted, Problems, Signed, to_correct};
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this page.
pub(super) fn routes() -> Router<WebState> {
    Router::new().route("/audit", get(show).post(look_for))
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

/// Leads to the rows. The form is sent, and not put into the address as it is: an e-mail address would be in every log of them.
async fn look_for(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<Asked>,
) -> PageResult {
    let addressed = auditing::addressed(&state.workflow, &session.actor, &form).await;
    match to_correct(addressed)? {
        Ok(asked) => Ok(go(&address(&asked)?)),
        Err(problems) => page_to_correct(&Shown {
            problems,
            ..Shown::of(&state, &session, form)
        }),
    }
}

fn address(asked: &Asked) -> Result<String, StepError> {
    let query = serde_html_form::to_string(asked).map_err(StepError::internal)?;
    Ok(format!("/audit?{query}"))
}

impl Shown {
    fn of(state: &WebState, session: &SignedIn, asked: Asked) -> Self {
        Self {
            shell: Shell::new(state, session, "Audit", Place::Audit),
            kinds: KINDS,
            rows: AuditPage::default(),
            problems: Problems::default(),
            next: String::new(),
            asked,
        }
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    Query(asked): Query<Asked>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    let found = auditing::list(ctx, &session.actor, &asked, AUDIT_ON_A_PAGE, now).await;
    let mut shown = Shown::of(&state, &session, asked);
    match to_correct(found)? {
        Ok(rows) => {
            shown.asked = auditing::addressed(ctx, &session.actor, &shown.asked).await?;
            if let Some(before) = rows.next {
                let asked = Asked {
                    before,
                    ..shown.asked.clone()
                };
                shown.next = address(&asked)?;
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
