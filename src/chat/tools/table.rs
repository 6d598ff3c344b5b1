//! Answers of queries as tables for people and as values for models, both bounded. Pure.

use serde_json::{Map, Value, json};

use super::cells::{cell, text, whole};
use crate::ai::Table;

/// Most columns that are shown.
const COLUMNS: usize = 100;
/// Longest name of a column.
const NAME: usize = 256;
/// Most bytes of a table that goes to a chat.
const BYTES: usize = 256 << 10;

/// A table that is being filled, within its bounds.
pub(super) struct Filling {
    table: Table,
    bytes: usize,
    rows: usize,
}

impl Filling {
    /// With these columns, for at most so many rows.
    pub fn new<'n>(columns: impl IntoIterator<Item = &'n str>, rows: usize) -> Self {
        let mut names: Vec<String> =
            columns.into_iter().take(COLUMNS + 1).map(|name| text(name, NAME).into_owned()).collect();
        let truncated = names.len() > COLUMNS;
        names.truncate(COLUMNS);
        let bytes = names.iter().map(String::len).sum();
        Self { table: Table { columns: names, rows: Vec::new(), truncated }, bytes, rows }
    }

    /// One more row; a value for each column. Past a bound it is left out, which the table says.
    pub fn row<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) {
        if self.table.rows.len() >= self.rows || self.bytes > BYTES {
            self.table.truncated = true;
            return;
        }
        let row: Vec<Value> = values.into_iter().take(self.table.columns.len()).map(cell).collect();
        self.bytes += row.iter().map(|value| value.to_string().len() + 1).sum::<usize>();
        if self.bytes > BYTES {
            self.table.truncated = true;
            return;
        }
        self.table.rows.push(row);
    }

    /// The table; `more`: there were rows that nobody gave to it.
    pub fn finish(mut self, more: bool) -> Table {
        self.table.truncated |= more;
        self.table
    }
}

/// Rows that are objects, in the order of the columns.
pub(super) fn of_rows(columns: &[String], rows: &[Value], truncated: bool, most: usize) -> Table {
    let mut filling = Filling::new(columns.iter().map(String::as_str), most);
    for row in rows {
        filling.row(columns.iter().map(|name| row.get(name).unwrap_or(&Value::Null)));
    }
    filling.finish(truncated)
}

/// An answer that is no rows: the members of an object, or one value.
pub(super) fn of_value(value: &Value, most: usize) -> Table {
    match value {
        Value::Object(members) => of_members(members, most),
        other => {
            let mut filling = Filling::new(["value"], most);
            filling.row([other]);
            filling.finish(false)
        }
    }
}

/// Names with their values.
pub(super) fn of_members(members: &Map<String, Value>, most: usize) -> Table {
    let mut filling = Filling::new(["name", "value"], most);
    for (name, value) in members {
        filling.row([&Value::String(name.clone()), value]);
    }
    filling.finish(false)
}

/// A table as a model reads it: its rows until so many bytes are full.
pub(super) fn for_model(table: &Table, most: usize) -> Value {
    let mut bytes = json!({ "columns": table.columns, "rows": [], "truncated": false }).to_string().len();
    let mut rows = Vec::new();
    for row in &table.rows {
        let row = Value::Array(row.clone());
        bytes += row.to_string().len() + 1;
        if bytes > most {
            break;
        }
        rows.push(row);
    }
    let truncated = table.truncated || rows.len() < table.rows.len();
    json!({ "columns": table.columns, "rows": rows, "truncated": truncated })
}

/// Any value as a model reads it: whole, or as much of its text as fits.
pub(super) fn fitting(value: &Value, most: usize) -> Value {
    let clean = whole(value);
    let words = clean.to_string();
    // A text that is cut is quoted once more: leave room for that.
    if words.len() <= most { clean } else { Value::String(text(&words, most / 2 - 1).into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("c{at}")).collect()
    }

    #[test]
    fn rows_follow_their_columns() {
        let columns = ["b".to_owned(), "a".to_owned()];
        let rows = [json!({"a": 1, "b": "x\u{202e}"}), json!({"a": 2})];
        let table = of_rows(&columns, &rows, false, 50);
        assert_eq!(table.columns, ["b", "a"]);
        assert_eq!(table.rows, [vec![json!("x\u{fffd}"), json!(1)], vec![json!(null), json!(2)]]);
        assert!(!table.truncated);
    }

    #[test]
    fn every_bound_is_told() {
        let rows: Vec<Value> = (0..9).map(|at| json!({"c0": at})).collect();
        let table = of_rows(&names(1), &rows, false, 5);
        assert!(table.truncated && table.rows.len() == 5);
        let table = of_rows(&names(101), &[json!({})], false, 5);
        assert!(table.truncated && table.columns.len() == 100 && table.rows[0].len() == 100);
        let wide: Vec<Value> = (0..1000).map(|_| json!({"c0": "x".repeat(2000)})).collect();
        let table = of_rows(&names(1), &wide, false, 1000);
        assert!(table.truncated && (200..256).contains(&table.rows.len()), "{}", table.rows.len());
        assert!(of_rows(&names(1), &rows, true, 50).truncated, "there were more before it came here");
    }

    #[test]
    fn a_model_gets_what_fits() {
        let rows: Vec<Value> = (0..50).map(|_| json!({"c0": "x".repeat(100)})).collect();
        let table = of_rows(&names(1), &rows, false, 50);
        let value = for_model(&table, 1024);
        assert!(value.to_string().len() <= 1024);
        assert_eq!(value["truncated"], true);
        assert!(value["rows"].as_array().unwrap().len() > 5);
        assert_eq!(for_model(&table, 99_999)["rows"].as_array().unwrap().len(), 50);
        let large = json!({ "a": "\"".repeat(4000) });
        assert!(fitting(&large, 1024).to_string().len() <= 1024);
    }

    #[test]
    fn what_is_no_rows_is_shown_all_the_same() {
        assert_eq!(of_value(&json!({"ok": true}), 9).rows, [vec![json!("ok"), json!(true)]]);
        assert_eq!(of_value(&json!([1, 2]), 9).rows, [vec![json!([1, 2])]]);
    }
}
