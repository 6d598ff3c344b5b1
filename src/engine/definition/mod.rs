//! Definitions: client form in, graph out, with every fault named.
//!
//! [`check_saved`] says what is refused at save, [`validate`] what must hold to run; both report
//! everything at once, each fault with its path in the client form. [`reopen`] reads a definition
//! of a run that goes on, [`validate_external`] one that is carried out elsewhere.
mod config;
mod graph;
mod policy;
mod problem;
mod saved;
mod scopes;
#[cfg(test)]
mod scopes_test;
mod source;
mod validate;
#[cfg(test)]
mod validate_test;

pub(in crate::engine) use self::{
    config::Config,
    graph::{Edge, Node},
    policy::{HANDLING, Handling, Policy, span},
    problem::{Faults, Words, did_you_mean},
    source::{RawEdge, RawNode, raw},
};
pub use self::{
    graph::Definition,
    problem::{Fault, Problem, Severity},
    saved::check_saved,
    source::Source,
    validate::{reopen, validate, validate_external},
};
