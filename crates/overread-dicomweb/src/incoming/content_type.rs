//! What a request says that its body is (PS3.18 8.6.1.2.1).

use crate::limits::BOUNDARY_CHARACTERS;
use crate::quoted::{split_quoted, unquoted};

/// The Content-Type of a multipart request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType {
    /// The `type` parameter in lower case; absent when the client left it out.
    pub part_type: Option<String>,
    /// The `boundary` parameter.
    pub boundary: String,
}

/// Says why a Content-Type cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadContentType {
    /// It is another media type: 415.
    #[error("the body must be multipart/related; type=\"application/dicom\"")]
    NotMultipart,
    /// The boundary is absent or breaks the rules: 400.
    #[error("the boundary of the multipart body is missing or malformed")]
    Boundary,
}

impl ContentType {
    /// Reads a Content-Type header.
    ///
    /// # Errors
    /// It is not `multipart/related`, or its boundary is unusable.
    pub fn parse(text: &str) -> Result<Self, BadContentType> {
        let mut pieces = split_quoted(text, ';').into_iter();
        let essence = pieces
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        if essence != "multipart/related" {
            return Err(BadContentType::NotMultipart);
        }
        let (mut part_type, mut boundary) = (None, None);
        for piece in pieces {
            let Some((name, value)) = piece.split_once('=') else {
                continue;
            };
            let value = unquoted(value.trim());
            match name.trim().to_ascii_lowercase().as_str() {
                "type" => part_type = Some(value.to_ascii_lowercase()),
                "boundary" => boundary = Some(value),
                _ => {}
            }
        }
        let boundary = boundary
            .filter(|text| is_boundary(text))
            .ok_or(BadContentType::Boundary)?;
        Ok(Self {
            part_type,
            boundary,
        })
    }
}

// RFC 2046 5.1.1: bchars, 1 to 70 of them, no space at the end.
fn is_boundary(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    !text.is_empty()
        && text.len() <= BOUNDARY_CHARACTERS
        && text.bytes().all(good)
        && !text.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::{BadContentType, ContentType};

    #[test]
    fn header_cases() {
        let cases: serde_json::Value = serde_json::from_str(include_str!(
            "../../tests/vectors/multipart_header_cases.json"
        ))
        .expect("JSON");
        let cases = cases.as_array().expect("a list");
        assert_eq!(cases.len(), 10);
        for case in cases {
            let got = ContentType::parse(case["content_type"].as_str().expect("text"));
            let expect = match case["status"].as_u64() {
                None => None,
                Some(415) => Some(BadContentType::NotMultipart),
                _ => Some(BadContentType::Boundary),
            };
            assert_eq!(got.err(), expect, "{}", case["id"]);
        }
    }
}
