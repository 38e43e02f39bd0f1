//! Small pictures that stand for an instance, a series or a study (PS3.18 10.4.1.1.4).

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use overread_store::studies::StoredInstance;

use super::several::images;
use super::{Listed, Way, alone, kept, no_such_frame, opened, picture, representative, way};
use crate::accept::Accept;
use crate::caller::{Caller, RawQuery};
use crate::conditional::not_kept;
use crate::frames::{numbers, table_of};
use crate::instances::One;
use crate::looks::Asked;
use crate::picture::Image;
use crate::refusal::{Answer, Refusal};
use crate::sets::Several;
use crate::state::DicomWebState;

/// GET .../instances/{instance}/thumbnail.
pub(crate) async fn instance_thumbnail(
    State(state): State<DicomWebState>,
    Path(one): Path<One>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let (found, withheld) = opened(&state, &caller, &one).await?;
    let response = thumbnail((&state, &caller), found, None, &headers, &query).await?;
    Ok(kept(response, &withheld))
}

/// GET .../frames/{frame}/thumbnail.
pub(crate) async fn frame_thumbnail(
    State(state): State<DicomWebState>,
    Path(listed): Path<Listed>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let (one, list) = listed.one();
    let numbers = numbers(&list)?;
    let (found, withheld) = opened(&state, &caller, &one).await?;
    let frame_count = table_of(&found)?.frame_count();
    if numbers.iter().any(|number| *number > frame_count) {
        return Err(no_such_frame());
    }
    // PS3.18 10.4.1.1.4: a thumbnail is one image, whatever it stands for.
    let first = numbers.first().copied();
    let response = thumbnail((&state, &caller), found, first, &headers, &query).await?;
    Ok(kept(response, &withheld))
}

/// GET /studies/{study}/thumbnail and .../series/{series}/thumbnail: the middle image of the (first) series.
pub(crate) async fn several_thumbnail(
    State(state): State<DicomWebState>,
    Path(several): Path<Several>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let (mut images, _) = images(&state, &caller, &several).await?;
    let first = images.first().map(|one| one.series_instance_uid.clone());
    images.retain(|one| first.as_ref() == Some(&one.series_instance_uid));
    caller.note_images(&state, &several.study, &images).await?;
    let middle = images.len() / 2;
    let found = images.into_iter().nth(middle);
    let found = found.ok_or_else(Refusal::not_found)?;
    let mut response = thumbnail((&state, &caller), found, None, &headers, &query).await?;
    not_kept(&mut response);
    Ok(response)
}

/// Draws a small picture, without any text.
async fn thumbnail(
    (state, caller): (&DicomWebState, &Caller),
    found: StoredInstance,
    number: Option<u32>,
    headers: &HeaderMap,
    query: &str,
) -> Answer {
    let accept = Accept::of_request(headers, query)?;
    let asked = Asked::thumbnail(query)?;
    let Way::Alone(media_type) = way(&accept, 1)? else {
        return Err(Refusal::not_acceptable(
            "a thumbnail is one image/jpeg, image/png or image/gif",
        ));
    };
    let image = Image::of(state, &caller.asker(), found).await?;
    let number = match number {
        Some(number) => number,
        None => representative(&image, &asked)?,
    };
    alone(
        media_type,
        picture(&image, number, &asked, media_type).await?,
    )
}
