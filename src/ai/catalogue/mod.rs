//! What a tenant has (saved queries, workflows), found by its words; and the assistant that answers from
//! it alone and calls nobody.
//!
//! [`Catalogue`] is the door (`door.rs`). What is in memory (`shelves.rs`) is owned by one thread
//! (`thread.rs`): each tenant is read when it is first asked for, and again when its revision in the
//! database has risen; who was asked longest ago goes first. `entry` is what can be found, `words` and
//! `columns` say by what, `ends` how its ranges end.
//!
//! [`CatalogueAssistant`] answers. A message means an entry, several or none (`talk`); what it says fills the inputs
//! (`fill`); what it does not say is asked for, never guessed. Then what has no effect is run and anything else
//! proposed. It keeps nothing: where a talk is follows from what was said in it, so a turn that is made
//! again comes to the same.

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
