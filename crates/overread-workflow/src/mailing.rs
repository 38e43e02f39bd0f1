//! Mail: an outbox written with the facts, emptied afterwards into a folder or to a mail server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use overread_documents::mails::{Mail, MailFacts, MailKind, News, render};
use overread_model::letter::Language;
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::outbox::{self, MailRow, Retry};

use crate::{MailConfig, SmtpConfig, StepResult, Workflow, limits};

/// What one round of sending did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailRound {
    /// Handed over.
    pub sent: usize,
    /// To be tried again.
    pub failed: usize,
}

/// Why one mail was not handed over; holds no address and no text.
#[derive(Debug, thiserror::Error)]
enum MailFault {
    #[error("the receiver's address cannot be used")]
    Address,
    #[error("the mail could not be written down")]
    Message,
    #[error("the mail folder cannot be written")]
    Folder,
    #[error("the mail server cannot be reached")]
    Unreachable,
    #[error("the mail server refused the mail for good")]
    Refused,
    #[error("the mail server asked to try later")]
    Later,
}

/// Sends what is due in the outbox; safe to run twice and on several nodes.
///
/// # Errors
/// Fails when the store does; a mail that cannot be sent is counted and tried again later.
pub async fn send_due(ctx: &Workflow, now: Timestamp) -> StepResult<MailRound> {
    let mut tx = ctx.store.begin().await?;
    let claimed_until = now.plus_seconds(10 * limits::MAIL_TIMEOUT_SECONDS as i64);
    let mails = outbox::claim(&mut tx, now, claimed_until, limits::MAILS_A_ROUND).await?;
    tx.commit().await?;
    let mut round = MailRound::default();
    for mail in mails {
        let result = hand_over(&ctx.config.mail, &mail, now).await;
        let mut tx = ctx.store.begin().await?;
        match result {
            Ok(()) => {
                outbox::sent(&mut tx, &mail.id, now).await?;
                round.sent += 1;
            }
            Err(fault) => {
                tracing::warn!(mail.id = %mail.id, %fault, "a mail was not sent");
                let error = fault.to_string();
                let retry = Retry {
                    error: &error,
                    at: next_try(&fault, mail.try_count, now),
                };
                outbox::failed(&mut tx, &mail.id, retry, now).await?;
                round.failed += 1;
            }
        }
        tx.commit().await?;
    }
    Ok(round)
}

/// Returns when a mail is tried again; `None` gives up.
fn next_try(fault: &MailFault, tries: i64, now: Timestamp) -> Option<Timestamp> {
    let for_good = matches!(
        fault,
        MailFault::Address | MailFault::Message | MailFault::Refused
    );
    if for_good || tries + 1 >= limits::MAIL_TRIES {
        return None;
    }
    let doubled = limits::MAIL_RETRY_SECONDS.saturating_mul(1_i64 << tries.clamp(0, 16));
    Some(now.plus_seconds(doubled))
}

async fn hand_over(config: &MailConfig, mail: &MailRow, now: Timestamp) -> Result<(), MailFault> {
    match config {
        MailConfig::Folder(folder) => {
            let message = compose(mail, "Overread <overread@localhost>", now)?;
            write_file(folder, &mail.id, message.formatted()).await
        }
        MailConfig::Smtp(smtp) => {
            let message = compose(mail, &smtp.from, now)?;
            let transport = transport(smtp)?;
            match transport.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => Err(MailFault::Refused),
                Err(error) if error.is_transient() => Err(MailFault::Later),
                Err(_) => Err(MailFault::Unreachable),
            }
        }
    }
}

fn transport(smtp: &SmtpConfig) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailFault> {
    let builder = if smtp.plain_text {
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
    } else {
        AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&smtp.host)
            .map_err(|_| MailFault::Unreachable)?
    };
    let builder = builder
        .port(smtp.port)
        .timeout(Some(Duration::from_secs(limits::MAIL_TIMEOUT_SECONDS)));
    Ok(match &smtp.credentials {
        Some((name, password)) => builder
            .credentials(Credentials::new(name.clone(), password.clone()))
            .build(),
        None => builder.build(),
    })
}

fn compose(mail: &MailRow, from: &str, now: Timestamp) -> Result<Message, MailFault> {
    let address: Address = mail.to_address.parse().map_err(|_| MailFault::Address)?;
    let name = Some(
        mail.to_name
            .chars()
            .filter(|c| !c.is_control())
            .collect::<String>(),
    )
    .filter(|name| !name.is_empty());
    let since = u64::try_from(now.as_micros()).unwrap_or_default();
    Message::builder()
        .from(from.parse().map_err(|_| MailFault::Message)?)
        .to(Mailbox::new(name, address))
        .subject(mail.subject.clone())
        .date(std::time::UNIX_EPOCH + Duration::from_micros(since))
        .message_id(Some(format!("<{}@overread>", mail.id)))
        .multipart(MultiPart::alternative_plain_html(
            mail.body_text.clone(),
            mail.body_html.clone(),
        ))
        .map_err(|_| MailFault::Message)
}

/// Writes the mail beside its name first, so that nobody reads half of it.
async fn write_file(folder: &Path, id: &str, bytes: Vec<u8>) -> Result<(), MailFault> {
    let (part, whole): (PathBuf, PathBuf) = (
        folder.join(format!("{id}.part")),
        folder.join(format!("{id}.eml")),
    );
    tokio::fs::create_dir_all(folder)
        .await
        .map_err(|_| MailFault::Folder)?;
    tokio::fs::write(&part, bytes)
        .await
        .map_err(|_| MailFault::Folder)?;
    tokio::fs::rename(&part, &whole)
        .await
        .map_err(|_| MailFault::Folder)
}

/// News on a case: nothing clinical, no name of a patient.
pub(crate) fn news_on_case(
    ctx: &Workflow,
    name: &str,
    language: &str,
    news: News,
    path: &str,
) -> Mail {
    let address = format!("{}{path}", ctx.config.public_url);
    rendered(
        ctx,
        MailKind::CaseNews,
        name,
        language,
        Parts {
            news,
            ..Parts::to(&address)
        },
    )
}

/// An offer to a reviewer.
pub(crate) fn review_offer(
    ctx: &Workflow,
    name: &str,
    language: &str,
    path: &str,
    due: Option<CalendarDate>,
) -> Mail {
    let address = format!("{}{path}", ctx.config.public_url);
    rendered(
        ctx,
        MailKind::ReviewOffer,
        name,
        language,
        Parts {
            due,
            ..Parts::to(&address)
        },
    )
}

/// An invitation.
pub(crate) fn invitation(
    ctx: &Workflow,
    name: &str,
    language: &str,
    address: &str,
    until: CalendarDate,
) -> Mail {
    rendered(
        ctx,
        MailKind::Invitation,
        name,
        language,
        Parts {
            until: Some(until),
            ..Parts::to(address)
        },
    )
}

/// A share link for the treating physician.
pub(crate) fn result_link(
    ctx: &Workflow,
    name: &str,
    language: &str,
    address: &str,
    until: CalendarDate,
) -> Mail {
    rendered(
        ctx,
        MailKind::PhysicianLink,
        name,
        language,
        Parts {
            until: Some(until),
            ..Parts::to(address)
        },
    )
}

/// An addendum to the result that a share link opens; no address when it is not known.
pub(crate) fn result_addendum(
    ctx: &Workflow,
    name: &str,
    language: &str,
    address: &str,
    until: CalendarDate,
) -> Mail {
    rendered(
        ctx,
        MailKind::PhysicianAddendum,
        name,
        language,
        Parts {
            until: Some(until),
            ..Parts::to(address)
        },
    )
}

struct Parts<'a> {
    address: &'a str,
    news: News,
    until: Option<CalendarDate>,
    due: Option<CalendarDate>,
}

impl<'a> Parts<'a> {
    const fn to(address: &'a str) -> Self {
        Self {
            address,
            news: News::Something,
            until: None,
            due: None,
        }
    }
}

fn rendered(ctx: &Workflow, kind: MailKind, name: &str, language: &str, parts: Parts<'_>) -> Mail {
    let facts = MailFacts {
        name,
        practice: &ctx.config.organisation,
        address: parts.address,
        news: parts.news,
        valid_until: parts.until,
        due: parts.due,
    };
    render(
        kind,
        &facts,
        if language == "es" {
            Language::Es
        } else {
            Language::En
        },
    )
}
