//! `[session]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DurationSetting, Size};

/// Engine.IO and Socket.IO: one client's session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// Time between two pings of the hub.
    #[schemars(extend("x-min" = "100ms", "x-max" = "1h"))]
    pub ping_interval: DurationSetting,
    /// Longest wait for the answer to a ping; then the session is closed.
    #[schemars(extend("x-min" = "100ms", "x-max" = "1h"))]
    pub ping_timeout: DurationSetting,
    /// Longest time that an upgrade from polling to websocket may take.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub upgrade_timeout: DurationSetting,
    /// Longest time from the handshake to the first namespace joined.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub connect_timeout: DurationSetting,
    /// Largest polling body and largest websocket message; it is told to the client.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "100MB"))]
    pub max_payload: Size,
    /// Longest time that a peer may leave what is written to it unread; then its socket is closed.
    #[schemars(extend("x-min" = "1s", "x-max" = "1h"))]
    pub stall_timeout: DurationSetting,
    /// Send buffer of an accepted socket (SO_SNDBUF).
    #[schemars(extend("x-min" = "4KiB", "x-max" = "16MiB"))]
    pub send_buffer: Size,
    /// Most frames that one websocket message may be cut into.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_fragments: usize,
    /// Most attachments of one binary packet.
    #[schemars(range(max = 1000))]
    pub max_attachments: usize,
    /// Most bytes of all attachments of one packet.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "100MB"))]
    pub max_attachment_bytes: Size,
    /// Longest time from a binary packet to its last attachment.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub attachment_timeout: DurationSetting,
    /// Most websocket control frames a second.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_control_frames: usize,
    /// Most acks of a session that the hub waits for at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub pending_acks: usize,
    /// Longest wait for an ack.
    #[schemars(extend("x-min" = "100ms", "x-max" = "1h"))]
    pub ack_timeout: DurationSetting,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            ping_interval: DurationSetting::from_secs(25),
            ping_timeout: DurationSetting::from_secs(20),
            upgrade_timeout: DurationSetting::from_secs(10),
            connect_timeout: DurationSetting::from_secs(20),
            max_payload: Size::bytes(1_000_000),
            stall_timeout: DurationSetting::from_secs(30),
            send_buffer: Size::kib(64),
            max_fragments: 1000,
            max_attachments: 10,
            max_attachment_bytes: Size::bytes(4_000_000),
            attachment_timeout: DurationSetting::from_secs(10),
            max_control_frames: 20,
            pending_acks: 256,
            ack_timeout: DurationSetting::from_secs(30),
        }
    }
}
