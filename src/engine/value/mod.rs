//! JSON values as the workflow language sees them: objects whose members are shared, paths into
//! them, templates, and JavaScript's ideas of text, number and truth.
//!
//! Owns the bounds that keep a hostile value cheap: a size is counted, never built; a path names
//! own members only; a template is data, never evaluated.
mod fields;
mod js;
mod path;
mod resolve;
mod template;

pub(in crate::engine) use self::{
    fields::json_size,
    js::{is_identifier, number, number_value, text, truthy},
    path::Lookup,
    template::{Template, resolve, templates_in},
};
pub use self::{
    fields::{CodeContext, Context, Fields},
    resolve::{Resolver, TooLarge},
};
