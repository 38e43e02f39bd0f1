//! Rows of a version that knew less are found and completed.

use overread_store::rebuilding::{self, Early};
use overread_store::{Store, Tx};
use sqlx::AssertSqlSafe;

use crate::house::{House, Spec, both, enter, facts, machine, scope};

both!(completed, super::rules);

/// Does this in the database.
pub(crate) async fn on(store: &Store, sql: &str) {
    let mut tx = store.begin().await.unwrap();
    match &mut tx {
        Tx::Sqlite(held) => drop(
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
                .execute(&mut **held)
                .await
                .unwrap(),
        ),
        Tx::Pg(held) => drop(
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
                .execute(&mut **held)
                .await
                .unwrap(),
        ),
        Tx::Quick(_) => panic!("this is a transaction"),
    }
    tx.commit().await.unwrap();
}

async fn early(house: &House, after: i64) -> Vec<Early> {
    let mut tx = house.store.read().await.unwrap();
    rebuilding::early(&mut tx, after).await.unwrap()
}

async fn rules(house: House) {
    let second = Spec {
        series: 2,
        instance: 2,
        ..Spec::default()
    };
    let further = Spec {
        instance: 3,
        ..Spec::default()
    };
    let specs = [Spec::default(), second, further];
    enter(&house, &scope(machine(), None), &specs).await;
    // The tables of a test may be made while the second turns, long after the time its images came.
    on(
        &house.store,
        "update _sqlx_migrations set installed_on = '2026-01-01 00:00:00'",
    )
    .await;
    assert!(early(&house, 0).await.is_empty(), "it always knew all");
    // As an installation looks that was older than migration 8 when it came, and whose images came in between.
    on(
        &house.store,
        "update _sqlx_migrations set installed_on = '2026-06-01 00:00:00' where version >= 8; \
         update study set referring_physician_name = 'Careful^Ann', referring_physician_folded = null",
    )
    .await;
    let found = early(&house, 0).await;
    assert_eq!(found.len(), 2, "a line a series");
    assert_eq!(early(&house, found[0].series_id).await, found[1..]);
    let mut facts = facts(&Spec::default());
    facts.study.timezone_offset_from_utc = Some("+0100".to_owned());
    facts.series.station_name = Some("MR ONE".to_owned());
    let mut tx = house.store.begin().await.unwrap();
    for is_new in [true, false] {
        let completed = rebuilding::complete(&mut tx, &found[0], &facts).await;
        assert_eq!(completed.unwrap(), is_new);
    }
    tx.commit().await.unwrap();
    // What stands there is not written over, and the other series is left as it is.
    facts.series.station_name = Some("MR TWO".to_owned());
    let mut tx = house.store.begin().await.unwrap();
    let again = rebuilding::complete(&mut tx, &found[0], &facts).await;
    assert!(!again.unwrap());
    tx.commit().await.unwrap();
    let mut tx = house.store.read().await.unwrap();
    let sql = "select (select count(*) from series where station_name = 'MR ONE'), (select count(*) from study \
        where timezone_offset_from_utc = '+0100' and referring_physician_folded is not null)";
    let counts: (i64, i64) = match &mut tx {
        Tx::Sqlite(held) => sqlx::query_as(sql).fetch_one(&mut **held).await.unwrap(),
        Tx::Pg(held) => sqlx::query_as(sql).fetch_one(&mut **held).await.unwrap(),
        Tx::Quick(_) => panic!("this is a transaction"),
    };
    assert_eq!(counts, (1, 1));
}
