//! `jethub demo`: what it prints can be pasted, and it leaves nothing behind.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use jiff::ToSpan as _;
use serde_json::{Value, json};

use crate::harness::{driver, expect::eventually};

/// A demo that runs, and all that it printed until it was ready.
struct Demo {
    child: Child,
    words: String,
    place: tempfile::TempDir,
}

impl Demo {
    fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_jethub"))
            .args(["demo", "--listen", "127.0.0.1:0"])
            .env("TMPDIR", place.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut words = String::new();
        while !words.contains("# all events:") {
            assert!(out.read_line(&mut words).unwrap() > 0, "it ended: {words}");
        }
        std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
        Self { child, words, place }
    }

    /// What follows a comment, up to the next empty line: as it would be pasted.
    fn block(&self, comment: &str) -> &str {
        let (_, rest) = self.words.split_once(comment).unwrap();
        let (_, rest) = rest.split_once('\n').unwrap();
        rest.split("\n\n").next().unwrap()
    }

    /// Pastes it into a shell that knows the tokens.
    fn paste(&self, commands: &str, dir: &Path) -> String {
        let exports: String = self
            .words
            .lines()
            .filter(|line| line.starts_with("export "))
            .map(|line| format!("{line}\n"))
            .collect();
        let output = Command::new("bash")
            .args(["-c", &format!("{exports}{commands}")])
            .current_dir(dir)
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{commands}\n{words}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, commands: &str) -> Value {
        serde_json::from_str(&self.paste(commands, self.place.path())).unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn its_commands_can_be_pasted() {
    driver::install();
    let mut demo = Demo::start();
    let list = demo.block("# list them");
    let listed = demo.json(list);
    assert_eq!(listed["totalCount"], 7, "{listed}");
    let foreign = demo.json(&list.replace("$BOB", "$EVE"));
    assert_eq!(foreign["success"], false, "{foreign}");
    let started = demo.json(demo.block("# run one; the answer"));
    assert!(started["instanceID"].is_string(), "{started}");
    let runs = demo.json(demo.block("# the last runs"));
    // One by this test, and by itself it has begun another.
    assert!(runs["totalCount"].as_u64() >= Some(2), "{runs}");

    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("node_modules")).unwrap();
    let client = driver::folder().join("node_modules/sio48");
    std::os::unix::fs::symlink(client, dir.path().join("node_modules/socket.io-client")).unwrap();
    // All but the installation, which the tests have done before.
    let (_, watch) = demo.block("# run one and watch it").split_once("&& ").unwrap();
    let seen = demo.paste(watch, dir.path());
    let last = seen.lines().last().unwrap();
    assert!(last.starts_with("workflow_status_update {") && last.contains("COMPLETED"), "{seen}");
    assert_eq!(seen.matches("workflow_node_update {").count(), 5, "{seen}");

    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let month = |before: i64| {
        let first = today.first_of_month().saturating_sub(before.months());
        first.strftime("%Y-%m").to_string()
    };
    let said = demo.paste(demo.block("# ask the assistant"), dir.path());
    let answers: Vec<&str> = said.split("\n> ").collect();
    assert_eq!(answers.len(), 5, "{said}");
    assert!(answers[1].contains(&format!("\nday | orders | euros\n{}", month(1))), "{said}");
    let rows = answers[1].lines().last().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    assert!(rows > Some(20), "{said}");
    assert!(answers[2].contains("Mug") && answers[2].contains("1250"), "{said}");
    // One row would be changed, and none is.
    assert!(answers[3].contains('1') && answers[4].len() > "reject\n".len(), "{said}");

    let tea = demo.json(demo.block("# the shop:"));
    assert_eq!(tea["result"]["result"][0]["month"], month(3), "{tea}");
    let report = demo.json(demo.block("# a report in a loop"));
    let lines =
        report["workflowInstances"]["data"]["report"].as_array().unwrap_or_else(|| panic!("{report}"));
    assert_eq!((lines.len(), &lines[3]["category"]), (4, &json!("Tea")), "{report}");
    assert!(matches!(lines[3]["months"].as_u64(), Some(12 | 13)), "{report}");
    assert!(lines[3]["best"].as_str() >= Some(month(12).as_str()), "{report}");
    let parcel = demo.json(demo.block("# a call that fails"));
    let parcel = &parcel["workflowInstances"];
    assert_eq!(parcel["status"], "COMPLETED", "{parcel}");
    assert!(parcel["data"]["parcel"].to_string().contains("\"JD"), "{parcel}");
    let refund = demo.json(demo.block("# an approval"));
    assert_eq!(
        (&refund["status"], &refund["output"]["said"]),
        (&json!("COMPLETED"), &json!("order 42 is paid back: fine")),
        "{refund}"
    );
    let points = demo.paste(demo.block("# a chart that is fed"), dir.path());
    // The last point may give way to the update of the loop's own end, which comes at once.
    let points: Vec<&str> = points.lines().collect();
    assert!((5..=6).contains(&points.len()), "{points:?}");
    assert_eq!(points.last(), Some(&"COMPLETED 5 points"), "{points:?}");
    assert!(points[3].contains("\"point\":{\"second\":3,"), "{points:?}");

    let stopped = Command::new("kill").args(["-TERM", &demo.child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let status = eventually("the demo ends", Duration::from_secs(30), || demo.child.try_wait().unwrap());
    assert!(status.success(), "{status}");
    let left: Vec<_> = std::fs::read_dir(demo.place.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
