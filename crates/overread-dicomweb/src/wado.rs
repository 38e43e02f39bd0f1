//! WADO-URI: one object by query parameters, whole or drawn, for clients older than DICOMweb's paths (PS3.18 9).

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::middleware;
use axum::routing::get;

use crate::accept::{Accept, MediaRange};
use crate::asked_again::asked_again;
use crate::caller::{Caller, RawQuery};
use crate::forms::DICOM;
use crate::instances::{self, One};
use crate::limits::{QUERY_BYTES, QUERY_PARAMETERS};
use crate::looks;
use crate::not_sent::taken_back;
use crate::params::percent_decoded;
use crate::refusal::{Answer, Refusal};
use crate::rendered::{self, Drawn};
use crate::router::guarded;
use crate::state::DicomWebState;

/// Returns the one route, relative to where it is nested (`/wado`).
pub fn uri_router(state: DicomWebState) -> Router {
    Router::new()
        .route("/", get(retrieve))
        .layer(middleware::from_fn_with_state(state.clone(), asked_again))
        .layer(middleware::from_fn_with_state(state.clone(), taken_back))
        .layer(middleware::from_fn(guarded))
        .with_state(state)
}

/// What a request asks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    study: String,
    series: String,
    instance: String,
    /// Media types in lower case, the most wanted first.
    content_types: Vec<String>,
    transfer_syntax: Option<String>,
    frame_number: Option<u32>,
    /// A presentation state of the same study.
    presentation: Option<String>,
    presentation_series: Option<String>,
    /// How an image is drawn.
    columns: Option<String>,
    rows: Option<String>,
    window_center: Option<String>,
    window_width: Option<String>,
    /// Parameters that a rendered resource of WADO-RS has too, by its names.
    same: Vec<(&'static str, String)>,
}

/// GET /wado.
async fn retrieve(
    State(state): State<DicomWebState>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let asked = Asked::parse(&query)?;
    let one = One {
        study: asked.study.clone(),
        series: asked.series.clone(),
        instance: asked.instance.clone(),
    };
    if asked.is_dicom(&headers) {
        if asked.frame_number.is_some() || asked.state()?.is_some() {
            // PS3.18 9.1.2.2.7: a frame is for rendered answers only.
            return Err(Refusal::bad_request(
                "frameNumber and presentationUID go with a rendered contentType; application/dicom is the whole object",
            ));
        }
        return instances::answered(&state, &caller, &headers, &one, &asked.accept()).await;
    }
    let look = asked.look()?;
    let frame_number = asked.frame_number;
    let mut drawn = looks::Asked::rendered(&look)?;
    if let Some(one) = &asked.state()? {
        drawn = drawn.by(rendered::presentation(&state, &caller, one).await?)?;
    }
    let drawn = Drawn {
        asked: drawn,
        frame_number,
        words: &format!("{look} {frame_number:?} {:?}", asked.presentation),
    };
    rendered::answered(&state, &caller, &headers, &one, (&asked.pictures(), drawn)).await
}

impl Asked {
    fn parse(query: &str) -> Answer<Self> {
        if query.len() > QUERY_BYTES {
            return Err(Refusal::bad_request("the query is too long"));
        }
        let mut asked = Self::default();
        let mut seen = Vec::new();
        let mut request_type = String::new();
        for pair in query.split('&').take(QUERY_PARAMETERS) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (percent_decoded(name), percent_decoded(value));
            match name.as_str() {
                "requestType" => request_type = value,
                "studyUID" => asked.study = value,
                "seriesUID" => asked.series = value,
                "objectUID" => asked.instance = value,
                "contentType" => asked.content_types = media_types(&value),
                "transferSyntax" => asked.transfer_syntax = Some(value),
                "frameNumber" => asked.frame_number = Some(frame_number(&value)?),
                "columns" => asked.columns = Some(number(&name, value)?),
                "rows" => asked.rows = Some(number(&name, value)?),
                "windowCenter" => asked.window_center = Some(number(&name, value)?),
                "windowWidth" => asked.window_width = Some(number(&name, value)?),
                "imageQuality" => asked.same.push(("quality", number(&name, value)?)),
                "annotation" if value.bytes().all(is_of_words) => {
                    asked.same.push(("annotation", value));
                }
                "presentationUID" => asked.presentation = Some(value),
                "presentationSeriesUID" => asked.presentation_series = Some(value),
                "region" => {
                    // Drawn without them it would be another picture than the one that was asked for.
                    return Err(Refusal::bad_request(format!(
                        "{name} is not followed here; ask for the whole image as it is"
                    )));
                }
                "anonymize" => {
                    return Err(Refusal::bad_request(
                        "names are not taken out here; ask without anonymize",
                    ));
                }
                _ => continue,
            }
            if seen.contains(&name) {
                return Err(Refusal::bad_request("a parameter may be named only once"));
            }
            seen.push(name);
        }
        if request_type != "WADO" {
            return Err(Refusal::bad_request("requestType must be WADO"));
        }
        if [&asked.study, &asked.series, &asked.instance]
            .iter()
            .any(|uid| uid.is_empty())
        {
            return Err(Refusal::bad_request(
                "studyUID, seriesUID and objectUID must be given",
            ));
        }
        Ok(asked)
    }

    /// Says whether the object itself is asked for: by contentType, else by the Accept header. Without either an image is
    /// to be rendered (PS3.18 9.1.2.1).
    fn is_dicom(&self, headers: &HeaderMap) -> bool {
        if let Some(first) = self.content_types.first() {
            return first == DICOM;
        }
        let accept = headers.get_all(header::ACCEPT).iter();
        let mut types = accept
            .filter_map(|value| value.to_str().ok())
            .flat_map(media_types);
        types.any(|one| one == DICOM)
    }

    /// Returns the transfer syntaxes that are taken: the one that is named, else Explicit VR Little Endian, else as stored.
    fn accept(&self) -> Accept {
        let taken = |syntax: Option<&str>| MediaRange::of(DICOM, syntax);
        Accept(match &self.transfer_syntax {
            Some(syntax) => vec![taken(Some(syntax))],
            None => vec![taken(None), taken(Some("*"))],
        })
    }
}

impl Asked {
    /// Returns which presentation state the image is to be shown by.
    // PS3.18 9.1.2.2.10 and 9.1.2.2.11: both UIDs, and no window beside them.
    fn state(&self) -> Answer<Option<One>> {
        match (&self.presentation_series, &self.presentation) {
            (None, None) => Ok(None),
            (Some(series), Some(uid)) if self.window_center.is_none() => Ok(Some(One {
                study: self.study.clone(),
                series: series.clone(),
                instance: uid.clone(),
            })),
            _ => Err(Refusal::bad_request(
                "presentationSeriesUID and presentationUID go together, and without a window",
            )),
        }
    }

    /// Returns the media types of a picture that are taken (PS3.18 9.1.2.1: JPEG, when nothing is said).
    fn pictures(&self) -> Accept {
        let named = self.content_types.iter().map(String::as_str);
        let mut ranges: Vec<_> = named.map(|name| MediaRange::of(name, None)).collect();
        if ranges.is_empty() {
            ranges.push(MediaRange::of("image/jpeg", None));
        }
        Accept(ranges)
    }

    /// Returns how an image is drawn, as the parameters of a rendered resource of WADO-RS say it.
    fn look(&self) -> Answer<String> {
        let mut pairs: Vec<String> = Vec::new();
        if self.columns.is_some() || self.rows.is_some() {
            // PS3.18 9.1.2.2.5: with one of them, the other follows the image.
            let most = overread_pixels::limits::PICTURE_SIDE.to_string();
            let side = |given: &Option<String>| given.clone().unwrap_or_else(|| most.clone());
            pairs.push(format!(
                "viewport={},{}",
                side(&self.columns),
                side(&self.rows)
            ));
        }
        match (&self.window_center, &self.window_width) {
            (Some(center), Some(width)) => pairs.push(format!("window={center},{width},linear")),
            (None, None) => {}
            _ => {
                return Err(Refusal::bad_request(
                    "windowCenter and windowWidth go together",
                ));
            }
        }
        let same = self.same.iter();
        pairs.extend(same.map(|(name, value)| format!("{name}={value}")));
        Ok(pairs.join("&"))
    }
}

/// Reads `image/png, application/dicom; q=0.5` without the parameters.
fn media_types(list: &str) -> Vec<String> {
    list.split(',')
        .filter_map(|one| one.split(';').next())
        .map(|one| one.trim().to_ascii_lowercase())
        .filter(|one| !one.is_empty())
        .collect()
}

/// Takes what can be a number; which numbers are taken is for what draws.
fn number(name: &str, value: String) -> Answer<String> {
    let is_number = value.parse::<f64>().is_ok_and(f64::is_finite) && !value.contains('+');
    Some(value)
        .filter(|_| is_number)
        .ok_or_else(|| Refusal::bad_request(format!("{name} must be a number")))
}

fn is_of_words(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b','
}

fn frame_number(value: &str) -> Answer<u32> {
    let number = value.trim().parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Refusal::bad_request("frameNumber is a number from 1"))
}

#[cfg(test)]
mod tests {
    use super::Asked;

    #[test]
    fn parameters_are_read_once_each() {
        let start = "requestType=WADO&studyUID=1.2&seriesUID=1.3&objectUID=1.4";
        let asked = Asked::parse(&format!(
            "{start}&contentType=application%2Fdicom&transferSyntax=1.2.840.10008.1.2.1&rows=5"
        ))
        .expect("reads");
        assert_eq!((&*asked.study, &*asked.instance), ("1.2", "1.4"));
        assert_eq!(asked.content_types, ["application/dicom"]);
        for (query, expect) in [
            (start.to_owned(), true),
            (format!("{start}&frameNumber=3"), true),
            (format!("{start}&frameNumber=0"), false),
            (format!("{start}&studyUID=1.2"), false),
            (format!("{start}&anonymize=yes"), false),
            (start.replace("WADO", "wado"), false),
            (start.replace("1.4", ""), false),
            (String::new(), false),
        ] {
            assert_eq!(Asked::parse(&query).is_ok(), expect, "{query}");
        }
    }
}
