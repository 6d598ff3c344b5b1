//! Workflows by REST. `workflows`: saved, started, shown, stopped. `definitions`: versions, problems,
//! schemas, bundles. `queue`: runs that wait for a place.

mod definitions;
mod queue;
mod workflows;
