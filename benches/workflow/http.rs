//! The least of an HTTP client that keeps its connections: what the load costs itself must stay small.

use std::{cell::RefCell, io};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub struct Client {
    address: String,
    token: String,
    idle: RefCell<Vec<TcpStream>>,
}

impl Client {
    pub fn new(address: &str, token: &str) -> Self {
        Self { address: address.to_owned(), token: token.to_owned(), idle: RefCell::default() }
    }

    pub async fn get(&self, path: &str) -> io::Result<String> {
        self.send("GET", path, "").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> io::Result<Value> {
        let answer = self.send("POST", path, &body.to_string()).await?;
        serde_json::from_str(&answer).map_err(|_| io::Error::other(answer))
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> io::Result<String> {
        let kept = self.idle.borrow_mut().pop();
        if let Some(socket) = kept {
            match self.exchange(socket, method, path, body).await {
                // The hub closes a connection that was idle for long.
                Err(error) if error.kind() != io::ErrorKind::Other => {}
                answer => return answer,
            }
        }
        let socket = TcpStream::connect(&self.address).await?;
        socket.set_nodelay(true)?;
        self.exchange(socket, method, path, body).await
    }

    async fn exchange(
        &self,
        mut socket: TcpStream,
        method: &str,
        path: &str,
        body: &str,
    ) -> io::Result<String> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.token,
            body.len()
        );
        socket.write_all(format!("{head}{body}").as_bytes()).await?;
        let mut answer = Vec::with_capacity(1024);
        let end = loop {
            if let Some(at) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            more(&mut socket, &mut answer).await?;
        };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        if head.contains("transfer-encoding: chunked") {
            return chunked(socket, answer.split_off(end)).await;
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let length: usize = length.ok_or_else(|| io::Error::other(head.clone()))?;
        while answer.len() < end + length {
            more(&mut socket, &mut answer).await?;
        }
        self.idle.borrow_mut().push(socket);
        let body = String::from_utf8_lossy(&answer[end..]).into_owned();
        let good = head.split(' ').nth(1).is_some_and(|status| status.starts_with('2'));
        if good { Ok(body) } else { Err(io::Error::other(format!("{method} {path}: {head}{body}"))) }
    }
}

/// A long document, of which the lines matter and not the chunks; the connection is not kept.
async fn chunked(mut socket: TcpStream, mut body: Vec<u8>) -> io::Result<String> {
    while !body.ends_with(b"0\r\n\r\n") {
        more(&mut socket, &mut body).await?;
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

async fn more(socket: &mut TcpStream, into: &mut Vec<u8>) -> io::Result<()> {
    if socket.read_buf(into).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
