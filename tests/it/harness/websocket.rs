//! A raw websocket client (RFC 6455): frames are made by hand, so that broken ones can be made too.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use super::http::{Http, Reply};

/// What came from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// A close frame, with its code (1005 when it has none).
    Close(u16),
    /// The connection ended without a close frame before this.
    End,
}

/// One websocket.
pub struct Ws {
    stream: TcpStream,
    buf: Vec<u8>,
    /// Answer Engine.IO pings (`2`) with `3` and do not show them.
    pub heartbeat: bool,
}

/// The header of a client's frame; `mask` is the zero key, so the payload goes as it is.
pub fn header(first: u8, len: u64, mask: bool) -> Vec<u8> {
    let mut out = vec![first];
    let bit = if mask { 0x80 } else { 0 };
    match len {
        0..=125 => out.push(bit | len as u8),
        126..=0xffff => {
            out.push(bit | 126);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(bit | 127);
            out.extend(len.to_be_bytes());
        }
    }
    if mask {
        out.extend([0; 4]);
    }
    out
}

/// A whole masked frame.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = header(first, payload.len() as u64, true);
    out.extend_from_slice(payload);
    out
}

impl Ws {
    /// Asks for a websocket; the answer when it is not 101.
    pub fn try_open(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, Reply> {
        Self::over(Http::connect(addr), path, headers)
    }

    /// On a connection that the test has made.
    pub fn over(mut http: Http, path: &str, headers: &[(&str, &str)]) -> Result<Self, Reply> {
        let mut all = vec![
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        all.extend_from_slice(headers);
        let _ = http.send("GET", path, &all, b"");
        match http.read() {
            Ok(Some(reply)) if reply.status == 101 => {
                assert_eq!(reply.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
                assert_eq!(reply.header("sec-websocket-extensions"), None, "no extension is negotiated");
                let (stream, buf) = http.into_parts();
                Ok(Self { stream, buf, heartbeat: false })
            }
            Ok(Some(reply)) => Err(reply),
            Ok(None) | Err(_) => Err(Reply::default()),
        }
    }

    #[track_caller]
    pub fn open(addr: SocketAddr, path: &str) -> Self {
        Self::try_open(addr, path, &[]).unwrap_or_else(|r| panic!("no websocket: {} {}", r.status, r.text()))
    }

    /// Bytes as they are. Errors are not shown: the peer may have closed already.
    pub fn send_raw(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    pub fn send(&mut self, text: &str) {
        self.send_raw(&frame(0x81, text.as_bytes()));
    }

    pub fn send_binary(&mut self, data: &[u8]) {
        self.send_raw(&frame(0x82, data));
    }

    /// The next frame, at most `within` from now; `None` when none came.
    pub fn poll(&mut self, within: Duration) -> Option<Frame> {
        let end = Instant::now() + within;
        loop {
            match self.parse() {
                Some(Frame::Text(text)) if self.heartbeat && text == "2" => {
                    self.send("3");
                    continue;
                }
                Some(frame) => return Some(frame),
                None => {}
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1)))).unwrap();
            let mut piece = [0; 16 * 1024];
            match self.stream.read(&mut piece) {
                Ok(0) => return Some(Frame::End),
                Ok(n) => self.buf.extend_from_slice(&piece[..n]),
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Some(Frame::End),
            }
        }
    }

    /// The next frame, or the test fails after ten seconds.
    #[track_caller]
    pub fn recv(&mut self) -> Frame {
        self.poll(super::expect::SOON).expect("a frame within ten seconds")
    }

    /// The next text message.
    #[track_caller]
    pub fn text(&mut self) -> String {
        match self.recv() {
            Frame::Text(text) => text,
            other => panic!("a text message expected, got {other:?}"),
        }
    }

    /// The next binary message.
    #[track_caller]
    pub fn binary(&mut self) -> Vec<u8> {
        match self.recv() {
            Frame::Binary(data) => data,
            other => panic!("a binary message expected, got {other:?}"),
        }
    }

    /// Reads until the server ends it: the code of its close frame, or `None` for an end without one.
    #[track_caller]
    pub fn closed(&mut self) -> Option<u16> {
        let end = Instant::now() + super::expect::SOON;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.poll(left) {
                Some(Frame::Close(code)) => return Some(code),
                Some(Frame::End) => return None,
                Some(_) => {}
                None => panic!("the websocket is still open after ten seconds"),
            }
        }
    }

    fn parse(&mut self) -> Option<Frame> {
        let (first, second) = (*self.buf.first()?, *self.buf.get(1)?);
        assert_eq!(second & 0x80, 0, "a server must not mask");
        assert_eq!(first & 0x70, 0, "no extension was negotiated");
        assert_eq!(first & 0x80, 0x80, "the hub sends whole messages");
        let (at, len) = match second & 0x7f {
            126 => (4, u16::from_be_bytes(self.buf.get(2..4)?.try_into().unwrap()) as usize),
            127 => (10, u64::from_be_bytes(self.buf.get(2..10)?.try_into().unwrap()) as usize),
            n => (2, n as usize),
        };
        if self.buf.len() < at + len {
            return None;
        }
        let payload: Vec<u8> = self.buf.drain(..at + len).skip(at).collect();
        Some(match first & 0x0f {
            1 => Frame::Text(String::from_utf8(payload).expect("text frames are UTF-8")),
            2 => Frame::Binary(payload),
            8 => Frame::Close(payload.get(..2).map_or(1005, |c| u16::from_be_bytes([c[0], c[1]]))),
            9 => Frame::Ping(payload),
            10 => Frame::Pong(payload),
            other => panic!("opcode {other} from the server"),
        })
    }
}
