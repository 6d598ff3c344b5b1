//! REST services, through the hub's one HTTP client and its rules for addresses.
//!
//! A source has an address, headers and a way to authenticate; a query adds method, path, query,
//! headers, body, and which part of the answer counts. `{{name}}` stands for an input in any of
//! their values, encoded for the place where it stands. The answer is the JSON itself.

mod answer;
mod check;
mod request;
mod template;

pub(super) use self::{
    answer::{read, refuses},
    check::{query_problems, source_problems},
    request::{Made, build},
};
