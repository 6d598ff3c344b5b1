//! REST services, and the query service (`faults.md` A48 to A52).

use serde_json::{Value, json};

use super::rig::{Rig, Server, outbound_to, respond, tenant};
use crate::{
    config::{Secret, sections},
    datasource::{check_query, check_source},
    error::{Code, Coded},
    ids::{DataQueryId, DataSourceId, TenantId},
};

fn rig(server: &Server) -> Rig {
    Rig::with(
        sections::DataSource::default(),
        outbound_to(server),
        std::sync::Arc::new(crate::outbound::System),
    )
}

async fn echo() -> Server {
    Server::answering(|request| {
        let (head, body) = request.split_once("\r\n\r\n").unwrap_or_default();
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default().to_owned();
        let headers: serde_json::Map<String, Value> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), json!(value)))
            .collect();
        respond(200, "", &json!({ "line": line, "headers": headers, "body": body }).to_string())
    })
    .await
}

#[tokio::test]
async fn a_request_is_made_of_source_query_and_inputs() {
    let server = echo().await;
    let rig = rig(&server);
    let options = json!({ "url": format!("{}/api/v1/", server.url()), "headers": { "X-A": "source", "X-B": "source" },
        "auth": { "type": "bearer" } });
    let source = rig.source(
        "http",
        options,
        json!({ "token": "canary-token", "secretHeaders": { "X-Secret": "canary-header" } }),
    );
    let query = json!({
        "method": "POST", "path": "/orders/{{id}}/items?fixed=1&x=%20", "query": { "q": "{{q}}", "list": "{{list}}", "gone": "{{gone}}", "mix": "a{{id}}" },
        "headers": { "X-B": "query {{id}}" }, "body": { "n": "{{n}}", "text": "n={{n}}", "list": "{{list}}", "deep": [{ "q": "{{q}}" }], "gone": "{{gone}}" },
    });
    let inputs = json!({ "id": "a/../b?c#d", "q": "x&y=1 %", "list": [1, "b&c"], "n": 7 });
    let answer = rig.ask(&source, query, inputs).await.unwrap();
    assert_eq!(
        answer["line"],
        json!(
            "POST /api/v1/orders/a%2F..%2Fb%3Fc%23d/items?fixed=1&x=+&q=x%26y%3D1+%25&list=1&list=b%26c&mix=aa%2F..%2Fb%3Fc%23d HTTP/1.1"
        )
    );
    let headers = &answer["headers"];
    for (name, value) in [
        ("authorization", "Bearer canary-token"),
        ("x-secret", "canary-header"),
        ("x-a", "source"),
        ("x-b", "query a/../b?c#d"),
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("idempotency-key", "r1/n1/1"),
    ] {
        assert_eq!(headers[name], json!(value), "{name}");
    }
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({ "n": 7, "text": "n=7", "list": [1, "b&c"], "deep": [{ "q": "x&y=1 %" }], "gone": null })
    );
    let form = json!({ "method": "PUT", "bodyType": "form", "body": { "a": "{{q}}", "b": 1 } });
    let answer = rig.ask(&source, form, json!({ "q": "x&y=é" })).await.unwrap();
    assert_eq!(
        (&answer["body"], &answer["headers"]["content-type"]),
        (&json!("a=x%26y%3D%C3%A9&b=1"), &json!("application/x-www-form-urlencoded"))
    );
    let text = json!({ "method": "POST", "bodyType": "text", "body": "say {{q}}" });
    assert_eq!(rig.ask(&source, text, json!({ "q": "it" })).await.unwrap()["body"], json!("say it"));
    let get = rig.ask(&source, json!({ "path": "x" }), json!({})).await.unwrap();
    assert_eq!(
        (&get["line"], get["headers"].get("idempotency-key")),
        (&json!("GET /api/v1/x HTTP/1.1"), None)
    );
}

#[tokio::test]
async fn each_way_to_authenticate() {
    let server = echo().await;
    let rig = rig(&server);
    for (auth, secrets, expected) in [
        (json!({ "type": "basic", "username": "u" }), json!({ "password": "p" }), "authorization"),
        (json!({ "type": "apiKey", "name": "X-Key" }), json!({ "apiKey": "k&1" }), "x-key"),
        (json!({ "type": "apiKey", "name": "key", "in": "query" }), json!({ "apiKey": "k&1" }), ""),
        (json!({ "type": "none" }), json!({}), "none"),
    ] {
        let source = rig.source("http", json!({ "url": server.url(), "auth": auth }), secrets);
        let answer = rig.ask(&source, json!({ "path": "/a" }), json!({})).await.unwrap();
        match expected {
            "authorization" => assert_eq!(answer["headers"][expected], json!("Basic dTpw")),
            "x-key" => assert_eq!(answer["headers"][expected], json!("k&1")),
            "" => assert_eq!(answer["line"], json!("GET /a?key=k%261 HTTP/1.1")),
            _ => assert_eq!(answer["headers"].get("authorization"), None),
        }
    }
}

#[tokio::test]
async fn the_part_of_the_answer_that_counts() {
    let server = Server::answering(|request| match request.split(' ').nth(1).unwrap_or_default() {
        "/json" => {
            respond(200, "content-type: application/json\r\n", r#"{"data":[{"n":1},{"n":2}],"total":2}"#)
        }
        "/text" => respond(200, "", "plain words"),
        "/empty" => respond(204, "", ""),
        "/many" => respond(200, "", &json!((0..10_001).collect::<Vec<_>>()).to_string()),
        "/large" => respond(200, "", &json!("x".repeat(5 << 20)).to_string()),
        "/busy" => respond(429, "retry-after: 30\r\n", "canary-body"),
        "/moved" => respond(302, "location: /json\r\n", ""),
        "/loop" => respond(302, "location: /loop\r\n", ""),
        "/away" => respond(302, "location: http://10.0.0.1:9/\r\n", ""),
        _ => respond(500, "", "canary-body with stack"),
    })
    .await;
    let rig = rig(&server);
    let source = rig.source("http", json!({ "url": server.url() }), json!({}));
    let ask = async |path: &str, more: Value| {
        let mut options = json!({ "path": path });
        options.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        rig.ask(&source, options, json!({})).await
    };
    assert_eq!(ask("/json", json!({})).await.unwrap()["total"], json!(2));
    assert_eq!(ask("/json", json!({ "resultPath": "$.data[*].n" })).await.unwrap(), json!([1, 2]));
    assert_eq!(ask("/json", json!({ "resultPath": "$.total" })).await.unwrap(), json!(2));
    assert_eq!(ask("/moved", json!({ "resultPath": "$.total" })).await.unwrap(), json!(2));
    assert_eq!(ask("/empty", json!({})).await.unwrap(), json!(null));
    assert_eq!(ask("/text", json!({ "responseType": "text" })).await.unwrap(), json!("plain words"));
    for (path, reason, words) in [
        ("/text", "answer", "responseType"),
        ("/busy", "status", "429; it asks to wait 30 s"),
        ("/fail", "status", "500"),
        ("/many", "max_rows", "datasource.max_rows"),
        ("/large", "max_bytes", "datasource.max_bytes"),
        ("/loop", "answer", "too often"),
        ("/away", "blocked_address", "outbound.ports"),
    ] {
        let error = ask(path, json!({})).await.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::QueryFailed, reason), "{path}: {error}");
        assert!(error.to_string().contains(words) && !error.to_string().contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn credentials_stay_behind_when_the_origin_changes() {
    let other = echo().await;
    let to = other.url();
    let server = Server::answering(move |_| respond(307, &format!("location: {to}/there\r\n"), "")).await;
    let outbound = sections::Outbound { ports: vec![server.port, other.port], ..outbound_to(&server) };
    let system = std::sync::Arc::new(crate::outbound::System);
    let rig = Rig::with(sections::DataSource::default(), outbound, system);
    let options = json!({ "url": server.url(), "auth": { "type": "bearer" } });
    let secrets = json!({ "token": "canary-token", "secretHeaders": { "X-Secret": "canary-header" } });
    let source = rig.source("http", options, secrets);
    rig.ask(&source, json!({ "method": "POST", "body": {} }), json!({})).await.unwrap();
    assert!(server.last().contains("canary-token"));
    assert_eq!(other.count(), 1);
    assert!(!other.last().contains("canary"), "{}", other.last());
}

#[tokio::test]
async fn the_inside_is_not_called_and_no_line_is_broken() {
    let server = echo().await;
    // As it is shipped: only public addresses.
    let guarded = Rig::with(
        sections::DataSource::default(),
        sections::Outbound { ports: vec![80, 443, server.port], ..sections::Outbound::default() },
        std::sync::Arc::new(crate::outbound::System),
    );
    let port = server.port;
    for host in [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "0177.1",
        "127.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
    ] {
        let source = guarded.source("http", json!({ "url": format!("http://{host}:{port}/") }), json!({}));
        let error = guarded.fails(&source, json!({ "path": "/x" })).await;
        assert_eq!(error.code(), Code::QueryFailed, "{host}: {error}");
        // Not every resolver knows the name with a full stop.
        let unknown = host == "localhost." && error.reason() == "unreachable";
        let blocked =
            error.reason() == "blocked_address" && error.to_string().contains("outbound.allow_private");
        assert!(blocked || unknown, "{host}: {error}");
    }
    assert_eq!(server.count(), 0);
    let rig = rig(&server);
    let source = rig.source("http", json!({ "url": server.url() }), json!({}));
    for payload in ["a\r\nX-Evil: 1", "a\nb", "a\0b", "a\rb"] {
        let query = json!({ "headers": { "X-A": "{{v}}" } });
        let error = rig.ask(&source, query, json!({ "v": payload })).await.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::QueryFailed, "invalid_header"), "{error}");
    }
    for payload in ["..", "%2e%2e", ".", "a/../.."] {
        let query = json!({ "path": "/safe/{{v}}/x" });
        let outcome = rig.ask(&source, query, json!({ "v": payload })).await;
        match outcome {
            Ok(answer) => assert!(answer["line"].as_str().unwrap().starts_with("GET /safe/"), "{answer}"),
            Err(error) => assert_eq!(error.code(), Code::InputInvalid, "{error}"),
        }
    }
}

#[test]
fn faults_are_told_when_it_is_saved() {
    let query = |options: Value| {
        check_query("http", &options).into_iter().map(|problem| problem.code).collect::<Vec<_>>()
    };
    for (options, code) in [
        (json!({ "method": "TRACE" }), "method"),
        (json!({ "method": "GET\r\n" }), "method"),
        (json!({ "path": "https://evil.test/" }), "path"),
        (json!({ "path": "//evil.test/" }), "path"),
        (json!({ "path": "/a?x={{y}}" }), "template_in_query"),
        (json!({ "path": "/{{a.b}}" }), "template"),
        (json!({ "headers": { "X A": "1" } }), "invalid_header"),
        (json!({ "headers": { "X": "1\r\nY: 2" } }), "invalid_header"),
        (json!({ "headers": { "{{x}}": "1" } }), "invalid_header"),
        (json!({ "resultPath": "data.x" }), "path"),
        (json!({ "query": "a=1" }), "type"),
        (json!({ "bodyType": "xml" }), "body"),
        (json!({ "body": { "a": ["{{z}}"] }, "inputDefinitions": [{ "key": "y" }] }), "unknown_input"),
    ] {
        assert!(query(options.clone()).contains(&code), "{options}: {:?}", query(options.clone()));
    }
    assert_eq!(
        query(json!({ "method": "GET", "path": "/a/{{b}}", "resultPath": "$.x[0]" })),
        Vec::<&str>::new()
    );
    for options in [
        json!({}),
        json!({ "url": "ftp://x" }),
        json!({ "url": "https://user:pw@x/" }),
        json!({ "url": "https://{{x}}/" }),
        json!({ "url": "https://x", "auth": { "type": "oauth" } }),
        json!({ "url": "https://x", "auth": { "type": "apiKey" } }),
        json!({ "url": "https://x", "auth": { "type": "basic" } }),
    ] {
        assert_eq!(check_source("http", &options).len(), 1, "{options}");
    }
}

#[tokio::test]
async fn a_test_says_what_answers() {
    let server = Server::answering(|request| match request.contains("Bearer good") {
        true => respond(404, "", ""),
        false => respond(401, "", ""),
    })
    .await;
    let rig = rig(&server);
    let options = json!({ "url": server.url(), "auth": { "type": "bearer" } });
    let answer = rig.sources.test(&tenant(), "http", &options, &json!({ "token": "good" })).await.unwrap();
    assert_eq!(answer["status"], json!(404));
    let error = rig.sources.test(&tenant(), "http", &options, &json!({ "token": "bad" })).await.unwrap_err();
    assert_eq!(error.reason(), "login");
}

#[tokio::test]
async fn the_query_service_is_asked_for_what_has_no_source() {
    let server = Server::answering(|request| match request {
        request if request.contains("\"dataQueryID\":\"busy\"") => {
            respond(503, "", r#"{"error":{"message":"busy canary-service"}}"#)
        }
        request if request.contains("\"dataQueryID\":\"odd\"") => respond(200, "", "no json"),
        request => respond(
            200,
            "",
            &json!({ "rows": [1], "asked": request.split_once("\r\n\r\n").unwrap().1 }).to_string(),
        ),
    })
    .await;
    let settings = sections::DataSource {
        service_url: Some(format!("{}/run", server.url())),
        service_token: Some(Secret::new("canary-service".to_owned())),
        ..sections::DataSource::default()
    };
    // The operator's own address is exempt from the rules for tenants.
    let rig =
        Rig::with(settings, sections::Outbound::default(), std::sync::Arc::new(crate::outbound::System));
    let options = json!({ "inputDefinitions": [{ "key": "n", "type": "number", "required": true }] });
    let saved = rig.query_of(&tenant(), None, options);
    let answer = rig.sources.run(Rig::call(&saved, json!({ "n": "5", "x": 1 }))).await.unwrap();
    let asked: Value = serde_json::from_str(answer["asked"].as_str().unwrap()).unwrap();
    assert_eq!(
        asked,
        json!({ "tenantID": "t1", "dataQueryID": saved, "inputValues": { "n": 5 }, "instanceID": "r1",
            "nodeID": "n1", "idempotencyKey": "r1/n1/1" })
    );
    assert!(server.last().contains("authorization: Bearer canary-service"));
    let error = rig.sources.run(Rig::call(&saved, json!({}))).await.unwrap_err();
    assert_eq!(error.code(), Code::InputInvalid);
    let theirs = DataQueryId::trusted("of-the-service");
    assert_eq!(rig.sources.run(Rig::call(&theirs, json!({ "a": 1 }))).await.unwrap()["rows"], json!([1]));
    for (id, reason) in [("busy", "status"), ("odd", "answer")] {
        let error = rig.sources.run(Rig::call(&DataQueryId::trusted(id), json!({}))).await.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::QueryFailed, reason), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn without_a_service_or_a_source_it_says_so() {
    let rig = Rig::new(sections::DataSource::default());
    let none = rig.query_of(&tenant(), None, json!({}));
    let error = rig.sources.run(Rig::call(&none, json!({}))).await.unwrap_err();
    assert_eq!(error.code(), Code::QueryUnavailable);
    let gone = rig.query(&DataSourceId::generate(), json!({ "query": "SELECT 1" }));
    assert_eq!(
        rig.sources.run(Rig::call(&gone, json!({}))).await.unwrap_err().code(),
        Code::QueryUnavailable
    );
    // Not there, and not this tenant's: the same answer (faults.md A20).
    let foreign = rig.query_of(&TenantId::trusted("other"), None, json!({}));
    for id in [foreign, DataQueryId::generate()] {
        let error = rig.sources.run(Rig::call(&id, json!({}))).await.unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            (Code::PermissionDenied, "the query is not one of this tenant")
        );
    }
}
