//! I01 to I12: whether the images are the originals, and can be read.

use super::{Context, Findings, StudyView};
use crate::completeness::gather::SeriesGathered;
use crate::completeness::tables::Severity;
use crate::problem::ProblemKind;
use crate::text::{counted, listed};

pub(super) fn check(context: &Context<'_>, findings: &mut Findings<'_>) {
    for view in &context.studies {
        check_study(context, view, findings);
        for (series, summary) in &view.series {
            check_series(series, summary.localizer, &summary.subject(), findings);
        }
    }
    let broken: Vec<&str> = context
        .input
        .problems
        .iter()
        .filter(|problem| problem.kind == ProblemKind::BadPixelData)
        .map(|problem| problem.path.as_str())
        .collect();
    if let Some(first) = broken.first() {
        let detail = match broken.len() {
            1 => (*first).to_owned(),
            many => format!("{}, the first is {first}", counted(many, "file", "files")),
        };
        findings.add("I11", "the upload", detail);
    }
}

fn check_study(context: &Context<'_>, view: &StudyView<'_>, findings: &mut Findings<'_>) {
    let sum = |count: fn(&SeriesGathered) -> usize| -> usize {
        view.series.iter().map(|(s, _)| count(s)).sum()
    };
    let images = sum(|series| series.images);
    if images == 0 {
        return;
    }
    let captures = sum(|series| series.secondary_captures);
    if captures == images {
        let mut kinds: Vec<&str> = view
            .series
            .iter()
            .flat_map(|(series, _)| &series.conversion_types)
            .filter_map(|code| context.tables.conversion_types.get(code))
            .map(String::as_str)
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let number = counted(images, "picture", "pictures");
        let detail = if kinds.is_empty() {
            number
        } else {
            format!("{number}, {}", listed(&kinds))
        };
        return findings.add("I03", view.subject(), detail);
    }
    let originals: Vec<bool> = view
        .series
        .iter()
        .filter(|(series, _)| series.images > series.secondary_captures)
        .map(|(_, summary)| summary.localizer)
        .collect();
    let sliced = view.series.iter().any(|(series, _)| {
        matches!(series.modality.as_str(), "CT" | "MR") && series.images > series.secondary_captures
    });
    // Ultrasound and projections are marked as derived by ordinary processing, so only slices count.
    if sliced && sum(|series| series.derived) == images {
        findings.add("I04", view.subject(), "");
    }
    if originals.iter().all(|localizer| *localizer) {
        findings.add("I05", view.subject(), "");
    } else if sliced && !originals.contains(&true) {
        findings.add("I06", view.subject(), "");
    }
    let projections = || {
        view.series
            .iter()
            .filter(|(s, _)| matches!(s.modality.as_str(), "MG" | "DX"))
    };
    let raw_only = projections()
        .all(|(s, _)| s.intents.iter().all(|i| i == "FOR PROCESSING") && !s.intents.is_empty());
    if projections().next().is_some() && raw_only {
        findings.add("I08", view.subject(), "");
    }
}

fn check_series(
    series: &SeriesGathered,
    localizer: bool,
    subject: &str,
    findings: &mut Findings<'_>,
) {
    if series.images == 0 {
        return;
    }
    let modality = series.modality.as_str();
    let of_all = |count: usize| format!("{count} of {}", counted(series.images, "image", "images"));
    if series.lossy > 0 {
        let severity = if modality == "MG" {
            Severity::Blocker
        } else {
            Severity::Warning
        };
        let ratio = series
            .lossy_ratio
            .map(|ratio| format!(", up to {ratio:.0} to 1"))
            .unwrap_or_default();
        findings.add_as(
            "I01",
            severity,
            subject,
            format!("{}{ratio}", of_all(series.lossy)),
        );
    }
    if series.burned_in > 0 {
        findings.add("I02", subject, of_all(series.burned_in));
    }
    if matches!(modality, "CT" | "MR") && series.eight_bit > 0 {
        findings.add("I07", subject, of_all(series.eight_bit));
    }
    if modality == "CT" && series.unscaled > 0 {
        findings.add("I09", subject, of_all(series.unscaled));
    }
    let smallest = match modality {
        "CT" | "MR" if !localizer => 128,
        "CR" | "DX" => 1000,
        "MG" => 2000,
        _ => 0,
    };
    if let Some(side) = series.smallest_side.filter(|side| *side < smallest) {
        findings.add("I10", subject, format!("{side} pixels on the short side"));
    }
    if series.uncalibrated == series.images && series.secondary_captures == 0 {
        findings.add("I12", subject, "");
    }
}
