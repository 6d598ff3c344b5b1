//! The bounds a run is decided under.

use std::time::Duration;

use crate::config::sections::{Node, Script, Workflow};

/// So that a recovery reads some hundred rows; no setting, `workflow/fold.rs` counts on about as many.
const SNAPSHOT_EVERY: u64 = 1000;

/// Bounds of definitions and runs, from the configuration. Only `decide` looks at them: what
/// they cause is in the rows, so that a changed setting never changes the fold.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Largest definition (nodes, edges and options as JSON), bytes.
    pub max_definition: usize,
    /// Most nodes of a definition.
    pub max_nodes: usize,
    /// Most edges of a definition.
    pub max_edges: usize,
    /// Largest user context, bytes of JSON.
    pub max_context: usize,
    /// A context over this many bytes is left out of node updates.
    pub max_context_in_updates: usize,
    /// Most rows of a run.
    pub max_rows: u64,
    /// Most journal bytes of a run.
    pub max_run_journal: u64,
    /// Rows between two snapshots, at least.
    pub snapshot_every: u64,
    /// Most attempts of a run at work at once.
    pub max_parallel_nodes: usize,
    /// Largest output of a node, bytes of JSON.
    pub max_output: usize,
    /// Longest life of a run that sets no `workflowRunTimeout`.
    pub run_timeout: Duration,
    /// Longest attempt of a node that sets no `timeoutSeconds`.
    pub node_timeout: Duration,
    /// The same for `javascript` nodes.
    pub script_timeout: Duration,
}

impl Limits {
    /// From the configuration's sections.
    pub fn new(workflow: &Workflow, node: &Node, script: &Script) -> Self {
        Self {
            max_definition: workflow.max_definition.get(),
            max_nodes: workflow.max_nodes,
            max_edges: workflow.max_edges,
            max_context: workflow.max_context.get(),
            max_context_in_updates: workflow.max_context_in_updates.get(),
            max_rows: workflow.max_rows,
            max_run_journal: u64::try_from(workflow.max_run_journal.get()).unwrap_or(u64::MAX),
            snapshot_every: SNAPSHOT_EVERY,
            max_parallel_nodes: workflow.max_parallel_nodes.max(1),
            max_output: node.output.get(),
            run_timeout: workflow.run_timeout.get(),
            node_timeout: node.timeout.get(),
            script_timeout: script.timeout.get(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(&Workflow::default(), &Node::default(), &Script::default())
    }
}
