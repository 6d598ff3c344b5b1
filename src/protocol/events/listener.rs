//! The events of listeners: `contract.md` 2.9, 3.12.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::{Client, Error, Example, Server, wire::AnyId};
use crate::ids::ListenerId;

/// Longest name of a room: a prefix and an id.
const MAX_NAME: usize = 1024;

/// Argument of `join_room` and `leave_room`: a plain string, no object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomName(pub String);

impl RoomName {
    /// Reads an event's first argument. Whether it names a room is another question.
    pub fn parse(argument: &RawValue) -> Result<Self, Error> {
        let wrong = Error::Type { field: "room", expected: "a string" };
        let name: String = serde_json::from_str(argument.get()).map_err(|_| wrong)?;
        if name.len() > MAX_NAME { Err(wrong) } else { Ok(Self(name)) }
    }
}

impl JsonSchema for RoomName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RoomName".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`listener_test:<listenerID>`, `listener:<listenerID>` or `tenant:<tenantID>`. Other names are ignored.",
            "type": "string",
            "pattern": "^(listener_test|listener|tenant):.{1,128}$",
        })
    }
}

/// `listener_test_event`: an event of a listener under test, to the room `listener_test:<listenerID>`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerTestEvent {
    /// Pages look for theirs.
    #[serde(rename = "listenerID")]
    #[schemars(with = "AnyId")]
    pub listener_id: ListenerId,
    /// As it came.
    pub raw_event: Value,
    /// As pages would get it; null when it was not transformed.
    pub transformed_event: Value,
    /// Why it was not transformed.
    pub transform_error: Option<String>,
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

/// `listener_event`: an event of a listener, to a widget's registrations or to a room.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerEvent {
    /// `listener:<listenerID>`, or what the publisher calls it.
    pub channel_name: String,
    /// What happened.
    pub data: Value,
    /// What a page does with it: `replace`, `append`, or a word of the publisher's.
    pub mode: String,
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

const LISTENER: &str = "0199f3a1-5c1e-7c43-9d7b-0f2f4f3b6a20";

/// Examples of what clients send.
pub(super) fn client_examples() -> Vec<Example<Client>> {
    let example = |event, name, summary, payload| Example { event, name, summary, payload };
    let test = json!(format!("listener_test:{LISTENER}"));
    vec![
        example(Client::RoomJoin, "enterTest", "what a listener's page sends", test.clone()),
        example(Client::RoomJoin, "enterTenant", "events for everybody of a tenant", json!("tenant:acme")),
        example(Client::RoomLeave, "leaveTest", "the page was left", test),
    ]
}

/// Examples of what the hub sends.
pub(super) fn server_examples() -> Vec<Example<Server>> {
    let example = |event, name, summary, payload| Example { event, name, summary, payload };
    vec![
        example(
            Server::ListenerTest,
            "testEvent",
            "an event under test",
            json!({
                "listenerID": LISTENER, "rawEvent": "{\"id\":7}", "transformedEvent": { "id": 7 },
                "transformError": null, "timestamp": 1_767_225_600_000_i64,
            }),
        ),
        example(
            Server::Listener,
            "event",
            "an event for a tenant's room",
            json!({
                "channelName": format!("listener:{LISTENER}"), "data": { "id": 7 }, "mode": "append",
                "timestamp": 1_767_225_600_000_i64,
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_is_a_plain_string() {
        let parse = |text: &str| {
            RoomName::parse(&serde_json::from_str::<Box<RawValue>>(text).unwrap_or_else(|_| unreachable!()))
        };
        assert_eq!(parse(r#""tenant:5""#), Ok(RoomName("tenant:5".to_owned())));
        let wrong = Error::Type { field: "room", expected: "a string" };
        for text in ["null", "5", "{}", r#"["tenant:5"]"#, &format!("\"{}\"", "x".repeat(1025))] {
            assert_eq!(parse(text), Err(wrong), "{text}");
        }
    }
}
