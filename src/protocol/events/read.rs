//! Reading of fields with aliases. Aliases are read one after the other instead of by serde's
//! `alias`, because a payload with two spellings of one field is no mistake.

use serde_json::{Map, Value, value::RawValue};

use super::Error;
use crate::ids::IdError;

const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// The fields of an event's first argument.
pub(super) struct Fields(Map<String, Value>);

impl From<Map<String, Value>> for Fields {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

impl Fields {
    pub(super) fn of(argument: &RawValue) -> Result<Self, Error> {
        serde_json::from_str(argument.get()).map(Self).map_err(|_| Error::NoObject)
    }

    /// The same; an event without an argument has no fields.
    pub(super) fn or_empty(argument: &RawValue) -> Result<Self, Error> {
        if argument.get() == "null" { Ok(Self(Map::new())) } else { Self::of(argument) }
    }

    /// The first of the spellings that has a value; `null` is none.
    fn get(&self, names: &[&'static str]) -> Option<(&'static str, &Value)> {
        names.iter().find_map(|name| match self.0.get(*name) {
            None | Some(Value::Null) => None,
            Some(value) => Some((*name, value)),
        })
    }

    /// An id that must be there: a string.
    pub(super) fn id<T>(
        &self,
        names: &[&'static str],
        parse: fn(&str) -> Result<T, IdError>,
    ) -> Result<T, Error> {
        let field = names.first().copied().unwrap_or_default();
        let (field, value) = self.get(names).ok_or(Error::Missing { field })?;
        let text = value.as_str().ok_or(Error::Type { field, expected: "a string" })?;
        parse(text).map_err(|why| Error::Id { field, why })
    }

    /// A value that may be left out; `null` is none.
    pub(super) fn value(&self, names: &[&'static str]) -> Option<&Value> {
        self.get(names).map(|(_, value)| value)
    }

    /// A string that must be there, of at most so many bytes.
    pub(super) fn word(&self, field: &'static str, most: usize) -> Result<String, Error> {
        let (field, value) = self.get(&[field]).ok_or(Error::Missing { field })?;
        let expected = "a string that is not empty and not too long";
        let text = value.as_str().filter(|text| !text.is_empty() && text.len() <= most);
        text.map(str::to_owned).ok_or(Error::Type { field, expected })
    }

    /// Objects that may be left out, merged in this order: what a later one says counts.
    pub(super) fn merged(&self, names: &[&'static str]) -> Result<Option<Map<String, Value>>, Error> {
        let mut merged = None;
        for name in names {
            match self.0.get(*name) {
                None | Some(Value::Null) => {}
                Some(Value::Object(more)) => {
                    merged.get_or_insert_with(Map::new).extend(more.clone());
                }
                Some(_) => return Err(Error::Type { field: name, expected: "an object" }),
            }
        }
        Ok(merged)
    }

    /// An id that may be left out: a string.
    pub(super) fn optional_id<T>(
        &self,
        names: &[&'static str],
        parse: fn(&str) -> Result<T, IdError>,
    ) -> Result<Option<T>, Error> {
        if self.get(names).is_none() {
            return Ok(None);
        }
        self.id(names, parse).map(Some)
    }

    /// An id that may be left out and may come as a number (`tenantID`): compared as text.
    pub(super) fn id_or_number<T>(
        &self,
        names: &[&'static str],
        parse: fn(&str) -> Result<T, IdError>,
    ) -> Result<Option<T>, Error> {
        let Some((field, value)) = self.get(names) else { return Ok(None) };
        let parsed = match value {
            Value::String(text) => parse(text),
            Value::Number(number) => parse(&number.to_string()),
            _ => return Err(Error::Type { field, expected: "a string or a number" }),
        };
        parsed.map(Some).map_err(|why| Error::Id { field, why })
    }

    /// A whole number from 0 that a JavaScript number can hold.
    pub(super) fn count(&self, name: &'static str) -> Result<Option<i64>, Error> {
        let Some((field, value)) = self.get(&[name]) else { return Ok(None) };
        match value.as_i64() {
            Some(number) if (0..=MAX_SAFE_INTEGER).contains(&number) => Ok(Some(number)),
            _ => Err(Error::Type { field, expected: "a whole number from 0" }),
        }
    }

    /// A yes or no; left out is no.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, Error> {
        match self.get(&[name]) {
            None => Ok(false),
            Some((_, Value::Bool(flag))) => Ok(*flag),
            Some((field, _)) => Err(Error::Type { field, expected: "true or false" }),
        }
    }
}
