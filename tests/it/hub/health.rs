//! Is it there, is it well, who sees what (`contract.md` 6.1, `faults.md` A58).

use crate::harness::{Hub, hub::token};

#[test]
fn a_stranger_learns_what_this_is_and_that_it_is_well() {
    let hub = Hub::start();
    let mut http = hub.http();
    let welcome = http.get("/");
    assert_eq!(welcome.status, 200);
    assert!(welcome.text().contains("/docs/asyncapi.yaml") && welcome.text().contains("jethub token"));
    let html = http.request("GET", "/", &[("accept", "text/html,*/*")], b"");
    assert!(html.header("content-type").unwrap().starts_with("text/html"));
    assert!(html.header("content-security-policy").unwrap().contains("default-src 'none'"));

    let health = http.get("/health").json();
    assert_eq!(health["status"], "ok");
    assert!(health["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(http.get("/healthz").text(), "ok\n");
    let ready = http.get("/readyz");
    assert_eq!(ready.status, 200, "{}", ready.text());
    let ready = ready.json();
    assert_eq!(
        (ready["status"].as_str(), ready["parts"]["store"]["ok"].as_bool()),
        (Some("ready"), Some(true))
    );
    assert_eq!(ready["parts"]["store"]["brokenPromises"], serde_json::json!([]));

    let one = http.get("/health").header("x-request-id").unwrap().to_owned();
    let two = http.get("/health").header("x-request-id").unwrap().to_owned();
    assert!(!one.is_empty() && one != two);
}

#[test]
fn metrics_are_for_loopback_and_operators() {
    let hub = Hub::start();
    let local = hub.http().get("/metrics");
    assert!(local.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(local.text().ends_with("# EOF\n"));

    let far = ("x-forwarded-for", "192.0.2.7");
    assert_eq!(hub.http().request("GET", "/metrics", &[far], b"").status, 401);
    for (admin, status) in [(false, 403), (true, 200)] {
        let authorization = format!("Bearer {}", token("ann", &[("acme", "ADMIN")], admin));
        let headers = [far, ("authorization", authorization.as_str())];
        assert_eq!(hub.http().request("GET", "/metrics", &headers, b"").status, status);
    }
}

#[test]
fn a_broken_promise_is_told_by_its_name() {
    let hub = Hub::with(&[("journal.synchronous", "NORMAL"), ("database.url", "sqlite:jethub.db")]);
    let ready = hub.http().get("/readyz").json();
    let broken = &ready["parts"]["store"]["brokenPromises"][0];
    assert!(broken["promise"].as_str().unwrap().starts_with("P1"), "{ready}");
    assert!(hub.http().get("/metrics").text().contains("\njethub_broken_promises 1\n"));
    assert_eq!(hub.log().matches("WARN").filter(|_| hub.log().contains("P1: ")).count(), 1, "{}", hub.log());
}
