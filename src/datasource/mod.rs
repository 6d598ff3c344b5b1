//! Saved queries of tenants: what runs them, against whatever they are asked of.
//!
//! [`DataSources`] is the door: a node or a route names a query and its inputs, an answer or a coded
//! [`Error`] comes back, and dropping the future stops the query at its server. What may be saved is
//! told by [`check_source`] and [`check_query`], which ask nobody.
//!
//! Owns: the drivers (`postgres`, `mysql`, `sqlite`, `http`, `service`), one bounded pool a source
//! (`pool`), the turns of tenants (`fair`), the addresses that may be called (`hosts`), how values
//! become JSON and inputs become bound parameters (`sql`), what is shown of a query before it counts
//! (`preview`), and the credentials at rest ([`seal`]).
//! Talks to: `store` (rows of queries and sources), `outbound` (HTTP), `engine` (inputs). Used by:
//! `workflow`, REST. Never: pastes an input into a statement, shows a credential or an address in an
//! error, keeps an answer.

mod check;
mod door;
mod drivers;
mod error;
mod fair;
mod hosts;
mod http;
mod mysql;
mod pool;
mod postgres;
mod preview;
mod saved;
pub mod seal;
mod service;
mod settings;
mod sql;
mod sqlite;
#[cfg(test)]
mod tests;

pub use self::{
    check::{Effect, KINDS, Problem, check_query, check_source, secret_keys},
    door::{DataSources, Parts, QueryCall},
    error::{Error, Reason},
    preview::{DraftCheck, Glance, Glanced, Looked, Undone, Would},
    seal::Vault,
};
