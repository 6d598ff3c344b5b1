//! Who waits, who runs, what a worker's death costs.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use jethub::{
    config::sections,
    error::{Code, Coded},
    script::{Error, ScriptPool},
};

use super::rig::{body, hub, of_tenant, pool, pool_of, settings, value, within};

/// Ids of the processes that this one started, workers of other tests included.
pub fn children() -> Vec<String> {
    let mut found = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(text.split_whitespace().map(str::to_owned));
    }
    found
}

/// A pool of its own process: tests of one binary share theirs, so workers are told apart by asking
/// which children came with it.
fn workers_of(before: &[String]) -> Vec<String> {
    children().into_iter().filter(|pid| !before.contains(pid)).collect()
}

#[tokio::test]
async fn scripts_switched_off_are_an_error() {
    let pool = pool_of(&sections::Script { enabled: false, ..settings() });
    let error = pool.run(body("return 1")).await.unwrap_err();
    assert_eq!((error.clone(), error.code()), (Error::Disabled, Code::JsError));
    assert!(error.is_programming());
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_an_error() {
    for program in ["/nowhere/jethub", "/bin/true", "/bin/cat"] {
        let pool = ScriptPool::with_program(&settings(), program.into());
        let error = tokio::time::timeout(Duration::from_secs(20), pool.run(body("return 1"))).await.unwrap();
        assert_eq!(error.unwrap_err().code(), Code::ServerError, "{program}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_does_not_use_up_the_time() {
    let pool = pool_of(&sections::Script { workers: 1, ..settings() });
    value(&pool, "return 1").await;
    let slow = "const end = Date.now() + 300; while (Date.now() < end); return 'done'";
    let all = futures_util::future::join_all((0..4).map(|_| pool.run(within(450, slow)))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
}

#[tokio::test]
async fn the_queue_is_bounded_and_a_dropped_future_leaves_it() {
    let pool = pool_of(&sections::Script { workers: 1, queue: 2, ..settings() });
    value(&pool, "return 1").await;
    let endless = || within(60_000, "while (true) {}");
    let mut running: Vec<_> = (0..3).map(|_| Box::pin(pool.run(endless()))).collect();
    for run in &mut running {
        assert!(tokio::time::timeout(Duration::from_millis(20), run.as_mut()).await.is_err());
    }
    let refused = pool.run(body("return 1")).await.unwrap_err();
    assert_eq!((refused.code(), refused), (Code::Busy, Error::Busy));
    // One of the queue and the one that runs give up: a place and the worker are free at once.
    drop(running.pop());
    drop(running.remove(0));
    let begun = Instant::now();
    let next = running.pop().unwrap();
    drop(next);
    assert_eq!(value(&pool, "return 2").await, 2);
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_up_before_it_began_leaves_no_place_behind() {
    let pool = pool_of(&sections::Script { workers: 1, queue: 2, ..settings() });
    for _ in 0..200 {
        let mut run = Box::pin(pool.run(body("return 1")));
        let _ = std::future::poll_fn(|cx| std::task::Poll::Ready(run.as_mut().poll(cx))).await;
    }
    assert_eq!(value(&pool, "return 2").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tenant_does_not_starve_another() {
    let pool = pool_of(&sections::Script { workers: 2, ..settings() });
    value(&pool, "return 1").await;
    let hog = |_| {
        let pool = pool.clone();
        tokio::spawn(async move { pool.run(of_tenant("hog", "while (true) {}")).await })
    };
    let hogs: Vec<_> = (0..20).map(hog).collect();
    // The hog holds both workers for five seconds; a stranger still gets through at once.
    wait_until(|| workers_busy() >= 2).await;
    for _ in 0..5 {
        let begun = Instant::now();
        pool.run(of_tenant("stranger", "return 1")).await.unwrap();
        assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    }
    hogs.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Children that are computing now.
fn workers_busy() -> usize {
    let state = |pid: &String| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    children().iter().map(state).filter(|stat| stat.contains(") R ")).count()
}

async fn wait_until(mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < limit, "it did not come to that");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// F33: kill a worker at any time: one attempt of one script is lost at most, and the pool goes on.
/// In a process of its own, so that its workers can be told from those of other tests.
#[test]
fn a_killed_worker_costs_one_attempt() {
    let own = std::env::current_exe().unwrap();
    let outcome = Command::new(own)
        .args(["--exact", "script::pool::alone::kill_workers", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&outcome.stdout);
    assert!(
        outcome.status.success() && told.contains("1 passed"),
        "{told}\n{}",
        String::from_utf8_lossy(&outcome.stderr)
    );
}

mod alone {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "started by a_killed_worker_costs_one_attempt, alone in its process"]
    async fn kill_workers() {
        let before = children();
        let pool = pool();
        value(&pool, "return 1").await;
        let (mut lost, mut killed) = (0, 0);
        for round in 0..40_u64 {
            let running = {
                let pool = pool.clone();
                let code = "const end = Date.now() + 20; while (Date.now() < end); return 'done'";
                tokio::spawn(async move { pool.run(body(code)).await })
            };
            tokio::time::sleep(Duration::from_millis(round % 30)).await;
            let workers = workers_of(&before);
            assert!(workers.len() <= 4, "{workers:?}");
            for pid in &workers {
                killed += usize::from(Command::new("kill").args(["-9", pid]).status().unwrap().success());
            }
            match running.await.unwrap() {
                Ok(output) => assert_eq!(output.value, "done"),
                Err(Error::Died(_)) => lost += 1,
                Err(other) => panic!("{other:?}"),
            }
            // Its worker may have been the spare that was killed a moment ago.
            while let Err(error) = pool.run(body("return 'next'")).await {
                assert!(matches!(error, Error::Died(_)), "{error:?}");
                lost += 1;
            }
            assert!(lost <= killed, "{killed} {lost}");
        }
        assert!(killed >= 40, "{killed}");
        println!("{killed} workers killed in 40 rounds, {lost} attempts lost");
        drop(pool);
        wait_until(|| workers_of(&before).is_empty()).await;
        let _ = hub();
    }
}
