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
    let mut entries = check_entries(knowledge);
    entries.extend(choice_entries(knowledge));
    entries.extend(intake_entries(knowledge));
    entries.extend(paper_entries(knowledge));
    entries
}

/// Writes one entry; `words` are its id, its title and its source.
fn entry(file: &'static str, words: [&str; 3], needs_sign_off: bool) -> Entry {
    let [id, title, source] = words.map(str::to_owned);
    Entry {
        file,
        id,
        title,
        source,
        needs_sign_off,
    }
}

fn check_entries(knowledge: &Knowledge) -> Vec<Entry> {
    let rules = knowledge.rules.rules.iter().map(|rule| {
        let words = [&rule.id, &rule.title_en, &rule.source].map(String::as_str);
        entry("completeness/rules.json", words, rule.needs_sign_off)
    });
    let protocols = knowledge.rules.protocols.iter().map(|item| {
        let words = [&item.id, &item.id, &item.source].map(String::as_str);
        entry("completeness/protocols.json", words, item.needs_sign_off)
    });
    rules.chain(protocols).collect()
}

fn choice_entries(knowledge: &Knowledge) -> Vec<Entry> {
    let file = "subspecialty/map.json";
    let subspecialties = knowledge.specialties.subspecialties.iter().map(|item| {
        let words = [&item.id, &item.en, &item.source].map(String::as_str);
        entry(file, words, item.needs_sign_off)
    });
    let rules = knowledge.specialties.rules.iter().map(|item| {
        let words = [&item.id, &item.primary, &item.source].map(String::as_str);
        entry(file, words, item.needs_sign_off)
    });
    subspecialties.chain(rules).collect()
}

fn intake_entries(knowledge: &Knowledge) -> Vec<Entry> {
    let file = "triggers.json";
    let tables = &knowledge.intake;
    let triggers = tables.triggers.iter().map(|item| {
        let words = [&item.id, &item.en, &item.source].map(String::as_str);
        entry(file, words, item.needs_sign_off)
    });
    let flags = tables.red_flags.items.iter().map(|item| {
        let words = [&item.id, &item.en, &item.source].map(String::as_str);
        entry(file, words, item.needs_sign_off)
    });
    let urgency = tables.urgency.iter().map(|item| {
        entry(
            file,
            [item.id.as_str(), &item.rule, &item.source],
            item.needs_sign_off,
        )
    });
    triggers.chain(flags).chain(urgency).collect()
}

fn paper_entries(knowledge: &Knowledge) -> Vec<Entry> {
    let sections = knowledge.report.sections.iter().map(|item| {
        let words = [&item.id, &item.en, &item.source].map(String::as_str);
        entry("report/sections.json", words, false)
    });
    let letters = knowledge.letters.letters.iter().map(|item| {
        let words = [&item.id, &item.title.en, &item.source].map(String::as_str);
        entry("letters/catalog.json", words, false)
    });
    let consent = knowledge.consent.all().map(|item| {
        let words = [&item.id, &item.text.en, &item.source].map(String::as_str);
        entry("consent/text.json", words, item.needs_sign_off)
    });
    let clock = |plans: &[String], title: &str, source: &str| {
        entry(
            "insurance/timeframes.json",
            [&plans.join(" "), title, source],
            false,
        )
    };
    let coverage = &knowledge.coverage;
    let decisions = coverage
        .decision_clocks
        .iter()
        .map(|item| clock(&item.plan, "decision clock", &item.source));
    let appeals = coverage
        .appeal_clocks
        .iter()
        .map(|item| clock(&item.plan, "appeal clock", &item.source));
    let glossary = knowledge.glossary.parts().iter().map(|part| {
        let title = format!("{} terms explained", part.terms.len());
        let words = [part.region.as_str(), &title, &part.source];
        entry("glossary", words, part.needs_sign_off)
    });
    let withheld = &knowledge.first_reading;
    let withheld = withheld.entries.iter().map(|(id, why)| {
        let file = "reading/first_reading_attributes.json";
        entry(file, [id.as_str(), why, &withheld.source], false)
    });
    sections
        .chain(withheld)
        .chain(letters)
        .chain(consent)
        .chain(glossary)
        .chain(decisions)
        .chain(appeals)
        .collect()
}
