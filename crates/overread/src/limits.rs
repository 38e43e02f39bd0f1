//! Every limit of the listening server and the command line, with its unit.

use std::time::Duration;

/// Connections at once: each may hold a temporary file beside its socket; 1024 open files are what systems grant.
pub(crate) const CONNECTIONS: usize = 384;
/// Connections at once from one network, unless a proxy speaks for everybody.
pub(crate) const CONNECTIONS_OF_ONE_NETWORK: usize = 64;
/// How many askers share the connections, so that each may keep that part of them busy, a half, before those above it make
/// room for others.
pub(crate) const ASKERS: usize = 2;
/// How long a connection may ask nothing, or send or take next to nothing, before it makes room for another, when every
/// place is taken.
pub(crate) const FIRST_TIME: Duration = Duration::from_secs(1);
/// Bytes a second below which what is sent or taken counts as next to nothing; only time in which we wait for it counts.
pub(crate) const SLOW_BYTES: u32 = 4 * 1024;
/// How much time a client pays ahead by what it sent or took: what lies between us and it takes much at once, and then
/// nothing for a while.
pub(crate) const PAID_AHEAD: Duration = Duration::from_secs(180);
/// How long a whole header may take, also from the end of the request before.
pub(crate) const HEADER_TIME: Duration = Duration::from_secs(30);
/// How long the next piece of a body may take.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(60);
/// How long a client may leave an answer unread.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(60);
/// Bytes that go out at once before a client counts as reading; words of HTTP/2 alone, as the answer to a ping, are fewer.
pub(crate) const TAKEN_BYTES: usize = 256;
/// Requests of one HTTP/2 connection that are answered at once; the others wait, as the body of each answer takes memory.
pub(crate) const REQUESTS_OF_ONE_CONNECTION: usize = 8;
/// Requests that one HTTP/2 connection may have under way; the header of each is held while it waits.
pub(crate) const STREAMS_OF_ONE_CONNECTION: u32 = 64;
/// Streams that were broken off and not yet forgotten, before an HTTP/2 connection ends.
pub(crate) const RESET_STREAMS: usize = 32;
/// Requests that a client may break off besides as many as it lets us answer, before its connection ends: a viewer that
/// scrolls fast breaks off some, a flood (CVE-2023-44487) all.
pub(crate) const BROKEN_OFF: u64 = 200;
/// Bytes of the header of one HTTP/2 request.
pub(crate) const HEADER_BYTES: u32 = 16 * 1024;
/// Bytes of bodies that one HTTP/2 connection, and one request of it, may send before they are read.
pub(crate) const UNREAD_BYTES: u32 = 1024 * 1024;
pub(crate) const UNREAD_BYTES_OF_ONE: u32 = UNREAD_BYTES / 4;
/// How often within its shortest time a connection is looked at.
pub(crate) const LOOKS: u32 = 8;
/// Pause between two looks at the certificate's files.
pub(crate) const CERTIFICATE_PAUSE: Duration = Duration::from_secs(60);
/// Bytes that one connection buffers.
pub(crate) const BUFFER_BYTES: usize = 128 * 1024;
/// Arenas of glibc's allocator: each keeps some tens of megabytes that were freed in it.
pub(crate) const ARENAS: &str = "2";
/// Pause after the system refused a connection, usually for want of open files.
pub(crate) const REFUSED_PAUSE: Duration = Duration::from_secs(1);
/// Bytes of one line of `--jsonl`: two reports of 200 kB fit many times.
pub(crate) const LINE_BYTES: u64 = 16 * 1024 * 1024;
/// How long a PostgreSQL server may take to answer when it is first asked.
pub(crate) const DATABASE_ANSWERS: Duration = Duration::from_secs(5);
/// Pause between two looks at whether a failure left something in the packs.
pub(crate) const RECOVERY_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause while that fails.
pub(crate) const RECOVERY_LONGEST: Duration = Duration::from_secs(120);
/// Pause between two looks at every pack: a node that was killed may not come back itself.
pub(crate) const EVERY_PACK_PAUSE: Duration = Duration::from_secs(3600);
/// Pause between two looks at who called over the DICOM network and was refused.
pub(crate) const CALLERS_PAUSE: Duration = Duration::from_secs(20);
/// Pause between two looks at what other nodes erased or found damaged.
pub(crate) const OTHERS_PAUSE: Duration = Duration::from_secs(30);
/// How many times as long as the proof of a pack took is waited before the next.
pub(crate) const PROOF_REST: u32 = 4;
/// The shortest pause between the proofs of two packs.
pub(crate) const PROOF_PAUSE: Duration = Duration::from_millis(500);
/// Pause between two looks at whether the archive is to be proven again.
pub(crate) const PROOF_IDLE: Duration = Duration::from_secs(600);
