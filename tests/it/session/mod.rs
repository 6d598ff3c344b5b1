//! Promises of a session that only a service of its own can show: order, acks of the hub, limits,
//! origins, a panic, the end of the hub. The server runs in this process.

mod behaviour;
mod refusals;
mod server;
