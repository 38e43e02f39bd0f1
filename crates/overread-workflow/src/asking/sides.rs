//! What the free answers say against the scan: another place, or its other side.

use overread_model::choosing::names_a_side;

use super::{Why, fields};
use crate::casework::Intake;
use crate::{Workflow, exams};

/// The answers in people's own words that may name a side: their keys, and what they say.
pub(super) fn free_answers(why: &Why) -> [(&'static str, &str); 4] {
    [
        ("symptoms", &why.symptoms),
        ("reason", &why.reason),
        ("question", &why.question),
        ("diagnosis", &why.diagnosis),
    ]
}

/// Returns the keys of the free answers that name a side: whoever corrects the side of the scan has them before their eyes.
pub(super) fn naming_a_side(ctx: &Workflow, why: &Why) -> Vec<&'static str> {
    let map = &ctx.knowledge.specialties;
    let naming = free_answers(why).into_iter();
    let naming = naming.filter(|(_, text)| names_a_side(text, map));
    naming.map(|(key, _)| key).collect()
}

/// Says in words which free answers are of another place or side than the scan: to be asked, and no reason to keep the request.
pub(crate) fn differing_answers(ctx: &Workflow, intake: &Intake) -> Vec<String> {
    let (asked, map) = (exams::asked(intake), &ctx.knowledge.specialties);
    let complaint = asked.differs_from_complaint(&intake.why.symptoms, map);
    let has_complaint = complaint.is_some();
    let answers = free_answers(&intake.why).into_iter();
    let sided = answers
        .filter(|(key, _)| *key != "symptoms" || !has_complaint)
        .filter_map(|(key, text)| {
            let told = asked.differs_in_side(text, map)?;
            Some(format!("{}: {told}", fields::name(key)))
        });
    complaint.into_iter().chain(sided).collect()
}
