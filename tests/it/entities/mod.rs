//! What a tenant stores beside workflows: data sources, saved queries, widgets, listeners, on both
//! databases.
//!
//! `rows`: create, read, change, list, remove; what is refused and how it is told; audit. `secrets`:
//! a credential is found nowhere (`faults.md` A46). `data`: the data of a workflow's widget. `rooms`:
//! real clients in the rooms of listeners.

mod data;
mod desk;
mod rooms;
mod rows;
mod secrets;
