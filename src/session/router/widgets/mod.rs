//! Widgets (`contract.md` 2.5 to 2.8): payload to command, the permission, then the registration's actor.
//!
//! Reads: `connect` (connect, refresh, disconnect), `input`, `refusal` (the one error event), `host` (runs,
//! as registrations need them).

mod connect;
mod host;
mod input;
mod refusal;

pub(super) use self::{
    connect::{connect, disconnect, refresh},
    input::input,
    refusal::limited,
};
pub use host::OfRuns;
