//! Nodes that act on the world, one file a kind of task; what only decides is in `engine`.
//!
//! [`Nodes`] takes the attempts of all runs ([`Execute`](super::Execute)) and hands each to what can
//! carry it out. Child runs are begun by the hub of
//! runs itself.

mod fair;
mod hands;
mod javascript;
mod query;

pub use hands::Nodes;
