//! What the hub says about itself is true: the AsyncAPI document is one by its own parser.

mod asyncapi;
