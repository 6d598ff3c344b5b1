//! Rights are those of who approves, at that moment; and the audit says who it was.

use serde_json::{Value, json};

use crate::chat::shop::*;
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via},
    hub::token,
    world::ACME,
};

/// What a member of the shop may do, but for some of it.
fn without(taken: &[&str]) -> Value {
    let all = [
        "tenant:ai:chat",
        "tenant:dataquery:list",
        "tenant:dataquery:read",
        "tenant:dataquery:execute",
        "tenant:workflow:list",
        "tenant:workflow:read",
        "tenant:workflow:execute",
    ];
    json!({ "permissions": all.into_iter().filter(|right| !taken.contains(right)).collect::<Vec<_>>() })
}

impl Shop {
    /// From now on a person has a role without these rights. What they do by REST afterwards gives them
    /// their token's role again.
    #[track_caller]
    pub(in crate::chat) fn take_from(&self, user: &str, taken: &[&str]) {
        let root = token("root", &[], true);
        let hub = &self.world.hub;
        let put = |path: String, body: &Value| {
            let reply = hub.request("PUT", &path, Some(&root), Some(body));
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        };
        let role = format!("LESS-{user}");
        put(format!("/admin/v1/tenants/{ACME}/roles/{role}"), &without(taken));
        put(format!("/admin/v1/tenants/{ACME}/members/{}", self.user(user)), &json!({ "role": role }));
    }

    /// The id of a member.
    #[track_caller]
    fn user(&self, subject: &str) -> String {
        let all = self.world.hub.get(&format!("/admin/v1/tenants/{ACME}/members"), &token("root", &[], true));
        let one = all["members"].as_array().unwrap().iter().find(|one| one["firebaseID"] == subject);
        one.unwrap_or_else(|| panic!("no {subject}: {all}"))["userID"].as_str().unwrap().to_owned()
    }

    /// The tenant's audit of what concerns chats, oldest first.
    #[track_caller]
    fn audit(&self) -> Vec<Value> {
        let path = format!("/admin/v1/audit?tenantID={ACME}&pageSize=200");
        let all = self.world.hub.get(&path, &token("root", &[], true));
        let of_chat = |row: &&Value| row["action"].as_str().unwrap().starts_with("chat.");
        let mut rows: Vec<Value> = all["audit"].as_array().unwrap().iter().filter(of_chat).cloned().collect();
        rows.reverse();
        rows
    }
}

/// Bob and Cyd in Bob's room.
fn two(shop: &Shop, driver: &mut Driver) -> String {
    for name in ["bob", "cyd"] {
        shop.page(driver, name, Via::Websocket);
    }
    let room = enter(driver, "bob", json!({}));
    let (status, body) =
        shop.rest("bob", "POST", &format!("/{room}/members"), &json!({ "firebaseID": "cyd" }));
    assert_eq!(status, 201, "{body}");
    enter(driver, "cyd", json!({ "chatRoomID": room }));
    room
}

#[test]
fn a_right_that_was_taken_meanwhile_is_none() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        let mut driver = Driver::start(KINDS[0]);
        let room = two(&shop, &mut driver);
        let refunds = [
            (7, "tenant:dataquery:execute", "Refund order 7".to_owned()),
            (0, "tenant:workflow:execute", REPORT.to_owned()),
        ];
        for (order, right, asked) in refunds {
            shop.take_from("bob", &[]);
            let proposed = say(&mut driver, "bob", &room, json!(asked));
            let id = proposed["proposal"]["id"].clone();
            assert!(id.is_string(), "{proposed}");
            shop.take_from("bob", &[right]);
            for name in [Some(&id), None] {
                let refused = act(&mut driver, "bob", &room, "approve", name);
                let text = refused["text"].as_str().unwrap();
                assert!(text.contains("I did nothing") && text.contains(right), "{refused}");
                assert_eq!(refused["errorCode"], "PERMISSION_DENIED", "{refused}");
                assert!(text.contains("Somebody else in this room"), "{refused}");
            }
            let runs = shop.world.ann().get(&format!("/instances?workflowID={}", shop.report));
            assert_eq!((shop.till.refunds_of(order), &runs["totalCount"]), (0, &json!(0)));
            // It is open still, for who may.
            let done = act(&mut driver, "cyd", &room, "approve", Some(&id));
            assert!(done["text"].as_str().unwrap().starts_with("Done"), "{done}");
            let late = act(&mut driver, "bob", &room, "approve", Some(&id));
            assert!(late["text"].as_str().unwrap().contains("carried out already"), "{late}");
        }
        assert_eq!((shop.till.refunds(), shop.till.refunds_of(7)), (1, 1));
        let runs = shop.world.ann().get(&format!("/instances?workflowID={}", shop.report));
        assert_eq!(runs["totalCount"], 1, "{runs}");
    }
}

/// To run a query is one right, to see how it is made another.
#[test]
fn a_statement_is_shown_to_who_may_read_it() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        let mut driver = Driver::start(KINDS[3]);
        let room = two(&shop, &mut driver);
        refund(&mut driver, "bob", &room, 7);
        shop.take_from("cyd", &["tenant:dataquery:read"]);
        let bobs = act(&mut driver, "bob", &room, "test", None);
        let text = bobs["text"].as_str().unwrap();
        assert!(text.contains("INSERT INTO refunds") && text.contains('7'), "{bobs}");
        let cyds = act(&mut driver, "cyd", &room, "test", None);
        let text = cyds["text"].as_str().unwrap();
        assert!(text.contains("Refund an order") && text.contains('7'), "{cyds}");
        assert!(!cyds.to_string().contains("INSERT"), "{cyds}");
        assert_eq!(shop.till.refunds(), 0);
    }
}

/// Who is out of the tenant, or out of the room, decides nothing.
#[test]
fn who_is_out_decides_nothing() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        let mut driver = Driver::start(KINDS[0]);
        let room = two(&shop, &mut driver);
        let id = refund(&mut driver, "bob", &room, 7)["proposal"]["id"].clone();
        let cyd = shop.user("cyd");
        let (status, body) = shop.rest("bob", "DELETE", &format!("/{room}/members/{cyd}"), &Value::Null);
        assert_eq!(status, 200, "{body}");
        let yes = json!([{ "chatRoomID": room, "message": { "action": "approve", "proposalID": id } }]);
        let refused = driver.ask("cyd", SAY, yes.clone())[0].clone();
        assert_eq!(refused["error"]["code"], "ROOM_NOT_FOUND", "{refused}");
        let root = token("root", &[], true);
        let bob = format!("/admin/v1/tenants/{ACME}/members/{}", shop.user("bob"));
        assert_eq!(shop.world.hub.request("DELETE", &bob, Some(&root), None).status, 200);
        let refused = driver.ask("bob", SAY, yes)[0].clone();
        assert_eq!(refused["error"]["code"], "ROOM_NOT_FOUND", "{refused}");
        assert_eq!(shop.till.refunds(), 0);
    }
}

#[test]
fn the_audit_says_who_approved_what_when_and_from_where() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        let mut driver = Driver::start(KINDS[0]);
        let room = two(&shop, &mut driver);
        let done = refund(&mut driver, "bob", &room, 7)["proposal"].clone();
        act(&mut driver, "cyd", &room, "test", None);
        act(&mut driver, "cyd", &room, "approve", None);
        act(&mut driver, "bob", &room, "approve", Some(&done["id"]));
        let no = refund(&mut driver, "bob", &room, 8)["proposal"].clone();
        say(&mut driver, "bob", &room, json!({ "action": "reject", "text": "not this one" }));
        let run = say(&mut driver, "cyd", &room, json!(REPORT))["proposal"].clone();
        let started = act(&mut driver, "bob", &room, "approve", None);
        shop.take_from("cyd", &["tenant:dataquery:execute"]);
        let open = refund(&mut driver, "bob", &room, 9)["proposal"].clone();
        act(&mut driver, "cyd", &room, "approve", None);

        let rows: Vec<Value> =
            shop.audit().into_iter().filter(|row| row["action"] != "chat.member.add").collect();
        let told: Vec<(&str, &str, &str)> = rows
            .iter()
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap_or_default();
                (text("action"), text("who"), text("target"))
            })
            .collect();
        let [done_id, no_id, run_id, open_id] =
            [&done, &no, &run, &open].map(|one| format!("proposal:{}", one["id"].as_str().unwrap()));
        let expected = [
            ("chat.proposal.create", "bob", done_id.as_str()),
            ("chat.proposal.approve", "cyd", &done_id),
            ("chat.proposal.done", "cyd", &done_id),
            ("chat.proposal.create", "bob", &no_id),
            ("chat.proposal.reject", "bob", &no_id),
            ("chat.proposal.create", "cyd", &run_id),
            ("chat.proposal.approve", "bob", &run_id),
            ("chat.proposal.done", "bob", &run_id),
            ("chat.proposal.create", "bob", &open_id),
            ("chat.proposal.approve", "cyd", &open_id),
            ("chat.proposal.denied", "cyd", &open_id),
        ];
        assert_eq!(told, expected, "a test, and a yes that came too late, change nothing");
        for row in &rows {
            assert_eq!((&row["ip"], &row["tenantID"]), (&json!("127.0.0.1"), &json!(ACME)), "{row}");
            assert!(row["at"].as_str().unwrap().ends_with('Z'), "{row}");
            assert_eq!(row["details"]["chatRoomID"], json!(room), "{row}");
        }
        let approved = &rows[1]["details"];
        assert_eq!(
            approved["call"]["arguments"], done["arguments"],
            "what it was, word for word: {approved}"
        );
        assert_eq!(approved["call"]["tool"], "run_query", "{approved}");
        assert_eq!(approved["summary"], done["summary"]);
        assert_eq!(rows[4]["details"]["reason"], "not this one");
        assert_eq!(rows[7]["details"]["instanceID"], started["instanceID"]);
        // What the room tells says nothing of addresses: they are for the audit.
        let (_, export) = shop.rest("bob", "GET", &format!("/{room}/export"), &Value::Null);
        assert!(!export.to_string().contains("127.0.0.1"), "{export}");
    }
}

/// Who approves has seen what would be run: what was saved anew since then is not that.
#[test]
fn what_was_changed_meanwhile_was_approved_by_nobody() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        let mut driver = Driver::start(KINDS[0]);
        shop.page(&mut driver, "bob", Via::Websocket);
        let room = enter(&mut driver, "bob", json!({}));
        let proposed = refund(&mut driver, "bob", &room, 7);
        let id = proposed["proposal"]["id"].clone();
        let ann = shop.world.ann();
        let path = format!("/api/v1/tenants/{ACME}/dataqueries/{}", shop.refund);
        let mut options =
            ann.call("GET", &path, &[], &Value::Null).json()["dataQuery"]["dataQueryOptions"].clone();
        options["query"] = json!("INSERT INTO refunds (sale) SELECT {{order}} + id FROM sales");
        let saved = ann.call("PATCH", &path, &[], &json!({ "dataQueryOptions": options }));
        assert_eq!(saved.status, 200, "{}", saved.text());
        for action in ["test", "approve"] {
            let told = act(&mut driver, "bob", &room, action, Some(&id));
            assert!(
                told["text"].as_str().unwrap().contains("changed since it was proposed"),
                "{action}: {told}"
            );
            assert_eq!(shop.till.refunds(), 0, "{action}");
        }
        // Asked for again, it is what is saved now.
        let id = refund(&mut driver, "bob", &room, 7)["proposal"]["id"].clone();
        act(&mut driver, "bob", &room, "approve", Some(&id));
        assert!(shop.till.refunds() > 1);
    }
}
