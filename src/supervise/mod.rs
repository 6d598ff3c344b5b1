//! Actors in general: one registry a kind finds, starts, restarts, stops and lists its children.
//!
//! Life of a child: *absent* → *starting* (it loads its state; messages are held) → *alive* →
//! *stopping* (passivation: asked `MayStop`, it drains and ends; messages are held) → absent, or
//! *restarting* (wanted by ops: asked to `Finish`) → starting. A child that panics is started
//! again from the journal at once; above the intensity (5 in 10 s) it is *crash_looping*: held
//! back with a doubling backoff, messages refused. A child without progress is replaced.
//!
//! Owns: the entries of its kind, the bounds of their mailboxes and of all of them together.
//! Talks to it: whoever has a [`Handle`]; the children through their [`Life`]. It never awaits a
//! child and never does I/O: it sends down and answers come back as messages. A message is
//! delivered in order, or refused through [`Command::refuse`]; what dies inside a child closes
//! its reply channel, which its sender hears.
//!
//! Reads: `messages` (what is said), `entry` (what a child's state does with it, pure), `policy`
//! (how often, pure), `placement` (where, pure), `guard` (how it ended), `registry` (the shell), `watch` (its eye on progress), `timers` (what
//! wakes children at a time).
mod entry;
mod guard;
mod handle;
mod inspect;
mod messages;
mod placement;
mod policy;
mod registry;
#[cfg(test)]
mod registry_test;
mod timers;
mod watch;

pub use self::{
    guard::{Exit, Life},
    handle::{Handle, Limits, RestartRefused},
    inspect::Inspect,
    messages::{Command, Control, Deliver, Kind, Refused, Ticket},
    timers::{TimerTask, Timers, Wake},
};
