//! The journal: append-only rows, in streams of one subject each.
//!
//! [`Journal::append`] is the only way in. It checks that the caller still owns the stream and knows
//! its head, writes rows and typed projections in one transaction, and answers after the commit is
//! on the disk. [`Journal::read`] is the only way out: pages by seq, each row checked against its
//! checksum.
//!
//! One thread writes (`writer.rs`). It takes whatever waits as one batch, so that many writers share
//! a sync and a single one waits for none but its own. Files in reading order: `append` (what is
//! asked and answered), `handle` (admission), `queue` (bounds), `writer` (the thread, failures),
//! `batch` (the transaction), `projection`, `sql` (its statements; `arrays`: the same for PostgreSQL), `reader`, `row` (checksums).
//!
//! It never decides anything about a run or a room, and never drops or reorders what it accepted.

mod append;
mod arrays;
mod batch;
mod handle;
mod projection;
mod queue;
mod reader;
mod row;
mod sql;
mod write;
mod writer;

pub use append::{Append, Appended, Origin, Ownership, Projection};
pub use handle::Journal;
pub(super) use handle::Settings;
pub use reader::Page;
pub use row::{NewRow, Row};
