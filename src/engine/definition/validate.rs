//! All faults of a definition.

use super::{Definition, Problem, Source};
use crate::engine::Limits;

/// What is refused at save: shape, sizes, ids, plain templates, ranges.
pub fn check_saved(source: &Source, limits: &Limits) -> Vec<Problem> {
    let _ = (source, limits);
    Vec::new()
}

/// Everything that must hold to run.
pub fn validate(source: &Source, limits: &Limits) -> Result<Definition, Vec<Problem>> {
    let _ = (source, limits);
    Err(Vec::new())
}
