//! The first rows of an answer.

use serde_json::{Map, Value, json};

use crate::datasource::{
    DataSources, Effect, Error, QueryCall,
    door::About,
    drivers::{Answer, Manner},
    sql::Table,
};

/// The first rows of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// Names of the columns, in order. A list of a service has those of its objects, else `value`.
    pub columns: Vec<String>,
    /// Objects of column and value.
    pub rows: Vec<Value>,
    /// There was more.
    pub truncated: bool,
    /// What is no table: an answer of a service that is no list, whole; of a write `{ rowCount, insertId? }`.
    pub value: Option<Value>,
}

/// Why there is no glance.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Glanced {
    /// The query may change something: nothing was sent.
    #[error("the query may change something")]
    MayWrite,
    /// It failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl DataSources {
    /// Runs a saved query that only reads ([`Effect::Reads`]) and keeps the first `rows` of its answer;
    /// one with more is no error. Whether it only reads is decided on what is run, not on what was
    /// saved a moment before.
    pub async fn glance(&self, call: QueryCall, rows: usize) -> Result<Glance, Glanced> {
        let about = About::of(&call);
        let manner = Manner { rows: Some(rows), ..Manner::default() };
        let answer = self.watched(about, |inner, asked| async move {
            let saved = inner.load(&call.tenant, &call.query).await?;
            match &saved {
                Some(saved) if saved.effect() == Effect::Reads => {}
                None if inner.settings.service_url.is_none() => return Err(Error::Foreign),
                _ => return Ok(None),
            }
            inner.answer(call, saved, manner, &asked).await.map(Some)
        });
        answer.await?.map(|answer| Glance::of(answer, rows)).ok_or(Glanced::MayWrite)
    }
}

impl Glance {
    pub(super) fn of(answer: Answer, rows: usize) -> Self {
        match answer {
            Answer::Table(table) => Self::of_table(table, rows),
            Answer::Value(Value::Array(items)) => Self::of_list(items, rows),
            Answer::Value(value) => {
                Self { columns: Vec::new(), rows: Vec::new(), truncated: false, value: Some(value) }
            }
        }
    }

    fn of_table(table: Table, most: usize) -> Self {
        let Table { columns, mut rows, affected, insert_id, truncated } = table;
        let truncated = truncated || rows.len() > most;
        rows.truncate(most);
        let value = affected.map(|count| {
            let mut value = json!({ "rowCount": count });
            if let Some(id) = insert_id {
                value["insertId"] = id;
            }
            value
        });
        Self { columns, rows, truncated, value }
    }

    fn of_list(mut items: Vec<Value>, most: usize) -> Self {
        let truncated = items.len() > most;
        items.truncate(most);
        let mut columns = Vec::<String>::new();
        if items.iter().all(Value::is_object) {
            for name in items.iter().filter_map(Value::as_object).flat_map(Map::keys) {
                if !columns.contains(name) {
                    columns.push(name.clone());
                }
            }
        } else {
            columns.push("value".to_owned());
            items = items.into_iter().map(|item| json!({ "value": item })).collect();
        }
        Self { columns, rows: items, truncated, value: None }
    }
}
