//! Both databases hold the same tables with the same columns.

use std::collections::BTreeSet;

use overread_store::Tx;

use crate::house::House;

type Column = (String, String, bool);

/// Tables on SQLite and views on PostgreSQL.
const KEPT_OR_ASKED: [&str; 2] = ["study_tally", "shared_tie"];

async fn of_sqlite(house: &House) -> BTreeSet<Column> {
    let mut tx = house.store.read().await.unwrap();
    let Tx::Sqlite(transaction) = &mut tx else {
        panic!("this is SQLite")
    };
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "select t.name, c.name, c.\"notnull\" from sqlite_master t join pragma_table_info(t.name) c \
         where t.type = 'table' and t.name not like 'sqlite_%' and t.name not like '_sqlx%'",
    )
    .fetch_all(&mut **transaction)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(table, column, not_null)| (table, column, not_null == 1))
        .filter(|(table, ..)| !KEPT_OR_ASKED.contains(&table.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_the_same() {
    let sqlite = of_sqlite(&House::sqlite().await).await;
    assert!(sqlite.iter().any(|(table, ..)| table == "instance"));
    let Some(house) = House::postgres("tables").await else {
        return;
    };
    let mut tx = house.store.read().await.unwrap();
    let Tx::Pg(transaction) = &mut tx else {
        panic!("this is PostgreSQL")
    };
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text, is_nullable::text from information_schema.columns \
         where table_schema = current_schema() and table_name not like '\\_sqlx%'",
    )
    .fetch_all(&mut **transaction)
    .await
    .unwrap();
    let postgres: BTreeSet<Column> = rows
        .into_iter()
        .map(|(table, column, nullable)| (table, column, nullable == "NO"))
        .filter(|(table, ..)| !KEPT_OR_ASKED.contains(&table.as_str()))
        .collect();
    assert_eq!(
        sqlite.symmetric_difference(&postgres).collect::<Vec<_>>(),
        Vec::<&Column>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("overread.sqlite");
    for _ in 0..2 {
        let store = overread_store::Store::open_sqlite(&path).await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(store.kind(), "sqlite");
        store.close().await;
    }
}
