//! The fold of a run's rows.
//!
//! [`Facts`] is what the rows say, [`RunState`] is that beside the definition and the bounds. It
//! changes by [`apply`] only, which never fails and knows no clock: times are in the rows. Its
//! size is that of the definition and the context, not of the journal; a clone copies pointers.
mod apply;
mod chunks;
mod context;
mod facts;
mod lookup;
mod looping;
mod pack;
mod run;

pub(in crate::engine) use self::{
    apply::{addition, additions},
    facts::{NodeFacts, Phase, Seen},
    lookup::code_context,
    looping::Stage,
};
pub use self::{
    apply::{apply, snapshot_due},
    facts::Facts,
    run::{Active, OpenRequest, RunState},
};
