//! SQLite on the thread that asks.
//!
//! The connections of the pool each have a thread of their own, and waking it costs more than finding a row by its key. What
//! takes a few microseconds out of the page cache is asked here instead; what may take long is not. The rows of a batch, many
//! small statements one after the other on a thread that may wait, are written so, too.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;

use crate::error::{StoreError, StoreResult};
use crate::limits;
use crate::script::Value;

/// Connections that nobody uses at the moment.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    /// What makes one ready that was opened.
    ready: fn(&Connection) -> rusqlite::Result<()>,
}

/// A connection that is lent to one who asks; it goes back when dropped.
#[derive(Debug)]
pub struct Lent {
    connection: Option<Connection>,
    home: Connections,
    /// The one connection of the pool that writes: nobody else does while this one is lent with it.
    turn: Option<PoolConnection<Sqlite>>,
}

/// What a row can be made into.
pub(crate) trait FromQuick: Sized {
    fn from_quick(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self>;
}

impl<T> FromQuick for T
where
    T: for<'a> TryFrom<&'a rusqlite::Row<'a>, Error = rusqlite::Error>,
{
    fn from_quick(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        T::try_from(row)
    }
}

/// Makes rows of a type whose fields stand in the order of the columns.
macro_rules! quick_row {
    ($row:ident { $($field:ident),* $(,)? }) => {
        impl TryFrom<&rusqlite::Row<'_>> for $row {
            type Error = rusqlite::Error;

            fn try_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                let mut columns = 0..;
                let mut next = |name: &str| {
                    let column = columns.next().unwrap_or_default();
                    debug_assert_eq!(row.as_ref().column_name(column), Ok(name), "another order");
                    column
                };
                Ok(Self { $($field: row.get(next(stringify!($field)))?),* })
            }
        }
    };
}
pub(crate) use quick_row;

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Int(Some(number)) => ToSqlOutput::Owned(Stored::Integer(*number)),
            Self::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Text(None) | Self::Int(None) => ToSqlOutput::Owned(Stored::Null),
        })
    }
}

impl Connections {
    /// For questions to the database file at this path, which is there already.
    pub(crate) fn reading(path: &Path) -> Self {
        Self::new(path, |connection| {
            connection.busy_timeout(limits::QUICK_TIMEOUT)?;
            connection.pragma_update(None, "query_only", 1)?;
            connection.pragma_update(None, "cache_size", -i64::from(limits::READER_CACHE_KIB))
        })
    }

    /// For transactions that write to it; a commit is on the disk when it returns.
    pub(crate) fn writing(path: &Path) -> Self {
        Self::new(path, |connection| {
            if connection.is_readonly(rusqlite::MAIN_DB)? {
                // As SQLite opens a file on a disc that cannot be written; by this connection it never would.
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
                return Err(rusqlite::Error::SqliteFailure(code, None));
            }
            connection.busy_timeout(limits::BUSY_TIMEOUT)?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "foreign_keys", 1)?;
            connection.pragma_update(None, "temp_store", "memory")?;
            let pages = i64::from(limits::CHECKPOINT_PAGES);
            connection.pragma_update(None, "wal_autocheckpoint", pages)?;
            connection.pragma_update(None, "cache_size", -i64::from(limits::WRITER_CACHE_KIB))
        })
    }

    fn new(path: &Path, ready: fn(&Connection) -> rusqlite::Result<()>) -> Self {
        Self {
            path: Arc::new(path.to_owned()),
            idle: Arc::default(),
            ready,
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lend(&self) -> StoreResult<Lent> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open().map_err(StoreError::Quick)?,
        };
        Ok(Lent {
            connection: Some(connection),
            home: self.clone(),
            turn: None,
        })
    }

    /// Begins a transaction that reads.
    pub(crate) fn snapshot(&self) -> StoreResult<Lent> {
        let mut lent = self.lend()?;
        lent.whole("begin")?;
        Ok(lent)
    }

    /// Begins a transaction that writes, in its turn.
    pub(crate) fn begin(&self, turn: PoolConnection<Sqlite>) -> StoreResult<Lent> {
        let mut lent = self.lend()?;
        lent.turn = Some(turn);
        lent.whole("begin immediate")?;
        Ok(lent)
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.path.as_path(), flags)?;
        (self.ready)(&connection)?;
        connection.set_prepared_statement_cache_capacity(limits::QUICK_STATEMENTS);
        Ok(connection)
    }

    /// Closes what nobody uses.
    pub(crate) fn close(&self) {
        self.idle().clear();
    }
}

impl Lent {
    /// Returns the rows of one question.
    pub(crate) fn rows<T: FromQuick>(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> StoreResult<Vec<T>> {
        self.with(sql, values, |statement| {
            let mut rows = statement.raw_query();
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(T::from_quick(row)?);
            }
            Ok(found)
        })
    }

    /// Runs a statement that answers nothing; says how many rows it changed.
    pub(crate) fn run(&mut self, sql: &str, values: &[Value]) -> StoreResult<u64> {
        self.with(sql, values, |statement| Ok(statement.raw_execute()? as u64))
    }

    fn with<T>(
        &mut self,
        sql: &str,
        values: &[Value],
        step: impl FnOnce(&mut CachedStatement<'_>) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        let connection = self.connection.as_ref().ok_or(StoreError::NotQuick)?;
        let ask = || {
            let mut statement = connection.prepare_cached(sql)?;
            for (index, value) in values.iter().enumerate() {
                if let Some(at) = statement.parameter_index(&format!("${}", index + 1))? {
                    statement.raw_bind_parameter(at, value)?;
                }
            }
            step(&mut statement)
        };
        ask().map_err(StoreError::Quick)
    }

    /// Makes what was written durable; where nothing was, does nothing.
    pub(crate) fn commit(mut self) -> StoreResult<()> {
        match self.turn {
            Some(_) => self.whole("commit"),
            None => Ok(()),
        }
    }

    fn whole(&mut self, sql: &str) -> StoreResult<()> {
        let connection = self.connection.as_ref().ok_or(StoreError::NotQuick)?;
        connection.execute_batch(sql).map_err(StoreError::Quick)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !connection.is_autocommit() {
            let undone = connection.execute_batch("rollback");
            if undone.is_err() || !connection.is_autocommit() {
                // Closing it undoes what is left.
                return;
            }
        }
        let mut idle = self.home.idle();
        if idle.len() < limits::QUICK_CONNECTIONS {
            idle.push(connection);
        }
    }
}
