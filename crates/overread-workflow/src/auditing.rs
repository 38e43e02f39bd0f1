//! The audit, for administrators: when, who, what, in which case. What a row says more is not shown.

mod words;

use std::collections::BTreeMap;

use overread_model::access::{Actor, Role};
use overread_model::ids::PersonId;
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::audit::{self, AuditEvent, AuditRow, Wanted};
use overread_store::{Tx, cases, people, tokens};

use crate::keeping::case_named;
use crate::people::require_administrator;
use crate::{StepError, StepResult, Workflow};

pub use words::KINDS;

/// Which rows somebody wants to see; what is empty says nothing.
#[derive(Debug, Clone, Default, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Asked {
    /// Number or id of a case.
    pub case: String,
    /// E-mail address of a person, or the id of whoever it was.
    pub person: String,
    /// The first word of what was done, one of [`KINDS`].
    pub kind: String,
    /// From this day on, UTC: `2026-03-02`.
    pub since: String,
    /// Until the end of this day, UTC.
    pub until: String,
    /// Rows before this number only; 0 for the newest.
    pub before: i64,
}

/// One row.
pub struct AuditLine {
    /// Its number; they count from 1 without gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who, in words.
    pub who: String,
    /// In which role, in words; may be empty.
    pub role: &'static str,
    /// What was done, in words.
    pub what: String,
    /// What was done, as it is kept: `study.images_read`.
    pub event: String,
    /// Number of the case, or its id while it has none; empty outside of cases.
    pub case: String,
    /// To what it was done: what sort of thing, and our id of it; may be empty.
    pub subject: String,
}

/// Some rows, the newest first.
#[derive(Default)]
pub struct AuditPage {
    /// The rows.
    pub lines: Vec<AuditLine>,
    /// Before which row the next page begins; `None` on the last.
    pub next: Option<i64>,
}

/// Lists what was done, the newest first, at most `rows`; that it was looked at is recorded.
///
/// # Errors
/// `Forbidden` unless administrator; `Invalid` for a case, person or day that is none.
pub async fn list(
    ctx: &Workflow,
    actor: &Actor,
    asked: &Asked,
    rows: i64,
    now: Timestamp,
) -> StepResult<AuditPage> {
    require_administrator(actor)?;
    let mut tx = ctx.store.begin().await?;
    let wanted = wanted(&mut tx, asked).await?;
    let before = match asked.before {
        1.. => asked.before,
        _ => audit::next_seq(&mut tx).await?,
    };
    let found = audit::list(&mut tx, &wanted, before, rows).await?;
    let last = found.last().map(|row| row.seq);
    let next = match last.filter(|_| i64::try_from(found.len()) == Ok(rows)) {
        Some(last) => last,
        None if wanted.case_id.is_empty() => audit::floor_below(before),
        None => 0,
    };
    let mut names = Names::default();
    let mut lines = Vec::with_capacity(found.len());
    for row in found {
        lines.push(names.line(&mut tx, row).await?);
    }
    let mut event = AuditEvent::new("audit.listed");
    event.case_id = wanted.case_id.parse().ok();
    if !wanted.actor_id.is_empty() {
        event = event.on("actor", &wanted.actor_id);
    }
    audit::record(&mut tx, actor, &event, now).await?;
    tx.commit().await?;
    Ok(AuditPage {
        lines,
        next: (next > 1).then_some(next),
    })
}

async fn wanted(tx: &mut Tx, asked: &Asked) -> StepResult<Wanted> {
    let day = |field, text: &str| match text.trim() {
        "" => StepResult::Ok(None),
        text => {
            let day = text.parse::<CalendarDate>();
            let day = day.map_err(|_| StepError::invalid(field, "Write the day as 2026-03-02."))?;
            Ok(Some(day.start()))
        }
    };
    let mut wanted = Wanted {
        kind: asked.kind.trim().to_owned(),
        from: day("since", &asked.since)?.map(Timestamp::as_micros),
        until: day("until", &asked.until)?.map(|at| at.plus_days(1).as_micros()),
        ..Wanted::default()
    };
    if !asked.case.trim().is_empty() {
        let Some(row) = case_named(tx, &asked.case).await? else {
            let told = "There is no case with this number or id.";
            return Err(StepError::invalid("case", told));
        };
        wanted.case_id = row.id;
    }
    let person = asked.person.trim();
    if person.contains('@') {
        let found = people::find_by_email(tx, &people::fold_email(person)).await?;
        let told = "There is no account with this address.";
        wanted.actor_id = found.ok_or_else(|| StepError::invalid("person", told))?.id;
    } else {
        person.clone_into(&mut wanted.actor_id);
    }
    Ok(wanted)
}

/// What was looked up for the rows before.
#[derive(Default)]
struct Names {
    who: BTreeMap<String, String>,
    cases: BTreeMap<String, String>,
}

impl Names {
    async fn line(&mut self, tx: &mut Tx, row: AuditRow) -> StepResult<AuditLine> {
        let mut what = words::of(&row.event).to_owned();
        if let Some(to) = state_in(&row) {
            what.push_str(&format!(": {to}"));
        }
        let subject = [row.subject_kind, row.subject_id];
        Ok(AuditLine {
            seq: row.seq,
            at: Timestamp::from_micros(row.at),
            who: self.who(tx, &row.actor_kind, row.actor_id).await?,
            role: row
                .actor_role
                .parse::<Role>()
                .map_or("", |role| role.title()),
            what,
            event: row.event,
            case: match row.case_id {
                Some(id) => self.case(tx, id).await?,
                None => String::new(),
            },
            subject: subject.into_iter().flatten().collect::<Vec<_>>().join(" "),
        })
    }

    async fn who(&mut self, tx: &mut Tx, kind: &str, id: String) -> StepResult<String> {
        if let Some(known) = self.who.get(&id) {
            return Ok(known.clone());
        }
        let named = match kind {
            "person" if id.parse::<PersonId>().is_ok() => people::name_of(tx, &id).await?,
            "machine" => tokens::name_of(tx, &id)
                .await?
                .map(|name| format!("the machine “{name}”")),
            "link" => Some("whoever holds a link".to_owned()),
            "system" => Some("Overread".to_owned()),
            _ => None,
        };
        let named = named.unwrap_or_else(|| format!("{kind} {id}"));
        self.who.insert(id, named.clone());
        Ok(named)
    }

    async fn case(&mut self, tx: &mut Tx, id: String) -> StepResult<String> {
        if let Some(known) = self.cases.get(&id) {
            return Ok(known.clone());
        }
        let row = match id.parse() {
            Ok(case_id) => cases::find(tx, &case_id).await?,
            Err(_) => None,
        };
        let number = row.and_then(|row| row.number).unwrap_or_else(|| id.clone());
        self.cases.insert(id, number.clone());
        Ok(number)
    }
}

/// Returns the state into which a case moved.
fn state_in(row: &AuditRow) -> Option<String> {
    if row.event != "case.moved" {
        return None;
    }
    let detail: serde_json::Value = serde_json::from_str(row.detail.as_deref()?).ok()?;
    Some(detail.get("to")?.as_str()?.replace('_', " "))
}
