//! Widgets: registrations of a socket with a run (`contract.md` 2.5 to 2.8, 3.6 to 3.11).
//!
//! [`Widgets`] is the door: the session router connects, refreshes and disconnects through it. A
//! registration is an actor, under a registry of its kind, over one row that is bound to its socket: it
//! goes with the socket, and the rows of an earlier process are removed at start. What a registration
//! is told it does not send: it hands the run a projection (`projection`), and the membership of
//! its socket in `delivery` says what that makes of each row, in one order with all else that the
//! socket hears of the run. So an actor that is restarted, or gone, is noticed by nobody who watches.
//!
//! Owns: the registry of registrations and their rows. Talks to: runs, through [`Host`], which `server`
//! implements; `delivery`; `store`. Never: checks who may do something (its callers do, by `auth`),
//! pushes a frame.
//!
//! Reads: `door`, `actor` (what a registration is asked), `host` (what it needs of runs), `ledger` (its
//! row), `projection` (what it is told, pure), `processed` (what it shows of a context, pure).

mod actor;
mod door;
mod error;
mod host;
mod kind;
mod ledger;
mod messages;
mod processed;
mod projection;

pub use self::{
    door::{Parts, Widgets},
    error::Error,
    host::{AckFrame, Host, Starting, Watcher},
    kind::{RegistrationId, WidgetKind},
    messages::{By, Connect, Connected, Disconnect, Refresh, Target},
    processed::processed,
};
