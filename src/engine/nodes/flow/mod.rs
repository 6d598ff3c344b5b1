//! Types that only choose or bring together: `switch`, `fanout`, `join`.
mod fanout;
mod join;
mod switch;

pub(in crate::engine) use self::{fanout::Fanout, join::Join, switch::Switch};
