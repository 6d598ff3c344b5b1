//! `javascript`: code of a tenant, carried out elsewhere.

use std::sync::Arc;

use crate::engine::definition::{Config, Faults};

/// `javascript`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct JavaScript {
    pub(super) code: Arc<str>,
}

impl JavaScript {
    pub(super) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let code = config.text("code").unwrap_or_default();
        if code.trim().is_empty() {
            config.fault("code", "is missing", faults);
        }
        Self { code: Arc::from(code) }
    }
}
