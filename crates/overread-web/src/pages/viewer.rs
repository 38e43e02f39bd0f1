//! The viewer's page: its data as JSON, everything else is made by the viewer's script.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::header::CONTENT_SECURITY_POLICY;
use overread_workflow::reading::{self, ViewerData};
use serde::Serialize;

use super::InCase;
use crate::errors::{PageError, PageResult};
use crate::forms::Signed;
use crate::headers::VIEWER_POLICY;
use crate::shell::{CasePlace, Shell, page};
use crate::state::WebState;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new().route("/cases/{case}/viewer", get(show))
}

/// JSON for a script element: no character in it can end the element.
struct ScriptData(String);

impl ScriptData {
    fn new(data: &impl Serialize) -> Result<Self, PageError> {
        let json = serde_json::to_string(data).map_err(|e| PageError::Internal(Box::new(e)))?;
        let mut safe = String::with_capacity(json.len());
        for character in json.chars() {
            match character {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    safe.push_str(&format!("\\u{:04x}", u32::from(character)));
                }
                other => safe.push(other),
            }
        }
        Ok(Self(safe))
    }
}

impl std::fmt::Display for ScriptData {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for ScriptData {}

/// What the page hands to the viewer.
pub(super) struct PageData {
    /// Studies and patient.
    pub(super) data: ViewerData,
    /// Where the images are, when not at the usual address.
    pub(super) root: Option<String>,
    /// Token for what the viewer sends.
    pub(super) csrf: String,
}

/// What the script element holds.
#[derive(Serialize)]
struct Written<'a> {
    case_id: &'a overread_model::ids::CaseId,
    dicomweb_root: &'a str,
    studies: &'a [overread_workflow::reading::ViewerStudy],
    patient: &'a overread_workflow::reading::ViewerPatient,
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "viewing/viewer.html")]
struct ViewerPage {
    shell: Shell,
    studies: usize,
    data: ScriptData,
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    let data = reading::viewer(&state.workflow, &session.actor, &case_id, state.now()).await?;
    let mut shell = Shell::in_case(&state, &session, "Images", &case_id, CasePlace::Viewer).await;
    shell.body = "body--viewer body--wide";
    let csrf = session.csrf.clone();
    let page = PageData {
        data,
        root: None,
        csrf,
    };
    show_data(shell, page)
}

/// Renders the viewer's page with the policy its decoders need.
pub(super) fn show_data(shell: Shell, given: PageData) -> PageResult {
    let data = &given.data;
    let written = Written {
        case_id: &data.case_id,
        dicomweb_root: given.root.as_deref().unwrap_or(data.dicomweb_root),
        studies: &data.studies,
        patient: &data.patient,
        csrf: &given.csrf,
    };
    let mut response: Response = page(&ViewerPage {
        shell,
        studies: data.studies.len(),
        data: ScriptData::new(&written)?,
    })?;
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, VIEWER_POLICY);
    Ok(response)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
mod tests {
    use super::ScriptData;

    #[test]
    fn nothing_in_the_data_ends_the_script_element() {
        let hostile = "</script><script>alert(1)</script><!--\u{2028}&";
        let written = ScriptData::new(&hostile).unwrap().to_string();
        assert!(!written.contains(['<', '>', '&', '\u{2028}']), "{written}");
        let back: String = serde_json::from_str(&written).unwrap();
        assert_eq!(back, hostile);
    }
}
