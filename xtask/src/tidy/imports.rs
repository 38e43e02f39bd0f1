//! Who may import whom. A new row, or a new arrow, is its own commit with the reason.

use std::path::Path;

use anyhow::{Context, Result};

use super::{Findings, files, read, short};

/// A crate and those of ours that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("overread-model", &[]),
    ("overread-network", &[]),
    ("overread-knowledge", &["overread-model"]),
    ("overread-concordance", &["overread-model"]),
    ("overread-dicom", &["overread-model"]),
    ("overread-pixels", &["overread-model", "overread-dicom"]),
    ("overread-documents", &["overread-model"]),
    ("overread-archive", &["overread-model"]),
    ("overread-store", &["overread-model"]),
    (
        "overread-ingest",
        &[
            "overread-model",
            "overread-dicom",
            "overread-archive",
            "overread-store",
        ],
    ),
    (
        "overread-workflow",
        &[
            "overread-model",
            "overread-network",
            "overread-knowledge",
            "overread-concordance",
            "overread-documents",
            "overread-archive",
            "overread-store",
            "overread-ingest",
        ],
    ),
    (
        "overread-dicomweb",
        &[
            "overread-model",
            "overread-dicom",
            "overread-pixels",
            "overread-archive",
            "overread-store",
            "overread-ingest",
        ],
    ),
    (
        "overread-dimse",
        &[
            "overread-model",
            "overread-network",
            "overread-dicom",
            "overread-archive",
            "overread-store",
            "overread-ingest",
        ],
    ),
    (
        "overread-web",
        &[
            "overread-model",
            "overread-knowledge",
            "overread-concordance",
            "overread-documents",
            "overread-dicom",
            "overread-archive",
            "overread-store",
            "overread-ingest",
            "overread-workflow",
            "overread-dicomweb",
        ],
    ),
    (
        "overread",
        &[
            "overread-model",
            "overread-network",
            "overread-knowledge",
            "overread-concordance",
            "overread-documents",
            "overread-dicom",
            "overread-pixels",
            "overread-archive",
            "overread-store",
            "overread-ingest",
            "overread-workflow",
            "overread-dicomweb",
            "overread-dimse",
            "overread-web",
            // Only for `overread demo`.
            "overread-testkit",
        ],
    ),
    (
        "overread-testkit",
        &[
            "overread-model",
            "overread-dicom",
            "overread-archive",
            "overread-store",
        ],
    ),
];

/// The start of a third-party crate's name, and the only rooms that may import it outside tests.
const FENCED: &[(&str, &[&str])] = &[
    // Before `dicom-`, since the first that fits counts.
    ("dicom-ul", &["overread-dimse", "overread-testkit"]),
    ("dicom-", &["overread-dicom", "overread-testkit"]),
    // Decoders and encoders of pictures; what they read comes from strangers.
    ("charls", &["overread-pixels"]),
    ("jpeg", &["overread-pixels"]),
    ("jxl", &["overread-pixels"]),
    ("openjp", &["overread-pixels"]),
    ("png", &["overread-pixels"]),
    ("gif", &["overread-pixels"]),
    ("image", &["overread-pixels"]),
    ("typst", &["overread-documents"]),
    ("sqlx", &["overread-store"]),
    ("rusqlite", &["overread-store"]),
    ("object_store", &["overread-archive"]),
    // Chosen for it without C: it brings no cryptography of its own.
    ("reqwest", &["overread-archive"]),
    ("rustls", &["overread-archive"]),
    ("zip", &["overread-ingest", "overread-testkit"]),
    ("libdeflater", &["overread-ingest"]),
    ("lettre", &["overread-workflow"]),
    ("axum", &["overread-dicomweb", "overread-web", "overread"]),
    ("askama", &["overread-web"]),
    ("quick-xml", &["overread-dicom"]),
    ("clap", &["overread"]),
    ("tokio-rustls", &["overread-dimse", "overread"]),
    ("anyhow", &["overread", "xtask"]),
];

/// Compares every manifest and every crate's first sentence with the table.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let mut findings = Findings::new();
    for manifest in files(&root.join("crates"), "Cargo.toml")? {
        let place = short(root, &manifest);
        let table: toml::Table = read(&manifest)?.parse().with_context(|| place.clone())?;
        let name = table
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(toml::Value::as_str);
        let name = name.unwrap_or_default();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(row, _)| *row == name) else {
            findings.push(format!(
                "{place}: the crate `{name}` has no row in the import table"
            ));
            continue;
        };
        let dependencies = table.get("dependencies").and_then(toml::Value::as_table);
        for dependency in dependencies.into_iter().flat_map(toml::Table::keys) {
            if dependency.starts_with("overread-") && !allowed.contains(&dependency.as_str()) {
                findings.push(format!("{place}: `{name}` may not import `{dependency}`"));
            }
            let fence = FENCED
                .iter()
                .find(|(start, _)| dependency.starts_with(start));
            if fence.is_some_and(|(_, rooms)| !rooms.contains(&name)) {
                findings.push(format!(
                    "{place}: `{dependency}` has rooms of its own, `{name}` is none of them"
                ));
            }
        }
        findings.extend(first_sentence(root, &manifest)?);
    }
    Ok(findings)
}

/// Each crate's first sentence says who lives there.
fn first_sentence(root: &Path, manifest: &Path) -> Result<Findings> {
    let source = manifest.with_file_name("src");
    let library = ["lib.rs", "main.rs"]
        .map(|name| source.join(name))
        .into_iter()
        .find(|path| path.is_file());
    let Some(library) = library else {
        return Ok(Findings::new());
    };
    let says = read(&library)?.starts_with("//! Here ");
    Ok(if says {
        Findings::new()
    } else {
        vec![format!(
            "{}: the first line is not `//! Here …`",
            short(root, &library)
        )]
    })
}
