//! Pictures of a study, a series, or of other sets of instances.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use overread_pixels::is_decodable;
use overread_store::studies::StoredInstance;

use super::{Part, Way, alone, in_parts, tell, way};
use crate::accept::Accept;
use crate::caller::{Caller, RawQuery};
use crate::conditional::not_kept;
use crate::frames::table_of;
use crate::looks::Asked;
use crate::partial::{Missing, readable};
use crate::refusal::{Answer, Refusal};
use crate::sets::Several;
use crate::state::DicomWebState;

/// The instances of a study or series that are images, in order, and those among them that cannot be drawn.
pub(super) async fn images(
    state: &DicomWebState,
    caller: &Caller,
    several: &Several,
) -> Answer<(Vec<StoredInstance>, Missing)> {
    let (study, series) = (&several.study, several.series.as_deref());
    let (found, _) = caller.instances(state, study, series).await?;
    if found.is_empty() {
        return Err(caller.not_there(state, study).await);
    }
    let mut images = Vec::with_capacity(found.len());
    for one in found {
        if table_of(&one)?.frame_count() > 0 {
            images.push(one);
        }
    }
    if images.is_empty() {
        return Err(Refusal::not_acceptable(
            "there is no image among these instances",
        ));
    }
    let mut missing = Missing::default();
    let images = readable(&state.archive, images, &mut missing).await?;
    let drawable = missing.without(images, can_be_drawn)?;
    Ok((drawable.into_iter().map(|(one, ())| one).collect(), missing))
}

pub(super) fn can_be_drawn(one: &StoredInstance) -> Answer<()> {
    let uid = &one.transfer_syntax_uid;
    if !table_of(one)?.is_encapsulated() || is_decodable(uid) {
        return Ok(());
    }
    Err(Refusal::not_acceptable(format!(
        "the image is stored as {uid}, which is not drawn here; ask for the instance with transfer-syntax=*"
    )))
}

/// GET /studies/{study}/rendered and .../series/{series}/rendered.
pub(crate) async fn several(
    State(state): State<DicomWebState>,
    Path(several): Path<Several>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let accept = Accept::of_request(&headers, &query)?;
    let asked = Asked::rendered(&query)?;
    let (images, missing) = images(&state, &caller, &several).await?;
    way(&accept, images.len())?;
    caller.note_images(&state, &several.study, &images).await?;
    let parts = images.into_iter();
    let parts = parts.map(|one| Part::of(&state, &caller, one, None));
    of_parts(&accept, &asked, parts.collect(), missing).await
}

/// Answers with pictures of several instances.
pub(super) async fn of_parts(
    accept: &Accept,
    asked: &Asked,
    mut parts: Vec<Part>,
    mut missing: Missing,
) -> Answer {
    let way = way(accept, parts.len())?;
    if parts.len() > 1 && matches!(way, Way::Alone(_)) {
        // A picture that moves is one instance; several instances are parts.
        return Err(Refusal::not_acceptable(
            "several instances are offered as parts of multipart/related",
        ));
    }
    let mut response = match (way, parts.pop()) {
        (Way::Alone(media_type), Some(only)) if parts.is_empty() => {
            alone(media_type, only.draw(asked, media_type).await?.1)?
        }
        (Way::Alone(media_type) | Way::Parts(media_type), last) => {
            parts.extend(last);
            in_parts(media_type, asked, parts, &mut missing).await?
        }
    };
    tell(&mut response, asked);
    not_kept(&mut response);
    Ok(missing.said_on(response))
}
