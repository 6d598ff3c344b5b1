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

/// An answer being read.
#[derive(Debug)]
pub(in crate::datasource) struct Rows {
    limits: Limits,
    names: Vec<String>,
    rows: Vec<Value>,
    bytes: usize,
}

impl Rows {
    pub fn new(limits: Limits) -> Self {
        Self { limits, names: Vec::new(), rows: Vec::new(), bytes: 0 }
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

    /// One more row, its values in the order of the columns.
    pub fn push(&mut self, values: impl IntoIterator<Item = Value>) -> Result<(), Error> {
        if self.rows.len() >= self.limits.rows {
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
            return Err(self.limits.too_large());
        }
        self.rows.push(Value::Object(row));
        Ok(())
    }

    pub fn exact_numbers(&self) -> bool {
        self.limits.exact_numbers
    }

    /// The whole answer. `affected`: of a write.
    pub fn finish(self, affected: Option<u64>) -> Value {
        let count = affected.unwrap_or(self.rows.len() as u64);
        json!({ "result": self.rows, "rowCount": count })
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
        let mut rows = Rows::new(Limits { rows: 9, bytes: 999, exact_numbers: false });
        rows.columns(["id", "id", "id_2", "id", "?column?"]);
        rows.push((1..).map(Value::from)).unwrap();
        let answer = rows.finish(None);
        let expected = json!({ "id": 1, "id_2": 2, "id_2_2": 3, "id_3": 4, "?column?": 5 });
        assert_eq!(answer, json!({ "result": [expected], "rowCount": 1 }));
    }

    #[test]
    fn limits_name_their_setting() {
        let mut rows = Rows::new(Limits { rows: 1, bytes: 50, exact_numbers: false });
        rows.columns(["a"]);
        rows.push([json!(1)]).unwrap();
        let error = rows.push([json!(1)]).unwrap_err();
        assert_eq!(error.code(), Code::QueryFailed);
        assert!(error.to_string().contains("datasource.max_rows"), "{error}");
        let mut rows = Rows::new(Limits { rows: 9, bytes: 50, exact_numbers: false });
        rows.columns(["a"]);
        let error = rows.push([json!("x".repeat(60))]).unwrap_err();
        assert!(error.to_string().contains("datasource.max_bytes"), "{error}");
    }
}
