//! Every row of the table of routes, by everybody who may not (`faults.md` A16): nobody, a member
//! without the right, the admin of another tenant; and by who may.

use jethub::http::{Access, Route, routes};
use serde_json::{Value, json};

use crate::harness::{
    Hub, Reply,
    hub::{SECRET, token},
};

/// A request for the row, in that tenant, for subjects that are not there.
fn send(hub: &Hub, route: &Route, tenant: &str, token: Option<&str>) -> Reply {
    let path = route
        .path
        .replace("{tenantID}", tenant)
        .replace("{kind}", "run")
        .replace("{roleTitle}", "no-such-role")
        .split('/')
        .map(|part| if part.starts_with('{') { "0198c0de-0000-7000-8000-000000000000" } else { part })
        .collect::<Vec<_>>()
        .join("/");
    let body = (route.method != "GET").then(|| json!({}));
    hub.request(route.method, &path, token, body.as_ref())
}

fn code(reply: &Reply) -> String {
    let body = reply.json();
    let code = if body["error"].is_object() { &body["error"]["code"] } else { &body["code"] };
    code.as_str().unwrap_or_default().to_owned()
}

/// Without what differs between any two answers.
fn evened(reply: &Reply) -> (u16, Value) {
    let mut body = reply.json();
    body.as_object_mut().unwrap().remove("requestID");
    (reply.status, body)
}

#[test]
fn nobody_gets_further_than_the_table_says() {
    let hub = Hub::start();
    let admin = token("ann", &[("acme", "ADMIN")], false);
    let other = token("eve", &[("evil", "ADMIN")], false);
    let root = token("root", &[], true);
    // Claims make the rows, whenever a token is verified.
    for token in [&admin, &other] {
        assert_ne!(hub.request("GET", "/api/v1/tenants/x/members", Some(token), None).status, 401);
    }
    let names = json!({ "permissions": ["tenant:ai:read"] });
    let role = hub.request("PUT", "/admin/v1/tenants/acme/roles/reader", Some(&root), Some(&names));
    assert_eq!(role.status, 200, "{}", role.text());
    let user = token("bob", &[("acme", "reader")], false);
    let stranger = token("nobody", &[], false);

    let mut rows = 0;
    for route in routes() {
        rows += 1;
        let name = format!("{} {}", route.method, route.path);
        let by = |token: Option<&str>| send(&hub, route, "acme", token);
        match route.access {
            Access::Open => assert_eq!(by(None).status, 200, "{name}"),
            Access::Operations => assert_eq!(by(None).status, 200, "{name}: from loopback"),
            Access::Platform | Access::Tenant(_) => {
                let tenant = route.access != Access::Platform;
                let missing = route.missing.as_str();
                let nobody = by(None);
                assert_eq!((nobody.status, &*code(&nobody)), (401, "USER_AUTH_TOKEN_NOT_FOUND"), "{name}");
                let forged = by(Some("a.b.c"));
                assert_eq!((forged.status, &*code(&forged)), (401, "USER_AUTH_TOKEN_EXPIRED"), "{name}");
                let unknown = by(Some(&stranger));
                assert_eq!((unknown.status, &*code(&unknown)), (401, "INVALID_USER"), "{name}");
                let member = by(Some(&user));
                assert_eq!((member.status, &*code(&member)), (403, "PERMISSION_DENIED"), "{name}");
                let foreign = by(Some(&other));
                let expected = if tenant { (404, missing) } else { (403, "PERMISSION_DENIED") };
                assert_eq!((foreign.status, &*code(&foreign)), expected, "{name}");
                if tenant {
                    let nowhere = send(&hub, route, "no-such-tenant", Some(&other));
                    assert_eq!(evened(&foreign), evened(&nowhere), "{name}: foreign is as missing");
                }
                let allowed = by(Some(if tenant { &admin } else { &root }));
                match allowed.status {
                    200 | 201 => {}
                    // What the request lacks is told after who it is from.
                    400 => assert!(route.method != "GET", "{name}: {}", allowed.text()),
                    404 => {
                        assert!(route.path.contains('{'), "{name}");
                        assert_eq!(code(&allowed), missing, "{name}");
                        if tenant {
                            assert_eq!(evened(&allowed), evened(&foreign), "{name}: own and missing");
                        }
                    }
                    status => panic!("{name}: {status} {}", allowed.text()),
                }
            }
        }
    }
    assert!(rows > 40, "the table was walked: {rows}");
    assert!(!hub.log().contains("panicked"), "{}", hub.log());
}

/// An operator is no member: tenants' data is not theirs by that alone.
#[test]
fn a_platform_admin_is_a_stranger_in_a_tenant() {
    let hub = Hub::start();
    let root = token("root", &[], true);
    hub.post("/admin/v1/tenants", &root, &json!({ "tenantID": "acme" }));
    assert_eq!(hub.request("GET", "/api/v1/tenants/acme/members", Some(&root), None).status, 404);
}

/// Identity is the credential's, whatever a body or query says (`faults.md` A13).
#[test]
fn a_payload_says_nothing_about_who_asks() {
    let hub = Hub::start();
    let ann = token("ann", &[("acme", "ADMIN")], false);
    let bob = token("bob", &[("acme", "MEMBER")], false);
    let root = token("root", &[], true);
    hub.get("/api/v1/tenants/acme/members", &ann);
    let lies = json!({
        "firebaseID": "carl", "role": "ADMIN", "tenantID": "other", "isPlatformAdmin": true,
        "creatorID": "someone", "apiKeyTitle": "x", "platformAdmin": true,
    });
    let path = "/api/v1/tenants/acme/apikeys?firebaseID=ann&tenantID=acme&role=ADMIN";
    assert_eq!(hub.request("POST", path, Some(&bob), Some(&lies)).status, 403);
    let made = hub.post("/api/v1/tenants/acme/apikeys", &ann, &lies);
    assert_eq!((&made["apiKey"]["tenantID"], &made["apiKey"]["role"]), (&json!("acme"), &json!("ADMIN")));
    let ann_id = made["apiKey"]["creatorID"].as_str().unwrap();
    assert_eq!(hub.get(&format!("/admin/v1/users/{ann_id}"), &root)["user"]["firebaseID"], "ann");
    let made = hub.post("/api/v1/tenants/acme/members", &ann, &lies);
    assert_eq!(made["member"]["tenantID"], "acme");
    let carl = made["member"]["userID"].as_str().unwrap();
    assert_eq!(hub.get(&format!("/admin/v1/users/{carl}"), &root)["user"]["isPlatformAdmin"], false);
    assert_eq!(hub.request("GET", "/admin/v1/users", Some(&token("carl", &[], false)), None).status, 403);
    for row in hub.get("/admin/v1/audit?tenantID=acme", &root)["audit"].as_array().unwrap() {
        assert_eq!(row["who"], "ann", "{row}");
    }
    assert!(!hub.log().contains(SECRET));
}
