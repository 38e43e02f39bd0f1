//! One transaction, on either database.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Database, Postgres, Sqlite, Transaction};

use crate::error::{StoreError, StoreResult};
use crate::quick::{FromQuick, Lent};
use crate::script::{Value, bound};

/// A transaction: dropped without [`Tx::commit`] it leaves no trace. One of [`crate::Store::peek`] is a connection alone: what
/// is done on it stands at once.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite(Hold<Sqlite>),
    /// On PostgreSQL.
    Pg(Hold<Postgres>),
    /// On SQLite, on the thread that asks; see [`crate::Store::peek`] and [`crate::Store::begin_batch`].
    Quick(Lent),
}

/// What a row of an answer can be made into, whichever the database.
pub(crate) trait Answer:
    for<'r> sqlx::FromRow<'r, SqliteRow> + for<'r> sqlx::FromRow<'r, PgRow> + FromQuick + Send + Unpin
{
}

impl<T> Answer for T where
    T: for<'r> sqlx::FromRow<'r, SqliteRow>
        + for<'r> sqlx::FromRow<'r, PgRow>
        + FromQuick
        + Send
        + Unpin
{
}

/// A connection, with or without a transaction around what is done on it.
#[derive(Debug)]
pub enum Hold<DB: Database> {
    /// What is done belongs together.
    Transaction(Transaction<'static, DB>),
    /// Each statement stands alone; see [`crate::Store::peek`].
    Bare(PoolConnection<DB>),
}

impl<DB: Database> Hold<DB> {
    async fn commit(self) -> StoreResult<()> {
        match self {
            Self::Transaction(transaction) => transaction.commit().await?,
            Self::Bare(_) => {}
        }
        Ok(())
    }

    async fn rollback(self) -> StoreResult<()> {
        match self {
            Self::Transaction(transaction) => transaction.rollback().await?,
            Self::Bare(_) => {}
        }
        Ok(())
    }
}

impl<DB: Database> Deref for Hold<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        match self {
            Self::Transaction(transaction) => transaction,
            Self::Bare(connection) => connection,
        }
    }
}

impl<DB: Database> DerefMut for Hold<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        match self {
            Self::Transaction(transaction) => transaction,
            Self::Bare(connection) => connection,
        }
    }
}

impl Tx {
    /// Makes everything done in it durable.
    ///
    /// # Errors
    /// When the database cannot say that it is.
    pub async fn commit(self) -> StoreResult<()> {
        match self {
            Self::Sqlite(held) => held.commit().await,
            Self::Pg(held) => held.commit().await,
            Self::Quick(lent) => lent.commit(),
        }
    }

    /// Undoes everything done in it.
    ///
    /// # Errors
    /// When the connection is gone (it is undone then, too).
    pub async fn rollback(self) -> StoreResult<()> {
        match self {
            Self::Sqlite(held) => held.rollback().await,
            Self::Pg(held) => held.rollback().await,
            Self::Quick(_) => Ok(()),
        }
    }

    /// Takes a bare connection to PostgreSQL out of the pool, for what belongs to the connection; `None` for any other.
    pub(crate) fn into_connection(self) -> Option<PgConnection> {
        match self {
            Self::Pg(Hold::Bare(held)) => Some(held.detach()),
            _ => None,
        }
    }

    /// Returns the rows of one question, on whichever connection: what quick questions and batches ask is asked so.
    pub(crate) async fn rows<T: Answer>(
        &mut self,
        sql: impl Into<String>,
        values: Vec<Value>,
    ) -> StoreResult<Vec<T>> {
        let sql = sql.into();
        Ok(match self {
            Self::Sqlite(held) => {
                let query = bound!(sqlx::query_as(AssertSqlSafe(sql)), values);
                query.fetch_all(&mut **held).await?
            }
            Self::Pg(held) => {
                let query = bound!(sqlx::query_as(AssertSqlSafe(sql)), values);
                query.fetch_all(&mut **held).await?
            }
            Self::Quick(lent) => lent.rows(&sql, &values)?,
        })
    }

    /// Runs a statement that makes one row and answers its key.
    pub(crate) async fn made(&mut self, sql: &'static str, values: Vec<Value>) -> StoreResult<i64> {
        let rows: Vec<(i64,)> = self.rows(sql, values).await?;
        let made = rows.first().map(|(key,)| *key);
        made.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }

    /// Runs a statement that answers nothing, on whichever connection; says how many rows it changed.
    pub(crate) async fn run(&mut self, sql: &'static str, values: Vec<Value>) -> StoreResult<u64> {
        Ok(match self {
            Self::Sqlite(held) => {
                let done = bound!(sqlx::query(sql), values)
                    .execute(&mut **held)
                    .await?;
                done.rows_affected()
            }
            Self::Pg(held) => {
                let done = bound!(sqlx::query(sql), values)
                    .execute(&mut **held)
                    .await?;
                done.rows_affected()
            }
            Self::Quick(lent) => lent.run(sql, &values)?,
        })
    }
}

/// Runs one body on whichever database the transaction is of: `on!(tx, c => sqlx::query("..").execute(&mut *c).await?.rows_affected())`.
macro_rules! on {
    ($tx:expr, $connection:ident => $body:expr) => {
        match $tx {
            $crate::Tx::Sqlite(held) => {
                let $connection = &mut **held;
                $body
            }
            $crate::Tx::Pg(held) => {
                let $connection = &mut **held;
                $body
            }
            $crate::Tx::Quick(_) => return Err($crate::StoreError::NotQuick),
        }
    };
}
