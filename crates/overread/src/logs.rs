//! The log: one line an event on standard error, JSON when nobody watches.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::output::is_watched;

/// Starts the log; `OVERREAD_LOG` sets what is told, `warn` by default.
pub(crate) fn start() {
    let filter = EnvFilter::builder()
        .with_env_var("OVERREAD_LOG")
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if is_watched() {
        log.init()
    } else {
        log.json().init()
    }
}
