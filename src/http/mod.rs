//! REST, admin, health, metrics, documents.
