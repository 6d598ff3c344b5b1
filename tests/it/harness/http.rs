//! A raw HTTP/1.1 client on one keep-alive connection: it sends the bytes it is given and reads
//! answers with a length, chunked, or up to the end of the connection.

use std::{
    fmt::Write as _,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

/// One answer. Header names are lower case, bodies are as sent (still compressed).
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// Value of the first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("no JSON ({e}) in status {}: {}", self.status, self.text()))
    }

    /// `application/json`, a number as code: what a refused Engine.IO request gets.
    #[track_caller]
    pub fn assert_code(&self, status: u16, code: u64) {
        assert_eq!(self.status, status, "body {}", self.text());
        assert!(self.header("content-type").unwrap_or("").starts_with("application/json"), "{self:?}");
        let body = self.json();
        assert_eq!(body["code"].as_u64(), Some(code), "code is a JSON number: {body}");
        let message = ["Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request"];
        match code {
            0..=3 => assert_eq!(body["message"], message[code as usize]),
            5 => assert_eq!(body["message"], "Unsupported protocol version"),
            _ => assert!(body["message"].is_string()),
        }
    }
}

/// One connection.
pub struct Http {
    pub stream: TcpStream,
    host: String,
    buf: Vec<u8>,
    head_request: bool,
}

impl Http {
    #[track_caller]
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&addr, Duration::from_secs(5)).expect("connects");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { stream, host: addr.to_string(), buf: Vec::new(), head_request: false }
    }

    /// As [`Self::connect`], but a server that is not there is an answer.
    pub fn try_connect(addr: SocketAddr) -> Option<Self> {
        Self::over(TcpStream::connect_timeout(&addr, Duration::from_secs(5)).ok()?).ok()
    }

    /// On a socket that the test has made.
    pub fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(15)))?;
        stream.set_write_timeout(Some(Duration::from_secs(15)))?;
        let host = stream.peer_addr()?.to_string();
        Ok(Self { stream, host, buf: Vec::new(), head_request: false })
    }

    pub fn set_timeout(&self, timeout: Duration) {
        self.stream.set_read_timeout(Some(timeout)).unwrap();
    }

    /// Sends bytes as they are. A server that has already refused and closed is no failure here:
    /// the answer is what counts.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        self.head_request = method == "HEAD";
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !body.is_empty() || method == "POST" || method == "PUT" || method == "PATCH" {
            let _ = write!(head, "content-length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        self.send_raw(&bytes)
    }

    /// Sends and reads one answer; fails the test when none comes.
    #[track_caller]
    pub fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let sent = self.send(method, path, headers, body);
        match self.read() {
            Ok(Some(reply)) => reply,
            Ok(None) => panic!("{method} {path}: connection closed without an answer (sent: {sent:?})"),
            Err(e) => panic!("{method} {path}: no answer: {e} (sent: {sent:?})"),
        }
    }

    #[track_caller]
    pub fn get(&mut self, path: &str) -> Reply {
        self.request("GET", path, &[], b"")
    }

    /// One answer; `None` when the connection ends before one begins.
    pub fn read(&mut self) -> io::Result<Option<Reply>> {
        let Some(head) = self.read_head()? else { return Ok(None) };
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|l| l.split(' ').nth(1))
            .and_then(|s| s.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no status line: {head:?}")))?;
        let headers = lines
            .filter_map(|l| l.split_once(':'))
            .map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()))
            .collect();
        let mut reply = Reply { status, headers, body: Vec::new() };
        if status == 101 || status == 204 || status == 304 || self.head_request {
            return Ok(Some(reply));
        }
        if let Some(n) = reply.header("content-length").and_then(|v| v.parse::<usize>().ok()) {
            while self.buf.len() < n {
                self.fill()?;
            }
            reply.body = self.buf.drain(..n).collect();
        } else if reply.header("transfer-encoding").is_some_and(|v| v.contains("chunked")) {
            reply.body = self.read_chunks()?;
        } else {
            while self.fill().is_ok() {}
            reply.body = std::mem::take(&mut self.buf);
        }
        Ok(Some(reply))
    }

    /// Bytes read beyond the last answer (the begin of a websocket stream).
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.buf)
    }

    /// Ends the connection from our side, as a browser does with an aborted request.
    pub fn abort(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                self.buf.extend_from_slice(&piece[..n]);
                Ok(())
            }
        }
    }

    fn read_head(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(at) = self.buf.windows(4).position(|w| w == b"\r\n\r\n") {
                let head: Vec<u8> = self.buf.drain(..at + 4).collect();
                let head = String::from_utf8_lossy(&head[..at]).into_owned();
                if head.starts_with("HTTP/1.1 100") {
                    continue;
                }
                return Ok(Some(head));
            }
            match self.fill() {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && self.buf.is_empty() => return Ok(None),
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset && self.buf.is_empty() => {
                    return Ok(None);
                }
                Err(e) => return Err(e),
            }
        }
    }

    fn read_line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = self.buf.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.buf.drain(..at + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            self.fill()?;
        }
    }

    fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.read_line()?;
            let size = usize::from_str_radix(line.split(';').next().unwrap_or("").trim(), 16)
                .map_err(|_| io::Error::other(format!("chunk size {line:?}")))?;
            while self.buf.len() < size + 2 {
                self.fill()?;
            }
            body.extend(self.buf.drain(..size + 2).take(size));
            if size == 0 {
                return Ok(body);
            }
        }
    }
}
