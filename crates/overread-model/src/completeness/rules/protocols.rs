//! S07 and S08: series that exams of this kind often include. Soft: they never block.

use std::collections::BTreeSet;

use super::{Context, Findings, StudyView};
use crate::completeness::gather::SeriesGathered;
use crate::completeness::series::SeriesSummary;
use crate::completeness::slices::Plane;
use crate::completeness::tables::{Expectation, Protocol};
use crate::text::{folded, listed};

/// Regions in which one series may stand for several expected ones: a fat-suppressed axial is the axial plane too.
const ONE_FOR_MANY: [&str; 6] = [
    "knee",
    "shoulder",
    "hip",
    "elbow",
    "hand_wrist",
    "foot_ankle",
];
/// Fewest ultrasound pictures without a film.
const ULTRASOUND_STILLS: usize = 5;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings<'_>) {
    for view in &context.studies {
        if view.readable().next().is_none() {
            continue;
        }
        let words = view.words();
        for protocol in &context.tables.protocols {
            if fits(protocol, view, &words) {
                check_protocol(protocol, view, findings);
            }
        }
        check_contrast(view, findings);
    }
}

fn fits(protocol: &Protocol, view: &StudyView<'_>, words: &str) -> bool {
    let modality = view
        .readable()
        .any(|(series, _)| protocol.modality.contains(&series.modality));
    let region = protocol
        .groups
        .iter()
        .any(|group| group == "*" || view.regions.contains(group));
    modality
        && region
        && protocol
            .text
            .as_ref()
            .is_none_or(|text| text.is_match(words))
}

fn check_protocol(protocol: &Protocol, view: &StudyView<'_>, findings: &mut Findings<'_>) {
    let series: Vec<&(&SeriesGathered, SeriesSummary)> = view
        .readable()
        .filter(|(series, _)| protocol.modality.contains(&series.modality))
        .collect();
    let mut labels: Vec<String> = unmet(protocol, view, &series);
    labels.extend(missing_views(protocol, &series));
    labels.extend(thin_slices(protocol, &series));
    labels.extend(moving_pictures(protocol, &series));
    labels.extend(positron_partner(protocol, view, &series));
    if !labels.is_empty() {
        let detail = format!("{}; such exams often include it", listed(&labels));
        findings.add("S07", view.subject(), detail);
    }
}

/// Returns the labels of expected series that no series stands for.
fn unmet(
    protocol: &Protocol,
    view: &StudyView<'_>,
    series: &[&(&SeriesGathered, SeriesSummary)],
) -> Vec<String> {
    // Without geometry and names nothing can be told apart, and everything would seem missing.
    let told_apart = series
        .iter()
        .any(|(_, summary)| summary.counts_as.is_some());
    if protocol.expect.is_empty() || !told_apart {
        return Vec::new();
    }
    let wanted: Vec<&Expectation> = protocol
        .expect
        .iter()
        .filter(|item| !item.optional)
        .collect();
    let meets = |item: &Expectation| -> Vec<usize> {
        series
            .iter()
            .enumerate()
            .filter(|(_, (_, summary))| stands_for(item, summary))
            .map(|(index, _)| index)
            .collect()
    };
    let candidates: Vec<Vec<usize>> = wanted.iter().map(|item| meets(item)).collect();
    let shared = view
        .regions
        .iter()
        .any(|region| ONE_FOR_MANY.contains(&region.as_str()));
    let met: Vec<bool> = if shared {
        candidates.iter().map(|found| !found.is_empty()).collect()
    } else {
        match_up(&candidates, series.len())
    };
    let unmet = wanted.iter().zip(met).filter(|(_, met)| !met);
    unmet.map(|(item, _)| item.label.clone()).collect()
}

fn stands_for(item: &Expectation, summary: &SeriesSummary) -> bool {
    let plane = |plane: Plane| item.planes.iter().any(|wanted| wanted == plane.as_str());
    let any_plane = item.planes.iter().any(|wanted| wanted == "*");
    let plane_fits = any_plane
        || summary.counts_as.is_some_and(plane)
        || (summary.plane == Some(Plane::Oblique) && plane(Plane::Oblique));
    let weighting = summary
        .weighting
        .map_or("unknown", |weighting| weighting.as_str());
    // What cannot be told may be what is wanted: better no hint than a wrong one.
    let weighting_fits = weighting == "unknown"
        || item
            .weightings
            .iter()
            .any(|wanted| wanted == "*" || wanted == weighting);
    plane_fits && weighting_fits
}

/// Gives each expected series one of its own, as far as it goes (augmenting paths); says which were met.
fn match_up(candidates: &[Vec<usize>], series_count: usize) -> Vec<bool> {
    let mut taken: Vec<Option<usize>> = vec![None; series_count];
    for item in 0..candidates.len() {
        let mut tried = BTreeSet::new();
        place(item, candidates, &mut taken, &mut tried);
    }
    (0..candidates.len())
        .map(|item| taken.contains(&Some(item)))
        .collect()
}

fn place(
    item: usize,
    candidates: &[Vec<usize>],
    taken: &mut Vec<Option<usize>>,
    tried: &mut BTreeSet<usize>,
) -> bool {
    for &series in candidates.get(item).into_iter().flatten() {
        if !tried.insert(series) {
            continue;
        }
        let holder = taken.get(series).copied().flatten();
        let free = holder.is_none_or(|holder| place(holder, candidates, taken, tried));
        if free && let Some(slot) = taken.get_mut(series) {
            *slot = Some(item);
            return true;
        }
    }
    false
}

/// Returns the views of a projection exam that did not come.
fn missing_views(protocol: &Protocol, series: &[&(&SeriesGathered, SeriesSummary)]) -> Vec<String> {
    let mut missing = Vec::new();
    let views: BTreeSet<(&str, &str)> = series
        .iter()
        .flat_map(|(series, _)| &series.views)
        .map(|(side, view)| (side.as_str(), view.as_str()))
        .collect();
    // One breast alone is an exam of that side.
    let sides: BTreeSet<&str> = views
        .iter()
        .map(|(side, _)| *side)
        .filter(|side| matches!(*side, "L" | "R"))
        .collect();
    for side in sides {
        for view in &protocol.views.each_breast {
            if !views.contains(&(side, view.as_str())) {
                let words = if side == "L" { "left" } else { "right" };
                missing.push(format!("{words} {view} view"));
            }
        }
    }
    let images: usize = series.iter().map(|(series, _)| series.images).sum();
    if let Some(wanted) = protocol.views.min_views
        && images < wanted as usize
    {
        missing.push(format!("at least {wanted} views"));
    }
    missing
}

/// Returns a hint on thin slices when every axial series is thick.
fn thin_slices(
    protocol: &Protocol,
    series: &[&(&SeriesGathered, SeriesSummary)],
) -> Option<String> {
    let wanted = protocol.geometry.thinnest_axial_recommended_mm?;
    let thinnest = series
        .iter()
        .filter(|(_, summary)| summary.counts_as == Some(Plane::Axial))
        .filter_map(|(_, summary)| summary.slice_thickness_mm)
        .reduce(f64::min)?;
    // A hair above is the same slice, written by another console.
    (thinnest > wanted * 1.05).then(|| {
        format!("thin slices of {wanted} mm or less (the thinnest here are {thinnest} mm)")
    })
}

/// Returns hints on ultrasound pictures and films.
fn moving_pictures(
    protocol: &Protocol,
    series: &[&(&SeriesGathered, SeriesSummary)],
) -> Option<String> {
    if !protocol.modality.iter().any(|modality| modality == "US") {
        return None;
    }
    let stills: usize = series.iter().map(|(series, _)| series.stills).sum();
    let cines: usize = series.iter().map(|(series, _)| series.cines).sum();
    match (stills, cines) {
        (few, 0) if few < ULTRASOUND_STILLS => {
            Some("more pictures, or films (cine loops)".to_owned())
        }
        (_, 0) => Some("films (cine loops), which exports often leave out".to_owned()),
        _ => None,
    }
}

/// Returns a hint when the CT that belongs to a PET is missing.
fn positron_partner(
    protocol: &Protocol,
    view: &StudyView<'_>,
    series: &[&(&SeriesGathered, SeriesSummary)],
) -> Option<String> {
    if !protocol.modality.iter().any(|modality| modality == "PT") {
        return None;
    }
    let frame = |series: &SeriesGathered| series.frame_of_reference.clone();
    let matched = series.iter().any(|(pet, _)| {
        let partners = view
            .readable()
            .filter(|(other, _)| matches!(other.modality.as_str(), "CT" | "MR"));
        partners
            .into_iter()
            .any(|(other, _)| frame(other).is_some() && frame(other) == frame(pet))
    });
    (!matched).then(|| "the CT (or MR) series that belongs to the PET".to_owned())
}

/// Compares a mention of contrast with the series that came.
fn check_contrast(view: &StudyView<'_>, findings: &mut Findings<'_>) {
    let text = format!(" {} ", folded(&view.study.description));
    const WITH: [&str; 9] = [
        " WITH CON",
        " W CON",
        " W IV",
        " WITH AND WITHOUT",
        " W WO ",
        " W AND WO",
        " W W O",
        " CON CONTRASTE",
        " CON GADOLINIO",
    ];
    if !WITH.iter().any(|words| text.contains(words)) {
        return;
    }
    let after = view.series.iter().any(|(series, _)| {
        let raw = format!("{} {}", series.description, series.protocol_name).to_uppercase();
        let words = format!(" {} ", folded(&raw));
        series.contrast
            || raw.contains("+C")
            || raw.contains("C+")
            || [
                " POST",
                " GAD",
                " GD ",
                " CONTRAST",
                " CE ",
                " ARTERIAL",
                " PORTAL",
                " DELAYED",
                " VENOUS",
            ]
            .iter()
            .any(|word| words.contains(word))
    });
    if !after {
        findings.add("S08", view.subject(), "");
    }
}
