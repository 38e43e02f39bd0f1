//! Here stand the data files as they are written.

use std::collections::HashMap;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
pub(super) struct FindingsFile {
    pub(super) gates: Vec<(String, String)>,
    pub(super) resolve: Vec<(String, String, String)>,
    pub(super) findings: Vec<FindingEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FindingEntry {
    pub(super) id: String,
    pub(super) isa: String,
    pub(super) also: String,
    pub(super) site: String,
    pub(super) cat: String,
    pub(super) terms: String,
    pub(super) needs: String,
    pub(super) resolve: String,
    pub(super) kind: String,
    pub(super) var: String,
    pub(super) summary: String,
    pub(super) rank: u8,
    pub(super) w: u8,
    pub(super) dx: u8,
    pub(super) mal: u8,
    pub(super) ben: u8,
    pub(super) desc: u8,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct AnatomyFile {
    pub(super) gates: Vec<(String, String)>,
    pub(super) fetal: Vec<(String, String)>,
    pub(super) limb_veins: Vec<(String, String)>,
    pub(super) nodes: Vec<NodeEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeEntry {
    pub(super) id: String,
    pub(super) r#in: String,
    pub(super) also: String,
    pub(super) terms: String,
    pub(super) axis: String,
    pub(super) side: String,
    pub(super) organ: u8,
    pub(super) generic: u8,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct LanguageFile {
    pub(super) cues: Vec<CueEntry>,
    pub(super) answers: AnswersFile,
    pub(super) signs: SignsFile,
    pub(super) sections: HashMap<String, String>,
    pub(super) regions: HashMap<String, String>,
    pub(super) presupposed: PresupposedFile,
    pub(super) tables: TablesFile,
    pub(super) whole_exam: WholeExamFile,
    pub(super) end_matter: EndMatterFile,
    pub(super) spelling: SpellingFile,
}

/// Titles of the first column of a table.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TablesFile {
    pub(super) titles: String,
}

/// Words and endings of findings that have no name in the lexicon.
#[derive(Debug, Default, Deserialize)]
pub(super) struct SignsFile {
    pub(super) terms: String,
    pub(super) endings: String,
}

/// Words that answer a template, by what they answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AnswersFile {
    pub(super) table: Vec<AnswerEntry>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct AnswerEntry {
    pub(super) kind: String,
    pub(super) terms: String,
}

/// Words of what stands below a report: signatures, addresses, notices.
#[derive(Debug, Default, Deserialize)]
pub(super) struct EndMatterFile {
    /// The report ends here.
    pub(super) closing: String,
    /// The line itself is no statement.
    pub(super) line: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct PresupposedFile {
    pub(super) link: String,
    pub(super) definite: String,
    pub(super) gone: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct WholeExamFile {
    pub(super) words: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CueEntry {
    pub(super) kind: String,
    #[serde(default)]
    pub(super) value: serde_json::Value,
    pub(super) terms: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct SpellingFile {
    pub(super) replace: Vec<(String, String)>,
    pub(super) plural: HashMap<String, String>,
    pub(super) abbreviation: HashMap<String, String>,
    pub(super) common_words: String,
}
