//! What every test stands on: the real programs as child processes, and clients of our own that can
//! say exactly which bytes go out. Nothing here knows how the hub is built; it speaks to it as any
//! stranger does, by HTTP, websocket, command line and signals.
//!
//! Tests wait for conditions with a deadline ([`expect`]), never for a fixed time, except where the
//! passing of time itself is what a protocol case is about.

pub mod bystander;
pub mod cases;
pub mod database;
pub mod driver;
pub mod expect;
pub mod http;
pub mod hub;
pub mod judge;
pub mod polling;
pub mod process;
pub mod target;
pub mod websocket;
pub mod world;

pub use bystander::Bystander;
pub(crate) use cases::cases;
pub use http::{Http, Reply};
pub use hub::Hub;
pub use polling::Polling;
pub use target::Target;
pub use websocket::{Frame, Ws};
