//! Telling people that a case moved: what happened in words, and mails without clinical content.

use overread_documents::mails::{Mail, News};
use overread_model::access::Role;
use overread_model::case::{CaseEvent, CaseState, Notify, Transition};
use overread_model::ids::ErasureRequestId;
use overread_model::time::Timestamp;
use overread_store::consents::{self, ConsentRow};
use overread_store::{Tx, grants, outbox, people};

use crate::casework::CaseFile;
use crate::{StepResult, Workflow, consenting, mailing};

/// Returns what happened, for the timeline.
pub(crate) const fn happened(event: CaseEvent) -> &'static str {
    match event {
        CaseEvent::Submit | CaseEvent::SubmitWithConsent => "The second opinion was asked for",
        CaseEvent::EmergencyFlagged => "The request was stopped: the answers point to an emergency",
        CaseEvent::ConsentSigned => "The consent was signed",
        CaseEvent::RecordsReceived => "Records arrived",
        CaseEvent::BlockingIssue => "The check found something missing",
        CaseEvent::Override => "A coordinator let the case go on in spite of a finding",
        CaseEvent::RecordsAccepted => "The records were accepted",
        CaseEvent::ReviewerSelected => "A reviewer was chosen",
        CaseEvent::NoReviewer => "No fitting reviewer was found",
        CaseEvent::CoverageCleared => "The cost was settled and the reviewer was asked",
        CaseEvent::CoverageDenied => "The payer said no",
        CaseEvent::ChangeReviewer => "Another reviewer is being chosen",
        CaseEvent::Accept => "The reviewer accepted",
        CaseEvent::Decline => "The reviewer declined",
        CaseEvent::RequestInfo => "The reviewer asked for more",
        CaseEvent::InfoSupplied => "The reviewer's question was answered",
        CaseEvent::ProceedLimited => "The review goes on without what was asked for",
        CaseEvent::ImagesInadequate => "The reviewer found the images not readable",
        CaseEvent::SavePreliminary => "A preliminary report was saved",
        CaseEvent::Sign => "The second report was signed",
        CaseEvent::Reopen => "The case was opened again",
        CaseEvent::Release => "The result was delivered",
        CaseEvent::Addendum => "An addendum was signed",
        CaseEvent::OpenFollowUp => "The follow-up began",
        CaseEvent::ThirdOpinion => "A third opinion was asked for",
        CaseEvent::FurtherTestOrdered => "A further test was ordered",
        CaseEvent::Resolve => "The outcome was recorded and the case closed",
        CaseEvent::Close => "The case was closed",
        CaseEvent::Timeout => "The time ran out",
        CaseEvent::Withdraw => "The request was taken back",
        CaseEvent::Discard => "The draft was thrown away",
        CaseEvent::Hold => "The case was put on hold",
        CaseEvent::Resume => "The case goes on",
        CaseEvent::ConsentRevoked => "The consent was revoked",
        CaseEvent::GiveUp => "The missing records will not come; the case ended",
    }
}

/// Returns how a mail names what happened.
const fn sort_of(event: CaseEvent) -> News {
    match event {
        CaseEvent::RecordsReceived => News::RecordsArrived,
        CaseEvent::BlockingIssue | CaseEvent::ImagesInadequate => News::RecordsIncomplete,
        CaseEvent::Accept => News::ReviewerFound,
        CaseEvent::Release => News::ReportReady,
        _ => News::Something,
    }
}

/// Somebody to write to.
struct Receiver {
    name: String,
    address: String,
    language: String,
}

/// Queues the mails of a move: there is news, and where. Nothing clinical, no name of a patient.
pub(crate) async fn tell(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    moved: &Transition,
    now: Timestamp,
) -> StepResult<()> {
    for notify in &moved.notify {
        for receiver in receivers(tx, file, *notify, now).await? {
            let path = format!("/cases/{}", file.case_id);
            let mail = match (notify, moved.to) {
                (Notify::Reviewer, CaseState::Offered) => {
                    let due = moved.clocks.due_at.map(Timestamp::date);
                    mailing::review_offer(
                        ctx,
                        &receiver.name,
                        &receiver.language,
                        &format!("{path}/offer"),
                        due,
                    )
                }
                _ => mailing::news_on_case(
                    ctx,
                    &receiver.name,
                    &receiver.language,
                    sort_of(moved.event),
                    &path,
                ),
            };
            queue(tx, file, &receiver, mail, now).await?;
        }
    }
    Ok(())
}

/// Queues a mail that something on the case is new, to somebody whom its move does not tell.
pub(crate) async fn tell_of_more(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    notify: Notify,
    now: Timestamp,
) -> StepResult<()> {
    for receiver in receivers(tx, file, notify, now).await? {
        let path = format!("/cases/{}", file.case_id);
        let (name, language) = (&receiver.name, &receiver.language);
        let mail = mailing::news_on_case(ctx, name, language, News::Something, &path);
        queue(tx, file, &receiver, mail, now).await?;
    }
    Ok(())
}

/// Queues a mail to who asked for the deletion of the images, once for each request: it was answered. A requester who wants no
/// mails gets none.
pub(crate) async fn tell_of_answer(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    (request_id, asked_by): (&ErasureRequestId, &str),
    now: Timestamp,
) -> StepResult<()> {
    let requesters = grants::tied(tx, &file.case_id, "asked").await?;
    if requesters.iter().any(|id| id == asked_by) && !mail_allowed(tx, file).await? {
        return Ok(());
    }
    for receiver in receivers_of(tx, std::iter::once(asked_by.to_owned())).await? {
        let path = format!("/cases/{}", file.case_id);
        let (name, language) = (&receiver.name, &receiver.language);
        let mail = mailing::news_on_case(ctx, name, language, News::DeletionAnswered, &path);
        queue_once(tx, file, &receiver, mail, (request_id.as_str(), now)).await?;
    }
    Ok(())
}

async fn queue(
    tx: &mut Tx,
    file: &CaseFile,
    receiver: &Receiver,
    mail: Mail,
    now: Timestamp,
) -> StepResult<()> {
    let version = file.row.version.to_string();
    queue_once(tx, file, receiver, mail, (&version, now)).await
}

/// Queues a mail that a receiver gets once for what is named.
async fn queue_once(
    tx: &mut Tx,
    file: &CaseFile,
    receiver: &Receiver,
    mail: Mail,
    (what, now): (&str, Timestamp),
) -> StepResult<()> {
    let key = format!(
        "{}:{what}:{}",
        file.case_id,
        people::fold_email(&receiver.address)
    );
    let new = outbox::NewMail {
        dedup_key: key,
        to_name: &receiver.name,
        to_address: &receiver.address,
        subject: mail.subject,
        body_text: mail.text,
        body_html: mail.html,
        case_id: Some(&file.case_id),
        link_id: None,
    };
    Ok(outbox::queue(tx, &new, now).await?)
}

async fn receivers(
    tx: &mut Tx,
    file: &CaseFile,
    notify: Notify,
    now: Timestamp,
) -> StepResult<Vec<Receiver>> {
    let language = file.intake.who.language.clone();
    Ok(match notify {
        Notify::Requester if mail_allowed(tx, file).await? => tied(tx, file, "asked").await?,
        Notify::Requester => Vec::new(),
        Notify::Coordinator => {
            let rows = people::with_role(tx, Role::Coordinator).await?;
            rows.into_iter().map(receiver_of).collect()
        }
        Notify::Reviewer => match &file.task {
            Some(task) if !task.reviewer_email.is_empty() => vec![Receiver {
                name: task.reviewer_name.clone(),
                address: task.reviewer_email.clone(),
                language,
            }],
            _ => Vec::new(),
        },
        // A physician without an account gets the result by a share link, which has its own mail.
        Notify::ReferringPhysician | Notify::TreatingPhysician => tied(tx, file, "treats").await?,
        Notify::InsurerForOwnRequest => insurers(tx, file, now).await?,
    })
}

/// Returns the insurers who see the case now: allowed by the consent in force, or the one that asked.
async fn insurers(tx: &mut Tx, file: &CaseFile, now: Timestamp) -> StepResult<Vec<Receiver>> {
    let all = consenting::is_given(tx, &file.case_id, consenting::INSURER, now).await?;
    let people = grants::tied(tx, &file.case_id, "insures").await?;
    let told = people.into_iter();
    receivers_of(tx, told.filter(|id| all || *id == file.row.created_by)).await
}

/// Says whether the requester allowed mails (or has not been asked yet).
async fn mail_allowed(tx: &mut Tx, file: &CaseFile) -> StepResult<bool> {
    Ok(is_mail_allowed(&consents::list(tx, &file.case_id).await?))
}

fn is_mail_allowed(rows: &[ConsentRow]) -> bool {
    let has = |consent: &ConsentRow, wanted| consent.scopes.split(' ').any(|scope| scope == wanted);
    // What was signed for the insurer alone says nothing about mails.
    let whole = rows.iter().find(|consent| has(consent, "review"));
    whole.is_none_or(|consent| has(consent, "email"))
}

async fn tied(tx: &mut Tx, file: &CaseFile, tie: &'static str) -> StepResult<Vec<Receiver>> {
    let people = grants::tied(tx, &file.case_id, tie).await?;
    receivers_of(tx, people.into_iter()).await
}

async fn receivers_of(tx: &mut Tx, ids: impl Iterator<Item = String>) -> StepResult<Vec<Receiver>> {
    let mut receivers = Vec::new();
    for person in ids {
        let Ok(person_id) = person.parse() else {
            continue;
        };
        if let Some(row) = people::find(tx, &person_id)
            .await?
            .filter(|row| row.disabled_at.is_none())
        {
            receivers.push(receiver_of(row));
        }
    }
    Ok(receivers)
}

fn receiver_of(row: people::PersonRow) -> Receiver {
    Receiver {
        name: row.name,
        address: row.email,
        language: row.language,
    }
}

#[cfg(test)]
mod tests {
    use super::{ConsentRow, is_mail_allowed};

    fn signed(scopes: &str) -> ConsentRow {
        ConsentRow {
            id: String::new(),
            case_id: String::new(),
            signed_by: String::new(),
            signature: String::new(),
            authority: String::new(),
            authority_needed: 0,
            scopes: scopes.to_owned(),
            receivers: String::new(),
            text_digest: Vec::new(),
            signed_at: 0,
            expires_at: 0,
            revoked_at: None,
            paper_at: String::new(),
        }
    }

    #[test]
    fn the_newest_whole_consent_says_whether_mails_go_out() {
        let [mail, none, insurer] = ["review email", "review", "insurer"].map(signed);
        assert!(is_mail_allowed(&[]));
        assert!(is_mail_allowed(&[
            insurer.clone(),
            mail.clone(),
            none.clone()
        ]));
        assert!(!is_mail_allowed(&[insurer, none, mail]));
    }
}
