//! One transaction, on either database.

use crate::error::StoreResult;

/// A transaction; dropped without [`Tx::commit`] it leaves no trace.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    /// On PostgreSQL.
    Pg(sqlx::Transaction<'static, sqlx::Postgres>),
}

impl Tx {
    /// Makes everything done in it durable.
    ///
    /// # Errors
    /// When the database cannot say that it is.
    pub async fn commit(self) -> StoreResult<()> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Pg(transaction) => transaction.commit().await?,
        }
        Ok(())
    }

    /// Undoes everything done in it.
    ///
    /// # Errors
    /// When the connection is gone (it is undone then, too).
    pub async fn rollback(self) -> StoreResult<()> {
        match self {
            Self::Sqlite(transaction) => transaction.rollback().await?,
            Self::Pg(transaction) => transaction.rollback().await?,
        }
        Ok(())
    }
}

/// Runs one body on whichever database the transaction is of: `on!(tx, c => sqlx::query("..").execute(&mut *c).await?.rows_affected())`.
macro_rules! on {
    ($tx:expr, $connection:ident => $body:expr) => {
        match $tx {
            $crate::Tx::Sqlite(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
            $crate::Tx::Pg(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
        }
    };
}
