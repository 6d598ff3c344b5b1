//! Stopping without losing anything: nothing new is taken, what is begun is finished, clients are
//! told, the journal is closed. All of it within `drain.deadline`; what is not finished then goes on at
//! the next start, from the journal. While attempts of nodes are waited for the listeners stay open:
//! whoever comes meanwhile is answered `DRAINING`.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use super::{os::systemd, start::Running};
use crate::supervise::Inspect;

/// Longest time for telling all clients.
const PER_CLIENT: Duration = Duration::from_secs(10);
/// Sessions told at once, and the pause behind them: 50 000 within the time for all.
const BATCH: usize = 500;
const PAUSE: Duration = Duration::from_millis(20);
/// What was answered last is on its way for at most so long.
const FLUSH: Duration = Duration::from_millis(500);
/// Kept back of the deadline for what comes after the attempts of nodes.
const AFTER_ATTEMPTS: Duration = Duration::from_secs(5);
/// Runs that are asked whether their results are written.
const ASKED: usize = 1000;
/// Kept back of the deadline for closing the store.
const FOR_THE_STORE: Duration = Duration::from_secs(3);

/// Stops the hub. Answers when all is closed, or the deadline is over.
pub(super) async fn drain(running: Running) {
    let clock = running.clock.clone();
    let begun = clock.monotonic();
    let deadline = begun + running.deadline;
    let left = |until: Instant| until.saturating_duration_since(clock.monotonic());
    systemd::stopping();
    running.draining.store(true, Relaxed);
    running.attempts.stop();
    log::info!("draining: nothing new is taken");

    // Sessions are told first, some hundreds at a time: clients that all came back at one moment would
    // be a storm for whoever takes them.
    let told = begun + PER_CLIENT.min(running.deadline / 2);
    let closed = async {
        running.engine.close_all(BATCH, PAUSE).await;
        while running.engine.sessions() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(left(told), closed).await.is_err() {
        log::warn!(open = running.engine.sessions(); "draining: sessions were not closed in time; their sockets are cut");
    }

    let at_work = deadline.checked_sub(AFTER_ATTEMPTS.min(running.deadline / 2)).unwrap_or(deadline);
    if tokio::time::timeout(left(at_work), attempts_end(&running)).await.is_err() {
        log::warn!(
            open = running.attempts.open(), queries = running.sources.open();
            "draining: attempts of nodes were not finished in time; they begin again at the next start"
        );
    }

    // Whoever still waits for a query by REST is answered now, and the query stopped at its server.
    if tokio::time::timeout(left(deadline), running.sources.close()).await.is_err() {
        log::warn!("draining: connections of data sources were not closed in time");
    }

    let quiet = deadline.checked_sub(FOR_THE_STORE.min(running.deadline / 3)).unwrap_or(deadline);
    // No new connection from here on. Idle ones would hold the workers for their keep-alive time, so
    // the workers are ended as soon as nothing is being answered.
    let stopping = running.http.stop(true);
    let answered = async {
        while running.hub.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(FLUSH).await;
    };
    tokio::select! {
        () = stopping => {}
        done = tokio::time::timeout(left(quiet), answered) => {
            if done.is_err() {
                log::warn!(open = running.hub.in_flight(); "draining: requests were still being answered at the deadline");
            }
        }
    }
    drop(running.control);
    let busy = (running.runs.registry().clone(), running.chats.registry().clone());
    let open = || busy.0.open() + busy.1.open();
    let finished = async {
        // What has begun to be written is written.
        while open() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(left(quiet), finished).await.is_err() {
        log::warn!(open = open(); "draining: runs and rooms still had commands at the deadline");
    }
    if tokio::time::timeout(left(deadline), running.store.close()).await.is_err() {
        log::error!(
            "draining: the journal was not closed in time; it is whole, what was not acknowledged may be missing"
        );
    }
    // Workers that still hold idle connections end with the process.
    running.domain.stop();
    log::info!(duration_ms = left_ms(clock.monotonic().saturating_duration_since(begun)); "stopped");
}

/// What nodes have begun is finished, and its results are written.
async fn attempts_end(running: &Running) {
    if running.attempts.open() > 0 || running.sources.open() > 0 {
        log::info!(
            open = running.attempts.open(), queries = running.sources.open();
            "draining: attempts of nodes and queries are waited for"
        );
    }
    while running.attempts.open() > 0 || running.sources.open() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let is_writing = |run: &Inspect| {
        run.detail["waiting"].as_u64().is_some_and(|waiting| waiting > 0) || run.detail["appending"] == true
    };
    while running.runs.registry().list(ASKED).await.iter().any(is_writing) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What a person approved ends, and its end is written. A turn begins again at the next start.
    let is_acting = |room: &Inspect| is_writing(room) || room.detail["carryingOut"] == true;
    while running.chats.registry().list(ASKED).await.iter().any(is_acting) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn left_ms(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
