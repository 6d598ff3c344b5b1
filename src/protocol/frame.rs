//! One packet, encoded once, shared by everybody who gets it.
//!
//! A server's websocket frames carry no mask, so they are the same for all receivers: the bytes of a
//! [`Frame`] include the websocket header (RFC 6455 5.2) and a delivery costs one reference count. A
//! polling payload takes the packets out of the same bytes.

use std::{borrow::Cow, fmt, sync::Arc};

use base64::Engine as _;
use bytes::Bytes;
use serde::Serialize;
use smallvec::SmallVec;

use super::rope::{EventFrame, HEADER, Rope};

/// Separates packets in a polling payload (Engine.IO 4).
pub const RECORD_SEPARATOR: u8 = 0x1e;

/// What may happen to a frame that cannot be written at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Never dropped: a client whose queue is full is closed (`slow_client`).
    #[default]
    Log,
    /// Only the newest frame of this key waits; an older one that waits gives way. When the queue is
    /// full it is treated as `Log`, because the newest state must not be lost silently.
    Latest(Arc<str>),
    /// Dropped when the client's queue is half full.
    Volatile,
}

/// One packet, encoded. Cheap to clone; never changed after it is made.
#[derive(Clone)]
pub struct Frame(Arc<Encoded>);

#[derive(Clone)]
struct Encoded {
    /// Complete websocket frames, one behind the other; large values are parts that frames share.
    parts: SmallVec<[Bytes; 1]>,
    bytes: usize,
    packets: SmallVec<[Packet; 1]>,
    policy: Policy,
    frames: u32,
}

/// Where one Engine.IO packet is in the bytes of all parts.
#[derive(Clone, Copy)]
struct Packet {
    start: usize,
    end: usize,
    binary: bool,
}

/// One websocket message of a frame, for a transport that writes its own headers (mounted).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// UTF-8.
    Text(Bytes),
    /// An attachment, or a binary message of plain Engine.IO.
    Binary(Bytes),
}

impl Frame {
    /// The Socket.IO event `name` with one argument: `42/namespace,["name",body]`. The main namespace
    /// is `/`.
    ///
    /// # Errors
    /// When `body` does not become JSON (a map with keys that are no strings).
    pub fn event(namespace: &str, name: &str, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut event = EventFrame::new(namespace, name)?;
        event.json(body)?;
        Ok(event.finish())
    }

    /// A Socket.IO packet as its codec wrote it, without the Engine.IO digit (`2["name",1]`,
    /// `51-["name",{"_placeholder":true,"num":0}]`), and its attachments, which follow it at once.
    pub fn from_packet(text: &str, attachments: &[Bytes]) -> Self {
        let mut out = vec![0; HEADER];
        out.push(b'4');
        out.extend_from_slice(text.as_bytes());
        let head = Self::from_reserved(out, OPCODE_TEXT);
        if attachments.is_empty() {
            return head;
        }
        let mut all = Vec::with_capacity(1 + attachments.len());
        all.push(head);
        all.extend(attachments.iter().map(|bytes| Self::binary(bytes)));
        let mut joined = Self::concat(&all);
        Arc::make_mut(&mut joined.0).frames = u32::try_from(all.len()).unwrap_or(u32::MAX);
        joined
    }

    /// An Engine.IO packet with its digit: `2`, `1`, `6`, `0{"sid":…}`, or a message of plain
    /// Engine.IO (`4hello`).
    pub fn engine(text: &str) -> Self {
        let mut out = vec![0; HEADER];
        out.extend_from_slice(text.as_bytes());
        Self::from_reserved(out, OPCODE_TEXT)
    }

    /// A binary message of plain Engine.IO.
    pub fn binary(bytes: &[u8]) -> Self {
        let mut out = vec![0; HEADER];
        out.extend_from_slice(bytes);
        Self::from_reserved(out, OPCODE_BINARY)
    }

    /// Bytes for an owned socket only, written as they are: the answer to an upgrade, a websocket
    /// control frame. A polling payload and a mounted transport skip them.
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self::new(smallvec::smallvec![bytes.into()], SmallVec::new(), 1)
    }

    /// A websocket control frame: pong (`0xA`) or close (`0x8`). At most 125 bytes go along.
    pub fn control(opcode: u8, payload: &[u8]) -> Self {
        let payload = payload.get(..125).unwrap_or(payload);
        let mut out = vec![0x80 | (opcode & 0x0f), u8::try_from(payload.len()).unwrap_or(125)];
        out.extend_from_slice(payload);
        Self::raw(out)
    }

    /// Two packets that count as one and are never separated: the terminal pair of a run.
    #[must_use]
    pub fn pair(first: &Self, second: &Self) -> Self {
        Self::concat(&[first.clone(), second.clone()])
    }

    /// The packets of one journal row, in order; they count as one frame and are never separated.
    /// The policy is the first frame's. Without frames there is nothing to write.
    #[must_use]
    pub fn concat(frames: &[Self]) -> Self {
        let mut rope = Rope::default();
        let mut packets = SmallVec::new();
        for frame in frames {
            let at = rope.len();
            for part in &frame.0.parts {
                rope.share(part);
            }
            packets.extend(frame.0.packets.iter().map(|packet| Packet {
                start: at + packet.start,
                end: at + packet.end,
                binary: packet.binary,
            }));
        }
        let joined = Self::new(rope.finish(), packets, 1);
        match frames.first() {
            Some(first) => joined.with_policy(first.policy().clone()),
            None => joined,
        }
    }

    /// The same frame, counted with the one before it: it is no frame of its own for a queue's bound.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        Arc::make_mut(&mut self.0).frames = 0;
        self
    }

    /// The same frame under another policy.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        Arc::make_mut(&mut self.0).policy = policy;
        self
    }

    /// What may happen to it in a queue.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Complete websocket frames, headers included, shared by all receivers: write one part after the
    /// other.
    pub fn parts(&self) -> &[Bytes] {
        &self.0.parts
    }

    /// The same in one piece; copied when there are several parts.
    pub fn websocket(&self) -> Bytes {
        self.slice(0, self.cost())
    }

    /// Some of its bytes; copied when they are in several parts.
    fn slice(&self, start: usize, end: usize) -> Bytes {
        if let [part] = self.0.parts.as_slice() {
            return part.slice(start.min(part.len())..end.min(part.len()));
        }
        let mut out = Vec::with_capacity(end.saturating_sub(start));
        let mut at = 0;
        for part in &self.0.parts {
            let (from, to) = (start.max(at) - at, end.min(at + part.len()).max(at) - at);
            out.extend_from_slice(part.get(from..to).unwrap_or_default());
            at += part.len();
        }
        out.into()
    }

    fn text(&self, packet: &Packet) -> Cow<'_, [u8]> {
        match self.0.parts.as_slice() {
            [part] => Cow::Borrowed(part.get(packet.start..packet.end).unwrap_or_default()),
            _ => Cow::Owned(self.slice(packet.start, packet.end).to_vec()),
        }
    }

    /// The packets as they stand in a polling payload: text as it is, binary as `b` and base64.
    pub fn polling(&self) -> impl Iterator<Item = Cow<'_, [u8]>> {
        self.0.packets.iter().map(|packet| {
            let bytes = self.text(packet);
            if packet.binary {
                let mut text = String::with_capacity(2 + bytes.len() * 4 / 3 + 3);
                text.push('b');
                base64::engine::general_purpose::STANDARD.encode_string(bytes, &mut text);
                Cow::Owned(text.into_bytes())
            } else {
                bytes
            }
        })
    }

    /// Adds its packets to a polling payload, with separators.
    pub fn write_polling(&self, payload: &mut Vec<u8>) {
        for packet in self.polling() {
            if !payload.is_empty() {
                payload.push(RECORD_SEPARATOR);
            }
            payload.extend_from_slice(&packet);
        }
    }

    /// Its websocket messages without headers; the bytes are shared where they are in one part.
    pub fn messages(&self) -> impl Iterator<Item = Message> {
        self.0.packets.iter().map(|packet| {
            let bytes = self.slice(packet.start, packet.end);
            if packet.binary { Message::Binary(bytes) } else { Message::Text(bytes) }
        })
    }

    /// Bytes that it takes in a queue.
    pub fn cost(&self) -> usize {
        self.0.bytes
    }

    /// Frames that it counts as in a queue: a packet with attachments is one and its attachments,
    /// what [`Frame::concat`] joined is one.
    pub fn frames(&self) -> usize {
        self.0.frames as usize
    }

    /// Packets of a polling payload that it is.
    pub fn packets(&self) -> usize {
        self.0.packets.len()
    }

    fn new(parts: SmallVec<[Bytes; 1]>, packets: SmallVec<[Packet; 1]>, frames: u32) -> Self {
        let bytes = parts.iter().map(Bytes::len).sum();
        Self(Arc::new(Encoded { parts, bytes, packets, policy: Policy::Log, frames }))
    }

    /// `out` is [`HEADER`] unused bytes and the payload.
    fn from_reserved(out: Vec<u8>, opcode: u8) -> Self {
        Self::from_rope(Rope::from(out), opcode)
    }

    /// A rope that begins with [`HEADER`] unused bytes; the header is written right before the payload,
    /// so that nothing is copied.
    pub(super) fn from_rope(rope: Rope, opcode: u8) -> Self {
        let length = rope.len().saturating_sub(HEADER);
        let mut header: SmallVec<[u8; HEADER]> = SmallVec::new();
        header.push(opcode);
        if let Ok(short @ 0..126) = u8::try_from(length) {
            header.push(short);
        } else if let Ok(middle) = u16::try_from(length) {
            header.push(126);
            header.extend(middle.to_be_bytes());
        } else {
            header.push(127);
            header.extend((length as u64).to_be_bytes());
        }
        let mut packets = SmallVec::new();
        packets.push(Packet {
            start: header.len(),
            end: header.len() + length,
            binary: opcode == OPCODE_BINARY,
        });
        Self::new(rope.finish_with(&header), packets, 1)
    }
}

/// FIN and opcode 1.
pub(super) const OPCODE_TEXT: u8 = 0x81;
/// FIN and opcode 2.
const OPCODE_BINARY: u8 = 0x82;

/// Never the payload: it is the client's.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("bytes", &self.cost()).field("policy", self.policy()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(frames: &[Frame]) -> String {
        let mut out = Vec::new();
        for frame in frames {
            frame.write_polling(&mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_is_encoded_for_both_transports() {
        let frame = Frame::event("/", "a\"b", &serde_json::json!({"x": 1})).unwrap();
        assert_eq!(payload(std::slice::from_ref(&frame)), r#"42["a\"b",{"x":1}]"#);
        assert_eq!(&frame.websocket()[..2], &[0x81, 18]);
        assert_eq!(&frame.websocket()[2..], br#"42["a\"b",{"x":1}]"#);
        let other = Frame::event("/monitor", "log", &1).unwrap();
        assert_eq!(payload(&[other]), r#"42/monitor,["log",1]"#);
    }

    #[test]
    fn lengths_take_the_shortest_header() {
        for (length, header) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frame = Frame::engine(&"x".repeat(length));
            assert_eq!(frame.cost(), length + header, "{length}");
            assert_eq!(frame.messages().count(), 1);
            assert_eq!(payload(&[frame]).len(), length);
        }
        assert_eq!(&Frame::engine(&"x".repeat(300)).websocket()[..4], &[0x81, 126, 1, 44]);
    }

    #[test]
    fn attachments_follow_their_packet() {
        let frame =
            Frame::from_packet(r#"51-["b",{"_placeholder":true,"num":0}]"#, &[Bytes::from_static(&[1, 2])]);
        assert_eq!(
            payload(std::slice::from_ref(&frame)),
            "451-[\"b\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQI="
        );
        assert_eq!(frame.frames(), 2);
        assert!(matches!(frame.messages().last(), Some(Message::Binary(bytes)) if bytes[..] == [1, 2]));
        assert!(frame.websocket().ends_with(&[0x82, 2, 1, 2]));
    }

    #[test]
    fn a_pair_counts_as_one_and_keeps_the_policy() {
        let first = Frame::engine("4a").with_policy(Policy::Volatile);
        let pair = Frame::pair(&first, &Frame::engine("4b"));
        assert_eq!((pair.frames(), pair.policy()), (1, &Policy::Volatile));
        assert_eq!(payload(&[pair.clone(), Frame::raw(vec![1]), pair]), "4a\u{1e}4b\u{1e}4a\u{1e}4b");
    }
}
