//! jethub: a real-time hub. See ARCHITECTURE.md for the map and the walkthroughs.
//!
//! Floors, lowest first; a module imports only from floors below it (`tests/it/layers.rs`):
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`config`], [`error`], [`ids`], [`clock`], [`buckets`], [`metrics`], [`faults`] |
//! | 1 | [`protocol`] (wire), [`engine`] (workflow language), [`store`] (Diesel, journal), [`outbound`] (HTTP client) |
//! | 2 | [`supervise`] (registries), [`delivery`] (members, queues), [`auth`], [`script`] (JavaScript), [`datasource`] (queries of tenants), [`ai`] (assistants) |
//! | 3 | [`workflow`] (runs), [`widget`] (registrations), [`chat`] (rooms with an assistant), [`listener`] (rooms), [`monitor`] |
//! | 4 | [`session`] (one client, its transports) |
//! | 5 | [`http`] (REST, admin, docs) |
//! | 6 | [`server`] (wiring, signals) |
//! | 7 | [`cli`], `main` |
#![warn(missing_docs)]

pub mod ai;
pub mod auth;
pub mod buckets;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod config;
pub mod datasource;
pub mod delivery;
pub mod engine;
pub mod error;
pub mod faults;
pub mod http;
pub mod ids;
pub mod listener;
pub mod metrics;
pub mod monitor;
pub mod outbound;
pub mod protocol;
pub mod script;
pub mod server;
pub mod session;
pub mod store;
pub mod supervise;
pub mod widget;
pub mod workflow;
