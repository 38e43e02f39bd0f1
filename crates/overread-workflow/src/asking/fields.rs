//! Every answer of the wizard by name: as it is asked, and as it is told to others.

/// Key, the label of its field, and its name for people who were not asked; empty when the label says it to them too.
const FIELDS: [(&str, &str, &str); 38] = [
    ("requester", "I ask for a second opinion", "Who asks"),
    ("patient_name", "Full name of the patient", ""),
    ("patient_birth_date", "Date of birth of the patient", ""),
    (
        "patient_region",
        "Country and state where the patient lives",
        "",
    ),
    ("patient_sex", "Sex", ""),
    ("patient_mrn", "Patient number at the hospital", ""),
    (
        "sender_name",
        "Your own full name",
        "Name of the person who asks",
    ),
    (
        "relation",
        "The patient is my …",
        "The patient is the asker's",
    ),
    (
        "authority",
        "Why you may act for the patient",
        "Why that person may act for the patient",
    ),
    (
        "sender_credentials",
        "Your title, if you are a doctor",
        "Title of the person who asks",
    ),
    ("sender_email", "E-mail address", ""),
    ("sender_phone", "Telephone", ""),
    ("sender_address", "Postal address", ""),
    ("language", "Language for letters and messages", ""),
    ("modality", "Kind of scan", ""),
    ("body_part", "Part of the body", ""),
    ("date", "Day of the scan", ""),
    ("facility", "Hospital or clinic where it was made", ""),
    ("facility_address", "Address of its records department", ""),
    ("images_at", "Who has the images?", "Who has the images"),
    (
        "report_at",
        "Who has the first report?",
        "Who has the first report",
    ),
    ("name", "Name of the scan on the report", ""),
    (
        "first_reader",
        "Doctor who signed it",
        "Doctor who signed the first report",
    ),
    ("accession", "Accession number", ""),
    ("triggers", "Tick what is true for you", "Why now"),
    (
        "reason",
        "Anything else, in your own words",
        "Reason in own words",
    ),
    ("question", "Your question", "Question"),
    (
        "symptoms",
        "What do you feel?",
        "What is felt, or what is in doubt",
    ),
    (
        "diagnosis",
        "What were you told it is?",
        "Diagnosis as told",
    ),
    ("physician_name", "Name", "Doctor who treats the patient"),
    (
        "physician_email",
        "E-mail address",
        "E-mail address of the doctor",
    ),
    ("physician_role", "What kind of doctor", ""),
    ("physician_phone", "Telephone", "Telephone of the doctor"),
    (
        "red_flags",
        "Does one of these happen right now?",
        "Signs of an emergency",
    ),
    (
        "treatment_date",
        "Is a treatment or operation planned? On which day?",
        "Day of the planned treatment or operation",
    ),
    (
        "inpatient",
        "The patient is in hospital now",
        "The patient is in hospital",
    ),
    ("urgent_reason", "Another reason why it cannot wait", ""),
    ("answered", "The emergency questions were answered", ""),
];

/// Fields whose value is a word of ours, not of the person who typed.
const CODED: [&str; 6] = [
    "requester",
    "patient_sex",
    "language",
    "modality",
    "images_at",
    "report_at",
];

/// Returns every key.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(key, _, _)| *key)
}

/// Says whether the value is a word of ours, not of the person who typed.
pub(super) fn is_coded(field: &str) -> bool {
    CODED.contains(&field)
}

fn find(field: &str) -> (&'static str, &'static str) {
    FIELDS
        .iter()
        .find(|(key, _, _)| *key == field)
        .map_or(("", ""), |(_, label, name)| (*label, *name))
}

/// Returns the label of a field, to the person who is asked.
pub fn label(field: &str) -> &'static str {
    find(field).0
}

/// Returns the name of an answer, for everybody.
pub fn name(field: &str) -> &'static str {
    match find(field) {
        (label, "") => label,
        (_, name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::{label, name};
    use crate::casework::Intake;

    #[test]
    fn every_answer_has_a_name() {
        let all = serde_json::to_value(Intake::default()).unwrap();
        for (_, part) in all.as_object().unwrap() {
            for (field, _) in part.as_object().unwrap() {
                assert!(
                    !label(field).is_empty() && !name(field).is_empty(),
                    "{field}"
                );
            }
        }
    }
}
