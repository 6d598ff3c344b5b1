//! Brings a hub that dies back to life, and counts how often it died.

use std::{
    os::unix::process::ExitStatusExt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::harness::{expect::eventually, world::World};

/// How the hub dies.
#[derive(Debug, Clone)]
pub enum Death {
    /// At that point, with `FAILPOINTS` as given.
    Point(String),
    /// After so many milliseconds, from one list element to the next.
    Random(Vec<u64>),
}

/// A thread that owns the hub.
pub struct Keeper {
    kills: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<World>>,
}

impl Keeper {
    /// Starts the hub again, now mortal, until it has died `most` times; then it lives on.
    pub fn start(world: World, death: Death, most: usize) -> Self {
        let (kills, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, stopped) = (kills.clone(), stop.clone());
        let thread = std::thread::spawn(move || keep(world, &death, most, &counted, &stopped));
        Self { kills, stop, thread: Some(thread) }
    }

    pub fn kills(&self) -> usize {
        self.kills.load(Ordering::Relaxed)
    }

    /// Waits until it has died so often.
    #[track_caller]
    pub fn until_killed(&self, times: usize, within: Duration) {
        eventually(&format!("{times} kills"), within, || {
            assert!(!self.thread.as_ref().is_some_and(JoinHandle::is_finished), "the keeper failed");
            (self.kills() >= times).then_some(())
        });
    }

    /// The hub as it is, immortal again.
    #[track_caller]
    pub fn retire(mut self) -> World {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().expect("the keeper failed")
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep(mut world: World, death: &Death, most: usize, kills: &AtomicUsize, stop: &AtomicBool) -> World {
    let armed = match death {
        Death::Point(points) => points.as_str(),
        Death::Random(_) => "",
    };
    let mut lives = 0;
    let mut start = |world: &mut World, kills: &AtomicUsize, points: &str| {
        // it may also die at once, and again
        let mut points = points;
        while !world.hub.again(&[("FAILPOINTS", points)]) {
            let status = world.hub.ended(Duration::from_secs(10));
            assert_eq!(status.signal(), Some(9), "the hub did not start: {status}\n{}", world.hub.log());
            if kills.fetch_add(1, Ordering::Relaxed) + 1 >= most {
                points = "";
            }
        }
        lives += 1;
    };
    start(&mut world, kills, armed);
    let mut born = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let done = kills.load(Ordering::Relaxed);
        if let Death::Random(times) = death
            && done < most
            && born.elapsed() >= Duration::from_millis(times[done % times.len()])
        {
            world.hub.kill();
        }
        if let Some(status) = world.hub.exit() {
            assert_eq!(status.signal(), Some(9), "the hub ended by itself: {status}\n{}", world.hub.log());
            let killed = kills.fetch_add(1, Ordering::Relaxed) + 1;
            start(&mut world, kills, if killed < most { armed } else { "" });
            born = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    // still armed: once more, so that what is left can end
    if kills.load(Ordering::Relaxed) < most && !armed.is_empty() {
        start(&mut world, kills, "");
    }
    world
}
