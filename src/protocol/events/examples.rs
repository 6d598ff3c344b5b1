//! One example or more of each event that is served; shown in AsyncAPI, checked against the
//! types and their schemas, and sent to a hub by a test.

use serde_json::{Value, json};

use super::{Client, Server, chat, listener, widget};

/// An example of an event's first argument.
#[derive(Debug, Clone)]
pub struct Example<E> {
    /// The event.
    pub event: E,
    /// One word for it.
    pub name: &'static str,
    /// What it shows, in one clause.
    pub summary: &'static str,
    /// The payload.
    pub payload: Value,
}

const RUN: &str = "0199f3a1-5c1e-7c43-9d7b-0f2f4f3b6a10";

/// Examples of what clients send, and of what the hub sends.
pub fn examples() -> (Vec<Example<Client>>, Vec<Example<Server>>) {
    (client(), server())
}

fn client() -> Vec<Example<Client>> {
    let example = |event, name, summary, payload| Example { event, name, summary, payload };
    let mut examples = vec![
        example(Client::RunJoin, "join", "all that pages send", json!({ "runId": RUN })),
        example(
            Client::RunJoin,
            "joinAgain",
            "after a reconnect: only what was missed",
            json!({ "runId": RUN, "since": 5 }),
        ),
        example(
            Client::RunJoin,
            "joinWithProgress",
            "also nodes that begin or wait",
            json!({ "runId": RUN, "progress": true }),
        ),
        example(
            Client::RunJoin,
            "joinAsOldPages",
            "firebaseID is ignored: the handshake says who it is",
            json!({ "runId": RUN, "firebaseID": "user-firebase-uid" }),
        ),
        example(Client::RunLeave, "leave", "no more events of this run", json!({ "runId": RUN })),
    ];
    examples.extend(widget::client_examples());
    examples.extend(listener::client_examples());
    examples.extend(chat::client_examples());
    examples
}

fn server() -> Vec<Example<Server>> {
    let example = |event, name, summary, payload| Example { event, name, summary, payload };
    let mut examples = vec![
        example(
            Server::NodeUpdate,
            "success",
            "a node ended well",
            json!({
                "instanceID": RUN, "runId": RUN, "nodeID": "n2", "nodeId": "n2", "status": "success", "seq": 5,
                "nodeType": "javascript", "nodeAttempt": 1, "outputVariable": "jsResult",
                "output": { "jsResult": 42, "success": true },
                "contextData": { "input": { "x": 1 }, "jsResult": 42 }, "durationMs": 7,
            }),
        ),
        example(
            Server::NodeUpdate,
            "failed",
            "a node failed, seen by a late joiner",
            json!({
                "instanceID": RUN, "runId": RUN, "nodeID": "n3", "nodeId": "n3", "status": "failed", "seq": 7,
                "nodeType": "javascript", "nodeAttempt": 3, "outputVariable": "total",
                "output": { "total": null, "success": false }, "error": "rows is not iterable",
                "contextData": { "input": { "x": 1 }, "jsResult": 42, "total": null }, "replayed": true,
            }),
        ),
        example(
            Server::NodeUpdate,
            "running",
            "only with progress",
            json!({
                "instanceID": RUN, "runId": RUN, "nodeID": "n2", "nodeId": "n2", "status": "running", "seq": 4,
                "nodeType": "javascript", "nodeAttempt": 1, "output": {},
            }),
        ),
        example(
            Server::StatusUpdate,
            "completed",
            "the run ended well",
            json!({
                "instanceID": RUN, "runId": RUN, "status": "COMPLETED", "seq": 9,
                "contextData": { "input": {}, "jsResult": 42, "output": { "total": 42 } }, "output": { "total": 42 },
                "completedAt": "2026-01-01T00:00:00.000Z",
            }),
        ),
        example(
            Server::StatusUpdate,
            "failed",
            "the run failed",
            json!({
                "instanceID": RUN, "runId": RUN, "status": "FAILED", "seq": 8, "contextData": { "input": {} },
                "output": null, "error": "Node n3 failed: rows is not iterable", "errorCode": "NODE_FAILED",
                "completedAt": "2026-01-01T00:00:00.000Z",
            }),
        ),
        example(
            Server::CollectionRequest,
            "approval",
            "a run waits for a decision",
            json!({
                "instanceID": RUN, "runId": RUN, "nodeID": "n4", "nodeId": "n4", "seq": 11,
                "collectionRequestID": "9d1f5f0e-7b8e-5b0c-8a51-0d3c8a0f6a11", "collectionType": "approval",
                "collectionConfig": {
                    "collectionType": "approval", "title": "Refund 40 EUR?", "description": "", "approvers": "",
                    "requireComment": false, "approveLabel": "Accept", "rejectLabel": "Reject", "cancelLabel": "Cancel",
                    "outputVariable": "approval", "expiryMinutes": 60, "onTimeout": "expired",
                },
                "expiresAt": "2026-01-01T01:00:00.000Z",
            }),
        ),
        example(
            Server::RunError,
            "notFound",
            "no such run, or one of another tenant",
            json!({
                "instanceID": RUN, "runId": RUN,
                "error": { "code": "RUN_NOT_FOUND", "message": "no such run in this tenant" },
            }),
        ),
        example(
            Server::RunError,
            "invalid",
            "a payload of the wrong shape",
            json!({
                "instanceID": null, "runId": null,
                "error": { "code": "INVALID_REQUEST", "message": "runId is missing" },
            }),
        ),
    ];
    examples.extend(widget::server_examples());
    examples.extend(listener::server_examples());
    examples.extend(chat::server_examples());
    examples
}

#[cfg(test)]
mod tests {
    use serde_json::value::to_raw_value;

    use super::*;
    use crate::protocol::events::{
        ChatBotDelta, ChatBotMessage, ChatRoomEntered, ChatRoomJoin, ChatRoomName, ChatUserMessage,
        NodeUpdate, RunJoin, RunLeave, StatusUpdate, WidgetConnect, WidgetConnected, WidgetContextUpdate,
        WidgetDisconnect, WidgetDisconnected, WidgetInput, WidgetInputReceived, WidgetRefresh, WidgetStatus,
    };

    /// What a type writes of what it read.
    fn again<T: serde::de::DeserializeOwned + serde::Serialize>(payload: &Value) -> Option<Value> {
        let read: T = serde_json::from_value(payload.clone()).ok()?;
        serde_json::to_value(&read).ok()
    }

    #[test]
    fn every_served_event_has_an_example() {
        let (client, server) = examples();
        for event in Client::ALL.iter().filter(|event| event.is_served()) {
            assert!(client.iter().any(|example| example.event == *event), "{event}");
        }
        for event in Server::ALL.iter().filter(|event| event.is_served()) {
            assert!(server.iter().any(|example| example.event == *event), "{event}");
        }
    }

    #[test]
    fn examples_are_what_the_types_write() {
        let (client, server) = examples();
        for example in client {
            let Ok(raw) = to_raw_value(&example.payload) else { unreachable!("JSON is JSON") };
            let read = match example.event {
                Client::RunJoin => RunJoin::parse(&raw).map(|_| ()),
                Client::RunLeave => RunLeave::parse(&raw).map(|_| ()),
                Client::ChatRoomJoin => ChatRoomJoin::parse(&raw).map(|_| ()),
                Client::ChatUserMessage => ChatUserMessage::parse(&raw).map(|_| ()),
                Client::ChatRoomDisconnect | Client::ChatCancel => ChatRoomName::parse(&raw).map(|_| ()),
                Client::WidgetConnect => WidgetConnect::parse(&raw).map(|_| ()),
                Client::WidgetInput => WidgetInput::parse(&raw).map(|_| ()),
                Client::WidgetRefresh => WidgetRefresh::parse(&raw).map(|_| ()),
                Client::WidgetDisconnect => WidgetDisconnect::parse(&raw).map(|_| ()),
                _ => Ok(()),
            };
            assert_eq!(read, Ok(()), "{}", example.name);
        }
        for example in server {
            let written = match example.event {
                Server::NodeUpdate => again::<NodeUpdate<'static>>(&example.payload),
                Server::StatusUpdate => again::<StatusUpdate<'static>>(&example.payload),
                Server::ChatRoomId => again::<ChatRoomEntered<'static>>(&example.payload),
                Server::ChatBotMessage => again::<ChatBotMessage<'static>>(&example.payload),
                Server::ChatBotDelta => again::<ChatBotDelta<'static>>(&example.payload),
                Server::WidgetConnected => again::<WidgetConnected<'static>>(&example.payload),
                Server::WidgetUpdate => again::<WidgetContextUpdate<'static>>(&example.payload),
                Server::WidgetStatus => again::<WidgetStatus<'static>>(&example.payload),
                Server::WidgetInputReceived => again::<WidgetInputReceived>(&example.payload),
                Server::WidgetDisconnected => again::<WidgetDisconnected>(&example.payload),
                _ => continue,
            };
            assert_eq!(written, Some(example.payload), "{}", example.name);
        }
    }
}
