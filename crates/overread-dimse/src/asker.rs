//! For whom a query or retrieval is answered, what that covers, and that it is written down.

use overread_model::access::Actor;
use overread_model::ids::TokenId;
use overread_model::time::Timestamp;
use overread_store::access::{Reach, has_lost_grant, is_blind_to, is_in_force, reach};
use overread_store::audit::{self, AuditEvent};
use overread_store::studies::reports_among;
use overread_store::{Store, StoreResult, Tx, tokens};

use crate::Remote;
use crate::callers::Admitted;
use crate::command::{NOT_AUTHORISED, PROCESSING_FAILURE, Status};
use crate::limits;
use crate::server::Shared;

/// Who asks, by the token of its entry in the list.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) actor: Actor,
    pub(crate) reach: Reach,
    /// When that was asked last.
    pub(crate) now: Timestamp,
}

/// What is read of the archive: a study, a series of it, an instance of that.
pub(crate) type Place<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

impl Asker {
    /// Returns for whom a request is answered; asked anew for each, so that a revoked token ends what it opened.
    ///
    /// # Errors
    /// The status to be answered: no token is named, it is revoked, or the database fails.
    pub(crate) async fn of(shared: &Shared, caller: &Admitted) -> Result<Self, Status> {
        let token_id = caller.as_ref().and_then(|caller| caller.token_id.as_ref());
        let Some(token_id) = token_id else {
            return Err(Status::failure(
                NOT_AUTHORISED,
                "no token is named for this caller; make one with `overread token create`, and write its id into its entry of dimse.callers",
            ));
        };
        let now = (shared.clock)();
        let found = Self::by(shared.ingest.store(), token_id, now).await;
        found.map_err(|error| database(&error))?.ok_or_else(|| {
            Status::failure(
                NOT_AUTHORISED,
                "the token of this entry is revoked; make another one with `overread token create`, and write its id into the entry of dimse.callers",
            )
        })
    }

    /// Returns for whom a token stands; `None` when it is revoked.
    async fn by(store: &Store, token_id: &TokenId, now: Timestamp) -> StoreResult<Option<Self>> {
        let mut tx = store.read().await?;
        let Some(actor) = tokens::find_by_id(&mut tx, token_id).await? else {
            return Ok(None);
        };
        let reach = reach(&mut tx, &actor, now).await?;
        Ok(Some(Self { actor, reach, now }))
    }

    /// Returns what the tokens of whom a move goes to reach, where that is something else than what the asker does.
    pub(crate) async fn reaches_of(
        &self,
        store: &Store,
        to: &[TokenId],
    ) -> StoreResult<Vec<Reach>> {
        let mut reaches = Vec::new();
        for token_id in to {
            let receiver = Self::by(store, token_id, self.now).await?;
            let reach = receiver.map_or(Reach::Nothing, |receiver| receiver.reach);
            if reach != self.reach {
                reaches.push(reach);
            }
        }
        Ok(reaches)
    }

    /// Asks again whether a retrieval may go on, and for what, when some time has gone since that was asked last; `true` when it
    /// was asked.
    ///
    /// # Errors
    /// The status that ends it; asked once more, it is asked anew.
    pub(crate) async fn ask_again(
        &mut self,
        store: &Store,
        now: Timestamp,
    ) -> Result<bool, Status> {
        if !self.is_due(now) {
            return Ok(false);
        }
        let asked = async {
            let mut tx = store.peek().await?;
            self.look_again(&mut tx, now).await
        };
        asked
            .await
            .map_err(|error| database(&error))?
            .then_some(true)
            .ok_or_else(over)
    }

    /// As [`Self::ask_again`] for a search: what was found before a grant was lost may show what is not granted any more.
    pub(crate) async fn ask_again_of_search(
        &mut self,
        store: &Store,
        now: Timestamp,
    ) -> Result<(), Status> {
        if !self.is_due(now) {
            return Ok(());
        }
        let (since, was_blind) = (self.now, self.reach.is_without_reports());
        let asked = async {
            let mut tx = store.peek().await?;
            let has_lost = has_lost_grant(&mut tx, &self.actor, since, now).await?;
            Ok(!has_lost && self.look_again(&mut tx, now).await?)
        };
        let asked: StoreResult<bool> = asked.await;
        let may = asked.map_err(|error| database(&error))?;
        (may && self.reach.is_without_reports() == was_blind)
            .then_some(())
            .ok_or_else(over)
    }

    fn is_due(&self, now: Timestamp) -> bool {
        // A clock that was set back says nothing.
        let since = now.as_micros() - self.now.as_micros();
        u128::from(since.unsigned_abs()) >= limits::ASK_AGAIN.as_micros()
    }

    async fn look_again(&mut self, tx: &mut Tx, now: Timestamp) -> StoreResult<bool> {
        if !is_in_force(tx, &self.actor, now).await? {
            return Ok(false);
        }
        self.reach = reach(tx, &self.actor, now).await?;
        self.now = now;
        Ok(true)
    }

    /// Writes down that somebody searched.
    pub(crate) async fn note_search(&self, shared: &Shared) -> StoreResult<()> {
        let event = AuditEvent::new("studies.searched");
        let store = shared.ingest.store();
        shared
            .readings
            .note(store, &self.actor, &event, self.now)
            .await
    }

    /// Writes down what is read, and each report in it, before it is shown; `true` when a row was written for this reading.
    pub(crate) async fn note_reading(
        &self,
        shared: &Shared,
        place: Place<'_>,
    ) -> StoreResult<bool> {
        let store = shared.ingest.store();
        let event = images_read(place.0);
        let readings = &shared.readings;
        let noted = readings.note_new(store, &self.actor, &event, self.now);
        let is_new = noted.await?;
        self.note_reports(shared, place).await?;
        Ok(is_new)
    }

    /// Writes down that of a study, which was noted as read or as sent elsewhere, nothing was taken after all.
    pub(crate) async fn note_not_taken(
        &self,
        shared: &Shared,
        study: &str,
        is_sent: bool,
    ) -> StoreResult<()> {
        let store = shared.ingest.store();
        let now = (shared.clock)();
        if is_sent {
            let event = audit::not_taken(study, self.now);
            let mut tx = store.begin().await?;
            audit::record(&mut tx, &self.actor, &event, now).await?;
            return tx.commit().await;
        }
        let mut tx = store.read().await?;
        let reports = reports_among(&mut tx, &self.reach, study, None, None).await?;
        drop(tx);
        let event = images_read(study);
        let readings = &shared.readings;
        let noted = readings.note_not_taken(store, &self.actor, &event, &reports, now);
        noted.await
    }

    /// Writes down that what is read goes to another place.
    pub(crate) async fn note_sending(
        &self,
        shared: &Shared,
        place: Place<'_>,
        to: &Remote,
    ) -> StoreResult<()> {
        let store = shared.ingest.store();
        note_sent(store, &self.actor, place.0, to, self.now).await?;
        self.note_reports(shared, place).await
    }

    pub(crate) async fn note_reports(&self, shared: &Shared, place: Place<'_>) -> StoreResult<()> {
        let (study, series, instance) = place;
        let store = shared.ingest.store();
        let mut tx = store.read().await?;
        let reports = reports_among(&mut tx, &self.reach, study, series, instance).await?;
        drop(tx);
        shared
            .readings
            .note_reports(store, &self.actor, study, &reports, self.now)
            .await
    }

    /// Says whether the first reading of a study is to be left out.
    pub(crate) async fn is_blind_to(&self, tx: &mut Tx, study: &str) -> StoreResult<bool> {
        is_blind_to(tx, &self.reach, study).await
    }
}

fn images_read(study_instance_uid: &str) -> AuditEvent {
    AuditEvent::new("study.images_read").on("study", study_instance_uid)
}

/// Writes down that a study goes to another place.
pub(crate) async fn note_sent(
    store: &Store,
    actor: &Actor,
    study_instance_uid: &str,
    to: &Remote,
    now: Timestamp,
) -> StoreResult<()> {
    let event = AuditEvent::new("study.images_sent")
        .on("study", study_instance_uid)
        .with(serde_json::json!({ "to": to.ae_title.as_str(), "host": format!("{}:{}", to.host, to.port) }));
    let mut tx = store.begin().await?;
    audit::record(&mut tx, actor, &event, now).await?;
    tx.commit().await
}

fn over() -> Status {
    Status::failure(NOT_AUTHORISED, "what allowed this has ended meanwhile")
}

/// Tells the log why the database failed, and the peer that it did.
pub(crate) fn database(error: &(dyn std::error::Error + 'static)) -> Status {
    tracing::error!(error, "a DICOM request could not be answered");
    Status::failure(
        PROCESSING_FAILURE,
        "the archive could not answer; try later",
    )
}
