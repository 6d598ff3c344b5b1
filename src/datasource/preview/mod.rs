//! What somebody may see of a query before it counts, and how it counts once.
//!
//! An assistant of a chat proposes, a person looks and approves. [`look`](DataSources::look) tells what
//! would be sent and connects to nothing; [`glance`](DataSources::glance) reads the first rows of a saved
//! query that only reads; [`draft`](DataSources::draft) does so with SQL that is saved nowhere;
//! [`carry_out`](DataSources::carry_out) is the query itself, and says of a failure whether it may have
//! happened nevertheless.
//!
//! That nothing is changed by a glance or a draft is the database's word: a transaction that reads only
//! and is rolled back, a file that is opened for reading, GET and HEAD. What such a transaction does not
//! stop is said at [`draft`](DataSources::draft).

mod carry_out;
mod draft;
mod glance;
mod look;
mod masked;

pub use self::{
    carry_out::Undone,
    draft::DraftCheck,
    glance::{Glance, Glanced},
    look::{Looked, Would},
};
#[cfg(doc)]
use super::DataSources;
