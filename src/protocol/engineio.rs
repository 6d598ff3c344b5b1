//! Engine.IO 4 packets from a client, and the open packet: engineioxide-core's codec with the rules
//! of `protocol.md` 1.3 and 1.4 around it.

use std::time::Duration;

use bytes::Bytes;
pub use engineioxide_core::Str;
use engineioxide_core::{OpenPacket, Packet as Coded, ProtocolVersion, TransportType};

use super::frame::RECORD_SEPARATOR;
use crate::ids::SessionId;

/// A packet that a client may send.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet {
    /// `1`: the client ends the session.
    Close,
    /// `3`: the answer to a ping.
    Pong,
    /// `2probe`: the first packet of a websocket that wants to take over a polling session.
    Probe,
    /// `5`: the takeover. On an established transport it means nothing.
    Upgrade,
    /// `6`: means nothing.
    Noop,
    /// `4…`: a text message.
    Message(Str),
    /// A binary message (`b…` in a polling payload).
    Binary(Bytes),
}

/// What is wrong with a packet; the session ends by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// No byte at all.
    #[error("an empty packet")]
    Empty,
    /// A first character that no packet has, or one that only servers send.
    #[error("an unknown packet type")]
    UnknownType,
    /// `2`: only the server pings in this revision.
    #[error("a ping from a client")]
    WrongDirection,
    /// `b…` that is not padded base64.
    #[error("bad base64")]
    Base64,
    /// A payload that is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
}

impl Violation {
    /// Label of the metric.
    pub fn label(self) -> &'static str {
        match self {
            Self::Empty => "empty_packet",
            Self::UnknownType => "unknown_packet_type",
            Self::WrongDirection => "wrong_direction",
            Self::Base64 => "bad_base64",
            Self::Utf8 => "not_utf8",
        }
    }
}

/// Decodes one text packet. `b…` is a binary packet only in a polling payload (`in_payload`); a
/// websocket has frames for it.
///
/// # Errors
/// When no client may send it.
pub fn decode(text: Str, in_payload: bool) -> Result<Packet, Violation> {
    let binary = match text.as_bytes().first() {
        None => return Err(Violation::Empty),
        Some(b'b') if !in_payload => return Err(Violation::UnknownType),
        Some(first) => *first == b'b',
    };
    match Coded::parse(ProtocolVersion::V4, text) {
        Ok(Coded::Close) => Ok(Packet::Close),
        Ok(Coded::Pong | Coded::PongUpgrade) => Ok(Packet::Pong),
        Ok(Coded::PingUpgrade) => Ok(Packet::Probe),
        Ok(Coded::Ping) => Err(Violation::WrongDirection),
        Ok(Coded::Upgrade) => Ok(Packet::Upgrade),
        Ok(Coded::Noop) => Ok(Packet::Noop),
        Ok(Coded::Message(text)) => Ok(Packet::Message(text)),
        Ok(Coded::Binary(bytes) | Coded::BinaryV3(bytes)) => Ok(Packet::Binary(bytes)),
        Ok(Coded::Open(_)) => Err(Violation::UnknownType),
        Err(_) if binary => Err(Violation::Base64),
        Err(_) => Err(Violation::UnknownType),
    }
}

/// Decodes the body of a polling POST: the packets before the first bad one, and what is wrong with
/// that. What follows a bad packet is not looked at.
pub fn decode_payload(body: Vec<u8>) -> (Vec<Packet>, Option<Violation>) {
    let Ok(text) = String::from_utf8(body) else { return (Vec::new(), Some(Violation::Utf8)) };
    let text = Str::from(text);
    let mut packets = Vec::new();
    let mut start = 0;
    for part in text.as_bytes().split(|byte| *byte == RECORD_SEPARATOR) {
        let end = start + part.len();
        match decode(text.slice(start..end), true) {
            Ok(packet) => packets.push(packet),
            Err(violation) => return (packets, Some(violation)),
        }
        start = end + 1;
    }
    (packets, None)
}

/// What the open packet tells a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Time between two pings.
    pub ping_interval: Duration,
    /// Longest wait for a pong.
    pub ping_timeout: Duration,
    /// Largest payload in bytes.
    pub max_payload: u64,
}

/// `0{"sid":…,"upgrades":…,"pingInterval":…,"pingTimeout":…,"maxPayload":…}`: exactly these keys.
pub fn open_packet(sid: SessionId, upgrade: bool, terms: &Terms) -> String {
    let upgrades: &[TransportType] = if upgrade { &[TransportType::Websocket] } else { &[] };
    Coded::Open(OpenPacket {
        sid: sid.to_sid(),
        upgrades: upgrades.iter().copied().collect(),
        ping_interval: terms.ping_interval,
        ping_timeout: terms.ping_timeout,
        max_payload: terms.max_payload,
    })
    .into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::frame::Frame;

    fn text(text: &str) -> Str {
        Str::copy_from_slice(text)
    }

    #[test]
    fn packets_of_a_client() {
        for (bytes, packet) in [
            ("1", Packet::Close),
            ("3", Packet::Pong),
            ("3probe", Packet::Pong),
            ("2probe", Packet::Probe),
            ("5", Packet::Upgrade),
            ("6", Packet::Noop),
            ("4", Packet::Message(text(""))),
            ("4h\u{e9}", Packet::Message(text("h\u{e9}"))),
            ("bAQI=", Packet::Binary(Bytes::from_static(&[1, 2]))),
        ] {
            assert_eq!(decode(text(bytes), true), Ok(packet), "{bytes}");
        }
        for (bytes, violation) in [
            ("", Violation::Empty),
            ("7", Violation::UnknownType),
            ("abc", Violation::UnknownType),
            ("\u{e9}", Violation::UnknownType),
            ("0{\"sid\":\"x\"}", Violation::UnknownType),
            ("2", Violation::WrongDirection),
            ("bAQI", Violation::Base64),
            ("b!!!!", Violation::Base64),
        ] {
            assert_eq!(decode(text(bytes), true), Err(violation), "{bytes}");
        }
        assert_eq!(decode(text("bAQI="), false), Err(Violation::UnknownType));
    }

    #[test]
    fn a_payload_ends_at_its_first_bad_packet() {
        let (packets, violation) = decode_payload(b"4a\x1ezzz\x1e4b".to_vec());
        assert_eq!(packets, [Packet::Message(text("a"))]);
        assert_eq!(violation, Some(Violation::UnknownType));
        assert_eq!(decode_payload(b"4\xff\xfe".to_vec()), (vec![], Some(Violation::Utf8)));
        assert_eq!(decode_payload(b"\x1e\x1e".to_vec()), (vec![], Some(Violation::Empty)));
        assert_eq!(decode_payload(Vec::new()), (vec![], Some(Violation::Empty)));
    }

    #[test]
    fn the_open_packet_has_five_keys() {
        let terms = Terms {
            ping_interval: Duration::from_millis(300),
            ping_timeout: Duration::from_millis(200),
            max_payload: 1_000_000,
        };
        let sid = SessionId::generate();
        let packet = open_packet(sid, true, &terms);
        let expected = format!(
            r#"0{{"sid":"{}","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}}"#,
            sid.expose()
        );
        assert_eq!(packet, expected);
        assert!(open_packet(sid, false, &terms).contains(r#""upgrades":[]"#));
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_payload(body);
        }

        #[test]
        fn payloads_come_back(messages in prop::collection::vec("[^\u{1e}]{0,20}", 1..6), binary in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut frames: Vec<Frame> = messages.iter().map(|m| Frame::engine(&format!("4{m}"))).collect();
            frames.push(Frame::binary(&binary));
            let mut body = Vec::new();
            frames.iter().for_each(|frame| frame.write_polling(&mut body));
            let (packets, violation) = decode_payload(body);
            prop_assert_eq!(violation, None);
            let mut expected: Vec<_> = messages.iter().map(|m| Packet::Message(text(m))).collect();
            expected.push(Packet::Binary(binary.into()));
            prop_assert_eq!(packets, expected);
        }
    }
}
