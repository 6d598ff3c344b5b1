//! One client: its session, its transports, and what stands behind it.
//!
//! What it is: Engine.IO 4 and Socket.IO 5 for many clients. A session is an actor on the worker
//! thread that it was opened on, apart from its transport: it survives the switch from polling to
//! websocket, and a panic in it ends it alone.
//!
//! What it owns: the secret session ids, the namespaces that a client has joined, the acks that are
//! waited for, the heartbeat, the limits a client has. Outbound queues and sockets are written by
//! `delivery`; an answer goes through the same queue as everything else.
//!
//! Who talks to it: the server, which mounts an engine at a path, and a [`Service`] behind it, which
//! says who may join and what an event means.
//!
//! What it never does: know the subjects that its clients watch, wait for an actor, hold a frame for a
//! client that does not read.

mod acks;
mod actor;
mod admission;
mod close;
mod directory;
mod engine;
mod heartbeat;
pub mod router;
mod serve;
mod service;
mod settings;
mod socket;
mod transport;

pub use close::Close;
pub use engine::Engine;
pub use serve::{Listening, serve};
pub use service::{Accepted, Connect, ConnectRefused, Left, Outcome, Peer, RawService, Service};
pub use settings::{Origins, Settings};
pub use socket::{AskError, Socket};
pub use transport::mounted::keep_descriptor;
