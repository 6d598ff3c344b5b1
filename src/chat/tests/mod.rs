//! Rooms on a real store with an assistant that does what a test says.

mod restarts;
pub(crate) mod rig;
mod rooms;
