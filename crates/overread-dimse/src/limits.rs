//! Every limit of the door, with its unit.

use std::time::Duration;

/// Associations at once; one more is refused for the moment.
pub const ASSOCIATIONS: usize = 64;
/// Connections at once from addresses that the list names, with those whose association was not asked for yet; one more
/// is closed unanswered. With [`UNNAMED`] and [`STRANGERS`], which have places of their own, 136 in all.
pub const CONNECTIONS: usize = 80;
/// Connections at once from addresses that the list does not name, while a caller may come from anywhere; so that those
/// it names always find a place.
pub const UNNAMED: usize = 48;
/// Connections at once from one network that the list does not name.
pub const UNNAMED_OF_ONE_NETWORK: usize = 16;
/// Connections at once from addresses at which no caller is expected; they are only told so.
pub const STRANGERS: usize = 8;
/// Connections at once from one network at which no caller is expected.
pub const STRANGERS_OF_ONE_NETWORK: usize = 2;
/// Bytes of a P-DATA-TF PDU, behind its header, that a peer may send.
pub const PDU_BYTES: u32 = 256 * 1024;
/// Bytes of an association request: 128 contexts with dozens of transfer syntaxes each fit well.
pub const REQUEST_BYTES: u32 = 256 * 1024;
/// Bytes of the command set of one message.
pub const COMMAND_BYTES: usize = 16 * 1024;
/// Bytes that are read at once from one connection.
pub const WINDOW_BYTES: usize = 64 * 1024;
/// How long a peer may take for its association request (ARTIM of PS3.8 9.1.5).
pub const REQUEST_TIME: Duration = Duration::from_secs(30);
/// How long a PDU may take to arrive whole, counted from the end of the one before.
pub const IDLE_TIME: Duration = Duration::from_secs(60);
/// How long a peer may take to read an answer.
pub const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How long running stores may go on once the program is told to stop.
pub const GRACE_TIME: Duration = Duration::from_secs(5);
/// How long a peer may take to close the connection, or to agree to a release.
pub const CLOSING_TIME: Duration = Duration::from_secs(2);
/// How long the door waits when the system gives no further connection.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Characters of an error comment.
// PS3.7 C: LO, 64 characters.
pub const COMMENT_CHARS: usize = 64;
