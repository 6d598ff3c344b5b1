//! Waiting for what must become true.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

/// Longest wait for something that should happen at once, on a busy machine.
pub const SOON: Duration = Duration::from_secs(10);

/// Asks again every few milliseconds until there is an answer; fails with `what` at the deadline.
#[track_caller]
pub fn eventually<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A line past the capture of the test harness: numbers are shown also when the test passes.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
