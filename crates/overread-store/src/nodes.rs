//! Who works on one PostgreSQL at the moment: nodes beside each other, or one command that must be alone.
//!
//! With SQLite the data folder has a lock of its own. A mark goes with its connection, however the program ends.

use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::time::{sleep, timeout};

use crate::error::StoreResult;
use crate::{Store, Tx};

/// Of our advisory locks of two numbers: the other one is the schema.
const NODES: i32 = 0x0E_AD;

/// How often a node looks whether its mark still stands.
const LOOK: Duration = Duration::from_secs(15);

/// How long a mark is waited for: the server may not have noticed yet that another program ended.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// The mark of who works here; it ends when this is dropped.
#[derive(Debug)]
pub struct Mark {
    connection: Option<PgConnection>,
}

/// Marks this program as one that must be alone; `None` while any other works here.
///
/// # Errors
/// When the database fails.
pub async fn alone(store: &Store) -> StoreResult<Option<Mark>> {
    marked(
        store,
        "select pg_try_advisory_lock($1, hashtext(coalesce(current_schema(), '')))",
    )
    .await
}

/// Marks this program as one of those that serve; `None` while one works here that must be alone.
///
/// # Errors
/// When the database fails.
pub async fn beside_others(store: &Store) -> StoreResult<Option<Mark>> {
    marked(
        store,
        "select pg_try_advisory_lock_shared($1, hashtext(coalesce(current_schema(), '')))",
    )
    .await
}

async fn marked(store: &Store, sql: &'static str) -> StoreResult<Option<Mark>> {
    let mut tx = store.peek().await?;
    let begun = Instant::now();
    while let Tx::Pg(held) = &mut tx {
        let asked = sqlx::query_as(sql).bind(NODES);
        let (is_ours,): (bool,) = asked.fetch_one(&mut **held).await?;
        if is_ours {
            break;
        }
        if begun.elapsed() > PATIENCE {
            return Ok(None);
        }
        sleep(PAUSE).await;
    }
    // The connection leaves the pool: whoever had it next would hold the mark.
    Ok(Some(Mark {
        connection: tx.into_connection(),
    }))
}

impl Mark {
    /// Keeps the mark while this is awaited, since a database that was away forgets it; ends when it cannot be had again,
    /// because a program that must be alone has begun.
    pub async fn keep(mut self, store: &Store) {
        loop {
            sleep(LOOK).await;
            let Some(connection) = &mut self.connection else {
                return std::future::pending().await;
            };
            let looked = timeout(LOOK, connection.ping()).await;
            if matches!(looked, Ok(Ok(()))) {
                continue;
            }
            match beside_others(store).await {
                Ok(Some(again)) => self = again,
                Ok(None) => return,
                // It is still away.
                Err(_) => {}
            }
        }
    }
}
