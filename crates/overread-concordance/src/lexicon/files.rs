//! Here stand the data files as they are written.

use std::collections::HashMap;

use serde::Deserialize;

/// What each region adds to the words of all.
const REGIONS: [&str; 9] = [
    include_str!("../../data/regions/spine.json"),
    include_str!("../../data/regions/head.json"),
    include_str!("../../data/regions/chest.json"),
    include_str!("../../data/regions/abdomen.json"),
    include_str!("../../data/regions/neck.json"),
    include_str!("../../data/regions/heart.json"),
    include_str!("../../data/regions/liver.json"),
    include_str!("../../data/regions/pelvis.json"),
    include_str!("../../data/regions/limbs.json"),
];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionFile {
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "checked_on")]
    _checked_on: String,
    #[serde(rename = "about")]
    _about: String,
    gates: Vec<(String, String)>,
    node_gates: Vec<(String, String)>,
    resolve: Vec<(String, String, String)>,
    nodes: Vec<NodeEntry>,
    more_nodes: Vec<(String, String)>,
    findings: Vec<FindingEntry>,
    more_findings: Vec<(String, String)>,
}

fn unknown(id: &str) -> serde_json::Error {
    serde::de::Error::custom(format!("more terms for {id}, which is not known"))
}

/// Reads the findings and the places, those of every region behind those of all.
pub(super) fn load() -> serde_json::Result<(FindingsFile, AnatomyFile)> {
    let mut findings: FindingsFile =
        serde_json::from_str(include_str!("../../data/findings.json"))?;
    let mut anatomy: AnatomyFile = serde_json::from_str(include_str!("../../data/anatomy.json"))?;
    for text in REGIONS {
        let region: RegionFile = serde_json::from_str(text)?;
        findings.gates.extend(region.gates);
        findings.resolve.extend(region.resolve);
        findings.findings.extend(region.findings);
        anatomy.gates.extend(region.node_gates);
        anatomy.nodes.extend(region.nodes);
        for (id, terms) in region.more_findings {
            let known = findings.findings.iter_mut().find(|f| f.id == id);
            let entry = known.ok_or_else(|| unknown(&id))?;
            entry.terms = format!("{}; {terms}", entry.terms);
        }
        for (id, terms) in region.more_nodes {
            let known = anatomy.nodes.iter_mut().find(|n| n.id == id);
            let entry = known.ok_or_else(|| unknown(&id))?;
            entry.terms = format!("{}; {terms}", entry.terms);
        }
    }
    Ok((findings, anatomy))
}

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
    pub(super) purposes: PurposesFile,
    pub(super) presupposed: PresupposedFile,
    pub(super) tables: TablesFile,
    pub(super) patient: PatientFile,
    pub(super) whole_exam: WholeExamFile,
    pub(super) end_matter: EndMatterFile,
    pub(super) spelling: SpellingFile,
}

/// Words of a sentence that presents the patient.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PatientFile {
    pub(super) terms: String,
}

/// Titles of the first column of a table.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TablesFile {
    pub(super) values: String,
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

/// Words behind a finding that is looked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PurposesFile {
    pub(super) words: String,
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
