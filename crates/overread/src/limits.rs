//! Every limit of the listening server and the command line, with its unit.

use std::time::Duration;

/// Connections at once: each may hold a temporary file beside its socket; 1024 open files are what systems grant.
pub(crate) const CONNECTIONS: usize = 384;
/// Connections at once from one network, unless a proxy speaks for everybody.
pub(crate) const CONNECTIONS_OF_ONE_NETWORK: usize = 64;
/// How long a connection may ask nothing, or send next to nothing, before it makes room for another, when every place is
/// taken.
pub(crate) const FIRST_TIME: Duration = Duration::from_secs(1);
/// Bytes a second below which the body of a request counts as next to nothing.
pub(crate) const SLOW_BYTES: u64 = 256;
/// How long a whole header may take, also from the end of the request before.
pub(crate) const HEADER_TIME: Duration = Duration::from_secs(30);
/// How long the next piece of a body may take.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(60);
/// How long a client may leave an answer unread.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(60);
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
