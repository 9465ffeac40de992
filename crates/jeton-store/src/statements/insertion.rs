//! Insertions of rows, whose texts are written once: building one takes longer than SQLite takes to insert its rows.

use crate::error::StoreError;
use sea_query::Value;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use std::fmt::Write;
use std::sync::OnceLock;

/// The cells of a row, one for each column of its insertion.
pub(crate) type Row = Vec<Value>;

/// On SQLite, texts for 1, 2, 4 rows, and for 8, 16, 24 and so on to 64, are kept, and prepared by the connection. Where there
/// are fewer rows, rows of NULLs fill the next longer one, which it leaves out.
const KEPT: usize = 11;
/// The most rows for which there are such texts.
pub(crate) const MOST_KEPT_ON_SQLITE: usize = 64;
/// On PostgreSQL, texts for so many rows are kept, each for a number of its own.
pub(crate) const MOST_KEPT_ON_POSTGRES: usize = 16;

/// Which of those texts there is for so many rows, and for how many it is.
const fn kept_for(rows: usize) -> (usize, usize) {
    if rows <= 8 {
        let size = rows.next_power_of_two();
        (size.ilog2() as usize, size)
    } else {
        (2 + rows.div_ceil(8), rows.next_multiple_of(8))
    }
}

/// What goes where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) table: &'static str,
    /// The first one is never NULL.
    pub(super) columns: &'static [&'static str],
    /// What becomes of rows that cannot go in.
    pub(super) otherwise: &'static str,
    /// What PostgreSQL answers of each row. SQLite answers nothing: it gives numbers in the order of the rows.
    pub(super) returning: &'static str,
    /// What PostgreSQL runs around it in one statement: the insertion stands at `{}`, the arguments that come after the rows at
    /// `{1}`, `{2}` and so on. Empty: nothing.
    pub(super) around: &'static str,
    /// Further statements that SQLite runs, whose arguments come after the rows.
    pub(super) then: &'static str,
    /// As many rows of another form that SQLite inserts after that, whose cells come last.
    pub(super) also: Option<&'static Form>,
}

/// A form, and its texts as far as they were needed.
#[derive(Debug)]
pub(super) struct Insertion {
    pub(super) form: Form,
    on_sqlite: [OnceLock<String>; KEPT],
    on_postgres: [OnceLock<String>; MOST_KEPT_ON_POSTGRES],
}

/// For which engine a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Insertion {
    pub(super) const fn of(form: Form) -> Self {
        let on_sqlite = [const { OnceLock::new() }; KEPT];
        let on_postgres = [const { OnceLock::new() }; MOST_KEPT_ON_POSTGRES];
        Insertion { form, on_sqlite, on_postgres }
    }

    /// The text for this many rows, at least one.
    pub(super) fn text(&'static self, engine: Engine, rows: usize) -> SqlStr {
        let (kept, size) = match engine {
            Engine::Sqlite => {
                let (place, size) = kept_for(rows);
                (self.on_sqlite.get(place), size)
            }
            Engine::Postgres => (rows.checked_sub(1).and_then(|last| self.on_postgres.get(last)), rows),
        };
        match kept.filter(|_| Self::is_kept(engine, rows)) {
            Some(kept) => {
                AssertSqlSafe(kept.get_or_init(|| self.write(engine, size)).as_str()).into_sql_str()
            }
            None => AssertSqlSafe(self.write(engine, rows)).into_sql_str(),
        }
    }

    /// Whether the text for this many rows is one that connections keep prepared.
    pub(super) fn is_kept(engine: Engine, rows: usize) -> bool {
        match engine {
            Engine::Sqlite => rows <= MOST_KEPT_ON_SQLITE,
            Engine::Postgres => rows <= MOST_KEPT_ON_POSTGRES,
        }
    }

    fn write(&self, engine: Engine, rows: usize) -> String {
        self.form.write(engine, rows)
    }
}

impl Form {
    fn write(&self, engine: Engine, rows: usize) -> String {
        let Form { table, columns, otherwise, returning, around, then, also } = *self;
        let mut sql = format!("INSERT INTO {table} ({}) ", columns.join(", "));
        let mut number = 0;
        sql.push_str(if engine == Engine::Sqlite { "SELECT * FROM (VALUES " } else { "VALUES " });
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..columns.len() {
                number += 1;
                let comma = if column == 0 { "" } else { ", " };
                sql.push_str(comma);
                match engine {
                    // Without a number: SQLite finds each by going through all before it.
                    Engine::Sqlite => sql.push('?'),
                    Engine::Postgres => write!(sql, "${number}")
                        .unwrap_or_else(|_| unreachable!("writing to a String cannot fail")),
                }
            }
            sql.push(')');
        }
        match (engine, also) {
            (Engine::Postgres, _) if around.is_empty() => sql + otherwise + returning,
            (Engine::Postgres, _) => {
                let sql = around.replacen("{}", &(sql + otherwise + returning), 1);
                (1..10).fold(sql, |sql, place| {
                    sql.replace(&format!("{{{place}}}"), &format!("${}", number + place))
                })
            }
            (Engine::Sqlite, None) => sql + ") WHERE column1 IS NOT NULL" + otherwise + then,
            (Engine::Sqlite, Some(also)) => {
                sql + ") WHERE column1 IS NOT NULL" + otherwise + then + "; " + &also.write(engine, rows)
            }
        }
    }
}

/// Rows that are to go in, at least one.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) insertion: &'static Insertion,
    pub(super) rows: Vec<Row>,
    /// The arguments of what follows on SQLite, or is around it on PostgreSQL.
    pub(super) then: Vec<Value>,
    /// As many rows of the other form, where there is one.
    pub(super) also: Vec<Row>,
}

impl Rows {
    /// The text for one engine, and the arguments.
    pub(super) fn build(self, engine: Engine) -> (SqlStr, Vec<Value>) {
        let Rows { insertion, rows, then, also } = self;
        let sql = insertion.text(engine, rows.len());
        let size = match engine {
            Engine::Sqlite if Insertion::is_kept(engine, rows.len()) => kept_for(rows.len()).1,
            Engine::Sqlite | Engine::Postgres => rows.len(),
        };
        let cells = size * insertion.form.columns.len();
        let more = insertion.form.also.map_or(0, |also| size * also.columns.len());
        let mut values = Vec::with_capacity(cells + then.len() + more);
        values.extend(rows.into_iter().flatten());
        values.resize(cells, Value::BigInt(None));
        values.extend(then);
        let before = values.len();
        values.extend(also.into_iter().flatten());
        values.resize(before + more, Value::BigInt(None));
        (sql, values)
    }
}

/// Makes sure that no text holds a NUL: PostgreSQL cannot hold one, and what one engine refuses, both do.
pub(super) fn without_nul(values: &[Value]) -> Result<(), StoreError> {
    let holds_nul = |value: &Value| matches!(value, Value::String(Some(text)) if text.contains('\0'));
    match values.iter().any(holds_nul) {
        false => Ok(()),
        true => Err(StoreError::unavailable("a text with a NUL character cannot be stored")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONES: Form = Form {
        table: "ones",
        columns: &["c"],
        otherwise: "",
        returning: "",
        around: "",
        then: "",
        also: None,
    };

    static PAIRS: Insertion = Insertion::of(PAIRS_FORM);

    const PAIRS_FORM: Form = Form {
        table: "pairs",
        columns: &["a", "b"],
        otherwise: " ON CONFLICT DO NOTHING",
        returning: " RETURNING a",
        around: "",
        then: "; DELETE FROM pairs WHERE a > ?",
        also: None,
    };

    static BOTH: Insertion = Insertion::of(Form { also: Some(&ONES), ..PAIRS_FORM });

    #[test]
    fn texts_name_every_argument() {
        for (engine, rows, expected) in [
            (
                Engine::Sqlite,
                1,
                "INSERT INTO pairs (a, b) SELECT * FROM (VALUES (?, ?)) WHERE column1 IS NOT NULL \
                 ON CONFLICT DO NOTHING; DELETE FROM pairs WHERE a > ?",
            ),
            (
                Engine::Sqlite,
                3,
                "INSERT INTO pairs (a, b) SELECT * FROM (VALUES (?, ?), (?, ?), (?, ?), (?, ?)) \
                 WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING; DELETE FROM pairs WHERE a > ?",
            ),
            (
                Engine::Postgres,
                1,
                "INSERT INTO pairs (a, b) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING a",
            ),
            (
                Engine::Postgres,
                2,
                "INSERT INTO pairs (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING RETURNING a",
            ),
        ] {
            assert_eq!(PAIRS.text(engine, rows).as_str(), expected);
        }
    }

    #[test]
    fn what_is_around_an_insertion_numbers_its_arguments_after_the_rows() {
        static AROUND: Insertion =
            Insertion::of(Form { around: "WITH new AS ({}) SELECT {2}, {1} FROM new", ..ONES });
        let number = |number| Value::BigInt(Some(number));
        let rows = Rows {
            insertion: &AROUND,
            rows: vec![vec![number(1)], vec![number(2)]],
            then: vec![number(3), number(4)],
            also: Vec::new(),
        };
        let (sql, values) = rows.build(Engine::Postgres);
        let expected = "WITH new AS (INSERT INTO ones (c) VALUES ($1), ($2)) SELECT $4, $3 FROM new";
        assert_eq!((sql.as_str(), values), (expected, [1, 2, 3, 4].map(number).to_vec()));
    }

    #[test]
    fn few_texts_are_kept_and_rows_beyond_them_have_their_own() {
        let text = |rows| PAIRS.text(Engine::Sqlite, rows).as_str().to_owned();
        assert_eq!(text(33), text(40));
        assert_ne!(text(32), text(33));
        let kept: Vec<_> = (1..=MOST_KEPT_ON_SQLITE).map(kept_for).collect();
        assert!(kept.iter().zip(1..).all(|((_, size), rows)| *size >= rows) && kept.is_sorted());
        assert_eq!((kept[2], kept[8], kept[63]), ((2, 4), (4, 16), (KEPT - 1, MOST_KEPT_ON_SQLITE)));
        assert_ne!(text(65), text(66));
        for (rows, is_kept) in [(1, true), (64, true), (65, false)] {
            assert_eq!(Insertion::is_kept(Engine::Sqlite, rows), is_kept);
        }
        assert!(Insertion::is_kept(Engine::Postgres, 16) && !Insertion::is_kept(Engine::Postgres, 17));
    }

    #[test]
    fn each_argument_has_a_value() {
        let number = |number| Value::BigInt(Some(number));
        for rows in [1, 3, 41, 64, 65, 100] {
            let (cells, also) = (vec![vec![number(1); 2]; rows], vec![vec![number(2)]; rows]);
            let all = Rows { insertion: &BOTH, rows: cells, then: vec![number(7)], also };
            let (sql, values) = all.build(Engine::Sqlite);
            assert_eq!(sql.as_str().matches('?').count(), values.len(), "{rows}");
            // Each begins where its statement does.
            let size = if rows > MOST_KEPT_ON_SQLITE { rows } else { kept_for(rows).1 };
            assert_eq!(
                (&values[0], &values[2 * size], &values[2 * size + 1]),
                (&number(1), &number(7), &number(2))
            );
            let count = |value| values.iter().filter(|other| **other == value).count();
            assert_eq!((count(number(1)), count(number(7)), count(number(2))), (2 * rows, 1, rows));
        }
    }
}
