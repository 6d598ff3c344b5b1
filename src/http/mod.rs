//! REST, administration, health, metrics, documents: everything of HTTP that is no Engine.IO.
//!
//! One table of routes (`routes.rs`) says method, address, who may, and which function answers; the
//! gate (`gate/`) does for all of them what is the same: request id, origin, credential, permission,
//! body, the form of errors, the log line. A function of a route gets [`Asked`] and gives [`Answer`]
//! or [`Failure`]; it never sees a header or a socket.
//!
//! A foreign tenant is answered like one that does not exist, on every route: 404 with the code of
//! the route's subject, in the same words. A member without the permission gets 403.
//!
//! Owns: nothing but the counters of failed logins and of bodies in flight. Asks: `auth` (who, may
//! they), `workflow` (runs, definitions), `chat` (rooms), `supervise` (actors). Carries out what the control socket
//! asks (`administer.rs`), so that both ways of administration are one. Never: takes a cookie as
//! proof, logs a query, lets a store's words out.

mod accounts;
mod administer;
mod answer;
mod asked;
mod chat;
pub mod control;
mod entities;
mod gate;
mod hub;
mod open;
mod problem;
mod routes;
mod workflows;

pub use administer::carry_out;
pub use answer::Answer;
pub use asked::Asked;
pub use hub::{Actors, Hub, Parts, Ready, Registered};
pub use problem::Failure;
pub use routes::{Access, Route, configure, routes};
