//! REST as a page does it: one request a connection. It reads what our own hub writes.

use std::{io, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A POST; its answer, if it says `success`.
pub(super) async fn post(address: SocketAddr, token: &str, path: &str, body: &Value) -> io::Result<Value> {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let start = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let answer: Value = serde_json::from_slice(answer.get(start..).unwrap_or_default())?;
    match answer["success"].as_bool() {
        Some(true) => Ok(answer),
        _ => Err(io::Error::other(format!("{path}: {}", answer["error"]["message"]))),
    }
}
