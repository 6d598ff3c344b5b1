//! Frames of the pipe between the hub and a worker: a length (four bytes, little endian), then a
//! tag and fields; a text is its length and its bytes.
//!
//! The worker runs foreign code in a C engine, so the hub takes nothing from it on trust: lengths
//! are bounded, texts must be UTF-8, and a frame that is anything else ends the worker.

use std::time::Duration;

/// Bytes of the length before each frame.
pub(super) const HEADER: usize = 4;
/// Longest frame to a worker: a context, a source and room.
pub(super) const MAX_JOB: usize = 64 * 1024 * 1024;
/// Longest frame from a worker: a result, a console and room.
pub(super) const MAX_REPLY: usize = 2 * 1024 * 1024;

/// What a worker shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    /// The text is one expression.
    pub expression: bool,
    pub timeout: Duration,
    /// Bytes of heap.
    pub memory: usize,
    /// Bytes of stack.
    pub stack: usize,
    pub code: String,
    /// The context as JSON.
    pub ctx: String,
}

/// The same, borrowed from whoever sends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct JobRef<'a> {
    pub expression: bool,
    pub timeout: Duration,
    pub memory: usize,
    pub stack: usize,
    pub code: &'a str,
    pub ctx: &'a str,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// It has given up its rights and waits.
    Ready,
    /// It could not give up its rights: it will not run anything.
    Refused(String),
    /// The result as JSON.
    Done {
        value: String,
        truthy: bool,
        console: Vec<String>,
    },
    Threw {
        message: String,
        name: Option<String>,
        programming: bool,
        console: Vec<String>,
    },
    Timeout,
    Memory,
}

/// A frame that none of ours can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame of the wrong form")]
pub(super) struct Broken;

/// The length that a header announces, if it is permitted.
pub(super) fn length(header: [u8; HEADER], limit: usize) -> Result<usize, Broken> {
    let length = usize::try_from(u32::from_le_bytes(header)).map_err(|_| Broken)?;
    if length > limit { Err(Broken) } else { Ok(length) }
}

impl JobRef<'_> {
    /// With its header; `None` if it is too long to be sent.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut out = Writer::new(self.code.len() + self.ctx.len() + 64);
        out.byte(u8::from(self.expression));
        out.number(u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX));
        out.number(self.memory as u64);
        out.number(self.stack as u64);
        out.text(self.code);
        out.text(self.ctx);
        out.finish(MAX_JOB)
    }
}

impl Job {
    /// From a frame without its header.
    pub fn decode(frame: &[u8]) -> Result<Self, Broken> {
        let mut reader = Reader(frame);
        let job = Self {
            expression: reader.flag()?,
            timeout: Duration::from_millis(reader.number()?),
            memory: reader.size()?,
            stack: reader.size()?,
            code: reader.text()?,
            ctx: reader.text()?,
        };
        reader.end(job)
    }
}

impl Reply {
    /// With its header; `None` if it is too long to be sent.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut out = Writer::new(256);
        match self {
            Self::Ready => out.byte(0),
            Self::Refused(why) => {
                out.byte(1);
                out.text(why);
            }
            Self::Done { value, truthy, console } => {
                out.byte(2);
                out.text(value);
                out.byte(u8::from(*truthy));
                out.texts(console);
            }
            Self::Threw { message, name, programming, console } => {
                out.byte(3);
                out.text(message);
                out.byte(u8::from(name.is_some()));
                out.text(name.as_deref().unwrap_or_default());
                out.byte(u8::from(*programming));
                out.texts(console);
            }
            Self::Timeout => out.byte(4),
            Self::Memory => out.byte(5),
        }
        out.finish(MAX_REPLY)
    }

    /// From a frame without its header.
    pub fn decode(frame: &[u8]) -> Result<Self, Broken> {
        let mut reader = Reader(frame);
        let reply = match reader.byte()? {
            0 => Self::Ready,
            1 => Self::Refused(reader.text()?),
            2 => Self::Done { value: reader.text()?, truthy: reader.flag()?, console: reader.texts()? },
            3 => {
                let message = reader.text()?;
                let named = reader.flag()?;
                let name = Some(reader.text()?).filter(|_| named);
                Self::Threw { message, name, programming: reader.flag()?, console: reader.texts()? }
            }
            4 => Self::Timeout,
            5 => Self::Memory,
            _ => return Err(Broken),
        };
        reader.end(reply)
    }
}

/// Writes a frame; the header is filled in at the end.
struct Writer {
    bytes: Vec<u8>,
    too_long: bool,
}

impl Writer {
    fn new(room: usize) -> Self {
        let mut bytes = Vec::with_capacity(room + HEADER);
        bytes.extend_from_slice(&[0; HEADER]);
        Self { bytes, too_long: false }
    }
    fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }
    fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }
    fn length(&mut self, length: usize) {
        let short = u32::try_from(length);
        self.too_long |= short.is_err();
        self.bytes.extend_from_slice(&short.unwrap_or_default().to_le_bytes());
    }
    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }
    fn texts(&mut self, texts: &[String]) {
        self.length(texts.len());
        texts.iter().for_each(|text| self.text(text));
    }
    fn finish(mut self, limit: usize) -> Option<Vec<u8>> {
        let length = self.bytes.len().checked_sub(HEADER).filter(|length| *length <= limit)?;
        let header = u32::try_from(length).ok().filter(|_| !self.too_long)?.to_le_bytes();
        self.bytes.get_mut(..HEADER)?.copy_from_slice(&header);
        Some(self.bytes)
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Broken)?;
        self.0 = rest;
        Ok(taken)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        self.take(N)?.try_into().map_err(|_| Broken)
    }
    fn byte(&mut self) -> Result<u8, Broken> {
        Ok(u8::from_le_bytes(self.array()?))
    }
    fn flag(&mut self) -> Result<bool, Broken> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Broken),
        }
    }
    fn number(&mut self) -> Result<u64, Broken> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    fn size(&mut self) -> Result<usize, Broken> {
        usize::try_from(self.number()?).map_err(|_| Broken)
    }
    fn length(&mut self) -> Result<usize, Broken> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| Broken)
    }
    fn text(&mut self) -> Result<String, Broken> {
        let length = self.length()?;
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| Broken)
    }
    fn texts(&mut self) -> Result<Vec<String>, Broken> {
        let count = self.length()?;
        // Each text has at least its length: a count beyond that is a lie, and allocates nothing.
        if count > self.0.len() / HEADER {
            return Err(Broken);
        }
        (0..count).map(|_| self.text()).collect()
    }
    fn end<T>(&self, value: T) -> Result<T, Broken> {
        if self.0.is_empty() { Ok(value) } else { Err(Broken) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(frame: &[u8], limit: usize) -> &[u8] {
        let (header, body) = frame.split_at(HEADER);
        assert_eq!(length(header.try_into().unwrap(), limit), Ok(body.len()));
        body
    }

    fn replies() -> impl Strategy<Value = Reply> {
        let console = || prop::collection::vec(".{0,20}", 0..5);
        prop_oneof![
            Just(Reply::Ready),
            Just(Reply::Timeout),
            Just(Reply::Memory),
            ".{0,40}".prop_map(Reply::Refused),
            (".{0,40}", any::<bool>(), console()).prop_map(|(value, truthy, console)| Reply::Done {
                value,
                truthy,
                console
            }),
            (".{0,40}", prop::option::of(".{0,9}"), any::<bool>(), console()).prop_map(
                |(message, name, programming, console)| Reply::Threw { message, name, programming, console }
            ),
        ]
    }

    proptest! {
        #[test]
        fn a_job_comes_back(expression in any::<bool>(), ms in any::<u64>(), memory in any::<usize>(), stack in any::<usize>(), code in ".{0,200}", ctx in ".{0,200}") {
            let timeout = Duration::from_millis(ms);
            let frame = JobRef { expression, timeout, memory, stack, code: &code, ctx: &ctx }.encode().unwrap();
            let job = Job { expression, timeout, memory, stack, code, ctx };
            prop_assert_eq!(Job::decode(body(&frame, MAX_JOB)), Ok(job));
        }

        #[test]
        fn a_reply_comes_back(reply in replies()) {
            let frame = reply.encode().unwrap();
            prop_assert_eq!(Reply::decode(body(&frame, MAX_REPLY)), Ok(reply));
        }

        #[test]
        fn bytes_of_a_broken_worker_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Reply::decode(&bytes);
            let _ = Job::decode(&bytes);
        }

        #[test]
        fn a_cut_or_longer_frame_is_refused(reply in replies(), cut in 0_usize..50) {
            let frame = reply.encode().unwrap();
            let body = body(&frame, MAX_REPLY);
            prop_assert_eq!(Reply::decode(&body[..body.len().saturating_sub(cut + 1)]), Err(Broken));
            prop_assert_eq!(Reply::decode(&[body, &[0]].concat()), Err(Broken));
        }
    }

    #[test]
    fn lengths_are_bounded_before_anything_is_allocated() {
        assert_eq!(length(u32::MAX.to_le_bytes(), MAX_REPLY), Err(Broken));
        let mut liar = vec![2, 4, 0, 0, 0];
        liar.extend_from_slice(b"null");
        liar.push(0);
        liar.extend_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Reply::decode(&liar), Err(Broken));
        let long = Reply::Refused("x".repeat(MAX_REPLY));
        assert_eq!(long.encode(), None);
    }
}
