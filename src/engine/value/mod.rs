//! JSON values as the workflow language sees them: objects whose members are shared, paths into
//! them, templates, and JavaScript's ideas of text, number and truth.
//!
//! Owns the bounds that keep a hostile value cheap: a size is counted, never built.
mod fields;

pub use self::fields::{CodeContext, Context, Fields, json_size};
