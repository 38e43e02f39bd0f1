//! The list of cases: cards for those who have one, a table for those who live in it.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use overread_model::access::Role;
use overread_model::time::Timestamp;
use overread_workflow::cases::{self, CaseCounts, CaseFilter, CaseRow};
use overread_workflow::following::{self, OverdueRow};
use serde::Deserialize;

use crate::errors::PageResult;
use crate::forms::Signed;
use crate::shell::{Place, Shell, page};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new().route("/cases", get(show))
}

/// A view of the list that one can choose.
struct Filter {
    key: &'static str,
    title: &'static str,
    count: Option<i64>,
    here: bool,
}

/// A column one can sort by.
struct Column {
    key: &'static str,
    title: &'static str,
    here: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    filter: String,
    sort: String,
}

#[derive(Template)]
#[template(path = "cases/list.html")]
struct ListPage {
    shell: Shell,
    heading: &'static str,
    dense: bool,
    may_ask: bool,
    rows: Vec<CaseRow>,
    waiting: Vec<OverdueRow>,
    filters: Vec<Filter>,
    filter: &'static str,
    columns: Vec<Column>,
    now: Timestamp,
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    Query(wanted): Query<Wanted>,
) -> PageResult {
    let (ctx, now, actor) = (&state.workflow, state.now(), &session.actor);
    let (filter, key) = filter_of(&wanted.filter);
    let mut rows = cases::list(ctx, actor, filter, now).await?;
    sort(&mut rows, &wanted.sort);
    let counts = cases::counts(ctx, actor, now).await?;
    let dense = matches!(session.role, Role::Coordinator | Role::Reviewer);
    let waiting = if session.role == Role::Coordinator {
        following::overdue(ctx, actor, now).await?
    } else {
        Vec::new()
    };
    let shell = Shell::new(&state, &session, "Cases", Place::Cases);
    page(&ListPage {
        shell: if dense { shell.wide() } else { shell },
        heading: heading(session.role),
        dense,
        may_ask: may_ask(session.role),
        rows,
        waiting,
        filters: filters(&counts, filter),
        filter: key,
        columns: columns(&wanted.sort),
        now,
    })
}

fn heading(role: Role) -> &'static str {
    match role {
        Role::Coordinator => "Cases",
        Role::Reviewer => "My reading",
        _ => "My cases",
    }
}

/// Says who starts a case; the step decides, this only spares others a button that would refuse.
fn may_ask(role: Role) -> bool {
    !matches!(role, Role::Reviewer | Role::Administrator | Role::Archive)
}

fn filter_of(text: &str) -> (CaseFilter, &'static str) {
    match text {
        "overdue" => (CaseFilter::Overdue, "overdue"),
        "ended" => (CaseFilter::Ended, "ended"),
        "all" => (CaseFilter::All, "all"),
        _ => (CaseFilter::Open, "open"),
    }
}

fn filters(counts: &CaseCounts, here: CaseFilter) -> Vec<Filter> {
    let one = |key, title, count, filter| Filter {
        key,
        title,
        count,
        here: filter == here,
    };
    vec![
        one("open", "Open", Some(counts.open), CaseFilter::Open),
        one(
            "overdue",
            "Overdue",
            Some(counts.overdue),
            CaseFilter::Overdue,
        ),
        one("ended", "Ended", Some(counts.ended), CaseFilter::Ended),
        one("all", "All", None, CaseFilter::All),
    ]
}

fn columns(sort: &str) -> Vec<Column> {
    let all = [
        ("", "Most urgent first"),
        ("number", "Case"),
        ("patient", "Patient"),
        ("state", "State"),
        ("since", "In this state since"),
        ("due", "Due"),
    ];
    let known = all.iter().any(|(key, _)| *key == sort);
    all.into_iter()
        .map(|(key, title)| Column {
            key,
            title,
            here: if known { key == sort } else { key.is_empty() },
        })
        .collect()
}

/// Sorts as asked; as it comes is the stalled first.
fn sort(rows: &mut [CaseRow], by: &str) {
    match by {
        "number" => rows.sort_by(|a, b| b.number.cmp(&a.number)),
        "patient" => rows.sort_by_key(|row| row.patient_name.to_lowercase()),
        "state" => rows.sort_by(|a, b| a.state_title.cmp(&b.state_title)),
        "since" => rows.sort_by_key(|row| row.since),
        "due" => rows.sort_by_key(|row| (row.due_at.is_none(), row.due_at)),
        _ => {}
    }
}
