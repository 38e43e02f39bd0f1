//! Which facts a letter prints in the very words that somebody typed.

use overread_model::letter::{Field, FieldKind, Language, LetterCatalog, LetterKind};

use super::{FactValue, LetterFacts};

/// Single lines that hold words of a language, not names or numbers.
const WORDED_LINES: [&str; 9] = [
    "relation",
    "authority",
    "exam.name",
    "pcp.role",
    "auth.purpose",
    "auth.expires",
    "service.text",
    "cost.text",
    "thanks.for",
];
/// Lists of names and codes, which are the same in every language.
const NAMES_AND_CODES: [&str; 5] = [
    "diagnosis.icd10",
    "service.cpt",
    "auth.disclosers",
    "auth.receivers",
    "gap.searched",
];

/// Returns what forms call the facts that this letter prints as they were typed: nobody translates them.
pub fn own_words<'a>(
    catalog: &'a LetterCatalog,
    kind: &'a LetterKind,
    facts: &LetterFacts,
    language: Language,
) -> Vec<&'a str> {
    let keys = kind.required.iter().chain(&kind.optional);
    let typed = keys.filter_map(|key| {
        let field = catalog.fields.get(key)?;
        let ours = kind.default_lists.get(key).map(|lists| lists.of(language));
        let is_own = |item: &String| {
            let list = field.choices.as_deref();
            list.is_none_or(|list| catalog.choice(list, item).is_none())
                && ours.is_none_or(|ours| !ours.contains(item))
        };
        let is_typed = match facts.get(key)? {
            FactValue::Text(text) => is_own(text),
            FactValue::List(items) => items.iter().any(is_own),
            FactValue::Date(_) => false,
        };
        (is_typed && has_words(key, field)).then(|| field.label.of(language).as_str())
    });
    typed.collect()
}

fn has_words(key: &str, field: &Field) -> bool {
    match field.kind {
        FieldKind::Multiline => !key.ends_with("address"),
        FieldKind::List => !NAMES_AND_CODES.contains(&key),
        _ => WORDED_LINES.contains(&key),
    }
}
