//! Loops: what a pass sees, what it leaves, how it ends.
mod bodies;
mod failures;
mod nested;
mod passes;
