//! Listening to work items, to the worklist, or to what of it fits a filter (PS3.18 11.10 to 11.12).

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use overread_model::access::Role;
use overread_store::audit;
use overread_store::work_items::{self, Subscriber};

use super::{done, forbidden, load, not_found, record};
use crate::caller::{Caller, RawQuery};
use crate::params::{Query, percent_decoded};
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// The worklist (PS3.4 CC.2.3.1).
pub(super) const WORKLIST: &str = "1.2.840.10008.5.1.4.34.5";
/// What of it fits a filter.
pub(super) const FILTERED: &str = "1.2.840.10008.5.1.4.34.5.1";

/// Refuses who has no work here, and names that are no AE titles (PS3.5 6.2).
pub(super) fn check(caller: &Caller, ae_title: &str) -> Answer<()> {
    if !caller.actor.sees_every_case() && caller.actor.role() != Some(Role::Reviewer) {
        return Err(forbidden("there is no work for you here"));
    }
    let fits = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'\\';
    let is_title =
        ae_title.len() <= 16 && ae_title.bytes().all(fits) && !ae_title.trim().is_empty();
    match is_title {
        true => Ok(()),
        false => Err(Refusal::bad_request("the subscriber is no AE title")),
    }
}

/// POST /workitems/{workitem}/subscribers/{aetitle}.
pub(crate) async fn subscribe(
    State(state): State<DicomWebState>,
    Path((uid, ae_title)): Path<(String, String)>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    check(&caller, &ae_title)?;
    let (has_lock, filter) = asked(&query)?;
    if (uid == FILTERED) == filter.is_empty() {
        return Err(Refusal::bad_request(
            "the filtered worklist, and nothing else, is subscribed to with matching keys",
        ));
    }
    let mut tx = state.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    if uid != WORKLIST && uid != FILTERED {
        load(&mut tx, &caller, &uid).await?;
    }
    let who = Subscriber {
        actor: &caller.actor,
        ae_title: &ae_title,
    };
    let target = (uid.as_str(), filter.as_str());
    if !work_items::subscribe(&mut tx, who, target, has_lock, caller.now).await? {
        return Err(forbidden(
            "you have as many subscriptions as one may have; end some",
        ));
    }
    record(&mut tx, &caller, "work_item.subscribed", &uid).await?;
    tx.commit().await?;
    state.work_items.notify_waiters();
    // PS3.18 11.10.3.2: where the channel is opened. Items go with their study alone, so that every lock holds.
    let root = caller.address.root().replacen("http", "ws", 1);
    let title = ae_title.replace(' ', "%20");
    Ok(done(
        StatusCode::CREATED,
        &format!("{root}/ws/subscribers/{title}"),
    ))
}

/// Reads whether a deletion lock is asked for, and the matching keys: `filter=a=1,b=2`, or as in a query.
fn asked(query: &str) -> Answer<(bool, String)> {
    let mut has_lock = false;
    let mut keys: Vec<String> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (name, value) {
            ("deletionlock", "true") => has_lock = true,
            ("deletionlock", "false") => {}
            ("deletionlock", _) => {
                return Err(Refusal::bad_request("deletionlock must be true or false"));
            }
            ("filter", list) => {
                let list = percent_decoded(list);
                keys.extend(list.split(',').map(|key| key.trim().to_owned()));
            }
            ("accept" | "charset", _) => {}
            _ => keys.push(pair.to_owned()),
        }
    }
    let filter = keys.join("&");
    let read = Query::parse(&filter)?;
    let is_empty = read.matches.is_empty();
    Ok((has_lock, if is_empty { String::new() } else { filter }))
}

/// DELETE /workitems/{workitem}/subscribers/{aetitle}.
pub(crate) async fn unsubscribe(
    State(state): State<DicomWebState>,
    Path((uid, ae_title)): Path<(String, String)>,
    caller: Caller,
) -> Answer {
    check(&caller, &ae_title)?;
    let who = Subscriber {
        actor: &caller.actor,
        ae_title: &ae_title,
    };
    let mut tx = state.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    if !work_items::unsubscribe(&mut tx, who, &uid, caller.now).await? {
        return Err(not_found());
    }
    record(&mut tx, &caller, "work_item.unsubscribed", &uid).await?;
    tx.commit().await?;
    Ok(StatusCode::OK.into_response())
}

/// POST /workitems/{worklist}/subscribers/{aetitle}/suspend.
pub(crate) async fn suspend(
    State(state): State<DicomWebState>,
    Path((uid, ae_title)): Path<(String, String)>,
    caller: Caller,
) -> Answer {
    check(&caller, &ae_title)?;
    if uid != WORKLIST && uid != FILTERED {
        return Err(Refusal::bad_request(
            "only a subscription to the worklist is suspended; end that to an item",
        ));
    }
    let who = Subscriber {
        actor: &caller.actor,
        ae_title: &ae_title,
    };
    let mut tx = state.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    if !work_items::suspend(&mut tx, who, &uid, caller.now).await? {
        return Err(not_found());
    }
    record(&mut tx, &caller, "work_item.subscription_suspended", &uid).await?;
    tx.commit().await?;
    Ok(StatusCode::OK.into_response())
}
