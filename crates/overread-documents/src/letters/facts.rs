//! The facts of a letter, read from TOML or from a form and checked one by one against the catalog.

use std::collections::BTreeMap;

use overread_model::letter::{Field, FieldKind, LetterCatalog, Requester};
use overread_model::time::CalendarDate;

use super::{FactProblem, FactProblemKind};
use crate::{cleaning, limits};

/// One checked value.
#[derive(Clone, PartialEq, Eq)]
pub enum FactValue {
    /// Words, cleaned; lines kept where the field has lines. A choice is its code or words of one's own.
    Text(String),
    /// A day.
    Date(CalendarDate),
    /// Items; empty when the list was given empty.
    List(Vec<String>),
}

/// What is known for a letter. It holds patient data; its `Debug` shows the keys alone.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct LetterFacts {
    /// Who writes.
    pub requester: Requester,
    values: BTreeMap<String, FactValue>,
}

impl std::fmt::Debug for LetterFacts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("LetterFacts")
            .field("requester", &self.requester)
            .field("keys", &self.values.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl LetterFacts {
    /// Returns a fact.
    pub fn get(&self, key: &str) -> Option<&FactValue> {
        self.values.get(key)
    }

    /// Returns a fact that is words.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(FactValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns a fact that is a day.
    pub fn date(&self, key: &str) -> Option<CalendarDate> {
        match self.values.get(key) {
            Some(FactValue::Date(date)) => Some(*date),
            _ => None,
        }
    }

    /// Returns a fact that is a list.
    pub fn list(&self, key: &str) -> Option<&[String]> {
        match self.values.get(key) {
            Some(FactValue::List(items)) => Some(items),
            _ => None,
        }
    }

    /// Sets words, checked as a form's are. Nothing happens when they are empty.
    ///
    /// # Errors
    /// When the field is not known or does not take these words.
    pub fn set(
        &mut self,
        catalog: &LetterCatalog,
        key: &str,
        text: &str,
    ) -> Result<(), Box<FactProblem>> {
        let problem = |kind| Box::new(FactProblem::new(catalog, key, kind));
        let Some(field) = catalog.fields.get(key) else {
            return Err(problem(FactProblemKind::Unknown {
                meant: nearest(catalog, key),
            }));
        };
        let value = match field.kind {
            FieldKind::List => list_value(catalog, field, text.lines()),
            _ => text_value(catalog, field, text),
        };
        match value.map_err(problem)? {
            Some(value) => self.values.insert(key.to_owned(), value),
            None => self.values.remove(key),
        };
        Ok(())
    }

    /// Sets a day.
    pub fn set_date(&mut self, key: &str, date: CalendarDate) {
        self.values.insert(key.to_owned(), FactValue::Date(date));
    }

    /// Sets items, each cleaned; empty ones are left out.
    ///
    /// # Errors
    /// When the field is not known or does not take these items.
    pub fn set_list<'a>(
        &mut self,
        catalog: &LetterCatalog,
        key: &str,
        items: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Box<FactProblem>> {
        let problem = |kind| Box::new(FactProblem::new(catalog, key, kind));
        let Some(field) = catalog.fields.get(key) else {
            return Err(problem(FactProblemKind::Unknown {
                meant: nearest(catalog, key),
            }));
        };
        let value = list_value(catalog, field, items.into_iter()).map_err(problem)?;
        self.values
            .insert(key.to_owned(), value.unwrap_or(FactValue::List(Vec::new())));
        Ok(())
    }
}

/// Reads facts from TOML: `requester`, and a table for each part of a key (`[patient]`, `name = "…"`).
///
/// # Errors
/// Every value that is not what its field takes, and every key no letter knows.
pub fn parse_facts(catalog: &LetterCatalog, toml: &str) -> Result<LetterFacts, Vec<FactProblem>> {
    let whole = |kind| vec![FactProblem::new(catalog, "", kind)];
    if toml.len() > limits::FACTS_BYTES {
        return Err(whole(FactProblemKind::FileTooLong {
            limit_bytes: limits::FACTS_BYTES,
        }));
    }
    let table: toml::Table = toml.parse().map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .and_then(|span| toml.get(..span.start))
            .map_or(0, |before| before.matches('\n').count() + 1);
        whole(FactProblemKind::NotToml { line })
    })?;
    let mut reader = Reader {
        catalog,
        facts: LetterFacts::default(),
        problems: Vec::new(),
    };
    reader.table("", &table);
    reader.finish()
}

/// Reads facts from the fields of a form: keys as names, lists one item a line, empty fields as absent.
///
/// # Errors
/// Every value that is not what its field takes. Names that start with `_`, and `csrf`, `language`, are passed over.
pub fn facts_from_pairs<'a>(
    catalog: &LetterCatalog,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<LetterFacts, Vec<FactProblem>> {
    let mut reader = Reader {
        catalog,
        facts: LetterFacts::default(),
        problems: Vec::new(),
    };
    for (key, text) in pairs {
        if key.starts_with('_') || matches!(key, "csrf" | "language") {
            continue;
        }
        if key == "requester" {
            reader.requester(text);
        } else if let Err(problem) = reader.facts.set(catalog, key, text) {
            reader.problem(*problem);
        }
    }
    reader.finish()
}

struct Reader<'a> {
    catalog: &'a LetterCatalog,
    facts: LetterFacts,
    problems: Vec<FactProblem>,
}

impl Reader<'_> {
    fn finish(self) -> Result<LetterFacts, Vec<FactProblem>> {
        if self.problems.is_empty() {
            Ok(self.facts)
        } else {
            Err(self.problems)
        }
    }

    fn problem(&mut self, problem: FactProblem) {
        if self.problems.len() < limits::PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn requester(&mut self, text: &str) {
        match text.parse() {
            Ok(requester) => self.facts.requester = requester,
            Err(_) => {
                let allowed = Requester::ALL.map(|requester| requester.as_str().to_owned());
                let kind = FactProblemKind::NotAChoice {
                    allowed: allowed.to_vec(),
                };
                self.problem(FactProblem::new(self.catalog, "requester", kind));
            }
        }
    }

    fn table(&mut self, prefix: &str, table: &toml::Table) {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            match value {
                toml::Value::String(text) if key == "requester" => self.requester(text),
                // Keys have two parts at most: `[patient]` holds `name`.
                toml::Value::Table(inner) if prefix.is_empty() => self.table(&key, inner),
                value => self.value(&key, value),
            }
        }
    }

    fn value(&mut self, key: &str, value: &toml::Value) {
        let catalog = self.catalog;
        let Some(field) = catalog.fields.get(key) else {
            let meant = nearest(catalog, key);
            let shown = cleaning::cut(&cleaning::line(key), 60);
            let kind = FactProblemKind::Unknown { meant };
            return self.problem(FactProblem::new(catalog, &shown, kind));
        };
        match toml_value(catalog, field, value) {
            Ok(Some(value)) => {
                self.facts.values.insert(key.to_owned(), value);
            }
            Ok(None) => {}
            Err(kind) => self.problem(FactProblem::new(catalog, key, kind)),
        }
    }
}

fn toml_value(
    catalog: &LetterCatalog,
    field: &Field,
    value: &toml::Value,
) -> Result<Option<FactValue>, FactProblemKind> {
    match (field.kind, value) {
        (FieldKind::Date, toml::Value::Datetime(at)) => {
            let date = at
                .date
                .and_then(|day| CalendarDate::new(i32::from(day.year), day.month, day.day));
            date.map(|date| Some(FactValue::Date(date)))
                .ok_or(FactProblemKind::NotADate)
        }
        (FieldKind::List, toml::Value::Array(items)) => {
            let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            let texts = texts.ok_or(FactProblemKind::NotAList)?;
            let list = list_value(catalog, field, texts.into_iter())?;
            Ok(Some(list.unwrap_or(FactValue::List(Vec::new()))))
        }
        (FieldKind::List, toml::Value::String(text)) => list_value(catalog, field, text.lines()),
        (FieldKind::List, _) => Err(FactProblemKind::NotAList),
        (_, toml::Value::String(text)) => text_value(catalog, field, text),
        (FieldKind::Text, toml::Value::Integer(number)) => {
            text_value(catalog, field, &number.to_string())
        }
        (FieldKind::Date, _) => Err(FactProblemKind::NotADate),
        _ => Err(FactProblemKind::NotText),
    }
}

fn text_value(
    catalog: &LetterCatalog,
    field: &Field,
    text: &str,
) -> Result<Option<FactValue>, FactProblemKind> {
    let (text, limit_chars) = match field.kind {
        FieldKind::Multiline => (cleaning::lines(text), limits::MULTILINE_CHARS),
        _ => (cleaning::line(text), limits::LINE_CHARS),
    };
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > limit_chars {
        return Err(FactProblemKind::TooLong { limit_chars });
    }
    match field.kind {
        FieldKind::Date => {
            let date = text.parse().map_err(|_| FactProblemKind::NotADate)?;
            Ok(Some(FactValue::Date(date)))
        }
        FieldKind::Email if !is_email(&text) => Err(FactProblemKind::NotAnEmail),
        FieldKind::Choice => choice_value(catalog, field, text).map(Some),
        _ => Ok(Some(FactValue::Text(text))),
    }
}

fn choice_value(
    catalog: &LetterCatalog,
    field: &Field,
    text: String,
) -> Result<FactValue, FactProblemKind> {
    let choices = field
        .choices
        .as_deref()
        .and_then(|list| catalog.choices.get(list));
    let choices = choices.map(Vec::as_slice).unwrap_or_default();
    let folded = text.to_lowercase();
    let fits = |name: &str| name.to_lowercase() == folded;
    if let Some(choice) = choices
        .iter()
        .find(|choice| fits(&choice.id) || fits(&choice.en) || fits(&choice.es))
    {
        return Ok(FactValue::Text(choice.id.clone()));
    }
    if field.open {
        return Ok(FactValue::Text(text));
    }
    Err(FactProblemKind::NotAChoice {
        allowed: choices.iter().map(|choice| choice.id.clone()).collect(),
    })
}

fn list_value<'a>(
    catalog: &LetterCatalog,
    field: &Field,
    items: impl Iterator<Item = &'a str>,
) -> Result<Option<FactValue>, FactProblemKind> {
    let mut list = Vec::new();
    for item in items {
        let text = cleaning::line(item);
        if text.is_empty() {
            continue;
        }
        if text.chars().count() > limits::LINE_CHARS {
            return Err(FactProblemKind::TooLong {
                limit_chars: limits::LINE_CHARS,
            });
        }
        if list.len() == limits::LIST_ITEMS {
            return Err(FactProblemKind::TooMany {
                limit: limits::LIST_ITEMS,
            });
        }
        match choice_value(
            catalog,
            &Field {
                open: true,
                ..field.clone()
            },
            text,
        )? {
            FactValue::Text(text) => list.push(text),
            FactValue::Date(_) | FactValue::List(_) => {}
        }
    }
    Ok((!list.is_empty()).then_some(FactValue::List(list)))
}

/// Says whether a text looks like an address mail could reach.
fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |part: &str| !part.is_empty() && !part.contains(['@', ' ', '<', '>', ',', '"']);
    plain(name)
        && plain(domain)
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}

/// Returns the known key that shares most with this one, when it is near.
fn nearest(catalog: &LetterCatalog, key: &str) -> Option<String> {
    if key.chars().count() > 60 {
        return None;
    }
    let near = catalog
        .fields
        .keys()
        .map(|known| (distance(known, key), known));
    let (steps, known) = near.min()?;
    (steps <= 1 + key.chars().count() / 4).then(|| known.clone())
}

/// Returns how many characters must be added, removed or changed to make one text the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, character) in left.chars().enumerate() {
        let mut previous = above + 1;
        let mut next = vec![previous];
        for (other, pair) in right.iter().zip(row.windows(2)) {
            let (diagonal, straight) = match pair {
                [diagonal, straight] => (*diagonal, *straight),
                _ => continue,
            };
            let change = diagonal + usize::from(*other != character);
            previous = change.min(straight + 1).min(previous + 1);
            next.push(previous);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, is_email};

    #[test]
    fn a_slip_of_the_pen_is_near() {
        assert_eq!(distance("patient.dob", "patient.dob"), 0);
        assert_eq!(distance("patient.dob", "patient.bod"), 2);
        assert_eq!(distance("exam.date", "exam.dat"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn addresses_are_told_from_other_words() {
        assert!(is_email("ana.lopez@example.org"));
        for bad in [
            "ana",
            "@example.org",
            "ana@",
            "ana@host",
            "a b@example.org",
            "<a>@b.c",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
