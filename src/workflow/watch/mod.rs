//! Watching a run: what a joiner gets first, and how what was committed becomes frames.
//!
//! A live run answers a join in its actor: the snapshot and the membership are one step in the
//! shard's channel. A long replay (`since`, or a snapshot too large for one queue) is read from the
//! journal by the joiner's own task and paged; then the actor is asked again, with the row that the
//! replay has reached: it adds the member if nothing is missing, or says how far it is. A finished
//! run is answered from the journal alone.

mod attach;
mod ends;
mod frames;
mod join;
mod pages;
mod replay;

pub(super) use self::{
    attach::{About, begin},
    ends::Ends,
    frames::{Encoded, Encoder},
    join::{Recent, Watch, Watched, publish, rows, subject, watch},
    pages::Pages,
};
pub use self::{
    attach::{Attach, FirstWatcher, Registrant},
    join::{AckFrame, Join},
};
