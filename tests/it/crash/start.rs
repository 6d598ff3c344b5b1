//! Starts: with 100 000 waiting runs, and of a build without crash points.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::harness::{
    database::Kind as Db,
    expect::{eventually, say},
    hub::{command, token},
    world::{ACME, Graph, Rest, World},
};

const WAITING: usize = 100_000;

/// Copies of one waiting run, row by row: the hub wrote the original. (Their checksums are not
/// right, but nothing reads a run that waits.)
fn copies(run: &str) -> String {
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {WAITING}), \
         m(s) AS (SELECT '{run}-' || CAST(i AS TEXT) FROM n)"
    );
    let stream = format!("replace(stream, '{run}', s)");
    let run_columns = "tenant_id, workflow_id, workflow_title, version, status, is_test, executor, \
                       starter_user_id, starter_api_key_id, parent_instance_id, parent_node_id, started_at, \
                       completed_at, error, error_code, attention";
    let like = format!("stream LIKE '%{run}'");
    [
        format!(
            "INSERT INTO streams (stream, epoch, head, owner, owner_version) {numbers} \
             SELECT {stream}, epoch, head, owner, owner_version FROM streams, m WHERE {like}"
        ),
        format!(
            "INSERT INTO journal (stream, seq, kind, payload, at, writer, checksum) {numbers} \
             SELECT {stream}, seq, kind, payload, at, writer, checksum FROM journal, m WHERE {like}"
        ),
        format!(
            "INSERT INTO runs (instance_id, {run_columns}) {numbers} \
             SELECT s, {run_columns} FROM runs, m WHERE instance_id = '{run}'"
        ),
        format!(
            "INSERT INTO timers (stream, key, due_at) {numbers} \
             SELECT {stream}, key, due_at FROM timers, m WHERE {like}"
        ),
    ]
    .join(";\n")
}

#[test]
fn a_hundred_thousand_waiting_runs_start_no_actor() {
    for db in Db::here() {
        let mut world = World::start(db, &[("workflow.max_active_per_tenant", "1000000")]);
        let ann = world.ann();
        let waiting = Graph::new().delay("wait", 3_600_000).end("wait");
        let run = ann.execute(&ann.create(&waiting.body("waits")), &json!({}));
        ann.until_row(&run, "NODE_DISPATCHED", "wait");
        eventually("its timer is a row", Duration::from_secs(10), || {
            let logs = ann.view(&run)["logs"].as_array().cloned()?;
            (logs.len() >= 4).then_some(())
        });
        world.hub.kill();
        world.sql(&copies(&run));
        let begun = Instant::now();
        assert!(world.hub.again(&[]), "{}", world.hub.log());
        let ops = token("ops", &[], true);
        eventually("ready", Duration::from_secs(30), || {
            let ready = world.hub.request("GET", "/readyz", Some(&ops), None);
            (ready.status == 200).then_some(())
        });
        let ready = begun.elapsed();
        let actors = world.hub.get("/admin/v1/actors?kind=run", &ops);
        assert_eq!(actors["actors"], json!([]), "a waiting run needs no actor");
        let list = ann.get("/instances?pageSize=1");
        assert_eq!(list["totalCount"], WAITING + 1);
        say(&format!("{WAITING} waiting runs on {db:?}: ready in {ready:.2?}"));
        assert!(ready <= Duration::from_secs(3), "{ready:?}");
        // the hub is alive with them, and the one that it wrote itself can be ended
        let short = ann.execute(&ann.create(&Graph::new().end("input").body("short")), &json!({}));
        ann.until(&short, "COMPLETED");
        let stop = ann.path(&format!("/instances/{run}/stop"));
        assert_eq!(ann.call("DELETE", &stop, &[], &Value::Null).json()["status"], "CANCELLED");
    }
}

/// `TEST_PLAIN_HUB` is a build without the feature (`make test`), or a release build (`make
/// test-long`): it knows no crash point and lives on whatever `FAILPOINTS` says.
#[test]
fn a_build_without_the_feature_ignores_failpoints() {
    let Some(program) = std::env::var_os("TEST_PLAIN_HUB") else {
        say("FAILPOINTS: NOT TESTED on a plain build, TEST_PLAIN_HUB names none (make test does)");
        return;
    };
    let points = super::points::names();
    for point in &points {
        let found = Command::new("grep").args(["-aqF", point]).arg(&program).status().unwrap();
        assert_eq!(found.code(), Some(1), "{point} is in the binary");
    }
    let dir = tempfile::tempdir().unwrap();
    let like = command(dir.path(), &[]);
    let mut plain = Command::new(program);
    plain.env_clear().current_dir(dir.path()).args(["serve", "--listen", "127.0.0.1:0"]);
    plain.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let armed: Vec<String> = points.iter().map(|point| format!("{point}=return(kill)")).collect();
    plain.env("FAILPOINTS", armed.join(";")).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = plain.spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").and_then(|text| text.parse().ok());
    let outcome = std::panic::catch_unwind(|| {
        let rest = Rest {
            addr: address.expect("it listens"),
            token: token("ann", &[(ACME, "ADMIN")], false),
            tenant: ACME.to_owned(),
            patience: Duration::ZERO,
        };
        let run = rest.execute(&rest.create(&Graph::line().body("plain")), &json!({}));
        rest.until(&run, "COMPLETED");
    });
    let alive = child.try_wait().unwrap().is_none();
    let _ = child.kill();
    let _ = child.wait();
    assert!(outcome.is_ok() && alive, "it died of FAILPOINTS");
}
