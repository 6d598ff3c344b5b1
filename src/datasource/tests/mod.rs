//! What needs a server, and what needs only words.

mod seal;
