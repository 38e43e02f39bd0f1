//! New exams whose sex contradicts other exams of the case.

use overread_model::completeness::{PersonIdentity, contradicts_sex};
use overread_store::checks::StudyRow;

/// Lets new exams wait whose sex contradicts the exams that the case shows, where the request names none; while it shows none
/// with a sex, the new ones among each other: which of them is the patient's nobody knows.
pub(super) fn hold_other_sex(
    wanted: &PersonIdentity,
    shown: &[StudyRow],
    judged: &mut [(StudyRow, Option<&'static str>)],
) {
    let is_known = |sex: &Option<String>| {
        let sex = sex.as_deref();
        contradicts_sex(sex, Some("M")) || contradicts_sex(sex, Some("F"))
    };
    if is_known(&wanted.sex) {
        return;
    }
    let of_shown = shown.iter().map(|study| study.patient_sex.clone());
    let mut given: Vec<Option<String>> = of_shown.filter(is_known).collect();
    if given.is_empty() {
        let new = judged.iter().filter(|(_, reason)| reason.is_none());
        given.extend(new.map(|(study, _)| study.patient_sex.clone()));
    }
    for (study, reason) in judged.iter_mut().filter(|(_, reason)| reason.is_none()) {
        let own = study.patient_sex.as_deref();
        let is_shown = shown.iter().any(|row| row.id == study.id);
        if !is_shown
            && given
                .iter()
                .any(|other| contradicts_sex(own, other.as_deref()))
        {
            *reason = Some(
                "These images give another sex than other exams sent for this case, and the request gives none. Find out which exam is this patient's, and say the sex in the request.",
            );
        }
    }
}
