//! Every clinical, legal and payer fact names its source.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Findings, files, read, short};

/// Looks for empty `source` fields in the data files.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let mut findings = Findings::new();
    let folders = [
        "crates/overread-knowledge/data",
        "crates/overread-concordance/data",
    ];
    for folder in folders {
        for path in files(&root.join(folder), ".json")? {
            let place = short(root, &path);
            let value: Value =
                serde_json::from_str(&read(&path)?).with_context(|| place.clone())?;
            walk(&value, &place, &mut findings);
        }
    }
    Ok(findings)
}

fn walk(value: &Value, place: &str, findings: &mut Findings) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let inner = format!("{place} {name}");
                if matches!(name.as_str(), "source" | "sources") && is_empty(field) {
                    findings.push(format!("{inner}: a fact without a source"));
                }
                walk(field, &inner, findings);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, place, findings)),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty() || items.iter().any(is_empty),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Findings, walk};

    #[test]
    fn an_empty_source_is_found() {
        let mut findings = Findings::new();
        walk(
            &json!({"rules": [{"id": "F01", "source": ""}, {"id": "F02", "source": "PS3.3"}]}),
            "rules",
            &mut findings,
        );
        assert_eq!(findings, ["rules rules source: a fact without a source"]);
    }
}
