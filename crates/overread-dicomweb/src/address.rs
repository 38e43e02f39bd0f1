//! The URLs that answers name.

use axum::extract::OriginalUri;
use axum::http::header;
use axum::http::request::Parts;

/// Scheme, host and path of the DICOMweb root, as the caller reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    /// Puts the root together. Forwarded headers are not believed: a public URL is configured instead.
    pub(crate) fn of_request(parts: &Parts, scheme: &str, public_url: Option<&str>) -> Self {
        let inner = parts.uri.path();
        let whole = parts
            .extensions
            .get::<OriginalUri>()
            .map_or(inner, |uri| uri.0.path());
        let prefix = whole
            .strip_suffix(inner)
            // The root itself is reached without its slash.
            .or_else(|| whole.strip_suffix(inner.trim_end_matches('/')))
            .unwrap_or_default()
            .trim_end_matches('/');
        if let Some(public_url) = public_url {
            return Self(format!("{public_url}{prefix}"));
        }
        let host = parts
            .headers
            .get(header::HOST)
            .and_then(|value| value.to_str().ok())
            .or_else(|| parts.uri.authority().map(|authority| authority.as_str()))
            .filter(|host| is_host(host))
            .unwrap_or("localhost");
        Self(format!("{scheme}://{host}{prefix}"))
    }

    pub(crate) fn root(&self) -> &str {
        &self.0
    }

    pub(crate) fn study(&self, study: &str) -> String {
        format!("{}/studies/{study}", self.0)
    }

    pub(crate) fn series(&self, study: &str, series: &str) -> String {
        format!("{}/studies/{study}/series/{series}", self.0)
    }

    pub(crate) fn instance(&self, study: &str, series: &str, instance: &str) -> String {
        format!("{}/instances/{instance}", self.series(study, series))
    }
}

/// Says whether a Host header is only a host and a port, so that it can stand in an answer.
fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
        })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::{Address, is_host};

    #[test]
    fn answers_name_the_host_that_was_asked_and_how_unless_an_address_is_configured() {
        let check = |scheme: &str, public_url: Option<&str>, expect: &str| {
            let request = Request::builder()
                .uri("/")
                .header("host", "pacs.example:8443");
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            let address = Address::of_request(&parts, scheme, public_url);
            assert_eq!(address.root(), expect);
        };
        check("https", None, "https://pacs.example:8443");
        check("http", None, "http://pacs.example:8443");
        check("https", Some("https://a.example"), "https://a.example");
    }

    #[test]
    fn hosts_are_only_hosts() {
        assert!(is_host("127.0.0.1:8080") && is_host("[::1]:80") && is_host("pacs.example"));
        assert!(!is_host("a/b") && !is_host("x\"onload") && !is_host(""));
    }
}
