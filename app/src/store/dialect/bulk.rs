//! Many rows of one table at once.
//!
//! Owns both ways: PostgreSQL takes whole columns as arrays; SQLite takes rows in statements of a fixed size, so that few texts are
//! prepared. A table's rows belong to one repository.

use std::vec;

use serde::{Deserialize, Serialize};
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Postgres};

use crate::store::db::Tx;
use crate::store::error::{Error, Result};
use crate::store::interruption::point;
use crate::store::key::Key;
use crate::store::transaction::Engine as _;

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
#[derive(Debug, Serialize, Deserialize)]
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

    /// Takes the rows from `from` on. They come off the end, because what is left keeps the room of
    /// all: taken off the top, each part would have as much room as all that follow it.
    fn take_from(&mut self, from: usize) -> Self {
        macro_rules! taken {
            ($($kind:ident),*) => {
                match self {
                    $(Self::$kind(rows) if from == 0 => {
                        let mut all = std::mem::take(rows);
                        all.shrink_to_fit();
                        Self::$kind(all)
                    })*
                    $(Self::$kind(rows) => Self::$kind(rows.split_off(from)),)*
                }
            };
        }
        taken!(Key, MaybeKey, Integer, MaybeInteger, Text, MaybeText, Bytes, MaybeBytes)
    }

    fn cells(self) -> Cells {
        match self {
            Self::Key(rows) => Cells::Key(rows.into_iter()),
            Self::MaybeKey(rows) => Cells::MaybeKey(rows.into_iter()),
            Self::Integer(rows) => Cells::Integer(rows.into_iter()),
            Self::MaybeInteger(rows) => Cells::MaybeInteger(rows.into_iter()),
            Self::Text(rows) => Cells::Text(rows.into_iter()),
            Self::MaybeText(rows) => Cells::MaybeText(rows.into_iter()),
            Self::Bytes(rows) => Cells::Bytes(rows.into_iter()),
            Self::MaybeBytes(rows) => Cells::MaybeBytes(rows.into_iter()),
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

/// Rows of one table.
pub(crate) struct Rows {
    table: &'static Table,
    names: Vec<&'static str>,
    columns: Vec<Column>,
}

impl Rows {
    /// Rows with all columns of a table, in its order.
    pub(crate) fn new(table: &'static Table, columns: Vec<Column>) -> Self {
        Self { table, names: table.columns.to_vec(), columns }
    }

    /// Rows with the columns of these names, which another version of the program knew.
    pub(crate) fn named(table: &'static Table, columns: Vec<(String, Column)>) -> Result<Self> {
        let mut rows = Self { table, names: Vec::new(), columns: Vec::new() };
        for (name, column) in columns {
            let known = table.columns.iter().find(|known| **known == name);
            rows.names.push(known.ok_or(Error::Corrupt(table.name))?);
            rows.columns.push(column);
        }
        Ok(rows)
    }

    /// Which table's.
    pub(crate) const fn table(&self) -> &'static Table {
        self.table
    }

    /// Each column with its name.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&'static str, &Column)> {
        self.names.iter().copied().zip(&self.columns)
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.columns.first().map_or(0, Column::len)
    }

    /// The same rows in parts of at most `size`, in their order.
    pub(crate) fn parts(mut self, size: usize) -> Vec<Self> {
        let mut parts = Vec::with_capacity(self.len().div_ceil(size));
        while self.len() > 0 {
            let from = (self.len() - 1) / size * size;
            let columns = self.columns.iter_mut().map(|column| column.take_from(from)).collect();
            parts.push(Self { table: self.table, names: self.names.clone(), columns });
        }
        parts.reverse();
        parts
    }

    /// Writes them. Columns must be equally long.
    pub(crate) async fn write(self, tx: &mut Tx, of: (Key, Key)) -> Result<()> {
        let rows = self.len();
        if rows == 0 {
            return Ok(());
        }
        let fits = self.columns.len() == self.names.len() && self.columns.iter().all(|column| column.len() == rows);
        if !fits {
            return Err(Error::Corrupt(self.table.name));
        }
        point().await;
        match tx {
            Tx::Postgres(tx) => {
                let (sql, arguments) = self.postgres(of)?;
                let limit = tx.limit();
                Postgres::limited(limit, sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut **tx)).await?;
            }
            Tx::Sqlite(tx) => {
                let (table, names) = (self.table, self.names);
                let mut cells: Vec<Cells> = self.columns.into_iter().map(Column::cells).collect();
                for start in (0..rows).step_by(CHUNK) {
                    let count = CHUNK.min(rows - start);
                    let mut arguments = SqliteArguments::default();
                    for _ in 0..count {
                        arguments.add(of.0).map_err(encode)?;
                        arguments.add(of.1).map_err(encode)?;
                        cells.iter_mut().try_for_each(|column| column.bind(&mut arguments)).map_err(encode)?;
                    }
                    let sql = sqlite(table, &names, count);
                    let whole = count == CHUNK;
                    sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(whole).execute(&mut **tx).await?;
                }
            }
        }
        Ok(())
    }

    fn postgres(self, of: (Key, Key)) -> Result<(String, PgArguments)> {
        let Table { name, conflict, .. } = self.table;
        let names = self.names.join(", ");
        let array = |(at, column): (usize, &Column)| format!("${}::{}[]", at + 3, column.postgres_type());
        let arrays: Vec<String> = self.columns.iter().enumerate().map(array).collect();
        let sql = format!(
            "insert into {name} (workspace, repository, {names}) select $1, $2, u.* from unnest({}) u {conflict}",
            arrays.join(", ")
        );
        let mut arguments = PgArguments::default();
        arguments.add(of.0).map_err(encode)?;
        arguments.add(of.1).map_err(encode)?;
        for column in self.columns {
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
}

/// Numbered marks would be looked up by their names, one after the other.
fn sqlite(table: &Table, names: &[&str], rows: usize) -> String {
    let Table { name, conflict, .. } = table;
    let row = format!("(?, ?{})", ", ?".repeat(names.len()));
    let marks = vec![row; rows].join(", ");
    format!("insert into {name} (workspace, repository, {}) values {marks} {conflict}", names.join(", "))
}

/// What is left of a column, from the top.
enum Cells {
    Key(vec::IntoIter<Key>),
    MaybeKey(vec::IntoIter<Option<Key>>),
    Integer(vec::IntoIter<i64>),
    MaybeInteger(vec::IntoIter<Option<i64>>),
    Text(vec::IntoIter<String>),
    MaybeText(vec::IntoIter<Option<String>>),
    Bytes(vec::IntoIter<Vec<u8>>),
    MaybeBytes(vec::IntoIter<Option<Vec<u8>>>),
}

impl Cells {
    /// Binds the next one; columns are equally long, so there is one.
    fn bind(&mut self, arguments: &mut SqliteArguments) -> std::result::Result<(), BoxDynError> {
        match self {
            Self::Key(rows) => arguments.add(rows.next()),
            Self::MaybeKey(rows) => arguments.add(rows.next().flatten()),
            Self::Integer(rows) => arguments.add(rows.next()),
            Self::MaybeInteger(rows) => arguments.add(rows.next().flatten()),
            Self::Text(rows) => arguments.add(rows.next()),
            Self::MaybeText(rows) => arguments.add(rows.next().flatten()),
            Self::Bytes(rows) => arguments.add(rows.next()),
            Self::MaybeBytes(rows) => arguments.add(rows.next().flatten()),
        }
    }
}

fn encode(error: BoxDynError) -> Error {
    Error::Query(sqlx::Error::Encode(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts of a column take no more memory together than the column did.
    #[test]
    fn a_part_has_room_for_itself_only() {
        let mut column = Column::Integer((0..45_000).collect());
        let (mut room, mut rows) = (0, Vec::new());
        while column.len() > 0 {
            let Column::Integer(part) = column.take_from((column.len() - 1) / 250 * 250) else {
                panic!("another kind")
            };
            assert!(part.len() <= 250);
            room += part.capacity();
            rows.splice(0..0, part);
        }
        assert!(room <= 2 * 45_000, "{room}");
        assert_eq!(rows, (0..45_000).collect::<Vec<i64>>());
    }
}
