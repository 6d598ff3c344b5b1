//! A server under test as an address and a path, and the few steps nearly every case begins with.

use std::net::SocketAddr;

use serde_json::Value;

use super::{
    http::{Http, Reply},
    polling::Polling,
    process,
    websocket::Ws,
};

/// Where a case is carried out.
#[derive(Debug, Clone)]
pub struct Target {
    pub addr: SocketAddr,
    /// With slashes on both sides: `/engine.io/` or `/socket.io/`.
    pub path: &'static str,
    /// The websocket is mounted over actix-web-actors, whose frame codec is not ours.
    pub mounted: bool,
}

impl Target {
    /// examples/conformance, websockets on owned sockets.
    pub fn owned(path: &'static str) -> Option<Self> {
        Some(Self { addr: process::conformance(false)?, path, mounted: false })
    }

    /// examples/conformance `--mounted`.
    pub fn mounted(path: &'static str) -> Option<Self> {
        Some(Self { addr: process::conformance(true)?, path, mounted: true })
    }

    pub fn http(&self) -> Http {
        Http::connect(self.addr)
    }

    /// `path?query`.
    pub fn url(&self, query: &str) -> String {
        format!("{}?{query}", self.path)
    }

    #[track_caller]
    pub fn get(&self, query: &str) -> Reply {
        self.http().get(&self.url(query))
    }

    /// A polling session.
    #[track_caller]
    pub fn polling(&self) -> Polling {
        Polling::open(self)
    }

    /// A websocket session; its open packet has been read.
    #[track_caller]
    pub fn websocket(&self) -> Ws {
        self.websocket_and_open().0
    }

    #[track_caller]
    pub fn websocket_and_open(&self) -> (Ws, Value) {
        let mut ws = Ws::open(self.addr, &self.url("EIO=4&transport=websocket"));
        let open = ws.text();
        assert!(open.starts_with('0'), "the first message is the open packet: {open}");
        let value = serde_json::from_str(&open[1..]).expect("JSON in the open packet");
        (ws, value)
    }

    /// A websocket session that has joined `/` and has read the `auth` event.
    #[track_caller]
    pub fn joined_websocket(&self) -> Ws {
        let mut ws = self.websocket();
        ws.heartbeat = true;
        ws.send("40");
        let answer = ws.text();
        assert!(answer.starts_with("40{\"sid\":"), "{answer}");
        assert_eq!(ws.text(), r#"42["auth",{}]"#);
        ws
    }

    /// A polling session that has joined `/` and has read the `auth` event.
    #[track_caller]
    pub fn joined_polling(&self) -> Polling {
        let mut p = self.polling();
        p.post_ok("40");
        let answer = p.next();
        assert!(answer.starts_with("40{\"sid\":"), "{answer}");
        assert_eq!(p.next(), r#"42["auth",{}]"#);
        p
    }

    /// A websocket asked for with that query is refused before 101 or closed right after it.
    #[track_caller]
    pub fn refuses_websocket(&self, query: &str) {
        match Ws::try_open(self.addr, &self.url(query), &[]) {
            Err(_) => {}
            Ok(mut ws) => {
                ws.closed();
            }
        }
    }
}
