//! A polling session: one connection for GET and one for POST, as a browser would use.

use std::{collections::VecDeque, net::SocketAddr};

use serde_json::Value;

use super::{
    http::{Http, Reply},
    target::Target,
};

/// One session by long polling.
pub struct Polling {
    pub sid: String,
    /// The JSON of the open packet.
    pub open: Value,
    addr: SocketAddr,
    url: String,
    down: Http,
    up: Http,
    packets: VecDeque<String>,
}

impl Polling {
    #[track_caller]
    pub fn open(target: &Target) -> Self {
        Self::open_with(target, "")
    }

    /// `extra`: more of the query, with its `&`.
    #[track_caller]
    pub fn open_with(target: &Target, extra: &str) -> Self {
        let mut down = target.http();
        let reply = down.get(&target.url(&format!("EIO=4&transport=polling{extra}")));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let text = reply.text();
        assert!(text.starts_with('0'), "the open packet: {text}");
        let open: Value = serde_json::from_str(&text[1..]).expect("JSON in the open packet");
        let sid = open["sid"].as_str().expect("a sid").to_owned();
        let url = target.url(&format!("EIO=4&transport=polling&sid={sid}"));
        Self { sid, open, addr: target.addr, url, down, up: target.http(), packets: VecDeque::new() }
    }

    /// Address of this session's polling requests.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A fresh connection to the same server.
    pub fn connection(&self) -> Http {
        Http::connect(self.addr)
    }

    #[track_caller]
    pub fn get(&mut self) -> Reply {
        self.down.request("GET", &self.url, &[], b"")
    }

    /// Sends a GET and does not wait; [`Self::pending`] reads its answer.
    #[track_caller]
    pub fn start_get(&mut self) {
        self.down.send("GET", &self.url, &[], b"").expect("the GET is sent");
    }

    #[track_caller]
    pub fn pending(&mut self) -> Reply {
        self.down.read().expect("an answer to the pending GET").expect("an answer, not an end")
    }

    #[track_caller]
    pub fn post(&mut self, body: impl AsRef<[u8]>) -> Reply {
        let headers = [("content-type", "text/plain;charset=UTF-8")];
        self.up.request("POST", &self.url, &headers, body.as_ref())
    }

    /// A POST that must be answered `ok`.
    #[track_caller]
    pub fn post_ok(&mut self, body: impl AsRef<[u8]>) {
        let reply = self.post(body);
        assert_eq!((reply.status, reply.text().as_str()), (200, "ok"));
    }

    /// The next packet; pings are answered and left out.
    #[track_caller]
    pub fn next(&mut self) -> String {
        loop {
            while let Some(packet) = self.packets.pop_front() {
                if packet != "2" {
                    return packet;
                }
                self.post_ok("3");
            }
            let reply = self.get();
            assert_eq!(reply.status, 200, "{}", reply.text());
            self.packets.extend(reply.text().split('\x1e').map(str::to_owned));
        }
    }

    /// Reads until the session is closed by the server: what came before the close packet `1`.
    #[track_caller]
    pub fn until_closed(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            while let Some(packet) = self.packets.pop_front() {
                if packet == "1" {
                    return seen;
                }
                if packet != "2" {
                    seen.push(packet);
                }
            }
            let reply = self.get();
            if reply.status != 200 {
                panic!("the session ended with {} {} and without a close packet", reply.status, reply.text());
            }
            self.packets.extend(reply.text().split('\x1e').map(str::to_owned));
        }
    }

    /// The session is not there any more: code 1.
    #[track_caller]
    pub fn assert_gone(&mut self) {
        let reply = self.connection().request("GET", &self.url, &[], b"");
        reply.assert_code(400, 1);
    }
}
