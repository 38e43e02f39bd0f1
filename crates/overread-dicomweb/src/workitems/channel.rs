//! The channel on which subscribers are told what happens to work items (PS3.18 8.10.4 and 8.10.5).
//!
//! Nothing waits in memory for a slow subscriber: a channel reads on where it stopped, page by page, and is closed when its
//! subscriber does not read. What it tells is asked anew each time, so that whoever lost a grant is told nothing more.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use overread_dicom::matching::matches_value;
use overread_model::access::Actor;
use overread_store::access::{is_in_force, reach};
use overread_store::shares::Share;
use overread_store::work_items::{
    self, CANCELED, COMPLETED, EventRow, EventType, Subscriber, SubscriptionRow, WorkItem,
};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Attributes, data_set, rules, search, subscribing};
use crate::caller::Caller;
use crate::limits::{
    CHANNEL_BUFFER_BYTES, CHANNEL_LOOKS, CHANNEL_MESSAGE_BYTES, CHANNEL_PATIENCE, CHANNEL_PING,
    CHANNEL_TIME,
};
use crate::params::Query;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// The class of reports (PS3.4 CC.1).
const EVENTS: &str = "1.2.840.10008.5.1.4.34.6.4";

/// GET /ws/subscribers/{aetitle}.
pub(crate) async fn open(
    State(state): State<DicomWebState>,
    Path(ae_title): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer {
    subscribing::check(&caller, &ae_title)?;
    if !is_own_page(&headers, caller.address.root()) && !is_by_token(&headers) {
        return Err(super::forbidden(
            "pages of other origins may not open a channel",
        ));
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let Some(place) = state.channels.take_at_once(&caller.asker(), 1) else {
        return Err(Refusal::away("too many channels are open; try again soon"));
    };
    let upgrade = upgrade
        .max_message_size(CHANNEL_MESSAGE_BYTES)
        .max_frame_size(CHANNEL_MESSAGE_BYTES)
        .max_write_buffer_size(CHANNEL_BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let channel = Channel {
            state,
            caller,
            ae_title,
            told_to: None,
            message_id: 0,
            begun: HashMap::new(),
            _place: place,
        };
        channel.run(socket).await;
    }))
}

/// Says whether no page of another origin asks: what a browser sends by itself would let it listen (RFC 6455 10.2).
fn is_own_page(headers: &HeaderMap, root: &str) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let is_of_host = origin
        .split_once("://")
        .is_some_and(|(_, of_page)| Some(of_page) == host);
    // Behind a proxy that names another host, the public address counts.
    let behind = root.strip_prefix(origin).filter(|_| !origin.is_empty());
    is_of_host || behind.is_some_and(|rest| rest.starts_with('/'))
}

fn is_by_token(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

/// Why a channel ends.
enum End {
    /// The subscriber went, or does not read.
    Gone,
    /// With this code and reason.
    Close(u16, &'static str),
}

impl From<Refusal> for End {
    fn from(_: Refusal) -> Self {
        Self::Close(
            close_code::AGAIN,
            "the list cannot be read now; open the channel again",
        )
    }
}

impl From<overread_store::StoreError> for End {
    fn from(error: overread_store::StoreError) -> Self {
        Refusal::from(error).into()
    }
}

struct Channel {
    state: DicomWebState,
    caller: Caller,
    ae_title: String,
    /// The number of the last event that was looked at.
    told_to: Option<i64>,
    message_id: u16,
    /// The subscriptions whose present state was told, with when they began.
    begun: HashMap<(String, String), i64>,
    _place: Share,
}

impl Channel {
    async fn run(mut self, mut socket: WebSocket) {
        let end = self.tell(&mut socket).await;
        if let Err(End::Close(code, reason)) = end {
            let frame = CloseFrame {
                code,
                reason: reason.into(),
            };
            let closing = socket.send(Message::Close(Some(frame)));
            // The subscriber may be gone; then there is nobody to tell.
            drop(timeout(CHANNEL_PATIENCE, closing).await);
        }
    }

    async fn tell(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let wake = Arc::clone(&self.state.work_items);
        let over = Instant::now() + CHANNEL_TIME;
        let mut looks = interval(CHANNEL_LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pings = interval(CHANNEL_PING);
        let mut heard = Instant::now();
        loop {
            // Made before looking, so that nothing that happens meanwhile is slept over.
            let woken = wake.notified();
            self.look(socket).await?;
            tokio::select! {
                () = woken => {}
                _ = looks.tick() => {}
                _ = pings.tick() => {
                    if heard.elapsed() > CHANNEL_PATIENCE {
                        return Err(End::Gone);
                    }
                    send(socket, Message::Ping(axum::body::Bytes::new())).await?;
                }
                said = socket.recv() => match said {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
                    Some(Ok(_)) => heard = Instant::now(),
                },
            }
            if Instant::now() >= over {
                return Err(End::Close(close_code::RESTART, "open the channel again"));
            }
        }
    }

    /// Tells what happened since the last look.
    async fn look(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        self.caller.now = (self.state.clock)();
        let mut tx = self.state.store.read().await?;
        let told_to = match self.told_to {
            Some(told_to) => told_to,
            // What happened before the first look is told as the present state.
            None => work_items::last_event(&mut tx).await?,
        };
        self.told_to = Some(told_to);
        self.ask_again(&mut tx).await?;
        let who = Subscriber {
            actor: &self.caller.actor,
            ae_title: &self.ae_title,
        };
        let subscriptions = work_items::subscriptions(&mut tx, who).await?;
        let mut reports = Vec::new();
        let fresh: Vec<&SubscriptionRow> = subscriptions
            .iter()
            .filter(|row| row.is_on == 1 && !self.is_begun(row))
            .collect();
        if !fresh.is_empty() {
            reports = self.present(&mut tx, &subscriptions, &fresh).await?;
        }
        let events = work_items::events_after(&mut tx, told_to).await?;
        for event in events {
            self.told_to = Some(event.id);
            // The present state of a new subscription may tell it already; once more does no harm.
            if let Some(event) = self.concerning(&mut tx, &subscriptions, event).await? {
                reports.push(event);
            }
        }
        drop(tx);
        self.begun = subscriptions
            .into_iter()
            .map(|row| ((row.target_uid, row.filter), row.subscribed_at))
            .collect();
        for report in reports {
            let text = self.report(&report)?;
            send(socket, Message::Text(text.into())).await?;
        }
        Ok(())
    }

    /// Asks anew what the subscriber may see, and whether its token, account or link is still in force.
    async fn ask_again(&mut self, tx: &mut overread_store::Tx) -> Result<(), End> {
        if !is_in_force(tx, &self.caller.actor, self.caller.now).await? {
            let reason = match self.caller.actor {
                Actor::Machine { .. } => "the token is not in force any more",
                _ => "you are signed out, or have another role; sign in and open the channel again",
            };
            return Err(End::Close(close_code::POLICY, reason));
        }
        self.caller.reach = reach(tx, &self.caller.actor, self.caller.now).await?;
        Ok(())
    }

    fn is_begun(&self, row: &SubscriptionRow) -> bool {
        let key = (row.target_uid.clone(), row.filter.clone());
        self.begun.get(&key) == Some(&row.subscribed_at)
    }

    /// Returns the present state of what new subscriptions cover (PS3.4 table CC.2.3-2).
    async fn present(
        &self,
        tx: &mut overread_store::Tx,
        all: &[SubscriptionRow],
        fresh: &[&SubscriptionRow],
    ) -> Result<Vec<EventRow>, End> {
        let is_open = |item: &WorkItem| item.state != COMPLETED && item.state != CANCELED;
        let states = "SCHEDULED,IN PROGRESS".to_owned();
        let open = vec![(vec![0x0074_1000], states)];
        let mut told: HashSet<String> = HashSet::new();
        let mut reports = Vec::new();
        for row in fresh {
            let matches = match row.is_to_worklist() {
                true => open.clone(),
                false => vec![(vec![0x0008_0018], row.target_uid.clone())],
            };
            for (item, shown) in search::matching(tx, &self.caller, &matches).await? {
                let is_wanted = if row.is_to_worklist() {
                    is_open(&item) && covers(all, &item, &shown)
                } else {
                    true
                };
                if is_wanted && told.insert(item.uid.clone()) {
                    reports.push(EventRow {
                        id: 0,
                        event_type: EventType::StateReport as i64,
                        information: state_of(&item, &shown).to_string(),
                        uid: item.uid,
                    });
                }
            }
        }
        Ok(reports)
    }

    /// Returns what is told of an event to the subscriber, if they see its item and listen to it.
    async fn concerning(
        &self,
        tx: &mut overread_store::Tx,
        subscriptions: &[SubscriptionRow],
        event: EventRow,
    ) -> Result<Option<EventRow>, End> {
        if subscriptions.is_empty() {
            return Ok(None);
        }
        let (actor, reach) = (&self.caller.actor, &self.caller.reach);
        let Some(item) = work_items::find(tx, actor, reach, &event.uid).await? else {
            return Ok(None);
        };
        let (information, shown) =
            data_set::told(tx, &self.caller, &item, &event.information).await?;
        let report = EventRow {
            information: information.to_string(),
            ..event
        };
        Ok(covers(subscriptions, &item, &shown).then_some(report))
    }

    /// Writes a report (PS3.7 table 10.3-1).
    fn report(&mut self, event: &EventRow) -> Result<String, End> {
        self.message_id = self.message_id.wrapping_add(1);
        let information: Attributes =
            serde_json::from_str(&event.information).map_err(|_| Refusal::internal())?;
        let mut report = json!({
            "00000002": {"vr": "UI", "Value": [EVENTS]},
            "00000100": {"vr": "US", "Value": [0x0100]},
            "00000110": {"vr": "US", "Value": [self.message_id]},
            "00000800": {"vr": "US", "Value": [0]},
            "00001000": {"vr": "UI", "Value": [event.uid]},
            "00001002": {"vr": "US", "Value": [event.event_type]},
        });
        if let Some(members) = report.as_object_mut() {
            members.extend(information);
        }
        Ok(report.to_string())
    }
}

/// Says whether an item is listened to: it itself, or it as one of the worklist unless it is left out.
fn covers(subscriptions: &[SubscriptionRow], item: &WorkItem, shown: &Value) -> bool {
    let own = subscriptions.iter().find(|row| row.target_uid == item.uid);
    if let Some(own) = own {
        return own.is_on == 1;
    }
    subscriptions
        .iter()
        .filter(|row| row.is_to_worklist())
        .filter(|row| row.suspended_at.is_none_or(|at| item.created_at <= at))
        .any(|row| {
            let keys = Query::parse(&row.filter).map(|query| query.matches);
            keys.is_ok_and(|keys| {
                keys.iter()
                    .all(|(path, value)| matches_value(shown, path, value))
            })
        })
}

fn state_of(item: &WorkItem, shown: &Value) -> Value {
    let empty = Attributes::new();
    rules::state_report(&item.state, shown.as_object().unwrap_or(&empty))
}

/// Sends a message, unless the subscriber does not read.
async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match timeout(CHANNEL_PATIENCE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(End::Gone),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::is_own_page;

    #[test]
    fn only_own_pages_open_channels() {
        let check = |origin: Option<&'static str>, expect: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("node:8080"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            let root = "https://overread.example/dicom-web";
            assert_eq!(is_own_page(&headers, root), expect, "{origin:?}");
        };
        check(None, true);
        check(Some("http://node:8080"), true);
        check(Some("https://overread.example"), true);
        check(Some("https://overread.exampl"), false);
        check(Some("https://overread.example.evil"), false);
        check(Some("https://elsewhere.example"), false);
        check(Some("null"), false);
        check(Some(""), false);
    }
}
