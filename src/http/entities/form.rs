//! Fields of a body, read one by one, so that everything that is wrong is told at once.

use serde_json::{Map, Value};

use crate::{
    http::{Asked, Failure},
    ids::IdError,
};

/// Longest title in characters.
const TITLE: usize = 255;
/// Longest text for people in characters.
const TEXT: usize = 4096;
/// Deepest path that is told.
const DEPTH: usize = 64;

/// The fields of a body and what is wrong with them. A reader gives nothing for a field that is absent
/// or wrong; what it gives is used after [`Form::finish`].
pub(super) struct Form<'a> {
    fields: &'a Map<String, Value>,
    issues: Vec<(String, String)>,
}

impl<'a> Form<'a> {
    /// Of a body, which must be an object.
    pub(super) fn of(asked: &'a Asked) -> Result<Self, Failure> {
        let fields = asked.body.as_object();
        let fields = fields.ok_or_else(|| Failure::invalid("the body must be a JSON object"))?;
        Ok(Self { fields, issues: Vec::new() })
    }

    /// The first of the spellings that is there.
    fn get(&self, names: &[&'static str]) -> Option<(&'static str, &'a Value)> {
        names.iter().find_map(|name| self.fields.get(*name).map(|value| (*name, value)))
    }

    /// A field that must be there.
    pub(super) fn need(&mut self, names: &[&'static str]) {
        if self.get(names).is_none() {
            self.wrong(names.first().copied().unwrap_or_default(), "is missing");
        }
    }

    /// One thing that is wrong.
    pub(super) fn wrong(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.issues.push((path.into(), text.into()));
    }

    /// Refused when anything is wrong.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.issues.is_empty() { Ok(()) } else { Err(Failure::validation(self.issues)) }
    }

    /// A title.
    pub(super) fn title(&mut self, names: &[&'static str]) -> Option<String> {
        self.word(names, TITLE)
    }

    /// A text of one line, not blank.
    pub(super) fn word(&mut self, names: &[&'static str], most: usize) -> Option<String> {
        let (name, value) = self.get(names)?;
        match value.as_str() {
            Some(text) if text.chars().any(char::is_control) => {
                self.wrong(name, "must not contain control characters");
            }
            Some(text) if !text.trim().is_empty() && text.chars().count() <= most => {
                return Some(text.to_owned());
            }
            _ => self.wrong(name, format!("must be a text of 1 to {most} characters")),
        }
        None
    }

    /// A text for people; null removes it.
    pub(super) fn description(&mut self, name: &'static str) -> Option<Option<String>> {
        let (name, value) = self.get(&[name])?;
        match value {
            Value::Null => return Some(None),
            Value::String(text) if text.contains('\0') => {
                self.wrong(name, "must not contain a NUL character");
            }
            Value::String(text) if text.chars().count() <= TEXT => return Some(Some(text.clone())),
            _ => self.wrong(name, format!("must be a text of at most {TEXT} characters, or null")),
        }
        None
    }

    /// An id; null removes it.
    pub(super) fn id<T>(
        &mut self,
        name: &'static str,
        parse: fn(&str) -> Result<T, IdError>,
    ) -> Option<Option<T>> {
        let (name, value) = self.get(&[name])?;
        let parsed = match value {
            Value::Null => return Some(None),
            Value::String(text) => parse(text),
            _ => {
                self.wrong(name, "must be a string or null");
                return None;
            }
        };
        match parsed {
            Ok(id) => Some(Some(id)),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    /// A folder; null removes it.
    pub(super) fn folder(&mut self) -> Option<Option<String>> {
        match self.fields.get("folderID") {
            Some(Value::Null) => Some(None),
            _ => self.word(&["folderID"], 128).map(Some),
        }
    }

    /// A whole number; null removes it.
    pub(super) fn whole(&mut self, name: &'static str, most: i64) -> Option<Option<i64>> {
        let (name, value) = self.get(&[name])?;
        match (value, value.as_i64()) {
            (Value::Null, _) => return Some(None),
            (_, Some(number)) if (0..=most).contains(&number) => return Some(Some(number)),
            _ => self.wrong(name, format!("must be a whole number from 0 to {most}, or null")),
        }
        None
    }

    /// An object of at most so many bytes as JSON, without a NUL in any of its texts.
    pub(super) fn object(&mut self, name: &'static str, most: usize) -> Option<Map<String, Value>> {
        let (name, value) = self.get(&[name])?;
        let Some(object) = value.as_object() else {
            self.wrong(name, "must be an object");
            return None;
        };
        let size = value.to_string().len();
        if size > most {
            self.wrong(name, format!("has {size} bytes as JSON, at most {most} are taken"));
            return None;
        }
        if let Some(path) = nul(value, name, DEPTH) {
            self.wrong(path, "must not contain a NUL character");
            return None;
        }
        Some(object.clone())
    }
}

/// The first place with a NUL, which no database takes in a text.
fn nul(value: &Value, path: &str, depth: usize) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| path.to_owned()),
        Value::Array(items) if depth > 0 => (0..)
            .zip(items)
            .find_map(|(index, item): (usize, &Value)| nul(item, &format!("{path}[{index}]"), depth - 1)),
        Value::Object(fields) if depth > 0 => fields.iter().find_map(|(name, item)| {
            if name.contains('\0') {
                return Some(path.to_owned());
            }
            nul(item, &format!("{path}.{name}"), depth - 1)
        }),
        // Deeper than any client's JSON is (limits.json_depth).
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn issues(body: &Value, read: impl Fn(&mut Form<'_>)) -> Vec<String> {
        let mut form = Form { fields: body.as_object().unwrap(), issues: Vec::new() };
        read(&mut form);
        form.issues.into_iter().map(|(path, text)| format!("{path}: {text}")).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_told() {
        let body = json!({
            "title": "a\u{1}b", "text": "a\0", "id": "", "number": -1, "options": { "a": [{ "b": "\0" }] },
            "folderID": 7,
        });
        let found = issues(&body, |form| {
            assert_eq!(form.title(&["xTitle", "title"]), None);
            assert_eq!(form.description("text"), None);
            assert!(form.id("id", crate::ids::DataSourceId::parse).is_none());
            assert_eq!(form.whole("number", 9), None);
            assert_eq!(form.object("options", 100), None);
            assert_eq!(form.folder(), None);
            form.need(&["gone"]);
        });
        assert_eq!(
            found,
            [
                "title: must not contain control characters",
                "text: must not contain a NUL character",
                "id: an id must not be empty",
                "number: must be a whole number from 0 to 9, or null",
                "options.a[0].b: must not contain a NUL character",
                "folderID: must be a text of 1 to 128 characters",
                "gone: is missing",
            ]
        );
    }

    #[test]
    fn null_removes_and_absent_is_nothing() {
        let body = json!({ "text": null, "id": null, "number": null, "folderID": null, "options": {} });
        let found = issues(&body, |form| {
            assert_eq!(form.description("text"), Some(None));
            assert_eq!(form.id("id", crate::ids::DataSourceId::parse), Some(None));
            assert_eq!(form.whole("number", 9), Some(None));
            assert_eq!(form.folder(), Some(None));
            assert_eq!(form.object("options", 2), Some(Map::new()));
            assert_eq!((form.title(&["title"]), form.description("other")), (None, None));
        });
        assert_eq!(found, Vec::<String>::new());
        let found = issues(&json!({ "options": { "a": 1 }, "title": " " }), |form| {
            assert_eq!((form.object("options", 2), form.title(&["title"])), (None, None));
        });
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
