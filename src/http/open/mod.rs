//! Routes that need no credential: what this is, is it well, how is it spoken to.

mod documents;
mod health;

use super::routes::{Access, Route, row};
use crate::error::Code;

/// The rows.
pub(super) const ROUTES: &[Route] = &[
    row("GET", "/", Access::Open, Code::NotFound, |asked| Box::pin(documents::welcome(asked))),
    row("GET", "/docs/asyncapi.yaml", Access::Open, Code::NotFound, |asked| {
        Box::pin(documents::events(asked))
    }),
    row("GET", "/docs/socket-events.yaml", Access::Open, Code::NotFound, |asked| {
        Box::pin(documents::events(asked))
    }),
    row("GET", "/health", Access::Open, Code::NotFound, |asked| Box::pin(health::health(asked))),
    row("GET", "/healthz", Access::Open, Code::NotFound, |asked| Box::pin(health::alive(asked))),
    row("GET", "/readyz", Access::Open, Code::NotFound, |asked| Box::pin(health::ready(asked))),
    row("GET", "/metrics", Access::Operations, Code::NotFound, |asked| Box::pin(health::metrics(asked))),
];
