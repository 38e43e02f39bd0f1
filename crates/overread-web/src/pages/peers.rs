//! Who calls over the DICOM network, whom we call, and what is agreed on with them.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use overread_dicom::dictionary::sop_class_name;
use overread_model::peers::{Call, Peer, ProposedContext, Purpose};
use overread_store::limits::PEER_CALL_DAYS;
use overread_workflow::{callers, people};

use crate::errors::PageResult;
use crate::forms::Signed;
use crate::shell::{Place, Shell, page};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new().route("/dicom-peers", get(show))
}

#[derive(Template)]
#[template(path = "people/peers.html")]
struct Page {
    shell: Shell,
    peers: Vec<Peer>,
    calls: Vec<Call>,
    /// For how long calls from here are kept.
    kept_days: i64,
}

impl Page {
    fn proposed_count(contexts: &[ProposedContext]) -> i64 {
        contexts.iter().map(|_| 1).sum()
    }

    /// Returns a number of bytes with its thousands apart.
    fn bytes(bytes: &usize) -> String {
        crate::words::grouped(&i64::try_from(*bytes).unwrap_or(i64::MAX))
    }

    /// Returns what a call was for, in words.
    const fn purpose(call: &Call) -> &'static str {
        match call.purpose {
            Purpose::Echo => "Echo",
            Purpose::Find => "Query",
            Purpose::Retrieve => "Retrieval",
            Purpose::Send => "Sending",
            Purpose::Commit => "Storage commitment",
        }
    }

    /// Returns what a presentation context is for, in words.
    fn service(context: &ProposedContext) -> &str {
        let uid = &context.sop_class_uid;
        sop_class_name(uid).unwrap_or(uid)
    }

    fn accepted_count(contexts: &[ProposedContext]) -> i64 {
        contexts
            .iter()
            .filter(|context| context.answer.is_ok())
            .map(|_| 1)
            .sum()
    }
}

async fn show(State(state): State<WebState>, Signed(session): Signed) -> PageResult {
    let peers = callers::list(&state.workflow, &state.peers, &session.actor).await?;
    let calls = people::calls(&state.workflow, &session.actor).await?;
    page(&Page {
        shell: Shell::new(&state, &session, "DICOM peers", Place::Peers),
        peers,
        calls,
        kept_days: PEER_CALL_DAYS,
    })
}
