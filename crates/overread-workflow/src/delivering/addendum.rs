//! Who had the result before it was changed, by an addendum or by a comparison signed again: has it been confirmed since, is
//! there a way to it, who is told.

use std::collections::BTreeSet;

use overread_model::ids::{CaseId, LinkId};
use overread_model::time::Timestamp;
use overread_store::links::{self, LinkRow};
use overread_store::{Tx, concordances, outbox, people};

use crate::casework::CaseFile;
use crate::{StepError, StepResult, Workflow, facts, mailing, reporting};

/// Returns when the result of a case was changed, in order: by each addendum, and by each comparison signed after the release.
pub(crate) async fn changes(
    tx: &mut Tx,
    case_id: &CaseId,
    delivered_at: Option<i64>,
) -> StepResult<Vec<Timestamp>> {
    let mut changes = reporting::addendum_times(tx, case_id).await?;
    if let Some(released) = delivered_at {
        let signed = concordances::signed_after(tx, case_id, released).await?;
        changes.extend(signed.into_iter().map(Timestamp::from_micros));
        changes.sort();
    }
    Ok(changes)
}

/// Returns when a change of the result is signed: now, but after the release and after everything that was opened, confirmed
/// or decided, since nobody who did so before it stands there can have meant it.
pub(crate) async fn sign_time(
    tx: &mut Tx,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<Timestamp> {
    let of_case = links::list(tx, &file.case_id).await?;
    let done = of_case
        .iter()
        .flat_map(|link| [link.opened_at, link.acknowledged_at, link.decided_at]);
    let newest = done.chain([file.row.delivered_at]).flatten().max();
    let after = newest.map(|at| Timestamp::from_micros(at.saturating_add(1)));
    Ok(after.map_or(now, |after| after.max(now)))
}

/// Returns the first change that the receiver of a link has not confirmed, who had opened or confirmed the result before it.
pub(crate) fn missed_change(link: &LinkRow, changes: &[Timestamp]) -> Option<Timestamp> {
    let known_at = link.acknowledged_at.or(link.opened_at)?;
    let later = changes.iter().find(|at| at.as_micros() > known_at);
    later.copied().filter(|_| link.revoked_at.is_none())
}

/// Who has not confirmed a change.
#[derive(Default)]
pub(crate) struct Missed {
    /// The ids of their links.
    pub(crate) links: BTreeSet<String>,
    /// Somebody who has no link that opens.
    pub(crate) without_link: bool,
}

impl Missed {
    /// Returns the first change that the receiver of a link has not confirmed, behind this link or another of theirs.
    pub(crate) fn of(&self, link: &LinkRow, changes: &[Timestamp]) -> Option<Timestamp> {
        missed_change(link, changes).filter(|_| self.links.contains(&link.id))
    }
}

/// Returns who of the receivers of these links has not confirmed a change; one person may have several links.
pub(crate) fn missed_by(of_case: &[LinkRow], changes: &[Timestamp], now: Timestamp) -> Missed {
    let Some(newest) = changes.last() else {
        return Missed::default();
    };
    let confirms = |link: &LinkRow| {
        link.acknowledged_at
            .is_some_and(|at| at >= newest.as_micros())
    };
    let mut missed = Missed::default();
    for link in of_case {
        let theirs = || of_case.iter().filter(|other| is_same_receiver(link, other));
        if missed_change(link, changes).is_some() && !theirs().any(confirms) {
            missed.links.insert(link.id.clone());
            missed.without_link |= !theirs().any(|link| facts::opens(link, now));
        }
    }
    missed
}

/// Two addresses tell two receivers apart, whatever their names; a name counts only where an address is missing.
fn is_same_receiver(one: &LinkRow, other: &LinkRow) -> bool {
    let folded = |link: &LinkRow| people::fold_email(&link.recipient_email);
    let named = |link: &LinkRow| link.recipient_name.trim().to_lowercase();
    if one.recipient_email.is_empty() || other.recipient_email.is_empty() {
        named(one) == named(other)
    } else {
        folded(one) == folded(other)
    }
}

/// Queues a mail to the receiver of every link in force that the result was changed, once for each change by its name;
/// nothing clinical.
pub(crate) async fn tell_receivers(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    change: &str,
    now: Timestamp,
) -> StepResult<()> {
    for link in links::list(tx, &file.case_id).await? {
        if link.recipient_email.is_empty() || !facts::opens(&link, now) {
            continue;
        }
        let first = outbox::text_for_link(tx, &link.id).await?;
        let mail = mailing::result_addendum(
            ctx,
            &link.recipient_name,
            &file.intake.who.language,
            address_in(first.as_deref().unwrap_or_default(), ctx),
            super::open_until(&link).date(),
        );
        let link_id: LinkId = link.id.parse().map_err(StepError::internal)?;
        let new = outbox::NewMail {
            dedup_key: format!("link:{}:{change}", link.id),
            to_name: &link.recipient_name,
            to_address: &link.recipient_email,
            subject: mail.subject,
            body_text: mail.text,
            body_html: mail.html,
            case_id: Some(&file.case_id),
            link_id: Some(&link_id),
        };
        outbox::queue(tx, &new, now).await?;
    }
    Ok(())
}

/// Returns the address of a link from the mail that brought it: its secret is kept nowhere else. Empty when it is not there.
fn address_in<'a>(mail: &'a str, ctx: &Workflow) -> &'a str {
    let start = format!("{}/links/", ctx.config.public_url);
    mail.lines()
        .find(|line| line.starts_with(&start))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use overread_model::time::Timestamp;

    use super::{LinkRow, missed_by, missed_change};

    fn at(day: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_days(day)
    }

    fn link(name: &str, opened: Option<i64>, acknowledged: Option<i64>, ends: i64) -> LinkRow {
        let micros = |day: i64| at(day).as_micros();
        LinkRow {
            id: String::new(),
            case_id: String::new(),
            recipient_name: name.to_owned(),
            recipient_email: String::new(),
            created_by: String::new(),
            created_at: 0,
            not_before: 0,
            expires_at: micros(ends),
            passcode_hash: None,
            wrong_passcode_count: 0,
            with_images: 0,
            opened_at: opened.map(micros),
            last_used_at: None,
            acknowledged_at: acknowledged.map(micros),
            decided_at: None,
            decision: None,
            decision_note: None,
            revoked_at: None,
        }
    }

    #[test]
    fn what_was_said_before_a_change_counts_for_less() {
        let changes = [at(5), at(8)];
        for (opened, acknowledged, missed) in [
            (None, None, None),
            (Some(1), None, Some(5)),
            (Some(1), Some(2), Some(5)),
            (Some(1), Some(6), Some(8)),
            (Some(1), Some(8), None),
            (Some(9), None, None),
        ] {
            let mut row = link("Dr. A", opened, acknowledged, 30);
            assert_eq!(missed_change(&row, &changes), missed.map(at));
            row.revoked_at = Some(0);
            assert_eq!(missed_change(&row, &changes), None);
        }
    }

    #[test]
    fn a_receiver_with_a_second_link_is_one_person() {
        let judge = |links: &[LinkRow]| {
            let missed = missed_by(links, &[at(5)], at(20));
            (!missed.links.is_empty(), missed.without_link)
        };
        let ended = link("Dr. A", Some(1), Some(2), 10);
        assert_eq!(judge(std::slice::from_ref(&ended)), (true, true));
        assert_eq!(judge(&[link("Dr. A", Some(1), None, 30)]), (true, false));
        let new = link("dr. a ", None, None, 30);
        assert_eq!(judge(&[new, ended.clone()]), (true, false));
        let read = link("Dr. A", Some(12), Some(12), 30);
        assert_eq!(judge(&[read, ended.clone()]), (false, false));
        let other = link("Dr. B", Some(12), Some(12), 30);
        assert_eq!(judge(&[other, ended]), (true, true));
        assert_eq!(judge(&[link("Dr. A", None, None, 10)]), (false, false));
    }

    #[test]
    fn a_name_counts_only_where_an_address_is_missing() {
        for (name, first, second, missed) in [
            ("Dr. A", "a@one.example", "a@two.example", true),
            ("Dr. B", "a@one.example", "A@one.example", false),
            ("Dr. A", "a@one.example", "", false),
            ("Dr. A", "", "a@two.example", false),
            ("Dr. A", "", "", false),
            ("Dr. B", "", "", true),
        ] {
            let mut before = link("Dr. A", Some(1), Some(2), 30);
            before.recipient_email = first.to_owned();
            let mut since = link(name, Some(6), Some(6), 30);
            since.recipient_email = second.to_owned();
            let found = missed_by(&[before, since], &[at(5)], at(20));
            assert_eq!(!found.links.is_empty(), missed, "{name} {first} {second}");
        }
    }
}
