//! Drives a hub over REST for `benches/workflow/run.sh` and prints what it saw as one line of JSON.
//! See README.md here.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints what real time it saw, or stops"
)]

mod cost;
mod database;
mod http;
mod shapes;
mod table;

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    time::{Duration, Instant, SystemTime},
};

use cost::{Cpu, counter};
use database::Database;
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::LocalSet};

/// Wait after `BUSY`.
const BUSY: Duration = Duration::from_millis(10);

/// Words of the command line: `mode name=value …`.
struct Words(HashMap<String, String>);

impl Words {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
    fn number(&self, name: &str) -> usize {
        self.text(name).parse().unwrap_or_else(|_| panic!("{name}=NUMBER is missing"))
    }
}

fn main() {
    let mut words = std::env::args().skip(1);
    let mode = words.next().unwrap_or_default();
    if mode == "table" {
        return table::print(&words.collect::<Vec<_>>());
    }
    let words = Words(
        words.filter_map(|word| word.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()))).collect(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let line = LocalSet::new().block_on(&runtime, async {
        match mode.as_str() {
            "commit" => json!({"mode": "commit", "db": kind(words.text("db")), "ms": database::commit(words.text("db")).await}),
            "runs" => runs(&words).await,
            "fill" => fill(&words).await,
            "recovered" => recovered(&words).await,
            other => panic!("no mode {other:?}"),
        }
    });
    println!("{line}");
}

fn kind(url: &str) -> &'static str {
    if url.starts_with("sqlite") { "sqlite" } else { "postgresql" }
}

fn micros() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as i64
}

/// The hub and what it has been asked.
struct Bench {
    client: http::Client,
    workflows: String,
    database: Database,
    hub: u32,
    database_word: String,
    /// Runs on their way, with who waits for their end.
    waiting: RefCell<HashMap<String, oneshot::Sender<Instant>>>,
}

impl Bench {
    async fn new(words: &Words) -> Rc<Self> {
        let url = words.text("db").to_owned();
        let word = if kind(&url) == "sqlite" { "" } else { url.rsplit('/').next().unwrap_or_default() };
        Rc::new(Self {
            client: http::Client::new(words.text("hub"), words.text("token")),
            workflows: format!("/api/v1/tenants/{}/workflows", words.text("tenant")),
            database_word: word.to_owned(),
            database: Database::open(&url).await,
            hub: words.number("pid") as u32,
            waiting: RefCell::default(),
        })
    }

    async fn save(&self, definition: &Value) -> String {
        let saved = self.client.post(&self.workflows, definition).await.unwrap();
        find(&saved, "workflowID").unwrap()
    }

    async fn start(&self, workflow: &str, inputs: Value) -> String {
        let path = format!("{}/{workflow}/execute", self.workflows);
        let body = json!({"inputValues": inputs});
        loop {
            match self.client.post(&path, &body).await {
                Ok(started) => return find(&started, "instanceID").unwrap(),
                // A queue is full: what every client does then.
                Err(error) if error.to_string().contains("BUSY") => tokio::time::sleep(BUSY).await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// One run from its request to its end.
    async fn one(&self, workflow: &str, inputs: Value) -> Duration {
        let begun = Instant::now();
        let run = self.start(workflow, inputs).await;
        let (sender, end) = oneshot::channel();
        self.waiting.borrow_mut().insert(run, sender);
        end.await.unwrap().duration_since(begun)
    }

    /// Looks who has ended, often enough for one, seldom enough to cost many nothing.
    async fn watch(self: Rc<Self>, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            let runs: Vec<String> = self.waiting.borrow().keys().cloned().collect();
            if runs.is_empty() {
                continue;
            }
            for (run, status) in self.database.ended(&runs).await {
                assert_eq!(status, "COMPLETED", "{run}");
                if let Some(sender) = self.waiting.borrow_mut().remove(&run) {
                    let _ = sender.send(Instant::now());
                }
            }
        }
    }

    async fn metrics(&self) -> String {
        self.client.get("/metrics").await.unwrap_or_default()
    }
}

fn find(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Object(map) => map
            .get(name)
            .and_then(|value| value.as_str().map(str::to_owned))
            .or_else(|| map.values().find_map(|value| find(value, name))),
        Value::Array(list) => list.iter().find_map(|value| find(value, name)),
        _ => None,
    }
}

fn quantile<T: Copy + Default>(sorted: &[T], part: f64) -> T {
    sorted
        .get(((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// `runs` runs of a shape, `inflight` at once.
async fn runs(words: &Words) -> Value {
    let (name, count, inflight) = (words.text("shape"), words.number("runs"), words.number("inflight"));
    let bench = Bench::new(words).await;
    let (definition, steps) = shapes::shape(name);
    let workflow = bench.save(&definition).await;
    let every = if inflight == 1 { Duration::from_micros(500) } else { Duration::from_millis(5) };
    let watcher = tokio::task::spawn_local(bench.clone().watch(every));
    for k in 0..(inflight / 10).clamp(3, 20) {
        bench.one(&workflow, shapes::inputs(name, k, 0)).await;
    }
    let (metrics, cpu, since, begun) =
        (bench.metrics().await, Cpu::of(bench.hub, &bench.database_word), micros(), Instant::now());
    let next = Rc::new(RefCell::new(0));
    let clients: Vec<_> = (0..inflight)
        .map(|_| {
            let (bench, workflow, next, name) =
                (bench.clone(), workflow.clone(), next.clone(), name.to_owned());
            tokio::task::spawn_local(async move {
                let mut times = Vec::new();
                loop {
                    let k = *next.borrow();
                    if k >= count {
                        return times;
                    }
                    *next.borrow_mut() += 1;
                    times.push(bench.one(&workflow, shapes::inputs(&name, k, 0)).await);
                }
            })
        })
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    let (took, cpu) = (begun.elapsed(), Cpu::of(bench.hub, &bench.database_word).since(cpu));
    watcher.abort();
    times.sort();
    let after = bench.metrics().await;
    let mut written = bench.database.written(since).await;
    written.steps.sort_unstable();
    let all = (count * steps) as f64;
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let commits =
        counter(&after, "jethub_journal_commits_total") - counter(&metrics, "jethub_journal_commits_total");
    json!({
        "mode": "runs", "db": kind(words.text("db")), "shape": name, "inflight": inflight, "runs": count, "steps": steps,
        "steps_per_s": all / took.as_secs_f64(),
        "run_ms": {"p50": ms(quantile(&times, 0.5)), "p99": ms(quantile(&times, 0.99))},
        "step_ms": {"p50": quantile(&written.steps, 0.5) as f64 / 1000.0, "p99": quantile(&written.steps, 0.99) as f64 / 1000.0},
        "rows_a_step": written.rows as f64 / all,
        "commits_a_step": commits / all,
        "bytes_a_step": written.bytes as f64 / all,
        "cpu_us_a_step": {"hub": cpu.hub as f64 / all, "scripts": cpu.workers as f64 / all, "database": cpu.database as f64 / all},
    })
}

/// Starts runs that do not end by themselves; what they cost in memory.
async fn fill(words: &Words) -> Value {
    let (name, count) = (words.text("shape"), words.number("runs"));
    let bench = Bench::new(words).await;
    let workflow = bench.save(&shapes::shape(name).0).await;
    // Everything that a first run brings to life, and the threads' own memory.
    for k in 0..200 {
        bench.start(&workflow, shapes::inputs(name, k, words.number("until") as u64)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let alive = |metrics: String| counter(&metrics, "jethub_actors_alive{kind=\"run\"}");
    let (alive_before, before) = (alive(bench.metrics().await), cost::resident(bench.hub));
    let begun = Instant::now();
    let next = Rc::new(RefCell::new(0));
    let clients: Vec<_> = (0..16)
        .map(|_| {
            let (bench, workflow, next, name, until) = (
                bench.clone(),
                workflow.clone(),
                next.clone(),
                name.to_owned(),
                words.number("until") as u64,
            );
            tokio::task::spawn_local(async move {
                while *next.borrow() < count {
                    let k = *next.borrow();
                    *next.borrow_mut() += 1;
                    bench.start(&workflow, shapes::inputs(&name, k, until)).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let took = begun.elapsed();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (actors, after) = (alive(bench.metrics().await), cost::resident(bench.hub));
    let (unfinished, attention) = bench.database.unfinished().await;
    let resident = (actors - alive_before).max(1.0);
    json!({
        "mode": "fill", "part": words.text("part"), "db": kind(words.text("db")), "shape": name, "runs": count, "starts_per_s": count as f64 / took.as_secs_f64(),
        "unfinished": unfinished, "attention": attention, "actors": actors,
        "bytes": after as i64 - before as i64,
        "bytes_a_resident_run": (after as f64 - before as f64) / resident,
    })
}

/// After a start at `since`: when the first and the last of the runs with an attempt on its way had
/// ended.
async fn recovered(words: &Words) -> Value {
    let (since, count) = (words.number("since") as i64, words.number("runs") as i64);
    let database = Database::open(words.text("db")).await;
    let begun = Instant::now();
    let (seen, first, last) = loop {
        let (seen, first, last) = database.ended_since(since).await;
        if seen >= count || begun.elapsed() > Duration::from_secs(60) {
            break (seen, first, last);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    };
    let after = |at: i64| (seen > 0).then(|| (at - since) as f64 / 1e6);
    json!({
        "mode": "recovered", "db": kind(words.text("db")), "runs": count, "seen": seen,
        "first_s": after(first), "all_s": after(last),
    })
}
