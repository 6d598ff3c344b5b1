//! Definitions by REST: what is said of them, their versions, and how they are carried elsewhere.

use serde_json::{Value, json};

use crate::harness::{Hub, hub::token};
use crate::hub::ann::{Ann, code, graph, id, waiting};

fn codes(problems: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    problems.as_array().unwrap().iter().map(|one| (text(&one["path"]), text(&one["code"]))).collect()
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let ann = Ann::start();
    let good = ann.post("/validate", &graph());
    assert_eq!(
        (&good["success"], &good["valid"], &good["problems"]),
        (&json!(true), &json!(true), &json!([]))
    );

    let mut bad = graph();
    bad["title"] = json!("");
    bad["nodes"][1] = json!({ "id": "w", "type": "javscript", "data": { "code": "return 1" } });
    bad["nodes"][2]["data"]["outputParameters"][0]["sourceVariable"] = json!("{{ctx.inptu.n}}");
    bad["edges"][1]["target"] = json!("ee");
    let told = ann.post("/validate", &bad);
    assert_eq!(told["valid"], false);
    let expected = [
        ("title", "MISSING_FIELD"),
        ("nodes[1].type", "UNKNOWN_TYPE"),
        ("edges[1].target", "UNKNOWN_NODE"),
        ("nodes[2]", "UNREACHABLE"),
        ("nodes[2].data.outputParameters[0].sourceVariable", "UNKNOWN_PATH"),
    ];
    let found = codes(&told["problems"]);
    for (path, code) in expected {
        assert!(found.contains(&(path.to_owned(), code.to_owned())), "{path} {code}: {found:#?}");
    }
    let of_type =
        told["problems"].as_array().unwrap().iter().find(|one| one["path"] == "nodes[1].type").unwrap();
    assert_eq!(
        (&of_type["hint"], &of_type["severity"], &of_type["nodeID"]),
        (&json!("did you mean \"javascript\"?"), &json!("error"), &json!("w"))
    );

    // What cannot run is saved, and says so; what cannot be saved says why in the same words.
    bad["title"] = json!("Half");
    let saved = ann.send("POST", "", Some(&bad));
    assert_eq!(saved.status, 201, "{}", saved.text());
    assert!(codes(&saved.json()["problems"]).contains(&("nodes[1].type".into(), "UNKNOWN_TYPE".into())));
    let wf = saved.json()["workflow"]["workflowID"].as_str().unwrap().to_owned();
    let better = ann.send("PATCH", &format!("/{wf}"), Some(&graph())).json();
    assert_eq!(better["problems"], json!([]));
    bad["nodes"][1] = json!({ "id": "w", "type": "delay", "data": { "delayType": "nver" } });
    let refused = ann.send("PATCH", &format!("/{wf}"), Some(&bad));
    assert_eq!((refused.status, code(&refused)), (400, "VALIDATION_ERROR".to_owned()));
    let issue = &refused.json()["error"]["details"]["issues"][0];
    assert_eq!(
        (&issue["path"], &issue["code"]),
        (&json!("nodes[1].data.delayType"), &json!("UNKNOWN_VALUE"))
    );
    let run = ann.send("POST", "/test", Some(&json!({ "nodes": bad["nodes"], "edges": [] })));
    assert_eq!(run.json()["error"]["details"]["problems"][0]["code"], "UNKNOWN_VALUE", "{}", run.text());
}

#[test]
fn a_run_goes_on_with_its_version() {
    let ann = Ann::start();
    let wf = ann.saved(&waiting());
    let run = ann.post(&format!("/{wf}/execute"), &json!({ "inputValues": { "n": 1 } }));
    let version = |answer: &Value| answer["workflow"]["version"].as_i64();
    let path = format!("/{wf}");
    for same in [json!({}), json!({ "title": "Sales" }), waiting()] {
        let patched = ann.send("PATCH", &path, Some(&same)).json();
        assert_eq!(version(&patched), Some(1), "{patched}");
    }
    let moved = ann.send("PATCH", &path, Some(&json!({ "folderID": "f1" }))).json();
    assert_eq!((version(&moved), &moved["workflow"]["folderID"]), (Some(1), &json!("f1")));
    let changed =
        ann.send("PATCH", &path, Some(&json!({ "nodes": graph()["nodes"], "title": "Quick" }))).json();
    assert_eq!(version(&changed), Some(2));

    let versions = ann.get(&format!("/{wf}/versions"))["versions"].clone();
    let listed: Vec<_> =
        versions.as_array().unwrap().iter().map(|one| (&one["version"], &one["title"])).collect();
    assert_eq!(listed, [(&json!(2), &json!("Quick")), (&json!(1), &json!("Sales"))]);
    let first = ann.get(&format!("/{wf}?version=1"));
    assert_eq!((version(&first), &first["workflow"]["title"]), (Some(1), &json!("Sales")));
    assert_eq!(first["workflow"]["tblWorkflowNodes"][1]["nodeConfig"]["delayMinutes"], 1440);
    assert_eq!(code(&ann.send("GET", &format!("/{wf}?version=3"), None)), "WORKFLOW_NOT_FOUND");
    assert_eq!(code(&ann.send("GET", &format!("/{wf}?version=x"), None)), "VALIDATION_ERROR");

    // The new graph would end at once; the run waits for a day.
    assert_eq!(ann.get(&format!("/instances/{}", id(&run)))["status"], "RUNNING");
    let next = ann.post(&format!("/{wf}/execute"), &json!({ "inputValues": { "n": 1 } }));
    assert_eq!(ann.ended(id(&next))["status"], "COMPLETED");
    assert_eq!(ann.get(&format!("/instances/{}", id(&run)))["status"], "RUNNING");
}

fn parent(child: &str) -> Value {
    json!({
        "title": "Parent",
        "nodes": [
            { "id": "s", "type": "start" },
            { "id": "js", "type": "javascript", "data": { "code": "return 1" } },
            { "id": "sub", "type": "subWorkflow", "data": { "childWorkflowID": child, "inputMapping": { "n": "{{ctx.__node_js.output.jsResult}}" } } },
        ],
        "edges": [{ "source": "s", "target": "js" }, { "source": "js", "target": "sub" }],
    })
}

#[test]
fn what_is_exported_is_imported_elsewhere() {
    let ann = Ann::start();
    let child = ann.saved(&graph());
    let wf = ann.saved(&parent(&child));
    let bundle = ann.get(&format!("/{wf}/export"))["bundle"].clone();
    let names: Vec<_> =
        bundle["workflows"].as_array().unwrap().iter().map(|one| &one["workflowID"]).collect();
    assert_eq!(names, [&json!(wf), &json!(child)]);

    let bob = token("bob", &[("other", "ADMIN")], false);
    let there = "/api/v1/tenants/other/workflows";
    let send = |body: &Value| ann.hub.request("POST", &format!("{there}/import"), Some(&bob), Some(body));
    let made = send(&json!({ "bundle": bundle, "title": "Ours" }));
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!(made["workflow"]["title"], "Ours");
    assert!(made["problems"].as_array().unwrap().iter().all(|one| one["severity"] != "error"), "{made}");
    let nodes = &made["workflow"]["tblWorkflowNodes"];
    let new_child = made["workflowIDs"][&child].as_str().unwrap();
    assert_eq!(nodes[2]["nodeConfig"]["childWorkflowID"], new_child);
    let js = nodes[1]["nodeID"].as_str().unwrap();
    assert_ne!(js, "js");
    assert_eq!(
        nodes[2]["nodeConfig"]["inputMapping"]["n"],
        format!("{{{{ctx.__node_{js}.output.jsResult}}}}")
    );
    assert_eq!(made["workflow"]["tblWorkflowEdge"][1]["upstreamNodeID"], js);
    assert_eq!(ann.hub.get(&format!("{there}/{new_child}"), &bob)["workflow"]["title"], "Sales");

    // One bad workflow, and nothing of the bundle is there.
    let count = || ann.hub.get(there, &bob)["totalCount"].clone();
    let mut broken = bundle.clone();
    broken["workflows"][1]["nodes"][1]["data"]["delayType"] = json!("never");
    let refused = send(&json!({ "bundle": broken }));
    let issue = &refused.json()["error"]["details"]["issues"][0];
    assert_eq!(
        (code(&refused), &issue["path"]),
        ("VALIDATION_ERROR".into(), &json!("bundle.workflows[1].nodes[1].data.delayType"))
    );
    broken["formatVersion"] = json!(2);
    assert_eq!(code(&send(&json!({ "bundle": broken }))), "VALIDATION_ERROR");
    assert_eq!(code(&send(&json!({ "bundle": {} }))), "VALIDATION_ERROR");
    assert_eq!(count(), 2);

    // A child that is not in the bundle is no child of whoever imports it.
    let mut alone = bundle;
    alone["workflows"].as_array_mut().unwrap().pop();
    let made = send(&json!({ "bundle": alone })).json();
    assert_eq!(made["workflow"]["tblWorkflowNodes"][2]["nodeConfig"]["childWorkflowID"], "");
    assert_eq!(made["problems"][0]["code"], "UNKNOWN_REFERENCE");

    // A copy reads its own nodes, too.
    let copy = ann.send("POST", &format!("/{wf}/clone"), None).json();
    let nodes = &copy["workflow"]["tblWorkflowNodes"];
    let js = nodes[1]["nodeID"].as_str().unwrap();
    assert_eq!(
        nodes[2]["nodeConfig"]["inputMapping"]["n"],
        format!("{{{{ctx.__node_{js}.output.jsResult}}}}")
    );
    assert_eq!(nodes[2]["nodeConfig"]["childWorkflowID"], json!(child));
}

/// A node whose saved query the tenant does not have fails when it runs: the author is told when it is saved.
#[test]
fn a_query_that_the_tenant_does_not_have_is_said() {
    let ann = Ann::start();
    let query = |token: &str, tenant: &str| {
        let path = format!("/api/v1/tenants/{tenant}/dataqueries");
        let made = ann.hub.post(&path, token, &json!({ "dataQueryTitle": "Q", "dataQueryOptions": {} }));
        made["dataQuery"]["dataQueryID"].as_str().unwrap().to_owned()
    };
    let own = query(&ann.token, "acme");
    let foreign = query(&token("bob", &[("other", "ADMIN")], false), "other");
    let with = |ids: [&str; 2]| {
        json!({
            "title": "Q",
            "nodes": [
                { "id": "s", "type": "start" },
                { "id": "a", "type": "dataQuery", "data": { "dataQueryID": ids[0] } },
                { "id": "b", "type": "dataQuery", "data": { "dataQueryID": ids[1] } },
            ],
            "edges": [{ "source": "s", "target": "a" }, { "source": "a", "target": "b" }],
        })
    };
    let told = |answer: &Value, node: &str, at: usize| {
        let problems = &answer["problems"];
        let expected = (format!("nodes[{at}].data.dataQueryID"), "UNKNOWN_REFERENCE".to_owned());
        assert_eq!(codes(problems), [expected], "{answer}");
        let one = &problems[0];
        assert_eq!((&one["severity"], &one["nodeID"]), (&json!("warning"), &json!(node)), "{one}");
        let hint = one["hint"].as_str().unwrap();
        assert!(hint.contains("dataqueries") && one["message"].as_str().unwrap().contains("query"), "{one}");
    };
    let checked = ann.post("/validate", &with([&own, "nowhere"]));
    told(&checked, "b", 2);
    assert_eq!(checked["valid"], true, "it can be saved, and a run can begin");
    // Another tenant's is told in the same words.
    let other = ann.post("/validate", &with([&own, &foreign]));
    assert_eq!(checked["problems"], other["problems"]);

    let saved = ann.send("POST", "", Some(&with([&foreign, &own])));
    assert_eq!(saved.status, 201, "{}", saved.text());
    told(&saved.json(), "a", 1);
    let wf = saved.json()["workflow"]["workflowID"].as_str().unwrap().to_owned();
    // Also when the graph itself stays.
    told(&ann.send("PATCH", &format!("/{wf}"), Some(&json!({ "title": "R" }))).json(), "a", 1);
    let better = ann.send("PATCH", &format!("/{wf}"), Some(&with([&own, "{{ctx.input.query}}"]))).json();
    assert_eq!(better["problems"], json!([]), "a template is the run's to resolve");
}

/// Whoever runs a query service beside the hub has queries that the hub does not know.
#[test]
fn a_query_service_has_queries_of_its_own() {
    let hub = Hub::with(&[("datasource.service_url", "http://127.0.0.1:9/run")]);
    let ann = Ann { hub, token: token("ann", &[("acme", "ADMIN")], false) };
    let with = json!({
        "title": "Q",
        "nodes": [{ "id": "s", "type": "start" }, { "id": "q", "type": "dataQuery", "data": { "dataQueryID": "theirs" } }],
        "edges": [{ "source": "s", "target": "q" }],
    });
    assert_eq!(ann.post("/validate", &with)["problems"], json!([]));
}

#[test]
fn saved_queries_are_for_those_who_may_run_them() {
    let ann = Ann::start();
    let root = token("root", &[], true);
    let rights = ["list", "create", "read", "update", "test"].map(|right| format!("tenant:workflow:{right}"));
    let role = json!({ "permissions": rights });
    ann.hub.get("/api/v1/tenants/acme/members", &ann.token);
    let put = ann.hub.request("PUT", "/admin/v1/tenants/acme/roles/drawer", Some(&root), Some(&role));
    assert_eq!(put.status, 200, "{}", put.text());
    let with = json!({
        "title": "Q",
        "nodes": [{ "id": "s", "type": "start" }, { "id": "q", "type": "dataQuery", "data": { "dataQueryID": "q1" } }],
        "edges": [{ "source": "s", "target": "q" }],
    });
    let theirs = ann.saved(&with);
    let bob = Ann { token: token("bob", &[("acme", "drawer")], false), ..ann };
    let plain = bob.saved(&graph());
    for (method, path, body) in [
        ("POST", String::new(), &with),
        ("PATCH", format!("/{plain}"), &with),
        ("PATCH", format!("/{theirs}"), &json!({ "title": "Mine" })),
        ("POST", format!("/{theirs}/clone"), &json!({})),
        ("POST", "/test".to_owned(), &with),
    ] {
        let refused = bob.send(method, &path, Some(body));
        assert_eq!((refused.status, code(&refused)), (403, "PERMISSION_DENIED".into()), "{method} {path}");
    }
    assert_eq!(bob.send("PATCH", &format!("/{plain}"), Some(&json!({ "title": "Mine" }))).status, 200);
}

#[test]
fn a_widget_sees_the_run_in_its_own_form() {
    let ann = Ann::start();
    let wf = ann.saved(&graph());
    let run = ann.post(&format!("/{wf}/execute"), &json!({ "inputValues": { "n": 7 } }));
    ann.ended(id(&run));
    let path = format!("/instances/{}/widget", id(&run));
    let config = json!({ "widgetConfig": { "title": "n is {{ctx.input.n}}", "value": "{{ctx.input.n}}" } });
    let shown = ann.post(&path, &config);
    assert_eq!(shown["processedData"], json!({ "title": "n is 7", "value": 7 }));
    assert_eq!((&shown["status"], &shown["output"]), (&json!("COMPLETED"), &json!({ "total": 7 })));
    let fields = ann.post(&path, &json!({ "widgetType": "bar", "datasetFields": { "x": "input.n" } }));
    assert_eq!(fields["processedData"]["datasetFields"], json!({ "x": 7 }));
    assert_eq!(ann.post(&path, &json!({}))["processedData"], Value::Null);
}

#[test]
fn schemas_take_what_the_hub_takes() {
    let ann = Ann::start();
    let answer = ann.get("/schemas");
    let schemas = answer["schemas"].as_object().unwrap();
    assert_eq!(schemas.len(), 13);
    for (name, schema) in schemas {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(ann.get(&format!("/schemas?nodeType={name}"))["schemas"][name], *schema);
    }
    assert_eq!(code(&ann.send("GET", "/schemas?nodeType=definition", None)), "SCHEMA_NOT_FOUND");
    let whole = jsonschema::draft202012::new(&answer["definition"]).unwrap();
    for graph in [graph(), waiting(), parent("c")] {
        assert!(whole.is_valid(&graph), "{graph}");
    }
    let mut wrong = graph();
    wrong["nodes"][1]["data"]["delayMs"] = json!(1000);
    assert!(!whole.is_valid(&wrong));
}
