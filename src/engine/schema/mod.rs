//! Definitions as editors see them: JSON Schemas of the whole and of each node type, and advice about
//! what can run but is probably not meant.
//!
//! Owns: the description of every field (`types`), the handles of every type (`handles`). The rules
//! themselves are the parsers' (`nodes`, `definition`); a test walks both, so that a schema cannot
//! promise what a parser refuses.
//!
//! Reads: `types` (a schema a type), `definition` (the whole), `handles`, `advice`.
mod advice;
mod before;
mod definition;
mod handles;
#[cfg(test)]
mod schema_test;
mod types;

pub use self::{
    advice::problems,
    definition::definition_schema,
    types::{node_schema, node_schemas},
};
