//! The audit, for administrators: when, who, what, in which case, and of what a row says more what people need.

mod words;

use std::collections::BTreeMap;
use std::fmt;

use overread_model::access::{Actor, Role};
use overread_model::ids::{PersonId, TokenId};
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::audit::{self, AuditEvent, AuditRow, Wanted};
use overread_store::{Tx, cases, people, tokens};

use crate::keeping::case_named;
use crate::people::require_administrator;
use crate::{StepError, StepResult, Workflow, limits};

pub use words::KINDS;

/// Which rows somebody wants to see; what is empty says nothing.
#[derive(Clone, Default, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Asked {
    /// Number or id of a case.
    pub case: String,
    /// E-mail address of a person, or the id of whoever it was.
    pub person: String,
    /// The first word of what was done, one of [`KINDS`]; any other is refused.
    pub kind: String,
    /// From this day on, UTC: `2026-03-02`.
    pub since: String,
    /// Until the end of this day, UTC.
    pub until: String,
    /// Rows before this number only; 0 for the newest.
    pub before: i64,
}

impl Asked {
    fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("case", &self.case),
            ("person", &self.person),
            ("kind", &self.kind),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }
}

/// Shows nothing: whoever types may have typed a name.
impl fmt::Debug for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Asked").finish_non_exhaustive()
    }
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
    /// More, in words: where images were sent, how many are safe; may be empty.
    pub detail: String,
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
    // Many rows may be looked at, and nothing that arrives meanwhile is to wait for it.
    let page = rows_of(ctx, actor, asked, rows).await?;
    note(ctx, actor, asked, now).await?;
    Ok(page)
}

/// As [`list`], for who has recorded already by [`note`] that all of it is looked at.
///
/// # Errors
/// As [`list`].
pub async fn rows_of(
    ctx: &Workflow,
    actor: &Actor,
    asked: &Asked,
    rows: i64,
) -> StepResult<AuditPage> {
    require_administrator(actor)?;
    let mut tx = ctx.store.read().await?;
    let wanted = wanted(&mut tx, asked).await?;
    let before = match asked.before {
        1.. => asked.before,
        _ => audit::next_seq(&mut tx).await?,
    };
    let found = audit::list(&mut tx, &wanted, before, rows).await?;
    let mut names = Names::default();
    let mut lines = Vec::with_capacity(found.rows.len());
    for row in found.rows {
        lines.push(names.line(&mut tx, row).await?);
    }
    Ok(AuditPage {
        lines,
        next: found.next,
    })
}

/// Records that the audit is looked at.
///
/// # Errors
/// As [`list`].
pub async fn note(ctx: &Workflow, actor: &Actor, asked: &Asked, now: Timestamp) -> StepResult<()> {
    require_administrator(actor)?;
    let wanted = wanted(&mut ctx.store.read().await?, asked).await?;
    let mut event = AuditEvent::new("audit.listed");
    event.case_id = wanted.case_id.parse().ok();
    if !wanted.actor_id.is_empty() {
        event = event.on("actor", &wanted.actor_id);
    }
    let mut tx = ctx.store.begin().await?;
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}

/// Returns what is asked for as an address may say it: a person by the id, never by the e-mail address.
///
/// # Errors
/// As [`list`].
pub async fn addressed(ctx: &Workflow, actor: &Actor, asked: &Asked) -> StepResult<Asked> {
    require_administrator(actor)?;
    let wanted = wanted(&mut ctx.store.read().await?, asked).await?;
    Ok(Asked {
        person: wanted.actor_id,
        ..asked.clone()
    })
}

async fn wanted(tx: &mut Tx, asked: &Asked) -> StepResult<Wanted> {
    for (field, text) in asked.fields() {
        if text.len() > limits::AUDIT_FIELD_BYTES {
            return Err(StepError::invalid(field, "This is too long."));
        }
    }
    let day = |field, text: &str| match text.trim() {
        "" => StepResult::Ok(None),
        text => {
            let day = text.parse::<CalendarDate>();
            let day = day.map_err(|_| StepError::invalid(field, "Write the day as 2026-03-02."))?;
            Ok(Some(day.start()))
        }
    };
    let kind = asked.kind.trim();
    if !kind.is_empty() && KINDS.iter().all(|(word, _)| *word != kind) {
        return Err(StepError::invalid("kind", "There is nothing of this kind."));
    }
    let mut wanted = Wanted {
        kind: kind.to_owned(),
        from: day("since", &asked.since)?.map(Timestamp::as_micros),
        until: day("until", &asked.until)?.map(|at| at.plus_days(1).as_micros()),
        actor_id: actor_named(tx, asked.person.trim()).await?,
        ..Wanted::default()
    };
    if !asked.case.trim().is_empty() {
        let Some(row) = case_named(tx, &asked.case).await? else {
            let told = "There is no case with this number or id.";
            return Err(StepError::invalid("case", told));
        };
        wanted.case_id = row.id;
    }
    Ok(wanted)
}

/// Returns the id of whoever is named. It is written down for ever, so what names nobody here, as the name of a patient that was
/// typed by slip, is refused.
async fn actor_named(tx: &mut Tx, named: &str) -> StepResult<String> {
    if named.contains('@') {
        let found = people::find_by_email(tx, &people::fold_email(named)).await?;
        let told = "There is no account with this address.";
        return Ok(found.ok_or_else(|| StepError::invalid("person", told))?.id);
    }
    // The id of a peer of DICOM is its AE title and stands in no table.
    let is_known = match named.parse::<TokenId>() {
        _ if named.is_empty() => true,
        Ok(id) => {
            id.ae_title().is_some_and(|title| is_printed(&title))
                || audit::is_actor(tx, id.as_str()).await?
        }
        Err(_) => false,
    };
    if is_known {
        return Ok(named.to_owned());
    }
    let told = "Write the e-mail address of an account, or the id of an account, a token or a link. Names are not looked for.";
    Err(StepError::invalid("person", told))
}

/// Returns how a peer of DICOM is called by an id that stands for its title; `None` for any other id.
fn titled(id: &str) -> Option<String> {
    let title = id.parse::<TokenId>().ok()?.ae_title()?;
    is_printed(&title).then(|| format!("the DICOM peer {title}"))
}

fn is_printed(ae_title: &str) -> bool {
    let signs = ae_title.bytes();
    !ae_title.is_empty() && signs.into_iter().all(|sign| (b' '..=b'~').contains(&sign))
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
        let detail = words::more(row.detail.as_deref());
        let id = row.subject_id.map(|id| titled(&id).unwrap_or(id));
        let subject = [row.subject_kind, id];
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
            detail,
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
                .map(|name| format!("the machine “{name}”"))
                .or_else(|| titled(&id)),
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
