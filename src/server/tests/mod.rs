//! What needs a network around it.

mod keys;
