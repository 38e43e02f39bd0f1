//! F01 to F09: what arrived, file by file.

use super::{Context, Findings};
use crate::problem::{Problem, ProblemKind};
use crate::text::counted;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings<'_>) {
    let input = context.input;
    let medium = &input.medium;
    let papers = input.documents.len() + medium.picture_count;
    if context.gathered.images == 0 && papers > 0 {
        let detail = counted(papers, "document or picture", "documents or pictures");
        findings.add("F01", "the upload", detail);
    }
    if context.gathered.instances == 0 && papers == 0 {
        findings.add("F02", "the upload", "");
    }
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
        (
            "F06",
            &[ProblemKind::Truncated, ProblemKind::IncompleteArchive][..],
        ),
        ("F07", &[ProblemKind::Conflict][..]),
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
