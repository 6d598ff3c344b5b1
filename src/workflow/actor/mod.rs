//! The actor of one run: a shell around the engine.
//!
//! Life: it loads (acquires its stream, folds its rows, publishes again what watchers may have
//! missed, begins again the attempts without a result), then takes commands one after the other.
//! What they cause is one append at a time; commands that come meanwhile are decided after it and go
//! as one next append. State, answers, dispatches and frames follow the commit, never go before it.
//! When nothing is left to do it says so and is passivated; the next command or timer brings it back.
//!
//! Reads: `kind` (what the registry knows), `shell` (the actor), `load`, `commit` (decide, append,
//! carry out), `written` (rows and what goes with them), `dispatch` (attempts), `tasks` (what carries them out).

mod commit;
mod crowd;
mod dispatch;
mod kind;
mod load;
mod shell;
mod tasks;
mod written;

pub(super) use self::{
    crowd::Crowd,
    load::{Birth, Meta},
    written::{needs_attention, new_row, of_effects},
};
pub use self::{
    kind::RunKind,
    tasks::{Execute, Job},
};
