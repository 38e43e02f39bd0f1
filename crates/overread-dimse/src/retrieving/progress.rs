//! How far a retrieval is: counts, what failed, and what the peer is told of it.

use std::collections::BTreeSet;
use std::time::Duration;

use overread_dicom::{data_set_of_json, syntax};
use serde_json::{Map, json};
use tokio::time::Instant;

use crate::command::{
    CANCELLED, CANNOT_PERFORM, Command, CommandSet, Counts, NOT_AUTHORISED, PENDING,
    SUB_OPERATIONS_FAILED_PARTLY, Status,
};
use crate::instance::{NotSent, Wanted};
use crate::limits;
use crate::link::Link;
use crate::negotiation::Context;
use crate::wire::Ended;

/// How far a retrieval is.
pub(crate) struct Progress<'a> {
    request: &'a Command,
    context: &'a Context,
    counts: Counts,
    remaining_count: usize,
    failed_uids: Vec<String>,
    why: Option<NotSent>,
    told_at: Option<Instant>,
    /// Of an instance that goes out, until it is counted, its study.
    begun: Option<String>,
    /// Studies of which something was taken, or went out without a word of what became of it.
    taken: BTreeSet<String>,
    pub(crate) is_cancelled: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(request: &'a Command, context: &'a Context, count: usize) -> Self {
        Self {
            request,
            context,
            counts: Counts {
                remaining: clamped(count),
                ..Counts::default()
            },
            remaining_count: count,
            failed_uids: Vec::new(),
            why: None,
            told_at: None,
            begun: None,
            taken: BTreeSet::new(),
            is_cancelled: false,
        }
    }

    /// Returns the number of the request.
    pub(super) fn message_id(&self) -> u16 {
        self.request.message_id
    }

    /// Remembers that an instance goes out.
    pub(super) fn begin(&mut self, wanted: &Wanted) {
        self.begun = Some(wanted.study_instance_uid.clone());
    }

    /// Says whether the peer may hold something of a study; `false` when it does not.
    pub(super) fn may_be_taken(&self, study: &str) -> bool {
        self.begun.as_deref() == Some(study) || self.taken.contains(study)
    }

    /// Counts what became of one instance: the status of its C-STORE, or why it was not sent.
    // PS3.4 B.2.3: B000, B006 and B007 are warnings, with which it is stored.
    pub(super) fn count(&mut self, wanted: &Wanted, status: Result<u16, NotSent>) {
        self.remaining_count = self.remaining_count.saturating_sub(1);
        self.counts.remaining = clamped(self.remaining_count);
        let begun = self.begun.take();
        let may_be_taken = match status {
            Ok(code) => code == 0 || code >> 12 == 0xB,
            Err(_) => begun.is_some(),
        };
        if may_be_taken {
            self.taken.insert(wanted.study_instance_uid.clone());
        }
        match status {
            Ok(0) => self.counts.completed = self.counts.completed.saturating_add(1),
            Ok(code) if code >> 12 == 0xB => {
                self.counts.warning = self.counts.warning.saturating_add(1);
            }
            failed => {
                self.counts.failed = self.counts.failed.saturating_add(1);
                if let Err(why) = failed {
                    if why == NotSent::Over {
                        self.why = Some(why);
                    }
                    self.why.get_or_insert(why);
                }
                if self.failed_uids.len() < limits::FAILED_UIDS {
                    self.failed_uids.push(wanted.sop_instance_uid.clone());
                }
            }
        }
    }

    /// Tells the peer how far it is: at first, and then not too often.
    pub(super) async fn tell(&mut self, link: &mut Link) -> Result<(), Ended> {
        const AT_ONCE: Duration = limits::PROGRESS_TIME;
        if self.told_at.is_some_and(|at| at.elapsed() < AT_ONCE) {
            return Ok(());
        }
        self.told_at = Some(Instant::now());
        let answer = self.request.answer(&Status::plain(PENDING));
        link.send(self.context.id, &answer.counts(self.counts, true))
            .await
    }

    /// Returns the last answer, and the list of what failed.
    // PS3.4 C.4.2.1.5 and C.4.3.1.4.
    pub(super) fn last_answer(self) -> (CommandSet, Vec<u8>) {
        let is_nothing_sent = self.counts.completed == 0 && self.counts.warning == 0;
        let code = if self.is_cancelled {
            CANCELLED
        } else if self.why == Some(NotSent::Over) {
            NOT_AUTHORISED
        } else if self.counts.failed == 0 && self.counts.warning == 0 {
            0
        } else if is_nothing_sent {
            CANNOT_PERFORM
        } else {
            SUB_OPERATIONS_FAILED_PARTLY
        };
        let why = self.why.map(|why| why.to_string()).unwrap_or_default();
        let answer = self.request.answer(&Status::failure(code, &why));
        let answer = answer.counts(self.counts, self.is_cancelled);
        if self.failed_uids.is_empty() {
            return (answer, Vec::new());
        }
        // (0008,0058).
        let list = json!({ "vr": "UI", "Value": self.failed_uids });
        let list = Map::from_iter([("00080058".to_owned(), list)]);
        let syntax = self.context.transfer_syntax_uid.as_str();
        let is_explicit = syntax != syntax::IMPLICIT_VR_LITTLE_ENDIAN;
        (answer.with_data_set(), data_set_of_json(&list, is_explicit))
    }
}

fn clamped(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
