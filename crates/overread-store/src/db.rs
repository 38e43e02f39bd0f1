//! Opens a database and hands out transactions.

use std::path::Path;
use std::sync::Arc;

use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, SqlitePool};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::error::{StoreError, StoreResult, is_read_only};
use crate::quick::Connections;
use crate::reserve::Reserve;
use crate::shares::Shares;
use crate::tx::Hold;
use crate::{Tx, limits, migrations};

/// The facts of one installation; a clone is another handle.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
    /// Turns to ask much at once.
    asking: Arc<Shares>,
    /// The version of the tables that was found, where it was an earlier one.
    earlier: Option<i64>,
}

#[derive(Debug, Clone)]
enum Db {
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        quick: Connections,
        batches: Connections,
        reserve: Arc<Reserve>,
    },
    Pg(PgPool),
}

impl Store {
    /// Opens (or makes) a SQLite file and brings its tables up to date.
    ///
    /// One connection writes, a few read; a commit is on the disk when it returns (WAL, synchronous FULL).
    ///
    /// # Errors
    /// When the file or its folder cannot be used, or holds something else.
    pub async fn open_sqlite(path: &Path) -> StoreResult<Self> {
        let reserve = Arc::new(Reserve::beside(path));
        // Opening it takes a little room, too.
        let _ = reserve.has_room();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(limits::BUSY_TIMEOUT)
            .foreign_keys(true)
            .statement_cache_capacity(limits::PREPARED_STATEMENTS)
            .pragma("temp_store", "memory")
            .pragma("wal_autocheckpoint", limits::CHECKPOINT_PAGES.to_string());
        let cache = |kib: u32| format!("-{kib}");
        // A connection to a file does not go away by itself, so nobody need ask it before each use.
        let pool = || SqlitePoolOptions::new().test_before_acquire(false);
        let writer = pool()
            .max_connections(1)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // On a disc that cannot be written SQLite opens a file to be read alone, and would go on so for ever.
                    let tried = sqlx::raw_sql("begin immediate; rollback");
                    match tried.execute(connection).await {
                        Err(error) if is_read_only(&error) => Err(error),
                        _ => Ok(()),
                    }
                })
            })
            .after_release(|connection, _| {
                Box::pin(async move {
                    if connection.is_in_transaction() {
                        // Behind a rollback that is on its way.
                        connection.ping().await?;
                    }
                    // SQLite undoes a transaction by itself when the disc is full; the driver then counts one for ever.
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(
                options
                    .clone()
                    .pragma("cache_size", cache(limits::WRITER_CACHE_KIB)),
            )
            .await?;
        let readers = pool()
            .max_connections(limits::READER_CONNECTIONS)
            .connect_lazy_with(
                options
                    .pragma("cache_size", cache(limits::READER_CACHE_KIB))
                    .pragma("query_only", "1"),
            );
        let db = Db::Sqlite {
            writer,
            readers,
            quick: Connections::reading(path),
            batches: Connections::writing(path),
            reserve,
        };
        Self::of(db, limits::ASKING_AT_ONCE).await
    }

    /// Begins a transaction that only reads in a SQLite file, of whichever version its tables are, and changes nothing.
    ///
    /// # Errors
    /// When the file is not there or cannot be read.
    pub async fn look_into_sqlite(path: &Path) -> StoreResult<Tx> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(limits::BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options).await?;
        Ok(Tx::Sqlite(Hold::Transaction(pool.begin().await?)))
    }

    /// As [`Store::look_into_sqlite`], in PostgreSQL.
    ///
    /// # Errors
    /// When the server is not there or refuses.
    pub async fn look_into_postgres(url: &str) -> StoreResult<Tx> {
        let pool = PgPoolOptions::new().max_connections(1);
        let pool = pool.acquire_timeout(limits::POSTGRES_PATIENCE);
        let begun = pool.connect(url).await?.begin_with("begin read only").await;
        Ok(Tx::Pg(Hold::Transaction(begun?)))
    }

    async fn of(db: Db, asking_at_once: usize) -> StoreResult<Self> {
        // For one all but one of them, so that there is always one for somebody else.
        let asking = Arc::new(Shares::new(
            asking_at_once,
            asking_at_once.saturating_sub(1),
        ));
        let mut store = Self {
            db,
            asking,
            earlier: None,
        };
        let found = store.version().await;
        store.migrate().await?;
        store.earlier = found.filter(|version| *version < migrations::latest());
        Ok(store)
    }

    /// Returns the version of the tables that were brought up to date when this was opened; `None` when they were, or are new.
    pub const fn brought_up_from(&self) -> Option<i64> {
        self.earlier
    }

    /// Returns the version of the tables; `None` where there are none yet.
    async fn version(&self) -> Option<i64> {
        let sql = "select max(version) from _sqlx_migrations";
        let asked: Result<Option<i64>, sqlx::Error> = match &self.db {
            Db::Sqlite { writer, .. } => sqlx::query_scalar(sql).fetch_one(writer).await,
            Db::Pg(pool) => sqlx::query_scalar(sql).fetch_one(pool).await,
        };
        asked.ok().flatten()
    }

    /// Asks a PostgreSQL server for one connection, to hear why it gives none; a pool goes on asking instead.
    ///
    /// # Errors
    /// When the server is not there or refuses.
    pub async fn ask_postgres(url: &str) -> StoreResult<()> {
        Ok(PgConnection::connect(url).await?.close().await?)
    }

    /// Connects to PostgreSQL and brings its tables up to date.
    ///
    /// # Errors
    /// When the server refuses or its tables are of a later version.
    pub async fn open_postgres(url: &str) -> StoreResult<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(limits::POSTGRES_CONNECTIONS)
            .acquire_timeout(limits::POSTGRES_PATIENCE)
            .connect(url)
            .await?;
        Self::of(Db::Pg(pool), limits::POSTGRES_ASKING_AT_ONCE).await
    }

    /// Connects to PostgreSQL and keeps its tables in a schema of their own, made when it is not there.
    ///
    /// Several installations, or tests, can so share one database.
    ///
    /// # Errors
    /// When the name is not of lower-case letters, digits and underscores, or as [`Store::open_postgres`].
    pub async fn open_postgres_in(url: &str, schema: &str) -> StoreResult<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if schema.is_empty() || schema.len() > 63 || !schema.bytes().all(plain) {
            return Err(StoreError::SchemaName);
        }
        let statement =
            format!("create schema if not exists {schema}; set search_path to {schema}");
        let pool = PgPoolOptions::new()
            .max_connections(limits::POSTGRES_CONNECTIONS)
            .acquire_timeout(limits::POSTGRES_PATIENCE)
            .after_connect(move |connection, _| {
                let statement = statement.clone();
                Box::pin(async move {
                    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        Self::of(Db::Pg(pool), limits::POSTGRES_ASKING_AT_ONCE).await
    }

    /// Brings the tables up to date; both `open` functions did.
    ///
    /// # Errors
    /// When a migration fails or the tables are of a later version of the program.
    pub async fn migrate(&self) -> StoreResult<()> {
        match &self.db {
            Db::Sqlite { writer, .. } => migrations::sqlite().run(writer).await,
            Db::Pg(pool) => migrations::postgres().run(pool).await,
        }
        .map_err(|error| match error {
            MigrateError::VersionMissing(version) => StoreError::Newer { version },
            other => StoreError::Migration(other),
        })
    }

    /// Begins a transaction that may write.
    ///
    /// On SQLite there is one at a time in the whole installation: keep it short, and never wait for anything else in it.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn begin(&self) -> StoreResult<Tx> {
        Ok(match &self.db {
            Db::Sqlite {
                writer, reserve, ..
            } => {
                // Whatever is written may need the room that is kept for it.
                let _ = reserve.has_room();
                Tx::Sqlite(Hold::Transaction(
                    writer.begin_with("begin immediate").await?,
                ))
            }
            Db::Pg(pool) => Tx::Pg(Hold::Transaction(pool.begin().await?)),
        })
    }

    /// Begins the transaction of a batch: on SQLite it is written on the thread that asks, which may wait for the disc. Only
    /// functions that say so take it.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn begin_batch(&self) -> StoreResult<Tx> {
        match &self.db {
            Db::Sqlite {
                writer,
                batches,
                reserve,
                ..
            } => {
                let _ = reserve.has_room();
                Ok(Tx::Quick(batches.begin(writer.acquire().await?)?))
            }
            Db::Pg(_) => self.begin().await,
        }
    }

    /// Begins a transaction that only reads; it never waits for a writer. Drop it when done.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn read(&self) -> StoreResult<Tx> {
        Ok(match &self.db {
            Db::Sqlite { readers, .. } => Tx::Sqlite(Hold::Transaction(readers.begin().await?)),
            Db::Pg(pool) => Tx::Pg(Hold::Transaction(pool.begin().await?)),
        })
    }

    /// Begins a transaction that only reads, and sees the database as it is at its first statement until it ends.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn snapshot(&self) -> StoreResult<Tx> {
        match &self.db {
            Db::Sqlite { .. } => self.read().await,
            Db::Pg(pool) => {
                let begin = "begin isolation level repeatable read read only";
                Ok(Tx::Pg(Hold::Transaction(pool.begin_with(begin).await?)))
            }
        }
    }

    /// Takes a connection for one quick question (a token by its secret, an instance by its UIDs): on SQLite it is answered on
    /// the thread that asks, which must not be kept waiting. Only functions that say so take it. Two questions on it may see
    /// different states; use [`Store::read`] for those.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn peek(&self) -> StoreResult<Tx> {
        Ok(match &self.db {
            Db::Sqlite { quick, .. } => Tx::Quick(quick.lend()?),
            Db::Pg(pool) => Tx::Pg(Hold::Bare(pool.acquire().await?)),
        })
    }

    /// Asks questions that belong together, all in the state that the first of them sees, on a thread that may be kept: on
    /// SQLite they are answered on it, and what is not written for that answers [`StoreError::NotQuick`]. Who asks is named, so
    /// that nobody takes every turn.
    ///
    /// # Errors
    /// When too many others ask, or this one too much at once, or no connection is free in time.
    pub async fn ask<T, Questions>(&self, asker: &str, questions: Questions) -> StoreResult<T>
    where
        T: Send + 'static,
        Questions: AsyncFnOnce(&mut Tx) -> T + Send + 'static,
    {
        let runtime = Handle::current();
        let turn = self.asking.take(asker, 1, limits::ASKING_PATIENCE).await;
        let turn = turn.ok_or(StoreError::NoTurn)?;
        let asked = match &self.db {
            Db::Sqlite { quick, .. } => {
                let quick = quick.clone();
                spawn_blocking(move || {
                    let mut tx = Tx::Quick(quick.snapshot()?);
                    let answer = runtime.block_on(questions(&mut tx));
                    drop((tx, turn));
                    Ok(answer)
                })
            }
            Db::Pg(_) => {
                let mut tx = self.snapshot().await?;
                spawn_blocking(move || {
                    let answer = runtime.block_on(questions(&mut tx));
                    drop((tx, turn));
                    Ok(answer)
                })
            }
        };
        asked
            .await
            .map_err(|_| StoreError::Database(sqlx::Error::WorkerCrashed))?
    }

    /// Returns what is kept free on the disc of the database for reading; `None` for PostgreSQL, which has a disc of its own.
    pub fn reserve(&self) -> Option<Arc<Reserve>> {
        match &self.db {
            Db::Sqlite { reserve, .. } => Some(Arc::clone(reserve)),
            Db::Pg(_) => None,
        }
    }

    /// Says which database it is: `sqlite` or `postgresql`.
    pub const fn kind(&self) -> &'static str {
        match &self.db {
            Db::Sqlite { .. } => "sqlite",
            Db::Pg(_) => "postgresql",
        }
    }

    /// Closes every connection and waits until that is done.
    pub async fn close(&self) {
        match &self.db {
            Db::Sqlite {
                writer,
                readers,
                quick,
                batches,
                ..
            } => {
                quick.close();
                readers.close().await;
                writer.close().await;
                // Behind the last batch, which held the writer.
                batches.close();
            }
            Db::Pg(pool) => pool.close().await,
        }
    }
}
