//! PostgreSQL.
//!
//! A query is one prepared statement with bound parameters in a transaction of its own, read-only
//! unless the query says otherwise and then always rolled back, so that nothing it set for the
//! session stays. The server has the time limit too (`statement_timeout`); a query that is given up
//! is cancelled there.
//!
//! What a transaction does not stop is what a superuser may do beside the tables (files and programs
//! of the server): give a data source a role of its own, without such rights; `test` warns.

mod binary;
mod connect;
mod meter;
mod nested;
mod params;
mod run;
mod times;
mod tls;

pub(super) use self::{
    connect::{Link, connect},
    run::{run, test},
};
