//! Saved queries on a real hub, over the databases of this machine.
//!
//! `queries`: sources and queries by REST, answered by PostgreSQL, MariaDB, SQLite and HTTP. `guarded`:
//! the hub's own database and port, a stop while queries run. `nodes`: queries of runs. What needs no hub is in
//! `src/datasource/tests`.

pub mod bench;
mod guarded;
mod nodes;
mod queries;
