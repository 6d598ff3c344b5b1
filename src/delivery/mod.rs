//! Members, outbound queues and their flusher: one switchboard a worker thread.
//!
//! What it is: the way out. A domain actor (a run, a room) hands [`Shards`] one frame a worker; the
//! worker's [`Switchboard`] puts it into the queues of its own sessions and writes their sockets.
//!
//! What it owns: who watches which [`Subject`] and up to which seq, every session's outbound queue,
//! its deadlines, the write side of its socket. A session (floor 4) is known by its [`Slot`] and is
//! told through [`Outlet`] when its slot has ended; members survive a restart of the actor they watch.
//!
//! Who talks to it: sessions and transports on the same thread (`Switchboard`, which is not `Send`);
//! domain actors from any thread (`Shards`). Between the two is one ordered channel a shard, and the
//! place of [`AddMember`] in it **is** the join: what was published before it is in the snapshot, what
//! is published after it is delivered, so there is no gap and no repeat.
//!
//! A socket is a member of a subject once, for one reason or several: its own join, and any number of
//! registrations ([`Projection`]s). The membership is the only emitter: of each row first the frame
//! that all get, then each registration's frame in order of registration, then the tail.
//!
//! What it never does: decide, parse, ask the database, wait for an actor, or call anything while its
//! state is borrowed.

mod driver;
mod flusher;
mod messages;
mod presence;
mod projection;
mod queue;
mod shards;
mod state;
mod switchboard;
mod types;
mod wheel;

#[cfg(test)]
mod tests;

pub use messages::{AddMember, Publish};
pub use projection::{Projection, Register, Row, Snapshot};
pub use shards::{ShardLoad, Shards};
pub use switchboard::{Cork, Switchboard};
pub use types::{
    CloseReason, Deadline, DisconnectReason, Error, Inspection, Member, Outlet, Settings, Sink, Slot, Subject,
};
