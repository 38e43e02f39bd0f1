//! Command sets: what a message asks for, and the answers.

use std::collections::BTreeMap;

use dicom_ul::pdu::AbortRQServiceProviderReason;

use crate::limits::COMMENT_CHARS;
use crate::wire::Ended;

/// Command fields.
// PS3.7 E.1.
pub(crate) const C_STORE_RQ: u16 = 0x0001;
pub(crate) const C_GET_RQ: u16 = 0x0010;
pub(crate) const C_FIND_RQ: u16 = 0x0020;
pub(crate) const C_MOVE_RQ: u16 = 0x0021;
pub(crate) const C_ECHO_RQ: u16 = 0x0030;
pub(crate) const N_EVENT_REPORT_RQ: u16 = 0x0100;
pub(crate) const N_ACTION_RQ: u16 = 0x0130;
pub(crate) const C_CANCEL_RQ: u16 = 0x0FFF;
pub(crate) const RESPONSE: u16 = 0x8000;
const NO_DATA_SET: u16 = 0x0101;
const SOME_DATA_SET: u16 = 0x0001;

const AFFECTED_SOP_CLASS_UID: u16 = 0x0002;
const REQUESTED_SOP_CLASS_UID: u16 = 0x0003;
const COMMAND_FIELD: u16 = 0x0100;
const MESSAGE_ID: u16 = 0x0110;
const MESSAGE_ID_BEING_RESPONDED_TO: u16 = 0x0120;
const MOVE_DESTINATION: u16 = 0x0600;
const PRIORITY: u16 = 0x0700;
const COMMAND_DATA_SET_TYPE: u16 = 0x0800;
const STATUS: u16 = 0x0900;
const ERROR_COMMENT: u16 = 0x0902;
const AFFECTED_SOP_INSTANCE_UID: u16 = 0x1000;
const REQUESTED_SOP_INSTANCE_UID: u16 = 0x1001;
const EVENT_TYPE_ID: u16 = 0x1002;
const ACTION_TYPE_ID: u16 = 0x1008;
const REMAINING: u16 = 0x1020;
const COMPLETED: u16 = 0x1021;
const FAILED: u16 = 0x1022;
const WARNING: u16 = 0x1023;
const MOVE_ORIGINATOR: u16 = 0x1030;
const MOVE_ORIGINATOR_MESSAGE_ID: u16 = 0x1031;

/// A command set that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// What is asked for, or answered.
    pub(crate) command_field: u16,
    /// The sender's number for a request; of a response or a cancellation the request's.
    pub(crate) message_id: u16,
    /// A data set follows.
    pub(crate) has_data_set: bool,
    /// Affected or requested; without padding, unchecked; empty when it is not there.
    pub(crate) sop_class_uid: String,
    /// As [`Command::sop_class_uid`].
    pub(crate) sop_instance_uid: String,
    /// Of a response.
    pub(crate) status: u16,
    /// What a response says of a failure, as far as it may be shown; its sender chose the words.
    pub(crate) comment: String,
    /// Where a C-MOVE goes; unchecked.
    pub(crate) move_destination: String,
    /// Of an N-ACTION or N-EVENT-REPORT.
    pub(crate) type_id: u16,
    /// Of a response to C-GET or C-MOVE.
    pub(crate) counts: Counts,
}

/// How far a retrieval is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) remaining: u16,
    pub(crate) completed: u16,
    pub(crate) failed: u16,
    pub(crate) warning: u16,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// (0000,0900).
    pub(crate) code: u16,
    /// (0000,0902), in plain words and without patient data; empty on success.
    pub(crate) comment: String,
}

// PS3.4 B.2.3, C.4 and PS3.7 C.
pub(crate) const PENDING: u16 = 0xFF00;
pub(crate) const PENDING_WITHOUT_SOME_KEYS: u16 = 0xFF01;
pub(crate) const CANCELLED: u16 = 0xFE00;
pub(crate) const SUB_OPERATIONS_FAILED_PARTLY: u16 = 0xB000;
pub(crate) const OUT_OF_RESOURCES: u16 = 0xA700;
pub(crate) const CANNOT_COUNT_MATCHES: u16 = 0xA701;
pub(crate) const CANNOT_PERFORM: u16 = 0xA702;
pub(crate) const DESTINATION_UNKNOWN: u16 = 0xA801;
pub(crate) const DOES_NOT_MATCH: u16 = 0xA900;
pub(crate) const CANNOT_UNDERSTAND: u16 = 0xC000;
pub(crate) const PROCESSING_FAILURE: u16 = 0x0110;
pub(crate) const INVALID_ARGUMENT: u16 = 0x0115;
pub(crate) const SOP_CLASS_NOT_SUPPORTED: u16 = 0x0122;
pub(crate) const NO_SUCH_ACTION: u16 = 0x0123;
pub(crate) const NOT_AUTHORISED: u16 = 0x0124;
pub(crate) const UNRECOGNIZED_OPERATION: u16 = 0x0211;

impl Status {
    /// Everything is done.
    pub(crate) const SUCCESS: Self = Self {
        code: 0,
        comment: String::new(),
    };

    /// Something else than success that needs no words.
    pub(crate) const fn plain(code: u16) -> Self {
        Self {
            code,
            comment: String::new(),
        }
    }

    /// Makes a failure.
    pub(crate) fn failure(code: u16, comment: &str) -> Self {
        let comment = comment.to_owned();
        Self { code, comment }
    }

    /// Returns the comment as a message can carry it: cut behind a sentence, or at least a word.
    fn short_comment(&self) -> String {
        let fits = |sign: &char| (' '..='~').contains(sign) && *sign != '\\';
        let mut short: String = self.comment.chars().filter(fits).collect();
        if short.len() <= COMMENT_CHARS {
            return short;
        }
        short.truncate(COMMENT_CHARS + 1);
        let sentence = short.rfind(['.', ';']);
        let sentence = sentence.filter(|end| *end >= COMMENT_CHARS / 2);
        let end = sentence.or_else(|| short.rfind(' '));
        short.truncate(end.unwrap_or(COMMENT_CHARS));
        short.trim_end_matches([' ', ',', ';', ':']).to_owned()
    }
}

impl Command {
    /// Reads a command set.
    ///
    /// # Errors
    /// It is no command set, or lacks what it must say.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Ended> {
        let broken = |why| Ended::Protocol(why, AbortRQServiceProviderReason::InvalidPduParameter);
        let mut elements: BTreeMap<u16, &[u8]> = BTreeMap::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (tag, value, behind) =
                element(rest).ok_or_else(|| broken("a command set is damaged"))?;
            rest = behind;
            elements.insert(tag, value);
        }
        let number_of = |tag: u16| elements.get(&tag).copied().and_then(number);
        let uid_of = |tags: [u16; 2]| {
            let value = tags.iter().find_map(|tag| elements.get(tag));
            value.copied().map(uid).unwrap_or_default()
        };
        let command_field =
            number_of(COMMAND_FIELD).ok_or_else(|| broken("a command set names no command"))?;
        // A C-CANCEL-RQ names the request that it ends instead of having a number of its own.
        let is_about_another = command_field & RESPONSE != 0 || command_field == C_CANCEL_RQ;
        let message_id = if is_about_another {
            number_of(MESSAGE_ID_BEING_RESPONDED_TO).unwrap_or_default()
        } else {
            number_of(MESSAGE_ID).ok_or_else(|| broken("a request has no number"))?
        };
        let data_set_type = number_of(COMMAND_DATA_SET_TYPE);
        let count = |tag| number_of(tag).unwrap_or_default();
        Ok(Self {
            command_field,
            message_id,
            has_data_set: data_set_type.is_some_and(|kind| kind != NO_DATA_SET),
            sop_class_uid: uid_of([AFFECTED_SOP_CLASS_UID, REQUESTED_SOP_CLASS_UID]),
            sop_instance_uid: uid_of([AFFECTED_SOP_INSTANCE_UID, REQUESTED_SOP_INSTANCE_UID]),
            status: number_of(STATUS).unwrap_or(PROCESSING_FAILURE),
            comment: elements
                .get(&ERROR_COMMENT)
                .map(|value| shown(value))
                .unwrap_or_default(),
            move_destination: elements
                .get(&MOVE_DESTINATION)
                .and_then(|value| std::str::from_utf8(value).ok())
                .unwrap_or_default()
                .to_owned(),
            type_id: number_of(EVENT_TYPE_ID)
                .or_else(|| number_of(ACTION_TYPE_ID))
                .unwrap_or_default(),
            counts: Counts {
                remaining: count(REMAINING),
                completed: count(COMPLETED),
                failed: count(FAILED),
                warning: count(WARNING),
            },
        })
    }

    /// Says whether it answers a request.
    pub(crate) const fn is_response(&self) -> bool {
        self.command_field & RESPONSE != 0
    }

    /// Begins the answer.
    pub(crate) fn answer(&self, status: &Status) -> CommandSet {
        CommandSet::new(self.command_field | RESPONSE)
            .uid(AFFECTED_SOP_CLASS_UID, &self.sop_class_uid)
            .uid(AFFECTED_SOP_INSTANCE_UID, &self.sop_instance_uid)
            .number(MESSAGE_ID_BEING_RESPONDED_TO, self.message_id)
            .number(STATUS, status.code)
            .text(ERROR_COMMENT, &status.short_comment())
    }
}

/// A command set that is being written; its elements go out in their order.
#[derive(Debug, Clone)]
pub(crate) struct CommandSet(BTreeMap<u16, Vec<u8>>);

impl CommandSet {
    fn new(command_field: u16) -> Self {
        Self(BTreeMap::new())
            .number(COMMAND_FIELD, command_field)
            .number(COMMAND_DATA_SET_TYPE, NO_DATA_SET)
    }

    /// Begins a request of DIMSE-C.
    pub(crate) fn request(command_field: u16, message_id: u16, sop_class_uid: &str) -> Self {
        let set = Self::new(command_field)
            .uid(AFFECTED_SOP_CLASS_UID, sop_class_uid)
            .number(MESSAGE_ID, message_id);
        if matches!(command_field, C_ECHO_RQ | N_EVENT_REPORT_RQ) {
            return set;
        }
        set.number(PRIORITY, 0)
    }

    /// Begins a request of DIMSE-N for an action.
    pub(crate) fn action(message_id: u16, class: &str, instance: &str, type_id: u16) -> Self {
        Self::new(N_ACTION_RQ)
            .uid(REQUESTED_SOP_CLASS_UID, class)
            .uid(REQUESTED_SOP_INSTANCE_UID, instance)
            .number(MESSAGE_ID, message_id)
            .number(ACTION_TYPE_ID, type_id)
    }

    /// Ends a request; the peer looks for `message_id` behind it.
    pub(crate) fn cancel(message_id: u16) -> Self {
        Self::new(C_CANCEL_RQ).number(MESSAGE_ID_BEING_RESPONDED_TO, message_id)
    }

    /// Says that a data set follows.
    #[must_use]
    pub(crate) fn with_data_set(self) -> Self {
        self.number(COMMAND_DATA_SET_TYPE, SOME_DATA_SET)
    }

    #[must_use]
    pub(crate) fn affected_instance(self, uid: &str) -> Self {
        self.uid(AFFECTED_SOP_INSTANCE_UID, uid)
    }

    #[must_use]
    pub(crate) fn event_type(self, type_id: u16) -> Self {
        self.number(EVENT_TYPE_ID, type_id)
    }

    #[must_use]
    pub(crate) fn destination(self, ae_title: &str) -> Self {
        self.text(MOVE_DESTINATION, ae_title)
    }

    /// Says on whose behalf an instance is sent.
    #[must_use]
    pub(crate) fn originator(self, ae_title: &str, message_id: u16) -> Self {
        self.text(MOVE_ORIGINATOR, ae_title)
            .number(MOVE_ORIGINATOR_MESSAGE_ID, message_id)
    }

    /// Says how far a retrieval is; what remains is said only while something may.
    // PS3.7 9.1.3.1.6 and 9.1.4.1.7.
    #[must_use]
    pub(crate) fn counts(self, counts: Counts, with_remaining: bool) -> Self {
        let set = self
            .number(COMPLETED, counts.completed)
            .number(FAILED, counts.failed)
            .number(WARNING, counts.warning);
        if with_remaining {
            set.number(REMAINING, counts.remaining)
        } else {
            set
        }
    }

    /// Says whether a response refuses what its sender may not do, or not any more.
    pub(crate) fn is_not_authorised(&self) -> bool {
        let status = self.0.get(&STATUS).map(Vec::as_slice);
        status == Some(&NOT_AUTHORISED.to_le_bytes())
    }

    /// Returns the bytes.
    // PS3.7 6.3.1: always Implicit VR Little Endian.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut group = Vec::with_capacity(256);
        for (tag, value) in &self.0 {
            put(&mut group, *tag, value);
        }
        let mut out = Vec::with_capacity(group.len() + 12);
        put(&mut out, 0, &(group.len() as u32).to_le_bytes());
        out.extend_from_slice(&group);
        out
    }

    fn number(mut self, tag: u16, value: u16) -> Self {
        self.0.insert(tag, value.to_le_bytes().to_vec());
        self
    }

    fn uid(self, tag: u16, value: &str) -> Self {
        self.padded(tag, value, 0)
    }

    fn text(self, tag: u16, value: &str) -> Self {
        self.padded(tag, value, b' ')
    }

    /// Writes a text that is there, padded to an even length.
    fn padded(mut self, tag: u16, value: &str, padding: u8) -> Self {
        if !value.is_empty() {
            let mut value = value.as_bytes().to_vec();
            if value.len() % 2 == 1 {
                value.push(padding);
            }
            self.0.insert(tag, value);
        }
        self
    }
}

/// Splits the first element off.
fn element(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let [g0, g1, e0, e1, length @ ..] = *head;
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    if [g0, g1] != [0, 0] {
        return None;
    }
    let (value, rest) = rest.split_at_checked(length)?;
    Some((u16::from_le_bytes([e0, e1]), value, rest))
}

fn number(value: &[u8]) -> Option<u16> {
    value.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

/// Returns a UID without padding; what cannot be one is left out, since it must not come back in an answer.
fn uid(value: &[u8]) -> String {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let text = text.trim_matches([' ', '\0']);
    let fits = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if text.len() <= 64 && text.bytes().all(fits) {
        text.to_owned()
    } else {
        String::new()
    }
}

fn shown(value: &[u8]) -> String {
    let signs = value.iter().copied().map(char::from);
    let fits = |sign: &char| (' '..='~').contains(sign);
    let text: String = signs.filter(fits).take(COMMENT_CHARS).collect();
    text.trim_end().to_owned()
}

fn put(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&tag.to_le_bytes());
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::{C_GET_RQ, C_STORE_RQ, Command, CommandSet, Counts, PENDING, Status, put};

    fn store() -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, 0x0002, b"1.2.3\0");
        put(&mut bytes, 0x0100, &C_STORE_RQ.to_le_bytes());
        put(&mut bytes, 0x0110, &[7, 0]);
        put(&mut bytes, 0x0800, &[2, 1]);
        put(&mut bytes, 0x1000, b"1.2.3.4\0");
        bytes
    }

    #[test]
    fn a_request_is_read_and_answered() {
        let request = Command::parse(&store()).unwrap();
        assert_eq!(request.command_field, C_STORE_RQ);
        assert_eq!((request.message_id, request.has_data_set), (7, true));
        assert_eq!(request.sop_class_uid, "1.2.3");
        assert_eq!(request.sop_instance_uid, "1.2.3.4");
        let answer = request
            .answer(&Status::failure(0xA900, "no\nmatch"))
            .bytes();
        let length = u32::from_le_bytes(*answer[8..].first_chunk().unwrap());
        assert_eq!(length as usize, answer.len() - 12);
        let has = |part: &[u8]| answer.windows(part.len()).any(|window| window == part);
        assert!(has(&[0, 0, 0, 1, 2, 0, 0, 0, 0x01, 0x80]), "C-STORE-RSP");
        assert!(has(&[0, 0, 0, 9, 2, 0, 0, 0, 0x00, 0xA9]));
        assert!(has(b"nomatch "));
    }

    #[test]
    fn a_long_comment_ends_with_a_sentence_or_a_word() {
        let check = |comment: &str, expect: &str| {
            let short = Status::failure(0xA700, comment).short_comment();
            assert_eq!(short, expect);
            assert!(short.len() <= 64);
        };
        check("short; enough", "short; enough");
        check(
            "this case holds as much as it may; this file was not kept. Ask the practice",
            "this case holds as much as it may; this file was not kept",
        );
        check(
            "an image with the same identifier and other content is held already",
            "an image with the same identifier and other content is held",
        );
        check(&format!("{}; unwilling", "x".repeat(58)), &"x".repeat(58));
        check(&"x".repeat(70), &"x".repeat(64));
        check(&format!("{} y", "x".repeat(64)), &"x".repeat(64));
    }

    #[test]
    fn an_answer_is_read_back() {
        let request = CommandSet::request(C_GET_RQ, 9, "1.2.3").with_data_set();
        let request = Command::parse(&request.bytes()).unwrap();
        assert!(request.has_data_set && !request.is_response());
        let counts = Counts {
            remaining: 3,
            completed: 2,
            failed: 1,
            warning: 0,
        };
        let answer = request.answer(&Status::plain(PENDING)).counts(counts, true);
        let answer = Command::parse(&answer.bytes()).unwrap();
        assert!(answer.is_response() && !answer.has_data_set);
        assert_eq!((answer.message_id, answer.status), (9, PENDING));
        assert_eq!(answer.counts, counts);
    }

    #[test]
    fn every_cut_and_every_foreign_group_is_refused() {
        let whole = store();
        // A cut between two elements leaves a shorter command set; one that lacks its field or its number is none.
        let readable: Vec<usize> = (0..whole.len())
            .filter(|end| Command::parse(&whole[..*end]).is_ok())
            .collect();
        assert_eq!(readable, [34, 44]);
        let mut long = Vec::new();
        put(&mut long, 0x0002, b"");
        long[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Command::parse(&long).is_err());
        let mut foreign = store();
        foreign[0] = 8;
        assert!(Command::parse(&foreign).is_err());
    }
}
