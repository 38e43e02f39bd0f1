//! A bucket for one test, when an object store is offered.

/// Name of the bucket.
pub const BUCKET: &str = "overread-test";

/// Returns the address of an S3 server for tests, from `OVERREAD_TEST_S3`; says so when there is none.
#[allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test helper reads its own switch and tells what it skips"
)]
pub fn endpoint(test: &str) -> Option<String> {
    let url = std::env::var("OVERREAD_TEST_S3")
        .ok()
        .filter(|url| !url.is_empty());
    if url.is_none() {
        eprintln!("skipped on S3: {test} (OVERREAD_TEST_S3 is not set)");
    }
    url
}
