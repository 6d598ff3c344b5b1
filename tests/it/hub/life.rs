//! Start and end: one hub a directory, what it leaves on the disk, drain (`faults.md` F8, F21, A69).

use std::{
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    time::{Duration, Instant, SystemTime},
};

use serde_json::json;

use crate::harness::{
    Hub,
    expect::{SOON, eventually},
    hub::{command, token},
    world::{Graph, Rest},
};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_a_hub_makes_is_for_its_user_only() {
    let hub = Hub::with(&[("database.url", "sqlite:jethub.db")]);
    let state = hub.path().join("state");
    assert_eq!(mode(&state), 0o700);
    for entry in std::fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert!(state.join("control.sock").exists() && state.join("jethub.db").exists());
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut hub = hub;
    hub.terminate();
    assert!(hub.restart().log().contains("can be read by others: mode 755"));
}

#[test]
fn a_second_hub_on_the_same_directory_is_refused() {
    let hub = Hub::start();
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
        let begun = Instant::now();
        let output = hub.jethub(arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(begun.elapsed() < Duration::from_secs(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("in use by another process"), "{said}");
    }
    // No stale lock after a crash.
    let hub = hub.crash_and_restart();
    assert_eq!(hub.http().get("/health").status, 200);
}

#[test]
fn a_taken_port_touches_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let output = command(dir.path(), &[]).args(["serve", "--listen", &listen]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("server.listen"));
    assert!(!dir.path().join("state").exists());
}

#[test]
fn sigterm_ends_with_0_and_leaves_no_socket() {
    let mut hub = Hub::start();
    assert_eq!(hub.http().get("/health").status, 200);
    let idle = hub.http();
    let begun = Instant::now();
    assert_eq!(hub.terminate().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10), "an idle connection holds nobody up");
    drop(idle);
    assert!(!hub.path().join("state/control.sock").exists());
    assert!(hub.log().contains("draining"), "{}", hub.log());
    let hub = hub.restart();
    assert_eq!(hub.http().get("/readyz").status, 200);
}

#[test]
fn migrate_brings_an_empty_directory_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let first = command(dir.path(), &[]).arg("migrate").output().unwrap();
    assert_eq!(first.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&first.stderr).contains("migrated: "));
    let second = command(dir.path(), &[]).arg("migrate").output().unwrap();
    assert_eq!((second.stdout, second.stderr.len()), (first.stdout, 0));
}

/// What is begun is finished; what is new is refused; a second signal does not wait.
#[test]
fn drain_finishes_what_is_begun() {
    let head = |hub: &Hub, length: usize| {
        let ann = token("ann", &[("acme", "ADMIN")], false);
        let mut http = hub.http();
        let head = format!(
            "POST /api/v1/tenants/acme/apikeys HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {ann}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        http.send_raw(head.as_bytes()).unwrap();
        http
    };
    let body = b"{\"apiKeyTitle\":\"x\"}";
    let mut hub = Hub::start();
    let mut begun = head(&hub, body.len());
    let mut idle = hub.http();
    assert_eq!(idle.get("/health").status, 200);
    // The request is begun when its claims have made their rows.
    let root = token("root", &[], true);
    let seen = || hub.get("/admin/v1/tenants", &root)["totalCount"].as_i64().filter(|count| *count > 0);
    eventually("the request is begun", SOON, seen);
    hub.signal("TERM");
    eventually("the hub drains", SOON, || hub.log().contains("draining").then_some(()));
    begun.send_raw(body).unwrap();
    assert_eq!(begun.read().unwrap().expect("an answer").status, 201);
    assert_eq!(hub.ended(SOON).code(), Some(0));

    let mut hub = hub.restart();
    let _begun = head(&hub, 100);
    eventually("the request is begun", SOON, || {
        hub.http().get("/metrics").text().contains("verified").then_some(())
    });
    hub.signal("TERM");
    eventually("the hub drains", SOON, || (hub.log().matches("draining").count() > 1).then_some(()));
    let asked = Instant::now();
    hub.signal("INT");
    assert_eq!(hub.ended(SOON).code(), Some(1));
    assert!(asked.elapsed() < Duration::from_secs(2));
    assert_eq!(hub.restart().http().get("/readyz").status, 200);
}

/// A script that runs is waited for, and is not run again; who comes meanwhile is told to come later.
#[test]
fn drain_finishes_a_script() {
    let mut hub = Hub::start();
    let ann = Rest {
        addr: hub.address,
        token: token("ann", &[("acme", "ADMIN")], false),
        tenant: "acme".to_owned(),
        patience: Duration::ZERO,
    };
    let code = "const begun = Date.now(); while (Date.now() < begun + 2000) {} return begun;";
    let again = "return Date.now();";
    let run = ann.execute(
        &ann.create(&Graph::new().js("slow", code).js("next", again).end("slow").body("x")),
        &json!({}),
    );
    ann.until_row(&run, "NODE_DISPATCHED", "slow");
    hub.signal("TERM");
    eventually("the hub waits", SOON, || hub.log().contains("are waited for").then_some(()));
    assert_eq!(ann.refused("POST", "", &json!({})), (503, "DRAINING".to_owned()));
    let session = hub.http().get("/socket.io/?EIO=4&transport=polling");
    assert_eq!(session.status, 503, "{}", session.text());
    assert_eq!(hub.ended(SOON).code(), Some(0));
    let stopped = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();

    let hub = hub.restart();
    let ann = Rest { addr: hub.address, ..ann };
    let ended = ann.until(&run, "COMPLETED");
    let row = |node: &str| {
        let rows = ended["logs"].as_array().unwrap().iter();
        let mut rows = rows.filter(|row| row["eventType"] == "NODE_COMPLETED" && row["nodeID"] == node);
        rows.next().unwrap_or_else(|| panic!("{node}: {ended}")).to_string()
    };
    let _ = (row("slow"), row("next"));
    let begun = ended["contextData"]["slow"].as_u64().unwrap_or_else(|| panic!("{ended}"));
    assert!(u128::from(begun) <= stopped, "it was run again: {ended}");
}

/// systemd is told when the hub is there, that it is alive, and that it stops.
#[test]
fn systemd_hears_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let said = || {
        let mut text = [0; 256];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    let mut hub = Hub::with(&[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")]);
    assert!(said().contains("READY=1"));
    assert!(said().contains("WATCHDOG=1") && said().contains("WATCHDOG=1"));
    hub.signal("TERM");
    while !said().contains("STOPPING=1") {}
    assert_eq!(hub.ended(SOON).code(), Some(0));
}
