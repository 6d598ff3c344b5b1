//! The data of a workflow's widget (`contract.md` 4.4, 6.3).

use serde_json::{Value, json};

use super::desk::Desk;
use crate::harness::{database::Kind, world::Graph};

fn doubled() -> Value {
    let mut body = Graph::line().body("Double");
    body["nodes"] = json!([
        { "id": "s", "type": "start", "data": {} },
        { "id": "w", "type": "delay", "data": { "delayType": "fixed", "delayMs": 20 } },
        { "id": "e", "type": "end", "data": {
            "outputParameters": [{ "name": "n", "sourceVariable": "{{ctx.input.n}}" }],
        } },
    ]);
    body["edges"] =
        json!([{ "id": "1", "source": "s", "target": "w" }, { "id": "2", "source": "w", "target": "e" }]);
    body
}

#[test]
fn a_widgets_data_is_a_run() {
    for db in Kind::here() {
        let desk = Desk::start(db, &[]);
        let workflow = desk.ok("POST", "/workflows", &doubled())["workflow"]["workflowID"].clone();
        let now =
            desk.ok("POST", "/widgets/data", &json!({ "workflowID": workflow, "inputValues": { "n": 4 } }));
        let run = &now["workflowInstances"];
        assert_eq!((&run["status"], &run["workflowTitle"]), (&json!("PENDING"), &json!("Double")), "{now}");
        assert!(run["instanceID"].is_string() && run.get("data").is_none(), "{now}");

        let waited = json!({ "workflowID": workflow, "executionMode": "SYNC", "inputParams": { "n": 5 } });
        let waited = desk.ok("POST", "/widgets/data", &waited);
        let run = &waited["workflowInstances"];
        assert_eq!((&run["status"], &run["data"]), (&json!("COMPLETED"), &json!({ "n": 5 })), "{waited}");

        // A saved widget says which workflow, how, and what of it is shown; members may ask.
        let config = json!({
            "workflowID": workflow, "executionMode": "SYNC", "inputValues": { "n": 6, "m": 1 },
            "title": "Sum", "value": "{{ctx.output.n}}",
        });
        let widget = json!({ "widgetTitle": "Chart", "widgetType": "bar", "widgetConfig": config });
        let widget = desk.ok("POST", "/widgets", &widget)["widget"]["widgetID"].clone();
        let path = format!("/widgets/{}/data", widget.as_str().unwrap());
        let asked = desk.send_as(&desk.bob, "POST", &path, Some(&json!({ "inputValues": { "n": 7 } })));
        let run = asked.json()["workflowInstances"].clone();
        assert_eq!((&run["status"], &run["data"]["value"]), (&json!("COMPLETED"), &json!(7)), "{run}");
        assert_eq!(run["data"]["title"], "Sum");
        let view = desk.get(&format!("/workflows/instances/{}", run["instanceID"].as_str().unwrap()));
        assert_eq!(view["contextData"]["input"], json!({ "n": 7, "m": 1 }));

        let (status, code, _) = desk.refused("POST", "/widgets/data", &json!({ "workflowID": "elsewhere" }));
        assert_eq!((status, code.as_str()), (404, "WORKFLOW_NOT_FOUND"));
        let plain = desk.ok("POST", "/widgets", &json!({ "widgetTitle": "Text", "widgetType": "text" }));
        let path = format!("/widgets/{}/data", plain["widget"]["widgetID"].as_str().unwrap());
        assert_eq!(desk.refused("POST", &path, &Value::Null).1, "VALIDATION_ERROR");
        let foreign = format!("/api/v1/tenants/evil{path}");
        assert_eq!(desk.world.hub.request("POST", &foreign, Some(&desk.eve), Some(&json!({}))).status, 404);
    }
}

/// A failed run is told with its reason.
#[test]
fn a_failure_is_told() {
    let desk = Desk::start(Kind::here()[0], &[]);
    let mut body = doubled();
    body["nodes"][1] =
        json!({ "id": "w", "type": "javascript", "data": { "code": "throw new Error('no stock')" } });
    let workflow = desk.ok("POST", "/workflows", &body)["workflow"]["workflowID"].clone();
    let told = desk.ok("POST", "/widgets/data", &json!({ "workflowID": workflow, "executionMode": "sync" }));
    let run = &told["workflowInstances"];
    assert_eq!(run["status"], "FAILED", "{told}");
    assert!(run["error"].as_str().unwrap().contains("no stock") && run.get("data").is_none(), "{told}");
}
