//! A session beside the one under attack: it echoes all the time and must notice nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::target::Target;

/// Echoes over its own websocket until it is checked.
pub struct Bystander {
    stop: Arc<AtomicBool>,
    echoes: Arc<AtomicU64>,
    thread: Option<JoinHandle<Duration>>,
}

impl Bystander {
    #[track_caller]
    pub fn start(target: &Target) -> Self {
        let mut ws = target.joined_websocket();
        let stop = Arc::new(AtomicBool::new(false));
        let echoes = Arc::new(AtomicU64::new(0));
        let (stopped, counted) = (stop.clone(), echoes.clone());
        let thread = std::thread::spawn(move || {
            let mut slowest = Duration::ZERO;
            let mut n = 0u64;
            while !stopped.load(Ordering::Relaxed) {
                let begin = Instant::now();
                ws.send(&format!(r#"42["message",{n}]"#));
                assert_eq!(ws.text(), format!(r#"42["message-back",{n}]"#));
                slowest = slowest.max(begin.elapsed());
                n += 1;
                counted.store(n, Ordering::Relaxed);
                // answers pings while it waits
                assert_eq!(ws.poll(Duration::from_millis(25)), None);
            }
            slowest
        });
        Self { stop, echoes, thread: Some(thread) }
    }

    /// Ends it: it must have echoed since the start, and never in more than a second.
    #[track_caller]
    pub fn check(mut self) {
        let before = self.echoes.load(Ordering::Relaxed);
        super::expect::eventually("the bystander echoes on", super::expect::SOON, || {
            let dead = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            (dead || self.echoes.load(Ordering::Relaxed) > before).then_some(())
        });
        self.stop.store(true, Ordering::Relaxed);
        let slowest = self.thread.take().unwrap().join().expect("the bystander noticed something");
        assert!(slowest < Duration::from_secs(1), "an echo took {slowest:?}");
    }
}
