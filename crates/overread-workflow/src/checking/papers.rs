//! What the papers of a case are, for its check.

use overread_model::completeness::{DocumentFacts, DocumentKind, report_hints};
use overread_store::documents::{self, DocumentRow};
use overread_store::{Tx, held_papers, original_reports};

use crate::casework::CaseFile;
use crate::{StepResult, Workflow, limits, papers};

/// Returns the papers of the case as the rules see them.
pub(super) async fn papers_of(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
) -> StepResult<Vec<DocumentFacts>> {
    let original = original_reports::newest(tx, &file.case_id).await?;
    let taken = original_reports::documents(tx, &file.case_id).await?;
    let held = held_papers::list(tx, &file.case_id).await?;
    let mut list = Vec::new();
    let mut read_bytes = 0;
    for row in documents::list_of_case(tx, &file.case_id).await? {
        if row.kind == papers::LETTER
            || row.kind == "picture"
            || held.contains(&row.id)
            || taken.iter().any(|id| id == row.id.as_str())
        {
            continue;
        }
        let mut paper = paper_of(&row);
        let length = row.extent.length_bytes;
        // A PDF takes long to read: its text is looked at when it arrives and when it is taken as the report.
        if row.media_type == "text/plain" && read_bytes + length <= limits::CHECKED_TEXT_BYTES {
            read_bytes += length;
            let bytes = papers::bytes_if_readable(ctx, &row).await;
            paper.hints = report_hints(&papers::decoded(&bytes.unwrap_or_default()));
        }
        list.push(paper);
    }
    list.extend(original.map(|row| {
        let hints = report_hints(&row.body);
        DocumentFacts {
            kind: DocumentKind::OriginalReport,
            name: "the original report".to_owned(),
            clinical_date: hints.exam_date.or(row.report_date.parse().ok()),
            accession_number: None,
            hints,
        }
    }));
    Ok(list)
}

fn paper_of(row: &DocumentRow) -> DocumentFacts {
    let kind = if row.kind == "report" {
        DocumentKind::OriginalReport
    } else {
        DocumentKind::guess(&row.name)
    };
    DocumentFacts {
        kind,
        name: row.name.clone(),
        clinical_date: None,
        accession_number: None,
        hints: Default::default(),
    }
}
