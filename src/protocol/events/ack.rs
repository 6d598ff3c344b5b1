//! Refusals, and the answers to acks. An ack comes in addition to events, never instead of them.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    RunStatus,
    wire::{AnyCode, AnyId, Place},
};
use crate::{
    error::{Code, Coded},
    ids::{RunId, Seq},
};

/// What went wrong, in the form of every error event and ack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorBody {
    /// Stable.
    #[schemars(with = "AnyCode")]
    pub code: Code,
    /// For people; may change.
    pub message: String,
}

impl ErrorBody {
    /// The code, and the words that a client may read.
    pub fn of(error: &(impl Coded + ?Sized)) -> Self {
        Self { code: error.code(), message: error.public_message() }
    }
}

/// A refused CONNECT (`connect_error`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "ConnectError")]
pub struct Refusal {
    /// Shown by pages.
    pub message: String,
    /// With the code.
    pub data: RefusalData,
}

/// What a refused CONNECT tells programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RefusalData {
    /// Stable.
    #[schemars(with = "AnyCode")]
    pub code: Code,
}

impl Refusal {
    /// The code, and the words that a client may read.
    pub fn of(error: &(impl Coded + ?Sized)) -> Self {
        Self { message: error.public_message(), data: RefusalData { code: error.code() } }
    }
}

/// `{ "ok": true }`, for what has nothing more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "Ack")]
pub struct AckBody {
    /// Always true.
    pub ok: bool,
}

impl AckBody {
    /// It was done.
    pub const DONE: Self = Self { ok: true };
}

/// A refused event: `{ "ok": false, "error": { code, message } }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "AckError")]
pub struct Refused {
    /// Always false.
    pub ok: bool,
    /// Why.
    pub error: ErrorBody,
}

impl Refused {
    /// The code, and the words that a client may read.
    pub fn of(error: &(impl Coded + ?Sized)) -> Self {
        Self { ok: false, error: ErrorBody::of(error) }
    }
}

/// The answer to a join: queued before the first event of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct JoinAck {
    /// Always true.
    pub ok: bool,
    /// The run.
    #[serde(rename = "instanceID")]
    #[schemars(with = "AnyId")]
    pub instance_id: RunId,
    /// Where the run is.
    pub status: RunStatus,
    /// The last row in the snapshot; what follows is live.
    #[schemars(with = "Place")]
    pub seq: Seq,
}

impl JoinAck {
    /// Joined, with a snapshot up to `seq`.
    pub fn new(run: &RunId, status: RunStatus, seq: Seq) -> Self {
        Self { ok: true, instance_id: run.clone(), status, seq }
    }
}
