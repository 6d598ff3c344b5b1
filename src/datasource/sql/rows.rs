//! Rows as they come, within the limits: what is too much is not kept.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::datasource::{Error, Reason};

/// How much an answer may be.
#[derive(Debug, Clone, Copy)]
pub(in crate::datasource) struct Limits {
    /// Most rows.
    pub rows: usize,
    /// Most bytes as JSON.
    pub bytes: usize,
    /// Exact numbers are always texts.
    pub exact_numbers: bool,
    /// What is more than `rows` or `bytes` ends the reading; without it, it is an error. Only for what reads.
    pub cut: bool,
}

impl Limits {
    /// The answer is too large.
    pub fn too_large(&self) -> Error {
        let message = format!(
            "the answer is larger than {} (datasource.max_bytes); ask for less",
            crate::config::Size::bytes(self.bytes)
        );
        Error::failed(Reason::Bytes, message)
    }

    /// What a driver may read of the wire for one answer: a value in transit may take more room than
    /// in JSON, and the bound is there for what a driver would buffer whole.
    pub fn wire(&self) -> usize {
        self.bytes.saturating_mul(4).saturating_add(1 << 20)
    }
}

/// What a statement answered.
#[derive(Debug, Default)]
pub(in crate::datasource) struct Table {
    /// Names of the columns, each once.
    pub columns: Vec<String>,
    /// Objects of column and value.
    pub rows: Vec<Value>,
    /// Of a write: how many rows it concerned.
    pub affected: Option<u64>,
    /// Of a write that made a row with a number of its own, where the database tells it.
    pub insert_id: Option<Value>,
    /// There was more, and it was not read.
    pub truncated: bool,
}

impl Table {
    /// As a node gets it.
    pub fn into_value(self) -> Value {
        let count = self.affected.unwrap_or(self.rows.len() as u64);
        let mut out = json!({ "result": self.rows, "rowCount": count });
        if let Some(id) = self.insert_id {
            out["insertId"] = id;
        }
        out
    }
}

/// An answer being read.
#[derive(Debug)]
pub(in crate::datasource) struct Rows {
    limits: Limits,
    names: Vec<String>,
    rows: Vec<Value>,
    bytes: usize,
    truncated: bool,
}

impl Rows {
    pub fn new(limits: Limits) -> Self {
        Self { limits, names: Vec::new(), rows: Vec::new(), bytes: 0, truncated: false }
    }

    /// The columns; a name that was there already gets a number.
    pub fn columns<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        let mut seen = HashSet::new();
        for name in names {
            let mut unique = name.to_owned();
            let mut number = 2;
            while !seen.insert(unique.clone()) {
                unique = format!("{name}_{number}");
                number += 1;
            }
            self.names.push(unique);
        }
    }

    /// One more row, its values in the order of the columns. False: it is one too many, and what comes
    /// after it need not be read.
    pub fn push(&mut self, values: impl IntoIterator<Item = Value>) -> Result<bool, Error> {
        if self.rows.len() >= self.limits.rows {
            if self.limits.cut {
                self.truncated = true;
                return Ok(false);
            }
            let message = format!(
                "the answer has more than {} rows (datasource.max_rows); add a LIMIT",
                self.limits.rows
            );
            return Err(Error::failed(Reason::Rows, message));
        }
        let mut row = Map::new();
        let mut bytes = 2;
        for (name, value) in self.names.iter().zip(values) {
            bytes += name.len() + 4 + size(&value);
            row.insert(name.clone(), value);
        }
        self.bytes += bytes;
        if self.bytes > self.limits.bytes {
            // A first row that is too large alone is nothing to show a part of.
            if self.limits.cut && !self.rows.is_empty() {
                self.truncated = true;
                return Ok(false);
            }
            return Err(self.limits.too_large());
        }
        self.rows.push(Value::Object(row));
        Ok(true)
    }

    pub fn exact_numbers(&self) -> bool {
        self.limits.exact_numbers
    }

    /// The whole answer. `affected`: of a write.
    pub fn finish(self, affected: Option<u64>) -> Table {
        let Self { names: columns, rows, truncated, .. } = self;
        Table { columns, rows, affected, insert_id: None, truncated }
    }
}

/// About how long a value is as JSON.
pub(in crate::datasource) fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| size(item) + 1).sum::<usize>(),
        Value::Object(map) => 2 + map.iter().map(|(key, item)| key.len() + 4 + size(item)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Coded};

    #[test]
    fn a_name_that_comes_twice_is_kept_apart() {
        let mut rows = Rows::new(Limits { rows: 9, bytes: 999, exact_numbers: false, cut: false });
        rows.columns(["id", "id", "id_2", "id", "?column?"]);
        rows.push((1..).map(Value::from)).unwrap();
        let answer = rows.finish(None).into_value();
        let expected = json!({ "id": 1, "id_2": 2, "id_2_2": 3, "id_3": 4, "?column?": 5 });
        assert_eq!(answer, json!({ "result": [expected], "rowCount": 1 }));
    }

    #[test]
    fn limits_name_their_setting() {
        let mut rows = Rows::new(Limits { rows: 1, bytes: 50, exact_numbers: false, cut: false });
        rows.columns(["a"]);
        rows.push([json!(1)]).unwrap();
        let error = rows.push([json!(1)]).unwrap_err();
        assert_eq!(error.code(), Code::QueryFailed);
        assert!(error.to_string().contains("datasource.max_rows"), "{error}");
        let mut rows = Rows::new(Limits { rows: 9, bytes: 50, exact_numbers: false, cut: false });
        rows.columns(["a"]);
        let error = rows.push([json!("x".repeat(60))]).unwrap_err();
        assert!(error.to_string().contains("datasource.max_bytes"), "{error}");
    }

    #[test]
    fn what_is_cut_is_no_error() {
        let cut = |rows, bytes| Rows::new(Limits { rows, bytes, exact_numbers: false, cut: true });
        let mut rows = cut(1, 999);
        rows.columns(["a"]);
        assert!(rows.push([json!(1)]).unwrap());
        assert!(!rows.truncated, "as many as asked for is all of them");
        assert!(!rows.push([json!(2)]).unwrap());
        let table = rows.finish(None);
        assert_eq!((table.rows, table.truncated), (vec![json!({ "a": 1 })], true));
        let mut rows = cut(9, 50);
        rows.columns(["a"]);
        assert!(rows.push([json!("x".repeat(30))]).unwrap());
        assert!(!rows.push([json!("x".repeat(30))]).unwrap());
        let mut rows = cut(9, 50);
        rows.columns(["a"]);
        assert_eq!(rows.push([json!("x".repeat(60))]).unwrap_err().reason(), "max_bytes");
    }
}
