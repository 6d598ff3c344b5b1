//! Runs: one actor a run, its journal, its watchers.
