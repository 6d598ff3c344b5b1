//! Bytes in parts, so that a large value that many frames carry is encoded once and never copied.

use bytes::Bytes;
use serde::Serialize;
use smallvec::SmallVec;

use super::frame::{Frame, OPCODE_TEXT};

/// Longest header of a server's websocket frame.
pub(super) const HEADER: usize = 10;

/// A value of fewer bytes is copied into its frame: a part of its own costs a slice in each write.
const SHARE: usize = 4096;

/// JSON text, encoded once. A clone copies a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(Bytes);

impl Json {
    /// The JSON of a value.
    ///
    /// # Errors
    /// When it has none (a map with keys that are no strings).
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_vec(value).map(|bytes| Self(bytes.into()))
    }

    /// `null`.
    pub fn null() -> Self {
        Self(Bytes::from_static(b"null"))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No JSON text is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Bytes in parts.
#[derive(Default)]
pub(super) struct Rope {
    first: Vec<u8>,
    /// Closed parts behind the first one.
    rest: SmallVec<[Bytes; 2]>,
    /// Behind all of them, while there are some.
    open: Vec<u8>,
    len: usize,
}

impl From<Vec<u8>> for Rope {
    fn from(first: Vec<u8>) -> Self {
        let len = first.len();
        Self { first, len, ..Self::default() }
    }
}

impl Rope {
    pub fn len(&self) -> usize {
        self.len
    }

    fn append(&mut self, bytes: &[u8]) {
        let buffer = if self.rest.is_empty() { &mut self.first } else { &mut self.open };
        buffer.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Calls back with the buffer that is written to.
    fn write<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let buffer = if self.rest.is_empty() { &mut self.first } else { &mut self.open };
        let before = buffer.len();
        let written = write(buffer);
        self.len += buffer.len() - before;
        written
    }

    /// Adds bytes; many of them are shared.
    pub fn share(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARE {
            return self.append(bytes);
        }
        self.close();
        self.rest.push(bytes.clone());
        self.len += bytes.len();
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.rest.push(std::mem::take(&mut self.open).into());
        }
    }

    pub fn finish(self) -> SmallVec<[Bytes; 1]> {
        self.parts(0)
    }

    /// The first [`HEADER`] bytes give way to this shorter header.
    pub fn finish_with(mut self, header: &[u8]) -> SmallVec<[Bytes; 1]> {
        let start = HEADER.saturating_sub(header.len());
        for (place, byte) in self.first.iter_mut().skip(start).zip(header) {
            *place = *byte;
        }
        self.parts(start)
    }

    fn parts(mut self, start: usize) -> SmallVec<[Bytes; 1]> {
        self.close();
        let first = Bytes::from(self.first).slice(start..);
        let mut parts = SmallVec::with_capacity(1 + self.rest.len());
        if !first.is_empty() || self.rest.is_empty() {
            parts.push(first);
        }
        parts.extend(self.rest);
        parts
    }
}

/// A Socket.IO event that is written piece by piece.
pub struct EventFrame(Rope);

impl EventFrame {
    /// `42/namespace,["name",`; the main namespace is `/`.
    ///
    /// # Errors
    /// When the name has no JSON, which no text lacks.
    pub fn new(namespace: &str, name: &str) -> Result<Self, serde_json::Error> {
        let mut out = vec![0; HEADER];
        out.extend_from_slice(b"42");
        if namespace != "/" && !namespace.is_empty() {
            if !namespace.starts_with('/') {
                out.push(b'/');
            }
            out.extend_from_slice(namespace.as_bytes());
            out.push(b',');
        }
        out.push(b'[');
        serde_json::to_writer(&mut out, name)?;
        out.push(b',');
        Ok(Self(out.into()))
    }

    /// A value.
    ///
    /// # Errors
    /// When it has no JSON.
    pub fn json(&mut self, value: &impl Serialize) -> Result<&mut Self, serde_json::Error> {
        self.0.write(|out| serde_json::to_writer(out, value))?;
        Ok(self)
    }

    /// An object that is not closed yet: [`EventFrame::member`]s follow, then [`EventFrame::close`].
    ///
    /// # Errors
    /// When it has no JSON.
    pub fn open(&mut self, object: &impl Serialize) -> Result<&mut Self, serde_json::Error> {
        self.0.write(|out| {
            serde_json::to_writer(&mut *out, object)?;
            out.pop();
            Ok(())
        })?;
        Ok(self)
    }

    /// One more member of the object that is open, which has members already.
    pub fn member(&mut self, name: &'static str, value: &Json) -> &mut Self {
        self.begin(name);
        self.0.share(&value.0);
        self
    }

    /// The name of one more member of the object that is open; its value is to be written next.
    pub fn begin(&mut self, name: &'static str) -> &mut Self {
        self.text(",\"").text(name).text("\":")
    }

    /// The object ends.
    pub fn close(&mut self) -> &mut Self {
        self.text("}")
    }

    fn text(&mut self, text: &'static str) -> &mut Self {
        self.0.append(text.as_bytes());
        self
    }

    /// The frame.
    pub fn finish(mut self) -> Frame {
        self.text("]");
        Frame::from_rope(self.0, OPCODE_TEXT)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(value: &Json) -> Frame {
        let mut event = EventFrame::new("/", "e").unwrap();
        event.open(&json!({ "a": 1 })).unwrap().member("large", value).begin("inner");
        event.open(&json!({ "b": 2 })).unwrap().member("again", value).close().close();
        event.finish()
    }

    #[test]
    fn a_large_value_is_shared_and_a_small_one_is_copied() {
        for size in [1, SHARE - 3, SHARE, 200_000] {
            let text = "x".repeat(size);
            let value = Json::of(&text).unwrap();
            let frame = event(&value);
            assert_eq!(frame.parts().len(), if value.len() < SHARE { 1 } else { 5 }, "{size}");
            let whole = frame.websocket();
            assert_eq!(
                (whole.len(), frame.cost()),
                (frame.parts().iter().map(Bytes::len).sum(), whole.len())
            );
            let payload: Vec<u8> = frame.polling().flat_map(|packet| packet.into_owned()).collect();
            assert!(whole.ends_with(&payload) && payload.starts_with(b"42["));
            let read: Value = serde_json::from_slice(&payload[2..]).unwrap();
            let body = json!({ "a": 1, "large": text, "inner": { "b": 2, "again": text } });
            assert_eq!(read, json!(["e", body]));
            if let Some(shared) = frame.parts().iter().find(|part| part.len() == value.len()) {
                assert_eq!(shared.as_ptr(), value.as_bytes().as_ptr());
            }
            let pair = Frame::pair(&frame, &Frame::engine("4z"));
            assert_eq!(pair.polling().last().unwrap()[..], *b"4z");
            assert_eq!(pair.messages().count(), 2);
            assert_eq!(pair.cost(), frame.cost() + 4);
        }
    }
}
