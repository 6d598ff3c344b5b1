//! A credential of a data source goes in and is never seen again (`faults.md` A46).

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::desk::{Desk, paths};
use crate::harness::{database::Kind, hub::token};

const CANARY: &str = "canary-7f3a9c51-never-shown";
const SECOND: &str = "canary-second-2b8e-never-shown";

/// Every file below a directory that holds the text.
fn holding(dir: &Path, text: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            holding(&path, text, found);
        } else if let Ok(bytes) = fs::read(&path)
            && bytes.windows(text.len()).any(|window| window == text.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn a_credential_is_found_nowhere() {
    for db in Kind::here() {
        let mut desk = Desk::start(db, &[]);
        let root = token("root", &[], true);
        let mut said = String::new();
        let body = json!({
            "datasourceTitle": "Shop", "datasourceType": "http",
            "datasourceOptions": {
                "url": "https://127.0.0.1:9/", "password": CANARY, "token": CANARY,
                "secretHeaders": { "X-Key": CANARY },
            },
        });
        let mut keep = |desk: &Desk, method: &str, path: &str, body: Option<&Value>| {
            let reply = desk.send(method, path, body);
            said.push_str(&reply.text());
            reply
        };
        let made = keep(&desk, "POST", "/datasources", Some(&body));
        assert_eq!(made.status, 201, "{}", made.text());
        let row = made.json()["datasource"].clone();
        let shown = &row["datasourceOptions"];
        assert_eq!(
            (&shown["password"], &shown["apiKey"]),
            (&json!({ "set": true }), &json!({ "set": false }))
        );
        let path = format!("/datasources/{}", row["datasourceID"].as_str().unwrap());

        // Reading, listing, sending back what was read, trying, failing: none of them shows or loses it.
        keep(&desk, "GET", &path, None);
        keep(&desk, "GET", "/datasources", None);
        let back = json!({ "datasourceTitle": "Shop 2", "datasourceOptions": shown });
        let saved = keep(&desk, "PATCH", &path, Some(&back)).json();
        assert_eq!(saved["datasource"]["datasourceOptions"], *shown, "kept");
        let only_title = keep(&desk, "PATCH", &path, Some(&json!({ "title": "Shop 3" }))).json();
        assert_eq!(only_title["datasource"]["datasourceOptions"], *shown, "kept");
        keep(&desk, "POST", &format!("{path}/test"), Some(&json!({})));
        keep(&desk, "POST", "/datasources/test", Some(&body));
        let mut wrong = body.clone();
        wrong["datasourceOptions"]["password"] = json!(format!("{CANARY}\u{0}"));
        wrong["datasourceOptions"]["token"] = json!([CANARY]);
        wrong["datasourceOptions"]["secretHeaders"] = json!({ "a": [CANARY] });
        assert_eq!(keep(&desk, "POST", "/datasources", Some(&wrong)).status, 400);
        assert_eq!(keep(&desk, "PATCH", &path, Some(&wrong)).status, 400);

        // It is not sent elsewhere by who may change the source and does not know it.
        let mut elsewhere = shown.clone();
        elsewhere["url"] = json!("https://evil.example/");
        let moved = keep(&desk, "PATCH", &path, Some(&json!({ "datasourceOptions": elsewhere })));
        assert_eq!(moved.status, 400, "{}", moved.text());
        let error = moved.json()["error"].clone();
        let mut told = paths(&error);
        told.sort_unstable();
        let expected = ["password", "secretHeaders", "token"].map(|key| format!("datasourceOptions.{key}"));
        assert_eq!(told, expected);
        for key in ["token", "secretHeaders"] {
            elsewhere[key] = Value::Null;
        }
        elsewhere["password"] = json!(SECOND);
        let moved = keep(&desk, "PATCH", &path, Some(&json!({ "datasourceOptions": elsewhere }))).json();
        let shown = &moved["datasource"]["datasourceOptions"];
        assert_eq!(shown["password"], json!({ "set": true }), "{moved}");
        assert_eq!(shown["token"], json!({ "set": false }), "{moved}");

        said.push_str(&desk.world.hub.get("/admin/v1/audit", &root).to_string());
        said.push_str(&desk.world.hub.request("GET", "/metrics", None, None).text());
        let (dumped, state) = (desk.world.database.dump(&desk.world.state()), desk.world.state());
        desk.world.hub.terminate();
        said.push_str(&desk.world.hub.log());
        for secret in [CANARY, SECOND] {
            assert!(!said.contains(secret), "an answer, the audit, metrics or the log show it");
            assert!(!dumped.contains(secret), "the rows show it");
            let mut found = Vec::new();
            holding(&state, secret, &mut found);
            assert_eq!(found, Vec::<String>::new());
        }
        assert!(dumped.contains("Shop 3"), "the rows were looked at");
    }
}
