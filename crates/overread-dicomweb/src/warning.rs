//! What is said beside an answer, in Warning headers, as PS3.18 asks for it.

use axum::http::{HeaderMap, HeaderValue, header};

/// The name of this service in what it says.
pub(crate) const SERVICE: &str = "Overread";

/// Adds a text; signs that a header cannot hold are left out.
pub(crate) fn warn(headers: &mut HeaderMap, text: &str) {
    if let Some(value) = value(text) {
        headers.append(header::WARNING, value);
    }
}

pub(crate) fn value(text: &str) -> Option<HeaderValue> {
    let fits = |sign: &char| (' '..='~').contains(sign);
    let text: String = text.chars().filter(fits).collect();
    HeaderValue::try_from(format!("299 {SERVICE}: {text}")).ok()
}
