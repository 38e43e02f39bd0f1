//! What was done, in plain words.

use serde_json::Value;

/// The first words of events, and what people call them.
pub const KINDS: &[(&str, &str)] = &[
    ("aside", "Images set aside"),
    ("audit", "The audit"),
    ("case", "Cases"),
    ("check", "Checks of the records"),
    ("commitment", "Storage commitment"),
    ("concordance", "Comparisons"),
    ("consent", "Consents"),
    ("coverage", "Cost"),
    ("delivery", "Deliveries"),
    ("erasure", "Requests for deletion"),
    ("hold", "Legal holds"),
    ("index", "The index"),
    ("invitation", "Invitations"),
    ("keeping", "Keeping"),
    ("letter", "Letters"),
    ("link", "Links"),
    ("original_report", "First reports"),
    ("paper", "Papers held back"),
    ("person", "People"),
    ("quarantine", "Images held back"),
    ("quota", "Room of cases"),
    ("report", "Reports"),
    ("reviewer", "Reviewers"),
    ("session", "Signing in"),
    ("setup", "Setup"),
    ("studies", "Searches of exams"),
    ("study", "Exams and images"),
    ("token", "Tokens of machines"),
    ("work_item", "Work items"),
    ("work_items", "Searches of work items"),
];

/// Every event, and what was done.
const EVENTS: &[(&str, &str)] = &[
    (
        "aside.closed",
        "Closed the matter of an image that was set aside",
    ),
    ("aside.decided", "Decided on images that were set aside"),
    ("aside.opened", "Looked at images that were set aside"),
    ("audit.listed", "Read the audit"),
    ("case.corrected", "Corrected the request"),
    ("case.draft_saved", "Saved a draft of the request"),
    ("case.moved", "Moved the case"),
    ("case.opened", "Opened the case"),
    ("case.read", "Read in the case"),
    ("case.started", "Began a request"),
    ("case.study_deleted", "Deleted an exam of the case"),
    ("case.study_restored", "Restored an exam of the case"),
    ("case.urgency_set", "Set the urgency"),
    (
        "check.overridden",
        "Let the case through in spite of the check",
    ),
    (
        "check.override_ended",
        "A decision on the check no longer counts",
    ),
    ("check.ran", "Checked the records"),
    (
        "commitment.reported",
        "Answered a request for storage commitment",
    ),
    ("concordance.decided", "Decided on the comparison"),
    ("concordance.made", "Compared the reports"),
    ("consent.entered_from_paper", "Entered a consent from paper"),
    ("consent.revoked", "Took a consent back"),
    ("consent.signed", "Signed a consent"),
    ("coverage.quoted", "Quoted the cost"),
    ("coverage.refused", "Refused the quote"),
    ("delivery.added", "Added to the records"),
    ("delivery.finished", "Ended a delivery of images"),
    ("delivery.started", "Began a delivery of images"),
    ("erasure.answered", "Answered a request for deletion"),
    ("erasure.requested", "Asked for a deletion"),
    ("hold.lifted", "Lifted a legal hold"),
    ("hold.placed", "Placed a legal hold"),
    ("index.rebuilt", "Made the index anew"),
    (
        "index.recovered",
        "Took what the index did not know from the packs",
    ),
    ("invitation.accepted", "Accepted an invitation"),
    ("invitation.made", "Invited somebody"),
    ("invitation.revoked", "Took an invitation back"),
    ("keeping.command", "Ran the command keeping"),
    ("keeping.listed", "Looked at what is kept and deleted"),
    ("letter.answered", "Noted the answer to a letter"),
    ("letter.drafted", "Drafted a letter"),
    ("letter.extended", "Gave a letter more time"),
    ("letter.final", "Made a letter final"),
    ("letter.sent", "Sent a letter"),
    ("link.acknowledged", "Confirmed having read by a link"),
    ("link.decided", "Decided by a link"),
    (
        "link.locked",
        "A link was closed after too many wrong passcodes",
    ),
    ("link.made", "Made a link"),
    ("link.opened", "Opened a link"),
    ("link.refused", "Typed a wrong passcode for a link"),
    ("link.revoked", "Took a link back"),
    ("original_report.entered", "Entered the first report"),
    (
        "original_report.missing",
        "Noted that the first report is missing",
    ),
    ("paper.held", "Held a paper back"),
    ("paper.kept_out", "Kept a paper out of the case"),
    ("paper.released", "Released a paper"),
    ("person.closed", "Closed an account"),
    ("person.created", "Made an account"),
    ("person.listed", "Looked at the people"),
    ("person.password_changed", "Changed the password"),
    ("person.reopened", "Opened an account again"),
    ("person.roles_set", "Set the roles of somebody"),
    ("quarantine.held", "Held images back"),
    ("quarantine.kept_out", "Kept images out of the case"),
    ("quarantine.released", "Released images"),
    (
        "quarantine.reopened",
        "Images that were decided on wait again",
    ),
    ("quota.set", "Set how much a case may hold"),
    (
        "report.doubts_seen",
        "Saw the doubts about a report before signing",
    ),
    (
        "report.first_impression_locked",
        "Locked the first impression",
    ),
    (
        "report.original_change_seen",
        "Saw that the first report changed",
    ),
    ("report.read", "Read a report among the images"),
    ("reviewer.added", "Added a reviewer"),
    ("reviewer.changed", "Changed a reviewer"),
    ("reviewer.closed", "Closed a reviewer"),
    ("reviewer.opened", "Opened a reviewer again"),
    ("session.began", "Signed in"),
    ("session.ended", "Signed out"),
    ("session.refused", "A sign-in was refused"),
    ("session.revoked", "Ended a session"),
    ("session.role_switched", "Changed the role"),
    (
        "setup.prepared",
        "Prepared the first administrator's account",
    ),
    ("studies.searched", "Searched exams"),
    ("study.deleted", "Deleted an exam"),
    ("study.erased", "Erased an exam"),
    ("study.filed", "Put an exam into a case"),
    ("study.held_back", "Held an exam back"),
    (
        "study.images_not_taken",
        "Took none of the images after all (the row before says that they were read or sent)",
    ),
    ("study.images_read", "Read images"),
    ("study.images_sent", "Sent images to another archive"),
    ("study.listed", "Looked at images without a case"),
    ("study.metadata_read", "Read the metadata of an exam"),
    ("study.overwritten", "Overwrote the bytes of an erased exam"),
    ("study.restored", "Restored an exam"),
    ("study.taken_in", "Took an exam into a case"),
    ("token.created", "Made a token for a machine"),
    ("token.revoked", "Revoked the token of a machine"),
    (
        "work_item.cancel_requested",
        "Asked that a work item be cancelled",
    ),
    ("work_item.canceled", "Cancelled a work item"),
    ("work_item.claimed", "Claimed a work item"),
    ("work_item.completed", "Completed a work item"),
    ("work_item.created", "Ordered a work item"),
    ("work_item.read", "Read a work item"),
    ("work_item.subscribed", "Subscribed to work items"),
    (
        "work_item.subscription_suspended",
        "Suspended a subscription to work items",
    ),
    (
        "work_item.unsubscribed",
        "Ended a subscription to work items",
    ),
    ("work_item.updated", "Changed a work item"),
    ("work_items.searched", "Searched work items"),
];

/// Says what was done; an event of an earlier version that has no words is shown as it is kept.
pub(super) fn of(event: &str) -> &str {
    let found = EVENTS.iter().find(|(word, _)| *word == event);
    found.map_or(event, |(_, words)| words)
}

/// What a row says more that is shown, and how. Whatever else it says is for programs.
const MORE: &[(&str, &str)] = &[
    ("to", "to"),
    ("host", "at"),
    ("by", "by"),
    ("safe", "safe:"),
    ("failed", "failed:"),
    ("verdict", "verdict:"),
    ("answer", "answer:"),
    ("command", "command:"),
    ("role", "role:"),
    ("roles", "roles:"),
    ("fields", "fields:"),
];

/// Puts into words what a row says more; empty when it says nothing that is shown.
pub(super) fn more(detail: Option<&str>) -> String {
    let Some(Value::Object(said)) = detail.and_then(|text| serde_json::from_str(text).ok()) else {
        return String::new();
    };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut told = Vec::new();
    for (key, word) in MORE {
        let value = match said.get(*key) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(all)) => all.iter().map(text).collect::<Vec<_>>().join(", "),
            Some(value) => text(value),
        };
        // The state into which a case moved stands beside the event.
        if *key != "to" || said.get("from").is_none() {
            told.push(format!("{word} {value}"));
        }
    }
    told.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{EVENTS, KINDS, more};

    #[test]
    fn what_a_row_says_more_is_told_as_far_as_it_is_for_people() {
        let check = |detail: &str, expect: &str| assert_eq!(more(Some(detail)), expect);
        check(
            r#"{"to":"PACS2","host":"10.0.0.5:104"}"#,
            "to PACS2 at 10.0.0.5:104",
        );
        check(
            r#"{"by":"PACS2","safe":3,"failed":0,"transaction":"2.25.1"}"#,
            "by PACS2 safe: 3 failed: 0",
        );
        check(r#"{"from":"draft","to":"submitted"}"#, "");
        check(
            r#"{"roles":["patient","reviewer"]}"#,
            "roles: patient, reviewer",
        );
        check("[", "");
        assert_eq!(more(None), "");
    }

    #[test]
    fn every_event_that_the_rooms_record_has_words() {
        let mut folders = vec![std::path::PathBuf::from("..")];
        let mut found = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                if path.is_dir() && name != "tests" {
                    folders.push(path);
                } else if name.ends_with(".rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    for after in text.split(concat!("AuditEvent", "::new(")).skip(1) {
                        let Some(word) = after.trim_start().strip_prefix('"') else {
                            continue;
                        };
                        let word = word.split('"').next().unwrap();
                        let known = EVENTS.iter().any(|(event, _)| *event == word);
                        assert!(known || !word.contains('.'), "{word}: {}", path.display());
                        found += 1;
                    }
                }
            }
        }
        assert!(found > 40, "the sources were found: {found}");
    }

    #[test]
    fn every_event_is_of_a_kind() {
        for (event, _) in EVENTS {
            let kind = event.split('.').next().unwrap();
            assert!(KINDS.iter().any(|(word, _)| *word == kind), "{event}");
        }
    }
}
