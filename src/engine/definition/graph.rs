//! A definition that can run.

/// A definition that can run: made by [`validate`](super::validate) only.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {}
