//! Node types: one file for each that the engine knows how to carry out, one table of them all.
//!
//! A type is added by a file here, a variant of [`Kind`] and its row in `table`. Each says what
//! its configuration must hold, and what happens when a visit begins ([`Begin`]): it ends at once,
//! waits for a time, or needs a task done by somebody else.
mod condition;
mod delay;
mod end;
mod far;
mod flow;
mod iterate;
mod javascript;
mod kind;
mod operator;
mod people;
mod start;
mod table;

pub use self::people::{FormIssue, form_issues};
pub(in crate::engine) use self::{
    far::Call,
    kind::{Begin, Ended, Kind, Work, later},
    operator::OPERATORS,
    table::{TypeRow, type_row, type_rows},
};
