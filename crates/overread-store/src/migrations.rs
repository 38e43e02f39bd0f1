//! Brings the tables up to date. Forward only; a migration is never edited once merged.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Migrations of both databases: number, name, SQLite text, PostgreSQL text.
const ALL: &[(i64, &str, &str, &str)] = &[
    (
        1,
        "archive",
        include_str!("../migrations/sqlite/0001_archive.sql"),
        include_str!("../migrations/postgres/0001_archive.sql"),
    ),
    (
        2,
        "people",
        include_str!("../migrations/sqlite/0002_people.sql"),
        include_str!("../migrations/postgres/0002_people.sql"),
    ),
    (
        3,
        "cases",
        include_str!("../migrations/sqlite/0003_cases.sql"),
        include_str!("../migrations/postgres/0003_cases.sql"),
    ),
    (
        4,
        "held_papers",
        include_str!("../migrations/sqlite/0004_held_papers.sql"),
        include_str!("../migrations/postgres/0004_held_papers.sql"),
    ),
    (
        5,
        "mixed_studies",
        include_str!("../migrations/sqlite/0005_mixed_studies.sql"),
        include_str!("../migrations/postgres/0005_mixed_studies.sql"),
    ),
    (
        6,
        "ended_decisions",
        include_str!("../migrations/sqlite/0006_ended_decisions.sql"),
        include_str!("../migrations/postgres/0006_ended_decisions.sql"),
    ),
    (
        7,
        "paper_consents",
        include_str!("../migrations/sqlite/0007_paper_consents.sql"),
        include_str!("../migrations/postgres/0007_paper_consents.sql"),
    ),
    (
        8,
        "search",
        include_str!("../migrations/sqlite/0008_search.sql"),
        include_str!("../migrations/postgres/0008_search.sql"),
    ),
    (
        9,
        "commitments",
        include_str!("../migrations/sqlite/0009_commitments.sql"),
        include_str!("../migrations/postgres/0009_commitments.sql"),
    ),
    (
        10,
        "transfer",
        include_str!("../migrations/sqlite/0010_transfer.sql"),
        include_str!("../migrations/postgres/0010_transfer.sql"),
    ),
    (
        11,
        "packs",
        include_str!("../migrations/sqlite/0011_packs.sql"),
        include_str!("../migrations/postgres/0011_packs.sql"),
    ),
    (
        12,
        "keeping",
        include_str!("../migrations/sqlite/0012_keeping.sql"),
        include_str!("../migrations/postgres/0012_keeping.sql"),
    ),
    (
        13,
        "work_items",
        include_str!("../migrations/sqlite/0013_work_items.sql"),
        include_str!("../migrations/postgres/0013_work_items.sql"),
    ),
    (
        14,
        "gone",
        include_str!("../migrations/sqlite/0014_gone.sql"),
        include_str!("../migrations/postgres/0014_gone.sql"),
    ),
    (
        15,
        "tally",
        include_str!("../migrations/sqlite/0015_tally.sql"),
        include_str!("../migrations/postgres/0015_tally.sql"),
    ),
    (
        16,
        "peer_calls",
        include_str!("../migrations/sqlite/0016_peer_calls.sql"),
        include_str!("../migrations/postgres/0016_peer_calls.sql"),
    ),
    (
        17,
        "refused",
        include_str!("../migrations/sqlite/0017_refused.sql"),
        include_str!("../migrations/postgres/0017_refused.sql"),
    ),
    (
        18,
        "refused_callers",
        include_str!("../migrations/sqlite/0018_refused_callers.sql"),
        include_str!("../migrations/postgres/0018_refused_callers.sql"),
    ),
    (
        19,
        "ties_in_order",
        include_str!("../migrations/sqlite/0019_ties_in_order.sql"),
        include_str!("../migrations/postgres/0019_ties_in_order.sql"),
    ),
    (
        20,
        "audit_by_time",
        include_str!("../migrations/sqlite/0020_audit_by_time.sql"),
        include_str!("../migrations/postgres/0020_audit_by_time.sql"),
    ),
];

fn migrator(text: impl Fn(&(i64, &str, &'static str, &'static str)) -> &'static str) -> Migrator {
    let migrations = ALL.iter().map(|entry| {
        let sql = text(entry).into_sql_str();
        Migration::new(
            entry.0,
            Cow::Borrowed(entry.1),
            MigrationType::Simple,
            sql,
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

/// Returns the version to which the tables are brought.
pub(crate) fn latest() -> i64 {
    ALL.last().map_or(0, |entry| entry.0)
}

/// Returns the migrations of SQLite.
pub(crate) fn sqlite() -> Migrator {
    migrator(|entry| entry.2)
}

/// Returns the migrations of PostgreSQL.
pub(crate) fn postgres() -> Migrator {
    migrator(|entry| entry.3)
}
