//! A parcel service that is often busy: of three calls it answers the last one. It stands for what
//! fails and is tried again.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Longest request that is read.
const LONGEST: usize = 16 << 10;

/// Answers on this machine for as long as the demo runs; its address.
pub(super) async fn start() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    actix_rt::spawn(async move {
        for call in 0_u64.. {
            let Ok((stream, _)) = listener.accept().await else { continue };
            actix_rt::spawn(async move {
                // Who called may be gone.
                let _ = answer(stream, call).await;
            });
        }
    });
    Ok(address)
}

async fn answer(mut stream: TcpStream, call: u64) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") && head.len() < LONGEST {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let (status, body) = match call % 3 {
        2 => ("200 OK", format!("{{\"parcel\":\"JD{:06}\",\"days\":{}}}", 1000 + call, 1 + call % 4)),
        _ => ("503 Service Unavailable", "{\"error\":\"all lines are busy\"}".to_owned()),
    };
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await
}
