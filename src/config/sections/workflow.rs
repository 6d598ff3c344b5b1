//! `[workflow]`, `[node]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DurationSetting, Size};

/// Workflow definitions and runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Workflow {
    /// Largest definition.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "100MB"))]
    pub max_definition: Size,
    /// Most nodes of a definition.
    #[schemars(range(min = 2, max = 100_000))]
    pub max_nodes: usize,
    /// Most edges of a definition.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_edges: usize,
    /// Largest context of a run; a node that would make it larger fails with CONTEXT_TOO_LARGE.
    #[schemars(extend("x-min" = "64KiB", "x-max" = "1GiB"))]
    pub max_context: Size,
    /// A context over this size is left out of node updates and read by REST instead.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "1GiB"))]
    pub max_context_in_updates: Size,
    /// Most journal rows of a run.
    #[schemars(range(min = 100, max = 100_000_000))]
    pub max_rows: u64,
    /// Most journal bytes of a run.
    #[schemars(extend("x-min" = "1MiB"))]
    pub max_run_journal: Size,
    /// Most runs of a tenant that run at once; more wait as PENDING.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_active_per_tenant: usize,
    /// Most runs of a tenant that wait; beyond it RATE_LIMITED is answered.
    #[schemars(range(min = 0, max = 10_000_000))]
    pub max_queued_per_tenant: usize,
    /// Most nodes of a run at work at once.
    #[schemars(range(min = 1, max = 1000))]
    pub max_parallel_nodes: usize,
    /// Longest life of a run that sets no limit of its own.
    #[schemars(extend("x-min" = "1s", "x-max" = "365d"))]
    pub run_timeout: DurationSetting,
}

impl Default for Workflow {
    fn default() -> Self {
        Self {
            max_definition: Size::mib(1),
            max_nodes: 500,
            max_edges: 2000,
            max_context: Size::mib(4),
            max_context_in_updates: Size::kib(512),
            max_rows: 1_000_000,
            max_run_journal: Size::mib(256),
            max_active_per_tenant: 1000,
            max_queued_per_tenant: 10_000,
            max_parallel_nodes: 16,
            run_timeout: DurationSetting::from_secs(7 * 86_400),
        }
    }
}

/// Nodes of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Node {
    /// Longest time of one attempt of a node that sets no timeoutSeconds.
    #[schemars(extend("x-min" = "100ms", "x-max" = "30d"))]
    pub timeout: DurationSetting,
    /// Largest output of a node.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "100MB"))]
    pub output: Size,
}

impl Default for Node {
    fn default() -> Self {
        Self { timeout: DurationSetting::from_secs(60), output: Size::mib(1) }
    }
}
