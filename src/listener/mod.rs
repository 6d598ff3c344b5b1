//! Rooms of listeners: names that clients enter, and what is published to them (`contract.md` 2.9,
//! 3.12).
//!
//! [`Room`] is a name of `join_room`; [`Listeners`] finds whose it is, makes a socket its member and
//! publishes. The hub has no connectors: what happens elsewhere is handed in by REST and forwarded to
//! who is there now. Nothing is kept; a socket that comes later hears of it no more.
//!
//! Owns: the order of what is published to a room. Talks to: `store` (rows of listeners),
//! `delivery` (members). Used by: the session router (rooms), REST (publish). Never: decides who may
//! enter, and knows no rooms but these.

mod error;
mod listeners;
mod publish;
mod room;

pub use self::{
    error::Error,
    listeners::Listeners,
    publish::{Publication, Published, Target},
    room::{Found, Room},
};
