//! Who answers in which tenant, and how often.

mod by_config;
mod rates;

pub use by_config::ByConfig;
