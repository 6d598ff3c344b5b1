//! The switchboard as a whole: joins, the life of a slot, sockets that take nothing.
//!
//! `rig` is a switchboard on the test's own thread, with outlets that write down what they are told.

mod joins;
mod lifecycle;
mod registered;
mod rig;
mod sockets;
