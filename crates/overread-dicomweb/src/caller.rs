//! Who asks, from where, and what of the archive that covers.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::Range;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use bytes::Bytes;
use overread_archive::Archive;
use overread_dicom::FirstReading;
use overread_model::access::Actor;
use overread_model::extent::Extent;
use overread_model::time::Timestamp;
use overread_store::access::{Reach, is_blind_to, reach};
use overread_store::audit::AuditEvent;
use overread_store::deletions::was_in_reach;
use overread_store::studies::{StoredInstance, instances_of, key_of, reports_among};
use overread_store::{StoreResult, Tx};

use crate::address::Address;
use crate::blinding::Withheld;
use crate::limits::UNREAD_BYTES;
use crate::not_sent::Noted;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// In the extensions of a request: its connection sends pieces of files in the place of bytes that stand for them, see
/// [`overread_archive::file_behind`]. Nothing in between may look at the body of the answer.
#[derive(Debug, Clone, Copy)]
pub struct SendsFiles;

/// How the connection of a request sends what packs hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Out of memory.
    Memory,
    /// Out of the file, see [`SendsFiles`].
    Files,
}

/// The actor of a request with its reach and the address it used.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) actor: Actor,
    pub(crate) reach: Reach,
    pub(crate) now: Timestamp,
    pub(crate) address: Address,
    pub(crate) sending: Sending,
    first_reading: FirstReading,
    noted: Noted,
}

impl FromRequestParts<DicomWebState> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &DicomWebState) -> Result<Self, Refusal> {
        let actor = parts
            .extensions
            .get::<Actor>()
            .cloned()
            .ok_or_else(Refusal::unauthorized)?;
        let now = (state.clock)();
        let reach = match &actor {
            // The program itself asks nothing over HTTP.
            Actor::System => Reach::Nothing,
            actor => {
                let mut tx = state.store.peek().await?;
                reach(&mut tx, actor, now).await?
            }
        };
        let address = Address::of_request(parts, state.scheme, state.public_url.as_deref());
        Ok(Self {
            actor,
            reach,
            now,
            address,
            sending: match parts.extensions.get() {
                Some(SendsFiles) => Sending::Files,
                None => Sending::Memory,
            },
            first_reading: state.first_reading.clone(),
            noted: parts.extensions.get().cloned().unwrap_or_default(),
        })
    }
}

impl Sending {
    /// Returns a range of an extent as bytes to be sent, and for nothing else.
    pub(crate) async fn pieces(
        self,
        archive: &Archive,
        extent: Extent,
        within: Range<u64>,
    ) -> Answer<Vec<Bytes>> {
        match self.unread(archive, extent, &within) {
            Some(pieces) => Ok(pieces),
            None => Ok(vec![archive.read(extent, within).await?]),
        }
    }

    /// Returns bytes that stand for a range, where that goes.
    pub(crate) fn unread(
        self,
        archive: &Archive,
        extent: Extent,
        within: &Range<u64>,
    ) -> Option<Vec<Bytes>> {
        let is_short = within.end.saturating_sub(within.start) <= UNREAD_BYTES;
        (self == Self::Files && is_short)
            .then(|| archive.unread(extent, within))
            .flatten()
    }
}

impl Caller {
    /// Asks questions that belong together, in this caller's turn, see [`overread_store::Store::ask`].
    pub(crate) async fn ask<T, Questions>(
        &self,
        state: &DicomWebState,
        questions: Questions,
    ) -> Answer<T>
    where
        T: Send + 'static,
        Questions: AsyncFnOnce(&mut Tx) -> T + Send + 'static,
    {
        Ok(state.store.ask(&self.asker(), questions).await?)
    }

    /// Names who asks, for what is shared among all who ask.
    pub(crate) fn asker(&self) -> String {
        format!("{} {}", self.actor.kind(), self.actor.id())
    }

    /// Returns why there is nothing to show of a study: it is gone, or it never was there for this caller.
    // PS3.18 10.4.3: 410 for what is known to have been there; a stranger is not told that it was.
    pub(crate) async fn not_there(&self, state: &DicomWebState, study: &str) -> Refusal {
        let gone = async {
            let mut tx = state.store.read().await?;
            if !was_in_reach(&mut tx, (&self.actor, &self.reach), study).await? {
                return Ok(Refusal::not_found());
            }
            // Its row stays until it is erased.
            Ok(match key_of(&mut tx, study).await? {
                Some(_) => Refusal::gone(),
                None => Refusal::erased(),
            })
        };
        let gone: StoreResult<Refusal> = gone.await;
        match gone {
            Ok(refusal) => refusal,
            Err(error) => error.into(),
        }
    }

    /// Returns what of a study's images is withheld from the caller.
    pub(crate) async fn withheld(&self, tx: &mut Tx, study_instance_uid: &str) -> Answer<Withheld> {
        let is_blind = is_blind_to(tx, &self.reach, study_instance_uid).await?;
        Ok(Withheld(is_blind.then(|| self.first_reading.clone())))
    }

    /// Returns the instances of a study or series that the caller may see, and what is withheld of them.
    pub(crate) async fn instances(
        &self,
        state: &DicomWebState,
        study: &str,
        series: Option<&str>,
    ) -> Answer<(Vec<StoredInstance>, Withheld)> {
        let (caller, study) = (self.clone(), study.to_owned());
        let series = series.map(str::to_owned);
        let question = async move |tx: &mut Tx| {
            let found = instances_of(tx, &caller.reach, &study, series.as_deref()).await?;
            Ok((found, caller.withheld(tx, &study).await?))
        };
        self.ask(state, question).await?
    }

    /// Says whether what stands in an attribute may be withheld from the caller.
    pub(crate) fn may_hide(&self, tag: u32) -> bool {
        self.first_reading.may_hold(tag) && self.reach.is_without_reports()
    }

    /// Writes down that somebody read these instances of a study, each report among them, before they are shown.
    pub(crate) async fn note_images<'f>(
        &self,
        state: &DicomWebState,
        study: &str,
        found: impl IntoIterator<Item = &'f StoredInstance>,
    ) -> Answer<()> {
        let reports = found.into_iter().filter(|one| one.is_report);
        let reports: BTreeSet<i64> = reports.map(|one| one.id).collect();
        let reports: Vec<i64> = reports.into_iter().collect();
        let event = images_read(study);
        let readings = &state.readings;
        let noted = readings.note_new(&state.store, &self.actor, &event, self.now);
        if noted.await? {
            self.noted.add(&self.actor, study, &reports);
        }
        self.note_reports(state, study, &reports).await
    }

    /// Lists the reports among the images of a study, a series or one instance of it.
    pub(crate) async fn reports(
        &self,
        state: &DicomWebState,
        (study, series, instance): (&str, Option<&str>, Option<&str>),
    ) -> Answer<Vec<i64>> {
        let (reach, study) = (self.reach.clone(), study.to_owned());
        let [series, instance] = [series, instance].map(|uid| uid.map(str::to_owned));
        let question = async move |tx: &mut Tx| {
            reports_among(tx, &reach, &study, series.as_deref(), instance.as_deref()).await
        };
        Ok(self.ask(state, question).await??)
    }

    /// Writes down that somebody read reports of a study, before they are shown.
    pub(crate) async fn note_reports(
        &self,
        state: &DicomWebState,
        study: &str,
        reports: &[i64],
    ) -> Answer<()> {
        state
            .readings
            .note_reports(&state.store, &self.actor, study, reports, self.now)
            .await?;
        Ok(())
    }

    /// Writes down that somebody read something, before it is shown.
    pub(crate) async fn note_reading(
        &self,
        state: &DicomWebState,
        event: &'static str,
        study_instance_uid: Option<&str>,
    ) -> Answer<()> {
        let mut event = AuditEvent::new(event);
        if let Some(uid) = study_instance_uid {
            event = event.on("study", uid);
        }
        state
            .readings
            .note(&state.store, &self.actor, &event, self.now)
            .await?;
        Ok(())
    }
}

/// Returns the event that says that images of a study were read.
pub(crate) fn images_read(study_instance_uid: &str) -> AuditEvent {
    AuditEvent::new("study.images_read").on("study", study_instance_uid)
}

/// The request's query string, whole.
pub(crate) struct RawQuery(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for RawQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}
