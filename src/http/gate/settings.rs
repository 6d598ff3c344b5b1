//! What the gate was told at start, and what it counts.

use super::{
    body::{Bounds, InFlight},
    failures::Failures,
    origin::Origins,
    peer::Proxies,
};
use crate::{auth::json, config::Config};

/// Settings and counters of the gate.
pub(in crate::http) struct Gate {
    pub(super) origins: Origins,
    pub(super) proxies: Proxies,
    pub(super) failures: Failures,
    pub(super) bounds: Bounds,
}

impl Gate {
    /// From checked settings.
    pub fn new(config: &Config) -> Self {
        let server = &config.server;
        Self {
            origins: Origins::new(&server.allowed_origins),
            proxies: Proxies::new(&server.trusted_proxies),
            failures: Failures::new(config.admin.failures),
            bounds: Bounds {
                largest: *server.max_body,
                timeout: *server.body_timeout,
                all: InFlight::new(*server.max_bodies_in_flight),
                json: json::Limits { depth: config.limits.json_depth, entries: config.limits.json_keys },
            },
        }
    }
}
