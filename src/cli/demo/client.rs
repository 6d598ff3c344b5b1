//! A Socket.IO client of a few lines: websocket only, namespace `/`, no binary. It reads what our own
//! hub writes and is no client for anything else.

use std::{io, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Sixteen bytes, as RFC 6455 asks; nobody looks at what they are.
const KEY: &str = "amV0aHViIGRlbW8gbWUhIQ==";
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;

/// A connected client.
pub(super) struct Client {
    stream: TcpStream,
    /// Bytes that are not a whole frame yet.
    read: Vec<u8>,
}

impl Client {
    /// Connects, opens a session and joins the namespace with this token.
    pub async fn connect(address: SocketAddr, token: &str) -> io::Result<Self> {
        let mut client = Self { stream: TcpStream::connect(address).await?, read: Vec::new() };
        let head = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        );
        client.stream.write_all(head.as_bytes()).await?;
        let end = loop {
            if let Some(at) = client.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            client.fill().await?;
        };
        if !client.read.starts_with(b"HTTP/1.1 101") {
            return Err(io::Error::other("the hub did not switch to websocket"));
        }
        client.read.drain(..end);
        client.expect("0").await?;
        client.send(&format!("40{}", json!({ "token": token }))).await?;
        client.expect("40").await?;
        Ok(client)
    }

    /// Sends an event.
    pub async fn emit(&mut self, event: &str, body: &Value) -> io::Result<()> {
        self.send(&format!("42{}", json!([event, body]))).await
    }

    /// The next event. It may be given up at any await and asked again.
    pub async fn event(&mut self) -> io::Result<(String, Value)> {
        loop {
            let text = self.text().await?;
            if text == "2" {
                self.send("3").await?;
            } else if let Some(event) = text.strip_prefix("42") {
                return Ok(serde_json::from_str(event)?);
            }
        }
    }

    async fn expect(&mut self, prefix: &str) -> io::Result<()> {
        let text = self.text().await?;
        if text.starts_with(prefix) { Ok(()) } else { Err(io::Error::other(format!("refused: {text}"))) }
    }

    async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next text message; the hub sends each in one frame, without a mask.
    async fn text(&mut self) -> io::Result<String> {
        loop {
            if let Some((opcode, payload)) = self.frame() {
                match opcode {
                    TEXT => return String::from_utf8(payload).map_err(io::Error::other),
                    CLOSE => return Err(io::ErrorKind::ConnectionReset.into()),
                    _ => continue,
                }
            }
            self.fill().await?;
        }
    }

    /// Takes a whole frame out of what was read.
    fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, second) = (*self.read.first()?, *self.read.get(1)?);
        let (start, length): (usize, usize) = match second & 0x7f {
            126 => (4, usize::from(u16::from_be_bytes(self.read.get(2..4)?.try_into().ok()?))),
            127 => {
                let length = u64::from_be_bytes(self.read.get(2..10)?.try_into().ok()?);
                (10, usize::try_from(length).ok()?)
            }
            length => (2, usize::from(length)),
        };
        let payload = self.read.get(start..start.checked_add(length)?)?.to_vec();
        self.read.drain(..start + length);
        Some((first & 0x0f, payload))
    }

    /// One masked text frame; a mask of zeros leaves the bytes as they are.
    async fn send(&mut self, text: &str) -> io::Result<()> {
        let mut frame = vec![0x80 | TEXT];
        match u16::try_from(text.len()) {
            Ok(length) if length < 126 => frame.push(0x80 | length as u8),
            Ok(length) => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
            Err(_) => return Err(io::ErrorKind::InvalidInput.into()),
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).await
    }
}
