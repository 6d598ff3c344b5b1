//! Each example of the document is sent to a hub and taken, and what the hub then sends fits the schemas of
//! the document.

use std::collections::BTreeSet;

use jethub::protocol::events::{self, Client, Server, asyncapi};
use serde_json::{Value, json};

use crate::harness::{
    Hub,
    driver::{Driver, Kind, Via},
    hub::token,
};

const W: &str = "/api/v1/tenants/acme/workflows";

/// A wait, a node that fails, and an edge that handles it: every kind of update.
fn graph() -> Value {
    json!({
        "title": "Examples",
        "nodes": [
            { "id": "s", "type": "start", "data": {} },
            { "id": "w", "type": "delay", "data": { "delayType": "fixed", "delaySeconds": 1, "delayMs": 500 } },
            { "id": "f", "type": "javascript", "data": { "code": "throw new Error('no')" } },
            { "id": "e", "type": "end", "data": {} },
        ],
        "edges": [
            { "id": "1", "source": "s", "target": "w" },
            { "id": "2", "source": "w", "target": "f" },
            { "id": "3", "source": "f", "sourceHandle": "error", "target": "e" },
        ],
    })
}

/// The run and the workflow that all examples speak of.
fn spoken_of(examples: &[events::Example<Client>]) -> (String, String) {
    let execute = examples.iter().find(|example| example.name == "execute").unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&examples[0].payload["runId"]), text(&execute.payload["workflowID"]))
}

/// What a page does with its widgets it does by one socket.
fn socket_of(example: &events::Example<Client>) -> &'static str {
    match example.event {
        Client::WidgetInput | Client::WidgetRefresh | Client::WidgetDisconnect => "execute",
        _ => example.name,
    }
}

/// The schema of an event's payload, with all that it refers to.
fn schema(document: &Value, event: &str) -> Value {
    let mut schema = document["components"]["messages"][event]["payload"].clone();
    schema["components"] = json!({ "schemas": document["components"]["schemas"] });
    schema
}

/// Rooms are entered, told of and left; the listener that the examples speak of.
fn rooms(hub: &Hub, ann: &str, driver: &mut Driver, examples: &[events::Example<Client>]) {
    const LISTENERS: &str = "/api/v1/tenants/acme/listeners";
    let made = hub.post(LISTENERS, ann, &json!({ "listenerTitle": "Orders" }));
    let listener = made["listener"]["listenerID"].as_str().unwrap().to_owned();
    let room = |example: &events::Example<Client>| {
        let name = example.payload.as_str().unwrap();
        match name.split_once(':') {
            Some(("tenant", _)) | None => json!(name),
            Some((prefix, _)) => json!(format!("{prefix}:{listener}")),
        }
    };
    for example in examples.iter().filter(|example| example.event == Client::RoomJoin) {
        let ack = driver.ask(example.name, example.event.as_str(), json!([room(example)]));
        assert_eq!(ack[0]["ok"], true, "{}: {ack}", example.name);
    }
    for (target, event) in [("test", Server::ListenerTest), ("tenant", Server::Listener)] {
        let body = json!({ "target": target, "data": { "id": 7 } });
        let told = hub.post(&format!("{LISTENERS}/{listener}/publish"), ann, &body);
        assert_eq!(told["delivered"], 1, "{told}");
        driver.wait("the event of the listener", |seen| {
            seen.iter().any(|line| line["event"] == event.as_str()).then_some(())
        });
    }
    for example in examples.iter().filter(|example| example.event == Client::RoomLeave) {
        let ack = driver.ask(example.name, example.event.as_str(), json!([room(example)]));
        assert_eq!(ack[0]["ok"], true, "{}: {ack}", example.name);
    }
}

fn of_chat(event: Client) -> bool {
    matches!(
        event,
        Client::ChatRoomJoin | Client::ChatUserMessage | Client::ChatCancel | Client::ChatRoomDisconnect
    )
}

/// A room is entered by one socket, in which the others' examples speak.
fn chats(driver: &mut Driver, examples: &[events::Example<Client>]) {
    let find = |name: &str| examples.iter().find(|example| example.name == name).unwrap();
    let entered = driver.ask("chat", find("chat").event.as_str(), json!([find("chat").payload]));
    let room = entered[0]["chatRoomID"].as_str().unwrap_or_else(|| panic!("{entered}")).to_owned();
    let theirs = find("say").payload["chatRoomID"].as_str().unwrap();
    // As it stands, the example speaks of a room that does not exist.
    let unknown = driver.ask("say", find("say").event.as_str(), json!([find("say").payload]));
    assert_eq!(unknown[0]["error"]["code"], "ROOM_NOT_FOUND", "{unknown}");
    for example in examples.iter().filter(|example| of_chat(example.event) && example.name != "chat") {
        let payload: Value =
            serde_json::from_str(&example.payload.to_string().replace(theirs, &room)).unwrap();
        let ack = driver.ask("chat", example.event.as_str(), json!([payload]));
        assert_eq!(ack[0]["ok"], true, "{}: {ack}", example.name);
        if example.event == Client::ChatUserMessage {
            driver.wait("its answer", |seen| {
                let is_it = |line: &&Value| {
                    line["event"] == Server::ChatBotMessage.as_str()
                        && line["args"][0]["inReplyTo"] == ack[0]["messageID"]
                };
                seen.iter().find(is_it).map(drop)
            });
        }
    }
}

#[test]
fn every_example_is_taken_and_every_answer_fits() {
    let hub = Hub::start();
    let ann = token("ann", &[("acme", "ADMIN")], false);
    let workflow = hub.post(W, &ann, &graph())["workflow"]["workflowID"].as_str().unwrap().to_owned();
    let mut driver = Driver::start(Kind::Node("4.8"));
    let url = format!("http://{}", hub.address);
    let (examples, _) = events::examples();
    let (their_run, their_workflow) = spoken_of(&examples);
    // A socket each: a second join of one socket is answered without another snapshot.
    for example in &examples {
        driver.connect(example.name, &url, Via::Both, json!({ "token": ann }), json!({}));
        driver.happens(example.name, "connect");
    }
    let run = hub.post(&format!("{W}/{workflow}/execute"), &ann, &json!({}));
    let run = run["instanceID"].as_str().unwrap();

    let mut sent = BTreeSet::new();
    rooms(&hub, &ann, &mut driver, &examples);
    sent.extend([Client::RoomJoin, Client::RoomLeave]);
    chats(&mut driver, &examples);
    sent.extend(Client::ALL.iter().copied().filter(|event| of_chat(*event)));
    let of_runs = |example: &&events::Example<Client>| {
        !matches!(example.event, Client::RunLeave | Client::RoomJoin | Client::RoomLeave)
            && !of_chat(example.event)
    };
    for example in examples.iter().filter(of_runs) {
        let payload = example.payload.to_string();
        let payload = payload.replace(&their_run, run).replace(&their_workflow, &workflow);
        let payload: Value = serde_json::from_str(&payload).unwrap();
        let ack = driver.ask(socket_of(example), example.event.as_str(), json!([payload]));
        assert_eq!(ack[0]["ok"], true, "{}: {ack}", example.name);
        if payload.to_string().contains(run) {
            assert_eq!(ack[0]["instanceID"], run, "{}: {ack}", example.name);
        }
        sent.insert(example.event);
    }
    driver.wait("the end of the run", |seen| {
        seen.iter().any(|line| line["event"] == Server::StatusUpdate.as_str()).then_some(())
    });
    let leave = driver.ask("leave", Client::RunLeave.as_str(), json!([{ "runId": run }]));
    assert_eq!(leave[0]["ok"], true, "{leave}");
    sent.insert(Client::RunLeave);
    assert!(Client::ALL.iter().filter(|event| event.is_served()).all(|event| sent.contains(event)));

    // As they stand, the examples speak of a run that does not exist.
    let unknown = driver.ask("join", Client::RunJoin.as_str(), json!([examples[0].payload]));
    assert_eq!(unknown[0]["error"]["code"], "RUN_NOT_FOUND", "{unknown}");
    let execute = examples.iter().find(|example| example.name == "execute").unwrap();
    let unknown = driver.ask("execute", execute.event.as_str(), json!([execute.payload]));
    assert_eq!(unknown[0]["error"]["code"], "WORKFLOW_NOT_FOUND", "{unknown}");
    driver.wait("the error events and the end of a widget's run", |seen| {
        let heard = |event: Server| seen.iter().any(|line| line["event"] == event.as_str());
        (heard(Server::RunError) && heard(Server::WidgetError) && heard(Server::WidgetStatus)).then_some(())
    });

    // A run that asks people.
    let asking = json!({
        "title": "Asks",
        "nodes": [
            { "id": "s", "type": "start", "data": {} },
            { "id": "a", "type": "approval", "data": { "title": "May it go on?" } },
        ],
        "edges": [{ "id": "1", "source": "s", "target": "a" }],
    });
    let asking = hub.post(W, &ann, &asking)["workflow"]["workflowID"].as_str().unwrap().to_owned();
    let run = hub.post(&format!("{W}/{asking}/execute"), &ann, &json!({}));
    driver.ask("join", Client::RunJoin.as_str(), json!([{ "runId": run["instanceID"] }]));
    driver.wait("the request", |seen| {
        seen.iter().any(|line| line["event"] == Server::CollectionRequest.as_str()).then_some(())
    });

    let document = serde_json::to_value(asyncapi::document()).unwrap();
    let mut statuses = BTreeSet::new();
    let mut heard = BTreeSet::new();
    for line in driver.seen.iter().filter(|line| line["what"] == "event") {
        let (event, body) = (line["event"].as_str().unwrap(), &line["args"][0]);
        let validator = jsonschema::validator_for(&schema(&document, event)).unwrap();
        let faults: Vec<String> = validator.iter_errors(body).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{event} {body}: {faults:?}");
        let properties = document["components"]["schemas"].as_object().unwrap();
        let known = properties.values().any(|schema| {
            let fields = schema["properties"].as_object();
            fields.is_some_and(|fields| body.as_object().unwrap().keys().all(|key| fields.contains_key(key)))
        });
        assert!(known, "{event} has a field that the document does not know: {body}");
        heard.insert(event.to_owned());
        statuses.insert(body["status"].as_str().unwrap_or_default().to_owned());
    }
    // Pieces of an answer come from a model only: tests/it/chat/llm.
    let here = |event: &&Server| event.is_served() && **event != Server::ChatBotDelta;
    for event in Server::ALL.iter().filter(here) {
        assert!(heard.contains(event.as_str()), "{event} was never sent: {heard:?}");
    }
    for status in ["success", "failed", "running", "COMPLETED"] {
        assert!(statuses.contains(status), "{statuses:?}");
    }
}
