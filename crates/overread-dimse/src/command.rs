//! Command sets: what a message asks for, and the answers.

use dicom_ul::pdu::AbortRQServiceProviderReason;

use crate::limits::COMMENT_CHARS;
use crate::wire::Ended;

/// Command fields.
// PS3.7 E.1.
pub(crate) const C_STORE_RQ: u16 = 0x0001;
pub(crate) const C_ECHO_RQ: u16 = 0x0030;
pub(crate) const C_CANCEL_RQ: u16 = 0x0FFF;
const RESPONSE: u16 = 0x8000;
const NO_DATA_SET: u16 = 0x0101;

const AFFECTED_SOP_CLASS_UID: u32 = 0x0000_0002;
const COMMAND_FIELD: u32 = 0x0000_0100;
const MESSAGE_ID: u32 = 0x0000_0110;
const MESSAGE_ID_BEING_RESPONDED_TO: u32 = 0x0000_0120;
const COMMAND_DATA_SET_TYPE: u32 = 0x0000_0800;
const STATUS: u32 = 0x0000_0900;
const ERROR_COMMENT: u32 = 0x0000_0902;
const AFFECTED_SOP_INSTANCE_UID: u32 = 0x0000_1000;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// What is asked for.
    pub(crate) command_field: u16,
    /// The peer's number for it.
    pub(crate) message_id: u16,
    /// A data set follows.
    pub(crate) has_data_set: bool,
    /// Without padding, unchecked; empty when it is not there.
    pub(crate) affected_sop_class_uid: String,
    /// As [`Request::affected_sop_class_uid`].
    pub(crate) affected_sop_instance_uid: String,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// (0000,0900).
    pub(crate) code: u16,
    /// (0000,0902), in plain words and without patient data; empty on success.
    pub(crate) comment: String,
}

// PS3.4 B.2.3 and PS3.7 C.
pub(crate) const OUT_OF_RESOURCES: u16 = 0xA700;
pub(crate) const DOES_NOT_MATCH: u16 = 0xA900;
pub(crate) const CANNOT_UNDERSTAND: u16 = 0xC000;
pub(crate) const PROCESSING_FAILURE: u16 = 0x0110;
pub(crate) const SOP_CLASS_NOT_SUPPORTED: u16 = 0x0122;
pub(crate) const UNRECOGNIZED_OPERATION: u16 = 0x0211;

impl Status {
    /// Everything is done.
    pub(crate) const SUCCESS: Self = Self {
        code: 0,
        comment: String::new(),
    };

    /// Makes a failure.
    pub(crate) fn failure(code: u16, comment: &str) -> Self {
        let fits = |sign: &char| (' '..='~').contains(sign) && *sign != '\\';
        let comment = comment.chars().filter(fits).take(COMMENT_CHARS).collect();
        Self { code, comment }
    }
}

impl Request {
    /// Reads a command set.
    ///
    /// # Errors
    /// It is no command set, or no request.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Ended> {
        let broken = |why| Ended::Protocol(why, AbortRQServiceProviderReason::InvalidPduParameter);
        let (mut field, mut message_id, mut data_set_type) = (None, None, None);
        let (mut class, mut instance) = (String::new(), String::new());
        let mut rest = bytes;
        while !rest.is_empty() {
            let (tag, value, behind) =
                element(rest).ok_or_else(|| broken("a command set is damaged"))?;
            rest = behind;
            match tag {
                AFFECTED_SOP_CLASS_UID => class = text(value),
                AFFECTED_SOP_INSTANCE_UID => instance = text(value),
                COMMAND_FIELD => field = number(value),
                MESSAGE_ID => message_id = number(value),
                COMMAND_DATA_SET_TYPE => data_set_type = number(value),
                _ => {}
            }
        }
        let command_field = field.ok_or_else(|| broken("a command set names no command"))?;
        if command_field & RESPONSE != 0 {
            return Err(broken("the peer answered what nobody asked"));
        }
        // A C-CANCEL-RQ names the request that it ends instead of having a number of its own.
        let message_id = match message_id {
            None if command_field != C_CANCEL_RQ => {
                return Err(broken("a request has no number"));
            }
            number => number.unwrap_or_default(),
        };
        Ok(Self {
            command_field,
            message_id,
            has_data_set: data_set_type.is_some_and(|kind| kind != NO_DATA_SET),
            affected_sop_class_uid: class,
            affected_sop_instance_uid: instance,
        })
    }

    /// Writes the answer's command set.
    pub(crate) fn answer(&self, status: &Status) -> Vec<u8> {
        let mut group = Vec::with_capacity(256);
        put_text(
            &mut group,
            AFFECTED_SOP_CLASS_UID,
            &self.affected_sop_class_uid,
            0,
        );
        put_number(&mut group, COMMAND_FIELD, self.command_field | RESPONSE);
        put_number(&mut group, MESSAGE_ID_BEING_RESPONDED_TO, self.message_id);
        put_number(&mut group, COMMAND_DATA_SET_TYPE, NO_DATA_SET);
        put_number(&mut group, STATUS, status.code);
        put_text(&mut group, ERROR_COMMENT, &status.comment, b' ');
        put_text(
            &mut group,
            AFFECTED_SOP_INSTANCE_UID,
            &self.affected_sop_instance_uid,
            0,
        );
        let mut out = Vec::with_capacity(group.len() + 12);
        put(&mut out, 0, &(group.len() as u32).to_le_bytes());
        out.extend_from_slice(&group);
        out
    }
}

/// Splits the first element off; command sets are always Implicit VR Little Endian (PS3.7 6.3.1).
fn element(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let [g0, g1, e0, e1, length @ ..] = *head;
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    if [g0, g1] != [0, 0] {
        return None;
    }
    let (value, rest) = rest.split_at_checked(length)?;
    Some((u32::from(u16::from_le_bytes([e0, e1])), value, rest))
}

fn number(value: &[u8]) -> Option<u16> {
    value.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

/// Returns a UID without padding; what cannot be one is left out, since it must not come back in an answer.
fn text(value: &[u8]) -> String {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let text = text.trim_matches([' ', '\0']);
    let fits = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if text.len() <= 64 && text.bytes().all(fits) {
        text.to_owned()
    } else {
        String::new()
    }
}

fn put(out: &mut Vec<u8>, tag: u32, value: &[u8]) {
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&(tag as u16).to_le_bytes());
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value);
}

fn put_number(out: &mut Vec<u8>, tag: u32, value: u16) {
    put(out, tag, &value.to_le_bytes());
}

/// Writes a text that is there, padded to an even length.
fn put_text(out: &mut Vec<u8>, tag: u32, value: &str, padding: u8) {
    if value.is_empty() {
        return;
    }
    let mut value = value.as_bytes().to_vec();
    if value.len() % 2 == 1 {
        value.push(padding);
    }
    put(out, tag, &value);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::{C_STORE_RQ, Request, Status, put, put_number, put_text};

    fn store() -> Vec<u8> {
        let mut bytes = Vec::new();
        put_text(&mut bytes, 0x0002, "1.2.3", 0);
        put_number(&mut bytes, 0x0100, C_STORE_RQ);
        put_number(&mut bytes, 0x0110, 7);
        put_number(&mut bytes, 0x0800, 0x0102);
        put_text(&mut bytes, 0x1000, "1.2.3.4", 0);
        bytes
    }

    #[test]
    fn a_request_is_read_and_answered() {
        let request = Request::parse(&store()).unwrap();
        assert_eq!(
            request,
            Request {
                command_field: C_STORE_RQ,
                message_id: 7,
                has_data_set: true,
                affected_sop_class_uid: "1.2.3".to_owned(),
                affected_sop_instance_uid: "1.2.3.4".to_owned(),
            }
        );
        let answer = request.answer(&Status::failure(0xA900, "no\nmatch"));
        let length = u32::from_le_bytes(*answer[8..].first_chunk().unwrap());
        assert_eq!(length as usize, answer.len() - 12);
        let has = |part: &[u8]| answer.windows(part.len()).any(|window| window == part);
        assert!(has(&[0, 0, 0, 1, 2, 0, 0, 0, 0x01, 0x80]), "C-STORE-RSP");
        assert!(has(&[0, 0, 0, 9, 2, 0, 0, 0, 0x00, 0xA9]));
        assert!(has(b"nomatch "));
    }

    #[test]
    fn every_cut_and_every_foreign_group_is_refused() {
        let whole = store();
        // A cut between two elements leaves a shorter command set; one that lacks its field or its number is none.
        let readable: Vec<usize> = (0..whole.len())
            .filter(|end| Request::parse(&whole[..*end]).is_ok())
            .collect();
        assert_eq!(readable, [34, 44]);
        let mut long = Vec::new();
        put(&mut long, 0x0002, b"");
        long[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Request::parse(&long).is_err());
        let mut foreign = store();
        foreign[0] = 8;
        assert!(Request::parse(&foreign).is_err());
        let mut answer = Vec::new();
        put_number(&mut answer, 0x0100, 0x8001);
        put_number(&mut answer, 0x0110, 1);
        assert!(Request::parse(&answer).is_err());
    }
}
