//! Tables as the databases describe them, and their rows whatever they hold.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Row};

use crate::error::{StoreError, StoreResult};
use crate::{Tx, limits};

/// How many rows each table has, and a digest over all of them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Copied {
    /// By name.
    pub tables: Vec<TableCount>,
    /// BLAKE3 over every row of every table, the same on both databases.
    pub digest: String,
}

/// How many rows a table has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TableCount {
    /// Its name.
    pub name: String,
    /// Rows.
    pub rows: u64,
}

/// A table: its columns by name, and the order of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    columns: Vec<(String, Kind)>,
    key: Vec<String>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Real,
    Bytes,
}

/// A value of a row.
enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Real(Option<f64>),
    Bytes(Option<Vec<u8>>),
}

impl Kind {
    fn of(declared: &str) -> StoreResult<Self> {
        match declared.to_ascii_lowercase().as_str() {
            "text" => Ok(Self::Text),
            "integer" | "bigint" => Ok(Self::Integer),
            "double precision" => Ok(Self::Real),
            "blob" | "bytea" => Ok(Self::Bytes),
            _ => Err(StoreError::OtherTables),
        }
    }
}

impl Value {
    fn hash(&self, hasher: &mut blake3::Hasher) {
        let integer;
        let bytes = match self {
            Self::Text(text) => text.as_deref().map(str::as_bytes),
            Self::Bytes(bytes) => bytes.as_deref(),
            Self::Integer(number) => {
                integer = number.unwrap_or_default().to_le_bytes();
                number.map(|_| integer.as_slice())
            }
            Self::Real(number) => {
                integer = number.unwrap_or_default().to_le_bytes();
                number.map(|_| integer.as_slice())
            }
        };
        // Each is preceded by its length, so that none can be shifted.
        hasher.update(
            &bytes
                .map_or(0, |bytes| bytes.len() as u64 + 1)
                .to_le_bytes(),
        );
        hasher.update(bytes.unwrap_or_default());
    }
}

/// Reads the values of a row of either database.
macro_rules! values_of {
    ($row:expr, $columns:expr) => {{
        let mut values = Vec::with_capacity($columns.len());
        for (at, (_, kind)) in $columns.iter().enumerate() {
            values.push(match kind {
                Kind::Text => Value::Text($row.try_get(at)?),
                Kind::Integer => Value::Integer($row.try_get(at)?),
                Kind::Real => Value::Real($row.try_get(at)?),
                Kind::Bytes => Value::Bytes($row.try_get(at)?),
            });
        }
        values
    }};
}

impl Table {
    /// Describes every table of a database but those that only a transfer or the migrations need.
    pub(super) async fn all(tx: &mut Tx) -> StoreResult<Vec<Self>> {
        let sql = match tx {
            Tx::Sqlite(_) | Tx::Quick(_) => {
                "select name from sqlite_master where type = 'table' order by name"
            }
            Tx::Pg(_) => {
                "select table_name::text from information_schema.tables \
                 where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1"
            }
        };
        let names: Vec<(String,)> =
            on!(&mut *tx, c => sqlx::query_as(sql).fetch_all(&mut *c).await?);
        let mut tables = Vec::new();
        for (name,) in names {
            let is_ours = !["_sqlx", "sqlite_", "transfer", "study_tally", "shared_tie"]
                .iter()
                .any(|start| name.starts_with(start));
            if is_ours {
                tables.push(Self::describe(tx, name).await?);
            }
        }
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(tables)
    }

    async fn describe(tx: &mut Tx, name: String) -> StoreResult<Self> {
        let (columns, key) = match tx {
            Tx::Sqlite(_) | Tx::Quick(_) => (
                "select name, type from pragma_table_info($1)",
                "select name from pragma_table_info($1) where pk > 0 order by pk",
            ),
            Tx::Pg(_) => (
                "select column_name::text, data_type::text from information_schema.columns \
                 where table_schema = current_schema() and table_name = $1",
                "select a.attname::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid \
                 and a.attnum = any (i.indkey::int2[]) where i.indrelid = $1::text::regclass and i.indisprimary \
                 order by array_position(i.indkey::int2[], a.attnum)",
            ),
        };
        let rows: Vec<(String, String)> = on!(&mut *tx, c => sqlx::query_as(columns)
            .bind(&name).fetch_all(&mut *c).await?);
        let key: Vec<(String,)> = on!(&mut *tx, c => sqlx::query_as(key)
            .bind(&name).fetch_all(&mut *c).await?);
        let mut columns = rows
            .into_iter()
            .map(|(name, declared)| Ok((name, Kind::of(&declared)?)))
            .collect::<StoreResult<Vec<_>>>()?;
        columns.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Self {
            name,
            columns,
            key: key.into_iter().map(|(name,)| name).collect(),
        })
    }

    /// Names the tables that this one refers to.
    async fn refers_to(&self, tx: &mut Tx) -> StoreResult<Vec<String>> {
        let sql = match tx {
            Tx::Sqlite(_) | Tx::Quick(_) => "select \"table\" from pragma_foreign_key_list($1)",
            Tx::Pg(_) => {
                "select t.relname::text from pg_constraint c join pg_class t on t.oid = c.confrelid \
                 where c.contype = 'f' and c.conrelid = $1::text::regclass"
            }
        };
        let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(sql)
            .bind(&self.name).fetch_all(&mut *c).await?);
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    fn select(&self) -> String {
        let is_integer = |kind: &Kind| *kind == Kind::Integer;
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|(name, kind)| match is_integer(kind) {
                // PostgreSQL has two sorts of integers.
                true => format!("cast(\"{name}\" as bigint)"),
                false => format!("\"{name}\""),
            })
            .collect();
        let order: Vec<String> = self.key.iter().map(|name| format!("\"{name}\"")).collect();
        let (columns, order) = (columns.join(", "), order.join(", "));
        format!("select {columns} from \"{}\" order by {order}", self.name)
    }

    fn insert(&self, rows: usize) -> String {
        let width = self.columns.len();
        let row = |row: usize| {
            let places: Vec<String> = (1..=width)
                .map(|at| format!("${}", row * width + at))
                .collect();
            format!("({})", places.join(", "))
        };
        let rows: Vec<String> = (0..rows).map(row).collect();
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        format!(
            "insert into \"{}\" ({}) values {}",
            self.name,
            names.join(", "),
            rows.join(", ")
        )
    }

    pub(super) async fn copy(&self, from: &mut Tx, to: &mut Tx) -> StoreResult<()> {
        on!(from, c => {
            let mut rows = sqlx::query(AssertSqlSafe(self.select())).fetch(&mut *c);
            let mut gathered = Vec::new();
            while let Some(row) = rows.try_next().await? {
                gathered.push(values_of!(row, self.columns));
                if gathered.len() == limits::TRANSFER_ROWS {
                    self.write(to, std::mem::take(&mut gathered)).await?;
                }
            }
            self.write(to, gathered).await?;
        });
        self.go_on_counting(to).await
    }

    async fn write(&self, to: &mut Tx, rows: Vec<Vec<Value>>) -> StoreResult<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let sql = self.insert(rows.len());
        on!(to, c => {
            let mut insert = sqlx::query(AssertSqlSafe(sql));
            for value in rows.into_iter().flatten() {
                insert = match value {
                    Value::Text(text) => insert.bind(text),
                    Value::Integer(number) => insert.bind(number),
                    Value::Real(number) => insert.bind(number),
                    Value::Bytes(bytes) => insert.bind(bytes),
                };
            }
            insert.execute(&mut *c).await?;
        });
        Ok(())
    }

    /// Lets PostgreSQL go on behind the highest number that was copied, as SQLite does by itself.
    async fn go_on_counting(&self, to: &mut Tx) -> StoreResult<()> {
        let Tx::Pg(held) = to else {
            return Ok(());
        };
        let counted: Vec<(String,)> = sqlx::query_as(
            "select column_name::text from information_schema.columns \
             where table_schema = current_schema() and table_name = $1 and is_identity = 'YES'",
        )
        .bind(&self.name)
        .fetch_all(&mut **held)
        .await?;
        for (column,) in counted {
            let name = &self.name;
            let sql = format!(
                "select setval(pg_get_serial_sequence('{name}', '{column}'), max(\"{column}\")) from \"{name}\" \
                 having max(\"{column}\") is not null"
            );
            sqlx::query(AssertSqlSafe(sql)).execute(&mut **held).await?;
        }
        Ok(())
    }

    async fn count(&self, tx: &mut Tx, hasher: &mut blake3::Hasher) -> StoreResult<u64> {
        let mut count = 0;
        on!(tx, c => {
            let mut rows = sqlx::query(AssertSqlSafe(self.select())).fetch(&mut *c);
            while let Some(row) = rows.try_next().await? {
                for value in values_of!(row, self.columns) {
                    value.hash(hasher);
                }
                count += 1;
            }
        });
        Ok(count)
    }
}

/// Puts each table behind those that it refers to.
pub(super) async fn in_order<'a>(tx: &mut Tx, tables: &'a [Table]) -> StoreResult<Vec<&'a Table>> {
    let mut waiting = Vec::new();
    for table in tables {
        waiting.push((table, table.refers_to(tx).await?));
    }
    let mut ordered = Vec::new();
    let mut placed = BTreeSet::new();
    while !waiting.is_empty() {
        let (ready, still): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(table, needs)| {
            needs
                .iter()
                .all(|name| placed.contains(name) || *name == table.name)
        });
        if ready.is_empty() {
            return Err(StoreError::OtherTables);
        }
        for (table, _) in ready {
            placed.insert(table.name.clone());
            ordered.push(table);
        }
        waiting = still;
    }
    Ok(ordered)
}

/// Counts and hashes every row.
pub(super) async fn count(tx: &mut Tx, tables: &[Table]) -> StoreResult<Copied> {
    let mut hasher = blake3::Hasher::new();
    let mut counted = Vec::new();
    for table in tables {
        hasher.update(table.name.as_bytes());
        let rows = table.count(tx, &mut hasher).await?;
        hasher.update(&rows.to_le_bytes());
        counted.push(TableCount {
            name: table.name.clone(),
            rows,
        });
    }
    Ok(Copied {
        tables: counted,
        digest: hasher.finalize().to_hex().to_string(),
    })
}
