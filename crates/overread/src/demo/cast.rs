//! Everybody who plays in the demonstration, and how they join a case.

use anyhow::{Context, Result};
use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, PersonId};
use overread_workflow::signing_in::Client;
use overread_workflow::{Workflow, inviting, setup};

use super::{SignIn, Story, told};

const PEOPLE: [(Role, &str, &str); 8] = [
    (Role::Administrator, "Ada Brandt", "administrator"),
    (Role::Coordinator, "Marta Lindqvist", "coordinator"),
    (Role::Patient, "Elena Rivera", "patient"),
    (Role::Representative, "Carlos Rivera", "representative"),
    (Role::ReferringPhysician, "Dr. Daniel Okafor", "physician"),
    (Role::Insurer, "Northfield Health Plan", "insurer"),
    (Role::Reviewer, "Dr. Ingrid Solberg", "reviewer"),
    (Role::Reviewer, "Dr. Tomas Weber", "surgeon"),
];

/// Everybody's actor, by the short name of their address.
pub(super) struct Cast {
    members: Vec<Member>,
}

struct Member {
    short: &'static str,
    actor: Actor,
    password: String,
}

impl Cast {
    fn member(&self, short: &str) -> Result<&Member> {
        self.members
            .iter()
            .find(|member| member.short == short)
            .with_context(|| format!("nobody is called {short}"))
    }

    pub(super) fn get(&self, short: &str) -> Result<&Actor> {
        Ok(&self.member(short)?.actor)
    }

    pub(super) fn password(&self, short: &str) -> Result<&str> {
        Ok(&self.member(short)?.password)
    }
}

pub(super) async fn people(ctx: &Workflow, story: &mut Story) -> Result<(Vec<SignIn>, Cast)> {
    let client = Client::default();
    let (mut sign_ins, mut cast) = (
        Vec::new(),
        Cast {
            members: Vec::new(),
        },
    );
    for (role, name, short) in PEOPLE {
        let random = overread_store::tokens::random_id()?;
        let password = format!("demo-{}", CaseId::from_random(random).as_str());
        let email = format!("{short}@demo.example");
        let now = story.hours_later(0);
        let session = if role == Role::Administrator {
            let setup = setup::prepare(ctx, now).await.map_err(told)?;
            let secret = setup.context("somebody has an account already")?.secret;
            let form = setup::FirstAdministrator {
                name: name.to_owned(),
                email: email.clone(),
                password: password.clone(),
                password_again: password.clone(),
                also_coordinator: false,
            };
            setup::create_administrator(ctx, secret.reveal(), &form, &client, now).await
        } else {
            let invite = inviting::Invite {
                name: name.to_owned(),
                email: email.clone(),
                role,
                case_id: None,
                language: "en".to_owned(),
            };
            let invited = inviting::invite(ctx, cast.get("administrator")?, &invite, now)
                .await
                .map_err(told)?;
            let form = inviting::AcceptInvitation {
                name: name.to_owned(),
                password: password.clone(),
                password_again: password.clone(),
            };
            inviting::accept(ctx, invited.secret.reveal(), &form, &client, now).await
        };
        let person_id: PersonId = session
            .map_err(told)
            .with_context(|| format!("the account of the {role}"))?
            .person_id;
        let actor = Actor::Person { person_id, role };
        cast.members.push(Member {
            short,
            actor,
            password: password.clone(),
        });
        sign_ins.push(SignIn {
            role,
            name,
            email,
            password,
        });
    }
    Ok((sign_ins, cast))
}

/// Invites somebody who has an account to a case, and lets them accept with their password.
pub(super) async fn bring_in(
    ctx: &Workflow,
    cast: &Cast,
    case_id: &CaseId,
    short: &str,
    story: &mut Story,
) -> Result<()> {
    let now = story.hours_later(1);
    let member = cast.member(short)?;
    let role = member.actor.role().context("a person has a role")?;
    let invite = inviting::Invite {
        name: name_of(short).to_owned(),
        email: format!("{short}@demo.example"),
        role,
        case_id: Some(case_id.clone()),
        language: "en".to_owned(),
    };
    let invited = inviting::invite(ctx, cast.get("coordinator")?, &invite, now)
        .await
        .map_err(told)?;
    let form = inviting::AcceptInvitation {
        name: String::new(),
        password: member.password.clone(),
        password_again: String::new(),
    };
    inviting::accept(ctx, invited.secret.reveal(), &form, &Client::default(), now)
        .await
        .map_err(told)?;
    Ok(())
}

fn name_of(short: &str) -> &'static str {
    PEOPLE
        .iter()
        .find(|(_, _, known)| *known == short)
        .map_or("", |(_, name, _)| *name)
}
