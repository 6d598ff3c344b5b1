//! The session: one actor a client.
//!
//! What it is: packets come from a transport, commands go to the service behind it.
//!
//! What it owns: namespaces and sockets, the order of its commands, the heartbeat, which transport it
//! has, and its end. A panic in it drops it: its slot and its sid go with it.
//!
//! Who talks to it: transports, by messages, from any worker; its slot, through its ear. It is not in
//! the way of deliveries.

mod client;
mod commands;
mod ear;
mod gate;
mod life;
mod messages;
mod polls;
mod run;
mod upgrade;

pub(in crate::session) use client::{Opened, Opening, Session};
pub(in crate::session) use gate::{Gate, PACKET};
pub(in crate::session) use messages::{
    Attach, Credit, Descriptor, End, Incoming, Poll, PollAnswer, PollLost, Post, PostAnswer, Probe, Probed,
    ToTransport,
};
