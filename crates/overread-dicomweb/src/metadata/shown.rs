//! What an answer of metadata is made of: listed in one state of the index, and read piece by piece while it is sent.

use std::sync::Arc;

use overread_store::Tx;
use overread_store::studies::{
    MetadataPiece, MetadataPlaces, MetadataSize, metadata_places, metadata_size, read_metadata,
    reports_among,
};

use super::{Named, known_version};
use crate::blinding::Withheld;
use crate::caller::Caller;
use crate::limits::METADATA_AHEAD_BYTES;
use crate::refusal::{Answer, Refusal};
use crate::room::Taken;
use crate::state::DicomWebState;

/// What is shown, as one state of the index has it.
///
/// One snapshot says which version it is, what is withheld from whom, which reports are read, and where the metadata of each
/// instance stand. What stands there is read later, in other snapshots, and is the same: a block is never changed after the
/// commit that made it. So an answer that takes minutes is of one state all the same; a lock, or an image that comes in
/// between, changes nothing of it and is in the next answer, which has another version. Blocks go only with their whole
/// study: then the answer is broken off, and never ends as if it were complete.
pub(crate) struct Shown {
    pub(super) version: String,
    pub(super) withheld: Withheld,
    pub(super) reports: Vec<i64>,
    pub(crate) pieces: Pieces,
}

/// The metadata that are shown, read when those before are sent.
pub(crate) struct Pieces {
    state: DicomWebState,
    caller: Caller,
    places: Arc<MetadataPlaces>,
    /// Read in the snapshot of the list.
    first: Option<Vec<MetadataPiece>>,
    next: usize,
    taken: Taken,
}

impl Pieces {
    /// Returns the next pieces; none at the end.
    pub(crate) async fn next(&mut self) -> Answer<Option<Vec<MetadataPiece>>> {
        if let Some(first) = self.first.take() {
            self.give_back(&first);
            return Ok(Some(first));
        }
        if self.is_at_end() {
            return Ok(None);
        }
        let range = self.places.from(self.next, METADATA_AHEAD_BYTES);
        self.next = range.end;
        let places = Arc::clone(&self.places);
        let asked = async move |tx: &mut Tx| read_metadata(tx, &places, range).await;
        let read = self.caller.ask(&self.state, asked).await??;
        let read = read.ok_or_else(Refusal::gone)?;
        self.give_back(&read);
        Ok(Some(read))
    }

    /// Gives back the room that neither these nor what comes behind them need.
    fn give_back(&mut self, read: &[MetadataPiece]) {
        let read_bytes: usize = read.iter().map(|piece| piece.dicom_json.len()).sum();
        let left = self.places.size_from(self.next);
        let ahead = ahead_bytes(left, METADATA_AHEAD_BYTES).max(read_bytes as u64);
        self.taken
            .fit(twice_and_list(ahead, self.places.len() as u64));
    }

    /// Says whether nothing must be read any more.
    pub(super) fn is_at_end(&self) -> bool {
        self.next >= self.places.len()
    }

    /// Returns the room that they took up.
    pub(super) fn into_room(self) -> Taken {
        self.taken
    }
}

/// Lists what is shown of what a path names, and reads it at once where it is not longer than this.
///
/// # Errors
/// 404 or 410 when there is nothing to show, 503 when others take up the room.
pub(crate) async fn shown(
    state: &DicomWebState,
    caller: &Caller,
    named: &Named,
    whole_bytes: u64,
) -> Answer<Shown> {
    let size = size(state, caller, named).await?;
    let room = &state.metadata_room;
    let taken = room
        .take(&caller.asker(), room_bytes(size, whole_bytes))
        .await?;
    let asked = {
        let (caller, named) = (caller.clone(), named.clone());
        async move |tx: &mut Tx| -> Answer<_> {
            let Some((version, withheld)) = known_version(tx, &caller, &named).await? else {
                return Ok(None);
            };
            let (study, series, instance) = named.uids();
            let reports = reports_among(tx, &caller.reach, study, series, instance).await?;
            let places = metadata_places(tx, &caller.reach, study, series, instance).await?;
            let first_bytes = match places.size_from(0).length_bytes {
                bytes if bytes <= whole_bytes => bytes,
                _ => METADATA_AHEAD_BYTES,
            };
            let range = places.from(0, first_bytes);
            let next = range.end;
            let first = read_metadata(tx, &places, range).await?;
            Ok(first.map(|first| (version, withheld, reports, places, first, next)))
        }
    };
    match caller.ask(state, asked).await?? {
        Some((version, withheld, reports, places, first, next)) if !places.is_empty() => {
            Ok(Shown {
                version,
                withheld,
                reports,
                pieces: Pieces {
                    state: state.clone(),
                    caller: caller.clone(),
                    places: Arc::new(places),
                    first: Some(first),
                    next,
                    taken,
                },
            })
        }
        _ => Err(caller.not_there(state, &named.study).await),
    }
}

async fn size(state: &DicomWebState, caller: &Caller, named: &Named) -> Answer<MetadataSize> {
    let (reach, named) = (caller.reach.clone(), named.clone());
    let asked = async move |tx: &mut Tx| {
        let (study, series, instance) = named.uids();
        metadata_size(tx, &reach, study, series, instance).await
    };
    Ok(caller.ask(state, asked).await??)
}

/// Returns how much room an answer takes: what is read of it at once and what is made of that, with the block that it is cut
/// out of, and the list.
fn room_bytes(size: MetadataSize, whole_bytes: u64) -> u64 {
    twice_and_list(ahead_bytes(size, whole_bytes), size.count)
}

fn ahead_bytes(size: MetadataSize, whole_bytes: u64) -> u64 {
    match size.length_bytes <= whole_bytes {
        true => size.length_bytes,
        false => METADATA_AHEAD_BYTES.saturating_add(size.longest_bytes),
    }
}

fn twice_and_list(ahead_bytes: u64, count: u64) -> u64 {
    let list = count.saturating_mul(MetadataPlaces::INSTANCE_BYTES);
    ahead_bytes.saturating_mul(2).saturating_add(list)
}
