//! A chat room, pure: what is said in it, what is proposed, and what a person's word does.
//!
//! As in `engine`: [`decide`] turns a command into events or a refusal, [`apply`] folds an event into
//! [`RoomState`] (live and after a crash alike), [`effects`] says what the shell must do because of an
//! event, [`outstanding`] what was begun and has no end. [`step`] does all of it on a copy, for an actor
//! that appends first and swaps its state after the commit. One event is one journal row of `room:<id>`.
//!
//! Owns: the order of turns (one at a time, each message of a person gets one of the assistant), the one
//! open proposal, which message means which proposal, members, the words of the room itself. Never: it
//! asks nobody for rights, asks no time, runs nothing.
//!
//! A message with a consent says which proposal it means when it is accepted, and is decided when it is
//! its turn. So an approval that waits behind an answer never meets a proposal that its sender had not
//! seen, and of two people who approve the second finds it closed.
//!
//! Reads: `command`, `event` (the rows), `state` (the fold), `decide`, `turn` (what the first message in
//! the queue needs), `effect`, `words`.
mod command;
mod decide;
mod effect;
mod event;
mod limits;
mod state;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use command::{Refusal, RoomCommand, Said};
pub use decide::{Step, decide, step};
pub use effect::{Ask, Audit, Effect, effects, outstanding};
pub use event::{
    Approved, BotMessage, Changed, Closed, Ended, Membership, Opened, Returned, RoomEvent, RowError, RowKind,
    UserMessage,
};
pub use limits::Limits;
pub use state::{
    About, Exchange, Facts, OpenProposal, Pending, Recent, RoomMember, RoomState, Settled, apply,
};
