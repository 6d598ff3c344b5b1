//! Runs on a real store, with a fake in the place of the script workers.

mod ends;
mod loops;
mod people;
mod restarts;
pub(crate) mod rig;
mod watching;
