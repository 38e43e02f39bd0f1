//! What can be chosen in the wizard, in words.

use overread_workflow::asking::Urgency;

use crate::state::WebState;

/// Value and words.
type Options = Vec<(&'static str, &'static str)>;

/// A trigger that can be ticked.
pub(super) struct Tick {
    /// Its id.
    pub(super) id: String,
    /// In words.
    pub(super) text: String,
}

/// A red flag, and whether it was answered with yes.
pub(super) struct Flag {
    /// Its id.
    pub(super) id: String,
    /// In words.
    pub(super) text: String,
    /// Answered with yes.
    pub(super) on: bool,
}

/// Every choice of the wizard.
pub(super) struct Choices {
    pub(super) requesters: Options,
    pub(super) sexes: Options,
    pub(super) languages: Options,
    pub(super) modalities: Options,
    pub(super) images_at: Options,
    pub(super) report_at: Options,
    pub(super) triggers: Vec<Tick>,
    /// States: code, and words as offered.
    pub(super) regions: Vec<(String, String)>,
}

impl Choices {
    /// Returns them as the person who asks is asked, or a coordinator who writes down what that person says.
    pub(super) fn new(state: &WebState, on_behalf: bool) -> Self {
        let triggers = &state.workflow.knowledge.intake.triggers;
        let table = &state.workflow.knowledge.regions;
        let not_known = if on_behalf {
            "Not known"
        } else {
            "I do not know"
        };
        Self {
            regions: table
                .regions
                .iter()
                .map(|region| (region.code.clone(), table.words(&region.code)))
                .collect(),
            requesters: requesters(on_behalf),
            sexes: vec![
                ("", "Not given"),
                ("F", "Female"),
                ("M", "Male"),
                ("O", "Other"),
            ],
            languages: vec![("en", "English"), ("es", "Español")],
            modalities: vec![
                ("", "Please choose"),
                ("MR", "MRI"),
                ("CT", "CT"),
                ("US", "Ultrasound"),
                ("CR", "X-ray"),
                ("MG", "Mammogram"),
                ("PT", "PET"),
                ("NM", "Bone scan or other nuclear medicine"),
            ],
            images_at: vec![
                (
                    "me",
                    if on_behalf {
                        "The person who asks: a disc, files or a download"
                    } else {
                        "I have them: a disc, files or a download"
                    },
                ),
                ("facility", "The hospital or clinic has them"),
                ("unknown", not_known),
            ],
            report_at: vec![
                (
                    "me",
                    if on_behalf {
                        "The person who asks"
                    } else {
                        "I have it"
                    },
                ),
                ("facility", "The hospital or clinic has it"),
                ("none", "There is none"),
                ("unknown", not_known),
            ],
            triggers: triggers
                .iter()
                .map(|trigger| Tick {
                    id: trigger.id.clone(),
                    text: trigger.en.clone(),
                })
                .collect(),
        }
    }

    /// Returns the words of a choice; nothing for a field that has none.
    pub(super) fn words(&self, field: &str, value: &str) -> Option<&'static str> {
        let options = match field {
            "requester" => &self.requesters,
            "patient_sex" => &self.sexes,
            "language" => &self.languages,
            "modality" => &self.modalities,
            "images_at" => &self.images_at,
            "report_at" => &self.report_at,
            _ => return None,
        };
        options
            .iter()
            .find(|(key, _)| *key == value)
            .map(|(_, words)| *words)
    }

    /// Returns a region as it is offered.
    pub(super) fn region<'a>(&'a self, code: &'a str) -> &'a str {
        let known = self.regions.iter().find(|(own, _)| own == code);
        known.map_or(code, |(_, words)| words)
    }

    /// Returns the words of the triggers that were ticked.
    pub(super) fn trigger_texts(&self, ids: &[String]) -> Vec<String> {
        self.triggers
            .iter()
            .filter(|trigger| ids.contains(&trigger.id))
            .map(|trigger| trigger.text.clone())
            .collect()
    }
}

/// Returns who may ask, as the person who asks is asked, or as a coordinator is.
fn requesters(on_behalf: bool) -> Options {
    if on_behalf {
        vec![
            ("patient", "The patient"),
            ("parent_guardian", "A parent or guardian, for a child"),
            (
                "personal_representative",
                "Somebody who acts for the patient",
            ),
            ("referring_physician", "A doctor, for a patient"),
            ("insurer", "An insurer, for an insured person"),
        ]
    } else {
        vec![
            ("patient", "For me"),
            ("parent_guardian", "For my child"),
            ("personal_representative", "For somebody I act for"),
            ("referring_physician", "For my patient: I am the doctor"),
            ("insurer", "For an insured person: I am the insurer"),
        ]
    }
}

/// Returns the red flags with what was answered.
pub(super) fn flags(state: &WebState, urgency: &Urgency) -> Vec<Flag> {
    let items = &state.workflow.knowledge.intake.red_flags.items;
    items
        .iter()
        .map(|flag| Flag {
            id: flag.id.clone(),
            text: flag.en.clone(),
            on: urgency.red_flags.contains(&flag.id),
        })
        .collect()
}

/// Returns the red flags in words, for the emergency page.
pub(crate) fn red_flag_texts(state: &WebState) -> Vec<&'static str> {
    let items = &state.workflow.knowledge.intake.red_flags.items;
    items.iter().map(|flag| flag.en.as_str()).collect()
}

/// Returns the advice as a sentence.
pub(super) fn advice(key: Option<&str>) -> &'static str {
    match key {
        Some("recommended") => "A second opinion is recommended in a situation like this.",
        Some(_) => "Asking for a second opinion is reasonable.",
        None => "",
    }
}

/// Returns the urgency in words.
pub(super) fn urgency(key: Option<&str>) -> &'static str {
    match key {
        Some("urgent") => "Urgent: read within one working day",
        Some("expedited") => "Faster: read within three working days",
        Some("standard") => "Normal: read within five working days",
        Some("emergent") => "Emergency: not a case for a second opinion",
        _ => "Not answered yet",
    }
}
