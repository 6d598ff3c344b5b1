//! An event or an ack of a client: its arguments as the client's own text.

use bytes::Bytes;
use engineioxide_core::Str;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// The number by which a client, or the hub, knows the ack that it waits for.
pub type AckId = i64;

/// An event: `["name", argument, …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name. A number, which is legal, is taken as its text.
    pub name: String,
    /// The ack that the client waits for.
    pub ack: Option<AckId>,
    /// Buffers of a binary event, in the order of their numbers.
    pub attachments: Vec<Bytes>,
    pub(super) arguments: Str,
}

impl Event {
    /// An event for tests and for sources other than a socket; `arguments` are JSON texts, joined by
    /// commas.
    pub fn new(name: &str, arguments: &str, ack: Option<AckId>) -> Self {
        Self {
            name: name.to_owned(),
            ack,
            attachments: Vec::new(),
            arguments: Str::copy_from_slice(arguments),
        }
    }

    /// The arguments as the client wrote them, joined by commas, without the name; empty without any.
    pub fn arguments(&self) -> &str {
        &self.arguments
    }

    /// The first argument as JSON text; `null` without any.
    pub fn first(&self) -> Box<RawValue> {
        self.list().into_iter().next().unwrap_or_else(|| RawValue::NULL.to_owned())
    }

    /// Each argument as JSON text.
    pub fn list(&self) -> Vec<Box<RawValue>> {
        list(&self.arguments)
    }

    /// Bytes of its payload, for rates.
    pub fn cost(&self) -> usize {
        self.name.len() + self.arguments.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}

/// A client's answer to an event of the hub: `[argument, …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ack {
    /// Which event it answers.
    pub id: AckId,
    /// Buffers of a binary ack.
    pub attachments: Vec<Bytes>,
    pub(super) arguments: Str,
}

impl Ack {
    /// The arguments as the client wrote them, joined by commas.
    pub fn arguments(&self) -> &str {
        &self.arguments
    }

    /// The first argument.
    ///
    /// # Errors
    /// When it has another shape.
    pub fn first<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let first = list(&self.arguments).into_iter().next();
        serde_json::from_str(first.as_deref().map_or("null", RawValue::get))
    }
}

fn list(arguments: &str) -> Vec<Box<RawValue>> {
    serde_json::from_str(&format!("[{arguments}]")).unwrap_or_default()
}
