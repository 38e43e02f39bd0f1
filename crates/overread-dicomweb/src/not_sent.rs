//! Readings that were noted, and of which nothing went out: the answer became a refusal afterwards.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use overread_model::access::Actor;

use crate::caller::images_read;
use crate::state::DicomWebState;

/// In the extensions of a request: the readings of images that it alone put on record; a clone is another handle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted(Arc<Mutex<Vec<Reading>>>);

/// Who read what, with the reports among it.
#[derive(Debug)]
struct Reading {
    actor: Actor,
    study_instance_uid: String,
    reports: Vec<i64>,
}

impl Noted {
    pub(crate) fn add(&self, actor: &Actor, study_instance_uid: &str, reports: &[i64]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Reading {
            actor: actor.clone(),
            study_instance_uid: study_instance_uid.to_owned(),
            reports: reports.to_vec(),
        });
    }

    fn take(&self) -> Vec<Reading> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes readings back of which the answer is a refusal.
pub(crate) async fn taken_back(
    State(state): State<DicomWebState>,
    mut request: Request,
    next: Next,
) -> Response {
    let noted = Noted::default();
    request.extensions_mut().insert(noted.clone());
    let response = next.run(request).await;
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        for reading in noted.take() {
            let event = images_read(&reading.study_instance_uid);
            let now = (state.clock)();
            let readings = &state.readings;
            let (actor, reports) = (&reading.actor, &reading.reports);
            let noted = readings.note_not_taken(&state.store, actor, &event, reports, now);
            if let Err(error) = noted.await {
                tracing::error!(%error, "that nothing was sent could not be written down");
            }
        }
    }
    response
}
