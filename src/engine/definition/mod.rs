//! Definitions: client form in, graph out, with every fault named.
//!
//! [`check_saved`] says what is refused at save, [`validate`] what must hold to run; both report
//! everything at once, each fault with its path in the client form.
mod graph;
mod problem;
mod source;
mod validate;

pub use self::{
    graph::Definition,
    problem::Problem,
    source::Source,
    validate::{check_saved, validate},
};
