//! Where tests keep facts and bytes: SQLite and a disc, or PostgreSQL and a bucket.

use std::path::Path;

/// PostgreSQL and a bucket, with a part of each that only tests of one folder use.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Address of the PostgreSQL server.
    pub database_url: String,
    /// Address of the S3 server.
    pub endpoint: String,
    /// Name of a schema and of a part of the bucket.
    pub name: String,
}

/// Returns PostgreSQL and a bucket when `OVERREAD_TEST_PLACE` is `shared`; the same for the same folder.
///
/// # Panics
/// When they are wanted and not offered: a test that was to run there must not run elsewhere.
#[allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test helper reads its own switch"
)]
pub fn shared(folder: &Path) -> Option<Shared> {
    let is_wanted = std::env::var("OVERREAD_TEST_PLACE").is_ok_and(|place| place == "shared");
    is_wanted.then(|| {
        let name = folder
            .to_string_lossy()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Shared {
            database_url: crate::postgres::server_url("shared").expect("PostgreSQL is offered"),
            endpoint: crate::s3::endpoint("shared").expect("S3 is offered"),
            name: format!("shared_{name:016x}"),
        }
    })
}
