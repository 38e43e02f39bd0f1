//! Searching work items (PS3.18 11.9): matched on what the asker is shown, so that a search tells nothing more.

use axum::extract::State;
use axum::http::HeaderMap;
use overread_dicom::matching::matches_value;
use overread_store::Tx;
use overread_store::limits::WORK_ITEMS;
use overread_store::work_items::{self, WorkItem, WorkItemFilter};
use serde_json::Value;

use super::data_set;
use crate::accept::Accept;
use crate::caller::{Caller, RawQuery};
use crate::compression::takes_gzip;
use crate::params::{Query, list_of};
use crate::refusal::{Answer, Refusal};
use crate::results::Found;
use crate::search::{answered, paged};
use crate::state::DicomWebState;

/// GET /workitems.
pub(crate) async fn search(
    State(state): State<DicomWebState>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let form = Accept::of_request(&headers, &query)?.json_or_xml()?;
    let mut query = Query::parse(&query)?;
    if query.is_fuzzy {
        query.unsupported.push("fuzzymatching");
    }
    caller
        .note_reading(&state, "work_items.searched", None)
        .await?;
    let mut tx = state.store.read().await?;
    let found = matching(&mut tx, &caller, &query.matches).await?;
    let all = found.iter().map(|(_, shown)| Found::of(shown)).collect();
    drop(tx);
    let results = paged(all, query.limit, query.offset);
    let form = (form, takes_gzip(&headers));
    answered(results, &query, form, &caller, &state.search_room)
}

/// Returns the items that match, as they are shown.
pub(super) async fn matching(
    tx: &mut Tx,
    caller: &Caller,
    matches: &[(Vec<u32>, String)],
) -> Answer<Vec<(WorkItem, Value)>> {
    let list = |tag: u32| {
        let asked = matches.iter().find(|(path, _)| *path == [tag]);
        let values = asked.map(|(_, value)| list_of(value));
        values.filter(|values| {
            !values.is_empty() && values.iter().all(|value| !value.contains(['*', '?']))
        })
    };
    let filter = WorkItemFilter {
        uids: list(0x0008_0018),
        states: list(0x0074_1000),
    };
    let items = work_items::list(tx, &caller.actor, &caller.reach, &filter).await?;
    if items.len() > WORK_ITEMS {
        return Err(Refusal::too_large(
            "the search looks at too many work items; narrow it by ProcedureStepState",
        ));
    }
    let shown = data_set::shown(tx, caller, &items).await?;
    let is_listed = |path: &[u32]| path == [0x0008_0018] || path == [0x0074_1000];
    let pairs = items.into_iter().zip(shown);
    let found = pairs.filter(|(_, shown)| {
        matches.iter().all(|(path, value)| {
            // A list was matched by the index; `matches_value` knows lists of UIDs only.
            let is_done = is_listed(path) && !value.contains(['*', '?']);
            is_done || matches_value(shown, path, value)
        })
    });
    Ok(found.collect())
}
