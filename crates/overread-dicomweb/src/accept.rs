//! What a client takes: media ranges, their parameters and weights (PS3.18 8.7, RFC 9110 12.5.1).

use axum::http::{HeaderMap, header};

use crate::limits::MEDIA_RANGES;
use crate::params::percent_decoded;
use crate::quoted::{split_quoted, unquoted};
use crate::refusal::{Answer, Refusal};

/// One media range.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MediaRange {
    /// `multipart/related`, `application/*` ... in lower case.
    pub(crate) essence: String,
    /// The `type` parameter, in lower case.
    pub(crate) part_type: Option<String>,
    /// The `transfer-syntax` parameter.
    pub(crate) transfer_syntax: Option<String>,
    weight: f32,
}

/// The media type of the DICOM JSON Model (PS3.18 annex F).
pub(crate) const JSON: &str = "application/dicom+json";

/// The media type of the Native DICOM Model (PS3.19 A.1).
pub(crate) const XML: &str = "application/dicom+xml";

/// How attributes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON text.
    Json,
    /// One XML text a data set.
    Xml,
}

/// The media ranges of a request, the most wanted first.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Accept(pub(crate) Vec<MediaRange>);

impl MediaRange {
    /// Reads one range; `None` when it is malformed.
    fn parse(text: &str) -> Option<Self> {
        let mut pieces = split_quoted(text, ';').into_iter();
        let essence = pieces.next()?.trim().to_ascii_lowercase();
        let (kind, name) = essence.split_once('/')?;
        if kind.is_empty() || name.is_empty() || essence.contains([' ', '"']) {
            return None;
        }
        let mut range = Self {
            essence,
            part_type: None,
            transfer_syntax: None,
            weight: 1.0,
        };
        for piece in pieces {
            let Some((name, value)) = piece.split_once('=') else {
                continue;
            };
            let value = unquoted(value.trim());
            match name.trim().to_ascii_lowercase().as_str() {
                "type" => range.part_type = Some(value.to_ascii_lowercase()),
                "transfer-syntax" => range.transfer_syntax = Some(value),
                "q" => {
                    range.weight = value
                        .parse()
                        .ok()
                        .filter(|weight| (0.0..=1.0).contains(weight))?
                }
                _ => {}
            }
        }
        Some(range)
    }

    /// Names a single part, for a request that says otherwise than by header what it takes.
    pub(crate) fn of(essence: &str, transfer_syntax: Option<&str>) -> Self {
        Self {
            essence: essence.to_owned(),
            part_type: None,
            transfer_syntax: transfer_syntax.map(str::to_owned),
            weight: 1.0,
        }
    }

    fn is_wildcard(&self) -> bool {
        self.essence.contains('*')
            || self
                .part_type
                .as_deref()
                .is_some_and(|part| part.contains('*'))
    }

    /// Says whether a single part of this type is taken.
    pub(crate) fn takes_single(&self, media_type: &str) -> bool {
        covers(&self.essence, media_type)
    }

    /// Says whether parts of this type are taken in `multipart/related`.
    pub(crate) fn takes_parts(&self, media_type: &str) -> bool {
        match self.essence.as_str() {
            "multipart/related" | "multipart/*" => self
                .part_type
                .as_deref()
                .is_none_or(|wanted| covers(wanted, media_type)),
            "*/*" => true,
            _ => false,
        }
    }

    /// Says whether it names a rendered form of an image or document.
    fn is_rendered(&self) -> bool {
        matches!(
            self.essence.as_str(),
            "image/jpeg"
                | "image/png"
                | "image/gif"
                | "text/html"
                | "text/plain"
                | "application/pdf"
        )
    }

    fn is_dicom(&self) -> bool {
        self.essence == "application/dicom"
            || self.part_type.as_deref() == Some("application/dicom")
    }
}

/// Says whether a range (`image/*`) covers a type.
fn covers(range: &str, media_type: &str) -> bool {
    match range.split_once('/') {
        Some(("*", "*")) => true,
        Some((kind, "*")) => media_type
            .split_once('/')
            .is_some_and(|(given, _)| given == kind),
        _ => range == media_type,
    }
}

impl Accept {
    /// Keeps the ranges that are wanted.
    pub(crate) fn only(&self, is_wanted: impl Fn(&MediaRange) -> bool) -> Self {
        let wanted = self.0.iter().filter(|range| is_wanted(range));
        Self(wanted.cloned().collect())
    }

    /// Reads the Accept header and the `accept` parameter. Who sends no header takes everything, and gets the default of the
    /// resource, as who sends `*/*` does.
    // RFC 9110 12.5.1, and PS3.18 table 8.7.3-1; 8.7.5 lets such a request be refused, which tells its sender nothing.
    ///
    /// # Errors
    /// 406 without any range that can be read (PS3.18 8.7.5, 8.7.7), 400 for a malformed `accept` parameter.
    pub(crate) fn of_request(headers: &HeaderMap, query: &str) -> Answer<Self> {
        let mut ranges = Vec::new();
        for value in headers.get_all(header::ACCEPT) {
            let Ok(text) = value.to_str() else { continue };
            ranges.extend(parse_list(text));
        }
        if !headers.contains_key(header::ACCEPT) {
            ranges.push(MediaRange::of("*/*", None));
        }
        ranges.truncate(MEDIA_RANGES);
        ranges.retain(|range| range.weight > 0.0);
        if ranges.is_empty() {
            return Err(Refusal::not_acceptable(
                "say in an Accept header which media types you take",
            ));
        }
        // A stable sort: equals stay in the order of the client.
        ranges.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let Some(wanted) = accept_parameter(query) else {
            return Ok(Self(ranges));
        };
        Self::narrowed(&ranges, &wanted)
    }

    // PS3.18 8.3.3.1: no wildcards, and every type fits a range of the header.
    fn narrowed(ranges: &[MediaRange], wanted: &str) -> Answer<Self> {
        let wanted = parse_list(wanted);
        if wanted.is_empty() || wanted.iter().any(MediaRange::is_wildcard) {
            return Err(Refusal::bad_request(
                "the accept parameter must name media types, without wildcards",
            ));
        }
        let fits = |wanted: &MediaRange| {
            ranges.iter().any(|range| {
                covers(&range.essence, &wanted.essence)
                    && range.part_type.as_deref().is_none_or(|part| {
                        wanted
                            .part_type
                            .as_deref()
                            .is_some_and(|wanted| covers(part, wanted))
                    })
            })
        };
        if !wanted.iter().all(fits) {
            return Err(Refusal::not_acceptable(
                "the accept parameter names a type that the Accept header does not cover",
            ));
        }
        Ok(Self(wanted))
    }

    /// Refuses a mix of DICOM and rendered types (PS3.18 8.7.5).
    pub(crate) fn refuse_mixed(&self) -> Answer<()> {
        if self.0.iter().any(MediaRange::is_dicom) && self.0.iter().any(MediaRange::is_rendered) {
            return Err(Refusal::bad_request(
                "ask for DICOM or for rendered media types, not for both at once",
            ));
        }
        Ok(())
    }

    /// Chooses between DICOM JSON and Native DICOM Model XML in parts, for search and metadata (PS3.18 8.7.3.2).
    pub(crate) fn json_or_xml(&self) -> Answer<Form> {
        self.form(|range| range.takes_parts(XML))
    }

    /// Chooses between DICOM JSON and Native DICOM Model XML as it stands, for the answer to a store request.
    pub(crate) fn json_or_plain_xml(&self) -> Answer<Form> {
        self.form(|range| range.takes_single(XML) || range.takes_parts(XML))
    }

    fn form(&self, takes_xml: impl Fn(&MediaRange) -> bool) -> Answer<Form> {
        let form = |range: &MediaRange| {
            let is_json = range.takes_single(JSON) || range.essence == "application/json";
            match is_json {
                true => Some(Form::Json),
                false => takes_xml(range).then_some(Form::Xml),
            }
        };
        self.0.iter().find_map(form).ok_or_else(|| {
            Refusal::not_acceptable(
                "this resource is offered as application/dicom+json, and as application/dicom+xml in multipart/related",
            )
        })
    }
}

fn accept_parameter(query: &str) -> Option<String> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("accept="))
        .map(percent_decoded)
}

fn parse_list(text: &str) -> Vec<MediaRange> {
    split_quoted(text, ',')
        .into_iter()
        .filter_map(MediaRange::parse)
        .collect()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::Accept;

    fn accept(text: &'static str, query: &str) -> Result<Vec<String>, u16> {
        let mut headers = HeaderMap::new();
        if !text.is_empty() {
            headers.insert(header::ACCEPT, HeaderValue::from_static(text));
        }
        Accept::of_request(&headers, query)
            .map(|accept| {
                accept
                    .0
                    .into_iter()
                    .map(|range| range.part_type.unwrap_or(range.essence))
                    .collect()
            })
            .map_err(|refusal| refusal.status().as_u16())
    }

    #[test]
    fn ranges_are_ordered_g1_g4_g6_g14() {
        assert_eq!(accept("", ""), Ok(vec!["*/*".to_owned()]));
        assert_eq!(accept("nonsense, /", ""), Err(406));
        assert_eq!(
            accept("nonsense, image/jpeg", ""),
            Ok(vec!["image/jpeg".to_owned()])
        );
        assert_eq!(
            accept(
                "image/png;q=0.1, multipart/related; type=\"image/JLS\"; q=0.5, a/b",
                ""
            ),
            Ok(vec![
                "a/b".to_owned(),
                "image/jls".to_owned(),
                "image/png".to_owned()
            ])
        );
        assert_eq!(
            accept("multipart/related; type=image/jls", ""),
            Ok(vec!["image/jls".to_owned()])
        );
        assert_eq!(accept("a/b;q=0", ""), Err(406));
    }

    #[test]
    fn the_parameter_wins_g5() {
        let json = "accept=application%2Fdicom%2Bjson";
        assert_eq!(
            accept("*/*", json),
            Ok(vec!["application/dicom+json".to_owned()])
        );
        assert_eq!(
            accept("", json),
            Ok(vec!["application/dicom+json".to_owned()])
        );
        assert_eq!(accept("image/*", json), Err(406));
        assert_eq!(accept("*/*", "accept=image/*"), Err(400));
        assert_eq!(accept("*/*", "ACCEPT=image/*"), Ok(vec!["*/*".to_owned()]));
    }
}
