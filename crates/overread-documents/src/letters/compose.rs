//! Puts a letter together from its template and its facts.

use std::collections::BTreeMap;

use overread_model::letter::{
    Frame, Language, LetterCatalog, LetterKind, Requester, Template, TemplateBlock,
};
use overread_model::time::CalendarDate;

use super::placeholders::{Filled, capital, fill_marking, sentence};
use super::{
    Block, FactProblem, FactProblemKind, Letter, LetterFacts, SignatureLines, html, rules,
};
use crate::cleaning;

/// Writes a letter.
///
/// `today` is the date on it unless the facts name another.
///
/// # Errors
/// Everything that is missing or does not fit together, each with the name of its fact. A letter is never written
/// with a gap.
pub fn compose(
    catalog: &LetterCatalog,
    kind: &LetterKind,
    facts: &LetterFacts,
    language: Language,
    today: CalendarDate,
) -> Result<Letter, Vec<FactProblem>> {
    let facts = rules::complete(catalog, kind, facts, language, today);
    let problems = rules::check(catalog, kind, &facts, language);
    if !problems.is_empty() {
        return Err(problems);
    }
    let (letter, missing) = write(catalog, kind, &facts, (language, today), false)?;
    if missing.is_empty() {
        Ok(letter)
    } else {
        Err(missing)
    }
}

/// A letter as it stands while its facts are still being filled in. It is shown and never printed or sent.
pub struct Preview {
    /// The letter as one escaped `<article class="letter">`; a gap is a `<mark class="letter-gap">` that names its fact.
    pub html: String,
    /// What stands against writing it.
    pub problems: Vec<FactProblem>,
}

/// Shows a letter as far as its facts go, with its gaps marked.
pub fn preview(
    catalog: &LetterCatalog,
    kind: &LetterKind,
    facts: &LetterFacts,
    language: Language,
    today: CalendarDate,
) -> Preview {
    let facts = rules::complete(catalog, kind, facts, language, today);
    let mut problems = rules::check(catalog, kind, &facts, language);
    let html = match write(catalog, kind, &facts, (language, today), true) {
        Ok((letter, missing)) => {
            problems.extend(missing);
            marked(catalog, language, html::render(&letter))
        }
        Err(unknown) => {
            problems.extend(unknown);
            String::new()
        }
    };
    let mut known: Vec<FactProblem> = Vec::new();
    for problem in problems {
        if !known.contains(&problem) {
            known.push(problem);
        }
    }
    Preview {
        html,
        problems: known,
    }
}

/// Writes the letter from complete facts; what is missing leaves nothing or a marked gap, and is told.
fn write(
    catalog: &LetterCatalog,
    kind: &LetterKind,
    facts: &LetterFacts,
    (language, today): (Language, CalendarDate),
    mark_gaps: bool,
) -> Result<(Letter, Vec<FactProblem>), Vec<FactProblem>> {
    let templates = catalog.templates.of(language);
    let Some(template) = templates.letters.get(&kind.id) else {
        let problem = FactProblemKind::Unknown { meant: None };
        return Err(vec![FactProblem::new(catalog, &kind.id, problem)]);
    };
    let marked_keys = if mark_gaps {
        rules::required_keys(kind, facts.requester)
    } else {
        Vec::new()
    };
    let mut desk = Desk {
        catalog,
        facts,
        language,
        words: &templates.common.words,
        missing: Vec::new(),
        mark_gaps,
        marked_keys,
    };
    let letter = desk.letter(kind, template, today);
    desk.missing.sort();
    desk.missing.dedup();
    let missing = desk
        .missing
        .iter()
        .map(|key| FactProblem::new(catalog, key, FactProblemKind::Missing))
        .collect();
    Ok((letter, missing))
}

/// Puts the marks of gaps into a page. Only the names of facts become marks, whatever the facts themselves hold.
fn marked(catalog: &LetterCatalog, language: Language, mut page: String) -> String {
    for field in catalog.fields.values() {
        let label = field.label.of(language);
        let mark = format!(
            "<mark class=\"letter-gap\">{}</mark>",
            cleaning::html(label)
        );
        page = page.replace(&cleaning::html(&gap_of(label)), &mark);
    }
    page
}

fn gap_of(label: &str) -> String {
    format!("⟦{label}⟧")
}

/// Returns the fact that a form asks for where a template names one that is made from it.
fn asked_key(key: &str) -> &str {
    match key {
        "exam.title" => "exam.name",
        "recipient.formal_name" => "recipient.name",
        _ => key,
    }
}

struct Desk<'a> {
    catalog: &'a LetterCatalog,
    facts: &'a LetterFacts,
    language: Language,
    words: &'a BTreeMap<String, String>,
    missing: Vec<String>,
    mark_gaps: bool,
    /// Facts whose absence leaves a mark even where no template names them; empty unless gaps are marked.
    marked_keys: Vec<&'a str>,
}

impl Desk<'_> {
    fn letter(&mut self, kind: &LetterKind, template: &Template, today: CalendarDate) -> Letter {
        let common = &self.catalog.templates.of(self.language).common;
        let is_form = kind.frame == Frame::Form;
        let salutation = match self.facts.text("recipient.kind") {
            Some(recipient) if !is_form => common.salutation.get(recipient).cloned(),
            _ => None,
        };
        let closing = template.closing.as_deref().unwrap_or("default");
        let closing = common.closing.get(closing).filter(|_| !is_form);
        Letter {
            kind: kind.id.clone(),
            title: kind.title.of(self.language).clone(),
            language: self.language,
            frame: kind.frame,
            sender: if is_form { Vec::new() } else { self.sender() },
            sender_contact: if is_form {
                Vec::new()
            } else {
                self.sender_contact()
            },
            date: self.fact("today").filter(|_| !is_form).unwrap_or_default(),
            day: self.facts.date("today").unwrap_or(today),
            recipient: if is_form {
                Vec::new()
            } else {
                self.recipient()
            },
            subject_label: self.word("subject"),
            subject: self.line(&template.subject_paper),
            email_subject: self.line(&template.subject_email),
            salutation: salutation.map(|text| self.line(&text)).unwrap_or_default(),
            blocks: self.blocks(template),
            closing: closing.cloned().unwrap_or_default(),
            signature: if is_form {
                Vec::new()
            } else {
                self.signature()
            },
            enclosures_label: self.word("enclosures"),
            enclosures: self.items("enclosures"),
            page_label: self.word("page"),
        }
    }

    fn fact(&self, key: &str) -> Option<String> {
        match key {
            "recipient.formal_name" => self.formal_name(),
            _ => rules::words(self.catalog, self.facts, self.language, key),
        }
    }

    fn word(&self, key: &str) -> String {
        self.words.get(key).cloned().unwrap_or_default()
    }

    fn fill(&mut self, template: &str) -> String {
        let gap = |key: &str| self.gap(key).unwrap_or_default();
        let Filled { text, missing } = fill_marking(template, &|key| self.fact(key), &gap);
        let asked = missing.iter().map(|key| asked_key(key).to_owned());
        self.missing.extend(asked);
        text
    }

    /// Returns the mark for a missing fact, where gaps are marked.
    fn gap(&self, key: &str) -> Option<String> {
        let field = self.catalog.fields.get(asked_key(key))?;
        self.mark_gaps
            .then(|| gap_of(field.label.of(self.language)))
    }

    /// Returns the mark for a fact that this letter needs, where gaps are marked.
    fn needed_gap(&self, key: &str) -> Option<String> {
        self.gap(key).filter(|_| self.marked_keys.contains(&key))
    }

    fn items(&self, key: &str) -> Vec<String> {
        let items = rules::items(self.catalog, self.facts, self.language, key);
        if items.is_empty() {
            self.needed_gap(key).into_iter().collect()
        } else {
            items
        }
    }

    fn line(&mut self, template: &str) -> String {
        cleaning::line(&self.fill(template))
    }

    /// Returns how a doctor is addressed: the last name, or the name without degrees.
    fn formal_name(&self) -> Option<String> {
        if let Some(last) = self.facts.text("recipient.last_name") {
            return Some(last.to_owned());
        }
        let name = self.facts.text("recipient.name")?;
        let name = name.split(',').next().unwrap_or(name).trim();
        let titles = ["dr. ", "dra. ", "dr ", "dra ", "prof. "];
        let lower = name.to_lowercase();
        let title = titles.iter().find(|title| lower.starts_with(**title));
        let bare = title
            .and_then(|title| name.get(title.len()..))
            .unwrap_or(name);
        Some(bare.trim().to_owned())
    }

    fn signed_name(&self) -> String {
        let name = self
            .fact("sender.name")
            .or_else(|| self.fact("patient.name"))
            .or_else(|| self.needed_gap("sender.name"));
        let credentials = self
            .fact("sender.credentials")
            .map(|text| format!(", {text}"));
        name.unwrap_or_default() + &credentials.unwrap_or_default()
    }

    fn sender(&self) -> Vec<String> {
        let mut lines = vec![self.signed_name()];
        lines.extend(self.address("sender.address"));
        lines
    }

    fn sender_contact(&self) -> Vec<(String, String)> {
        let entry = |word: &str, key: &str| {
            let value = self.fact(key).or_else(|| self.needed_gap(key))?;
            Some((self.word(word), value))
        };
        [
            entry("phone", "sender.phone"),
            entry("email", "sender.email"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn recipient(&self) -> Vec<String> {
        let unnamed = self.facts.text("recipient.kind") == Some("unknown");
        let name = self
            .fact("recipient.name")
            .or_else(|| self.needed_gap("recipient.name").filter(|_| !unnamed));
        let mut lines: Vec<String> = name.into_iter().collect();
        if lines.is_empty() {
            lines.push(self.word("unnamed_recipient"));
        }
        lines.extend(self.address("recipient.address"));
        lines
    }

    fn address(&self, key: &str) -> Vec<String> {
        let Some(text) = self.facts.text(key) else {
            return self.needed_gap(key).into_iter().collect();
        };
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }

    fn signature(&self) -> Vec<String> {
        let mut lines = vec![self.signed_name()];
        let (requester, relation) = (self.facts.requester, self.fact("relation"));
        let role = match requester {
            Requester::Patient | Requester::ReferringPhysician | Requester::Insurer => None,
            Requester::ParentGuardian => relation.map(|relation| sentence(&relation)),
            Requester::PersonalRepresentative => Some(self.word("personal_representative")),
        };
        lines.extend(role.map(|role| role.trim_end_matches('.').to_owned()));
        lines.extend(self.sender_contact().into_iter().map(|(_, value)| value));
        lines
    }

    fn blocks(&mut self, template: &Template) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        for block in &template.blocks {
            if !self.applies(block.when.as_deref()) {
                continue;
            }
            let made = self.block(block);
            let last = blocks
                .last_mut()
                .and_then(|last| last.paragraphs.last_mut());
            match (block.join, last, made.paragraphs.split_first()) {
                (true, Some(last), Some((first, rest))) => {
                    last.push(' ');
                    last.push_str(first);
                    if let Some(block) = blocks.last_mut() {
                        block.paragraphs.extend(rest.iter().cloned());
                    }
                }
                _ => blocks.push(made),
            }
        }
        blocks.retain(|block| {
            block.signature.is_some() || !(block.paragraphs.is_empty() && block.items.is_empty())
        });
        blocks
    }

    fn block(&mut self, block: &TemplateBlock) -> Block {
        let requester = self.facts.requester;
        let template = block.by_requester.get(&requester).unwrap_or(&block.text);
        let text = self.fill(template);
        let paragraphs = text
            .lines()
            .map(cleaning::line)
            .filter(|line| !line.is_empty());
        let items = block.list.as_deref().map(|key| {
            let items = self.items(key);
            items.iter().map(|item| capital(item)).collect()
        });
        let label = block.label.clone().map(|label| self.line(&label));
        Block {
            id: block.id.clone(),
            label: label.filter(|label| !label.is_empty()),
            paragraphs: paragraphs.collect(),
            items: items.unwrap_or_default(),
            numbered: block.numbered,
            quote: block.quote,
            signature: block.signature.then(|| SignatureLines {
                sign: self.word("signature_line"),
                date: self.word("date_line"),
                name_label: self.word("printed_name"),
                name: self.signer(),
            }),
        }
    }

    /// Returns who signs a form: the patient, or who acts for the patient.
    fn signer(&self) -> String {
        let own = self.facts.requester == Requester::Patient;
        let name = if own {
            self.fact("patient.name")
        } else {
            self.fact("sender.name")
        };
        name.unwrap_or_default()
    }

    fn applies(&self, when: Option<&str>) -> bool {
        let given = |key: &str| self.fact(key).is_some();
        when.unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|condition| !condition.is_empty())
            .all(|condition| {
                let requester = self.facts.requester.as_str();
                if let Some(other) = condition.strip_prefix("requester!=") {
                    other != requester
                } else if let Some(same) = condition.strip_prefix("requester=") {
                    same == requester
                } else if let Some(key) = condition.strip_prefix('!') {
                    !given(key)
                } else {
                    given(condition)
                }
            })
    }
}
