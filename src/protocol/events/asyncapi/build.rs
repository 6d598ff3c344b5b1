//! From event types to the document.

use std::{collections::BTreeMap, sync::OnceLock};

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::document::{
    Channel, Components, Document, Info, Message, MessageExample, Named, Operation, Reference, Server,
};
use crate::{
    error::Code,
    protocol::events::{
        self, AckBody, ChatBotDelta, ChatBotMessage, ChatCancelAck, ChatError, ChatJoinAck, ChatMessageAck,
        ChatRoomEntered, ChatRoomJoin, ChatRoomName, ChatUserMessage, CollectionRequest, Example, JoinAck,
        ListenerEvent, ListenerTestEvent, NodeUpdate, Refusal, RefusalData, Refused, RoomName, RunError,
        RunJoin, RunLeave, StatusUpdate, WidgetConnect, WidgetConnected, WidgetContextUpdate,
        WidgetDisconnect, WidgetDisconnected, WidgetError, WidgetInput, WidgetInputAck, WidgetInputReceived,
        WidgetRefresh, WidgetStatus,
    },
};

const ABOUT: &str = "\
Real-time events of a hub, over Socket.IO 5 (Engine.IO 4) at `/socket.io/`, namespace `/`.\n\n\
Who a client is, is told in the handshake: `io(url, { auth: { token } })` with a JWT, or \
`{ auth: { apiKey } }`; headers `Authorization` and `X-API-Key` and the query work too. A refused handshake \
is a `connect_error` whose `data.code` is stable. Identity fields of payloads (`firebaseID` …) are ignored.\n\n\
A run is watched with `workflow_run_join`. What has happened comes first, marked `replayed`, then what \
happens, once and in order of `seq`, and at the end one `workflow_status_update`. Nothing is told before it \
is stored.\n\n\
A widget is registered with `widget_workflow_connect`; a socket may have many, with one run or several. Of each \
row a socket gets what it gets as a watcher of the run, then what each of its widgets gets.\n\n\
A chat room is entered with `ai_chat_room_join`. What the assistant would do with an effect is a `proposal` in its \
message; it is done when a person says `approve`, and shown without effect when they say `test`.\n\n\
Unknown fields are ignored on both sides; unknown event names are ignored by the hub. A client event with an \
acknowledgement callback is answered by it, in addition to the events.";

/// The document as YAML; made once.
pub fn yaml() -> &'static str {
    static YAML: OnceLock<String> = OnceLock::new();
    YAML.get_or_init(|| match serde_saphyr::to_string(&document()) {
        Ok(text) => text,
        // A document of maps with text keys has a YAML form; a test parses it.
        Err(error) => format!("# {error}\n"),
    })
}

/// The document.
pub fn document() -> Document {
    let mut parts = Parts::new();
    let (client, server) = events::examples();
    for event in events::Client::ALL.iter().filter(|event| event.is_served()) {
        parts.client(*event, &client);
    }
    for event in events::Server::ALL.iter().filter(|event| event.is_served()) {
        parts.server(*event, &server);
    }
    parts.connect_error();
    parts.finish()
}

struct Parts {
    generator: SchemaGenerator,
    channels: Map<String, Value>,
    messages: Map<String, Value>,
}

impl Parts {
    fn new() -> Self {
        let settings = SchemaSettings::draft07().for_serialize().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self { generator: settings.into_generator(), channels: Map::new(), messages: Map::new() }
    }

    fn schema<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// What the callback of an event is called with.
    fn ack<T: JsonSchema>(&mut self) -> Value {
        json!({ "oneOf": [self.schema::<T>(), self.schema::<Refused>()] })
    }

    fn client(&mut self, event: events::Client, examples: &[Example<events::Client>]) {
        use events::Client;
        let (payload, ack, summary) = match event {
            Client::RunJoin => (
                self.schema::<RunJoin>(),
                self.ack::<JoinAck>(),
                "Watch a run: what happened, then what happens. Refusals come as workflow_run_error too.",
            ),
            Client::RunLeave => {
                (self.schema::<RunLeave>(), self.ack::<AckBody>(), "Watch a run no more; the run goes on.")
            }
            Client::WidgetConnect => (
                self.schema::<WidgetConnect>(),
                self.ack::<JoinAck>(),
                "Register a widget with a run: a new one, one that goes on, or (replay) only be told where one is. \
                 The same widgetID again takes the place of the first.",
            ),
            Client::WidgetInput => (
                self.schema::<WidgetInput>(),
                self.ack::<WidgetInputAck>(),
                "Hand something to the run of a widget.",
            ),
            Client::WidgetRefresh => (
                self.schema::<WidgetRefresh>(),
                self.ack::<JoinAck>(),
                "Run a widget's workflow again; the run before goes on unwatched.",
            ),
            Client::WidgetDisconnect => (
                self.schema::<WidgetDisconnect>(),
                self.ack::<AckBody>(),
                "Register a widget no more; the run goes on.",
            ),
            Client::RoomJoin => (
                self.schema::<RoomName>(),
                self.ack::<AckBody>(),
                "Enter a room of listeners; the argument is a plain string. A refusal is told by the ack alone.",
            ),
            Client::RoomLeave => {
                (self.schema::<RoomName>(), self.ack::<AckBody>(), "Leave a room of listeners.")
            }
            Client::ChatRoomJoin => (
                self.schema::<ChatRoomJoin>(),
                self.ack::<ChatJoinAck>(),
                "Enter a chat room, come back into one, or get a new one. The argument may be left out.",
            ),
            Client::ChatUserMessage => (
                self.schema::<ChatUserMessage>(),
                self.ack::<ChatMessageAck>(),
                "Say something, or answer the assistant's proposal: approve, reject, test. Each message that is \
                 taken gets exactly one ai_chat_bot_message.",
            ),
            Client::ChatRoomDisconnect => (
                self.schema::<ChatRoomName>(),
                self.ack::<AckBody>(),
                "Leave a chat room, or all of them; what was said stays. The argument may be left out.",
            ),
            Client::ChatCancel => (
                self.schema::<ChatRoomName>(),
                self.ack::<ChatCancelAck>(),
                "Stop the answer that is being made; its message says so.",
            ),
            _ => return,
        };
        let message = Message {
            message_id: event.to_string(),
            name: event.to_string(),
            title: event.to_string(),
            summary: summary.to_owned(),
            payload,
            examples: shown(event, examples),
            ack: Some(ack),
        };
        self.add(event.as_str(), "Sent by clients.", "send", message);
    }

    fn server(&mut self, event: events::Server, examples: &[Example<events::Server>]) {
        use events::Server;
        let (payload, summary) = match event {
            Server::NodeUpdate => (
                self.schema::<NodeUpdate<'_>>(),
                "An execution of a node ended. Only a joiner with progress also hears of running and suspended.",
            ),
            Server::StatusUpdate => {
                (self.schema::<StatusUpdate<'_>>(), "The run ended. Once a run, and nothing of it follows.")
            }
            Server::CollectionRequest => (
                self.schema::<CollectionRequest>(),
                "A run asks somebody for a form or a decision; also what waits still when another request is closed.",
            ),
            Server::RunError => (
                self.schema::<RunError>(),
                "A join or leave was refused. A run of another tenant is answered like none.",
            ),
            Server::WidgetConnected => (
                self.schema::<WidgetConnected<'_>>(),
                "A widget is registered (or told once, by replay), and where its run is.",
            ),
            Server::WidgetUpdate => (
                self.schema::<WidgetContextUpdate<'_>>(),
                "An execution of a node ended; right after the workflow_node_update of the same row.",
            ),
            Server::WidgetStatus => (
                self.schema::<WidgetStatus<'_>>(),
                "The run of a widget ended; right after workflow_status_update.",
            ),
            Server::WidgetInputReceived => {
                (self.schema::<WidgetInputReceived>(), "An input was taken, to who sent it.")
            }
            Server::WidgetDisconnected => {
                (self.schema::<WidgetDisconnected>(), "A widget is registered no more.")
            }
            Server::WidgetError => (
                self.schema::<WidgetError>(),
                "An event of a widget was refused; error.reason says why. What belongs to another tenant is \
                 answered as if it did not exist.",
            ),
            Server::ListenerTest => (
                self.schema::<ListenerTestEvent>(),
                "An event of a listener under test, to the room listener_test:<listenerID>.",
            ),
            Server::Listener => (
                self.schema::<ListenerEvent>(),
                "An event of a listener, to the registrations of a widget, to a tenant's room or to the listener's.",
            ),
            Server::ChatRoomId => (
                self.schema::<ChatRoomEntered<'_>>(),
                "Which chat room was entered, to the socket that entered; with what was said before.",
            ),
            Server::ChatBotMessage => (
                self.schema::<ChatBotMessage<'_>>(),
                "The assistant's answer, to everybody in the room: one for each message, in order, whole.",
            ),
            Server::ChatBotDelta => (
                self.schema::<ChatBotDelta<'_>>(),
                "A piece of an answer that still grows, to sockets that joined with stream. It may be lost.",
            ),
            Server::ChatError => (
                self.schema::<ChatError>(),
                "A chat event was refused. A room of somebody else is answered like none.",
            ),
            _ => return,
        };
        let message = Message {
            message_id: event.to_string(),
            name: event.to_string(),
            title: event.to_string(),
            summary: summary.to_owned(),
            payload,
            examples: shown(event, examples),
            ack: None,
        };
        self.add(event.as_str(), "Sent by the hub.", "receive", message);
    }

    fn connect_error(&mut self) {
        let code = Code::TokenExpired;
        let refusal = Refusal { message: "User auth token expired".to_owned(), data: RefusalData { code } };
        let message = Message {
            message_id: "connect_error".to_owned(),
            name: "connect_error".to_owned(),
            title: "connect_error".to_owned(),
            summary: "The handshake was refused; the client does not try again by itself.".to_owned(),
            payload: self.schema::<Refusal>(),
            examples: vec![MessageExample {
                name: "expired",
                summary: "the token is invalid or expired",
                payload: json!(refusal),
            }],
            ack: None,
        };
        self.add("connect_error", "Sent by the hub instead of a connection.", "receive", message);
    }

    fn add(&mut self, event: &str, description: &str, verb: &str, message: Message) {
        let operation = Operation {
            operation_id: format!("{verb}_{event}"),
            summary: message.summary.clone(),
            message: Reference { target: format!("#/components/messages/{event}") },
        };
        let (publish, subscribe) =
            if verb == "send" { (Some(operation), None) } else { (None, Some(operation)) };
        let channel = Channel { description: description.to_owned(), publish, subscribe };
        self.channels.insert(event.to_owned(), json!(channel));
        self.messages.insert(event.to_owned(), json!(message));
    }

    fn finish(mut self) -> Document {
        let schemas = self.generator.take_definitions(true);
        let security = |name| BTreeMap::from([(name, [])]);
        let server = Server {
            url: "localhost:3000/socket.io",
            protocol: "ws",
            description: "Socket.IO with the transports websocket and polling; the address is the hub's own.",
            security: vec![security("token"), security("apiKey")],
        };
        let token = json!({
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "In a browser: io(url, { auth: { token } }).",
        });
        let api_key = json!({
            "type": "httpApiKey",
            "name": "X-API-Key",
            "in": "header",
            "description": "In a browser: io(url, { auth: { apiKey } }).",
        });
        Document {
            asyncapi: "2.6.0",
            id: "urn:jethub:socket-events",
            info: Info {
                title: "jethub socket events",
                version: env!("CARGO_PKG_VERSION"),
                description: ABOUT,
                license: Named { name: env!("CARGO_PKG_LICENSE") },
            },
            tags: [Named { name: "runs" }, Named { name: "widgets" }, Named { name: "chat" }],
            default_content_type: "application/json",
            servers: BTreeMap::from([("hub", server)]),
            channels: self.channels,
            components: Components {
                messages: self.messages,
                schemas,
                security_schemes: BTreeMap::from([("apiKey", api_key), ("token", token)]),
            },
        }
    }
}

fn shown<E: PartialEq>(event: E, examples: &[Example<E>]) -> Vec<MessageExample> {
    let of_event = examples.iter().filter(|example| example.event == event);
    of_event
        .map(|example| MessageExample {
            name: example.name,
            summary: example.summary,
            payload: example.payload.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_served_event_is_described_and_nothing_else() {
        let document = json!(document());
        let channels = document["channels"].as_object().unwrap();
        for event in events::Client::ALL {
            assert_eq!(channels.contains_key(event.as_str()), event.is_served(), "{event}");
        }
        for event in events::Server::ALL {
            assert_eq!(channels.contains_key(event.as_str()), event.is_served(), "{event}");
        }
    }

    #[test]
    fn examples_fit_their_schemas() {
        let document = json!(document());
        let messages = document["components"]["messages"].as_object().unwrap();
        let mut seen = 0;
        for (name, message) in messages {
            let mut schema = message["payload"].clone();
            schema["components"] = json!({ "schemas": document["components"]["schemas"] });
            let validator = jsonschema::validator_for(&schema).unwrap();
            for example in message["examples"].as_array().unwrap() {
                let faults: Vec<_> =
                    validator.iter_errors(&example["payload"]).map(|e| e.to_string()).collect();
                assert!(faults.is_empty(), "{name}: {faults:?}");
                seen += 1;
            }
            let wrong = json!({ "runId": "", "widgetID": "", "seq": -1, "status": "error", "message": 1, "stream": 7, "chatRoomID": {} });
            assert!(!validator.is_valid(&wrong), "{name} takes anything");
        }
        assert!(seen > 10, "{seen}");
    }

    #[test]
    fn it_is_written_as_yaml() {
        let text = yaml();
        assert!(text.starts_with("asyncapi: \"2.6.0\"\n"), "{}", &text[..200.min(text.len())]);
        assert!(text.contains("workflow_node_update:") && !text.contains("DROP"));
    }
}
