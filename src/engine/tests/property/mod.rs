//! Random definitions of all node types, with loops in loops, in a random world: whatever the order
//! of results, failures, timeouts, answers, timers, cancels and crashes, a run ends once with what
//! its rows say.
mod chance;
mod runs;
mod world;
