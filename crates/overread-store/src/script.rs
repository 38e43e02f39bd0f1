//! Statements that answer nothing, gathered and run one after the other.
//!
//! On SQLite every statement is a turn of the thread that owns the connection, and the turn costs more than the statement: a
//! script takes one turn for many of them. PostgreSQL is asked for each, and a
//! batch on SQLite has no thread to wake: it runs them one by one.

use sqlx::AssertSqlSafe;

use crate::error::StoreResult;
use crate::studies::sql::Arg;
use crate::{Tx, limits};

/// A value for `$n` of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Blob(Vec<u8>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<Arg> for Value {
    fn from(arg: Arg) -> Self {
        match arg {
            Arg::Text(text) => Self::Text(Some(text)),
            Arg::Int(number) => Self::Int(Some(number)),
        }
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

/// Makes the values of a statement: `values![id, name, now]`.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::script::Value::from($value)),*] };
}
pub(crate) use values;

/// Statements that are run in their order, all or, when one fails and its transaction is dropped, none.
#[derive(Debug, Default)]
#[must_use = "nothing happens until it is run"]
pub struct Script {
    statements: Vec<(&'static str, Vec<Value>)>,
}

/// Binds values to a query, in their order.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                $crate::script::Value::Text(text) => query.bind(text),
                $crate::script::Value::Int(number) => query.bind(number),
                $crate::script::Value::Blob(bytes) => query.bind(bytes),
            };
        }
        query
    }};
}
pub(crate) use bound;

impl Script {
    /// Adds a statement with the values of its `$1`, `$2` and so on.
    pub(crate) fn add(&mut self, sql: &'static str, values: Vec<Value>) {
        self.statements.push((sql, values));
    }

    /// Runs everything, in a transaction of any sort. Part of a batch.
    ///
    /// # Errors
    /// When the database fails; then nothing of the transaction may be kept.
    pub async fn run(self, tx: &mut Tx) -> StoreResult<()> {
        match tx {
            Tx::Sqlite(held) => {
                let mut statements = self.statements.into_iter().peekable();
                while statements.peek().is_some() {
                    let turn = statements.by_ref().take(limits::SCRIPT_STATEMENTS);
                    let (sql, values) = joined(turn);
                    bound!(sqlx::query(AssertSqlSafe(sql)), values)
                        .execute(&mut **held)
                        .await?;
                }
            }
            Tx::Pg(held) => {
                for (sql, values) in self.statements {
                    bound!(sqlx::query(sql), values)
                        .execute(&mut **held)
                        .await?;
                }
            }
            Tx::Quick(lent) => {
                for (sql, values) in self.statements {
                    lent.run(sql, &values)?;
                }
            }
        }
        Ok(())
    }
}

/// Makes one text of many; the values are counted through.
fn joined(statements: impl Iterator<Item = (&'static str, Vec<Value>)>) -> (String, Vec<Value>) {
    let (mut text, mut values) = (String::new(), Vec::new());
    for (sql, own) in statements {
        let mut pieces = sql.split('$');
        text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = piece.split_at(digits);
            let number = number.parse::<usize>().unwrap_or_default() + values.len();
            text.push('$');
            text.push_str(&number.to_string());
            text.push_str(rest);
        }
        text.push_str(";\n");
        values.extend(own);
    }
    (text, values)
}

#[cfg(test)]
mod tests {
    use super::{Value, joined};

    #[test]
    fn values_are_counted_through() {
        let statements = [
            ("insert into a values ($1, $2, $1)", values![1_i64, "x"]),
            ("delete from b", Vec::new()),
            (
                "update c set d = $1 where e = $2",
                values![2_i64, None::<i64>],
            ),
        ];
        let (sql, values) = joined(statements.into_iter());
        assert_eq!(
            sql,
            "insert into a values ($1, $2, $1);\ndelete from b;\nupdate c set d = $3 where e = $4;\n"
        );
        assert!(matches!(
            values.as_slice(),
            [
                Value::Int(Some(1)),
                Value::Text(Some(_)),
                Value::Int(Some(2)),
                Value::Int(None)
            ]
        ));
    }
}
