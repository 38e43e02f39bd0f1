//! Questions to SQLite that are answered on the thread that asks.
//!
//! The connections of the pool each have a thread of their own, and waking it costs more than finding a row by its key. What
//! takes a few microseconds out of the page cache is asked here instead; what may take long is not.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};

use crate::error::{StoreError, StoreResult};
use crate::limits;
use crate::script::Value;

/// Connections that nobody uses at the moment.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// A connection that is lent to one who asks; it goes back when dropped.
#[derive(Debug)]
pub struct Lent {
    connection: Option<Connection>,
    home: Connections,
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
    /// For the database file at this path, which is there already.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: Arc::new(path.to_owned()),
            idle: Arc::default(),
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
        })
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.path.as_path(), flags)?;
        connection.busy_timeout(limits::QUICK_TIMEOUT)?;
        connection.pragma_update(None, "query_only", 1)?;
        connection.pragma_update(None, "cache_size", -i64::from(limits::READER_CACHE_KIB))?;
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
        let Some(connection) = &self.connection else {
            return Err(StoreError::NotQuick);
        };
        let ask = || {
            let mut statement = connection.prepare_cached(sql)?;
            for (index, value) in values.iter().enumerate() {
                if let Some(at) = statement.parameter_index(&format!("${}", index + 1))? {
                    statement.raw_bind_parameter(at, value)?;
                }
            }
            let mut rows = statement.raw_query();
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(T::from_quick(row)?);
            }
            Ok(found)
        };
        ask().map_err(StoreError::Quick)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut idle = self.home.idle();
        if idle.len() < limits::QUICK_CONNECTIONS {
            idle.extend(self.connection.take());
        }
    }
}
