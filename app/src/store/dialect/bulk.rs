//! Many rows of one table at once.
//!
//! Owns both ways: PostgreSQL takes whole columns as arrays; SQLite takes rows in statements of a fixed size, so that few texts are
//! prepared. A table's rows belong to one repository.

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe};

use crate::store::db::Tx;
use crate::store::error::{Error, Result};
use crate::store::key::Key;

/// Rows in one statement of SQLite.
const CHUNK: usize = 64;

/// A table and what becomes of rows that are there already. Nothing of it comes from outside.
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its columns after `workspace` and `repository`, in the order of the data.
    pub(crate) columns: &'static [&'static str],
    /// The end of the statement: `on conflict …`.
    pub(crate) conflict: &'static str,
}

/// The data of one column.
pub(crate) enum Column {
    Key(Vec<Key>),
    MaybeKey(Vec<Option<Key>>),
    Integer(Vec<i64>),
    MaybeInteger(Vec<Option<i64>>),
    Text(Vec<String>),
    MaybeText(Vec<Option<String>>),
    Bytes(Vec<Vec<u8>>),
    MaybeBytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Key(rows) => rows.len(),
            Self::MaybeKey(rows) => rows.len(),
            Self::Integer(rows) => rows.len(),
            Self::MaybeInteger(rows) => rows.len(),
            Self::Text(rows) => rows.len(),
            Self::MaybeText(rows) => rows.len(),
            Self::Bytes(rows) => rows.len(),
            Self::MaybeBytes(rows) => rows.len(),
        }
    }

    const fn postgres_type(&self) -> &'static str {
        match self {
            Self::Key(_) | Self::MaybeKey(_) | Self::Bytes(_) | Self::MaybeBytes(_) => "bytea",
            Self::Integer(_) | Self::MaybeInteger(_) => "bigint",
            Self::Text(_) | Self::MaybeText(_) => "text",
        }
    }
}

/// Writes all rows. Columns must be equally long.
pub(crate) async fn write(tx: &mut Tx, table: &Table, of: (Key, Key), columns: Vec<Column>) -> Result<()> {
    let rows = columns.first().map_or(0, Column::len);
    if rows == 0 {
        return Ok(());
    }
    let fits = columns.len() == table.columns.len() && columns.iter().all(|column| column.len() == rows);
    if !fits {
        return Err(Error::Corrupt(table.name));
    }
    match tx {
        Tx::Postgres(tx) => {
            let (sql, arguments) = postgres(table, of, columns)?;
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut **tx).await?;
        }
        Tx::Sqlite(tx) => {
            for start in (0..rows).step_by(CHUNK) {
                let end = rows.min(start + CHUNK);
                let (sql, arguments) = sqlite(table, of, &columns, start..end)?;
                let whole = end - start == CHUNK;
                sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(whole).execute(&mut **tx).await?;
            }
        }
    }
    Ok(())
}

fn postgres(table: &Table, of: (Key, Key), columns: Vec<Column>) -> Result<(String, PgArguments)> {
    let Table { name, conflict, .. } = table;
    let names = table.columns.join(", ");
    let arrays: Vec<String> =
        columns.iter().enumerate().map(|(at, column)| format!("${}::{}[]", at + 3, column.postgres_type())).collect();
    let sql = format!(
        "insert into {name} (workspace, repository, {names}) select $1, $2, u.* from unnest({}) u {conflict}",
        arrays.join(", ")
    );
    let mut arguments = PgArguments::default();
    arguments.add(of.0).map_err(encode)?;
    arguments.add(of.1).map_err(encode)?;
    for column in columns {
        let bytes = |rows: Vec<Key>| rows.into_iter().map(|key| key.0).collect::<Vec<[u8; 16]>>();
        let maybe = |rows: Vec<Option<Key>>| rows.into_iter().map(|key| key.map(|key| key.0.to_vec())).collect();
        match column {
            Column::Key(rows) => arguments.add(bytes(rows)),
            Column::MaybeKey(rows) => arguments.add::<Vec<Option<Vec<u8>>>>(maybe(rows)),
            Column::Integer(rows) => arguments.add(rows),
            Column::MaybeInteger(rows) => arguments.add(rows),
            Column::Text(rows) => arguments.add(rows),
            Column::MaybeText(rows) => arguments.add(rows),
            Column::Bytes(rows) => arguments.add(rows),
            Column::MaybeBytes(rows) => arguments.add(rows),
        }
        .map_err(encode)?;
    }
    Ok((sql, arguments))
}

fn sqlite(
    table: &Table,
    of: (Key, Key),
    columns: &[Column],
    rows: std::ops::Range<usize>,
) -> Result<(String, SqliteArguments)> {
    let Table { name, conflict, .. } = table;
    let mut sql = format!("insert into {name} (workspace, repository, {}) values ", table.columns.join(", "));
    let mut arguments = SqliteArguments::default();
    arguments.add(of.0).map_err(encode)?;
    arguments.add(of.1).map_err(encode)?;
    let mut next = 3;
    for (count, row) in rows.enumerate() {
        sql.push_str(if count == 0 { "(?1, ?2" } else { ", (?1, ?2" });
        for column in columns {
            sql.push_str(&format!(", ?{next}"));
            next += 1;
            match column {
                Column::Key(rows) => arguments.add(rows[row]),
                Column::MaybeKey(rows) => arguments.add(rows[row]),
                Column::Integer(rows) => arguments.add(rows[row]),
                Column::MaybeInteger(rows) => arguments.add(rows[row]),
                Column::Text(rows) => arguments.add(rows[row].clone()),
                Column::MaybeText(rows) => arguments.add(rows[row].clone()),
                Column::Bytes(rows) => arguments.add(rows[row].clone()),
                Column::MaybeBytes(rows) => arguments.add(rows[row].clone()),
            }
            .map_err(encode)?;
        }
        sql.push(')');
    }
    sql.push(' ');
    sql.push_str(conflict);
    Ok((sql, arguments))
}

fn encode(error: sqlx::error::BoxDynError) -> Error {
    Error::Query(sqlx::Error::Encode(error))
}
