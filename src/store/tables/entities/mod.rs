//! What a tenant stores beside workflows: data sources, saved queries, widgets, listeners.
//!
//! Each file is a table with its row, its new row and its queries, as everywhere in
//! [`tables`](super). JSON columns come as values.

pub mod dataqueries;
pub mod datasources;
pub mod listeners;
mod stored;
pub mod widgets;
