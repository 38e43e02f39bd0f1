//! Images held back whose name cannot be the patient's.

use overread_model::completeness::has_other_name;
use overread_store::checks::HeldRow;

use super::named_by;
use crate::casework::CaseFile;
use crate::{checking, records};

/// Says whether images held back give a name that cannot be the patient's.
pub(crate) fn has_another_name(file: &CaseFile, row: &HeldRow) -> bool {
    has_other_name(&checking::patient_of(&file.intake), &named_by(&row.study))
}

/// Returns both names as a line of the record, where images of another name are called the patient's.
pub(super) fn other_name_told(file: &CaseFile, row: &HeldRow) -> Option<String> {
    has_another_name(file, row).then(|| {
        let named = records::readable_name(row.study.patient_name.as_deref());
        let asked = file.intake.who.patient_name.trim();
        format!("\nThe images give another name than the request: name {asked} / {named}.")
    })
}
