//! Step 3 of a frame: event name and JSON become one typed command; the permission is checked; the
//! owner of the subject is asked.
//!
//! [`Router`] is the [`Service`](super::Service) of the hub: it lets sockets into `/` and `/monitor`,
//! and takes the events of the contract. It is one a worker thread and keeps nothing but its
//! sockets and what each carries: its identity and the runs that it watches. Talks to: `auth` (who, and may they),
//! `workflow` (the runs), `listener` and `chat` (rooms). Never: believes an identity of a payload, tells a stranger that something
//! exists, leaves an event without the answer that the contract promises.
//!
//! Reads: `hub` (the table of events), `connect` (who is let in), `runs` (join and leave), `widgets`,
//! `rooms` (of listeners), `chat`, `revoked` (what is taken from sockets that are connected), `unserved` (events of later parts),
//! `rates` (bounds a tenant).

mod chat;
mod chat_host;
#[cfg(test)]
mod chat_host_test;
mod connect;
mod hub;
mod rates;
mod revoked;
mod rooms;
#[cfg(test)]
mod router_test;
mod runs;
mod unserved;
mod widgets;

pub use self::{
    chat_host::OfWorkflows,
    hub::{Doors, Router},
    rates::TenantRates,
    widgets::OfRuns,
};
