//! The parts of an AsyncAPI 2.6 document that are used here.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// An AsyncAPI 2.6 document.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub(super) asyncapi: &'static str,
    pub(super) id: &'static str,
    pub(super) info: Info,
    pub(super) tags: [Named; 3],
    pub(super) default_content_type: &'static str,
    pub(super) servers: BTreeMap<&'static str, Server>,
    /// By event name, in the order of the contract.
    pub(super) channels: Map<String, Value>,
    pub(super) components: Components,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Info {
    pub title: &'static str,
    pub version: &'static str,
    pub description: &'static str,
    pub license: Named,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Named {
    pub name: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Server {
    pub url: &'static str,
    pub protocol: &'static str,
    pub description: &'static str,
    pub security: Vec<BTreeMap<&'static str, [&'static str; 0]>>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Channel {
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<Operation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<Operation>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation {
    pub operation_id: String,
    pub summary: String,
    pub message: Reference,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Reference {
    #[serde(rename = "$ref")]
    pub target: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    pub message_id: String,
    pub name: String,
    pub title: String,
    pub summary: String,
    pub payload: Value,
    pub examples: Vec<MessageExample>,
    /// What an acknowledgement callback is called with; AsyncAPI has no word for it.
    #[serde(rename = "x-ack", skip_serializing_if = "Option::is_none")]
    pub ack: Option<Value>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct MessageExample {
    pub name: &'static str,
    pub summary: &'static str,
    pub payload: Value,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Components {
    pub messages: Map<String, Value>,
    pub schemas: Map<String, Value>,
    pub security_schemes: BTreeMap<&'static str, Value>,
}
