//! What was wrong with what arrived, as far as nothing that came later repaired it.

use overread_ingest::{Receipt, ReceiptSeries};
use overread_model::completeness::MediumFacts;
use overread_model::ids::CaseId;
use overread_model::problem::{Problem, ProblemKind};
use overread_store::{Tx, deliveries, held_papers};

use crate::{StepResult, filing};

/// Returns the problems that still stand, and what the media showed.
pub(super) async fn of_case(
    tx: &mut Tx,
    case_id: &CaseId,
) -> StepResult<(Vec<Problem>, MediumFacts)> {
    // Newest first.
    let receipts: Vec<Receipt> = deliveries::list_of_case(tx, case_id)
        .await?
        .into_iter()
        .filter_map(|delivery| serde_json::from_str(delivery.receipt.as_deref()?).ok())
        .collect();
    let mut problems = Vec::new();
    let (held_studies, held_papers) = held_papers::count_waiting(tx, case_id).await?;
    let mut medium = MediumFacts {
        held_study_count: usize::try_from(held_studies).unwrap_or_default(),
        held_paper_count: usize::try_from(held_papers).unwrap_or_default(),
        outside_study_count: filing::outside(tx, case_id).await?.len(),
        ..MediumFacts::default()
    };
    for (place, receipt) in receipts.iter().enumerate() {
        medium.duplicate_count += usize::try_from(receipt.duplicates).unwrap_or(usize::MAX);
        medium.program_count += usize::try_from(receipt.other_files).unwrap_or(usize::MAX);
        medium.picture_count += receipt
            .documents
            .iter()
            .filter(|paper| paper.kind == "picture")
            .count();
        let later = receipts.get(..place).unwrap_or_default();
        let is_repaired = later.iter().any(|later| repairs(later, receipt));
        let lost =
            is_repaired && receipt.problems.iter().any(is_of_a_bad_copy) && is_empty(receipt);
        let is_locked = receipt
            .problems
            .iter()
            .any(|problem| problem.kind == ProblemKind::Encrypted);
        medium.lost_upload_count += usize::from(lost && !is_locked);
        medium.locked_upload_count += usize::from(lost && is_locked);
        problems.extend(
            receipt
                .problems
                .iter()
                .filter(|problem| !(is_repaired && is_of_a_bad_copy(problem)))
                .cloned(),
        );
    }
    Ok((problems, medium))
}

/// Says whether a problem is one of the copy that arrived, which a better copy repairs.
fn is_of_a_bad_copy(problem: &Problem) -> bool {
    use ProblemKind::{
        BadDicomdir, Encrypted, IncompleteArchive, Io, MissingFromMedia, Truncated, Unreadable,
    };
    matches!(
        problem.kind,
        Truncated
            | IncompleteArchive
            | MissingFromMedia
            | Unreadable
            | BadDicomdir
            | Io
            | Encrypted
    )
}

fn is_empty(receipt: &Receipt) -> bool {
    !receipt.is_usable() && receipt.documents.is_empty()
}

/// Says whether a delivery is a better copy of an earlier one: nothing is wrong with it, and it holds every series of the
/// earlier one and as many files.
fn repairs(later: &Receipt, earlier: &Receipt) -> bool {
    if later.problems.iter().any(is_of_a_bad_copy) || !later.is_usable() {
        return false;
    }
    let counted = |receipt: &Receipt| series(receipt).map(|one| one.instances).sum::<u64>();
    let holds = |wanted: &ReceiptSeries| {
        series(later).any(|one| {
            one.series_instance_uid == wanted.series_instance_uid
                && one.instances >= wanted.instances
        })
    };
    series(earlier).all(holds)
        && counted(later) >= counted(earlier)
        && later.files_seen >= earlier.files_seen
}

fn series(receipt: &Receipt) -> impl Iterator<Item = &ReceiptSeries> {
    receipt.studies.iter().flat_map(|study| &study.series)
}
