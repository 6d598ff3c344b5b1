//! Websocket frames of a client (RFC 6455), pure: headers, masks, fragments, control frames, and the
//! close code of each broken rule. A length is judged by its header, before any payload is kept.

use smallvec::SmallVec;

/// Bounds of one message.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// `session.max_payload`.
    pub max_payload: u64,
    /// `session.max_fragments`.
    pub max_fragments: usize,
}

/// A broken rule: the close code and the label of the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// Close code of RFC 6455 7.4.
    pub code: u16,
    /// Which rule.
    pub rule: &'static str,
}

const fn protocol(rule: &'static str) -> Violation {
    Violation { code: 1002, rule }
}
const TOO_LARGE: Violation = Violation { code: 1009, rule: "ws_too_large" };
const NOT_UTF8: Violation = Violation { code: 1007, rule: "ws_not_utf8" };
const TOO_MANY_FRAGMENTS: Violation = Violation { code: 1008, rule: "ws_fragments" };

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A ping, to be answered with the same bytes.
    Ping(&'a [u8]),
    /// A pong, of no meaning.
    Pong,
    /// The close handshake; nothing after it counts.
    Close,
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

#[derive(Debug, Clone, Copy)]
struct Header {
    fin: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Bytes of the header itself.
    size: usize,
    length: usize,
}

/// A header, if its bytes are there. What can be said of its first bytes is said at once.
fn header(bytes: &[u8], rules: &Rules) -> Result<Option<Header>, Violation> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
    if first & 0x70 != 0 {
        return Err(protocol("ws_reserved_bits"));
    }
    if !matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG) {
        return Err(protocol("ws_opcode"));
    }
    let control = opcode >= CLOSE;
    if control && !fin {
        return Err(protocol("ws_control_fragmented"));
    }
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    if second & 0x80 == 0 {
        return Err(protocol("ws_unmasked"));
    }
    let short = second & 0x7f;
    if control && short > 125 {
        return Err(protocol("ws_control_length"));
    }
    let (extra, length) = match short {
        126 => match bytes.get(2..4).and_then(|b| b.try_into().ok()) {
            Some(length) => (2, u64::from(u16::from_be_bytes(length))),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10).and_then(|b| b.try_into().ok()) {
            Some(length) => (8, u64::from_be_bytes(length)),
            None => return Ok(None),
        },
        length => (0, u64::from(length)),
    };
    if length >> 63 != 0 {
        return Err(protocol("ws_length"));
    }
    if length > rules.max_payload {
        return Err(TOO_LARGE);
    }
    let Some(mask) = bytes.get(2 + extra..6 + extra).and_then(|b| b.try_into().ok()) else {
        return Ok(None);
    };
    let length = usize::try_from(length).map_err(|_| TOO_LARGE)?;
    Ok(Some(Header { fin, opcode, mask, size: 6 + extra, length }))
}

/// The fragments of the message that is open.
#[derive(Debug, Default)]
struct Sequence {
    open: bool,
    count: usize,
    bytes: u64,
}

impl Sequence {
    fn admit(&mut self, header: &Header, rules: &Rules) -> Result<(), Violation> {
        if header.opcode >= CLOSE {
            return Ok(());
        }
        if (header.opcode == CONTINUATION) != self.open {
            return Err(protocol("ws_fragment_order"));
        }
        if header.opcode != CONTINUATION {
            (self.count, self.bytes) = (0, 0);
        }
        self.count += 1;
        self.bytes += header.length as u64;
        if self.bytes > rules.max_payload {
            return Err(TOO_LARGE);
        }
        if self.count > rules.max_fragments {
            return Err(TOO_MANY_FRAGMENTS);
        }
        self.open = !header.fin;
        Ok(())
    }
}

/// Reads one client's frames. An idle one holds no bytes.
#[derive(Debug, Default)]
pub struct Reader {
    sequence: Sequence,
    /// A frame that is not complete.
    held: Vec<u8>,
    /// How long `held` has to be before it is looked at again.
    wanted: usize,
    /// Fragments so far.
    message: Vec<u8>,
    binary: bool,
    closed: bool,
}

impl Reader {
    /// Takes bytes (they are unmasked in place) and gives what is complete in them to `take`.
    ///
    /// # Errors
    /// A broken rule, or what `take` answered: the websocket ends by it.
    pub fn feed(
        &mut self,
        bytes: &mut [u8],
        rules: &Rules,
        take: &mut dyn FnMut(Item<'_>) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        if self.held.is_empty() {
            let used = self.frames(bytes, rules, take)?;
            self.held.extend_from_slice(bytes.get(used..).unwrap_or_default());
            return Ok(());
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() < self.wanted {
            return Ok(());
        }
        let mut held = std::mem::take(&mut self.held);
        let used = self.frames(&mut held, rules, take)?;
        if used < held.len() {
            held.drain(..used);
            self.held = held;
        }
        Ok(())
    }

    /// Whole frames in `bytes`; how many bytes they take.
    fn frames(
        &mut self,
        bytes: &mut [u8],
        rules: &Rules,
        take: &mut dyn FnMut(Item<'_>) -> Result<(), Violation>,
    ) -> Result<usize, Violation> {
        let mut at = 0;
        loop {
            if self.closed {
                return Ok(bytes.len());
            }
            self.wanted = 0;
            let rest = bytes.get_mut(at..).unwrap_or_default();
            let Some(header) = header(rest, rules)? else { return Ok(at) };
            let size = header.size + header.length;
            let Some(payload) = rest.get_mut(header.size..size) else {
                self.check_early(&header, rules)?;
                self.wanted = size;
                return Ok(at);
            };
            self.sequence.admit(&header, rules)?;
            unmask(payload, header.mask);
            self.frame(&header, payload, take)?;
            at += size;
        }
    }

    /// A frame whose payload has not come is judged already.
    fn check_early(&self, header: &Header, rules: &Rules) -> Result<(), Violation> {
        let Sequence { open, count, bytes } = self.sequence;
        Sequence { open, count, bytes }.admit(header, rules)
    }

    fn frame(
        &mut self,
        header: &Header,
        payload: &[u8],
        take: &mut dyn FnMut(Item<'_>) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        match header.opcode {
            PING => take(Item::Ping(payload)),
            PONG => take(Item::Pong),
            CLOSE => {
                close_payload(payload)?;
                self.closed = true;
                take(Item::Close)
            }
            TEXT | BINARY if header.fin => message(header.opcode == BINARY, payload, take),
            opcode => {
                if opcode != CONTINUATION {
                    self.binary = opcode == BINARY;
                }
                self.message.extend_from_slice(payload);
                if !header.fin {
                    return Ok(());
                }
                let whole = std::mem::take(&mut self.message);
                message(self.binary, &whole, take)
            }
        }
    }
}

fn message(
    binary: bool,
    payload: &[u8],
    take: &mut dyn FnMut(Item<'_>) -> Result<(), Violation>,
) -> Result<(), Violation> {
    if binary {
        return take(Item::Binary(payload));
    }
    take(Item::Text(std::str::from_utf8(payload).map_err(|_| NOT_UTF8)?))
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    if mask == [0; 4] {
        return;
    }
    let mask_word =
        u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        if let Ok(bytes) = <[u8; 8]>::try_from(&*word) {
            word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ mask_word).to_ne_bytes());
        }
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

/// The payload of a close frame: nothing, or a code that may be sent and a reason.
fn close_payload(payload: &[u8]) -> Result<(), Violation> {
    match payload {
        [] => Ok(()),
        [high, low, reason @ ..] => {
            if !matches!(u16::from_be_bytes([*high, *low]), 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(protocol("ws_close_code"));
            }
            std::str::from_utf8(reason).map(drop).map_err(|_| NOT_UTF8)
        }
        _ => Err(protocol("ws_close_length")),
    }
}

/// Looks at headers only, for a codec that is not ours and believes any length.
#[derive(Debug, Default)]
pub struct Scanner {
    sequence: Sequence,
    head: SmallVec<[u8; 14]>,
    skip: usize,
}

impl Scanner {
    /// Looks at the next bytes of the stream.
    ///
    /// # Errors
    /// The broken rule.
    pub fn scan(&mut self, mut bytes: &[u8], rules: &Rules) -> Result<(), Violation> {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(()) };
            bytes = rest;
            self.head.push(byte);
            if let Some(header) = header(&self.head, rules)? {
                self.sequence.admit(&header, rules)?;
                self.skip = header.length;
                self.head.clear();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "frames_test.rs"]
mod tests;
