//! `[limits]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Rate, Size};

/// Bounds on what clients may ask for. Limits per address do not hold for loopback, nor for the
/// address of a trusted proxy itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most sessions of the hub; one costs about 20 KB with the kernel's part.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub connections: usize,
    /// Most sessions from one address.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub connections_per_ip: usize,
    /// Most sessions from one address that have not joined a namespace yet.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub unjoined_per_ip: usize,
    /// Most sessions of one user. This version does not enforce it yet.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub sessions_per_user: usize,
    /// New sessions from one address.
    pub handshakes_per_ip: Rate,
    /// New sessions of the hub.
    pub handshakes: Rate,
    /// Requests with an unknown session id from one address; then 429.
    pub unknown_sids_per_ip: Rate,
    /// Most namespaces that a session may join.
    #[schemars(range(min = 1, max = 1000))]
    pub namespaces: usize,
    /// Most runs that a session may watch at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub joins: usize,
    /// Longest id that a client may send, in bytes, without control characters.
    #[schemars(range(min = 36, max = 1024))]
    pub id_length: usize,
    /// Most actors that one tenant may keep alive.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub actors_per_tenant: usize,
    /// Events of one session.
    pub events: Rate,
    /// Bytes of the events of one session.
    pub event_bytes: Rate,
    /// Events of all clients of one tenant.
    pub client_events_per_tenant: Rate,
    /// Deepest nesting of JSON from a client.
    #[schemars(range(min = 8, max = 127))]
    pub json_depth: usize,
    /// Most keys in one JSON text from a client.
    #[schemars(range(min = 100, max = 10_000_000))]
    pub json_keys: usize,
    /// Largest inputs of a run.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "100MB"))]
    pub inputs: Size,
    /// Largest message of a chat.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "1MiB"))]
    pub chat_text: Size,
    /// Largest journal row that a client causes.
    #[schemars(extend("x-min" = "64KiB", "x-max" = "100MB"))]
    pub journal_payload: Size,
    /// Longest log line; the rest is cut.
    #[schemars(extend("x-min" = "256", "x-max" = "1MiB"))]
    pub log_line: Size,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 50_000,
            connections_per_ip: 256,
            unjoined_per_ip: 32,
            sessions_per_user: 256,
            handshakes_per_ip: Rate::per_second(20, 200),
            handshakes: Rate::per_second(2000, 2000),
            unknown_sids_per_ip: Rate::each(20, Duration::from_secs(10)),
            namespaces: 8,
            joins: 100,
            id_length: 128,
            actors_per_tenant: 10_000,
            events: Rate::per_second(50, 200),
            event_bytes: Rate::bytes_per_second(1_000_000, 4_000_000),
            client_events_per_tenant: Rate::per_second(2000, 2000),
            json_depth: 64,
            json_keys: 10_000,
            inputs: Size::kib(256),
            chat_text: Size::kib(32),
            journal_payload: Size::mib(1),
            log_line: Size::kib(8),
        }
    }
}
