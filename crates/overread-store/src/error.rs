//! The one way in which the store fails.

/// What a store function returns.
pub type StoreResult<T> = Result<T, StoreError>;

/// Says why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused or was not reachable.
    #[error("the database did not answer as it should")]
    Database(#[source] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error("the tables could not be brought up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
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
    /// The folder of the database cannot be used.
    #[error("the data folder cannot be used")]
    Folder(#[source] std::io::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl StoreError {
    /// Says whether the row broke a unique key (two writers made the same thing).
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}
