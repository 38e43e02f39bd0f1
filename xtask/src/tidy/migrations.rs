//! Migrations come in pairs, and SQL is written one way.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::{Findings, files, read, short};

const KEYWORDS: [&str; 14] = [
    "SELECT",
    "FROM",
    "WHERE",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "TABLE",
    "INDEX",
    "VALUES",
    "JOIN",
    "ORDER",
    "GROUP",
    "RETURNING",
];

/// Compares the two migration folders and reads every SQL text.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let store = root.join("crates/overread-store");
    let names = |folder: &str| -> Result<BTreeSet<String>> {
        Ok(files(&store.join("migrations").join(folder), ".sql")?
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect())
    };
    let (sqlite, postgres) = (names("sqlite")?, names("postgres")?);
    let mut findings: Findings = sqlite
        .symmetric_difference(&postgres)
        .map(|name| {
            format!("crates/overread-store/migrations: `{name}` is there for one database only")
        })
        .collect();
    if sqlite.is_empty() {
        findings.push("crates/overread-store/migrations: no migration was found".to_owned());
    }
    for path in files(&store, ".sql")? {
        findings.extend(style(&short(root, &path), &read(&path)?));
    }
    for path in files(&store.join("src"), ".rs")? {
        if read(&path)?.contains("select *") {
            findings.push(format!(
                "{}: `select *`; name the columns",
                short(root, &path)
            ));
        }
    }
    Ok(findings)
}

fn style(place: &str, text: &str) -> Findings {
    let mut findings = Findings::new();
    for (line, number) in text.lines().zip(1..) {
        let code = line.split("--").next().unwrap_or_default();
        if let Some(word) = code
            .split(|sign: char| !sign.is_alphanumeric())
            .find(|word| KEYWORDS.contains(word))
        {
            findings.push(format!(
                "{place}:{number}: `{word}` is written in lower case"
            ));
        }
        if code.contains("select *") {
            findings.push(format!("{place}:{number}: `select *`; name the columns"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::style;

    #[test]
    fn shouting_and_stars_are_found() {
        assert_eq!(style("a.sql", "SELECT id from study").len(), 1);
        assert_eq!(style("a.sql", "select * from study").len(), 1);
        assert!(style("a.sql", "select id from study -- SELECT").is_empty());
    }
}
