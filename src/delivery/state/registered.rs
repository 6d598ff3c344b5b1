//! The registrations of one membership, in order. Most memberships have none and pay one pointer.

use std::sync::Arc;

use crate::{
    delivery::projection::{Projection, Register, Row, guarded},
    protocol::frame::Frame,
};

#[derive(Default)]
pub(super) struct Registered(Option<Box<Entries>>);

#[derive(Default)]
struct Entries(Vec<(Arc<str>, Arc<dyn Projection>)>);

impl Registered {
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds one behind the others; one of the same key gives way.
    pub fn insert(&mut self, new: Register) {
        self.remove(&new.key);
        self.0.get_or_insert_default().0.push((new.key, new.projection));
    }

    /// False when there was none of that key.
    pub fn remove(&mut self, key: &str) -> bool {
        let Some(entries) = &mut self.0 else { return false };
        let before = entries.0.len();
        entries.0.retain(|(known, _)| known.as_ref() != key);
        let removed = entries.0.len() < before;
        if entries.0.is_empty() {
            self.0 = None;
        }
        removed
    }

    /// What they make of a row, in order.
    pub fn frames<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = Frame> + 'a {
        let entries = self.0.iter().flat_map(|entries| &entries.0);
        entries.filter_map(|(_, projection)| guarded(|| projection.row(row)))
    }
}
