//! A change of a row, with its audit row, in one transaction.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    error::Code,
    http::{Asked, Failure},
    ids::RequestId,
    store::{self, Connection, tables::audit},
};

/// What the audit says of a change: names, never values, since a value may be a secret in the wrong
/// place.
pub(super) struct Note {
    /// `datasource.create` and so on.
    pub action: &'static str,
    /// `datasource:<id>`.
    pub subject: String,
    /// The fields that were given.
    pub fields: Vec<String>,
}

impl Note {
    /// Of a request with a body.
    pub(super) fn of(asked: &Asked, action: &'static str, kind: &str, id: &str) -> Self {
        let given = asked.body.as_object().map(Map::keys);
        // The audit is no place for what a client makes up.
        let known = |name: &&String| name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric());
        let fields = given.into_iter().flatten().filter(known).take(32).cloned().collect();
        Self { action, subject: format!("{kind}:{id}"), fields }
    }
}

/// Why a change was not made.
pub(super) enum Refused {
    Store(store::Error),
    Told(Box<Failure>),
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Told(Box::new(failure))
    }
}

/// Makes a change and notes it. `write` refuses before it has written anything. A missing row is
/// answered with `missing`.
pub(super) async fn change<T, F>(asked: &Asked, note: Note, missing: Code, write: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: FnOnce(&mut Connection, Timestamp) -> Result<T, Refused> + Send + 'static,
{
    let parts = &asked.hub.parts;
    let (at, by, tenant) = (parts.clock.now(), asked.by(), asked.tenant()?.clone());
    let outcome = parts.store.write(move |db| match write(db, at) {
        Ok(value) => {
            let request = by.request.as_deref().map(RequestId::trusted);
            let entry = audit::NewEntry {
                at,
                tenant: Some(&tenant),
                actor: &by.who,
                action: note.action,
                subject: &note.subject,
                detail: json!({ "ip": by.ip, "set": { "fields": note.fields } }),
                request: request.as_ref(),
            };
            audit::record(db, &entry)?;
            Ok(Ok(value))
        }
        Err(Refused::Told(failure)) => Ok(Err(failure)),
        Err(Refused::Store(error)) => Err(error),
    });
    match outcome.await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(*failure),
        Err(store::Error::NotFound) => Err(Failure::of(missing)),
        // The tenant was removed meanwhile.
        Err(store::Error::Reference) => Err(Failure::of(missing)),
        Err(error) => Err(error.into()),
    }
}

/// The part of an object that is a field; an empty object when there is none.
pub(super) fn object(value: Option<Map<String, Value>>) -> Value {
    Value::Object(value.unwrap_or_default())
}

/// The text of the query's `search`.
pub(super) fn search(asked: &Asked) -> Option<String> {
    asked.query.get("search").filter(|text| !text.is_empty()).cloned()
}
