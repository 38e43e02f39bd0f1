//! The log: one line an event on standard error, JSON when nobody watches.

use tracing_subscriber::EnvFilter;

use crate::output::is_watched;

/// What is told. What strangers do on HTTP/2 is told by the door itself; of the crate beneath only errors are, unless it is
/// named, since it warns of each stream that is broken off too often.
fn filter(asked: &str) -> EnvFilter {
    EnvFilter::builder().parse_lossy(format!("warn,h2=error,{asked}"))
}

/// Starts the log; `OVERREAD_LOG` sets what is told, `warn` by default.
#[expect(
    clippy::disallowed_methods,
    reason = "the log begins before the configuration is read"
)]
pub(crate) fn start() {
    let asked = std::env::var("OVERREAD_LOG").unwrap_or_default();
    let filter = filter(&asked);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if is_watched() {
        log.init()
    } else {
        log.json().init()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use std::sync::{Arc, Mutex};

    use super::filter;

    /// Counts the lines of the log.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stranger_on_http_2_writes_no_warnings() {
        let check = |asked: &str, expect: usize| {
            let lines = Lines::default();
            let writer = lines.clone();
            let log = tracing_subscriber::fmt()
                .with_env_filter(filter(asked))
                .with_writer(move || writer.clone());
            tracing::subscriber::with_default(log.finish(), || {
                tracing::warn!(target: "h2::proto::streams", "a stream was broken off");
                tracing::warn!("ours");
            });
            let told = lines.0.lock().unwrap().clone();
            let told = String::from_utf8(told).unwrap();
            assert_eq!(told.lines().count(), expect, "{asked}: {told}");
        };
        check("", 1);
        check("info", 1);
        check("warn,h2=warn", 2);
    }
}
