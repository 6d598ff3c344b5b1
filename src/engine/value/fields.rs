//! Objects whose members are shared between the context, outputs, rows and frames.

use std::{collections::BTreeMap, io, sync::Arc};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

/// An object; its members are shared, so that a clone copies pointers only.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<Arc<str>, Arc<Value>>);

impl Fields {
    /// An empty object.
    pub fn new() -> Self {
        Self::default()
    }
    /// The member of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Value>> {
        self.0.get(name)
    }
    /// Sets a member; the old one is returned.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<Value>>) -> Option<Arc<Value>> {
        self.0.insert(name.into(), value.into())
    }
    /// The same, for building.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.insert(name, value.into());
        self
    }
    /// All members, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Value>)> {
        self.0.iter()
    }
    /// How many members.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// No member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// A deep copy as plain JSON.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.iter().map(|(name, value)| (name.to_string(), value.as_ref().clone())).collect())
    }
    /// Changes each member's value.
    pub(in crate::engine) fn each_value(&mut self, change: &mut dyn FnMut(&Arc<Value>) -> Arc<Value>) {
        for value in self.0.values_mut() {
            *value = change(value);
        }
    }
    /// Without the members that clients never see (`__…`).
    #[must_use]
    pub fn public(mut self) -> Self {
        self.0.retain(|name, _| !name.starts_with("__"));
        self
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(map: Map<String, Value>) -> Self {
        map.into_iter().collect()
    }
}

impl FromIterator<(String, Value)> for Fields {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(members: T) -> Self {
        Self(members.into_iter().map(|(name, value)| (Arc::from(name), Arc::new(value))).collect())
    }
}

/// Bytes of a value as compact JSON, counted without building it.
pub fn json_size(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

/// A user context at one row: what clients see. A clone is one pointer; it serialises as the
/// object, without `__` members.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Context {
    fields: Arc<Fields>,
    /// Bytes of all members as JSON, each with a comma.
    #[serde(skip)]
    members: usize,
}

impl Context {
    /// Of these members; internal ones are dropped.
    pub fn new(fields: Fields) -> Self {
        let fields = fields.public();
        let sizes = fields.iter().map(|(name, value)| member_size(name, value));
        let members = sizes.fold(0, usize::saturating_add);
        Self { fields: Arc::new(fields), members }
    }
    /// Its members.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }
    /// Its size as JSON in bytes, kept up to date by each change.
    pub fn bytes(&self) -> usize {
        // Braces, and one comma less than members.
        self.members.saturating_add(1).max(2)
    }
    fn members_with(&self, name: &str, value: &Value) -> usize {
        let old = self.fields.get(name).map_or(0, |old| member_size(name, old));
        self.members.saturating_sub(old).saturating_add(member_size(name, value))
    }
    /// Size it would have with that member.
    pub(in crate::engine) fn bytes_with(&self, name: &str, value: &Value) -> usize {
        self.members_with(name, value).saturating_add(1)
    }
    /// Changes each member's value.
    pub(in crate::engine) fn each_value(&mut self, change: &mut dyn FnMut(&Arc<Value>) -> Arc<Value>) {
        let mut fields = self.fields.as_ref().clone();
        fields.each_value(change);
        *self = Self::new(fields);
    }
    /// Sets a member.
    pub(in crate::engine) fn insert(&mut self, name: Arc<str>, value: Arc<Value>) {
        self.members = self.members_with(&name, &value);
        Arc::make_mut(&mut self.fields).insert(name, value);
    }
}

fn member_size(name: &str, value: &Value) -> usize {
    json_size(&name).saturating_add(json_size(value)).saturating_add(2)
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Fields::deserialize(d).map(Self::new)
    }
}

/// What code sees as `ctx`: the user context, `__error`, and what nodes left under `__node_<id>`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CodeContext {
    /// The user context.
    pub context: Context,
    /// Internal members, shown to code only.
    pub internal: Fields,
}

impl Serialize for CodeContext {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let fields = self.context.fields();
        let mut map = s.serialize_map(Some(fields.len() + self.internal.len()))?;
        for (name, value) in fields.iter().chain(self.internal.iter()) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
