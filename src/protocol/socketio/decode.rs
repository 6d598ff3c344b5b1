//! From messages of Engine.IO to packets of Socket.IO.

use bytes::Bytes;
use engineioxide_core::Str;
use serde_json::{Map, Value, value::RawValue};
use socketioxide_core::{
    Value as Payload,
    packet::{Packet as Coded, PacketData},
    parser::{Parse, ParseConfig, ParseError, ParserState},
};
use socketioxide_parser_common::CommonParser;

use super::{Ack, AckId, Event, json};

/// Names that only the client library itself may use.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Bounds of one packet.
#[derive(Debug, Clone)]
pub struct Limits {
    /// `limits.json_depth`.
    pub json_depth: usize,
    /// `limits.json_keys`.
    pub json_keys: usize,
    parse: ParseConfig,
}

impl Limits {
    /// Bounds in bytes and numbers: `limits.json_depth`, `limits.json_keys`,
    /// `session.max_attachments`, `session.max_attachment_bytes`.
    pub fn new(json_depth: usize, json_keys: usize, attachments: usize, attachment_bytes: usize) -> Self {
        let parse = ParseConfig {
            max_incoming_binaries: attachments,
            max_incoming_binary_buf_size: attachment_bytes,
            // the session has a deadline of its own for it
            packet_completion_timeout: std::time::Duration::MAX,
        };
        Self { json_depth, json_keys, parse }
    }
}

/// A packet of a client. The main namespace is `/`.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet {
    /// Wants to join a namespace, with the object of its `auth`.
    Connect(Str, Map<String, Value>),
    /// Leaves it.
    Disconnect(Str),
    /// An event, complete with its attachments.
    Event(Str, Event),
    /// The answer to an event of the hub.
    Ack(Str, Ack),
}

/// A rule of the protocol that a packet broke; the session ends by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// No such type, or one that only servers send.
    #[error("an unknown packet type")]
    Type,
    /// The payload is no JSON, or not of the packet's kind.
    #[error("a payload of the wrong kind")]
    Payload,
    /// Arrays and objects are nested too deeply.
    #[error("JSON nested too deeply")]
    TooDeep,
    /// Too many keys in one packet.
    #[error("too many keys in JSON")]
    TooManyKeys,
    /// The number before the payload is no ack id.
    #[error("a bad ack id")]
    AckId,
    /// An event without a name, or with a reserved one.
    #[error("a bad event name")]
    EventName,
    /// A bad number of attachments, or too many, or too large ones.
    #[error("bad attachments")]
    Attachments,
    /// Placeholders do not name each attachment once.
    #[error("placeholders that do not fit the attachments")]
    Placeholder,
    /// A binary message that nothing announced.
    #[error("an unexpected binary message")]
    UnexpectedBinary,
    /// A text message while attachments are due.
    #[error("a text message instead of an attachment")]
    MissingAttachment,
}

impl Violation {
    /// Label of the metric.
    pub fn label(self) -> &'static str {
        match self {
            Self::Type => "sio_packet_type",
            Self::Payload => "sio_payload",
            Self::TooDeep => "json_depth",
            Self::TooManyKeys => "json_keys",
            Self::AckId => "sio_ack_id",
            Self::EventName => "sio_event_name",
            Self::Attachments => "sio_attachments",
            Self::Placeholder => "sio_placeholder",
            Self::UnexpectedBinary => "sio_unexpected_binary",
            Self::MissingAttachment => "sio_missing_attachment",
        }
    }
}

impl From<ParseError> for Violation {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::InvalidAckId => Self::AckId,
            ParseError::InvalidEventName => Self::EventName,
            ParseError::InvalidData | ParseError::InvalidNamespace => Self::Payload,
            ParseError::InvalidAttachments
            | ParseError::TooManyAttachments { .. }
            | ParseError::AttachmentsTooHeavy { .. } => Self::Attachments,
            ParseError::UnexpectedBinaryPacket => Self::UnexpectedBinary,
            ParseError::UnexpectedStringPacket => Self::MissingAttachment,
            _ => Self::Type,
        }
    }
}

/// Decodes the messages of one session; keeps a binary packet until its attachments are there.
#[derive(Debug, Default)]
pub struct Decoder {
    waiting: Option<Box<ParserState>>,
}

impl Decoder {
    /// Whether attachments are due.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// A text message. `None`: attachments follow.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn text(&mut self, text: Str, limits: &Limits) -> Result<Option<Packet>, Violation> {
        if self.waiting.is_some() {
            return Err(Violation::MissingAttachment);
        }
        let state = ParserState::default();
        match CommonParser.decode_str(&limits.parse, &state, text.clone()) {
            Ok(packet) => checked(&text, packet, limits).map(Some),
            Err(ParseError::NeedsMoreBinaryData) => {
                early(&text, &state, limits)?;
                self.waiting = Some(Box::new(state));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A binary message. `None`: more attachments follow.
    ///
    /// # Errors
    /// When none is due, or they are too large together.
    pub fn binary(&mut self, bytes: Bytes, limits: &Limits) -> Result<Option<Packet>, Violation> {
        let Some(state) = self.waiting.take() else { return Err(Violation::UnexpectedBinary) };
        match CommonParser.decode_bin(&limits.parse, &state, bytes) {
            // the header was checked when it came
            Ok(packet) => packet_of(packet).map(Some),
            Err(ParseError::NeedsMoreBinaryData) => {
                self.waiting = Some(state);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The header of a binary packet is checked before its attachments are waited for.
fn early(text: &Str, state: &ParserState, limits: &Limits) -> Result<(), Violation> {
    let count = state.incoming_binary_cnt.load(std::sync::atomic::Ordering::Relaxed);
    let mut partial = state.partial_bin_packet.lock().map_err(|_| Violation::Type)?;
    let Some(partial) = partial.as_mut() else { return Err(Violation::Attachments) };
    if count == 0 {
        return Err(Violation::Attachments);
    }
    let (payload, ack) = match &mut partial.packet.inner {
        PacketData::BinaryEvent(payload, ack) => (payload, *ack),
        PacketData::BinaryAck(payload, ack) => (payload, Some(*ack)),
        _ => return Err(Violation::Type),
    };
    let Payload::Str(data, _) = payload else { return Err(Violation::Payload) };
    check_prefix(text, data, ack)?;
    let (walk, repaired) = walked(data, limits)?;
    let mut numbers: Vec<Option<usize>> = walk.placeholders;
    numbers.sort_unstable();
    if !numbers.into_iter().eq((0..count).map(Some)) {
        return Err(Violation::Placeholder);
    }
    if let Some(repaired) = repaired {
        *data = repaired;
    }
    packet_of(partial.packet.clone()).map(drop)
}

/// A packet without attachments.
fn checked(text: &Str, mut packet: Coded, limits: &Limits) -> Result<Packet, Violation> {
    match &mut packet.inner {
        PacketData::Connect(payload) => {
            let data = payload.as_ref().and_then(Payload::as_str).cloned();
            check_bare(text, data.as_ref())?;
            if let Some(data) = data {
                let (_, repaired) = walked(&data, limits)?;
                *payload = Some(Payload::Str(repaired.unwrap_or(data), None));
            }
        }
        PacketData::Disconnect => check_bare(text, None)?,
        PacketData::Event(Payload::Str(data, _), ack) => {
            check_prefix(text, data, *ack)?;
            if let Some(repaired) = walked(data, limits)?.1 {
                *data = repaired;
            }
        }
        PacketData::EventAck(Payload::Str(data, _), _) => {
            if let Some(repaired) = walked(data, limits)?.1 {
                *data = repaired;
            }
        }
        // a binary packet is never complete without attachments
        PacketData::BinaryEvent(..) | PacketData::BinaryAck(..) => return Err(Violation::Attachments),
        _ => return Err(Violation::Type),
    }
    packet_of(packet)
}

fn walked(data: &Str, limits: &Limits) -> Result<(json::Walk, Option<Str>), Violation> {
    let walk = json::walk(data, limits.json_depth, limits.json_keys)?;
    let repaired =
        (!walk.surrogates.is_empty()).then(|| Str::from(json::repaired(data, &walk.surrogates).into_owned()));
    Ok((walk, repaired))
}

/// The codec drops digits before the payload that are no id of its (too large ones).
fn check_prefix(text: &str, data: &str, ack: Option<AckId>) -> Result<(), Violation> {
    let before = text.get(..text.len().saturating_sub(data.len())).unwrap_or_default();
    if ack.is_none() && before.len() > 1 && before.ends_with(|c: char| c.is_ascii_digit()) {
        return Err(Violation::AckId);
    }
    Ok(())
}

/// CONNECT and DISCONNECT have nothing between namespace and payload, and the latter has none.
fn check_bare(text: &str, data: Option<&Str>) -> Result<(), Violation> {
    let rest = text.get(1..).unwrap_or_default();
    let rest = match rest.strip_prefix('/') {
        Some(named) => named.split_once(',').map_or("", |(_, rest)| rest),
        None => rest,
    };
    if rest == data.map_or("", Str::as_str) { Ok(()) } else { Err(Violation::Payload) }
}

/// Parses the payload; the JSON is checked as a whole by it.
fn packet_of(packet: Coded) -> Result<Packet, Violation> {
    let namespace = packet.ns;
    match packet.inner {
        PacketData::Connect(None) => Ok(Packet::Connect(namespace, Map::new())),
        PacketData::Connect(Some(Payload::Str(data, _))) => {
            let auth = serde_json::from_str(&data).map_err(|_| Violation::Payload)?;
            Ok(Packet::Connect(namespace, auth))
        }
        PacketData::Disconnect => Ok(Packet::Disconnect(namespace)),
        PacketData::Event(Payload::Str(data, buffers), ack)
        | PacketData::BinaryEvent(Payload::Str(data, buffers), ack) => {
            let (name, arguments) = event_parts(&data)?;
            let attachments = buffers.unwrap_or_default().into();
            Ok(Packet::Event(namespace, Event { name, ack, attachments, arguments }))
        }
        PacketData::EventAck(Payload::Str(data, buffers), id)
        | PacketData::BinaryAck(Payload::Str(data, buffers), id) => {
            let list: Vec<&RawValue> = serde_json::from_str(&data).map_err(|_| Violation::Payload)?;
            let arguments = match list.first() {
                Some(first) => inner(&data, first)?,
                None => Str::from(""),
            };
            let attachments = buffers.unwrap_or_default().into();
            Ok(Packet::Ack(namespace, Ack { id, attachments, arguments }))
        }
        _ => Err(Violation::Type),
    }
}

/// Name and arguments of `["name", argument, …]`.
fn event_parts(data: &Str) -> Result<(String, Str), Violation> {
    let list: Vec<&RawValue> = serde_json::from_str(data).map_err(|_| Violation::Payload)?;
    let name = list.first().ok_or(Violation::EventName)?.get();
    let name = match name.as_bytes().first() {
        Some(b'"') => serde_json::from_str(name).map_err(|_| Violation::EventName)?,
        Some(b'-' | b'0'..=b'9') => name.to_owned(),
        _ => return Err(Violation::EventName),
    };
    if RESERVED.contains(&name.as_str()) {
        return Err(Violation::EventName);
    }
    let arguments = match list.get(1) {
        Some(first) => inner(data, first)?,
        None => Str::from(""),
    };
    Ok((name, arguments))
}

/// From one element of an array, borrowed from its text, to the array's last.
fn inner(data: &Str, from: &RawValue) -> Result<Str, Violation> {
    let start = (from.get().as_ptr() as usize).checked_sub(data.as_str().as_ptr() as usize);
    let end = data.as_str().rfind(']');
    match (start, end) {
        (Some(start), Some(end)) if data.as_str().get(start..end).is_some() => Ok(data.slice(start..end)),
        _ => Err(Violation::Payload),
    }
}

#[cfg(test)]
#[path = "decode_test.rs"]
mod tests;
