//! `kill -9` at each crash point of a turn and of a proposal, on both databases: pages come back, enter their
//! room again and send again what nobody acknowledged. At the end every message is there once, each has one
//! answer, in order; and what was approved happened once, or its end is not known and a person is told to look.

mod page;
mod proposals;
mod turns;
