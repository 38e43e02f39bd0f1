//! One byte range of a single part (RFC 9110 14).

use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::conditional::{Tag, is_same, tagged};
use crate::content::Content;
use crate::multipart::answer;
use crate::refusal::{Answer, Refusal};

/// What a Range header asks of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// No range, or one that is ignored: everything.
    Everything,
    /// These bytes.
    Bytes(Range<u64>),
    /// Nothing that is there: 416.
    Nothing,
}

/// Reads the Range header; `is_same` says whether the client holds other ranges of the same bytes (If-Range). Several ranges at once are answered with everything, as RFC 9110 allows.
pub(crate) fn wanted(headers: &HeaderMap, is_same: bool, length_bytes: u64) -> Wanted {
    let Some(text) = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .filter(|_| is_same)
    else {
        return Wanted::Everything;
    };
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .filter(|ranges| !ranges.contains(','))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Wanted::Everything;
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(length_bytes),
        (Ok(first), Err(_)) if last.is_empty() => first..length_bytes,
        (Err(_), Ok(suffix)) if first.is_empty() => {
            length_bytes.saturating_sub(suffix)..length_bytes
        }
        _ => return Wanted::Everything,
    };
    if range.start >= range.end {
        return Wanted::Nothing;
    }
    Wanted::Bytes(range)
}

/// Answers a single part, or the one range of it that was asked.
pub(crate) fn ranged(
    headers: &HeaderMap,
    content: Content,
    content_type: HeaderValue,
    tag: Option<&Tag>,
) -> Answer {
    let total = content.length_bytes();
    let asked = match &content {
        // Frames before the range would be decoded for nothing: a server may pass over a range (RFC 9110 14.2).
        Content::Frames(_) => Wanted::Everything,
        _ => wanted(headers, is_same(headers, tag), total),
    };
    let (range, status) = match asked {
        Wanted::Everything => (0..total, StatusCode::OK),
        Wanted::Bytes(range) => (range, StatusCode::PARTIAL_CONTENT),
        Wanted::Nothing => {
            let mut response =
                Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, "there are no such bytes")
                    .into_response();
            set_content_range(&mut response, &format!("bytes */{total}"));
            return Ok(response);
        }
    };
    let length_bytes = range.end - range.start;
    let shown = format!(
        "bytes {}-{}/{total}",
        range.start,
        range.end.saturating_sub(1)
    );
    let mut response = answer(content.body(range), content_type, length_bytes);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        set_content_range(&mut response, &shown);
    }
    Ok(tagged(response, tag))
}

fn set_content_range(response: &mut Response, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{Wanted, wanted};

    fn check(text: &'static str, expect: Wanted) {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static(text));
        assert_eq!(wanted(&headers, true, 100), expect, "{text}");
        let changed = wanted(&headers, false, 100);
        assert_eq!(changed, Wanted::Everything, "{text}");
    }

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        check("bytes=0-9", Wanted::Bytes(0..10));
        check("bytes=90-500", Wanted::Bytes(90..100));
        check("bytes=90-", Wanted::Bytes(90..100));
        check("bytes=-10", Wanted::Bytes(90..100));
        check("bytes=-500", Wanted::Bytes(0..100));
        check("bytes=100-", Wanted::Nothing);
        check("bytes=-0", Wanted::Nothing);
        check("bytes=9-1", Wanted::Everything);
        check("bytes=0-1,5-6", Wanted::Everything);
        check("lines=0-1", Wanted::Everything);
    }
}
