//! A hub with a tenant `acme` and another tenant, on either database: what tests about runs begin
//! with. [`graphs`] draws workflows, [`rest`] calls as a page does, also a hub that dies meanwhile.

pub mod graphs;
pub mod rest;
pub mod stage;

pub use graphs::Graph;
pub use rest::Rest;
pub use stage::{ACME, World};
