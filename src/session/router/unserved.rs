//! Events of the contract that this version does not serve yet: each gets the answer that the
//! contract promises for a refusal, never silence.

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::hub::From;
use crate::{
    error::{Code, Coded},
    protocol::events::{AckBody, Client, ErrorBody, Server, WireTime},
};

/// Not in this version.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{} is not supported by this version", .0.as_str())]
struct Unserved(Client);

impl Coded for Unserved {
    fn code(&self) -> Code {
        Code::InvalidRequest
    }
}

#[derive(Serialize)]
struct ChatError {
    error: ErrorBody,
}

/// Chat: an error event and the ack.
pub(super) fn chat(from: &From, event: Client) {
    let refused = Unserved(event);
    from.refuse(&refused);
    // Leaving has no answer event.
    if event != Client::ChatRoomDisconnect {
        from.emit(Server::ChatError, &ChatError { error: ErrorBody::of(&refused) });
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WidgetError {
    #[serde(rename = "widgetID")]
    widget_id: Value,
    error: WidgetErrorBody,
    timestamp: String,
}

#[derive(Serialize)]
struct WidgetErrorBody {
    code: Code,
    message: String,
    recoverable: bool,
    reason: Code,
}

#[derive(Serialize)]
struct WidgetDisconnected {
    #[serde(rename = "widgetID")]
    widget_id: Value,
    success: bool,
}

/// Widgets: the module's error event with the code of the command, and the ack.
pub(super) fn widget(from: &From, event: Client, argument: &RawValue) {
    let refused = Unserved(event);
    let widget_id = widget_id(argument);
    let code = match event {
        Client::WidgetInput => Code::InputFailed,
        Client::WidgetRefresh => Code::RefreshFailed,
        Client::WidgetDisconnect => {
            // Nothing is registered, and that is what was wanted.
            from.acknowledge(&AckBody::DONE);
            let body = WidgetDisconnected { widget_id, success: true };
            return from.emit(Server::WidgetDisconnected, &body);
        }
        _ => Code::ConnectionFailed,
    };
    from.refuse(&refused);
    let error =
        WidgetErrorBody { code, message: refused.to_string(), recoverable: false, reason: refused.code() };
    let timestamp = WireTime(from.now).to_string();
    from.emit(Server::WidgetError, &WidgetError { widget_id, error, timestamp });
}

/// Echoed as it came, because pages compare it; only what can be one.
fn widget_id(argument: &RawValue) -> Value {
    #[derive(serde::Deserialize)]
    struct Argument {
        #[serde(rename = "widgetID")]
        widget_id: Option<Value>,
    }
    let argument: Option<Argument> = serde_json::from_str(argument.get()).ok();
    let id = argument.and_then(|argument| argument.widget_id);
    id.filter(|id| id.as_str().is_some_and(|id| id.len() <= crate::ids::MAX_ID_BYTES)).unwrap_or_default()
}

/// What has no answer event: the ack alone.
pub(super) fn quiet(from: &From, event: Client) {
    from.refuse(&Unserved(event));
}
