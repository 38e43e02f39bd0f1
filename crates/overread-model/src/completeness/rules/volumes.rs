//! S01 to S06, S09 and S10: slices and frames that seem to be missing.

use super::{Context, Findings, StudyView};
use crate::completeness::gather::SeriesGathered;
use crate::completeness::series::SeriesSummary;
use crate::completeness::slices::{Gap, Plane, Stack, number_holes};
use crate::completeness::tables::Severity;
use crate::text::counted;

/// From this part of missing slices on, a series is not diagnostic.
const MISSING_MUCH: f64 = 0.10;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings<'_>) {
    for view in &context.studies {
        for (series, summary) in view.series.iter().filter(|(series, _)| series.images > 0) {
            check_frames(series, summary, findings);
            check_acquisitions(series, summary, findings);
            if !summary.localizer {
                check_stacks(view, series, summary, findings);
            }
        }
        check_references(context, view, findings);
    }
}

fn check_stacks(
    view: &StudyView<'_>,
    series: &SeriesGathered,
    summary: &SeriesSummary,
    findings: &mut Findings<'_>,
) {
    let mut has_gap = false;
    for stack in &summary.stacks {
        if stack.irregular {
            let detail =
                "distances between slices differ, so nothing can be said about missing ones";
            findings.add("S10", summary.subject(), detail);
        } else if !stack.gaps.is_empty() {
            has_gap = true;
            check_gaps(view, series, summary, stack, findings);
        }
    }
    let (starts_at, holes) = number_holes(&series.numbers);
    if holes > 0 && !has_gap && !summary.stacks.is_empty() {
        let detail = format!(
            "{}, while the slices lie evenly",
            missing_words(holes, series.images, "number")
        );
        findings.add("S02", summary.subject(), detail);
    }
    // Only slices are numbered from 1 by custom; ultrasound and projections number as they like.
    let sliced = matches!(series.modality.as_str(), "CT" | "MR" | "PT");
    if let Some(start) = starts_at.filter(|start| *start > 1 && sliced)
        && !has_lower_numbers(view, series, start)
    {
        findings.add(
            "S03",
            summary.subject(),
            format!("the first image has the number {start}"),
        );
    }
    if let Some((low, high)) = summary.uneven_phases {
        findings.add(
            "S09",
            summary.subject(),
            format!("from {low} to {high} slices"),
        );
    }
}

/// Says whether another series of the study holds the numbers before the first of this one.
fn has_lower_numbers(view: &StudyView<'_>, series: &SeriesGathered, start: i64) -> bool {
    view.series
        .iter()
        .filter(|(other, _)| !std::ptr::eq(*other, series) && other.modality == series.modality)
        .any(|(other, _)| {
            other
                .numbers
                .iter()
                .flatten()
                .any(|number| *number == start - 1)
        })
}

fn check_gaps(
    view: &StudyView<'_>,
    series: &SeriesGathered,
    summary: &SeriesSummary,
    stack: &Stack,
    findings: &mut Findings<'_>,
) {
    let consecutive = |gap: &Gap| match gap.between {
        [Some(a), Some(b)] => a.abs_diff(b) == 1,
        _ => false,
    };
    let is_spine = view.regions.iter().any(|region| region == "spine");
    let axial = stack.nearest.0 == Plane::Axial;
    // Blocks of slices through discs are one series with wide steps between them; their numbers run on.
    if series.modality == "MR" && is_spine && axial && stack.gaps.iter().all(consecutive) {
        let blocks = stack.gaps.len() + 1;
        let detail = format!(
            "{blocks} blocks of slices with steps between them; their numbers run on, so this is how it was planned"
        );
        return findings.add_as("S01", Severity::Info, summary.subject(), detail);
    }
    let much = stack.missing as f64 > MISSING_MUCH * (stack.count + stack.missing) as f64;
    let severity = if much {
        Severity::Blocker
    } else {
        Severity::Warning
    };
    let place = stack.gaps.first().map(place_of).unwrap_or_default();
    let detail = format!(
        "{}{place}",
        missing_words(stack.missing, stack.count, "slice")
    );
    findings.add_as("S01", severity, summary.subject(), detail);
}

/// Returns how many are missing; no number when it would say nothing.
fn missing_words(missing: usize, present: usize, one: &str) -> String {
    if missing > present {
        format!("many {one}s")
    } else {
        format!("about {}", counted(missing, one, &format!("{one}s")))
    }
}

fn place_of(gap: &Gap) -> String {
    match gap.between {
        [Some(a), Some(b)] => format!(", between image {} and image {}", a.min(b), a.max(b)),
        _ => String::new(),
    }
}

fn check_acquisitions(
    series: &SeriesGathered,
    summary: &SeriesSummary,
    findings: &mut Findings<'_>,
) {
    let short = series
        .acquisitions
        .values()
        .filter(|(have, wanted)| i64::try_from(*have).is_ok_and(|have| have < *wanted));
    let (mut have, mut wanted) = (0_i64, 0_i64);
    for (count, recorded) in short {
        have += i64::try_from(*count).unwrap_or(0);
        wanted = wanted.saturating_add(*recorded);
    }
    if wanted > 0 {
        findings.add(
            "S04",
            summary.subject(),
            format!("{have} of {wanted} images are here"),
        );
    }
}

fn check_frames(series: &SeriesGathered, summary: &SeriesSummary, findings: &mut Findings<'_>) {
    if series.frame_mismatch > 0 {
        findings.add(
            "S06",
            summary.subject(),
            counted(series.frame_mismatch, "image", "images"),
        );
    }
}

/// Looks for instances that others refer to and that did not come.
fn check_references(context: &Context<'_>, view: &StudyView<'_>, findings: &mut Findings<'_>) {
    let received = &context.gathered.received;
    let absent = |names: &std::collections::HashSet<[u8; 16]>| {
        names
            .iter()
            .filter(|name| !received.contains(*name))
            .count()
    };
    let missing = absent(&view.study.referenced);
    if missing > 0 {
        let proof = if view.study.referenced_by_whole_content {
            ", and the list of the whole study names them"
        } else {
            ""
        };
        let detail = format!("{}{proof}", counted(missing, "image", "images"));
        return findings.add("S05", view.subject(), detail);
    }
    // Reconstructions often travel without their sources, and name their localizer too: good to know, no more.
    let sources = absent(&view.study.sources);
    if sources > 0 {
        let images = counted(sources, "image", "images");
        let detail = format!("{images} from which others were reconstructed");
        findings.add_as("S05", Severity::Info, view.subject(), detail);
    }
}
