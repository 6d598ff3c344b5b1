//! What is the same for every request, in the order in which it is checked: origin, method, drain,
//! encoding, credential, permission, body. Nothing is read of a body before its sender may send it.

mod body;
mod failures;
mod origin;
mod peer;
mod request;
mod settings;

pub(super) use request::{nothing_here, pass};
pub(super) use settings::Gate;
