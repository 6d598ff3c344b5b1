//! jethub: a real-time hub. See ARCHITECTURE.md for the map and the walkthroughs.
//!
//! Floors, lowest first; a module imports only from floors below it (`tests/it/layers.rs`):
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`config`], [`error`], [`ids`], [`clock`], [`metrics`], [`faults`] |
//! | 1 | [`protocol`] (wire), [`engine`] (workflow language), [`store`] (Diesel, journal), [`outbound`] (HTTP client) |
//! | 2 | [`supervise`] (registries), [`delivery`] (members, queues), [`auth`], [`script`] (JavaScript) |
//! | 3 | [`workflow`] (runs), [`monitor`] |
//! | 4 | [`session`] (one client, its transports) |
//! | 5 | [`http`] (REST, admin, docs) |
//! | 6 | [`server`] (wiring, signals) |
//! | 7 | [`cli`], `main` |
#![warn(missing_docs)]

pub mod clock;
pub mod error;
pub mod faults;
pub mod ids;
pub mod metrics;
pub mod config;
pub mod protocol;
pub mod engine;
pub mod store;
pub mod outbound;
pub mod supervise;
pub mod delivery;
pub mod auth;
pub mod script;
pub mod workflow;
pub mod monitor;
pub mod session;
pub mod http;
pub mod server;
pub mod cli;
