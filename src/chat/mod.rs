//! Chat rooms: people and an assistant, with a person's consent before anything has an effect.
//!
//! [`Rooms`] is the door. A room is an actor under a registry of its kind around a pure part ([`room`]);
//! its history is the journal stream `room:<id>`. One turn at a time a room: a task of its actor asks the
//! assistant, which does nothing itself; what a person approved is carried out by [`Hands`].
//!
//! Owns: the registry of rooms, their timers, whose sockets are in which room. Talks to: `store`,
//! `delivery`, assistants and hands (which `server` gives it). Never: asks whether somebody may chat in
//! a tenant (its callers do).
//!
//! Reads: `door`, `keep` (recovery, retention), `actor`, `room` (pure), `frames` (what sockets see), `lines` (rows
//! as text), `places` (whose turn it is), `hands` (what it needs of others), `tools` (what does it), `choose` (which assistant).

mod actor;
mod choose;
mod commands;
mod door;
mod error;
mod frames;
mod hands;
mod hub;
mod keep;
mod lines;
mod messages;
mod places;
mod proposal;
pub mod room;
#[cfg(test)]
pub(crate) mod tests;
pub mod tools;

pub use actor::RoomKind;
pub use choose::ByConfig;
pub use door::Rooms;
pub use error::Error;
pub use hands::{Assistants, Hands, Rights};
pub use hub::Parts;
pub use lines::shown;
pub use messages::{Accepted, AckFrame, Asker, Join, Joined, Say};
pub use proposal::{Action, Answered, Consent, Proposal, ProposalStatus};
