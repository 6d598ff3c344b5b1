//! One struct a section, one field a setting. The comments are the text of
//! `config/reference.toml`; ranges are in `schemars` attributes (`x-min` and `x-max` for durations
//! and sizes); defaults are in `Default`.

mod auth;
mod chatting;
mod delivery;
mod limits;
mod ops;
mod outside;
mod script;
mod server;
mod session;
mod store;
mod supervise;
mod workflow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use auth::{Auth, Issuer, IssuerKind, Provision};
pub use chatting::{Ai, AiTenant, AssistantKind, Chat, Retention};
pub use delivery::Delivery;
pub use limits::Limits;
pub use ops::{Admin, Log, LogFormat};
pub use outside::{DataSource, Outbound};
pub use script::Script;
pub use server::{Drain, Server};
pub use session::Session;
pub use store::{Database, Journal, Synchronous};
pub use supervise::Supervise;
pub use workflow::{Node, Workflow};

/// All settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The listener and plain HTTP.
    pub server: Server,
    /// Engine.IO and Socket.IO: one client's session.
    pub session: Session,
    /// Bounds on what clients may ask for. Limits per address do not hold for loopback, nor for the
    /// address of a trusted proxy itself.
    pub limits: Limits,
    /// Outbound queues.
    pub delivery: Delivery,
    /// Actors: mailboxes, restarts, passivation.
    pub supervise: Supervise,
    /// The journal: the append-only table of everything that happened.
    pub journal: Journal,
    /// The database.
    pub database: Database,
    /// Workflow definitions and runs.
    pub workflow: Workflow,
    /// Nodes of a run.
    pub node: Node,
    /// JavaScript of nodes, run in worker processes.
    pub script: Script,
    /// The one outgoing HTTP client.
    pub outbound: Outbound,
    /// Data sources of tenants: what a saved query may reach and use up. Addresses of kind `http` are
    /// ruled by `[outbound]`.
    pub datasource: DataSource,
    /// Chat rooms.
    pub chat: Chat,
    /// The assistant of chat rooms.
    pub ai: Ai,
    /// How long things are kept.
    pub retention: Retention,
    /// Who may connect.
    pub auth: Auth,
    /// The admin interface under /admin/v1.
    pub admin: Admin,
    /// Log lines.
    pub log: Log,
    /// Stopping.
    pub drain: Drain,
}
