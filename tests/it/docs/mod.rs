//! What the hub says about itself is true: the AsyncAPI document is one by its own parser, its examples
//! work, and what `jethub demo` prints can be pasted.

mod asyncapi;
mod demo;
mod examples;
