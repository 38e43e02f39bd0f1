//! A database of an earlier version is brought up to date and says so; one of a later version is left as it is.

use std::path::Path;

use overread_store::{Store, StoreError};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::rebuilding::on;

#[tokio::test]
async fn an_earlier_version_is_told_and_a_later_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("overread.sqlite");
    let open = || Store::open_sqlite(&path);
    let new = Store::open_sqlite(&dir.path().join("new.sqlite")).await;
    assert_eq!(new.unwrap().brought_up_from(), None);
    let before = made_before(&path).await;
    let store = open().await.unwrap();
    assert_eq!(store.brought_up_from(), Some(before));
    store.close().await;
    let store = open().await.unwrap();
    assert_eq!(store.brought_up_from(), None, "it was brought up before");
    on(
        &store,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', 1, x'00', 0)",
    )
    .await;
    store.close().await;
    match open().await {
        Err(error @ StoreError::Newer { version: 9999 }) => {
            assert!(error.to_string().starts_with("a later version of Overread"));
        }
        other => panic!("{:?}", other.map(drop)),
    }
}

/// Makes the tables as the version before this one had them; says which it is.
async fn made_before(path: &Path) -> i64 {
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.create_if_missing(true).connect().await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut migrator = Migrator::new(folder).await.unwrap();
    migrator.migrations.to_mut().pop().unwrap();
    migrator.run(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    migrator.iter().last().unwrap().version
}
