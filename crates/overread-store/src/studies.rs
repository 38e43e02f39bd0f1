//! The index of studies, series and instances: entering, finding, searching, deleting.
//!
//! Every function that answers a request takes the [`Reach`](crate::access::Reach) of who asks; what it does not cover
//! is as if it did not exist.

mod block;
mod delete;
mod enter;
mod find;
mod metadata;
pub(crate) mod search;
pub(crate) mod sql;
mod turns;
mod unfiled;
mod upsert;

pub use delete::ErasedStudy;
pub(crate) use delete::delete;
pub(crate) use enter::to_digest;
pub use enter::{
    Batch, DeliveryScope, Entered, Known, NewInstance, Outcome, deleted_among, enter, is_of_case,
    known_digests, link_pending, link_to_case, may_link,
};
pub use find::{
    StoredInstance, facts_of_case, facts_of_study, find_instance, instances_of, reports_among,
    reports_of_case, studies_of_case, study_counts,
};
pub use metadata::{
    MetadataPiece, MetadataPlaces, MetadataRef, MetadataSize, first_metadata, metadata_places,
    metadata_size, read_block, read_metadata,
};
pub use search::{
    DateRange, Found, InstanceFilter, InstanceRow, Page, SeriesFilter, SeriesRow, StudyFilter,
    StudyPlace, StudyRow, TextMatch, TimeRange, count_instances, count_series, count_studies,
    page_of_instances, page_of_series, page_of_studies, search_instances, search_series,
    search_studies,
};
pub use turns::take_turns;
pub(crate) use unfiled::lock;
pub use unfiled::{count_unfiled, is_of_other_patient, key_of, lock_unfiled, unfiled};

/// The key of a study row.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct StudyKey(pub i64);

impl std::fmt::Display for StudyKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Says whether a metadata block holds what its row says.
pub(crate) fn block_is_good(
    dicom_json: &[u8],
    inflated_bytes: i64,
    facts: &[u8],
    facts_count: i64,
) -> bool {
    let facts = block::facts(facts);
    block::inflate(dicom_json, inflated_bytes).is_ok()
        && facts.is_ok_and(|facts| i64::try_from(facts.len()) == Ok(facts_count))
}
