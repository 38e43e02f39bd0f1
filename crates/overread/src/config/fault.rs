//! What is wrong with `config.toml`: where, what was read and what is expected, without anything that stands in it: a password without
//! quotes is an error, too.

use std::fmt;

use anyhow::{Context, Error, Result, anyhow};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{OfVariables, known, variable_of};

/// Where a setting stands. As the context of an error it says which setting the error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    /// Names of tables, then that of the setting.
    keys: Vec<String>,
    /// The number of the entry, counted from 1, where the last but one, or the last, is a list of tables.
    entry: Option<usize>,
}

impl At {
    /// Names a setting by its keys with points between them.
    pub(super) fn key(dotted: &str) -> Self {
        Self {
            keys: dotted.split('.').map(str::to_owned).collect(),
            entry: None,
        }
    }

    /// Names a setting of an entry of a list, counted from 1.
    pub(super) fn entry(dotted_list: &str, number: usize, key: &str) -> Self {
        let mut at = Self::key(dotted_list);
        at.keys.extend((!key.is_empty()).then(|| key.to_owned()));
        at.entry = Some(number);
        at
    }
}

impl fmt::Display for At {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.keys.join("."))?;
        match self.entry {
            Some(number) => write!(formatter, " of entry {number}"),
            None => Ok(()),
        }
    }
}

/// Refuses one of two settings without the other; `at` says where one of them stands.
pub(super) fn both(
    at: impl Fn(&str) -> At,
    (one, has_one): (&str, bool),
    (other, has_other): (&str, bool),
) -> Result<()> {
    let (set, lacking) = match (has_one, has_other) {
        (true, false) => (one, other),
        (false, true) => (other, one),
        _ => return Ok(()),
    };
    Err(anyhow!(
        "`{lacking}`, which belongs to it, is not set; set both, or none of them"
    ))
    .context(at(set))
}

/// Says where a setting stands that can be read and cannot be used: in a variable, which wins, or in a line of the file.
pub(super) fn place(
    error: Error,
    text: &str,
    invalid: String,
    of_variables: &OfVariables,
) -> Error {
    let Some(at) = error.downcast_ref::<At>() else {
        return error;
    };
    let key = at.keys.join(".");
    if of_variables.contains(key.as_str()) {
        let name = variable_of(&key);
        return error.context(format!("the variable {name} cannot be used"));
    }
    let line = DeTable::parse(text)
        .ok()
        .and_then(|table| offset_of(table.get_ref(), at))
        .map(|offset| line_of(text, offset));
    match line {
        Some(line) => error.context(format!("line {line}")).context(invalid),
        // It is missing.
        None => error,
    }
}

/// Returns where a setting begins; where its table does, when it is not there.
fn offset_of(table: &DeTable<'_>, at: &At) -> Option<usize> {
    let (mut table, mut found) = (table, None);
    for key in &at.keys {
        let Some((name, value)) = table
            .iter()
            .find(|(name, _)| name.get_ref() == key.as_str())
        else {
            break;
        };
        found = Some(name.span().start);
        table = match value.get_ref() {
            DeValue::Table(inner) => inner,
            DeValue::Array(list) => {
                let number = at.entry.unwrap_or_default();
                let entry = number.checked_sub(1).and_then(|index| list.get(index));
                let Some((DeValue::Table(inner), entry)) = entry.map(|one| (one.get_ref(), one))
                else {
                    break;
                };
                found = Some(entry.span().start);
                inner
            }
            _ => break,
        };
    }
    found
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.matches('\n').count() + 1
}

/// Says where the fault is, what was read there and what is expected.
pub(super) fn hide_values(error: &toml::de::Error, text: &str) -> Error {
    let Some(offset) = error.span().map(|span| span.start) else {
        return anyhow!("{}", expected(error.message()));
    };
    let line = line_of(text, offset);
    let said = match DeTable::parse(text) {
        Ok(table) => match find(table.get_ref(), offset) {
            Some(found) => found.words(error.message()),
            None => expected(error.message()),
        },
        Err(_) => unread(error.message(), text, line),
    };
    anyhow!("line {line}: {said}")
}

/// Says why a line is no TOML.
fn unread(message: &str, text: &str, line: usize) -> String {
    let line = text.lines().nth(line - 1).unwrap_or_default();
    let key = line.split('=').next().unwrap_or_default().trim();
    let at = match known::is_known(key) {
        true => format!("`{key}`: "),
        false => String::new(),
    };
    if message == "duplicate key" {
        return format!("{at}this setting stands here for the second time; leave one of them out");
    }
    let quotes = match line.contains('=') && message.contains("literal string") {
        true => ". Text stands in quotes, as in organisation = \"Harbor Clinic\"",
        false => "",
    };
    format!("{at}this is not TOML: {}{quotes}", expected(message))
}

/// What stands where an error was met.
struct Found<'a> {
    at: At,
    /// The name of a setting; its value otherwise.
    is_name: bool,
    value: &'a DeValue<'a>,
}

impl Found<'_> {
    fn words(&self, message: &str) -> String {
        if let Some(missing) = message.strip_prefix("missing field ") {
            return format!("{} lacks {missing}", self.at);
        }
        if self.is_name {
            return self.unknown(message);
        }
        format!(
            "{}: {} was read; {}",
            self.at,
            kind(self.value),
            expected(message)
        )
    }

    /// Says of a name that is no setting what it may be meant for. It is repeated only when it is the name of another setting.
    fn unknown(&self, message: &str) -> String {
        let mut tables = self.at.keys.clone();
        let name = tables.pop().unwrap_or_default();
        let table = match tables.is_empty() {
            true => "before the first [table]".to_owned(),
            false => format!("in [{}]", tables.join(".")),
        };
        let known = known::names_of(message);
        let meant = match known::nearest(&name, &known) {
            Some(near) => format!(" Is `{near}` meant?"),
            None => known::elsewhere(&name).map_or_else(String::new, |places| {
                format!(" `{name}` is a setting of {places}.")
            }),
        };
        format!(
            "there is no setting of this name {table}.{meant} There are: {}",
            known.join(", ")
        )
    }
}

/// Finds the setting whose name or value begins here.
fn find<'a>(table: &'a DeTable<'a>, offset: usize) -> Option<Found<'a>> {
    table.iter().find_map(|(name, value)| {
        let key = name.get_ref().as_ref();
        let found = |is_name| Found {
            at: At::key(key),
            is_name,
            value: value.get_ref(),
        };
        if let Some(mut inner) = within(value, offset) {
            inner.at.keys.insert(0, key.to_owned());
            return Some(inner);
        }
        if value.span().contains(&offset) {
            return Some(found(false));
        }
        name.span().contains(&offset).then(|| found(true))
    })
}

/// Finds a setting in a table or a list of tables; `at` lacks the name of that.
fn within<'a>(value: &'a Spanned<DeValue<'a>>, offset: usize) -> Option<Found<'a>> {
    match value.get_ref() {
        DeValue::Table(table) => find(table, offset),
        DeValue::Array(list) => (1..).zip(list.iter()).find_map(|(number, entry)| {
            let of_entry = |mut found: Found<'a>| {
                found.at.entry = Some(number);
                found
            };
            let itself = || {
                entry.span().contains(&offset).then(|| Found {
                    at: At {
                        keys: Vec::new(),
                        entry: None,
                    },
                    is_name: false,
                    value: entry.get_ref(),
                })
            };
            within(entry, offset).or_else(itself).map(of_entry)
        }),
        _ => None,
    }
}

/// Says what was read, and no more of it.
fn kind(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.is_empty() => "an empty text".to_owned(),
        DeValue::String(text) => format!("a text of {} characters", text.chars().count()),
        DeValue::Integer(_) => "a whole number".to_owned(),
        DeValue::Float(_) => "a number with a fraction".to_owned(),
        DeValue::Boolean(_) => "true or false".to_owned(),
        DeValue::Datetime(_) => "a date or time".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Keeps of a message what is ours: what is expected stands at its end, what was found stands before that, in quotes.
fn expected(message: &str) -> String {
    let Some((_, wanted)) = message.rsplit_once(", expected ") else {
        let is_ours = !message.contains(['"', '\'', '`']);
        return match is_ours {
            true => message.to_owned(),
            false => "another value is expected".to_owned(),
        };
    };
    let whole = |most: &dyn fmt::Display| format!("a whole number from 0 to {most}");
    let wanted = match wanted {
        "u16" => whole(&u16::MAX),
        "u32" => whole(&u32::MAX),
        "u64" => whole(&i64::MAX),
        "a boolean" => "true or false, without quotes,".to_owned(),
        "a string" => "a text in quotes".to_owned(),
        "a sequence" => "a list in [ ]".to_owned(),
        wanted if wanted.starts_with("struct ") => "a table, as [mail] begins one,".to_owned(),
        wanted => wanted.to_owned(),
    };
    format!("{wanted} is expected")
}
