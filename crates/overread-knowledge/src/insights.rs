//! Every entry of the data with its source, for the page that lists what the program believes and why.

use crate::Knowledge;

/// One entry of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file it stands in.
    pub file: &'static str,
    /// Its name there.
    pub id: String,
    /// What it says.
    pub title: String,
    /// Where it comes from.
    pub source: String,
    /// A clinician must still agree to it.
    pub needs_sign_off: bool,
}

/// Returns every entry that has a name of its own.
pub fn entries(knowledge: &Knowledge) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut add = |file, id: &str, title: &str, source: &str, needs_sign_off| {
        entries.push(Entry {
            file,
            id: id.to_owned(),
            title: title.to_owned(),
            source: source.to_owned(),
            needs_sign_off,
        });
    };
    for rule in &knowledge.rules.rules {
        add(
            "completeness/rules.json",
            &rule.id,
            &rule.title_en,
            &rule.source,
            rule.needs_sign_off,
        );
    }
    for item in &knowledge.rules.protocols {
        add(
            "completeness/protocols.json",
            &item.id,
            &item.id,
            &item.source,
            item.needs_sign_off,
        );
    }
    for item in &knowledge.specialties.subspecialties {
        add(
            "subspecialty/map.json",
            &item.id,
            &item.en,
            &item.source,
            item.needs_sign_off,
        );
    }
    for item in &knowledge.specialties.rules {
        add(
            "subspecialty/map.json",
            &item.id,
            &item.primary,
            &item.source,
            item.needs_sign_off,
        );
    }
    for item in &knowledge.intake.triggers {
        add(
            "triggers.json",
            &item.id,
            &item.en,
            &item.source,
            item.needs_sign_off,
        );
    }
    for item in &knowledge.intake.red_flags.items {
        add(
            "triggers.json",
            &item.id,
            &item.en,
            &item.source,
            item.needs_sign_off,
        );
    }
    for item in &knowledge.intake.urgency {
        add(
            "triggers.json",
            item.id.as_str(),
            &item.rule,
            &item.source,
            item.needs_sign_off,
        );
    }
    for item in &knowledge.report.sections {
        add(
            "report/sections.json",
            &item.id,
            &item.en,
            &item.source,
            false,
        );
    }
    for item in &knowledge.coverage.decision_clocks {
        add(
            "insurance/timeframes.json",
            &item.plan.join(" "),
            "decision clock",
            &item.source,
            false,
        );
    }
    for item in &knowledge.coverage.appeal_clocks {
        add(
            "insurance/timeframes.json",
            &item.plan.join(" "),
            "appeal clock",
            &item.source,
            false,
        );
    }
    for item in &knowledge.letters.letters {
        add(
            "letters/catalog.json",
            &item.id,
            &item.title.en,
            &item.source,
            false,
        );
    }
    entries
}
