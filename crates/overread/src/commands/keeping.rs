//! `overread keeping`: what the administrator's page Keeping does, for a hospital's scripts.

use std::process::ExitCode;

use anyhow::{Result, bail};
use overread_model::access::{Actor, Role};
use overread_store::audit::{self, AuditEvent};
use overread_store::people;
use overread_workflow::keeping::{self, Amounts, CaseRoom, KeepingView, Marked};
use overread_workflow::{StepError, Workflow};
use serde_json::{Value, json as object};

use crate::cli::{InTheNameOf, Keeping, KeepingCommand};
use crate::clock;
use crate::home::Home;
use crate::output::{json, line, plain, remark};

/// Does what the page does, by the same steps.
pub(crate) async fn run(arguments: Keeping) -> Result<ExitCode> {
    let who = who_of(&arguments.command);
    let home = Home::open_existing(&who.data.data).await?;
    let desk = Desk {
        workflow: home.workflow(""),
        actor: administrator(&home, &who.by).await?,
    };
    desk.note(&arguments.command).await?;
    let told = desk.perform(&arguments.command).await?;
    home.close().await;
    if who.data.json {
        json(&told.facts)?;
    } else {
        for text in &told.lines {
            line(text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

const fn who_of(command: &KeepingCommand) -> &InTheNameOf {
    match command {
        KeepingCommand::List { who }
        | KeepingCommand::Delete { who, .. }
        | KeepingCommand::Restore { who, .. }
        | KeepingCommand::Hold { who, .. }
        | KeepingCommand::Lift { who, .. }
        | KeepingCommand::Room { who, .. } => who,
    }
}

/// Finds the administrator of this address. Whoever may run this can read and write the data folder anyway; the name is for the
/// record.
pub(super) async fn administrator(home: &Home, email: &str) -> Result<Actor> {
    let mut tx = home.store.read().await?;
    let found = people::find_by_email(&mut tx, &people::fold_email(email)).await?;
    if let Some(row) = found.filter(|row| row.disabled_at.is_none()) {
        let person_id = row.id.parse()?;
        let role = Role::Administrator;
        if people::roles(&mut tx, &person_id).await?.contains(&role) {
            return Ok(Actor::Person { person_id, role });
        }
    }
    bail!(
        "nobody with this address is an administrator here; --by names the one in whose name it is done"
    )
}

/// What is printed: as JSON, or line by line.
struct Told {
    facts: Value,
    lines: Vec<String>,
}

impl Told {
    fn one(facts: Value, text: impl Into<String>) -> Self {
        Self {
            facts,
            lines: vec![text.into()],
        }
    }
}

struct Desk {
    workflow: Workflow,
    actor: Actor,
}

impl Desk {
    /// Puts on record that what follows is asked for by a command, of what, and whoever is named; before it is tried, so that a
    /// command that is refused stands there, too.
    async fn note(&self, command: &KeepingCommand) -> Result<()> {
        let word = match command {
            KeepingCommand::List { .. } => "list",
            KeepingCommand::Delete { .. } => "delete",
            KeepingCommand::Restore { .. } => "restore",
            KeepingCommand::Hold { .. } => "hold",
            KeepingCommand::Lift { .. } => "lift",
            KeepingCommand::Room { .. } => "room",
        };
        let mut tx = self.workflow.store.begin().await?;
        let event = AuditEvent::new("keeping.command").with(object!({ "command": word }));
        let event = match command {
            KeepingCommand::List { .. } => event,
            KeepingCommand::Delete { named, .. }
            | KeepingCommand::Hold { named, .. }
            | KeepingCommand::Room { number: named, .. } => {
                keeping::about(&mut tx, named, event).await?
            }
            KeepingCommand::Restore { deletion, .. } => event.on("deletion", deletion),
            KeepingCommand::Lift { hold, .. } => event.on("hold", hold),
        };
        audit::record(&mut tx, &self.actor, &event, clock::now()).await?;
        Ok(tx.commit().await?)
    }

    async fn perform(&self, command: &KeepingCommand) -> Result<Told> {
        let (ctx, actor, now) = (&self.workflow, &self.actor, clock::now());
        let told = match command {
            KeepingCommand::List { .. } => keeping::view(ctx, actor, now).await.map(listed),
            KeepingCommand::Delete { named, reason, .. } => {
                let marked = keeping::delete(ctx, actor, named, reason, now).await;
                marked.map(deleted)
            }
            KeepingCommand::Restore { deletion, .. } => {
                let cases = keeping::restore(ctx, actor, deletion, now).await;
                cases.map(|cases| {
                    Told::one(
                        object!({ "cases": cases }),
                        format!("restored, in cases: {cases}"),
                    )
                })
            }
            KeepingCommand::Hold { named, reason, .. } => {
                let held = keeping::place_hold(ctx, actor, named, reason, now).await;
                held.map(|()| Told::one(object!({ "held": true }), "the legal hold stands"))
            }
            KeepingCommand::Lift { hold, reason, .. } => {
                let lifted = keeping::lift_hold(ctx, actor, hold, reason, now).await;
                lifted.map(|()| Told::one(object!({ "lifted": true }), "the legal hold is lifted"))
            }
            KeepingCommand::Room {
                number,
                gb,
                images,
                reason,
                ..
            } => {
                let amounts = Amounts {
                    gb: *gb,
                    instances: *images,
                };
                self.room(number, amounts, reason.as_deref()).await
            }
        };
        told.map_err(in_words)
    }

    /// Sets how much a case may hold when that is asked for, and says how much it may.
    async fn room(
        &self,
        number: &str,
        amounts: Amounts,
        reason: Option<&str>,
    ) -> Result<Told, StepError> {
        let (ctx, actor, now) = (&self.workflow, &self.actor, clock::now());
        if amounts.gb.is_some() || amounts.instances.is_some() {
            let names = (number, reason.unwrap_or_default());
            keeping::set_quota(ctx, actor, names, amounts, now).await?;
        }
        let room = keeping::room(ctx, actor, number).await?;
        if let Some(warning) = overfull(&room) {
            remark(warning);
        }
        Ok(roomed(room))
    }
}

/// Says in words why a step refused; fields are those of the page, which a command has none of.
pub(super) fn in_words(error: StepError) -> anyhow::Error {
    match error {
        StepError::Invalid(problems) => {
            let words: Vec<String> = problems
                .into_iter()
                .map(|problem| problem.message)
                .collect();
            anyhow::anyhow!("{}", words.join(" "))
        }
        StepError::NotFound | StepError::Stale => {
            anyhow::anyhow!(
                "it is not there, or not any more; `overread keeping list` shows what is"
            )
        }
        other => other.into(),
    }
}

fn deleted(marked: Marked) -> Told {
    let Marked {
        studies,
        shared,
        held,
    } = marked;
    let facts =
        object!({ "deleted": studies, "left_in_other_cases": shared, "left_on_hold": held });
    let mut text = format!("exams deleted: {studies}");
    if shared > 0 {
        text.push_str(&format!("; left, since other cases hold them: {shared}"));
    }
    if held > 0 {
        text.push_str(&format!("; left, since a legal hold covers them: {held}"));
    }
    Told::one(facts, text)
}

/// Returns what to say of a case that holds more than it may.
fn overfull(room: &CaseRoom) -> Option<&'static str> {
    let (used, quota) = (room.used, room.quota);
    let is_over = used.bytes > quota.bytes || used.instances > quota.instances;
    is_over.then_some(
        "warning: the case holds more than that already; what is there stays, and every further image is refused",
    )
}

fn roomed(room: CaseRoom) -> Told {
    let facts = object!({
        "case": room.number, "bytes": room.used.bytes, "max_bytes": room.quota.bytes,
        "images": room.used.instances, "max_images": room.quota.instances, "is_its_own": room.is_its_own,
    });
    let gb = |bytes: u64| bytes as f64 / 1e9;
    let text = format!(
        "case {}: {:.1} of {:.1} GB, {} of {} images",
        plain(&room.number),
        gb(room.used.bytes),
        gb(room.quota.bytes),
        room.used.instances,
        room.quota.instances
    );
    Told::one(facts, text)
}

fn listed(view: KeepingView) -> Told {
    let mut lines = Vec::new();
    let mut deletions = Vec::new();
    for one in &view.deletions {
        let day = one.erase_at.date();
        lines.push(format!(
            "deleted  {}  {} images, case {}, erased after {day}  {}",
            one.deletion_id,
            one.instance_count,
            plain(&one.case),
            plain(&one.study_instance_uid)
        ));
        deletions.push(object!({
            "id": one.deletion_id, "case": one.case, "study_instance_uid": one.study_instance_uid,
            "images": one.instance_count, "bytes": one.length_bytes, "reason": one.reason, "by": one.by,
            "marked_at": one.marked_at.to_rfc3339(), "erase_at": one.erase_at.to_rfc3339(), "is_held": one.is_held,
        }));
    }
    let mut holds = Vec::new();
    for one in &view.holds {
        lines.push(format!("hold     {}  {}", one.hold_id, plain(&one.covers)));
        holds.push(object!({
            "id": one.hold_id, "covers": one.covers, "reason": one.reason, "by": one.by,
            "placed_at": one.placed_at.to_rfc3339(),
        }));
    }
    let mut requests = Vec::new();
    for one in &view.requests {
        lines.push(format!(
            "asked    {}  case {}",
            one.request_id,
            plain(&one.case)
        ));
        requests.push(object!({
            "id": one.request_id, "case": one.case, "reason": one.reason, "by": one.by,
            "asked_at": one.asked_at.to_rfc3339(),
        }));
    }
    let mut proposals = Vec::new();
    for one in &view.proposals {
        lines.push(format!(
            "due      {}, {} images, case {}, kept until {} by the rule {}",
            plain(&one.exam),
            one.instance_count,
            plain(&one.case),
            one.kept_until,
            plain(&one.rule)
        ));
        proposals.push(object!({
            "case": one.case, "exam": one.exam, "images": one.instance_count, "bytes": one.length_bytes,
            "rule": one.rule, "kept_until": one.kept_until.to_string(),
        }));
    }
    Told {
        facts: object!({
            "deletions": deletions, "holds": holds, "requests": requests, "proposals": proposals,
        }),
        lines,
    }
}

#[cfg(test)]
mod tests {
    use overread_model::keeping::{Quota, Usage};
    use overread_model::time::CalendarDate;
    use overread_store::studies::StudyKey;
    use overread_workflow::keeping::Proposal;

    use super::{CaseRoom, KeepingView, listed, overfull};

    fn check(images: u64, max_images: u64, expect: bool) {
        let room = CaseRoom {
            number: "2026-00001".to_owned(),
            used: Usage {
                bytes: 1_000,
                instances: images,
            },
            quota: Quota {
                bytes: 1_000,
                instances: max_images,
            },
            is_its_own: true,
        };
        assert_eq!(
            overfull(&room).is_some(),
            expect,
            "{images} of {max_images}"
        );
    }

    #[test]
    fn room_for_less_than_a_case_holds_is_remarked_on() {
        check(20, 5, true);
        check(5, 5, false);
        check(0, 5, false);
    }

    #[test]
    fn what_a_rule_no_longer_keeps_is_listed() {
        let proposal = Proposal {
            study: StudyKey(1),
            case: "2026-00001".to_owned(),
            exam: "MR of March 2, 2019".to_owned(),
            instance_count: 5,
            length_bytes: 10,
            rule: "Everything".to_owned(),
            kept_until: "20260302".parse::<CalendarDate>().unwrap(),
        };
        let told = listed(KeepingView {
            requests: Vec::new(),
            deletions: Vec::new(),
            ended: Vec::new(),
            holds: Vec::new(),
            full: Vec::new(),
            proposals: vec![proposal],
            rules: Vec::new(),
            grace_days: 30,
        });
        assert_eq!(
            told.lines,
            [
                "due      MR of March 2, 2019, 5 images, case 2026-00001, kept until 2026-03-02 by the rule Everything"
            ]
        );
        assert_eq!(told.facts["proposals"][0]["kept_until"], "2026-03-02");
    }
}
