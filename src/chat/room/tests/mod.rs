//! A room without anything around it.

mod consents;
mod property;
mod stage;
mod turns;
