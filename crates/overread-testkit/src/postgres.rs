//! A PostgreSQL database for one test, when a server is offered.

/// Returns the address of a PostgreSQL server for tests, from `OVERREAD_TEST_POSTGRES`; says so when there is none.
#[allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test helper reads its own switch and tells what it skips"
)]
pub fn server_url(test: &str) -> Option<String> {
    let url = std::env::var("OVERREAD_TEST_POSTGRES")
        .ok()
        .filter(|url| !url.is_empty());
    if url.is_none() {
        eprintln!("skipped on PostgreSQL: {test} (OVERREAD_TEST_POSTGRES is not set)");
    }
    url
}
