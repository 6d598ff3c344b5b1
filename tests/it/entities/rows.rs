//! Create, read, change, list, remove.

use serde_json::{Value, json};

use super::desk::{Desk, paths};
use crate::harness::{database::Kind, hub::token};

/// Folder, name of the one, of the many, id, title, and what a new one needs.
fn kinds() -> Vec<(&'static str, &'static str, &'static str, &'static str, &'static str, Value)> {
    vec![
        (
            "datasources",
            "datasource",
            "datasources",
            "datasourceID",
            "datasourceTitle",
            json!({ "datasourceType": "http", "datasourceOptions": { "url": "https://api.example.com" } }),
        ),
        ("dataqueries", "dataQuery", "dataQueries", "dataQueryID", "dataQueryTitle", json!({})),
        (
            "widgets",
            "widget",
            "widgets",
            "widgetID",
            "widgetTitle",
            json!({ "widgetType": "bar", "widgetConfig": { "x": 1 }, "refreshInterval": 60 }),
        ),
        (
            "listeners",
            "listener",
            "listeners",
            "listenerID",
            "listenerTitle",
            json!({ "listenerType": "webhook", "listenerOptions": { "x": 1 } }),
        ),
    ]
}

fn with(body: &Value, key: &str, value: impl Into<Value>) -> Value {
    let mut body = body.clone();
    body[key] = value.into();
    body
}

#[test]
fn a_row_is_made_read_changed_listed_and_removed() {
    for db in Kind::here() {
        let desk = Desk::start(db, &[]);
        for (folder, one, many, id, title, body) in kinds() {
            let made = desk.send("POST", &format!("/{folder}"), Some(&with(&body, title, "First")));
            assert_eq!(made.status, 201, "{folder}: {}", made.text());
            let row = made.json()[one].clone();
            assert_eq!((&row[title], &row["tenantID"]), (&json!("First"), &json!("acme")), "{row}");
            assert!(row["createdAt"].as_str().unwrap().ends_with('Z') && row["creatorID"].is_string());
            let path = format!("/{folder}/{}", row[id].as_str().unwrap());
            assert_eq!(desk.get(&path)[one], row, "{folder}");

            // A change touches what it names; `title` is taken as well.
            let saved =
                desk.ok("PATCH", &path, &json!({ "title": "Second, 50%", "unknown": [1] }))[one].clone();
            assert_eq!(saved[title], "Second, 50%");
            for (key, value) in row.as_object().unwrap() {
                if key != title && key != "updatedAt" {
                    assert_eq!(saved[key], *value, "{folder}: {key} is unchanged");
                }
            }
            for n in 0..3 {
                desk.ok("POST", &format!("/{folder}"), &with(&body, title, format!("More {n}")));
            }
            let list = desk.get(&format!("/{folder}?pageSize=2"));
            assert_eq!(
                (&list["totalCount"], &list["totalPages"], &list["pageSize"]),
                (&json!(4), &json!(2), &json!(2))
            );
            assert_eq!((&list[many][0][title], &list[many][1][title]), (&json!("More 2"), &json!("More 1")));
            let next = desk.get(&format!("/{folder}?pageSize=2&page=2"));
            assert_eq!(next[many][1], saved, "{folder}: the same as read alone");
            let cursor = list["nextCursor"].as_str().unwrap();
            assert_eq!(desk.get(&format!("/{folder}?pageSize=2&cursor={cursor}"))[many], next[many]);
            assert_eq!(desk.get(&format!("/{folder}?search=50%25"))["totalCount"], 1);
            assert_eq!(desk.get(&format!("/{folder}?search=moRE"))["totalCount"], 3);

            // Another tenant's admin sees nothing of it, in the words of what is missing.
            let missing = format!("/{folder}/0198c0de-0000-7000-8000-000000000000");
            for method in ["GET", "PATCH", "DELETE"] {
                let body = (method == "PATCH").then(|| json!({ "title": "Mine" }));
                let by = |token: &str, path: &str| {
                    let path = format!("/api/v1/tenants/evil{path}");
                    let reply = desk.world.hub.request(method, &path, Some(token), body.as_ref());
                    (reply.status, reply.json()["error"].clone())
                };
                let foreign = by(&desk.eve, &path);
                assert_eq!(foreign.0, 404, "{method} {path}");
                assert_eq!(foreign, by(&desk.eve, &missing), "{method} {path}");
            }
            // Members read what the contract lets them, and change nothing.
            let reads = if matches!(folder, "datasources" | "listeners") { 403 } else { 200 };
            assert_eq!(desk.send_as(&desk.bob, "GET", &format!("/{folder}"), None).status, reads, "{folder}");
            assert_eq!(desk.send_as(&desk.bob, "DELETE", &path, None).status, 403);
            let gone = desk.ok("DELETE", &path, &Value::Null);
            assert!(gone["message"].as_str().unwrap().ends_with("deleted successfully."), "{gone}");
            assert_eq!(desk.send("GET", &path, None).status, 404);
            assert_eq!(desk.send("DELETE", &path, None).status, 404);
        }
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    for db in Kind::here() {
        let desk = Desk::start(db, &[]);
        let cases: Vec<(&str, Value, Vec<&str>)> = vec![
            ("/datasources", json!({}), vec!["datasourceTitle", "datasourceType"]),
            (
                "/datasources",
                json!({
                    "datasourceTitle": "a\u{7}", "datasourceType": "oracle", "datasourceDescription": 5,
                    "datasourceOptions": { "password": "" },
                }),
                vec![
                    "datasourceTitle",
                    "datasourceDescription",
                    "datasourceType",
                    "datasourceOptions.password",
                ],
            ),
            (
                "/dataqueries",
                json!({ "dataQueryTitle": "", "datasourceID": "elsewhere", "folderID": 3 }),
                vec!["dataQueryTitle", "folderID", "datasourceID"],
            ),
            (
                "/widgets",
                json!({ "widgetTitle": "x".repeat(256), "widgetConfig": [], "refreshInterval": -1 }),
                vec!["widgetType", "widgetTitle", "widgetConfig", "refreshInterval"],
            ),
            (
                "/listeners",
                json!({ "listenerTitle": "a", "status": "\u{0}", "listenerOptions": { "a": ["\u{0}"] } }),
                vec!["status", "listenerOptions.a[0]"],
            ),
            ("/listeners", json!({ "title": "a", "datasourceID": "elsewhere" }), vec!["datasourceID"]),
            ("/widgets/data", json!({ "executionMode": "LATER" }), vec!["workflowID", "executionMode"]),
            ("/datasources/test", json!({ "datasourceType": "oracle" }), vec!["datasourceType"]),
        ];
        for (path, body, expected) in cases {
            let (status, code, error) = desk.refused("POST", path, &body);
            assert_eq!((status, code.as_str()), (400, "VALIDATION_ERROR"), "{path} {body}: {error}");
            let mut found = paths(&error);
            let mut expected = expected;
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{path} {body}: {error}");
        }
        for path in ["/datasources", "/dataqueries", "/widgets", "/listeners"] {
            assert_eq!(desk.refused("POST", path, &json!([])).1, "INVALID_REQUEST", "{path}");
        }
        let large = json!({ "listenerTitle": "a", "listenerOptions": { "x": "y".repeat(70_000) } });
        assert_eq!(paths(&desk.refused("POST", "/listeners", &large).2), ["listenerOptions"]);
        assert!(!desk.world.hub.log().contains("panicked"));
    }
}

#[test]
fn a_data_source_in_use_is_kept_and_its_users_are_named() {
    for db in Kind::here() {
        let desk = Desk::start(db, &[]);
        let source = json!({
            "datasourceTitle": "Shop", "datasourceType": "http",
            "datasourceOptions": { "url": "https://api.example.com" },
        });
        let source = desk.ok("POST", "/datasources", &source)["datasource"]["datasourceID"].clone();
        let path = format!("/datasources/{}", source.as_str().unwrap());
        let listener = json!({ "listenerTitle": "New orders", "datasourceID": source });
        let listener = desk.ok("POST", "/listeners", &listener)["listener"]["listenerID"].clone();
        let (status, code, error) = desk.refused("DELETE", &path, &Value::Null);
        assert_eq!((status, code.as_str()), (409, "CONFLICT"), "{error}");
        assert!(error["message"].as_str().unwrap().contains("\"New orders\""), "{error}");
        assert_eq!(error["details"]["listeners"][0]["listenerID"], listener);
        let listener = format!("/listeners/{}", listener.as_str().unwrap());
        let saved = desk.ok("PATCH", &listener, &json!({ "datasourceID": null }));
        assert_eq!(saved["listener"]["datasourceID"], Value::Null);
        desk.ok("DELETE", &path, &Value::Null);
    }
}

#[test]
fn each_change_leaves_one_row_of_the_audit() {
    for db in Kind::here() {
        let desk = Desk::start(db, &[]);
        let root = token("root", &[], true);
        for (folder, one, _, id, title, body) in kinds() {
            let made = desk.ok("POST", &format!("/{folder}"), &with(&body, title, "A"));
            let id = made[one][id].as_str().unwrap().to_owned();
            let path = format!("/{folder}/{id}");
            desk.ok("PATCH", &path, &json!({ title: "B" }));
            desk.refused("PATCH", &path, &json!({ title: "" }));
            desk.ok("DELETE", &path, &Value::Null);
            desk.refused("DELETE", &path, &Value::Null);
            let audit = desk.world.hub.get("/admin/v1/audit?tenantID=acme", &root);
            let rows = audit["audit"].as_array().unwrap().iter();
            let kind = one.to_lowercase();
            let rows: Vec<&Value> = rows.filter(|row| row["target"] == format!("{kind}:{id}")).collect();
            let actions: Vec<&str> = rows.iter().map(|row| row["action"].as_str().unwrap()).collect();
            let expected = ["delete", "update", "create"].map(|action| format!("{kind}.{action}"));
            assert_eq!(actions, expected, "{folder}");
            assert!(rows.iter().all(|row| row["who"] == "ann"), "{rows:?}");
            assert_eq!(rows[1]["details"]["fields"], json!([title]));
        }
    }
}
