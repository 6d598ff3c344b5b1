//! Definitions: saved workflows with their versions, as REST shows and changes them.
//!
//! Reads: `service` (create, change, list, remove), `checked` (what is wrong with one), `copies` (clone,
//! export, import), `bundle` and `needs` (what an export holds), `forms` and `stored` (what clients write and read).

mod bundle;
mod checked;
mod copies;
mod forms;
mod needs;
mod service;
mod stored;

pub use self::{
    bundle::{Bundle, ImportWorkflow, Imported},
    forms::{EdgeView, NodeView, SaveWorkflow, VersionView, WorkflowList, WorkflowView},
    service::Catalogue,
    stored::runs_queries,
};
