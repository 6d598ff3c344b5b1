//! `kill -9`: at every crash point whose code exists, at random times, and between effect and result.
//! Real clients watch meanwhile and join again in their `connect` handler with `since` = the last seq
//! they saw. At the end a judge that shares no code with the hub compares what they saw with the
//! journal: 0 lost, 0 doubled, in order, nothing told before it was durable (`faults.md` F1 to F3).
//!
//! `points`: the table of crash points. `random`: kills at any time, and after the effect.
//! `start`: a start with 100 000 waiting runs; a build without the feature ignores `FAILPOINTS`.
//! `JETHUB_TEST_LONG=1` (`make test-long`) makes all of them longer.

mod keeper;
mod load;
mod points;
mod random;
mod start;

pub use keeper::{Death, Keeper};

/// `make test-long`.
pub fn long() -> bool {
    std::env::var_os("JETHUB_TEST_LONG").is_some()
}
