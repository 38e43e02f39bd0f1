//! Groups a batch by series and compresses its metadata.

use std::collections::{BTreeMap, HashMap};

use overread_model::extent::Digest;

use super::super::block::{self, Block};
use super::NewInstance;
use crate::error::StoreResult;
use crate::limits;

/// A batch, grouped by series, its metadata compressed; made outside the transaction, since it costs CPU.
#[derive(Debug)]
pub struct Batch {
    pub(super) items: Vec<NewInstance>,
    pub(super) groups: Vec<Group>,
    /// Of instances that are the same as others with this digest, written in another way.
    pub(super) same_as: HashMap<usize, Digest>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) items: Vec<usize>,
    pub(super) blocks: Vec<Block>,
    /// For each item: its block and its place in the inflated block.
    pub(super) places: Vec<(usize, usize, usize)>,
}

impl Batch {
    /// Returns a batch of nothing.
    pub fn empty() -> Self {
        Self {
            items: Vec::new(),
            groups: Vec::new(),
            same_as: HashMap::new(),
        }
    }

    /// Groups and compresses.
    ///
    /// # Errors
    /// When facts cannot be written as JSON (a number that is none).
    pub fn prepare(items: Vec<NewInstance>) -> StoreResult<Self> {
        let mut by_series: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            by_series.entry(uids_of(item)).or_default().push(index);
        }
        let groups: StoreResult<Vec<Group>> = by_series
            .into_values()
            .map(|indices| Group::prepare(&items, indices))
            .collect();
        let groups = groups?;
        Ok(Self {
            items,
            groups,
            same_as: HashMap::new(),
        })
    }

    /// Names the studies that it adds to, some more than once.
    pub(crate) fn study_instance_uids(&self) -> impl Iterator<Item = &str> {
        self.items
            .iter()
            .map(|item| item.facts.study.study_instance_uid.as_str())
    }

    /// Returns its instances; outcomes stand in this order.
    pub fn instances(&self) -> &[NewInstance] {
        &self.items
    }

    /// Notes that an instance is the same as the one with these bytes, so that it is no conflict when that one is kept.
    pub fn note_same(&mut self, index: usize, digest: Digest) {
        self.same_as.insert(index, digest);
    }

    /// Returns how many instances it holds.
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Says whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

fn uids_of(item: &NewInstance) -> (&str, &str) {
    (
        item.facts.study.study_instance_uid.as_str(),
        item.facts.series.series_instance_uid.as_str(),
    )
}

impl Group {
    fn prepare(items: &[NewInstance], indices: Vec<usize>) -> StoreResult<Self> {
        let mut group = Self {
            items: indices,
            blocks: Vec::new(),
            places: Vec::new(),
        };
        let (mut json, mut facts) = (Vec::new(), Vec::new());
        for item in group.items.iter().filter_map(|index| items.get(*index)) {
            if !json.is_empty() && json.len() + item.metadata_json.len() > limits::BLOCK_BYTES {
                group.blocks.push(block::compress(&json, &facts)?);
                json.clear();
                facts.clear();
            }
            group
                .places
                .push((group.blocks.len(), json.len(), item.metadata_json.len()));
            json.extend_from_slice(&item.metadata_json);
            facts.push(&item.facts);
        }
        if !facts.is_empty() {
            group.blocks.push(block::compress(&json, &facts)?);
        }
        Ok(group)
    }
}
