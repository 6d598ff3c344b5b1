//! The hub as its operators and pages see it: `jethub serve` over HTTP, its command line, signals.
//!
//! `health`: is it there, who sees metrics. `accounts`: tenants, users, members, roles, keys, over
//! REST and the command line, with and without a hub. `routes`: every row of the table of routes by
//! everybody who may not. `requests`: hostile heads and bodies. `life`: one hub a directory, drain.
//! `runs`: workflows and their runs by REST. `revoked`: what is taken from sockets that are connected.

mod accounts;
mod ann;
mod health;
mod jwks;
mod life;
mod requests;
mod revoked;
mod routes;
mod runs;
mod sessions;
mod tokens;
