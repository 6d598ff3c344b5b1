//! What only a dying process can show: it is this test binary again, in the one test [`child`], with the
//! case in its environment. A case that fails panics there, and its words are shown here.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use super::bed::{Database, append, assert_whole, both, first, next, open, open_at};
use crate::store::{Append, Error, NewRow};

/// Starts a case on the database, in another state directory if one is given.
pub(super) fn start(case: &str, database: &Database, state: &Path, failpoints: &str) -> Running {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "store::tests::process::child", "--ignored", "--nocapture", "--test-threads=1"])
        .env("STORE_CASE", case)
        .env("STORE_STATE", state)
        .env("FAILPOINTS", failpoints)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    match &database.url {
        Some(url) => command.env("STORE_URL", url),
        None => command.env_remove("STORE_URL"),
    };
    Running(Some(command.spawn().unwrap()))
}

/// A child process; killed when dropped.
pub(super) struct Running(Option<Child>);

impl Running {
    /// Waits until it says `word`; the lines before it.
    pub fn until(&mut self, word: &str) -> Vec<String> {
        let stdout = self.child().stdout.as_mut().unwrap();
        let mut lines = Vec::new();
        for line in BufReader::new(stdout).lines() {
            let line = line.unwrap();
            if line.contains(word) {
                return lines;
            }
            lines.push(line);
        }
        panic!("it ended without {word}: {lines:?}");
    }

    /// The last acked head of each stream, after so many acks.
    fn acks(&mut self, count: i64) -> BTreeMap<String, i64> {
        let stdout = self.child().stdout.as_mut().unwrap();
        let (mut heads, mut seen) = (BTreeMap::new(), 0);
        for line in BufReader::new(stdout).lines() {
            let line = line.unwrap();
            let Some((name, head)) = line.strip_prefix("ACK ").and_then(|ack| ack.split_once(' ')) else {
                continue;
            };
            heads.insert(name.to_owned(), head.parse().unwrap());
            seen += 1;
            if seen == count {
                return heads;
            }
        }
        panic!("it ended after {seen} acks");
    }

    pub fn kill(&mut self) {
        self.child().kill().unwrap();
        self.child().wait().unwrap();
    }

    /// Waits for its end, at most a minute: how it ended, and all that it said.
    pub fn end(mut self) -> (ExitStatus, String) {
        let id = self.child().id();
        let (ended, watch) = std::sync::mpsc::channel::<()>();
        let watchdog = std::thread::spawn(move || {
            if let Err(std::sync::mpsc::RecvTimeoutError::Timeout) =
                watch.recv_timeout(Duration::from_secs(60))
            {
                let id = rustix::process::Pid::from_raw(id as i32).unwrap();
                let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            }
        });
        let output = self.0.take().unwrap().wait_with_output().unwrap();
        drop(ended);
        watchdog.join().unwrap();
        let words = [output.stdout, output.stderr].concat();
        (output.status, String::from_utf8_lossy(&words).into_owned())
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
#[ignore = "the body of child processes: the tests of this module start it"]
fn child() {
    let Ok(case) = std::env::var("STORE_CASE") else { return };
    let _armed = crate::faults::setup();
    let _ = env_logger::builder().filter_level(log::LevelFilter::Warn).try_init();
    let (url, state) = (std::env::var("STORE_URL").ok(), std::env::var("STORE_STATE").unwrap());
    let store = match open_at(url.as_deref(), Path::new(&state)) {
        Ok(store) => store,
        Err(error) => return println!("REFUSED {error}"),
    };
    println!("OPEN {}", store.migrated().applied.len());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        match case.as_str() {
            "open" => store.close().await,
            "hold" => std::future::pending().await,
            "append" => println!("ANSWER {:?}", append(&store, first("run:a", 2)).await),
            "load" => load(&store).await,
            "full" => full(&store).await,
            #[cfg(feature = "failpoints")]
            "fail" => faulty::fails(&store).await,
            #[cfg(feature = "failpoints")]
            "close" => faulty::closes(&store).await,
            #[cfg(feature = "failpoints")]
            "unheard" => faulty::unheard(&store).await,
            #[cfg(feature = "failpoints")]
            "panic" => faulty::panics(&store).await,
            other => panic!("no case {other}"),
        }
    });
}

/// Appends for ever and tells what was acked.
async fn load(store: &crate::store::Store) {
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let name = format!("run:{}:{n}", std::process::id());
                let mut head = append(&store, first(&name, 1)).await.unwrap().head.0;
                loop {
                    println!("ACK {name} {head}");
                    head = append(&store, next(&name, head, 1 + head % 3)).await.unwrap().head.0;
                }
            })
        })
        .collect();
    for task in tasks {
        let () = task.await.unwrap();
    }
}

/// Appends until the file may grow no more, then lets it grow again.
async fn full(store: &crate::store::Store) {
    let soon = Duration::from_secs(5);
    let large = |head: i64| {
        let wanted = if head == 0 { first("run:a", 1) } else { next("run:a", head, 1) };
        let payload = "x".repeat(100 << 10);
        let rows = wanted.rows.into_iter().map(|row| NewRow { payload: payload.clone(), ..row }).collect();
        Append { rows, ..wanted }
    };
    let mut head = 0;
    let refused = loop {
        match tokio::time::timeout(soon, append(store, large(head))).await.expect("an answer in time") {
            Ok(appended) => head = appended.head.0,
            Err(error) => break error,
        }
        assert!(head < 1000, "the limit was never reached");
    };
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    assert!(store.check().await.is_err(), "readiness shows it");
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
    let more = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Fsize, more).unwrap();
    let began = crate::clock::Clock::real().monotonic();
    while append(store, large(head)).await.is_err() {
        assert!(crate::clock::Clock::real().monotonic() - began < soon, "the cure is not seen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let found = super::bed::all(store, "run:a").await.unwrap();
    assert_eq!(found.len() as i64, head + 1, "what was refused is not there, what was acked is");
}

/// F9, F10: the file may not grow, as on a full disk. SQLite only: the limit is this process's.
#[test]
fn a_full_disk_is_told_and_survived() {
    let database = Database::sqlite();
    let exe = std::env::current_exe().unwrap();
    // The child's own deadline would not end a thread that waits for the journal.
    let script = "trap '' XFSZ; ulimit -S -f 4096; exec timeout 60 \"$0\" --exact store::tests::process::child --ignored --nocapture";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(exe)
        .env("STORE_CASE", "full")
        .env("STORE_STATE", database.state())
        .env_remove("STORE_URL")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{words}");
}

/// F2 in small: what was acked is there after kill -9, whole, and nothing is in the way of the next
/// start (F21: no stale lock).
#[test]
fn what_was_acked_survives_a_kill() {
    both(async |database| {
        let mut acks = 0;
        for round in 0..4_i64 {
            let mut child = start("load", database, database.state(), "");
            let heads = child.acks(60 + round * 41);
            child.kill();
            let store = open(database);
            for (name, acked) in heads {
                let found = super::bed::all(&store, &name).await.unwrap().len() as i64;
                assert!(found >= acked, "{name}: {acked} rows were acked, {found} are there");
                assert_whole(&store, &name, found).await;
                acks += acked;
            }
            store.close().await;
        }
        assert!(acks > 100, "{acks} rows");
        println!("0 lost of {acks} acked rows");
    });
}

/// F21: the second hub on one file, or one state directory, is refused at once.
#[test]
fn a_second_process_is_refused() {
    both(async |database| {
        let mut holder = start("hold", database, database.state(), "");
        holder.until("OPEN");
        let refused = super::bed::open_with(database, |_, _| {});
        assert!(matches!(refused, Err(Error::Locked(_))), "{:?}", refused.err());
        holder.kill();
        open(database).close().await;
    });
}

#[cfg(feature = "failpoints")]
mod faulty {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;
    use crate::{
        ids::Seq,
        store::{
            Origin, Store,
            tests::bed::{stream, wait_for},
        },
    };

    const SIGABRT: i32 = 6;
    const SIGKILL: i32 = 9;

    /// F9: storage fails, then it is back.
    pub(super) async fn fails(store: &Store) {
        let refused = append(store, first("run:a", 1)).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { append(&store, Append { origin: Origin::Hub, ..first("run:b", 2) }).await }
        });
        let refused = append(store, first("run:c", 1)).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        assert!(store.check().await.is_err(), "readiness shows it");
        assert!(!waiting.is_finished());
        fail::cfg("journal.before_commit", "off").unwrap();
        tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap().unwrap();
        append(store, first("run:c", 1)).await.unwrap();
        store.check().await.unwrap();
        assert_whole(store, "run:b", 2).await;
        let gone = store.journal().read(&stream("run:a"), Seq::ZERO, 1, 1).await;
        assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
    }

    /// F33: the first two panics cost their waiters an error, the third in a minute the process.
    pub(super) async fn panics(store: &Store) {
        for n in 0..2 {
            fail::cfg("journal.mid_batch", "1*panic").unwrap();
            let lost = append(store, first(&format!("run:{n}"), 1)).await;
            assert!(matches!(lost, Err(Error::Unknown)), "{lost:?}");
            append(store, first(&format!("run:{n}"), 3)).await.unwrap();
        }
        println!("STILL HERE");
        fail::cfg("journal.mid_batch", "1*panic").unwrap();
        let _ = append(store, first("run:last", 1)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        println!("NEVER SAID");
    }

    /// A hub that stops while storage fails does not wait for ever for what it cannot write.
    pub(super) async fn closes(store: &Store) {
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { append(&store, Append { origin: Origin::Hub, ..first("run:a", 2) }).await }
        });
        wait_for("storage fails", || store.journal().trouble().is_some()).await;
        tokio::time::timeout(Duration::from_secs(8), store.close()).await.unwrap();
        let refused = waiting.await.unwrap();
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }

    /// The commit's answer is lost three times; the fourth look finds the rows.
    pub(super) async fn unheard(store: &Store) {
        let appended = append(store, first("run:a", 2)).await.unwrap();
        assert_eq!(appended.head, Seq(2));
        append(store, next("run:a", 2, 1)).await.unwrap();
        assert_whole(store, "run:a", 3).await;
    }

    #[test]
    fn a_stop_while_storage_fails_ends() {
        both(async |database| {
            let child = start("close", database, database.state(), "journal.before_commit=return(err)");
            let (status, words) = child.end();
            assert!(status.success(), "{words}");
            open(database).close().await;
        });
    }

    #[test]
    fn an_unheard_commit_is_looked_up() {
        both(async |database| {
            let child = start("unheard", database, database.state(), "journal.after_commit=3*return(err)");
            let (status, words) = child.end();
            assert!(status.success(), "{words}");
        });
    }

    #[test]
    fn storage_that_fails_is_told_and_comes_back() {
        both(async |database| {
            let child = start("fail", database, database.state(), "journal.before_commit=return(err)");
            let (status, words) = child.end();
            assert!(status.success(), "{words}");
        });
    }

    #[test]
    fn a_panicking_journal_is_replaced_until_the_third_time() {
        both(async |database| {
            let (status, words) = start("panic", database, database.state(), "").end();
            assert_eq!(status.signal(), Some(SIGABRT), "{words}");
            assert!(words.contains("STILL HERE") && !words.contains("NEVER SAID"), "{words}");
            let store = open(database);
            assert_whole(&store, "run:0", 3).await;
            assert_whole(&store, "run:1", 3).await;
        });
    }

    /// F1 for the journal's own points: before the commit nothing is there, after it everything.
    #[test]
    fn a_kill_at_each_point_leaves_all_or_nothing() {
        let points = [
            ("journal.before_begin", 0),
            ("journal.mid_batch", 0),
            ("journal.before_commit", 0),
            ("journal.after_commit", 2),
        ];
        for (point, head) in points {
            both(async |database| {
                let (status, words) =
                    start("append", database, database.state(), &format!("{point}=return(kill)")).end();
                assert_eq!(status.signal(), Some(SIGKILL), "{point}: {words}");
                assert!(!words.contains("ANSWER"), "{words}");
                let store = open(database);
                if head == 0 {
                    let read = store.journal().read(&stream("run:a"), Seq::ZERO, 1, 1).await;
                    assert!(matches!(read, Err(Error::NotFound)), "{point}: {read:?}");
                } else {
                    assert_whole(&store, "run:a", head).await;
                }
                append(&store, first("run:b", 1)).await.unwrap();
            });
        }
    }
}
