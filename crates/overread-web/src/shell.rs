//! The frame around every page: title, who is here, where one can go.

use axum::response::{Html, IntoResponse as _, Response};
use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_workflow::sessions::SignedIn;
use overread_workflow::{asking, choosing};

use crate::assets::{self, Entry};
use crate::errors::PageResult;
use crate::state::WebState;

/// One place to go.
pub(crate) struct Link {
    /// Words.
    pub(crate) title: &'static str,
    /// Path.
    pub(crate) path: String,
    /// It is where the reader is.
    pub(crate) here: bool,
}

/// Who is signed in, for the head of the page.
pub(crate) struct Who {
    /// Name.
    pub(crate) name: String,
    /// The name they sign in with, so that password managers know whose password is asked.
    pub(crate) email: String,
    /// Role in words.
    pub(crate) role: &'static str,
    /// Other roles: value and words.
    pub(crate) others: Vec<(&'static str, &'static str)>,
}

/// What the layout shows.
pub(crate) struct Shell {
    /// Title of the window, without the product's name.
    pub(crate) title: String,
    /// Language of the page.
    pub(crate) lang: &'static str,
    /// Class of the page's width: empty, `page--narrow`, `page--wide`.
    pub(crate) width: &'static str,
    /// Class of the body.
    pub(crate) body: &'static str,
    /// Who is signed in.
    pub(crate) who: Option<Who>,
    /// Main places.
    pub(crate) nav: Vec<Link>,
    /// Where in the case: number or title, and its places.
    pub(crate) case: Option<CaseNav>,
    /// Token for forms.
    pub(crate) csrf: String,
    /// Style and script.
    pub(crate) entry: Entry,
    /// Name of the practice.
    pub(crate) organisation: String,
}

/// Where in a case the reader is.
pub(crate) struct CaseNav {
    /// Path of the case.
    pub(crate) path: String,
    /// Whose case it is, on every page of those who work on many; empty for others.
    pub(crate) caption: String,
    /// Its places, for those who move between them all day; empty for others.
    pub(crate) tabs: Vec<Link>,
}

/// A place in the main navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Cases.
    Cases,
    /// Images without a case.
    Unfiled,
    /// Directory of reviewers.
    Reviewers,
    /// People and invitations.
    People,
    /// Who calls over the DICOM network.
    Peers,
    /// What is kept and deleted.
    Keeping,
    /// What was done and read.
    Audit,
    /// One's own account.
    Account,
    /// Elsewhere.
    None,
}

/// A place in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CasePlace {
    /// The journey.
    Journey,
    /// Records.
    Records,
    /// Letters.
    Letters,
    /// Choice of a reviewer.
    Choice,
    /// Cost.
    Cost,
    /// Images.
    Viewer,
    /// The first report.
    Original,
    /// The second report.
    Report,
    /// The comparison.
    Concordance,
    /// Delivery and outcome.
    Act,
    /// Elsewhere in the case.
    Other,
}

impl Shell {
    /// Makes the frame for nobody.
    pub(crate) fn anonymous(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            lang: "en",
            width: "",
            body: "",
            who: None,
            nav: Vec::new(),
            case: None,
            csrf: String::new(),
            entry: assets::entry(),
            organisation: String::new(),
        }
    }

    /// Makes the frame for a person.
    pub(crate) fn new(state: &WebState, session: &SignedIn, title: &str, place: Place) -> Self {
        let others = session
            .roles
            .iter()
            .filter(|role| **role != session.role)
            .map(|role| (role.as_str(), role.title()))
            .collect();
        Self {
            who: Some(Who {
                name: session.name.clone(),
                email: session.email.clone(),
                role: session.role.title(),
                others,
            }),
            nav: places(session.role, place),
            csrf: session.csrf.clone(),
            organisation: state.config.organisation.clone(),
            ..Self::anonymous(title)
        }
    }

    /// Makes the frame of a page inside a case.
    pub(crate) async fn in_case(
        state: &WebState,
        session: &SignedIn,
        title: &str,
        case_id: &CaseId,
        place: CasePlace,
    ) -> Self {
        let mut shell = Self::new(state, session, title, Place::Cases);
        let mut tabs = case_places(session.role, case_id, place);
        if session.role == Role::Reviewer && is_only_offered(state, session, case_id).await {
            tabs.retain(|tab| tab.title == "Journey");
            tabs.push(Link {
                title: "Accept or decline",
                path: format!("/cases/{case_id}/offer"),
                here: false,
            });
        }
        let caption = if tabs.is_empty() || place == CasePlace::Journey {
            String::new()
        } else {
            caption(state, session, case_id).await
        };
        shell.case = Some(CaseNav {
            path: format!("/cases/{case_id}"),
            caption,
            tabs,
        });
        shell
    }

    /// Names the practice in the foot.
    pub(crate) fn of(mut self, state: &WebState) -> Self {
        state.config.organisation.clone_into(&mut self.organisation);
        self
    }

    /// Makes the page as wide as one question.
    pub(crate) fn narrow(mut self) -> Self {
        self.width = "page--narrow";
        self
    }

    /// Makes the page as wide as the screen.
    pub(crate) fn wide(mut self) -> Self {
        self.width = "page--wide";
        self.body = "body--wide";
        self
    }
}

fn places(role: Role, here: Place) -> Vec<Link> {
    let link = |place, title, path: &str| Link {
        title,
        path: path.to_owned(),
        here: place == here,
    };
    let cases = match role {
        Role::Coordinator => Some("Cases"),
        Role::Reviewer => Some("My reading"),
        Role::Administrator | Role::Archive => None,
        _ => Some("My cases"),
    };
    let mut list: Vec<Link> = cases
        .map(|title| link(Place::Cases, title, "/cases"))
        .into_iter()
        .collect();
    if role == Role::Coordinator {
        list.push(link(Place::Unfiled, "Images without a case", "/unfiled"));
    }
    if matches!(role, Role::Coordinator | Role::Administrator) {
        list.push(link(Place::Reviewers, "Reviewers", "/reviewers"));
        list.push(link(Place::People, "People", "/people"));
    }
    if role == Role::Administrator {
        list.push(link(Place::Peers, "DICOM peers", "/dicom-peers"));
        list.push(link(Place::Keeping, "Keeping", "/keeping"));
        list.push(link(Place::Audit, "Audit", "/audit"));
    }
    list.push(link(Place::Account, "Account", "/account"));
    list
}

/// Returns the tabs of a case for those who work in it all day; patients go by the journey instead.
fn case_places(role: Role, case_id: &CaseId, here: CasePlace) -> Vec<Link> {
    let all: &[(CasePlace, &str, &str)] = &[
        (CasePlace::Journey, "Journey", ""),
        (CasePlace::Records, "Records", "/records"),
        (CasePlace::Letters, "Letters", "/letters"),
        (CasePlace::Choice, "Reviewer", "/reviewers"),
        (CasePlace::Cost, "Cost", "/cost"),
        (CasePlace::Viewer, "Images", "/viewer"),
        (CasePlace::Original, "First report", "/original-report"),
        (CasePlace::Report, "Second report", "/report"),
        (CasePlace::Concordance, "Comparison", "/concordance"),
        (CasePlace::Act, "Delivery", "/act"),
    ];
    let shown = |place: CasePlace| match role {
        Role::Coordinator => true,
        Role::Reviewer => !matches!(
            place,
            CasePlace::Letters | CasePlace::Choice | CasePlace::Cost | CasePlace::Act
        ),
        _ => false,
    };
    all.iter()
        .filter(|(place, ..)| shown(*place))
        .map(|(place, title, tail)| Link {
            title,
            path: format!("/cases/{case_id}{tail}"),
            here: *place == here,
        })
        .collect()
}

/// Says whether a reviewer was asked and has not accepted: no other place of the case opens before.
async fn is_only_offered(state: &WebState, session: &SignedIn, case_id: &CaseId) -> bool {
    let asked = choosing::is_only_offered(&state.workflow, &session.actor, case_id, state.now());
    asked.await.unwrap_or(false)
}

/// Returns whose case it is and about what, so that nobody works on the wrong one.
async fn caption(state: &WebState, session: &SignedIn, case_id: &CaseId) -> String {
    let view = asking::view(&state.workflow, &session.actor, case_id, state.now()).await;
    let Ok(view) = view else {
        return String::new();
    };
    let exam = if view.exam.name.is_empty() {
        format!("{} {}", view.exam.modality, view.exam.body_part)
    } else {
        view.exam.name
    };
    let parts = [
        view.who.patient_name,
        crate::words::day_of(&view.who.patient_birth_date),
        exam,
    ];
    let known: Vec<&str> = parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect();
    known.join(" · ")
}

/// Renders a page.
pub(crate) fn page(template: &impl askama::Template) -> PageResult {
    Ok(Html(template.render()?).into_response())
}

/// Renders a page that asks for a correction.
pub(crate) fn page_to_correct(template: &impl askama::Template) -> PageResult {
    Ok((
        http::StatusCode::UNPROCESSABLE_ENTITY,
        Html(template.render()?),
    )
        .into_response())
}

/// Sends the reader on after a form.
pub(crate) fn go(path: &str) -> Response {
    axum::response::Redirect::to(path).into_response()
}
