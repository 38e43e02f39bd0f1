//! Every limit of the door, with its unit.

use std::time::Duration;

/// Associations at once; one more is refused for the moment.
pub const ASSOCIATIONS: usize = 64;
/// Associations at once of one caller, by network and title.
pub const ASSOCIATIONS_OF_ONE_CALLER: usize = 32;
/// Connections at once from addresses that the list names, with those whose association was not asked for yet; one more
/// is closed unanswered. With [`UNNAMED`] and [`STRANGERS`], which have places of their own, 136 in all.
pub const CONNECTIONS: usize = 80;
/// Connections at once from one network of which the list names an address.
pub const CONNECTIONS_OF_ONE_NETWORK: usize = 48;
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
/// How often it is asked again, while an operation is under way, whether who asked may still.
pub const ASK_AGAIN: Duration = Duration::from_secs(5);
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
/// Reasons for refusing instances of one association that are told apart for who looks at it.
pub const REFUSAL_REASONS: usize = 8;
/// Bytes of a P-DATA-TF PDU, behind its header, that we send.
pub const SENT_PDU_BYTES: usize = 256 * 1024;
/// Bytes of the data set of a query, a retrieval or a request for commitment.
pub const IDENTIFIER_BYTES: usize = 1024 * 1024;
/// UIDs in one list of a query or a retrieval.
pub const LIST_UIDS: usize = 10_000;
/// UIDs that one search of the index takes at once.
pub const UIDS_A_SEARCH: usize = 400;
/// Answers to one query; behind them it ends with a failure that says so.
pub const ANSWERS: u64 = 100_000;
/// Rows that one search of the index gives.
pub const SEARCH_ROWS: u32 = 500;
/// Patients that are told apart in one query.
pub const PATIENTS: usize = 200_000;
/// Instances of one retrieval.
pub const RETRIEVED_INSTANCES: usize = 100_000;
/// UIDs in the list of instances that could not be sent: as many as the length of an explicit element can say.
pub const FAILED_UIDS: usize = 1_000;
/// Instances up to this are read in one piece, while the one before is sent; longer ones are streamed.
pub const WHOLE_INSTANCE_BYTES: u64 = 8 * 1024 * 1024;
/// Instances that must be written anew may have this many bytes.
pub const REWRITTEN_BYTES: u64 = 256 * 1024 * 1024;
/// Instances that are written anew at once.
pub const REWRITES: usize = 2;
/// Bytes of the head of a file in which its meta group ends.
pub const FILE_HEAD_BYTES: u64 = 64 * 1024;
/// How often a peer is told how far its retrieval is.
pub const PROGRESS_TIME: Duration = Duration::from_millis(500);
/// Presentation contexts of one association that we ask for.
// PS3.8 9.3.2.2: odd numbers up to 255.
pub const CONTEXTS: usize = 128;
/// How long a connection to a peer may take, and its answer to an association request.
pub const CONNECT_TIME: Duration = Duration::from_secs(20);
/// How long a peer may take for the answer to a message of ours.
pub const RESPONSE_TIME: Duration = Duration::from_secs(120);
/// Instances of one request for commitment.
pub const COMMITMENT_INSTANCES: usize = 10_000;
/// Requests for commitment of one peer that wait for their report.
pub const COMMITMENTS_OF_ONE_PEER: u64 = 1_000;
/// How often waiting reports on commitments are looked for.
pub const COMMITMENT_ROUND: Duration = Duration::from_secs(5);
/// Answers that one query of ours takes.
pub const HEARD_ANSWERS: usize = 100_000;
/// UIDs in one retrieval of ours.
pub const ASKED_UIDS: usize = 100;
/// How often a pull or a sending is tried again while something is missing.
pub const TRIES: u32 = 3;
/// How long the next try waits.
pub const PAUSE_BEFORE_TRY: Duration = Duration::from_secs(3);
/// How long a report on storage commitment is waited for on the association of its request.
pub const COMMITMENT_WAIT: Duration = Duration::from_secs(10);
/// Characters of a peer's implementation version name, or of a UID, that are shown.
// PS3.5 6.2 and PS3.7 D.3.3.2: 64 for a UID, 16 for a name.
pub const IMPLEMENTATION_CHARS: usize = 64;
/// Transfer syntaxes of a presentation context that are shown.
pub const SHOWN_SYNTAXES: usize = 40;
