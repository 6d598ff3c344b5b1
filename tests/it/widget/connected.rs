//! What a page with widgets does and sees, in few words.

use serde_json::{Value, json};

use crate::harness::driver::Driver;

pub const CONNECT: &str = "widget_workflow_connect";
pub const CONNECTED: &str = "widget_workflow_connected";
pub const UPDATE: &str = "widget_context_update";
pub const STATUS: &str = "widget_workflow_status";
pub const INPUT: &str = "widget_send_input";
pub const RECEIVED: &str = "widget_input_received";
pub const REFRESH: &str = "widget_refresh";
pub const DISCONNECT: &str = "widget_workflow_disconnect";
pub const DISCONNECTED: &str = "widget_workflow_disconnected";
pub const ERROR: &str = "widget_workflow_error";

/// Connects; the ack.
#[track_caller]
pub fn connect(driver: &mut Driver, name: &str, payload: &Value) -> Value {
    let ack = driver.ask(name, CONNECT, json!([payload]));
    assert_eq!(ack.as_array().map(Vec::len), Some(1), "one argument: {ack}");
    ack[0].clone()
}

/// Connects and must be registered; the run.
#[track_caller]
pub fn connected(driver: &mut Driver, name: &str, payload: &Value) -> String {
    let ack = connect(driver, name, payload);
    assert_eq!(ack["ok"], true, "{payload}: {ack}");
    ack["instanceID"].as_str().expect("an instanceID").to_owned()
}

/// Every event of that client that names this widget, in order: name and body.
pub fn of_widget(seen: &[Value], name: &str, widget: &str) -> Vec<(String, Value)> {
    let of = |e: &&Value| e["id"] == name && e["what"] == "event" && e["args"][0]["widgetID"] == widget;
    let event = |e: &Value| (e["event"].as_str().unwrap_or_default().to_owned(), e["args"][0].clone());
    seen.iter().filter(of).map(event).collect()
}

/// Every event of that client, in order: name, place, and the widget or nothing.
pub fn trace(seen: &[Value], name: &str) -> Vec<(String, u64, String)> {
    let of = |e: &&Value| e["id"] == name && e["what"] == "event";
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let event = |e: &Value| {
        let body = &e["args"][0];
        (text(&e["event"]), body["seq"].as_u64().unwrap_or_default(), text(&body["widgetID"]))
    };
    seen.iter().filter(of).map(event).collect()
}

/// Waits for the event of that widget.
#[track_caller]
pub fn until(driver: &mut Driver, name: &str, widget: &str, event: &str) -> Value {
    driver.wait(&format!("{event} of {widget} at {name}"), |all| {
        of_widget(all, name, widget).into_iter().find(|(name, _)| name == event).map(|(_, body)| body)
    })
}

/// All that was on its way to that client has arrived: it asks something that is refused.
#[track_caller]
pub fn fence(driver: &mut Driver, name: &str) {
    let refused = driver.ask(name, REFRESH, json!([{ "widgetID": "no such widget" }]));
    assert_eq!(refused[0]["error"]["code"], "NOT_CONNECTED", "{refused}");
}
