//! MySQL and MariaDB.
//!
//! A query is one prepared statement with bound parameters in a transaction of its own, read-only
//! unless the query says otherwise; afterwards the session is reset (COM_RESET_CONNECTION). The
//! session speaks UTC. A query that is given up is killed at the server.

mod connect;
mod run;
mod values;

pub(super) use self::{
    connect::{Link, connect},
    run::{run, test},
};
