//! Tenants, users, members, roles and keys: by REST, by the command line, with and without a hub.

use serde_json::{Value, json};

use crate::harness::{
    Hub,
    hub::{command, token},
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn operators_make_tenants_and_tenants_make_members() {
    let hub = Hub::start();
    let root = token("root", &[], true);
    let acme = hub.post("/admin/v1/tenants", &root, &json!({ "tenantID": "acme", "tenantTitle": "Acme" }));
    assert_eq!(acme["tenant"]["tenantTitle"], "Acme");
    assert_eq!(acme["tenant"]["timezone"], "UTC");
    let again = hub.request("POST", "/admin/v1/tenants", Some(&root), Some(&json!({ "tenantID": "acme" })));
    assert_eq!((again.status, again.json()["code"].as_str()), (409, Some("CONFLICT")));
    assert!(again.header("content-type").unwrap().starts_with("application/problem+json"));

    let user = hub.post("/admin/v1/users", &root, &json!({ "firebaseID": "ann", "email": "ann@x.example" }));
    let ann_id = user["user"]["userID"].as_str().unwrap().to_owned();
    let made =
        hub.post("/admin/v1/tenants/acme/members", &root, &json!({ "userID": ann_id, "role": "ADMIN" }));
    assert_eq!(
        (made["member"]["role"].as_str(), made["member"]["email"].as_str()),
        (Some("ADMIN"), Some("ann@x.example"))
    );

    let ann = token("ann", &[], false);
    let bob = hub.post("/api/v1/tenants/acme/members", &ann, &json!({ "firebaseID": "bob" }));
    assert_eq!((bob["success"].as_bool(), bob["member"]["role"].as_str()), (Some(true), Some("MEMBER")));
    let bob_path = format!("/api/v1/tenants/acme/members/{}", bob["member"]["userID"].as_str().unwrap());
    let members = hub.get("/api/v1/tenants/acme/members?pageSize=1", &ann);
    assert_eq!((members["totalCount"].as_i64(), members["totalPages"].as_i64()), (Some(2), Some(2)));
    let cursor = members["nextCursor"].as_str().unwrap();
    let rest = hub.get(&format!("/api/v1/tenants/acme/members?pageSize=1&cursor={cursor}"), &ann);
    assert_eq!((rest["members"][0]["firebaseID"].as_str(), &rest["nextCursor"]), (Some("ann"), &Value::Null));

    let ghost = json!({ "firebaseID": "ghost", "role": "zork" });
    let refused = hub.request("POST", "/api/v1/tenants/acme/members", Some(&ann), Some(&ghost));
    assert_eq!(refused.status, 400);
    assert!(!hub.get("/admin/v1/users", &root).to_string().contains("ghost"), "nothing is left of a refusal");

    let editor = "/api/v1/tenants/acme/roles/editor";
    let names = json!({ "permissions": ["tenant:member:list", "tenant:member:update"] });
    assert_eq!(hub.request("PUT", editor, Some(&ann), Some(&names)).status, 200);
    let role = json!({ "role": "editor" });
    assert_eq!(hub.request("PUT", &bob_path, Some(&ann), Some(&role)).status, 200);
    let bobs = token("bob", &[], false);
    let raise = hub.request("PUT", &bob_path, Some(&bobs), Some(&json!({ "role": "ADMIN" })));
    assert_eq!((raise.status, raise.json()["error"]["code"].as_str()), (403, Some("PERMISSION_DENIED")));
    let wider = json!({ "permissions": ["tenant:workflow:delete"] });
    assert_eq!(hub.request("PUT", editor, Some(&bobs), Some(&wider)).status, 403);

    let ann_path = format!("/api/v1/tenants/acme/members/{ann_id}");
    assert_eq!(hub.request("PUT", &ann_path, Some(&bobs), Some(&role)).status, 403, "no demotion upwards");
    assert_eq!(hub.request("DELETE", &bob_path, Some(&ann), None).status, 200);
    let gone = hub.request("GET", "/api/v1/tenants/acme/members", Some(&bobs), None);
    assert_eq!(gone.status, 404, "at once");
    let off = json!({ "isDisabled": true });
    assert_eq!(
        hub.request("PATCH", &format!("/admin/v1/users/{ann_id}"), Some(&root), Some(&off)).status,
        200
    );
    assert_eq!(hub.request("GET", "/api/v1/tenants/acme/members", Some(&ann), None).status, 403);

    let audit = hub.get("/admin/v1/audit?tenantID=acme", &root);
    let row = &audit["audit"][0];
    assert_eq!((row["action"].as_str(), row["who"].as_str()), (Some("member.delete"), Some("ann")));
    assert_eq!(row["ip"], "127.0.0.1");
    assert!(!row["requestID"].as_str().unwrap().is_empty());
}

#[test]
fn a_key_is_shown_once_and_opens_one_tenant() {
    let hub = Hub::start();
    let ann = token("ann", &[("acme", "ADMIN"), ("other", "ADMIN")], false);
    let made = hub.post("/api/v1/tenants/acme/apikeys", &ann, &json!({ "apiKeyTitle": "ci" }));
    let key = made["key"].as_str().unwrap().to_owned();
    let id = made["apiKey"]["apiKeyID"].as_str().unwrap().to_owned();
    assert!(key.starts_with(made["apiKey"]["apiKeyPrefix"].as_str().unwrap()));
    let listed = hub.get("/api/v1/tenants/acme/apikeys", &ann).to_string();
    assert!(listed.contains(&id) && !listed.contains(&key) && !listed.contains("hash"));

    let authorization = format!("api_key {key}");
    let with = |path: &str, headers: &[(&str, &str)]| hub.http().request("GET", path, headers, b"").status;
    assert_eq!(with("/api/v1/tenants/acme/apikeys", &[("authorization", &authorization)]), 200);
    assert_eq!(with("/api/v1/tenants/acme/apikeys", &[("x-api-key", &key)]), 200);
    assert_eq!(with("/api/v1/tenants/other/apikeys", &[("x-api-key", &key)]), 404);
    assert_eq!(with(&format!("/api/v1/tenants/acme/apikeys?api_key={key}"), &[]), 401, "never by query");
    assert_eq!(with("/api/v1/tenants/acme/apikeys", &[("cookie", &format!("token={key}"))]), 401);
    assert_eq!(with("/admin/v1/tenants", &[("x-api-key", &key)]), 403);

    let path = format!("/api/v1/tenants/acme/apikeys/{id}");
    let off = json!({ "isDisabled": true });
    assert_eq!(hub.request("PATCH", &path, Some(&ann), Some(&off)).status, 200);
    assert_eq!(with("/api/v1/tenants/acme/apikeys", &[("x-api-key", &key)]), 401);
    assert_eq!(hub.request("DELETE", &path, Some(&ann), None).status, 200);
    assert_eq!(hub.request("DELETE", &path, Some(&ann), None).status, 404);
    assert!(!hub.log().contains(&key));
}

/// The same commands, whether a hub runs or not; what one did the other sees.
#[test]
fn the_command_line_works_with_and_without_a_hub() {
    let dir = tempfile::tempdir().unwrap();
    let alone = |arguments: &[&str]| command(dir.path(), &[]).args(arguments).output().unwrap();
    let done = alone(&["tenant", "create", "acme", "--name", "Acme"]);
    assert_eq!(
        (done.status.code(), text(&done.stdout)),
        (Some(0), "acme\n".to_owned()),
        "{}",
        text(&done.stderr)
    );
    let again = alone(&["tenant", "create", "acme"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("CONFLICT: tenant exists already"));

    let hub = Hub::start();
    let by_hub = |arguments: &[&str], code: i32| {
        let output = hub.jethub(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    by_hub(&["tenant", "create", "acme", "--name", "Acme"], 0);
    by_hub(&["user", "create", "ann", "--email", "ann@x.example"], 0);
    by_hub(&["member", "create", "--tenant", "acme", "--user", "ann", "--role", "ADMIN"], 0);
    assert!(by_hub(&["member", "list", "--tenant", "acme"], 0).contains("ann"));
    let ann = token("ann", &[], false);
    assert_eq!(hub.get("/api/v1/tenants/acme/members", &ann)["totalCount"], 1);

    let key = by_hub(&["apikey", "create", "--tenant", "acme", "--user", "ann", "--name", "ci"], 0);
    let key = key.trim();
    let status = |key: &str| {
        hub.http().request("GET", "/api/v1/tenants/acme/apikeys", &[("x-api-key", key)], b"").status
    };
    assert_eq!(status(key), 200);
    let list = by_hub(&["apikey", "list", "--tenant", "acme"], 0);
    let id = list.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    by_hub(&["apikey", "disable", &id, "--tenant", "acme"], 0);
    assert_eq!(status(key), 401);
    by_hub(&["apikey", "revoke", &id, "--tenant", "acme"], 0);
    by_hub(&["apikey", "revoke", &id, "--tenant", "acme"], 1);
    by_hub(&["tenant", "disable", "acme"], 0);
    let closed = hub.request("GET", "/api/v1/tenants/acme/members", Some(&ann), None);
    assert_eq!(closed.status, 403);
    by_hub(&["tenant", "enable", "acme"], 0);
    by_hub(&["user", "disable", "ann"], 0);
    assert_eq!(hub.request("GET", "/api/v1/tenants/acme/members", Some(&ann), None).status, 403);
    let root = token("root", &[], true);
    let row = &hub.get("/admin/v1/audit", &root)["audit"][1];
    assert_eq!(row["action"], "user.update");
    assert!(row["who"].as_str().unwrap().starts_with("control:"));
}
