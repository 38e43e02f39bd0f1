//! The pages, one module a station.

mod account;
mod act;
mod ask;
mod audit;
mod case;
mod cases;
mod choice;
mod concordance;
mod consent;
mod cost;
mod entrance;
mod filing;
mod invitations;
mod invite;
mod keeping;
mod letters;
mod links;
mod offer;
mod original;
mod peers;
mod people;
mod records;
mod report;
mod reviewers;
mod viewer;

use axum::Router;
use axum::extract::FromRequestParts;
use http::request::Parts;
use overread_model::ids::CaseId;

use crate::errors::PageError;
use crate::state::WebState;

pub(crate) use links::shared_images;

/// Returns the pages that must answer in time.
pub(crate) fn router() -> Router<WebState> {
    Router::new()
        .merge(entrance::routes())
        .merge(account::routes())
        .merge(invitations::routes())
        .merge(people::routes())
        .merge(peers::routes())
        .merge(reviewers::routes())
        .merge(cases::routes())
        .merge(ask::routes())
        .merge(case::routes())
        .merge(consent::routes())
        .merge(invite::routes())
        .merge(records::routes())
        .merge(filing::routes())
        .merge(keeping::routes())
        .merge(audit::routes())
        .merge(letters::routes())
        .merge(choice::routes())
        .merge(cost::routes())
        .merge(offer::routes())
        .merge(viewer::routes())
        .merge(original::routes())
        .merge(report::routes())
        .merge(concordance::routes())
        .merge(act::routes())
        .merge(links::routes())
}

/// Returns the pages that take as long as the upload takes.
pub(crate) fn slow_router() -> Router<WebState> {
    records::slow_routes()
}

/// The case an address names; anything that is no id is simply not there.
pub(crate) struct InCase(pub(crate) CaseId);

impl<S: Send + Sync> FromRequestParts<S> for InCase {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        part(parts, state, "case").await.map(Self)
    }
}

/// Reads one named part of the address.
async fn part<S, T>(parts: &mut Parts, state: &S, name: &str) -> Result<T, PageError>
where
    S: Send + Sync,
    T: std::str::FromStr,
{
    let params = axum::extract::RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| PageError::NotFound)?;
    params
        .iter()
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.parse().ok())
        .ok_or(PageError::NotFound)
}
