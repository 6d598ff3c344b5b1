//! Frames of Socket.IO packets that the hub sends.

use std::fmt::Write as _;

use bytes::Bytes;
use serde::Serialize;

use super::AckId;
use crate::{error::Code, ids::SocketId, protocol::frame::Frame};

/// `<type>[<attachments>-][<namespace>,][<id>]`, with room for a payload.
fn head(kind: char, attachments: usize, namespace: &str, id: Option<AckId>, room: usize) -> String {
    let mut text = String::with_capacity(room + namespace.len() + 16);
    text.push(kind);
    if attachments > 0 {
        let _ = write!(text, "{attachments}-");
    }
    if namespace != "/" && !namespace.is_empty() {
        text.push_str(namespace);
        text.push(',');
    }
    if let Some(id) = id {
        let _ = write!(text, "{id}");
    }
    text
}

/// The answer to a CONNECT: `0{"sid":…}`.
pub fn connect(namespace: &str, socket: &SocketId) -> Frame {
    let mut text = head('0', 0, namespace, None, 48);
    let _ = write!(text, "{{\"sid\":{}}}", json_text(socket.as_str()));
    Frame::from_packet(&text, &[])
}

/// A refused CONNECT: `4{"message":…,"data":…}`; `data` only if there is any.
pub fn connect_error(namespace: &str, message: &str, data: Option<&serde_json::Value>) -> Frame {
    let mut text = head('4', 0, namespace, None, 96);
    let _ = write!(text, "{{\"message\":{}", json_text(message));
    if let Some(data) = data {
        let _ = write!(text, ",\"data\":{data}");
    }
    text.push('}');
    Frame::from_packet(&text, &[])
}

/// The hub ends a socket: `1`. The client does not come back by itself.
pub fn disconnect(namespace: &str) -> Frame {
    Frame::from_packet(&head('1', 0, namespace, None, 0), &[])
}

/// The answer to an event, with one argument: `3<id>[body]`.
///
/// # Errors
/// When `body` does not become JSON.
pub fn ack_frame(namespace: &str, id: AckId, body: &impl Serialize) -> Result<Frame, serde_json::Error> {
    Ok(ack_raw(namespace, id, &serde_json::to_string(body)?, &[]))
}

/// The answer to an event that failed: `[{"ok":false,"error":{"code":…,"message":…}}]`
/// (`contract.md` 1.4).
pub fn ack_error(namespace: &str, id: AckId, code: Code, message: &str) -> Frame {
    let error = format!(
        "{{\"ok\":false,\"error\":{{\"code\":{},\"message\":{}}}}}",
        json_text(code.as_str()),
        json_text(message)
    );
    ack_raw(namespace, id, &error, &[])
}

/// The answer to an event, with arguments that are JSON already, joined by commas.
pub fn ack_raw(namespace: &str, id: AckId, arguments: &str, attachments: &[Bytes]) -> Frame {
    let kind = if attachments.is_empty() { '3' } else { '6' };
    let mut text = head(kind, attachments.len(), namespace, Some(id), arguments.len());
    text.push('[');
    text.push_str(arguments);
    text.push(']');
    Frame::from_packet(&text, attachments)
}

/// An event with arguments that are JSON already, joined by commas.
pub fn event_raw(namespace: &str, name: &str, arguments: &str, attachments: &[Bytes]) -> Frame {
    event_text(namespace, name, None, arguments, attachments)
}

/// An event that the client answers with an ack.
///
/// # Errors
/// When `body` does not become JSON.
pub fn event_with_ack(
    namespace: &str,
    name: &str,
    id: AckId,
    body: &impl Serialize,
) -> Result<Frame, serde_json::Error> {
    Ok(event_text(namespace, name, Some(id), &serde_json::to_string(body)?, &[]))
}

fn event_text(
    namespace: &str,
    name: &str,
    id: Option<AckId>,
    arguments: &str,
    attachments: &[Bytes],
) -> Frame {
    let kind = if attachments.is_empty() { '2' } else { '5' };
    let mut text = head(kind, attachments.len(), namespace, id, name.len() + arguments.len() + 8);
    text.push('[');
    text.push_str(&json_text(name));
    if !arguments.is_empty() {
        text.push(',');
        text.push_str(arguments);
    }
    text.push(']');
    Frame::from_packet(&text, attachments)
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: &Frame) -> String {
        let mut out = Vec::new();
        frame.write_polling(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn exact_bytes() {
        let socket = SocketId::trusted("abc");
        assert_eq!(text(&connect("/", &socket)), r#"40{"sid":"abc"}"#);
        assert_eq!(text(&connect("/custom", &socket)), r#"40/custom,{"sid":"abc"}"#);
        assert_eq!(
            text(&connect_error("/random", "Invalid namespace", None)),
            r#"44/random,{"message":"Invalid namespace"}"#
        );
        let data = serde_json::json!({"code": "X"});
        assert_eq!(text(&connect_error("/", "m", Some(&data))), r#"44{"message":"m","data":{"code":"X"}}"#);
        assert_eq!(text(&disconnect("/")), "41");
        assert_eq!(text(&disconnect("/custom")), "41/custom,");
        assert_eq!(text(&ack_raw("/", 456, r#"1,"2""#, &[])), r#"43456[1,"2"]"#);
        assert_eq!(text(&ack_raw("/", 0, "", &[])), "430[]");
        assert_eq!(
            text(&ack_error("/", 1, Code::RateLimited, "slow down")),
            r#"431[{"ok":false,"error":{"code":"RATE_LIMITED","message":"slow down"}}]"#
        );
        assert_eq!(text(&event_raw("/a", "n", "1,2", &[])), r#"42/a,["n",1,2]"#);
        assert_eq!(text(&event_with_ack("/", "n", 7, &1).unwrap()), r#"427["n",1]"#);
        assert_eq!(
            text(&event_raw("/", "n", r#"{"_placeholder":true,"num":0}"#, &[Bytes::from_static(&[1])])),
            "451-[\"n\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQ=="
        );
    }
}
