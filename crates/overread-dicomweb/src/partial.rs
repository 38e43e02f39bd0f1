//! Sets of which a part cannot be had, as far as it is known before the answer begins (PS3.18 10.4.3.1).

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;

use axum::http::StatusCode;
use axum::response::Response;
use overread_archive::{Archive, ArchiveError, Extent, PackId};
use overread_store::studies::StoredInstance;

use crate::refusal::{Answer, Refusal};
use crate::warning::warn;

/// What is left out of a set.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    count: usize,
    /// Why the first of it is.
    first: Option<Refusal>,
}

impl Missing {
    /// Leaves out what is refused by itself, and returns the rest with how it was judged.
    ///
    /// # Errors
    /// As [`Self::taken`].
    pub(crate) fn without<T, F>(
        &mut self,
        set: Vec<T>,
        judge: impl Fn(&T) -> Answer<F>,
    ) -> Answer<Vec<(T, F)>> {
        let judged = set.into_iter();
        self.taken(judged.map(|one| judge(&one).map(|form| (one, form))))
    }

    /// Leaves out what was refused.
    ///
    /// # Errors
    /// The first refusal, when nothing is left to be sent.
    pub(crate) fn taken<T>(
        &mut self,
        answers: impl IntoIterator<Item = Answer<T>>,
    ) -> Answer<Vec<T>> {
        let mut taken = Vec::new();
        for answer in answers {
            match answer {
                Ok(one) => taken.push(one),
                Err(refusal) => self.left_out(refusal),
            }
        }
        if taken.is_empty() {
            return Err(self.first.take().unwrap_or_else(Refusal::not_found));
        }
        Ok(taken)
    }

    pub(crate) fn left_out(&mut self, refusal: Refusal) {
        self.count += 1;
        self.first.get_or_insert(refusal);
    }

    /// Says in the status and in a Warning header that something is left out, where it is.
    // PS3.18 10.4.3.1: 206 for an answer that holds some of what was asked, and not all.
    pub(crate) fn said_on(&self, mut response: Response) -> Response {
        if self.count == 0 {
            return response;
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let text = format!(
            "This answer is not complete. {} of what was asked cannot be sent in this form, or cannot be read. \
             Ask for each instance by itself to learn why, or for transfer-syntax=* to get it as it is stored.",
            self.count
        );
        warn(response.headers_mut(), &text);
        response
    }
}

/// What is found before an answer of several begins, which can only be broken off afterwards.
pub(crate) struct Begun<T, C> {
    /// What was refused before it, each with the reason.
    pub(crate) refused: Vec<(T, Refusal)>,
    /// The first that can be had as it was asked for.
    pub(crate) first: (T, C),
}

/// Reads one after another until one can be had as it was asked for, so that no answer holds nothing but what cannot.
///
/// # Errors
/// The first refusal, when there is none; the one that concerns more than what was read.
pub(crate) async fn begin<T: Clone, C, R: Future<Output = Answer<C>>>(
    set: impl Iterator<Item = T>,
    read: impl Fn(T) -> R,
) -> Answer<Begun<T, C>> {
    let mut refused = Vec::new();
    for one in set {
        match read(one.clone()).await {
            Ok(content) => {
                let first = (one, content);
                return Ok(Begun { refused, first });
            }
            Err(refusal) if refusal.leaves_others() => refused.push((one, refusal)),
            Err(refusal) => return Err(refusal),
        }
    }
    let first = refused.into_iter().next();
    Err(first.map_or_else(Refusal::not_found, |(_, refusal)| refusal))
}

/// Leaves out the instances whose bytes are lost: their pack is not there, or ends before them.
///
/// # Errors
/// When the archive is away, or nothing can be read.
pub(crate) async fn readable(
    archive: &Archive,
    found: Vec<StoredInstance>,
    missing: &mut Missing,
) -> Answer<Vec<StoredInstance>> {
    let mut furthest: HashMap<PackId, Extent> = HashMap::new();
    for one in &found {
        let known = furthest.entry(one.extent.pack_id).or_insert(one.extent);
        if end_of(one.extent) > end_of(*known) {
            *known = one.extent;
        }
    }
    // One look a pack: where its last instance ends, the others are there, too.
    let mut doubtful = HashSet::new();
    for (pack, extent) in furthest {
        if !is_there(archive, extent).await? {
            doubtful.insert(pack);
        }
    }
    let mut lost = HashSet::new();
    for one in found
        .iter()
        .filter(|one| doubtful.contains(&one.extent.pack_id))
    {
        if !is_there(archive, one.extent).await? {
            tracing::error!(
                instance.id = one.id,
                "the bytes of an instance are lost; run verify"
            );
            lost.insert(one.id);
        }
    }
    let judged = missing.without(found, |one| match lost.contains(&one.id) {
        true => Err(Refusal::internal()),
        false => Ok(()),
    })?;
    Ok(judged.into_iter().map(|(one, ())| one).collect())
}

fn end_of(extent: Extent) -> u64 {
    extent.offset_bytes.saturating_add(extent.length_bytes)
}

async fn is_there(archive: &Archive, extent: Extent) -> Answer<bool> {
    let last = extent.length_bytes.saturating_sub(1)..extent.length_bytes;
    match archive.read(extent, last).await {
        Ok(_) => Ok(true),
        Err(ArchiveError::Range) => Ok(false),
        Err(ArchiveError::Read { source, .. })
            if matches!(
                source.kind(),
                ErrorKind::NotFound | ErrorKind::UnexpectedEof
            ) =>
        {
            Ok(false)
        }
        // It may be there and not be read for a moment.
        Err(error) => Err(error.into()),
    }
}
