//! `overread token`: tokens for machines.

use std::process::ExitCode;

use anyhow::{Result, bail};
use overread_model::access::{Actor, Role};
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::cases;
use overread_store::tokens::{self, NewToken, TokenRow};

use crate::cli::{Data, Token, TokenCommand};
use crate::clock;
use crate::home::Home;
use crate::output::{json, line, plain, remark};

/// Makes, lists or revokes tokens.
pub(crate) async fn run(arguments: Token) -> Result<ExitCode> {
    match arguments.command {
        TokenCommand::Create {
            role,
            name,
            case,
            data,
        } => {
            let home = Home::open_existing(&data.data).await?;
            let new = NewToken {
                name: &name,
                role,
                case_id: case.as_ref(),
            };
            create(&home, &new, &data).await?;
            home.close().await;
        }
        TokenCommand::List { data } => {
            let home = Home::open_existing(&data.data).await?;
            let rows = tokens::list(&mut home.store.read().await?).await?;
            show(&rows, &data)?;
            home.close().await;
        }
        TokenCommand::Revoke { id, data } => {
            let home = Home::open_existing(&data.data).await?;
            let now = clock::now();
            let mut tx = home.store.begin().await?;
            let revoked = tokens::revoke(&mut tx, &id, now).await?;
            audit::record(
                &mut tx,
                &Actor::System,
                &AuditEvent::new("token.revoked").on("token", &id),
                now,
            )
            .await?;
            tx.commit().await?;
            home.close().await;
            if !revoked {
                bail!("there is no token in force with this id");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(home: &Home, new: &NewToken<'_>, data: &Data) -> Result<()> {
    if new.role == Role::Administrator {
        bail!("a machine cannot be an administrator; choose archive, coordinator or reviewer");
    }
    if new.case_id.is_some() && new.role.sees_every_case() {
        bail!(
            "no token was made: a token with the role {} reaches every case, so --case would not keep it to one; \
             choose another role, or leave --case out",
            new.role
        );
    }
    let now = clock::now();
    let mut tx = home.store.begin().await?;
    if let Some(case_id) = new.case_id
        && cases::find(&mut tx, case_id).await?.is_none()
    {
        bail!(
            "no token was made: there is no case with this id; it stands in the address of the case's page"
        );
    }
    let (id, secret) = tokens::create(&mut tx, new, now).await?;
    audit::record(
        &mut tx,
        &Actor::System,
        &AuditEvent::new("token.created").on("token", &id),
        now,
    )
    .await?;
    tx.commit().await?;
    if data.json {
        json(&serde_json::json!({ "id": id, "token": secret }))?;
    } else {
        line(&secret)?;
    }
    if new.case_id.is_none() && !new.role.sees_every_case() {
        remark(&format!(
            "warning: this token sees nothing: a token with the role {role} reaches one case, which --case names, and this one names none. \
             Make one that does: overread token create --role {role} --name NAME --case ID (the id stands in the address of the case's \
             page), and take this one back: overread token revoke {id}",
            role = new.role
        ));
    }
    Ok(())
}

fn show(rows: &[TokenRow], data: &Data) -> Result<()> {
    for row in rows {
        if data.json {
            json(&serde_json::json!({
                "id": row.id, "name": row.name, "role": row.role, "case_id": row.case_id,
                "created_at": row.created_at, "revoked_at": row.revoked_at, "last_used_at": row.last_used_at,
            }))?;
            continue;
        }
        let state = match row.revoked_at {
            Some(at) => format!("revoked {}", Timestamp::from_micros(at).date()),
            None => "in force".to_owned(),
        };
        let made = Timestamp::from_micros(row.created_at).date();
        line(&format!(
            "{}  {:<12} {state:<18} made {made}  {:<31}  {}",
            row.id,
            row.role,
            reach(row),
            plain(&row.name)
        ))?;
    }
    Ok(())
}

/// Says which cases a token reaches. A token that was made for one case with a role that sees all of them reaches them all.
fn reach(row: &TokenRow) -> String {
    let sees_every_case = row.role.parse().is_ok_and(Role::sees_every_case);
    match &row.case_id {
        _ if sees_every_case => "every case".to_owned(),
        Some(case_id) => format!("case {case_id}"),
        None => "no case".to_owned(),
    }
}
