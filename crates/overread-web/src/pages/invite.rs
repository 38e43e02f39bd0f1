//! Who is in a case, and inviting who is missing: above all who signs the consent of a request that a coordinator wrote down.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_workflow::inviting::{self, Invite, Invited};
use overread_workflow::sessions::SignedIn;
use serde::Deserialize;

use super::InCase;
use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Posted, Problems, Signed, to_correct};
use crate::shell::{CasePlace, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::Written as _;

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/cases/{case}/invite", get(show).post(invite))
        .route("/cases/{case}/invite/{invitation}/revoke", post(revoke))
}

/// What is typed to invite.
#[derive(Default, Deserialize)]
#[serde(default)]
struct InviteForm {
    name: String,
    email: String,
    role: String,
    language: String,
}

#[derive(Template)]
#[template(path = "cases/invite.html")]
struct InvitePage {
    shell: Shell,
    path: String,
    view: inviting::InCase,
    form: InviteForm,
    role_options: Vec<(&'static str, &'static str)>,
    languages: [(&'static str, &'static str); 2],
    invited: Option<Invited>,
    /// A mail server is set up.
    mails: bool,
    problems: Problems,
}

/// Returns what a role is called here: a physician who is invited to a case treats its patient.
const fn title_of(role: Role) -> &'static str {
    match role {
        Role::Patient => "The patient",
        Role::Representative => "The representative: acts and signs for the patient",
        Role::ReferringPhysician => "The treating doctor",
        Role::Insurer => "The insurer",
        other => other.title(),
    }
}

impl InvitePage {
    async fn of(state: &WebState, session: &SignedIn, case_id: &CaseId) -> Result<Self, PageError> {
        let (ctx, now) = (&state.workflow, state.now());
        let view = inviting::in_case(ctx, &session.actor, case_id, now).await?;
        let next = &view.next;
        Ok(Self {
            shell: Shell::in_case(
                state,
                session,
                "People of this case",
                case_id,
                CasePlace::Other,
            )
            .await
            .narrow(),
            path: format!("/cases/{case_id}"),
            form: InviteForm {
                name: next.name.clone(),
                email: next.email.clone(),
                role: next.role.as_str().to_owned(),
                language: next.language.clone(),
            },
            role_options: view
                .roles
                .iter()
                .map(|role| (role.as_str(), title_of(*role)))
                .collect(),
            languages: [("en", "English"), ("es", "Español")],
            view,
            invited: None,
            mails: state.mails(),
            problems: Problems::default(),
        })
    }
}

async fn show(
    State(state): State<WebState>,
    Signed(session): Signed,
    InCase(case_id): InCase,
) -> PageResult {
    page(&InvitePage::of(&state, &session, &case_id).await?)
}

async fn invite(
    State(state): State<WebState>,
    InCase(case_id): InCase,
    Posted { session, form, .. }: Posted<InviteForm>,
) -> PageResult {
    let wanted = Invite {
        name: form.name.clone(),
        email: form.email.clone(),
        role: form.role.parse().map_err(|_| PageError::NotFound)?,
        case_id: Some(case_id.clone()),
        language: form.language.clone(),
    };
    let made = inviting::invite(&state.workflow, &session.actor, &wanted, state.now()).await;
    let made = to_correct(made)?;
    let mut shown = InvitePage::of(&state, &session, &case_id).await?;
    match made {
        Ok(invited) => {
            shown.invited = Some(invited);
            page(&shown)
        }
        Err(problems) => {
            (shown.form, shown.problems) = (form, problems);
            page_to_correct(&shown)
        }
    }
}

async fn revoke(
    State(state): State<WebState>,
    Path((case_id, invitation)): Path<(String, String)>,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let case_id: CaseId = case_id.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, now) = (&state.workflow, state.now());
    inviting::revoke(ctx, &session.actor, &invitation, Some(&case_id), now).await?;
    Ok(go(&format!("/cases/{case_id}/invite")))
}
