//! The binary: see `jethub::cli`.
fn main() {}
