//! People and invitations, for administrators and coordinators.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use overread_model::access::Role;
use overread_model::ids::PersonId;
use overread_model::time::Timestamp;
use overread_workflow::inviting::{self, InvitationRow, Invite, Invited};
use overread_workflow::people::{self, ArchiveProof, PersonRow};
use overread_workflow::sessions::SignedIn;
use serde::Deserialize;

use crate::errors::{PageError, PageResult};
use crate::forms::{Nothing, Posted, Problems, Signed, to_correct};
use crate::shell::{Place, Shell, go, page, page_to_correct};
use crate::state::WebState;
use crate::words::{Written as _, count};

/// Returns the routes of this station.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/people", get(show))
        .route("/people/invite", post(invite))
        .route("/people/invitations/{invitation}/revoke", post(revoke))
        .route("/people/{person}/roles", post(set_roles))
        .route("/people/{person}/disabled", post(set_disabled))
}

/// What is typed to invite.
#[derive(Default, Deserialize)]
#[serde(default)]
struct InviteForm {
    name: String,
    email: String,
    role: String,
    language: String,
    case: String,
}

#[derive(Template)]
#[template(path = "people/list.html")]
struct People {
    shell: Shell,
    show_people: bool,
    people: Vec<PersonRow>,
    /// For administrators: what the proof of the archive found.
    proof: Option<ArchiveProof>,
    invitations: Vec<InvitationRow>,
    roles: Vec<Role>,
    role_options: Vec<(&'static str, &'static str)>,
    languages: [(&'static str, &'static str); 2],
    form: InviteForm,
    invited: Option<Invited>,
    /// A mail server is set up.
    mails: bool,
    now: Timestamp,
    problems: Problems,
}

/// Roles that people have; machines get theirs with a token.
fn human_roles() -> impl Iterator<Item = Role> {
    Role::ALL.into_iter().filter(|role| *role != Role::Archive)
}

impl People {
    async fn of(state: &WebState, session: &SignedIn) -> Result<Self, PageError> {
        let (ctx, now) = (&state.workflow, state.now());
        let show_people = session.role == Role::Administrator;
        let people = if show_people {
            people::list(ctx, &session.actor, now).await?
        } else {
            Vec::new()
        };
        let proof = if show_people {
            people::archive_proof(ctx, &session.actor).await?
        } else {
            None
        };
        Ok(Self {
            proof,
            shell: Shell::new(state, session, "People", Place::People),
            show_people,
            people,
            invitations: inviting::list(ctx, &session.actor, now).await?,
            roles: human_roles().collect(),
            role_options: human_roles()
                .filter(|role| show_people || *role != Role::Administrator)
                .map(|role| (role.as_str(), role.title()))
                .collect(),
            languages: [("en", "English"), ("es", "Español")],
            form: InviteForm::default(),
            invited: None,
            mails: state.mails(),
            now,
            problems: Problems::default(),
        })
    }
}

impl People {
    /// Says whether the administrator who reads this is the only one who was ever let in or invited.
    fn is_alone(&self) -> bool {
        self.show_people && self.people.len() == 1 && self.invitations.is_empty()
    }

    /// Says whether somebody here is a coordinator.
    fn coordinates(&self) -> bool {
        let mut people = self.people.iter();
        people.any(|row| row.roles.contains(&Role::Coordinator))
    }

    /// Says what was read again and when, and nothing of what was not.
    fn proof_words(&self, proof: &ArchiveProof) -> String {
        let images = count(&proof.instances, "image was", "images were");
        let begun = proof.begun_at.day();
        let last = proof.finished_at.map(|at| at.day());
        match (proof.is_under_way, last) {
            (true, None) => format!(
                "The first reading of the archive began on {begun}: {images} read and found whole so far, and the rest was not \
                 read again yet."
            ),
            (true, Some(last)) => format!(
                "The reading of the archive that began on {begun} goes on: {images} read and found whole so far. The one \
                 before ended on {last}."
            ),
            (false, _) if proof.instances == 0 => format!(
                "No image was read again yet: when the archive was last read, from {begun}, it held none that could be read."
            ),
            (false, last) => format!(
                "{images} read again and found whole by the reading that began on {begun} and ended on {}. What came later was \
                 not read again yet.",
                last.unwrap_or_default()
            ),
        }
    }

    /// Returns the places that did not hold, each once.
    fn damaged_places(&self) -> Vec<&str> {
        let proof = self.proof.iter();
        let mut places: Vec<&str> = proof
            .flat_map(|proof| proof.damages.iter().chain(&proof.last_damages))
            .map(String::as_str)
            .collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

async fn show(State(state): State<WebState>, Signed(session): Signed) -> PageResult {
    page(&People::of(&state, &session).await?)
}

async fn invite(
    State(state): State<WebState>,
    Posted { session, form, .. }: Posted<InviteForm>,
) -> PageResult {
    let wanted = Invite {
        name: form.name.clone(),
        email: form.email.clone(),
        role: form.role.parse().map_err(|_| PageError::NotFound)?,
        case_id: (!form.case.is_empty())
            .then(|| form.case.parse().map_err(|_| PageError::NotFound))
            .transpose()?,
        language: form.language.clone(),
    };
    let made = inviting::invite(&state.workflow, &session.actor, &wanted, state.now()).await;
    let made = to_correct(made)?;
    let mut people = People::of(&state, &session).await?;
    match made {
        Ok(invited) => {
            people.invited = Some(invited);
            page(&people)
        }
        Err(problems) => {
            (people.form, people.problems) = (form, problems);
            page_to_correct(&people)
        }
    }
}

async fn revoke(
    State(state): State<WebState>,
    Path(invitation): Path<String>,
    Posted { session, .. }: Posted<Nothing>,
) -> PageResult {
    let (ctx, now) = (&state.workflow, state.now());
    inviting::revoke(ctx, &session.actor, &invitation, None, now).await?;
    Ok(go("/people"))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RolesForm {
    roles: Vec<String>,
}

async fn set_roles(
    State(state): State<WebState>,
    Path(person): Path<String>,
    Posted { session, form, .. }: Posted<RolesForm>,
) -> PageResult {
    let person: PersonId = person.parse().map_err(|_| PageError::NotFound)?;
    let roles: Vec<Role> = form
        .roles
        .iter()
        .map(|role| role.parse().map_err(|_| PageError::NotFound))
        .collect::<Result<_, _>>()?;
    people::set_roles(
        &state.workflow,
        &session.actor,
        &person,
        &roles,
        state.now(),
    )
    .await?;
    Ok(go("/people"))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DisabledForm {
    disabled: bool,
}

async fn set_disabled(
    State(state): State<WebState>,
    Path(person): Path<String>,
    Posted { session, form, .. }: Posted<DisabledForm>,
) -> PageResult {
    let person: PersonId = person.parse().map_err(|_| PageError::NotFound)?;
    let (ctx, now) = (&state.workflow, state.now());
    people::set_disabled(ctx, &session.actor, &person, form.disabled, now).await?;
    Ok(go("/people"))
}
