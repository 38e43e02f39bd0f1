//! Style and script, built by Vite, carried in the program.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
};
use http::{HeaderMap, StatusCode};
use rust_embed::RustEmbed;
use serde::Deserialize;

use crate::headers::VIEWER_POLICY;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// One entry of Vite's manifest.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Chunk {
    file: String,
    css: Vec<String>,
    imports: Vec<String>,
}

/// What a page links: addresses of style and script.
#[derive(Debug, Default, Clone)]
pub(crate) struct Entry {
    /// Style sheets.
    pub(crate) styles: Vec<String>,
    /// The script of all pages; `None` when the interface was not built.
    pub(crate) script: Option<String>,
}

const MANIFEST: &str = ".vite/manifest.json";
const MAIN: &str = "src/main.ts";

/// Returns what every page links; read once when built for use, each time while developing.
pub(crate) fn entry() -> Entry {
    static KEPT: OnceLock<Entry> = OnceLock::new();
    if cfg!(debug_assertions) {
        return read_entry();
    }
    KEPT.get_or_init(read_entry).clone()
}

fn read_entry() -> Entry {
    Dist::get(MANIFEST)
        .and_then(|file| serde_json::from_slice::<BTreeMap<String, Chunk>>(&file.data).ok())
        .map(|manifest| entry_of(&manifest))
        .unwrap_or_default()
}

fn entry_of(manifest: &BTreeMap<String, Chunk>) -> Entry {
    let Some(main) = manifest.get(MAIN) else {
        return Entry::default();
    };
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![main]);
    let mut styles = Vec::new();
    while let Some(chunk) = waiting.pop() {
        if !seen.insert(chunk.file.as_str()) {
            continue;
        }
        styles.extend(chunk.css.iter().map(|file| format!("/{file}")));
        waiting.extend(chunk.imports.iter().filter_map(|name| manifest.get(name)));
    }
    Entry {
        styles,
        script: Some(format!("/{}", main.file)),
    }
}

/// Serves the sign in the browser's tab.
pub(crate) async fn icon() -> Response {
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, include_str!("../templates/icon.svg")).into_response()
}

/// Serves one built file; its name holds its digest, so it never changes.
pub(crate) async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let name = format!("assets/{path}");
    let (file, encoding) = match best(&name, &headers) {
        Some(found) => found,
        None => return StatusCode::NOT_FOUND.into_response(),
    };
    let kind = mime_guess::from_path(&name).first_or_octet_stream();
    let mut response = (
        [
            (CONTENT_TYPE, kind.as_ref()),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (VARY, "accept-encoding"),
        ],
        bytes_of(file.data),
    )
        .into_response();
    // A worker obeys the policy of its own file: the decoder of images needs the viewer's.
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, VIEWER_POLICY);
    if let Some(encoding) = encoding {
        response
            .headers_mut()
            .insert(CONTENT_ENCODING, http::HeaderValue::from_static(encoding));
    }
    response
}

/// What is part of the program is sent from there: a copy for each reader who takes nothing would fill the memory.
fn bytes_of(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    }
}

/// Returns the smallest form of a file that the browser takes.
fn best(
    name: &str,
    headers: &HeaderMap,
) -> Option<(rust_embed::EmbeddedFile, Option<&'static str>)> {
    let takes = |coding: &str| {
        headers
            .get(ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|list| list.split(',').any(|part| accepts(part, coding)))
    };
    for (coding, ending) in [("br", "br"), ("gzip", "gz")] {
        if takes(coding)
            && let Some(file) = Dist::get(&format!("{name}.{ending}"))
        {
            return Some((file, Some(coding)));
        }
    }
    Dist::get(name).map(|file| (file, None))
}

/// Says whether one part of `Accept-Encoding` takes this coding; `br;q=0` refuses it.
fn accepts(part: &str, coding: &str) -> bool {
    let mut pieces = part.split(';').map(str::trim);
    let named = pieces
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case(coding));
    named && !pieces.any(|piece| matches!(piece, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
}

#[cfg(test)]
#[allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a failed test may say so by a panic"
)]
mod tests {
    use super::{accepts, entry_of};

    #[test]
    fn codings_are_taken_or_refused() {
        assert!(accepts(" br ", "br"));
        assert!(accepts("gzip;q=0.8", "gzip"));
        assert!(!accepts("br;q=0", "br"));
        assert!(!accepts("identity", "br"));
    }

    #[test]
    fn the_manifest_names_style_and_script() {
        let manifest = serde_json::from_str(
            r#"{"src/main.ts":{"file":"assets/main-1.js","css":["assets/main-2.css"],"imports":["_a.js"]},
                "_a.js":{"file":"assets/a.js","css":["assets/a.css"],"imports":["src/main.ts"]}}"#,
        )
        .unwrap();
        let entry = entry_of(&manifest);
        assert_eq!(entry.script.as_deref(), Some("/assets/main-1.js"));
        assert_eq!(entry.styles, ["/assets/main-2.css", "/assets/a.css"]);
    }
}
