//! The catalogue on real stores, and its assistant with a desk that does what a test says.

mod index;
mod rig;
mod shops;
mod talk;
