//! A series summed up: what it shows, in which stacks it lies.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::gather::SeriesGathered;
use super::slices::{Plane, Slice, Stack, is_localizer_like, stacks};
use super::weighting::{Weighting, names_localizer, weighting};
use crate::uid::SeriesInstanceUid;

/// One series, as the check reports it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeriesSummary {
    /// (0020,000E).
    pub series_instance_uid: SeriesInstanceUid,
    /// (0008,0060).
    pub modality: String,
    /// (0020,0011).
    pub number: Option<i64>,
    /// (0008,103E).
    pub description: String,
    /// Instances.
    pub instances: usize,
    /// Images among them.
    pub images: usize,
    /// Frames of those images.
    pub frames: u64,
    /// Plane most images lie in; `None` without geometry.
    pub plane: Option<Plane>,
    /// The named plane nearest to it, when it is near enough to count for protocols.
    #[serde(skip)]
    pub counts_as: Option<Plane>,
    /// MR contrast; `None` for other modalities.
    pub weighting: Option<Weighting>,
    /// Only positions the others.
    pub localizer: bool,
    /// Thickest slice, mm.
    pub slice_thickness_mm: Option<f64>,
    /// Stacks of parallel slices.
    pub stacks: Vec<Stack>,
    /// Volumes of the same kind that should be alike but have other numbers of slices: smallest and largest.
    #[serde(skip)]
    pub uneven_phases: Option<(usize, usize)>,
}

/// Smallest component of the normal from which an oblique series counts as the nearest plane.
const COUNTS_AS: f64 = 0.6;

impl SeriesSummary {
    pub(super) fn of(uid: &SeriesInstanceUid, series: &SeriesGathered) -> Self {
        let (slices, phases) = split(series);
        let stacks = stacks(&slices);
        let texts = format!("{} {}", series.description, series.protocol_name);
        let typed = series.images > 0 && series.localizer_typed == series.images;
        // Only sliced exams have localizers; a skeletal survey is no survey in this sense.
        let sliced = matches!(series.modality.as_str(), "CT" | "MR" | "PT" | "NM");
        let named = sliced && names_localizer(&[], &series.description);
        let localizer = typed || named || (sliced && is_localizer_like(&stacks));
        let largest = stacks.iter().max_by_key(|stack| stack.count);
        let is_mr = series.modality == "MR" && series.images > 0;
        let by_text = is_mr.then(|| {
            let first = weighting(&series.image_type, &series.description, &series.mr);
            // The protocol's name helps only where the series has none.
            if first == Weighting::Unknown || series.description.is_empty() {
                weighting(&series.image_type, &texts, &series.mr)
            } else {
                first
            }
        });
        Self {
            series_instance_uid: uid.clone(),
            modality: series.modality.clone(),
            number: series.series_number,
            description: series.description.clone(),
            instances: series.instances,
            images: series.images,
            frames: series.frames,
            plane: largest.map(|stack| stack.plane),
            counts_as: largest
                .filter(|stack| stack.nearest.1 >= COUNTS_AS)
                .map(|stack| stack.nearest.0),
            weighting: by_text.map(|by_text| {
                if localizer {
                    Weighting::Localizer
                } else {
                    by_text
                }
            }),
            localizer,
            slice_thickness_mm: series.thickness_mm,
            uneven_phases: uneven(&slices, &phases).filter(|_| !localizer),
            stacks,
        }
    }

    /// Returns what to call the series: `series 4 (SAG T2)`.
    pub fn subject(&self) -> String {
        let number = self.number.map(|number| format!("series {number}"));
        let description = self.description.trim();
        match (number, description) {
            (Some(number), "") => number,
            (Some(number), description) => format!("{number} ({description})"),
            (None, "") => "a series without a name".to_owned(),
            (None, description) => format!("series ({description})"),
        }
    }
}

/// Returns the slices with their sub-volumes, after keys that tell single images apart, and not volumes, were dropped.
///
/// A trigger time, for instance, differs in every image of some scanners: split by it, every slice would stand alone.
///
/// Beside them stands what each sub-volume is, so that volumes of a kind can be compared.
fn split(series: &SeriesGathered) -> (Vec<Slice>, Vec<Vec<&str>>) {
    let names: BTreeSet<&str> = series
        .sub_volumes
        .iter()
        .flatten()
        .map(|key| name_of(key))
        .collect();
    let useful: BTreeSet<&str> = names
        .into_iter()
        .filter(|name| {
            let values: BTreeSet<&str> = series
                .slices
                .iter()
                .map(|slice| value_in(series, slice, name))
                .collect();
            values.len() > 1 && values.len() * 2 <= series.slices.len()
        })
        .collect();
    let mut seen: BTreeMap<Vec<&str>, u32> = BTreeMap::new();
    let mut slices = series.slices.clone();
    for slice in &mut slices {
        let keys: Vec<&str> = useful
            .iter()
            .map(|name| value_in(series, slice, name))
            .collect();
        let next = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        slice.sub_volume = *seen.entry(keys).or_insert(next);
    }
    let mut kinds: Vec<(u32, Vec<&str>)> = seen
        .into_iter()
        .map(|(keys, index)| (index, keys))
        .collect();
    kinds.sort();
    let kinds: Vec<Vec<&str>> = kinds.into_iter().map(|(_, keys)| keys).collect();
    match split_by_acquisition(&slices) {
        Some((slices, parts)) => {
            let kinds = kinds
                .iter()
                .flat_map(|keys| std::iter::repeat_n(keys.clone(), parts))
                .collect();
            (slices, kinds)
        }
        None => (slices, kinds),
    }
}

/// Returns the smallest and the largest number of slices among volumes of one kind, when they differ.
fn uneven(slices: &[Slice], phases: &[Vec<&str>]) -> Option<(usize, usize)> {
    let mut kinds: BTreeMap<Vec<&str>, Vec<usize>> = BTreeMap::new();
    let mut is_diffusion = false;
    for (index, keys) in phases.iter().enumerate() {
        is_diffusion |= keys
            .iter()
            .any(|key| matches!(name_of(key), "b-value" | "gradient"));
        let count = slices
            .iter()
            .filter(|slice| slice.sub_volume as usize == index)
            .count();
        // Images of another type or size are another kind, not another phase.
        let kind = keys
            .iter()
            .copied()
            .filter(|key| matches!(name_of(key), "image-type" | "size"))
            .collect();
        kinds.entry(kind).or_default().push(count);
    }
    kinds.values().find_map(|counts| {
        let counts: Vec<usize> = counts.iter().copied().filter(|count| *count > 1).collect();
        let (low, high) = (*counts.iter().min()?, *counts.iter().max()?);
        // Diffusion repeats its directions in one volume: whole multiples are as they should be.
        let alike = low == high || (is_diffusion && high.is_multiple_of(low));
        (!alike).then_some((low, high))
    })
}

fn name_of(key: &str) -> &str {
    key.split_once('=').map_or(key, |(name, _)| name)
}

fn value_in<'a>(series: &'a SeriesGathered, slice: &Slice, name: &str) -> &'a str {
    series
        .sub_volumes
        .get(slice.sub_volume as usize)
        .and_then(|keys| keys.iter().find(|key| name_of(key) == name))
        .map_or("", |key| key.as_str())
}

/// Splits by Acquisition Number when that turns doubles into equal volumes, as it does for phases that say nothing else.
fn split_by_acquisition(slices: &[Slice]) -> Option<(Vec<Slice>, usize)> {
    let doubles = |slices: &[Slice]| -> usize { stacks(slices).iter().map(|s| s.duplicates).sum() };
    let mut counts: BTreeMap<Option<i64>, usize> = BTreeMap::new();
    for slice in slices {
        *counts.entry(slice.acquisition_number).or_default() += 1;
    }
    let equal = counts.values().collect::<BTreeSet<_>>().len() == 1;
    if counts.len() < 2 || !equal || doubles(slices) * 2 < slices.len() {
        return None;
    }
    let parts = u32::try_from(counts.len()).ok()?;
    let split: Vec<Slice> = slices
        .iter()
        .map(|slice| {
            let part = counts
                .keys()
                .position(|number| *number == slice.acquisition_number);
            let part = u32::try_from(part.unwrap_or(0)).unwrap_or(0);
            Slice {
                sub_volume: slice.sub_volume.saturating_mul(parts).saturating_add(part),
                ..*slice
            }
        })
        .collect();
    (doubles(&split) == 0).then_some((split, counts.len()))
}
