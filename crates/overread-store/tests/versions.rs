//! A database of an earlier version is brought up to date and says so; one of a later version is left as it is.

use overread_store::{Store, StoreError};

use crate::rebuilding::on;

#[tokio::test]
async fn an_earlier_version_is_told_and_a_later_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("overread.sqlite");
    let open = || Store::open_sqlite(&path);
    let store = open().await.unwrap();
    assert_eq!(store.brought_up_from(), None, "it is new");
    on(
        &store,
        "drop table refused_caller; delete from _sqlx_migrations where version > 17",
    )
    .await;
    store.close().await;
    let store = open().await.unwrap();
    assert_eq!(store.brought_up_from(), Some(17));
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
