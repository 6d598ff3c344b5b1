//! What needs a server, and what needs only words.

mod hosts;
mod http;
mod mysql;
mod postgres;
mod postgres_types;
mod preview;
mod rig;
mod seal;
mod secrets;
mod sqlite;
mod statements;
mod turns;
