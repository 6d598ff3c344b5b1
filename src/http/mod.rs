//! REST, admin, health, metrics, documents.

pub mod control;
