//! F01 to F14: what arrived, file by file.

use super::{Context, Findings};
use crate::completeness::NotKept;
use crate::completeness::tables::Severity;
use crate::problem::{Problem, ProblemKind};
use crate::refusal::{RefusalReason, RefusedSort};
use crate::text::{counted, listed};

pub(super) fn check(context: &Context<'_>, findings: &mut Findings<'_>) {
    let input = context.input;
    let medium = &input.medium;
    check_arrived(context, findings);
    check_not_kept(context, findings);
    if medium.no_header_count > 0 {
        findings.add(
            "F03",
            "the upload",
            counted(medium.no_header_count, "file", "files"),
        );
    }
    if medium.has_dicomdir == Some(false) && context.gathered.instances > 0 {
        findings.add("F05", "the disc", "every file was looked at instead");
    }
    if medium.duplicate_count > 0 {
        findings.add(
            "F08",
            "the upload",
            counted(medium.duplicate_count, "file", "files"),
        );
    }
    if medium.program_count > 0 {
        findings.add(
            "F09",
            "the disc",
            counted(medium.program_count, "file", "files"),
        );
    }
    for (rule, kinds) in [
        ("F04", &[ProblemKind::MissingFromMedia][..]),
        ("F06", &[ProblemKind::Truncated][..]),
        ("F07", &[ProblemKind::Conflict][..]),
        ("F10", &[ProblemKind::Encrypted][..]),
        ("F11", &[ProblemKind::IncompleteArchive][..]),
    ] {
        let found: Vec<&Problem> = input
            .problems
            .iter()
            .filter(|p| kinds.contains(&p.kind))
            .collect();
        if let Some(first) = found.first() {
            let files = counted(found.len(), "file", "files");
            let detail = match found.len() {
                1 => first.path.clone(),
                _ => format!("{files}, the first is {}", first.path),
            };
            findings.add(rule, "the upload", detail);
        }
    }
    for (rule, count) in [
        ("F06", medium.lost_upload_count),
        ("F10", medium.locked_upload_count),
    ] {
        if count > 0 {
            let uploads = counted(count, "earlier upload", "earlier uploads");
            let detail = format!(
                "nothing could be read of {uploads}, and a whole one came later; if that was something else, send the earlier one again"
            );
            findings.add_as(rule, Severity::Warning, "an earlier upload", detail);
        }
    }
    check_short(context, findings);
}

/// Looks whether any images are here, are kept elsewhere, or wait for a person.
fn check_arrived(context: &Context<'_>, findings: &mut Findings<'_>) {
    let input = context.input;
    let medium = &input.medium;
    let papers = input.documents.len() + medium.picture_count + medium.held_paper_count;
    let is_elsewhere = medium.outside_study_count > 0;
    let is_held = medium.held_study_count > 0;
    if is_held && context.gathered.images == 0 {
        let detail = counted(medium.held_study_count, "study", "studies");
        findings.add("F13", "the upload", detail);
    } else if is_elsewhere && context.gathered.images == 0 {
        let detail = counted(medium.outside_study_count, "study", "studies");
        findings.add("F12", "the upload", detail);
    } else if is_elsewhere {
        let detail = counted(medium.outside_study_count, "study", "studies");
        findings.add_as("F12", Severity::Warning, "the upload", detail);
    } else if context.gathered.images == 0 && papers > 0 {
        let detail = counted(papers, "document or picture", "documents or pictures");
        findings.add("F01", "the upload", detail);
    }
    let is_locked = |problem: &Problem| problem.kind == ProblemKind::Encrypted;
    let is_full = |line: &NotKept| line.reason == RefusalReason::NoRoom;
    let is_refused = input.not_kept.iter().any(is_full);
    let is_explained =
        is_elsewhere || is_held || is_refused || input.problems.iter().any(is_locked);
    if context.gathered.instances == 0 && papers == 0 && !is_explained {
        findings.add("F02", "the upload", "");
    }
}

/// Tells what was sent and refused, one finding for each reason.
fn check_not_kept(context: &Context<'_>, findings: &mut Findings<'_>) {
    let is_unread = |line: &NotKept| {
        (line.sort, line.reason) == (RefusedSort::Request, RefusalReason::Unusable)
    };
    let findings_of = RefusalReason::ALL.map(|reason| (reason, false));
    for (reason, unread) in findings_of
        .into_iter()
        .chain([(RefusalReason::Unusable, true)])
    {
        let not_kept = context.input.not_kept.iter();
        let is_of = |line: &&NotKept| line.reason == reason && is_unread(line) == unread;
        let lines: Vec<&NotKept> = not_kept.filter(is_of).collect();
        let Some(days) = days_of(&lines) else {
            continue;
        };
        let what: Vec<String> = lines.iter().map(|line| words_of(line)).collect();
        let (severity, why) = match reason {
            RefusalReason::NoRoom => (
                Severity::Blocker,
                "this case held as much as it may; send them again after an administrator of the practice has given it more room",
            ),
            RefusalReason::Deleted => (
                Severity::Blocker,
                "their exam was deleted then; it was restored since, so send them again",
            ),
            RefusalReason::Unusable if unread => (
                Severity::Blocker,
                "they had more than one upload may have, or too much that is no image, and what was left of them was not read; \
                 send it again in several uploads",
            ),
            RefusalReason::Unusable => (
                Severity::Warning,
                "they were no whole DICOM images, or others than their sender had announced",
            ),
        };
        let detail = format!("{}, {days}: {why}", listed(&what));
        findings.add_as("F14", severity, "what was sent", detail);
    }
}

/// Returns the days on which something was refused: `sent on March 2, 2026`.
fn days_of(lines: &[&NotKept]) -> Option<String> {
    let from = lines.iter().map(|line| line.from).min()?;
    let until = lines.iter().map(|line| line.until).max()?;
    Some(match from == until {
        true => format!("sent on {}", from.in_english()),
        false => format!("sent from {} to {}", from.in_english(), until.in_english()),
    })
}

fn words_of(line: &NotKept) -> String {
    let (one, many) = match line.sort {
        RefusedSort::Instance => ("image", "images"),
        RefusedSort::OtherContent => (
            "image with the identifier of another one",
            "images with the identifiers of others",
        ),
        RefusedSort::Paper => ("paper or picture", "papers or pictures"),
        RefusedSort::Unnamed => ("file that names no image", "files that name no image"),
        RefusedSort::Request => ("whole upload", "whole uploads"),
        RefusedSort::Further => ("further file", "further files"),
    };
    counted(line.count, one, many)
}

/// Looks for images that end before their data do.
fn check_short(context: &Context<'_>, findings: &mut Findings<'_>) {
    for view in &context.studies {
        for (series, summary) in view.series.iter().filter(|(series, _)| series.short > 0) {
            let detail = format!(
                "{} of {}",
                series.short,
                counted(series.images, "image", "images")
            );
            findings.add("F06", summary.subject(), detail);
        }
    }
}
