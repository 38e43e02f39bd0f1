//! What the index has no column for, read from the metadata of the instance that speaks for a result.

use std::collections::BTreeMap;

use bytes::Bytes;
use overread_dicom::matching::matches_value;
use overread_store::Tx;
use overread_store::studies::{Page, first_metadata, read_block};
use serde_json::Value;

use super::Results;
use super::keys::{Later, paged};
use crate::blinding::Withheld;
use crate::caller::Caller;
use crate::limits::{METADATA_READS, SEARCH_RESULTS};
use crate::params::{Include, Query};
use crate::refusal::{Answer, Refusal};
use crate::results::Found;

/// A result and where its metadata are found.
pub(super) struct Candidate {
    pub(super) found: Found,
    pub(super) study: String,
    pub(super) series: Option<String>,
    pub(super) instance: Option<String>,
}

/// Returns which rows of the index are needed: the page, or all that are looked at one by one.
pub(super) fn wanted(query: &Query, later: &Later<'_>) -> Page {
    if !later.is_empty() {
        return Page {
            limit: METADATA_READS + 1,
            ..Page::default()
        };
    }
    let most = match query.include {
        Include::Usual => SEARCH_RESULTS,
        _ => METADATA_READS,
    };
    Page {
        limit: query.limit.unwrap_or(most).min(most),
        offset: query.offset,
        after: None,
    }
}

/// Narrows the candidates to what matches, cuts the page and completes it.
pub(super) async fn finish(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    later: &Later<'_>,
    (candidates, remaining): (Vec<Candidate>, u64),
    belongs: fn(u32) -> bool,
) -> Answer<Results> {
    let mut metadata = Metadata {
        caller,
        withheld: BTreeMap::new(),
        block: None,
    };
    if later.is_empty() {
        let mut page = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            page.push(metadata.complete(tx, query, candidate, belongs).await?);
        }
        return Ok(Results { page, remaining });
    }
    if candidates.len() > METADATA_READS as usize {
        // PS3.18 10.6.3.1: 413 for a search that is too broad.
        return Err(Refusal::too_large(
            "the search matches too many results to look at each; narrow it, by patient or date",
        ));
    }
    let mut all = Vec::new();
    for candidate in candidates {
        if metadata.passes(tx, later, &candidate).await? {
            all.push(metadata.complete(tx, query, candidate, belongs).await?);
        }
    }
    Ok(paged(all, query.limit, query.offset))
}

/// Reads metadata, keeping the block it read last: neighbours stand in the same.
struct Metadata<'a> {
    caller: &'a Caller,
    withheld: BTreeMap<String, Withheld>,
    block: Option<(i64, Bytes)>,
}

impl Metadata<'_> {
    /// Reads what speaks for a result; nothing where nothing is in reach.
    async fn of(&mut self, tx: &mut Tx, candidate: &Candidate) -> Answer<Value> {
        let place = first_metadata(
            tx,
            &self.caller.reach,
            &candidate.study,
            candidate.series.as_deref(),
            candidate.instance.as_deref(),
        )
        .await?;
        let Some(place) = place else {
            return Ok(Value::Null);
        };
        let block = match &self.block {
            Some((id, block)) if *id == place.block_id => block.clone(),
            _ => {
                let block = read_block(tx, place.block_id).await?;
                self.block = Some((place.block_id, block.clone()));
                block
            }
        };
        let json = place.cut(&block)?;
        let withheld = match self.withheld.get(&candidate.study) {
            Some(withheld) => withheld.clone(),
            None => {
                let withheld = self.caller.withheld(tx, &candidate.study).await?;
                self.withheld
                    .insert(candidate.study.clone(), withheld.clone());
                withheld
            }
        };
        let shown = if withheld.is_any() {
            serde_json::from_slice(&withheld.without(&json)?)
        } else {
            serde_json::from_slice(&json)
        };
        shown.map_err(|_| Refusal::internal())
    }

    /// Matches what the index could not, in the result or in the metadata.
    async fn passes(
        &mut self,
        tx: &mut Tx,
        later: &Later<'_>,
        candidate: &Candidate,
    ) -> Answer<bool> {
        let found = &candidate.found;
        let is_known = later
            .iter()
            .all(|(path, _)| path.first().is_some_and(|tag| found.has(*tag)));
        let json = if is_known {
            found.to_json()
        } else {
            self.of(tx, candidate).await?
        };
        Ok(later
            .iter()
            .all(|(path, value)| matches_value(&json, path, value)))
    }

    /// Adds what `includefield` asks and the index has no column for.
    async fn complete(
        &mut self,
        tx: &mut Tx,
        query: &Query,
        mut candidate: Candidate,
        belongs: fn(u32) -> bool,
    ) -> Answer<Found> {
        let is_missing = match &query.include {
            Include::Usual => false,
            Include::All => true,
            Include::Tags(tags) => tags
                .iter()
                .any(|tag| belongs(*tag) && !candidate.found.has(*tag)),
        };
        if !is_missing {
            return Ok(candidate.found);
        }
        let metadata = self.of(tx, &candidate).await?;
        let found = &mut candidate.found;
        match &query.include {
            // PS3.18 8.3.4.3: attributes of a lower level are not returned.
            Include::Tags(tags) => {
                for tag in tags.iter().filter(|tag| belongs(**tag)) {
                    found.add_from(&metadata, *tag);
                }
            }
            _ => found.add_all_from(&metadata, belongs),
        }
        Ok(candidate.found)
    }
}
