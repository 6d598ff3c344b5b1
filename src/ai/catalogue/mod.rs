//! What a tenant has (saved queries, workflows), found by its words; and the assistant that answers from
//! it alone and calls nobody.
//!
//! [`Catalogue`] is the door (`door.rs`). What is in memory (`shelves.rs`) is owned by one thread
//! (`thread.rs`): each tenant is read when it is first asked for, and again when its revision in the
//! database has risen; who was asked longest ago goes first. `entry` is what can be found, `words` and
//! `columns` say by what. [`CatalogueAssistant`] never guesses: what a sentence does not say is asked for
//! (`fill`).

mod assistant;
mod columns;
mod door;
mod ends;
mod entry;
pub mod fill;
mod lately;
mod shelves;
mod talk;
#[cfg(test)]
mod tests;
mod thread;
mod words;

pub use assistant::CatalogueAssistant;
pub use door::{Catalogue, Hit};
pub use entry::{Choice, Entry, Form, Input, Kind, Subject};
