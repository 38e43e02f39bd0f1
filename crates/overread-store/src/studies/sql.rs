//! Puts conditions together. Only constants become SQL; every value is an argument.

use crate::error::{StoreError, StoreResult};
use crate::script::Value;
use crate::tx::{Answer, Tx};

/// A value for `$n`.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Text(String),
    Int(i64),
}

/// A growing SQL text with its arguments.
#[derive(Debug, Default)]
pub(crate) struct Clause {
    pub(crate) sql: String,
    pub(crate) args: Vec<Arg>,
    has_condition: bool,
}

impl Clause {
    /// Starts with a constant text that has no arguments.
    pub(crate) fn new(start: &'static str) -> Self {
        Self {
            sql: start.to_owned(),
            ..Self::default()
        }
    }

    /// Adds constant text.
    pub(crate) fn push(&mut self, text: &'static str) {
        self.sql.push_str(text);
    }

    /// Begins a condition: `where` or `and`, then the constant text.
    pub(crate) fn and(&mut self, text: &'static str) {
        self.sql.push_str(if self.has_condition {
            " and "
        } else {
            " where "
        });
        self.has_condition = true;
        self.sql.push_str(text);
    }

    /// Adds `$n` for a value.
    pub(crate) fn arg(&mut self, arg: Arg) {
        self.args.push(arg);
        self.sql.push('$');
        self.sql.push_str(&self.args.len().to_string());
    }

    /// Adds `and column = $n`.
    pub(crate) fn equal(&mut self, column: &'static str, value: Arg) {
        self.and(column);
        self.push(" = ");
        self.arg(value);
    }

    /// Adds `and column in ($n, ..)`; no values match nothing.
    pub(crate) fn any_of(&mut self, column: &'static str, values: &[String]) {
        if values.is_empty() {
            return self.and("1 = 0");
        }
        self.and(column);
        self.push(" in (");
        self.list(values);
        self.push(")");
    }

    /// Asks for all its rows.
    pub(crate) async fn rows<T: Answer>(self, tx: &mut Tx) -> StoreResult<Vec<T>> {
        let values = self.args.into_iter().map(Value::from).collect();
        tx.rows(self.sql, values).await
    }

    /// Adds `$n, ..`.
    pub(crate) fn list(&mut self, values: &[String]) {
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.arg(Arg::Text(value.clone()));
        }
    }
}

/// Runs a statement that answers one number.
pub(crate) async fn number(tx: &mut Tx, clause: Clause) -> StoreResult<u64> {
    let rows: Vec<(i64,)> = clause.rows(tx).await?;
    let count = rows.first().map(|(count,)| count.unsigned_abs());
    count.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
}

/// Binds every argument of a clause to a query.
macro_rules! bind {
    ($query:expr, $args:expr) => {{
        let mut query = $query;
        for arg in $args.iter().cloned() {
            query = match arg {
                $crate::studies::sql::Arg::Text(text) => query.bind(text),
                $crate::studies::sql::Arg::Int(number) => query.bind(number),
            };
        }
        query
    }};
}
pub(crate) use bind;

/// Fills a list up to a few fixed lengths by repeating its last value, so that statements are prepared once.
pub(crate) fn padded(mut values: Vec<String>) -> Vec<String> {
    let length = [1, 4, 16, 64, 256]
        .into_iter()
        .find(|length| *length >= values.len())
        .unwrap_or(values.len());
    if let Some(last) = values.last().cloned() {
        values.resize(length, last);
    }
    values
}
