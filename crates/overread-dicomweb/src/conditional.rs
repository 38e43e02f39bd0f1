//! Entity tags, and what may be kept of an answer: what a client holds already is not sent again (RFC 9110 13).

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use overread_store::studies::StoredInstance;

use crate::caller::Caller;

/// The entity tag of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(HeaderValue);

impl Tag {
    /// Makes a strong tag of all that decides on the bytes of an answer.
    pub(crate) fn strong(of: impl Hash) -> Self {
        Self::made(of, "")
    }

    /// Makes the tag of an answer that is cut out of a stored instance, which is never overwritten; `form` says how.
    ///
    /// `None` for a reader who has not locked a first impression: whether a guess at what is withheld is right could be
    /// computed from the tag. In parts it is weak, since each answer has a boundary of its own.
    pub(crate) fn of_stored(
        caller: &Caller,
        found: &StoredInstance,
        form: impl Hash,
        is_parts: bool,
    ) -> Option<Self> {
        let weak = if is_parts { "W/" } else { "" };
        (!caller.reach.is_without_reports())
            .then(|| Self::made((found.digest.as_bytes(), form, is_parts), weak))
    }

    fn made(of: impl Hash, weak: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        let text = format!("{weak}\"{:016x}\"", hasher.finish());
        Self(HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("\"0\"")))
    }

    fn opaque(&self) -> &str {
        let text = self.0.to_str().unwrap_or_default();
        text.trim_start_matches("W/")
    }

    /// Says whether the client holds this answer (If-None-Match, RFC 9110 13.1.2).
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .any(|known| known == "*" || known.trim_start_matches("W/") == self.opaque())
    }

    /// Returns the answer to a client that holds it.
    pub(crate) fn not_modified(&self) -> Response {
        self.on(StatusCode::NOT_MODIFIED.into_response())
    }

    /// Puts the tag on an answer.
    pub(crate) fn on(&self, mut response: Response) -> Response {
        response.headers_mut().insert(header::ETAG, self.0.clone());
        response
    }
}

/// Says whether a range may be cut out: the client holds the rest of the same bytes, or says nothing of what it holds.
///
/// RFC 9110 13.1.5: strong tags only. A date is never the one of ours, since none is sent.
pub(crate) fn is_same(headers: &HeaderMap, tag: Option<&Tag>) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|held| {
        tag.is_some_and(|tag| tag.0 == held && !held.as_bytes().starts_with(b"W/"))
    })
}

/// Says that an answer never changes: an instance is never overwritten.
pub(crate) fn immutable(response: &mut Response) {
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=31536000, immutable"),
    );
    response.headers_mut().insert(
        header::VARY,
        HeaderValue::from_static("Accept, Authorization, Cookie"),
    );
}

/// Says that an answer may be another one next time: more instances may come to a series or study.
pub(crate) fn not_kept(response: &mut Response) {
    let again = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, again);
}

/// Puts a tag on an answer that has one.
pub(crate) fn tagged(response: Response, tag: Option<&Tag>) -> Response {
    match tag {
        Some(tag) => tag.on(response),
        None => response,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{Tag, is_same};

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        headers
    }

    #[test]
    fn what_is_held_is_compared_weakly_and_ranges_strongly() {
        let (strong, weak) = (Tag::strong("a"), Tag::made("a", "W/"));
        let text = strong.opaque().to_owned();
        for (held, expect) in [
            (text.clone(), true),
            (format!("W/{text}"), true),
            (format!("\"x\", {text}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
        ] {
            let headers = headers(header::IF_NONE_MATCH, &held);
            assert_eq!(strong.is_known(&headers), expect, "{held}");
            assert_eq!(weak.is_known(&headers), expect, "{held}");
        }
        for (held, expect) in [
            (text.clone(), true),
            (format!("W/{text}"), false),
            ("Sun, 22 Nov 2026 10:00:00 GMT".to_owned(), false),
        ] {
            let headers = headers(header::IF_RANGE, &held);
            assert_eq!(is_same(&headers, Some(&strong)), expect, "{held}");
            assert!(!is_same(&headers, Some(&weak)), "{held}");
            assert!(!is_same(&headers, None), "{held}");
        }
        assert!(is_same(&HeaderMap::new(), None));
    }
}
