//! `overread audit`: what the administrator's page Audit shows, for a hospital's scripts.

use std::process::ExitCode;

use anyhow::Result;
use overread_model::time::CalendarDate;
use overread_workflow::auditing::{self, Asked, AuditLine};
use overread_workflow::limits::AUDIT_ROWS_AT_ONCE;
use serde_json::json as object;

use super::keeping::{administrator, in_words};
use crate::cli::Audit;
use crate::clock;
use crate::home::Home;
use crate::output::{Lines, plain};

/// Prints one row a line, as JSON when that is asked for.
pub(crate) async fn run(arguments: Audit) -> Result<ExitCode> {
    let home = Home::open_existing(&arguments.who.data.data).await?;
    let actor = administrator(&home, &arguments.who.by).await?;
    let workflow = home.workflow("");
    let day = |day: Option<CalendarDate>| day.map_or_else(String::new, |day| day.to_string());
    let mut asked = Asked {
        case: arguments.case.unwrap_or_default(),
        person: arguments.person.unwrap_or_default(),
        kind: arguments.kind.unwrap_or_default(),
        since: day(arguments.since),
        until: day(arguments.until),
        before: 0,
    };
    // Before anything is shown, and once for all of it.
    let noted = auditing::note(&workflow, &actor, &asked, clock::now()).await;
    noted.map_err(in_words)?;
    let mut lines = Lines::new();
    loop {
        let page = auditing::rows_of(&workflow, &actor, &asked, AUDIT_ROWS_AT_ONCE).await;
        let page = page.map_err(in_words)?;
        for row in &page.lines {
            lines.write(&if arguments.who.data.json {
                in_json(row)
            } else {
                in_a_line(row)
            })?;
        }
        match page.next {
            Some(before) => asked.before = before,
            None => break,
        }
    }
    lines.flush()?;
    home.close().await;
    Ok(ExitCode::SUCCESS)
}

fn in_json(row: &AuditLine) -> String {
    object!({
        "row": row.seq, "at": row.at.to_rfc3339(), "who": row.who, "role": row.role, "event": row.event,
        "what": row.what, "case": row.case, "subject": row.subject,
        "detail": row.detail,
    })
    .to_string()
}

fn in_a_line(row: &AuditLine) -> String {
    let case = match row.case.as_str() {
        "" => String::new(),
        case => format!(", case {}", plain(case)),
    };
    let detail = match row.detail.as_str() {
        "" => String::new(),
        detail => format!(", {}", plain(detail)),
    };
    format!(
        "{}  {}  {}{case}{detail}  {}",
        row.at.to_rfc3339(),
        plain(&row.who),
        plain(&row.what),
        plain(&row.subject)
    )
}
