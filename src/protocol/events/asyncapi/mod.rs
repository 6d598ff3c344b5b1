//! The AsyncAPI 2.6 description of all events that this build serves, made from the types beside
//! it, so that it cannot say anything else than they do.
//!
//! A channel is an event. What a client sends is `publish`, what it hears is `subscribe`, as AsyncAPI
//! 2 counts from the reader's side. `jethub asyncapi` prints it and `http` serves it; a test has it
//! checked by AsyncAPI's own parser, another sends its examples to a hub.

mod build;
mod document;

pub use build::{document, yaml};
pub use document::Document;
