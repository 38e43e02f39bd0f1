//! The one way in which the store fails.

/// What a store function returns.
pub type StoreResult<T> = Result<T, StoreError>;

/// Says why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused or was not reachable.
    #[error("{}", did(is_full(.0)))]
    Database(#[source] sqlx::Error),
    /// SQLite refused what was asked without its thread.
    #[error("{}", did(is_full_quick(.0)))]
    Quick(#[source] rusqlite::Error),
    /// A connection for quick questions or batches was asked for what it cannot do; a fault of the program.
    #[error("a connection for quick questions or batches was asked for something else")]
    NotQuick,
    /// No turn to ask came in time: the same asker, or all together, ask too much at once.
    #[error("too much is asked at once")]
    NoTurn,
    /// The tables could not be brought up to date.
    #[error("the tables could not be brought up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// A later version of the program has used the database.
    #[error(
        "a later version of Overread has used this database (its tables are of version {version}, this program knows them up to {})",
        crate::migrations::latest()
    )]
    Newer {
        /// The first version of the tables that is not known.
        version: i64,
    },
    /// A row holds what no version of this program writes.
    #[error("a row of {table} is damaged")]
    Damaged {
        /// Which table.
        table: &'static str,
    },
    /// The operating system gave no random bytes.
    #[error("no random numbers are available")]
    Random,
    /// The name of a schema is not of lower-case letters, digits and underscores.
    #[error("the name of the schema may hold lower-case letters, digits and underscores only")]
    SchemaName,
    /// Two databases do not have the same tables, or not the same rows after copying.
    #[error("the tables of the two databases differ")]
    OtherTables,
    /// The folder of the database cannot be used.
    #[error("the data folder cannot be used")]
    Folder(#[source] std::io::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

const READ_ONLY: u32 = 8;
const IO_ERROR: u32 = 10;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;

/// Returns SQLite's code of an error: the lowest byte of an extended one. PostgreSQL's have five signs.
fn sqlite_code(code: &str) -> Option<u32> {
    let code = code.parse::<u32>().ok().filter(|_| code.len() < 5);
    code.map(|code| code & 0xFF)
}

/// Says whether a code is SQLite's for a disc that is full or cannot be written or read.
fn is_disc_trouble(code: &str) -> bool {
    matches!(
        sqlite_code(code),
        Some(READ_ONLY | IO_ERROR | FULL | CANNOT_OPEN)
    )
}

/// Says whether SQLite cannot write.
pub(crate) fn is_read_only(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| sqlite_code(&code)) == Some(READ_ONLY)
}

const fn did(is_full: bool) -> &'static str {
    if is_full {
        "the disc of the database is full"
    } else {
        "the database did not answer as it should"
    }
}

/// Says whether the disc of the database is full; PostgreSQL says so by 53100.
fn is_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == "53100" || sqlite_code(&code) == Some(FULL))
}

fn is_full_quick(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

impl StoreError {
    /// Says whether the disc of the database is full.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Database(error) => is_full(error),
            Self::Quick(error) => is_full_quick(error),
            _ => false,
        }
    }

    /// Says whether the database is away, or about to be, or has no room: the same may work later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::NoTurn => true,
            Self::Quick(error) => error.sqlite_error_code().is_some_and(|code| {
                matches!(
                    code,
                    rusqlite::ErrorCode::ReadOnly
                        | rusqlite::ErrorCode::SystemIoFailure
                        | rusqlite::ErrorCode::DiskFull
                        | rusqlite::ErrorCode::CannotOpen
                )
            }),
            Self::Database(sqlx::Error::Database(error)) => error.code().is_some_and(|code| {
                // PostgreSQL: connections that broke, too many of them, a server that stops or starts.
                code.starts_with("08")
                    || code.starts_with("57P")
                    // And: a disc that is full.
                    || matches!(&*code, "53100" | "53300")
                    || is_disc_trouble(&code)
            }),
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::WorkerCrashed
            ),
            _ => false,
        }
    }

    /// Says whether another transaction was in the way: nothing was done, and the same may work at once.
    pub fn is_in_the_way(&self) -> bool {
        self.is_unique_violation()
            || matches!(self, Self::Database(sqlx::Error::Database(error))
                // PostgreSQL: serialization failure, deadlock.
                if error.code().is_some_and(|code| code == "40001" || code == "40P01"))
    }

    /// Says whether the row broke a unique key (two writers made the same thing).
    pub fn is_unique_violation(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.is_unique_violation(),
            Self::Quick(error) => error.sqlite_error().is_some_and(|error| {
                matches!(
                    error.extended_code,
                    rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
                        | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                )
            }),
            _ => false,
        }
    }
}
