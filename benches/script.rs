//! How many one-line scripts a second does the pool run, and how long does one take at worst?
//!
//! `cargo bench --bench script`. Each script has a fresh runtime in a worker process and goes through
//! the pipe there and back.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints what it found, or stops")]

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use jethub::{
    config::sections,
    ids::TenantId,
    script::{Kind, Script, ScriptPool},
};

/// Scripts a measurement.
const COUNT: usize = 4_000;

fn script(tenant: &str, code: &str) -> Script {
    Script {
        tenant: TenantId::parse(tenant).unwrap(),
        code: Arc::from(code),
        ctx: Arc::from(r#"{"input":{"n":1}}"#),
        kind: Kind::Function,
        timeout: Some(Duration::from_secs(5)),
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let settings = sections::Script { workers: 2, ..sections::Script::default() };
    let pool = ScriptPool::with_program(&settings, PathBuf::from(env!("CARGO_BIN_EXE_jethub")));
    for (what, clients, tenants) in
        [("one after the other", 1, 1), ("eight at once", 8, 1), ("eight at once, two tenants in turn", 8, 2)]
    {
        runtime.block_on(measure(&pool, what, clients, tenants));
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
async fn measure(pool: &ScriptPool, what: &str, clients: usize, tenants: usize) {
    pool.run(script("t0", "return 0")).await.unwrap();
    let begun = Instant::now();
    let client = |client: usize| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut times = Vec::with_capacity(COUNT / clients);
            for _ in 0..COUNT / clients {
                let begun = Instant::now();
                pool.run(script(&format!("t{}", client % tenants), "return args.n + 1")).await.unwrap();
                times.push(begun.elapsed());
            }
            times
        })
    };
    let running: Vec<_> = (0..clients).map(client).collect();
    let mut times = Vec::new();
    for run in running {
        times.extend(run.await.unwrap());
    }
    let took = begun.elapsed();
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!(
        "{what}: {:.0} scripts a second, p50 {:?}, p99 {:?}, worst {:?}",
        times.len() as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
