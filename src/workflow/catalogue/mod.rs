//! Definitions: saved workflows with their versions, as REST shows and changes them.

mod forms;
mod service;
mod stored;

pub use self::{
    forms::{EdgeView, NodeView, SaveWorkflow, WorkflowList, WorkflowView},
    service::Catalogue,
};
