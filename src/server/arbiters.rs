//! Threads: HTTP workers with one shard of delivery each, and arbiters for the actors of the domain.

use std::{num::NonZeroUsize, thread};

use actix_rt::{Arbiter, ArbiterHandle};

/// Where domain actors live; the threads end when this is dropped or stopped.
pub(super) struct Domain {
    /// Registries and timers: they never wait for a child, so one thread is enough.
    pub home: ArbiterHandle,
    /// Children: one thread a core.
    pub children: Vec<ArbiterHandle>,
    all: Vec<Arbiter>,
}

impl Domain {
    /// Starts the threads.
    pub fn start() -> Self {
        let all: Vec<Arbiter> = (0..=cores()).map(|_| Arbiter::new()).collect();
        let mut handles = all.iter().map(Arbiter::handle);
        let home = handles.next().unwrap_or_else(Arbiter::current);
        let children = handles.collect();
        Self { home, children, all }
    }

    /// Ends them: what they do is dropped, as a crash would.
    pub fn stop(self) {
        for arbiter in &self.all {
            arbiter.stop();
        }
    }
}

/// HTTP workers, when the settings leave it open.
pub(super) fn workers(setting: usize) -> usize {
    if setting == 0 { cores() } else { setting }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
